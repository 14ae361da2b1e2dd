"""`why`: the reason first, then what would change it, for every state that a task can be in."""

import json
import os
import shlex
import subprocess
import time

import pytest

from dsgspool.cli.sentences import sentences
from dsgspool.cli.turns import Turns
from dsgspool.clock import iso, local
from dsgspool.names import lane_for
from dsgspool.requests import Request
from dsgspool.spool import Spool
from dsgspool.worker.telling import overdue

WID, OTHER = "n1-abcdefgh", "n2-abcdefgh"
WHOLE = "command: echo hi\n...\n"


@pytest.fixture
def worker(spool):
    """A worker that is alive: worker(slots=4), with running tasks."""

    def make(wid=WID, slots=4, control="", **facts):
        (spool / "running" / wid).mkdir(exist_ok=True)
        facts = {"worker": wid, "host": wid[:2], "slots": slots, "user": os.getuid(), **facts}
        text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in facts.items())
        (spool / f"workers/{wid}.lock").write_text("")
        (spool / f"workers/{wid}.yaml").write_text(f"{text}...\n")
        if control:
            (spool / f"workers/{wid}.control.yaml").write_text(f"{control}\n...\n")

    return make


@pytest.fixture
def why(run):
    """What `why NAME` says."""

    def ask(*names):
        result = run("why", *names)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    return ask


def test_a_paused_spool(spool, put, worker, why):
    put("todo/a.yaml")
    worker()
    (spool / "PAUSE").touch()
    assert "the spool is paused" in why("a") and "-> dsgspool resume" in why("a")


def test_no_worker(put, why):
    put("todo/a.yaml")
    assert "no worker is alive" in why("a") and "-> dsgspool worker" in why("a")


def rest(spool, wid, until):
    (spool / f"workers/{wid}.rest").write_text(f'key: "run_between"\nwhy: "19:00-08:00"\nuntil_unix_s: {until}\n...\n')


def test_nodes_outside_of_their_hours_are_told_with_the_end_of_that(spool, put, worker, why):
    put("todo/a.yaml")
    worker()
    worker(OTHER)
    rest(spool, WID, 2000000000)
    told = why("a")
    assert f"{WID}: takes tasks again at {local(2e9)} (run_between: 19:00-08:00)" in told
    assert f"{OTHER}: free" in told and "a worker is free" in told
    rest(spool, OTHER, 1900000000)
    told = why("a")
    assert f"no node is to be had now; the first, {OTHER}, takes tasks again at {local(1.9e9)}" in told
    assert f"-> dsgspool workers set {OTHER} run_between=always" in told


def test_a_node_that_somebody_uses_is_told_with_the_word_that_has_it_take_tasks_all_the_same(spool, put, worker, why):
    put("todo/a.yaml")
    worker()
    (spool / f"workers/{WID}.rest").write_text('key: "only_when_idle"\nwhy: "others"\nuntil_unix_s: null\n...\n')
    told = why("a")
    assert f"{WID}: takes tasks again when that is over (only_when_idle: others)" in told
    assert f"-> dsgspool workers set {WID} only_when_idle=false" in told


def test_too_many_slots_are_told_with_the_largest_worker_and_for_each_node(put, worker, why):
    put("todo/@cpus8/a~0.abcdefgh-1.yaml", "command: x\ncpus: 8\n...\n")
    worker(slots=4)
    worker(OTHER, slots=2)
    told = why("a")
    assert f"it wants 8 slots, and the largest worker, {WID}, has 4" in told
    assert f"{OTHER}: too small: 2 of 8 slots" in told
    assert "-> dsgspool worker --slots 8" in told


def test_a_task_in_a_lane_for_more_slots_than_its_policy_wants_by_now_is_told_with_the_way_out(put, spool, worker, why):
    (spool / "batches/w.yaml").write_text("defaults:\n  command: x\n  cpus: 1\n...\n")
    put("todo/@cpus8/w/a~0.abcdefgh-1.yaml", "params: {n: 1}\n...\n")
    worker(slots=4)
    told = why("w/a")
    assert "it lies in the lane @cpus8, for 8 slots, where it was filed; it wants 1 by now" in told
    assert f"-> mv '{spool}/todo/@cpus8/w/a~0.abcdefgh-1.yaml' {spool}/todo/w/\n" in told


@pytest.mark.parametrize("folder", ["todo", "todo/s", "todo/@p10/s"])
def test_a_task_that_is_open_in_an_editor_says_so(spool, put, worker, why, folder):
    worker()
    put(f"{folder}/v2.yaml", WHOLE)
    put(f"{folder}/w.yaml", WHOLE)
    put(f"{folder}/.v2.yaml.swp")
    told = why("s/v2" if folder.endswith("s") else "v2")
    assert "somebody has it open in an editor: .v2.yaml.swp\n" in told and "free" not in told
    assert f"-> rm {spool}/{folder}/.v2.yaml.swp\n" in told
    assert "editor" not in why("s/w" if folder.endswith("s") else "w")


def test_why_a_file_is_in_hold(put, why):
    for name, said in (
        ("a", "somebody parked it in hold/"),
        ("b~settling.abcdefgh-1", "nobody knows whether its file is whole: its worker died before it began it"),
        ("c~changed.abcdefgh-1", "its file was changed while it ran"),
        ("d~duplicate.abcdefgh-1", "a copy of the file of a running task"),
    ):
        put(f"hold/{name}.yaml", WHOLE)
        told = why(name[0])
        assert said in told and f"-> dsgspool release {name[0]}\n" in told


NODE = {"cpus": 8, "memory_bytes": 64 << 30, "scratch_bytes": 0, "software": {}, "labels": {}, "resources": {}}
GPU = {"index": 0, "memory_bytes": 16 << 30, "model": "Tesla T4"}


def test_what_each_node_lacks_is_told(put, worker, why):
    text = "command: x\nresources: {memory: 128G, gpus: 1}\nwhere: host!=n2\n...\n"
    put("todo/@mem128G=abcdef/a~0.abcdefgh-1.yaml", text)
    worker(gpus=[], **NODE)
    worker(OTHER, gpus=[GPU], **{**NODE, "memory_bytes": 256 << 30})
    told = why("a")
    assert "it wants memory=128G gpus=1 host!=n2, and no worker that is alive has all of that" in told
    assert f"{WID}: has 64G of memory, it wants 128G; has no GPU, it wants 1\n" in told
    assert f"{OTHER}: has the name n2, it wants host!=n2\n" in told
    assert "-> dsgspool edit a where=\n" in told, "n2 has all the rest"


@pytest.mark.parametrize(
    ("wants", "where", "changes"),
    [
        (
            "{gpus: 1}",
            "gpu~A100",
            "where= resources.gpus=",
        ),  # nobody has a GPU at all: without `where` it would not run either
        ("{gpus: 1}", "cpus>=4", "resources.gpus="),
        ("{memory: 1G}", "rack=b", "where="),
        ("{cpus: 2, memory: 900G}", "cpus>=4", "resources.memory="),
        ("{memory: [1G, 2G], gpus: 1}", "cpus>=4", "resources.gpus="),
        ("{memory: [100G, 200G], gpus: 1}", "cpus>=4", "resources.memory= resources.gpus="),
        (
            "{gpus: 1, gpu_memory: 8G, memory: 1G}",
            "gpu~A100 ram>=1G",
            "where='ram>=1G' resources.gpus= resources.gpu_memory=",
        ),
        ("{scratch: 1T, tape: 2}", "host=n1 has:samtools", "where=host=n1 resources.scratch= resources.tape="),
    ],
)
def test_the_remedy_takes_out_all_that_keeps_it_and_no_more(put, run, worker, why, wants, where, changes):
    put("todo/a~0.abcdefgh-1.yaml", f"command: x\nresources: {wants}\nwhere: {where}\n...\n")
    worker(gpus=[], **NODE)
    assert f"-> dsgspool edit a {changes}\n" in why("a")
    pasted = shlex.split(f"edit a {changes}")
    assert run(*pasted, "--yes").stdout.splitlines()[-1] == "a"
    assert "a worker is free" in why("a")


