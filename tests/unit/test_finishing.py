"""The ends of batches inside of a worker: asked only where somebody wants to know it, told once, ended when one ends."""

import os
import stat

import pytest

from dsgspool.worker import finishing
from dsgspool.worker.finishing import Finishing
from tests.support.actors import STATES
from tests.support.doors import FlakyFs, files_below

FINALLY = "finally: {command: 'true'}"


@pytest.fixture
def actor(inside):
    """A leading worker."""
    actor = inside()
    actor.until(lambda: actor.worker.leading)
    return actor


@pytest.fixture
def told(actor, monkeypatch):
    """What the worker says."""
    found: list[str] = []
    monkeypatch.setattr(actor.worker, "tell", lambda _event, text="", **_facts: found.append(text))
    return found


@pytest.fixture
def happened(actor, monkeypatch):
    """Events that a command is told."""
    found: list[dict[str, object]] = []
    monkeypatch.setattr(actor.worker.alerts, "happened", lambda *facts: found.append(facts[4]))
    return found


@pytest.fixture
def write(world):
    """A policy, put in its place by a rename."""

    def put(text, batch="s", end="\n...\n"):
        with open(f"{world.root}/tmp/.policy", "w") as file:
            file.write(f"{text}{end}")
        os.rename(f"{world.root}/tmp/.policy", f"{world.root}/batches/{batch}.yaml")

    return put


def put(world, *paths):
    for path in paths:
        os.makedirs(os.path.dirname(f"{world.root}/{path}"), exist_ok=True)
        open(f"{world.root}/{path}.yaml", "w").close()


def is_done(world, batch="s"):
    """True when its last task has run."""
    return os.path.exists(f"{world.root}/done/{batch}.finally.yaml")


def decided(world):
    return sorted(name for name in os.listdir(f"{world.root}/batches") if not name.endswith(".yaml"))


def test_the_last_task_of_a_batch_knows_how_it_ended(actor, world, write):
    write("defaults: {command: exit 7}\nfinally:\n  command: 'env | grep ^DSGSPOOL_BATCH | sort'\n  env: {X: y}")
    actor.drop("s/1", "true")
    actor.drop("s/2", "exit 1")
    actor.until(lambda: is_done(world))
    with open(f"{world.root}/logs/s.finally.1.out") as file:
        assert file.read() == "DSGSPOOL_BATCH=s\nDSGSPOOL_BATCH_DONE=1\nDSGSPOOL_BATCH_FAILED=1\n"
    assert actor.record("s.finally")["environment"]["X"] == "y"
    actor.mv("failed/s/2~exit1.yaml", "todo/s/2.yaml")
    actor.until(lambda: "failed/s/2~exit1" in actor.lies())
    actor.live(10.0)
    assert actor.record("s.finally", 2) == {}, "once, however the batch goes on"


def test_the_text_is_that_of_the_policy_when_the_batch_is_over(actor, world, write):
    write("finally: {command: echo old}")
    actor.drop("s/1", actor.gate())
    actor.until(lambda: actor.pid("s/1"))
    write("finally: {command: echo new}")
    actor.open()
    actor.until(lambda: is_done(world))
    with open(f"{world.root}/logs/s.finally.1.out") as file:
        assert file.read() == "new\n"


def test_a_batch_whose_policy_wants_nothing_of_it_is_not_looked_for(actor, world, write, monkeypatch):
    write("priority: 1")
    write("defaults: {command: 'true'}", "t")
    put(world, "done/s/1", "done/t/1", "done/u/1")
    asked = []
    monkeypatch.setattr(actor.worker.finishing.finals, "tally", lambda batch: asked.append(batch) or iter(()))
    actor.live(6.0)
    assert (asked, decided(world)) == ([], [])
    write("notify: 'true'", "t")
    actor.live(3.0)
    assert set(asked) == {"t"}


