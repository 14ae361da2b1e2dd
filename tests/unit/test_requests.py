"""The rule: what a task wants and what a node has are compared exactly, and each lack is told in plain words."""

import time

import pytest

from dsgspool import names
from dsgspool.codec import parse_task
from dsgspool.conditions import Gpu, Inventory, about, digits, inventory_of, parse_where
from dsgspool.errors import InvalidTask
from dsgspool.requesting import written_plainly
from dsgspool.requests import NOTHING, Request, Room, why_unfit
from dsgspool.task import Budget, Decision, Kind, Outcome, Retry, State, decide

G = 1 << 30
A100, T4 = Gpu(0, 40 * G, "NVIDIA A100-SXM4-40GB"), Gpu(1, 16 * G, "Tesla T4")
NODE = Inventory(
    "n3.lab.org", 8, 64 * G, 100 * G, (A100, T4), {"samtools": "1.17"}, {"rack": "b2", "gen": "4"}, {"licence": 2}
)


def request_of(text):
    return parse_task(f"command: x\n{text}\n".encode()).request


# -- where


@pytest.mark.parametrize(
    "where",
    [
        "ram>=64G", "ram>32G gpu~a100 has:samtools host!=n4", "host=n3", "host=n3.lab.org", "host~lab", "cpus=8",
        "gpus<3", "gpu_memory>=40G", "rack=b2", "rack!=a1", "rack~B", "gen>3", "colour!=red", "scratch>=100G",
    ],
)  # fmt: skip
def test_a_node_meets_these_conditions(where):
    assert why_unfit(Request(where=parse_where(where)), NODE) == []


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("ram>=65G", "has ram 64G, it wants ram>=65G"),
        ("gpu~H100", "of its GPUs (NVIDIA A100-SXM4-40GB 40G, Tesla T4 16G) no one meets gpu~H100"),
        ("has:bwa", "has no bwa (spool.yaml, `software`)"),
        ("host!=n3", "has the name n3.lab.org, it wants host!=n3"),
        ("host=n4", "has the name n3.lab.org, it wants host=n4"),
        ("rack=a1", "has the label rack=b2, it wants rack=a1"),
        ("colour=red", "has no label colour, it wants colour=red"),
        ("gen>4", "has the label gen=4, it wants gen>4"),
        ("cpus>8", "has cpus 8, it wants cpus>8"),
    ],
)
def test_a_condition_that_is_not_met_is_told(where, why):
    assert why_unfit(Request(where=parse_where(where)), NODE) == [why]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("ram>=64G gpu", ("`gpu` at character 10", "is no condition")),
        ("ram >= 64G", ("`ram` at character 1", "without spaces")),
        ("memory>=64G", ("called ram", "write ram>=64G")),
        ("hostname=n3", ("called host", "write host=n3")),
        ("ram==64G", ("the sign ==", "write ram=64G")),
        ("ram~64", ("compares the number ram",)),
        ("gpus>=two", ("compares the number gpus",)),
        ("gpu=A100", ("holds spaces", "gpu~A100")),
        ("host>n3", ("as a number",)),
        ("rack>b", ("as a number",)),
        ("has=samtools", ("has:samtools",)),
        ("ram:64G", ("has:samtools",)),
        ("'  '", ("it is empty",)),
    ],
)
def test_a_where_that_cannot_be_meant_says_at_which_character_and_what_to_write(where, words):
    with pytest.raises(InvalidTask) as error:
        request_of(f"where: {where}")
    assert error.value.line == 2
    assert [word for word in words if word not in str(error.value)] == []


# -- fitting


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("resources: {memory: 64G, gpus: 2, scratch: 100G, licence: 2}", []),
        ("resources: {memory: 65G}", ["has 64G of memory, it wants 65G"]),
        ("resources: {scratch: 1T}", ["has 100G of scratch space, it wants 1024G"]),
        ("resources: {gpus: 3}", ["has 2 GPUs, it wants 3"]),
        ("resources: {gpus: 2, gpu_memory: 20G}", ["has 1 GPU of at least 20G, it wants 2"]),
        ("resources: {gpu_memory: 80G}", ["has no GPU of at least 80G, it wants 1"]),
        ("resources: {gpus: 2}\nwhere: gpu~A100", ["has 1 GPU that meet its `where`, it wants 2"]),
        (
            "resources: {licence: 3, disk-bandwidth: 1}",
            ["has no disk-bandwidth, it wants 1", "has 2 licence, it wants 3"],
        ),
    ],
)
def test_what_a_node_lacks_for_ever_is_told(text, why):
    assert why_unfit(request_of(text), NODE) == why