@pytest.mark.parametrize(
    ("gpus", "wants", "where", "changes"),
    [
        ([GPU], "{gpus: 1, gpu_memory: 40G}", "ram>=1G", "resources.gpu_memory="),
        ([GPU], "{gpus: 1}", "gpu~A100 ram>=1G", "where='ram>=1G'"),
        ([GPU, {**GPU, "model": "A100"}], "{gpus: 2}", "gpu~A100", "where="),
    ],
)
def test_of_gpus_that_are_there_nothing_is_taken_out(put, run, worker, why, gpus, wants, where, changes):
    put("todo/a~0.abcdefgh-1.yaml", f"command: x\nresources: {wants}\nwhere: {where}\n...\n")
    worker(gpus=gpus, **NODE)
    assert f"-> dsgspool edit a {changes}\n" in why("a")
    assert run(*shlex.split(f"edit a {changes}"), "--yes").exit_code == 0
    assert "a worker is free" in why("a")


def test_what_has_no_room_now_is_told(put, worker, why):
    text = "command: x\nresources: {gpus: 1}\n...\n"
    put("todo/@gpus1=abcdef/a~0.abcdefgh-1.yaml", text)
    worker(gpus=[GPU], **NODE)
    put(f"running/{WID}/@gpus1=abcdef%b~0.abcdefgh-2@{WID}.1.yaml", text.replace("gpus: 1", "gpus: 1, memory: 40G"))
    assert f"{WID}: busy: of what is free now it has no GPU, it wants 1\n" in why("a")
    put("todo/c~0.abcdefgh-3.yaml", text.replace("gpus: 1", "memory: 1G").replace("...", "where: ram>=64G\n..."))
    assert f"{WID}: free\n" in why("c")


@pytest.fixture
def licences(spool):
    """spool.yaml says how many there are; the marks of those that are taken."""

    def take(there, *marks):
        (spool / "spool.yaml").write_text(f"resources: {{licence: {there}}}\n")
        for mark in marks:
            (spool / f"taken/licence={mark}").touch()

    return take


def test_what_others_have_of_the_whole_spools_is_told_with_who_has_it(put, worker, why, licences):
    put("todo/@licence-1=abcdef/a~0.abcdefgh-1.yaml", "command: x\nresources: {licence: 1}\n...\n")
    worker(**NODE)
    licences(5, f"1@{WID}.7", f"3@{OTHER}.8")
    assert "a worker is free" in why("a")
    licences(5, f"1@{OTHER}.9")
    told = why("a")
    assert f"it wants licence=1, and all 5 of the spool are taken (by {OTHER} 4, {WID})\n" in told
    assert "-> wait: it begins within seconds when enough of it is free\n" in told
    assert "-> raise `licence` below `resources` in " in told and told.rstrip().endswith("to 6, if there are so many")
    put("todo/b~0.abcdefgh-2.yaml", "command: x\nresources: {licence: 2}\n...\n")
    licences(6)
    assert "it wants licence=2, and 5 of 6 of the spool are taken (by" in why("b")


@pytest.fixture
def wants(put):
    """A task in the lane of its request: wants('a', licence=2); `words` begin the lane's name."""

    def make(path, words="", cpus=1, licence=1):
        lane = lane_for(0, cpus, Request(named=(("licence", licence),)))
        text = f"command: x\ncpus: {cpus}\nresources: {{licence: {licence}}}\n...\n"
        return put(f"todo/@{words}{lane}/{path}~0.abcdefgh-1.yaml", text)

    return make


def test_what_is_free_and_kept_for_one_that_wants_more_is_told_with_its_name(spool, put, worker, why, licences, wants):
    """Workers try its lane first, and keep what it wants (worker/packing.py)."""
    worker(**NODE)
    licences(5, f"3@{OTHER}.8")
    wants("a", licence=1)
    assert "a worker is free" in why("a")
    wants("s/z", licence=3)
    told = why("a")
    assert (
        "it wants licence=1, and what is free, 2 of 5 of the spool, is kept for s/z, which wants licence=3 and comes"
        in told
    )
    assert "-> wait: it begins after that one, for which see: dsgspool why s/z\n" in told
    assert told.rstrip().endswith("to 7, if there are so many")
    assert "it wants licence=3, and 3 of 5 of the spool are taken" in why("s/z")
    put("batches/s.yaml", "paused: true\n...\n")
    assert "a worker is free" in why("a"), "one that is not started keeps nothing"


@pytest.mark.parametrize(
    ("words", "cpus", "mine"),
    [("", 1, "p1,"), ("", 16, ""), ("later,", 1, "")],
    ids=["that comes later", "that no worker can run", "into whose lane nobody looks"],
)
def test_what_is_free_is_not_kept_for_one(worker, why, licences, wants, words, cpus, mine):
    worker(slots=4, **NODE)
    licences(5, f"3@{OTHER}.8")
    wants("z", words, cpus, licence=3)
    wants("a", mine, licence=1)
    assert "kept" not in why("a") and f"{WID}: free" in why("a")


def test_what_is_free_is_kept_from_nobody_who_takes_another_turn_or_whose_lane_does_not_say_what_it_wants(
    spool, put, worker, why, licences, wants
):
    worker(**NODE)
    licences(5, f"3@{OTHER}.8")
    wants("s/z", licence=3)
    wants("t/a", licence=1)
    put("todo/b~0.abcdefgh-1.yaml", "command: x\nresources: {licence: 1}\n...\n")
    assert "is kept for s/z" in why("t/a") and "kept" not in why("b")
    (spool / "spool.yaml").write_text("resources: {licence: 5}\nfair: batches\n")
    assert "kept" not in why("t/a")


def test_a_resource_that_is_nearly_called_as_one_of_the_whole_spools_is_asked_about(put, worker, why, licences):
    put("todo/a~0.abcdefgh-1.yaml", "command: x\nresources: {License: 1, tape: 1}\n...\n")
    worker(**NODE)
    licences(2)
    told = why("a")
    assert "there is no License in spool.yaml: did you mean `licence`?" in told and "no tape in" not in told
    assert "-> or write `resources: {tape: N}` into spool.yaml, if all nodes share it\n" in told


def test_more_than_the_whole_spool_has_is_told(put, worker, why, licences):
    put("todo/@licence-3=abcdef/a~0.abcdefgh-1.yaml", "command: x\nresources: {licence: 3}\n...\n")
    worker(**NODE)
    licences(2)
    told = why("a")
    assert "it wants licence=3, and the whole spool has 2 (`resources` in spool.yaml)\n" in told
    assert f"{WID}: has 2 licence, it wants 3\n" in told
    assert "-> dsgspool edit a resources.licence=\n" in told


def test_a_rung_of_memory_is_told(put, worker, why):
    put("todo/a~0o1.abcdefgh-1.yaml", "command: x\nresources: {memory: [8G, 128G]}\n...\n")
    worker(gpus=[], **NODE)
    assert "it wants memory=128G, and no worker" in why("a")


def test_a_lane_that_nobody_serves(spool, put, worker, why):
    put("todo/@gpu/s/a~0.abcdefgh-1.yaml")
    worker()
    assert "lane @gpu" in why("s/a") and f"-> mv '{spool}/todo/@gpu/s/a~0.abcdefgh-1.yaml' {spool}/todo/s/" in why(
        "s/a"
    )