def test_that_a_batch_was_over_is_looked_at_once(actor, world, write, monkeypatch):
    write(FINALLY)
    put(world, "done/s/1")
    actor.until(lambda: is_done(world))
    actor.live(5.0)
    asked = []
    monkeypatch.setattr(actor.worker.finishing.finals, "publish", asked.append)
    actor.live(10.0)
    assert asked == []


def test_what_a_dead_leader_could_not_put_into_todo_is_put_there_also_without_a_policy(actor, world):
    finals = Finishing(actor.worker).finals
    text = world.text()
    world.accept(text)
    finals.make("s", finishing.Tally(1, 0), 1e9, text, -1)
    actor.until(lambda: is_done(world))
    assert decided(world) == ["s.over"] and os.listdir(f"{world.root}/batches/s.over") == ["over.json"]


def test_a_batch_is_told_once_by_whoever_leads(actor, world, write, happened):
    write("notify: 'true'")
    put(world, "done/s/1", "failed/s/2~exit1")
    actor.until(lambda: happened)
    other = Finishing(actor.worker)
    other.turn()
    actor.live(5.0)
    (event,) = happened
    assert event.pop("at")
    assert event == {
        "event": "over", "batch": "s", "batch_done": 1, "batch_failed": 1, "reason": "1 done, 1 failed",
        "file": f"{world.root}/batches/s.yaml",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "event", "reason"),
    [("canary: 1", "canary", "s/a failed"), ("breaker: {of: 2, failures: 1}", "tripped", "1 of the first 1 tasks")],
)
def test_a_canary_that_failed_and_a_breaker_that_tripped_are_told_once(
    actor, world, write, happened, policy, event, reason
):
    write(f"{policy}\nnotify: 'true'")
    for name in "abc":
        actor.drop(f"s/{name}", "exit 1" if name == "a" else "sleep 600")
    actor.until(lambda: happened)
    actor.live(10.0)
    assert [each["event"] for each in happened] == [event] and reason in happened[0]["reason"]
    assert f"s.told-{event}" in decided(world) and "s.over" not in decided(world)


@pytest.mark.parametrize(("policy", "event"), [("breaker: {of: 1, failures: 1}", "tripped"), ("canary: 1", "canary")])
def test_what_ended_a_batch_is_told_before_that_it_is_over(actor, world, write, happened, policy, event):
    put(world, "failed/s/a~exit1")
    if event == "canary":
        with open(f"{world.root}/batches/s.canary", "w") as file:
            file.write("tasks: [s/a]\n...\n")
    write(f"{policy}\nnotify: 'true'")
    actor.until(lambda: len(happened) == 2)
    actor.live(5.0)
    assert [each["event"] for each in happened] == [event, "over"]


def test_a_breaker_that_trips_while_its_batch_is_counted_is_told_before_that_too(
    actor, world, write, happened, monkeypatch
):
    finals = actor.worker.finishing.finals
    tally = finals.tally

    def late(batch):
        put(world, f"failed/{batch}/a~exit1")
        yield from tally(batch)

    monkeypatch.setattr(finals, "tally", late)
    write("breaker: {of: 1, failures: 1}\nnotify: 'true'")
    actor.until(lambda: len(happened) == 2)
    assert [each["event"] for each in happened] == ["tripped", "over"]


def test_secrets_of_a_policy_are_not_seen_where_its_command_fails(actor, world, write, told):
    secret = "hunter-two-0815"
    write(f"defaults: {{env: {{API_TOKEN: {secret}}}}}\nnotify: 'echo {secret} >&2; exit 3'")
    put(world, "done/s/1")
    actor.until(lambda: any(line.startswith("notify") for line in told))
    assert "notify (1 event): echo *** >&2; exit 3: exit code 3: ***" in told


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (lambda root: open(f"{root}/batches/a.over", "w").close(), "a.over is no folder"),
        (lambda root: os.symlink("/nowhere", f"{root}/batches/a.over"), "a.over is no folder"),
        (lambda root: os.chmod(f"{root}/batches/a.yaml", 0o666), "everybody may write to it"),
        (lambda root: os.mkdir(f"{root}/batches/a.over") or os.mkdir(f"{root}/batches/a.over/over.json"), "EINVAL"),
    ],
)
def test_what_is_odd_about_one_batch_is_told_once_and_stops_no_other(actor, world, write, told, happened, odd, said):
    for batch in "ab":
        write(f"{FINALLY}\nnotify: 'true'", batch)
        put(world, f"done/{batch}/1")
    odd(world.root)
    actor.until(lambda: is_done(world, "b"))
    actor.live(10.0)
    assert len([line for line in told if "a.yaml" in line and said in line]) == 1
    assert not [path for path in files_below(world.root, STATES) if "a.finally" in path]
    assert [event["batch"] for event in happened] == ["b"]