def test_what_a_worker_writes_of_its_node_is_read_back():
    assert inventory_of({"host": NODE.host, "cpus": NODE.cpus, **NODE.facts()}) == NODE
    assert inventory_of({"host": "old", "memory_bytes": 5}) == Inventory("old")


@pytest.mark.parametrize(
    "odd",
    [{"memory_bytes": float("inf")}, {"labels": {"rack": [2]}}, {"resources": {"licence": None}}, {"software": 1}],
)
def test_what_somebody_else_made_of_a_workers_facts_is_no_reason_to_break(odd):
    request = request_of("resources: {licence: 1}\nwhere: rack=b2 has:samtools")
    node = inventory_of({"host": "n", "cpus": 8, **NODE.facts(), **odd})
    assert node.host == "n"
    assert why_unfit(request, node)


def test_a_task_gets_the_smallest_gpu_that_does_and_gives_it_back():
    room, small, big = (
        Room.of(NODE).left(8),
        request_of("resources: {gpus: 1}"),
        request_of("resources: {gpu_memory: 20G}"),
    )
    assert room.take(1, small) == (T4,)
    assert room.takes(1, big)
    assert room.take(1, big) == (A100,)
    assert not room.takes(1, small)
    room.give(small, (T4,))
    assert (room.takes(1, small), room.takes(1, big), room.cpus) == (True, False, 6)


def test_memory_and_counted_resources_are_taken_until_there_are_none():
    room, wanted = Room.of(NODE).left(8), request_of("resources: {memory: 30G, licence: 1}")
    for _ in range(2):
        assert room.takes(1, wanted)
        room.take(1, wanted)
    assert not room.takes(1, wanted)


# -- lanes


def test_the_lane_of_a_request_is_readable_fits_its_length_and_is_the_same_however_it_is_written():
    one = request_of("resources: {memory: 16G, gpus: 1}\nwhere: host!=n3 gpu~A100")
    other = request_of("where: 'gpu~A100   host!=n3'\nresources:\n  gpus: 1\n  memory: 16384M")
    assert names.lane_for(0, 4, one) == names.lane_for(0, 4, other)
    assert names.lane_for(10, 1, one).startswith("p10,mem16G-gpus1")
    longest = names.lane_for(-999999, 99999, one)
    assert len(longest) <= names.MAX_LANE
    assert names.parse_lane(longest) == names.Lane(-999999, 99999, wants=one.digest)


def test_the_lane_of_a_ladder_is_that_of_its_rung():
    ladder = request_of("resources: {memory: [8G, 16G]}")
    digests = [request_of(f"resources: {{memory: {size}}}").digest for size in ("8G", "16G", "16G")]
    assert [ladder.on_rung(ooms).digest for ooms in range(3)] == digests


# -- the same without a parser


@pytest.mark.parametrize(
    "text",
    [
        "resources: {cpus: 4, memory: 16G, gpus: 1}   # a remark",
        "resources: { memory: [8G, 16G, 32G] , licence: 2, }",
        'resources: {memory: "16G"}\nwhere: "ram>=64G"',
        "resources:\n  # all of it\n  memory: 900M\n\n  scratch: 1.5T   # here\nwhere: gpu~A100  # there",
        "resources:\n    memory:\n    - 8G\n    - 16G\n    gpus: 1",
        "where: ram>=64G has:samtools",
        "where: 'rack=a1'",
        "script: |\n  #!/bin/sh\n  resources: {memory: 5G}\nwhere: ram>=1G",
    ],
)  # fmt: skip
def test_what_is_written_plainly_is_found_without_a_parser(text):
    data = f"{'' if 'script' in text else 'command: x' + chr(10)}{text}\n".encode()
    task = parse_task(data)
    assert task.request
    assert written_plainly(data) == (task.cpus if task.cpus > 1 else None, task.request)