def test_workers_that_are_paused_or_drain(put, worker, why):
    put("todo/a~0.abcdefgh-1.yaml", WHOLE)
    worker(control="paused: true")
    worker(OTHER, control="drain: true")
    told = why("a")
    assert "every worker is paused, draining" in told and f"{WID}: paused" in told and f"{OTHER}: draining" in told


def test_who_is_to_take_tasks_again_is_one_that_is_paused_or_has_no_slots_and_none_that_drains(put, worker, why):
    put("todo/@cpus4/a.yaml", "command: x\ncpus: 4\n...\n")
    worker("n0-abcdefgh", slots=2)
    worker(WID, control="drain: true")
    worker(OTHER, control="paused: true")
    assert f"-> dsgspool workers set {OTHER} paused=false\n" in why("a")
    worker(OTHER, control="slots: 0")
    assert f"-> dsgspool workers set {OTHER} slots=4\n" in why("a")


def test_a_worker_that_was_started_paused_is_not_free(put, worker, why):
    put("todo/a~0.abcdefgh-1.yaml", WHOLE)
    worker(paused=True)
    assert f"{WID}: paused" in why("a")
    worker(paused=True, control="paused: false")
    assert f"{WID}: free" in why("a")


def test_a_broken_control_file_is_told_and_no_reason_to_say_nothing_else(put, worker, why):
    put("todo/a~0.abcdefgh-1.yaml", WHOLE)
    worker(control="slots: many")
    told = why("a")
    assert f"workers/{WID}.control.yaml, line 1: `slots` is" in told and f"{WID} goes on as it was told before" in told
    assert f"{WID}: free" in told


def test_of_several_workers_those_count_that_could_take_it(spool, put, worker, why):
    put("todo/@cpus4/a~0.abcdefgh-1.yaml", "command: x\ncpus: 4\n...\n")
    put("todo/@cpus4,tape-1=lwmdqo/b~0.abcdefgh-1.yaml", "command: x\ncpus: 4\nresources: {tape: 1}\n...\n")
    facts = {"cpus": 4, "memory_bytes": 0, "scratch_bytes": 0, "gpus": [], "software": {}, "labels": {}}
    worker(slots=4, **facts, resources={})
    worker(OTHER, slots=2, **facts, resources={"tape": 1})
    told = why("b")
    assert "it wants cpus=4 tape=1 together, and no worker that is alive has all of that" in told
    assert f"{WID}: has no tape, it wants 1" in told and f"{OTHER}: too small: 2 of 4 slots" in told
    assert "to the front" not in told
    assert f"{WID}: free" in why("a") and "a worker is free" in why("a")
    rest(spool, WID, 1900000000)
    told = why("a")
    assert f"no node that could take it is to be had now; the first, {WID}, takes tasks again at {local(1.9e9)}" in told
    assert f"{OTHER}: too small: 2 of 4 slots" in told and "to the front" not in told
    assert f"{WID}: has no tape, it wants 1" in why("b")
    worker(slots=4, control="paused: true", **facts, resources={})
    told = why("a")
    assert "every worker that could take it is paused" in told
    assert f"-> dsgspool workers set {WID} paused=false" in told
    worker(slots=4, user=os.getuid() + 1, control="paused: false", **facts, resources={})
    (spool / f"workers/{WID}.rest").unlink()
    assert f"its owner is uid {os.getuid()}, and no worker that could take it runs files of that user" in why("a")


def test_of_a_task_for_gpus_nobody_says_that_it_begins_while_others_may_compute_on_them(put, worker, why):
    put("todo/@gpus1=aaaaaa/a~0.abcdefgh-1.yaml", "command: x\nresources: {gpus: 1}\n...\n")
    facts = {"cpus": 4, "memory_bytes": 0, "scratch_bytes": 0, "software": {}, "labels": {}, "resources": {}}
    worker(gpus=[{"index": 0, "memory_bytes": 1, "model": "T4"}], **facts)
    told = why("a")
    assert f"{WID}: free, if nobody else computes on its GPUs" in told
    assert "a worker is free, if nobody else computes on its GPUs: it is taken at the next look" in told


def test_what_waits_because_its_batch_says_so_is_told_with_the_policy(spool, put, worker, why):
    worker()
    put("waiting/until-20991121T210000Z/s/a~0.abcdefgh-1.yaml", WHOLE)
    put("waiting/after-nix/s/b~0.abcdefgh-1.yaml", WHOLE)
    assert "-> dsgspool release s/a\n" in why("s/a") and "-> dsgspool release s/b\n" in why("s/b")
    (spool / "batches/s.yaml").write_text("defaults: {not_before: 2099-11-21T21:00Z, after: nix}\n...\n")
    for task, key in (("s/a", "not_before"), ("s/b", "after")):
        told = why(task)
        assert f"`{key}` stands in `defaults` of batches/s.yaml" in told and "dsgspool edit" not in told
        assert f"take it out of {spool}/batches/s.yaml, and then: dsgspool release {task}\n" in told
    put("waiting/after-nix/s/c~0.abcdefgh-1.yaml", "command: x\nafter: nix\n...\n")
    assert "dsgspool edit s/c after=\n" in why("s/c")


def test_a_file_of_another_user(put, worker, why):
    put("todo/a~0.abcdefgh-1.yaml", WHOLE)
    worker(user=os.getuid() + 1)
    assert f"its owner is uid {os.getuid()}, and no worker" in why("a")


def test_its_place_in_the_line(put, worker, why):
    for name in ("a", "b", "@p5/z"):
        put(f"todo/{name}~0.abcdefgh-1.yaml", WHOLE)
    worker(slots=1)
    put(f"running/{WID}/x@{WID}.1.yaml")
    told = why("b")
    assert "2 tasks lie before it, 1 of 1 slots are taken" in told and f"{WID}: busy: 1 of 1 slots taken" in told
    put(f"running/{WID}/claimed-ahead@{WID}.2.yaml")
    assert "1 of 1 slots are taken" in why("b") and f"{WID}: busy: 1 of 1 slots taken" in why("b")


def test_a_task_for_several_slots_takes_all_of_them(spool, put, worker, record, why, run):
    put("todo/a~0.abcdefgh-1.yaml", WHOLE)
    worker(slots=2)
    put(f"running/{WID}/x@{WID}.1.yaml", "command: x\n...\n")  # its batch, or spool.yaml, says `cpus: 2`
    assert f"{WID}: free" in why("a")
    record("x", 1, None, over=False, claim=f"{WID}.1", cpus=2, started="2026-11-21T21:00:00.000Z")
    told = why("a")
    assert "2 of 2 slots are taken" in told and f"{WID}: busy: 2 of 2 slots taken" in told
    for command in ("status", "workers"):
        assert "  2/2  " in run(command).stdout
    put(f"running/{WID}/@cpus3%y@{WID}.2.yaml", "command: x\n...\n")  # has not begun
    assert "  5/2  " in run("status").stdout
    assert run("report").exit_code == 0
    assert "5/2" in (spool / "reports/report.txt").read_text()


def test_a_file_that_may_not_be_whole(put, worker, why):
    put("todo/a.yaml", "command: x\n")
    worker()
    assert "no last line `...`" in why("a")
    put("todo/b.yaml", "")
    assert "empty" in why("b")
    put("todo/c~settling.aaaaaaaa-1.yaml", "command: x\n")
    assert "no last line `...`" in why("c")


def test_a_moment_that_has_not_come(put, why):
    put(
        "waiting/until-20991121T210000Z/a~0.abcdefgh-1.yaml", f"command: x\nnot_before: {iso(time.time() + 9e8)}\n...\n"
    )
    told = why("a")
    assert "it says not_before" in told and " not_before=" in told