@pytest.mark.parametrize(("number", "lines"), [(13, 1), (20, 0), (2, 0)])
def test_a_folder_that_cannot_be_listed_is_told_once_and_stops_no_task(actor, told, monkeypatch, number, lines):
    fs = FlakyFs(actor.clock, {"inodes": number}, 99, "/batches")
    monkeypatch.setattr(actor.worker.finishing, "fs", fs)
    actor.drop("x", "true")
    actor.until(lambda: actor.lies("done") == ["done/x"])
    actor.live(6.0)
    assert len([line for line in told if line.endswith("/batches: Permission denied")]) == lines
    assert not [line for line in told if "no new ones are taken" in line]


def test_a_batch_with_too_long_a_name_for_a_last_task_is_told_of_all_the_same(actor, world, write, happened):
    batch = "x" * 145
    put(world, f"done/{batch}/1")
    write("notify: 'true'", batch)
    actor.until(lambda: f"{batch}.over" in decided(world) and happened)


def test_the_task_of_a_policy_that_nobody_else_may_read_is_private_too(actor, world, write):
    write("finally: {command: sleep 600}")
    os.chmod(f"{world.root}/batches/s.yaml", 0o600)
    put(world, "done/s/1")
    actor.until(lambda: actor.pid("s.finally"))
    [name] = actor.mine()
    assert stat.S_IMODE(os.stat(f"{world.root}/{actor.folder}/{name}").st_mode) == 0o600


def test_many_files_are_counted_bit_by_bit(actor, world, write, happened, monkeypatch):
    write("notify: 'true'")
    put(world, *(f"done/s/{number}" for number in range(5)))
    monkeypatch.setattr(finishing, "SLICE", -1.0)
    ends, turns = Finishing(actor.worker), 0
    ends.ask()
    while not happened:
        ends.turn()
        turns += 1
    assert turns > 5


# -- the end of a worker


def test_who_works_until_empty_does_not_end_before_the_last_task_of_a_batch_has_run(inside, world, write):
    write(FINALLY)
    actor = inside(until_empty=True)
    actor.drop("s/1", "exit 1")
    actor.until(lambda: actor.worker.controls.emptied)
    assert files_below(world.root, STATES) == ["done/s.finally.yaml", "failed/s/1~exit1.yaml"]


def test_who_does_not_lead_asks_before_it_ends(inside, world, write, monkeypatch):
    """The leader may be slow, or a worker that is about to die."""
    actor = inside(until_empty=True)
    monkeypatch.setattr(actor.worker.janitor.leadership, "leads", lambda: False)
    write(FINALLY, end="\n")  # not known to be whole for a while
    put(world, "done/s/1")
    actor.until(lambda: actor.worker.controls.emptied)
    assert is_done(world)


def test_an_outage_lets_nobody_end(inside, world, write, monkeypatch):
    write(FINALLY)
    put(world, "done/s/1")
    actor = inside(until_empty=True)
    fs = FlakyFs(world.clock, {"scan": 5}, 10_000, "done/s")
    monkeypatch.setattr(actor.worker.finishing.finals.dependencies, "fs", fs)
    actor.live(20.0)
    assert not actor.worker.controls.emptied
    fs.times = 0
    actor.until(lambda: actor.worker.controls.emptied)
    assert is_done(world)