@pytest.mark.parametrize(
    "data",
    [
        b"{command: x, resources: {memory: 8G}}",
        b"command: x\nresources: {memory:\n  8G}\n",
        b'command: x\n"where": ram>=64G\n',
        b"command: x\nwhere:\n  ram>=64G\n",
    ],
)
def test_what_is_not_written_plainly_is_refused_with_the_way_to_write_it(data):
    with pytest.raises(InvalidTask, match=r"at a glance.*resources: \{memory: 16G"):
        parse_task(data)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("resources: {mem: 3}", "called `memory`"),
        ("resources: {gpu_memroy: 3G}", "did you mean `gpu_memory`"),
        ("resources: {gpu: A100}", "gpu~A100"),
        ("resources: {memory: [8G, 4G]}", "that grow"),
        ("resources: {memory: 0}", "no size above 0"),
        ("resources: {gpus: 1.5}", "whole number"),
        ("resources: {2licences: 1}", "cannot be a resource's name"),
        ("cpus: 2\nresources: {cpus: 3}", "keep one of them"),
        ("limits: {memory: 3G}\nresources: {memory: 3G}", "keep one"),
        ("memory: 16G", "resources: {memory: 16G"),
        ("node: n3", "called `where`"),
    ],
)
def test_a_wrong_request_is_refused_with_the_remedy(text, words):
    with pytest.raises(InvalidTask) as error:
        request_of(text)
    assert words in str(error.value)


# -- ladders


def test_an_oom_with_a_rung_left_is_tried_again_whatever_retries_says_and_uses_none_of_them():
    ladder, oom = Retry(retries=1, rungs=3), Outcome(Kind.OOM)
    budget = Budget()
    for ooms in (1, 2):
        decision = decide(oom, budget, ladder)
        assert decision == Decision(State.TODO, budget=Budget(ooms=ooms))
        budget = decision.budget
    assert decide(oom, budget, ladder) == Decision(State.TODO, budget=Budget(1, 0, 2))
    assert decide(oom, Budget(1, 0, 2), ladder) == Decision(State.FAILED, "oom")
    assert decide(oom, Budget(), Retry()) == Decision(State.FAILED, "oom")


def test_the_rung_is_remembered_in_the_name_through_losses_and_failures():
    name = names.TaskName("x").returned(Budget(1, 2, 3), "aaaaaaaa-1")
    assert name.path == "x~1l2o3.aaaaaaaa-1.yaml"
    assert names.parse(name.path).budget == Budget(1, 2, 3)
    assert decide(Outcome(Kind.LOST), Budget(ooms=1), Retry()).budget == Budget(0, 1, 1)
    assert decide(Outcome(Kind.EXIT, 1), Budget(ooms=1), Retry(retries=1)).budget == Budget(1, 0, 1)


def test_a_task_that_wants_nothing_is_nothing():
    assert request_of("cpus: 4") == NOTHING == request_of("resources: {cpus: 4}")
    assert not NOTHING


@pytest.mark.parametrize(
    "text",
    [
        "where: a" + " " * 200_000 + "x",
        "resources: {" + "," * 200_000 + "}",
        "resources:\n" + "  a: 1\n" * 30_000,
        "where: " + "a#" * 100_000,
        "resources:\n  memory:\n" + "  - 8G\n" * 25_000 + "x: 1",
        "where: a=b " + "c:d " * 50_000,
        f"where: a{' ' * 1900}:\n" * 130,
    ],
    ids=["spaces", "commas", "lines", "hashes", "rungs", "words", "repeated"],
)
def test_no_text_keeps_its_reader_busy(text):
    before = time.process_time()
    assert written_plainly(f"command: x\n{text}\n".encode()) == (None, NOTHING)
    assert time.process_time() - before < 1


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0, "0"),
        (0.75, "0.75"),
        (0.00005, "0.00005"),
        (90.0, "90"),
        (0.1 + 0.2, "0.3"),
        (1234567.5, "1234567.5"),
        (1e9, "1000000000"),
    ],
)
def test_numbers_are_told_without_an_exponent(number, told):
    assert digits(number) == told


@pytest.mark.parametrize(
    ("gib", "told"),
    [(0, "0G"), (0.5, "512M"), (1.5, "1.5G"), (999.96, "1000G"), (9999.7, "10000G"), (1 << 20, "1048576G")],
)
def test_sizes_are_told_without_an_exponent(gib, told):
    assert about(int(gib * 2**30)) == told