def test_a_pause_before_a_retry_says_how_the_last_try_ended(put, record, why):
    put("waiting/until-20991121T210000Z/a~1.abcdefgh-1.yaml", WHOLE)
    record("a", 1, outcome="exit1", reason="exit code 1")
    told = why("a")
    assert (
        "pauses before its next try" in told
        and "attempt 1 ended with exit1" in told
        and "-> dsgspool release a" in told
    )


def test_what_it_waits_for_and_what_that_one_does(put, worker, record, why):
    worker()
    put("waiting/after-a/b~0.abcdefgh-1.yaml", "command: x\nafter: [a, s/, gone]\n...\n")
    put("hold/s/1.yaml")
    put("done/s/2.yaml")
    put(f"running/{WID}/a@{WID}.1.yaml")
    record("a", 1, claim=f"{WID}.1", started="2026-11-21T21:00:00.000Z")
    told = why("b")
    assert "it waits for a, which is running since" in told and "on n1" in told
    assert "it also waits for s/, of which 1 of 2 are not over (s/1), 1 of them on hold" in told
    assert "it also waits for gone, which is nowhere in the spool" in told


def test_of_very_many_that_it_waits_for_the_first_are_told_and_the_others_counted(put, worker, why):
    worker()
    put(
        "waiting/after-a/b~0.abcdefgh-1.yaml",
        f"command: x\nafter: [a, {', '.join(f'n{n}' for n in range(300))}]\n...\n",
    )
    told = why("b")
    assert told.count("it also waits for") == 10 and "it also waits for n9, which is nowhere" in told
    assert "and for 290 more: n10, n11, n12, ..." in told


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("[fold]", "after='[fold/]'"),
        ("[prep, fold]", "after='[prep, fold/]'"),
        ("{prep: any, fold: success}", "after='[prep: any, fold/]'"),
        ("['1', fold]", "after='[\"1\", fold/]'"),
        ("[fold, fold/]", "after='[fold/]'"),
        ("{fold: any}\nretries: several", ""),
    ],
)
def test_who_waits_for_a_batch_without_its_slash_is_told_how_it_waits_for_the_batch(put, run, why, said, remedy):
    put("todo/fold/1.yaml", WHOLE)
    put("hold/prep.yaml", WHOLE)
    put("waiting/after-fold/b.yaml", f"command: x\nafter: {said}\n...\n")
    told = why("b")
    assert "it waits for fold, which is a batch: write fold/\n" in told and (
        f"-> dsgspool edit b {remedy}\n" in told
    ) is bool(remedy)
    assert "stuck: b waits for fold, which is a batch: write fold/" in run("status").stdout
    assert remedy or "-> write fold/ instead of fold in its `after`\n" in told
    assert not remedy or run("edit", "-y", "b", *shlex.split(remedy)).exit_code == 0
    assert ("which is a batch" in why("b")) is not bool(remedy)


def test_what_is_proposed_for_a_task_leaves_the_batch_of_that_name_alone(put, run, why, listed):
    for path in ("hold/m.yaml", "hold/m/1.yaml", "failed/f~exit1.yaml", "failed/f/1~exit1.yaml"):
        put(path, WHOLE)
    put("waiting/after-m/u.yaml", "command: x\nafter: m\n...\n")
    put("waiting/after-m%/v.yaml", "command: x\nafter: m/\n...\n")
    assert "-> dsgspool release '[m]'\n" in why("u") and "-> dsgspool release 'm/*'\n" in why("v")
    assert "-> dsgspool release '[m]' m/1\n" in why("m")
    (answer,) = json.loads(run("why", "[f]", "--json").stdout)
    assert answer["remedies"] == ["dsgspool requeue '[f]'"]
    assert run("requeue", "[f]").stdout == "f\n" and listed("failed") == ["f/1~exit1"]
    assert run("release", "[m]").stdout == "m\n" and "m/1" in listed("hold")


def test_moments_of_other_years_say_so_and_tell_no_reasons_apart(put, why):
    put("waiting/until-20500101T120000Z/a.yaml", WHOLE)
    put("waiting/until-20510302T120000Z/b.yaml", WHOLE)
    told = why("a", "b")
    assert "a, b  waiting\n" in told and " Jan 2050 " in told


def test_nobody_is_told_to_wait_for_a_batch_that_it_lies_in(put, run, why):
    put("waiting/after-fold/fold/only.yaml", "command: x\nafter: fold\n...\n")
    told = why("fold/only")
    assert "it waits for fold, which is nowhere in the spool" in told and "fold/]" not in told
    assert "hint: fold is a batch" not in run("submit", "--batch", "fold", "--after", "fold", "--", "true").stderr


def test_nobody_is_told_to_wait_for_what_waits_for_it_in_the_end(put, why):
    put("waiting/after-fold/b.yaml", "command: x\nafter: fold\n...\n")
    put("waiting/after-c/fold/a.yaml", "command: x\nafter: c\n...\n")
    put("waiting/after-d/c.yaml", "command: x\nafter: d\n...\n")
    assert "-> dsgspool edit b after='[fold/]'\n" in why("b")
    put("waiting/after-b/d.yaml", "command: x\nafter: b\n...\n")
    assert "fold/" not in why("b")


def test_who_waits_for_one_of_its_own_batch_without_the_batch_is_asked_about_that(put, run, why):
    put("todo/flow/prep.yaml", WHOLE)
    put("waiting/after-prep/flow/b.yaml", "command: x\nafter: prep\n...\n")
    assert "which is nowhere in the spool: did you mean flow/prep?" in why("flow/b")
    assert "-> dsgspool edit flow/b after='[flow/prep]'\n" in why("flow/b")
    doctor = run("doctor", "--json").stdout
    assert "write flow/prep in its `after` instead of prep: dsgspool why flow/b says how" in doctor


def test_what_has_failed_already_is_told_while_it_waits_for_another_one(put, worker, why):
    worker()
    put("waiting/after-a/b~0.abcdefgh-1.yaml", "command: x\nafter: [a, bad, good, so: any, odd: failure]\n...\n")
    put("hold/a.yaml")
    for path in ("failed/bad~exit1.yaml", "done/good.yaml", "failed/so~exit1.yaml", "done/odd.yaml"):
        put(path)
    told = why("b")
    assert "bad has failed, and `after` wants its success: it fails when a is over" in told
    assert "odd has succeeded, and `after` wants its failure: it fails when a is over" in told
    assert "good has" not in told and "so has" not in told


def test_a_line_of_waiting_tasks_is_followed_to_its_beginning(put, why):
    put("waiting/after-b/c~0.abcdefgh-1.yaml")
    put("waiting/after-a/b~0.abcdefgh-1.yaml")
    put("hold/a.yaml")
    told = why("c")
    assert "it waits for b, which waits for a" in told and "b waits for a, which is on hold" in told


def test_a_circle_through_the_last_task_of_a_batch(put, why, run):
    put("batches/s.yaml", "finally: {command: ./merge.sh}\n")
    put("waiting/after-s.finally/s/x~0.abcdefgh-1.yaml", "command: x\nafter: s.finally\n...\n")
    assert "it waits in a circle: s.finally waits for s/x waits for s.finally" in why("s/x")
    assert "stuck: s.finally waits for s/x waits for s.finally" in run("status").stdout
    assert "release it: dsgspool hold s/x\n" in run("doctor").stdout, "one that is there"


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        ("[clean: any, nosuch]", " after='[clean: any]'"),
        ("[clean: any, nosuch, x/, 'y*': any]", " after='[clean: any]'"),
        ("{nosuch: any, clean: failure}", " after='[clean: failure]'"),
        ("[nosuch, s/, 's/c*', '1']", """ after='[s/, "s/c*", "1"]'"""),
        ("nosuch", " after="),
    ],
)
def test_the_command_that_drops_what_is_not_there_keeps_the_rest(put, run, why, worker, after, changed):
    worker()
    for name in ("hold/clean.yaml", "hold/s/c1.yaml", "hold/1.yaml"):
        put(name)
    text = f"command: x\nafter: {after}\n...\n"
    for path, name in (("waiting/after-nosuch/b~0.abcdefgh-1.yaml", "b"), ("todo/d~0.abcdefgh-1.yaml", "d")):
        put(path, text)
        if name == "d" and "{" in after:  # who claims it reads that, and the peek does not
            continue
        told = why(name)
        assert f"  -> dsgspool edit {name}{changed}\n" in told and told.count("dsgspool edit") == 1
        assert run(*shlex.split(f"edit {name}{changed}"), "--yes").stdout.splitlines()[-1] == name
        assert "edit" not in why(name), "what it waits for now is all there"


def test_the_command_that_breaks_a_circle_keeps_the_rest(put, why):
    put("waiting/after-b/a~0.abcdefgh-1.yaml", "command: x\nafter: [s/, b]\n...\n")
    put("waiting/after-a/b~0.abcdefgh-1.yaml", "command: x\nafter: a\n...\n")
    assert "  -> dsgspool edit a after='[s/]'\n" in why("a")


def test_a_circle(put, why):
    put("waiting/after-b/a~0.abcdefgh-1.yaml", "command: x\nafter: b\n...\n")
    put("waiting/after-a/b~0.abcdefgh-1.yaml", "command: x\nafter: a\n...\n")
    assert "it waits in a circle" in why("a") and "dsgspool edit a after=" in why("a")


def test_a_batch_that_is_not_there_yet(put, why):
    put("waiting/after-s%/a~0.abcdefgh-1.yaml")
    assert "it waits for s/, of which nothing is in the spool yet" in why("a")


@pytest.mark.parametrize(
    ("path", "because", "remedy"),
    [
        ("hold/a.yaml", "somebody parked it", "dsgspool release a"),
        ("hold/a~changed.abcdefgh-1.yaml", "changed while it ran", "dsgspool release a"),
        ("failed/a~cancelled.abcdefgh-1.yaml", "somebody cancelled it", "dsgspool requeue a"),
        ("failed/a~exit1.yaml", "no record says why", "dsgspool requeue a"),
        ("done/a.yaml", "it is done", "dsgspool requeue a"),
        (f"running/{WID}/a@{WID}.1.yaml", "is dead or silent", "dsgspool worker"),
        ("waiting/tomorrow/a.yaml", "no moment", "dsgspool release a"),
        (f"todo/a@{WID}.1.yaml", "still carries the claim", "wait"),
    ],
)
def test_every_other_place(put, why, path, because, remedy):
    put(path)
    assert (because in why("a") and f"-> {remedy}" in why("a")) or remedy in why("a")


def test_a_failure_is_told_with_its_reason_and_the_line_of_its_log(spool, put, record, why):
    put("failed/a~exit1.yaml")
    record("a", 1, outcome="exit1", reason="exit code 1", host="n1")
    (spool / "logs/a.1.err").write_text("loading\nTraceback (most recent call last):\nValueError: no such fold\n")
    told = why("a")
    assert "it failed with exit1: exit code 1" in told and "its log says: ValueError: no such fold" in told


def test_a_command_that_was_not_found_is_told_with_the_folder_that_nobody_named(spool, put, record, why, run):
    put("failed/s/a~exit127.yaml")
    told = "it names no cwd, so it ran in /lab; `cwd: FOLDER` in its file has it run elsewhere"
    run_it = {"outcome": "exit127", "reason": "not found", "exit_code": 127, "cwd": "/lab"}
    record("s/a", 1, **run_it, text=json.dumps("command: ./a.sh\n"))
    assert told in why("s/a")
    assert "/lab (it names no cwd)\n" in run("show", "s/a").stdout
    put("batches/s.yaml", "defaults: {cwd: /lab}\n...\n")
    assert "names no cwd" not in why("s/a")
    put("batches/s.yaml", "priority: 1\n...\n")
    record("s/a", 1, **run_it, text=json.dumps("command: ./a.sh\ncwd: /lab\n"))
    assert "names no cwd" not in why("s/a") and "names no cwd" not in run("show", "s/a").stdout
    record("s/a", 1, **{**run_it, "exit_code": 1}, text=json.dumps("command: ./a.sh\n"))
    assert "names no cwd" not in why("s/a") and "names no cwd" not in run("show", "s/a").stdout


@pytest.mark.parametrize(
    ("task", "tag", "reason", "change"),
    [
        ("s/a", "timeout", "still running after 3600 s", "timeout=2h"),
        ("a", "timeout", "still running after 0.75 s", "timeout=1.5s"),
        ("a", "timeout", overdue(14 * 86400.0), "timeout=28d"),
        ("a", "oom", "its processes had 9 bytes of memory; resources.memory is 209715200", "resources.memory=400M"),
        ("a", "oom", "the kernel killed all; limits.memory is 1000001", "limits.memory=2000002"),
        ("a", "oom", "its processes had 194.5 MiB of memory; resources.memory is 50.0 MiB", "resources.memory=100M"),
        ("a", "timeout", "it ended by itself", ""),
        ("s/10-19", "oom", "its processes had 9 bytes of memory; limits.memory is 1024", ""),
    ],
)
def test_what_failed_by_a_limit_gets_twice_as_much_before_it_runs_again(put, record, why, task, tag, reason, change):
    put(f"failed/{task}~{tag}.yaml")
    record(task, outcome=tag, reason=reason)
    line = f"dsgspool requeue --hold {task} && dsgspool edit {task} {change} --yes && dsgspool release {task}"
    assert f"-> {line if change else f'dsgspool requeue {task}'}\n" in why(task)


def test_what_was_invalid_is_to_be_mended_before_it_is_queued_again(spool, put, record, why):
    put("failed/a~invalid.yaml")
    record("a", outcome="invalid", reason="a.yaml, line 1: unknown key `comand` (did you mean `command`?)")
    assert f"-> mend that (the task is {spool}/failed/a~invalid.yaml), then: dsgspool requeue a\n" in why("a")


def test_a_running_task_that_was_cancelled_and_is_not_stopped_yet_is_said_to_be_that(put, record, why):
    put(f"failed/a@{WID}.7.yaml", WHOLE)
    record("a", outcome=None, over=False)
    told = why("a")
    assert f"somebody cancelled it: its worker {WID} stops it at its next heartbeat" in told
    assert "it failed" not in told and "->" not in told


def test_who_failed_for_anothers_sake_names_the_first_cause_in_its_remedy(put, record, why):
    put("failed/a~exit1.yaml")
    put("failed/b~dependency.yaml", "command: x\nafter: a\n")
    put("failed/c~dependency.yaml", "command: x\nafter: b\n")
    record("c", 1, outcome="dependency", reason="b has failed, and `after` wants its success")
    told = why("c")
    assert "b has failed" in told and "-> dsgspool requeue a b c" in told


def test_who_failed_for_a_batchs_sake_names_those_of_it_that_failed(put, record, why, run, listed):
    put("failed/c~dependency.yaml", "command: x\nafter: s/\n")
    record("c", 1, outcome="dependency", reason="s/2 (of s/) has failed, and `after` wants its success")
    for path in ("failed/z~exit1", "failed/s/2~exit1", "done/s/1", "failed/s/4~cancelled"):
        put(f"{path}.yaml", WHOLE)
    put("failed/s/3~dependency.yaml", "command: x\nafter: z\n")
    assert "-> dsgspool requeue z s/4 s/3 s/2 c\n" in why("c")
    for number in range(5, 9):
        put(f"failed/s/{number}~exit1.yaml", WHOLE)
    told = why("c")
    assert "of s/ 7 have failed: s/2, s/3, s/4, ...\n" in told
    assert "-> dsgspool requeue --reason '*' s/ && dsgspool requeue c\n" in told
    run("requeue", "s/4")
    assert "-> dsgspool requeue --failed s/ && dsgspool requeue c\n" in why("c")
    assert run("requeue", "--failed", "s/").exit_code == 0 and listed("failed") == ["c~dependency", "z~exit1"]


def test_what_only_records_know(put, record, why):
    record("a", 1, outcome="done")
    assert "its file is in no folder" in why("a")


def test_a_batch_that_its_policy_stops_is_told_with_the_way_out(put, why, worker):
    worker()
    put("todo/s/a.yaml", WHOLE)
    policy = put("batches/s.yaml", "paused: true\n...\n")
    assert f"its batch is paused: {policy} says `paused: true`" in why("s/a")
    assert "-> dsgspool batch resume s" in why("s/a")
    put("batches/s.yaml", "priority: high\n...\n")
    assert f"its batch is not started: {policy}, line 1: `priority` is 'high'" in why("s/a")


def test_what_is_tried_first_and_was_removed_is_told_and_what_is_done_is_not_asked_about(put, why, worker):
    worker()
    put("batches/s.yaml", "canary: 3\n...\n")
    put("batches/s.canary", "tasks: [s/a, s/b, s/c]\n...\n")
    put("done/s/a.yaml")
    for name in "cd":
        put(f"todo/s/{name}.yaml", WHOLE)
    told = why("s/d")
    assert "s/b lies nowhere any more, so it will never be done" in told
    assert "-> dsgspool why s/c" in told and "why s/a" not in told and "-> dsgspool batch resume s" in told


def test_a_batch_or_a_spool_of_which_as_many_run_as_may_says_so(spool, put, why, worker, record):
    worker()
    put("todo/s/a.yaml", WHOLE)
    put("todo/t/a.yaml", WHOLE)
    put(f"running/{WID}/s%b@{WID}.1.yaml", WHOLE)
    put("batches/s.yaml", "max_running: 1\n...\n")
    assert "1 of s/ run, and no more than 1 may at once (max_running)" in why("s/a")
    assert "-> dsgspool batch set s max_running=2" in why("s/a")
    assert "a worker is free" in why("t/a")
    put("spool.yaml", "max_running: 1\n")
    assert "1 task runs, and no more than 1 may at once (max_running in spool.yaml)" in why("t/a")


@pytest.mark.parametrize("path", ["todo/@cpus1/s/q.yaml", "todo/q.yaml", "todo/s/b c.yaml"])
def test_the_command_that_puts_a_task_to_the_front_can_be_pasted(spool, put, why, worker, run, path):
    worker(slots=1)
    put(f"running/{WID}/x@{WID}.1.yaml", WHOLE)
    put(path, WHOLE)
    put("todo/a.yaml", WHOLE)
    name = path.removeprefix("todo/").removeprefix("@cpus1/").removesuffix(".yaml")
    command = next(line for line in why(name).splitlines() if "to the front" in line).removeprefix("  -> ")
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "it is queued: it is next" in why(name)


@pytest.mark.parametrize(
    ("path", "others", "lane"),
    [
        ("@p10/u", ["a"], ""),  # nothing lies before it
        ("@p20/s/u", ["s/000/a", "@p10/a"], ""),
        ("u", ["a"], "@p10/"),
        ("@p-5/u", ["@p-1/a"], "@p10/"),
        ("@p10/s/u", ["@p10/a"], "@p20/s"),
        ("@p10/u", ["@p25/a"], "@p30/"),
        ("@p3/u", ["@p999999/a"], ""),
    ],
)
def test_a_task_is_proposed_to_go_to_the_front_where_something_lies_before_it(
    spool, put, why, worker, path, others, lane
):
    worker(slots=1)
    put(f"running/{WID}/x@{WID}.1.yaml", WHOLE)
    for each in (path, *others):
        put(f"todo/{each}.yaml", WHOLE)
    told = why("s/u" if "s/" in path else "u")
    assert "-> dsgspool worker\n" in told
    assert ("# to the front" in told) is bool(lane)
    assert not lane or f" && mv {spool}/todo/{path}.yaml {spool}/todo/{lane}  # to the front" in told


@pytest.mark.parametrize("name", ["b*", "*", "[a]*", "a?*"])
def test_the_command_for_a_name_with_a_star_means_that_task_alone(put, run, listed, name):
    for each in ("a", "b", "bc", "xx", name):
        put(f"failed/{each}~exit1.yaml", WHOLE)
    told = json.loads(run("why", "*", "--json").stdout)
    [command] = next(answer["remedies"] for answer in told if answer["task"] == name)
    assert run(*shlex.split(command)[1:]).exit_code == 0
    assert listed("todo") == [name]


def test_what_is_proposed_is_about_the_spool_that_was_given_by_an_option(
    spool, put, record, run, monkeypatch, tmp_path
):
    put("hold/a: dsgspool x.yaml", WHOLE)
    put("failed/t~timeout.yaml", WHOLE)
    record("t", outcome="timeout", reason="still running after 2 s", ended="2026-01-01T00:00:00Z", seconds=2.0)
    elsewhere = tmp_path / "other one"
    elsewhere.symlink_to(spool)
    monkeypatch.delenv("DSGSPOOL_SPOOL")
    program = f"dsgspool --spool {shlex.quote(str(elsewhere))}"
    told = run("--spool", str(elsewhere), "why", "*").stdout
    assert f"-> {program} release 'a: dsgspool x'\n" in told
    verbs = ("requeue --hold t", "edit t timeout=4s --yes", "release t")
    assert f"-> {' && '.join(f'{program} {verb}' for verb in verbs)}\n" in told
    monkeypatch.setenv("DSGSPOOL_SPOOL", str(spool))
    assert "-> dsgspool release 'a: dsgspool x'\n" in run("why", "*").stdout


def test_all_that_is_proposed_is_a_command_or_words(put, why, record):
    put("batches/s.yaml", "finally: {command: x}\n")
    put("batches/s.over/over.json", '{"at": "2026-11-21T21:00:00.000Z", "done": 1, "failed": 0}')
    put("done/s/1.yaml")
    put("failed/c d~expired.yaml")
    record("c d", 1, "expired", reason="it had not begun")
    for name in ("s.finally", "s/1", "c d"):
        for line in why(name).splitlines():
            if line.startswith("  -> "):
                subprocess.run(["/bin/sh", "-nc", line[5:]], check=True, timeout=20)
                assert "  (" not in line and ": dsgspool" not in line


def test_the_line_is_put_in_order_once_however_many_are_asked_about(spool, put, worker, why, monkeypatch):
    worker(slots=1)
    put(f"running/{WID}/r~0.abcdefgh-1@{WID}.1.yaml")
    for number in range(20):
        put(f"todo/b/{number:02}.yaml", WHOLE)
    looked, share = [], Turns.share
    monkeypatch.setattr(Turns, "share", lambda turns, task: looked.append(task) or share(turns, task))
    assert "b/00: it is queued: it is next, 1 of 1 slots are taken\n" in why("b/")
    assert len(looked) == 2 * 20  # of each for itself, and once as one of the line
    assert "it is queued: 13 tasks lie before it" in why("b/13")


def test_the_priority_of_a_batch_counts_for_the_place_in_line(put, why, worker):
    worker(slots=1)
    put(f"running/{WID}/x@{WID}.1.yaml", WHOLE)
    for name in ("a", "b", "z/1"):
        put(f"todo/{name}.yaml", WHOLE)
    assert "2 tasks lie before it" in why("z/1")
    put("batches/z.yaml", "priority: 3\n...\n")
    assert "it is queued: it is next, " in why("z/1")


def test_an_unknown_name_is_exit_5(spool, run):
    assert run("why", "nothing").exit_code == 5


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_name_that_nobody_knows_keeps_no_answer_from_the_others(run, put, options):
    put("hold/a.yaml")
    put("hold/c.yaml")
    result = run("why", *options, "a", "nothing", "c", "nix")
    assert result.exit_code == 5
    assert "a" in result.stdout and "c" in result.stdout and result.stdout.count("hold") >= 2
    assert "no task matches 'nothing'" in result.stderr and "no task matches 'nix'" in result.stderr


def test_json_says_the_same(run, put):
    put("hold/a.yaml")
    (answer,) = json.loads(run("why", "--json", "a").stdout)
    assert (
        answer["task"] == "a"
        and answer["because"].startswith("somebody")
        and answer["remedies"] == ["dsgspool release a"]
    )


def test_many_are_cut_off(run, put):
    for number in range(5):
        put(f"hold/a{number}.yaml")
    result = run("why", "-n", "2", "a*")
    assert result.stdout.count("hold") >= 2 and "3 more" in result.stderr
    result = run("why", "-n", "2", "--json", "a*")
    assert [answer["task"] for answer in json.loads(result.stdout)] == ["a0", "a1"] and "3 more" in result.stderr


def test_what_has_expired_is_told_before_and_after(spool, put, worker, why, record):
    worker()
    put("hold/a.yaml", "command: x\nexpires: 2001-01-01T00:00Z\n...\n")
    put("todo/b.yaml", "command: x\nexpires: 2d\n...\n")
    assert "it expired at" in why("a") and "-> dsgspool edit a expires=" in why("a")
    assert "it expires at" in why("b")
    (spool / "PAUSE").touch()
    assert "the spool is paused" in why("b") and "it expires at" in why("b"), "also when nobody takes anything"
    put("failed/s/c~expired.yaml")
    record("s/c", 1, "expired", reason="it had not begun")
    line = "dsgspool requeue --hold s/c && dsgspool edit s/c expires= --yes && dsgspool release s/c"
    assert "it failed with expired" in why("s/c") and f"-> {line}\n" in why("s/c")


# -- the last task of a batch


def test_the_last_task_of_a_batch_is_known_before_it_is_there(put, worker, why):
    put("batches/s.yaml", "finally: {command: ./merge.sh}\n")
    put("todo/s/1.yaml")
    put("hold/s/2.yaml")
    put("done/s/3.yaml")
    told = why("s.finally")
    assert "s.finally  to come" in told and "it is made when the batch s is over" in told
    assert "of which 2 of 3 are not over (s/1, s/2), 1 of them on hold" in told
    assert "-> dsgspool release s" in told and "no worker is alive" in told
    worker()
    assert "no worker" not in why("s.finally")
    put("batches/s.yaml", "finally: {command: ./merge.sh}\ncanary: 1\n")
    assert "batch resume" not in why("s.finally"), "that one is tried first is no reason to do something"


def test_why_the_last_task_of_a_batch_is_not_made_is_told(put, worker, why):
    worker()
    put("batches/s.yaml", "finally: {command: ./merge.sh}\npaused: true\n")
    assert "of which nothing is in the spool yet" in why("s.finally")
    assert "`paused: true`" in why("s.finally") and "-> dsgspool batch resume s" in why("s.finally")
    put("done/s/1.yaml")
    assert "it is, and the leading worker makes it within seconds" in why("s.finally")
    put("batches/s.over/over.json", '{"at": "2026-11-21T21:00:00.000Z", "done": 1, "failed": 0}')
    told = why("s.finally")
    assert "(1 done, 0 failed), and its file is in no folder" in told and "-> rm -r " in told


def test_what_is_odd_about_the_end_of_one_batch_is_told_and_hides_no_other(spool, put, run, why):
    for name in "abc":
        put(f"batches/{name}.yaml", "finally: {command: ./merge.sh}\n")
        put(f"done/{name}/1.yaml")
    (spool / "batches/a.over/over.json").mkdir(parents=True)
    (spool / "batches/b.over").symlink_to("/nowhere")
    assert "its file is in no folder" in why("a.finally")
    assert "b.over is in the way: it is no folder" in why("b.finally") and "-> rm " in why("b.finally")
    assert "within seconds" in why("c.finally")
    assert run("batch", "list").stdout.count("\n") == 4 and "c  open" in run("batch", "show", "c").stdout
    assert "b.over is no folder" in run("doctor", "--quick").stdout


def test_a_name_like_that_of_a_last_task_is_nothing_without_a_policy_that_says_so(put, run):
    put("batches/s.yaml", "priority: 1\n")
    for name in ("s.finally", "t.finally", "s"):
        assert run("why", name).exit_code == 5


def test_what_waits_for_the_last_task_of_a_batch_is_not_stuck(put, run, why):
    put("batches/s.yaml", "finally: {command: ./merge.sh}\n")
    put("todo/s/1.yaml")
    put("waiting/after-s.finally/letter.yaml", "command: ./letter.sh\nafter: s.finally\n")
    assert "it waits for s.finally, which is made when the batch s is over" in why("letter")
    for words in (("status",), ("doctor", "--quick"), ("doctor",), ("graph",)):
        assert "nowhere in the spool" not in run(*words).stdout
    drawn = run("graph").stdout.splitlines()
    assert [line.split()[0] for line in drawn if line[0] != " "] == ["s/", "s.finally", "letter"]
    put("batches/s.yaml", "priority: 1\n")
    assert "stuck: letter waits for s.finally, which is nowhere in the spool" in run("status").stdout


def turns(spool, fair, used, wid=WID):
    (spool / "spool.yaml").write_text(f"format: 1\nfair: {fair}\n")
    lines = [{"at": "x", "event": "turns", "used": [[-1, "/", 9]]}, {"at": "x", "event": "turns", "used": used}]
    (spool / f"workers/{wid}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "half a li")


def test_batches_that_had_less_of_late_come_first(spool, put, worker, why):
    put("todo/a/1.yaml")
    put("todo/a/2.yaml")
    put("todo/b/1.yaml")
    put("todo/c.yaml")
    put("todo/@p5/d/1.yaml")
    worker()
    worker(OTHER)
    turns(spool, "batches", [[-1, "/", 400], [-1, "a", 300], [-1, "b", 12], [-1, "", 50]])
    turns(spool, "batches", [[-1, "/", 40], [-1, "a", 40]], OTHER)
    told = why("a/2")
    assert "it is queued: 1 task lies before it among those of the batch a, and 1 of higher priority" in told
    assert (
        "tasks of the batch b and of no batch have had less of late (12 s of slots, those of the batch a 340 s): "
        "they come first (`fair` in spool.yaml)"
    ) in told
    told = why("b/1")
    assert "it is next among those of the batch b, after 1 of higher priority" in told
    assert "less of late" not in told


def test_without_turns_the_place_is_that_among_all(spool, put, worker, why):
    for name in ("a/1", "a/2", "b/1"):
        put(f"todo/{name}.yaml")
    worker()
    turns(spool, "[]", [[-1, "/", 400], [-1, "a", 300]])
    assert "it is queued: 2 tasks lie before it, 0 of 4 slots" in why("b/1")


def test_owners_that_had_less_of_late_come_first(spool, put, worker, why, monkeypatch):
    put("todo/mine.yaml")
    put("todo/theirs.yaml")
    monkeypatch.setattr("dsgspool.fs.Fs.owner", lambda _, path: 0 if "mine" in path else 65534)
    worker()
    turns(spool, "owners\ngroup: users", [[0, "/", 500], [0, "", 500]])
    told = why("mine")
    assert "it is next among those of root" in told
    assert "tasks of nobody have had less of late (0 s of slots, those of root 500 s): they come first" in told
    (spool / f"workers/{WID}.jsonl").write_text('{"event": "turns", "used": [[1, 2]]}\n')
    assert "less of late" not in why("mine")


# -- many tasks


def test_what_is_the_same_of_many_is_told_once_what_failed_first_and_what_is_done_last(put, record, why, worker, run):
    worker()
    for n in range(1, 31):
        put(f"failed/fold/{n}~exit{1 if n < 25 else 2}.yaml", WHOLE)
        record(f"fold/{n}", 1, outcome="exit1", reason="exit code 1", host="n1")
        put(f"done/fold/9{n:02}.yaml", WHOLE)
        record(
            f"fold/9{n:02}",
            1,
            outcome="done",
            started="2026-11-21T21:00:00.000Z",
            ended=f"2026-11-21T21:00:{n:02}.000Z",
        )
    put("waiting/after-fold%/fold/after.yaml", "command: x\nafter: fold/\n...\n")
    told = why("fold")
    heads = [line for line in told.splitlines() if line[:1] not in (" ", "-")]
    assert heads == [
        "fold/1, fold/10, fold/11 and 21 more  failed",
        "fold/25, fold/26, fold/27 and 3 more  failed",
        "fold/after  waiting",
        "fold/901, fold/902, fold/903 and 27 more  done",
    ]
    assert "\n  it failed with exit1: exit code 1\n" in told
    assert "\n  -> dsgspool requeue fold/25 fold/26 fold/27 fold/28 fold/29 fold/30\n" in told
    assert "\n  -> the same for the others\n" in told, "a command for 24 is too long"
    assert "\n  fold/901: it is done, since " in told
    assert run("requeue", *(f"fold/{n}" for n in range(25, 31))).exit_code == 0
    assert "fold/26, fold/27, fold/28 and 2 more  todo" in why("fold"), "a worker takes the first one"


def test_what_only_the_first_of_many_says_has_its_name(spool, put, record, why):
    for n in (1, 2):
        put(f"failed/s/{n}~exit1.yaml", WHOLE)
        record(f"s/{n}", 1, outcome="exit1", reason="exit code 1", host="n1")
        (spool / f"logs/s/{n}.1.err").write_text(f"ValueError: no fold {n * 7}\n")
    told = why("s")
    assert "  s/1: its log says: ValueError: no fold 7\n" in told and "no fold 14" not in told
    assert "  attempt 1 on n1; see logs/s/1.1.yaml\n" in told


def test_a_task_that_several_patterns_mean_is_told_once(put, why, run):
    for name in ("b/1", "b/2", "a"):
        put(f"hold/{name}.yaml", WHOLE)
    told = why("*", "b/", "b/1", "a", "a")
    assert told.startswith("a, b/1, b/2  hold\n") and "-> dsgspool release a b/1 b/2\n" in told
    assert len(json.loads(run("why", "--json", "a", "*", "a").stdout)) == 3


def test_of_those_in_line_the_first_is_told_with_its_place(put, why, worker):
    worker(slots=1)
    put(f"running/{WID}/x@{WID}.1.yaml", WHOLE)
    for n in range(100):
        put(f"todo/s/{n:02}~0.abcdefgh-{n}.yaml", WHOLE)
    told = why("s")
    assert told.count("\ns/") == 0 and told.startswith("s/00, s/01, s/02 and 97 more  todo\n")
    assert "  s/00: it is queued: it is next" in told and "-> the same for the others" in told


def test_a_number_that_is_a_name_too_is_told_of_each(put, why, worker, record):
    worker(slots=4)
    for name in ("8", "16"):
        put(f"todo/@cpus{name}/{name}.yaml", f"command: x\ncpus: {name}\n...\n")
        put(f"hold/1{name}.yaml", WHOLE)
    told = why("8", "16")
    assert "it wants 8 slots" in told and "it wants 16 slots" in told
    assert why("18", "116").startswith("18, 116  hold\n") and "-> dsgspool release 18 116\n" in why("18", "116")


def test_tasks_that_have_other_reasons_are_told_apart(put, why):
    for n in range(30):
        put(f"waiting/after-x{n}/s/{n:02}.yaml", f"command: x\nafter: x{n}\n...\n")
    assert why("s").count("  waiting\n") == 20


# -- several reasons


def test_without_a_worker_the_text_is_looked_at_all_the_same(put, why):
    put("todo/a.yaml", "command: x\nnot_before: 2099-01-01T00:00Z\nafter: nix\n...\n")
    told = why("a")
    assert "  no worker is alive\n" in told and "  besides, it says not_before" in told
    assert "  besides, it waits for nix, which is nowhere in the spool" in told


def test_all_that_keeps_a_task_is_told_at_once(spool, put, worker, why, run):
    put("todo/s/a.yaml", "command: x\ncpus: 8\nresources: {memory: 900G, tape: 1}\n...\n")
    worker(slots=2, gpus=[], **NODE)
    told = why("s/a")
    assert f"  it wants 8 slots, and the largest worker, {WID}, has 2\n" in told
    assert "  besides, it wants memory=900G tape=1, and no worker that is alive has all of that\n" in told
    lacks = f"{WID}: too small: 2 of 8 slots; has 64G of memory, it wants 900G; has no tape, it wants 1 ->"
    assert lacks in " ".join(told.split())
    assert f"-> dsgspool workers set {WID} slots=8\n" in told
    assert "-> dsgspool edit s/a resources.memory= resources.tape=\n" in told
    (spool / "PAUSE").touch()
    put("batches/s.yaml", "paused: true\n...\n")
    put("spool.yaml", "resources: {tape: 0}\n")
    told = why("s/a")
    reasons = (
        "the spool is paused",
        "its batch is paused",
        "it wants 8 slots",
        "it wants tape=1",
        "it wants memory=900G",
    )
    places = [told.index(f"  {'besides, ' * (n > 0)}{reason}") for n, reason in enumerate(reasons)]
    assert places == sorted(places)
    for remedy in ("resume", "batch resume s", "edit s/a resources.memory= resources.tape="):
        assert told.count(f"-> dsgspool {remedy}\n") == 1
    put("todo/s/b.yaml", WHOLE)
    assert ": free" not in why("s/b"), "nobody is free for what is stopped"


def test_the_report_tells_all_reasons_of_a_task(spool, put, worker):
    put("todo/a.yaml", "command: x\ncpus: 8\nresources: {memory: 900G}\n...\n")
    worker(slots=2, gpus=[], **NODE)
    said = sentences(Spool(str(spool)))(["a"])["a"]
    assert said == (
        f"it wants 8 slots, and the largest worker, {WID}, has 2; "
        "besides, it wants memory=900G, and no worker that is alive has that"
    )


def test_a_broken_spool_yaml_is_told_beside_what_else_is_stopped(spool, put, worker, why):
    put("todo/s/a.yaml", "command: x\ncpus: 80\n...\n")
    put("spool.yaml", "resources: nonsense\n")
    (spool / "PAUSE").touch()
    worker()
    told = why("s/a")
    assert "  the spool is paused" in told and "  besides, workers take nothing: " in told and "slots" not in told
