"""`dsgspool prune`: nothing that is young, in use, or held by an attempt."""

import os

import pytest

from dsgspool.fs import Fs
from dsgspool.spool import Spool
from dsgspool.spool.pruning import Pruner
from dsgspool.task import State
from tests.support.doors import FakeClock

WID = "n1-abcdefgh"


@pytest.fixture
def old(spool, put, record):
    """A finished task of long ago, with two attempts."""

    def make(path, task, **facts):
        file = put(path)
        stems = [record(task, 1, "exit1", out="x"), record(task, 2, "done", out="x", **facts)]
        for stem in stems:
            os.utime(f"{stem}.yaml", (1e9, 1e9))
        return file

    return make


def files(spool, folder):
    return sorted(path.name for path in (spool / folder).rglob("*") if path.is_file())


def test_an_age_is_required(spool, run):
    result = run("prune")
    assert result.exit_code == 2 and "--older-than" in result.stderr


def test_old_finished_tasks_go_with_all_their_files(spool, process, old, put):
    old("done/s/a.yaml", "s/a")
    old("failed/b~exit1.yaml", "b")
    put("done/young.yaml")
    result = process("prune", "--older-than", "30d")
    assert (result.returncode, sorted(result.stdout.split())) == (0, ["b", "s/a"]), result.stderr
    assert files(spool, "done") == ["young.yaml"]
    assert files(spool, "failed") == files(spool, "logs") == files(spool, "tmp") == []


def test_what_lies_in_the_place_of_a_record_and_is_none_keeps_nothing_else(spool, run, old):
    old("done/a.yaml", "a")
    os.mkfifo(spool / "logs/gone.1.yaml")
    (spool / "logs/link.1.yaml").symlink_to("nowhere")
    result = run("prune", "--older-than", "1d")
    assert (result.exit_code, result.stdout) == (0, "a\n"), result.stderr
    assert files(spool, "done") == []


def test_only_one_state_and_only_these_names(spool, run, old):
    for name in ("a", "b"):
        old(f"done/{name}.yaml", name)
    old("failed/c~exit1.yaml", "c")
    assert run("prune", "--older-than", "1d", "--state", "failed").stdout == "c\n"
    assert run("prune", "--older-than", "1d", "a*").stdout == "a\n"
    assert files(spool, "done") == ["b.yaml"]
    assert run("prune", "--older-than", "1d", "--state", "todo").exit_code == 2


def test_what_ended_within_the_last_minute_stays_and_that_is_said(spool, process, put):
    put("done/a.yaml")
    result = process("prune", "--older-than", "0s")
    assert (result.returncode, result.stdout) == (0, "") and files(spool, "done") == ["a.yaml"]
    nothing = "dsgspool: removed nothing: none of it ended longer ago than 1m00s\n"
    assert result.stderr == f"dsgspool: what ended less than 60 s ago stays: it may still be looked at\n{nothing}"
    assert process("prune", "--older-than", "1m").stderr == nothing


def test_dry_run_removes_nothing(spool, run, old):
    old("done/a.yaml", "a")
    assert run("prune", "--older-than", "1d", "--dry-run").stdout == "done/a.yaml\n"
    assert files(spool, "done") == ["a.yaml"] and len(files(spool, "logs")) == 6


def test_how_much_it_was_is_said_at_the_end_and_before_it_is_done(spool, run, old):
    old("done/a.yaml", "a")
    old("failed/s/b~exit1.yaml", "s/b")
    for edit in ("20200101T000000Z-aaaaaaaa", "20200101T000000Z-bbbbbbbb"):
        (spool / "edits" / edit).mkdir(parents=True)
        os.utime(spool / "edits" / edit, (1e9, 1e9))
    number = "2 tasks with 14 files, 2 of edits/\n"
    assert run("prune", "--older-than", "1d", "--dry-run").stderr == f"dsgspool: would remove {number}"
    assert run("prune", "--older-than", "1d").stderr == f"dsgspool: removed {number}"
    assert [path for folder in ("done", "failed", "logs", "edits") for path in files(spool, folder)] == []


@pytest.mark.parametrize("words", [(), ("--dry-run",), ("--state", "done")])
def test_a_name_that_nothing_has_is_exit_5_and_nothing_is_removed(spool, run, old, put, words):
    old("done/a.yaml", "a")
    put("todo/b.yaml")
    result = run("prune", "--older-than", "1d", "a", "nosuch", *words)
    assert (result.exit_code, result.stdout) == (5, "") and "no task matches 'nosuch'" in result.stderr
    assert files(spool, "done") == ["a.yaml"]
    assert run("prune", "--older-than", "1d", "b", *words).exit_code == 0


def test_of_batches_that_are_not_over_it_is_said_that_what_goes_counts_no_more(run, old, put):
    for batch in "abcde":
        old(f"done/{batch}/1.yaml", f"{batch}/1")
    put("hold/e/2.yaml")
    said = "hint: what is pruned is counted nowhere: of {}, `batch` and the report tell what is left\n"
    assert said.format("e, which is not over") in run("prune", "--older-than", "1d", "--dry-run").stderr
    assert "counted nowhere" not in run("prune", "--older-than", "1d", "a").stderr
    for batch in "bcd":
        put(f"todo/{batch}/2.yaml")
    assert said.format("b, c, d and 1 more, which are not over") in run("prune", "--older-than", "1d").stderr


@pytest.mark.parametrize("where", ["todo/a.yaml", f"running/{WID}/a@{WID}.1.yaml", "hold/a~1.abcdefgh-1.yaml"])
def test_a_name_that_lies_elsewhere_too_is_kept_and_free_again(spool, run, old, put, where):
    old("done/a.yaml", "a")
    put(where)
    result = run("prune", "--older-than", "1d")
    assert (result.exit_code, result.stdout) == (0, "") and "kept a" in result.stderr
    assert files(spool, "done") == ["a.yaml"]
    record = (spool / "logs" / "a.3.yaml").read_text()
    assert "outcome: stopped" in record and record.endswith("\n...\n")


def test_a_name_that_failed_and_then_was_done_goes_with_both_its_files(spool, run, old, put):
    old("done/a.yaml", "a")
    put("failed/a~exit1.yaml")
    put("failed/a~timeout.yaml")
    result = run("prune", "--older-than", "1d")
    assert (result.stdout, result.stderr) == ("a\n", "dsgspool: removed 1 task with 9 files\n")
    assert files(spool, "done") == files(spool, "failed") == files(spool, "logs") == []


def test_of_two_files_of_a_name_one_is_kept_with_the_other(spool, run, old, put):
    old("done/a.yaml", "a")
    put("failed/a~exit1.yaml")
    assert "another folder too" in run("prune", "--older-than", "1d", "--state", "done").stderr
    assert files(spool, "done") == ["a.yaml"] and files(spool, "failed") == ["a~exit1.yaml"]


def test_an_attempt_that_is_alive_keeps_the_name(spool, run, old, record):
    old("done/a.yaml", "a")
    (spool / "workers" / f"{WID}.yaml").write_text("x: 1\n")
    record("a", 3, None, over=False, claim=f"{WID}.7")
    os.utime(spool / "logs" / "a.3.yaml", (1e9, 1e9))
    result = run("prune", "--older-than", "1d")
    assert result.stdout == "" and f"{WID}.7 holds it" in result.stderr
    assert len(files(spool, "logs")) == 9


def test_a_task_that_is_moved_away_in_the_last_moment_is_kept(spool, old):
    old("failed/a~exit1.yaml", "a")
    pruner = Pruner(Spool(str(spool)), 2e9, 60.0)
    where = pruner._where
    pruner._where = lambda names: (where(names), os.rename(spool / "failed/a~exit1.yaml", spool / "todo/a.yaml"))[0]
    (result,) = pruner.run(list(pruner.old([State.FAILED])))
    assert result.reason == "somebody moved it meanwhile"
    assert len(files(spool, "logs")) == 7 and files(spool, "todo") == ["a.yaml"]


def test_a_task_that_ran_again_since_its_age_was_looked_at_is_kept(spool, old, record):
    """The young file lies where the old one lay; only its newest record tells."""
    old("done/a.yaml", "a")
    pruner = Pruner(Spool(str(spool)), 1e9 + 120.0, 60.0)
    places = list(pruner.old([State.DONE]))
    record("a", 3, "done")
    (result,) = pruner.run(places)
    assert result.reason == "it has run again meanwhile"
    assert files(spool, "done") == ["a.yaml"] and "a.1.yaml" in files(spool, "logs")


@pytest.mark.parametrize("kind", ["yaml", "lock"])
def test_a_worker_that_came_after_prune_began_keeps_its_name(spool, old, record, kind):
    """A listing from before says nothing about it, and neither does a WID.yaml that somebody removed."""
    old("done/a.yaml", "a")
    pruner = Pruner(Spool(str(spool)), 2e9, 60.0)
    (spool / "workers" / f"{WID}.{kind}").touch()
    record("a", 3, None, over=False, claim=f"{WID}.7")
    (result,) = pruner.run(list(pruner.old([State.DONE])))
    assert result.reason == f"{WID}.7 holds it"
    assert "a.4.yaml" not in files(spool, "logs")


def test_while_it_removes_nobody_can_start_that_name(spool, old):
    old("done/a.yaml", "a")
    pruner, seen = Pruner(Spool(str(spool)), 2e9, 60.0), []
    remove = pruner._remove_records
    pruner._remove_records = lambda name, begun: (seen.extend(files(spool, "logs")), remove(name, begun))
    assert [result.reason for result in pruner.run(list(pruner.old([State.DONE])))] == [""]
    assert "a.3.yaml" in seen and files(spool, "logs") == []


@pytest.mark.parametrize(
    "gone", [(), ("done/a.yaml",), ("done/a.yaml", "logs/a.[12].*")], ids=["locked", "file", "records"]
)
def test_what_a_killed_prune_has_begun_the_next_one_ends(spool, run, old, gone):
    """Its record names no worker and has no end: for ever, had the next prune to watch it for a lease."""
    old("done/a.yaml", "a")
    (spool / "logs/a.3.yaml").write_bytes(b"task: a\noutcome: pruned\n")
    os.utime(spool / "logs/a.3.yaml", (1e9, 1e9))
    for path in [path for pattern in gone for path in spool.glob(pattern)]:
        path.unlink()
    shown = run("prune", "--older-than", "1d", "--dry-run").stdout
    assert shown == ("logs/a.*\n" if gone else "done/a.yaml\n")
    result = run("prune", "--older-than", "1d")
    number = {0: "8 files", 1: "7 files", 2: "1 file"}[len(gone)]
    assert (result.exit_code, result.stdout) == (0, "a\n")
    assert result.stderr == f"dsgspool: removed 1 task with {number}\n"
    assert files(spool, "done") == files(spool, "logs") == []


def test_a_prune_that_is_young_is_left_to_its_own(spool, run):
    (spool / "logs/a.1.yaml").write_bytes(b"task: a\noutcome: pruned\n")
    assert run("prune", "--older-than", "1d").stdout == ""
    assert files(spool, "logs") == ["a.1.yaml"]


def test_files_of_workers_dead_for_long_go_when_asked(spool, run):
    for wid, when in ((WID, 1e9), ("n2-abcdefgh", None), ("n3-abcdefgh", 1e9)):
        for kind in ("lock", "yaml", "dead", "jsonl"):
            path = spool / "workers" / f"{wid}.{kind}"
            path.touch()
            if when:
                os.utime(path, (when, when))
    (spool / "running" / "n3-abcdefgh").mkdir()
    assert run("prune", "--older-than", "1d").stdout == ""
    assert run("prune", "--older-than", "1d", "--workers").stdout == f"workers/{WID}\n"
    assert len(files(spool, "workers")) == 8


class Told(Fs):
    """Tells what is removed, in order."""

    def __init__(self):
        super().__init__()
        self.removed = []

    def remove(self, path):
        self.removed.append(os.path.basename(path))
        return super().remove(path)


@pytest.fixture
def pruner(spool):
    return Pruner(Spool(str(spool), Told()), 2e9, 60.0)


def test_records_are_removed_from_the_first_upwards_and_its_own_last(pruner, old):
    old("done/a.yaml", "a")
    assert [result.reason for result in pruner.run(list(pruner.old([State.DONE])))] == [""]
    assert [name for name in pruner.fs.removed if name.endswith(".yaml")] == [
        "a.yaml",
        "a.1.yaml",
        "a.2.yaml",
        "a.3.yaml",
    ]


def test_when_it_has_held_a_name_for_half_a_lease_it_lets_go(spool, pruner, old):
    old("done/a.yaml", "a")
    where = pruner._where
    pruner.spool.clock = FakeClock()
    pruner._where = lambda names: (pruner.spool.clock.advance(24.0), where(names))[1]
    assert [result.reason for result in pruner.run(list(pruner.old([State.DONE])))] == [
        "the spool is too slow just now"
    ]
    assert files(spool, "done") == ["a.yaml"]


def test_inventory_and_tombstone_of_a_worker_go_last(spool, pruner):
    for kind in ("lock", "yaml", "dead", "jsonl", "fenced", "control.yaml"):
        (spool / "workers" / f"{WID}.{kind}").touch()
    pruner.remove_worker(WID)
    assert pruner.fs.removed[-2:] == [f"{WID}.yaml", f"{WID}.dead"]


@pytest.mark.parametrize("mark", ["yaml", "lock"])
def test_an_attempt_of_a_worker_that_came_while_it_prunes_keeps_the_name(spool, pruner, old, record, mark):
    """It has looked into workers/ once, at its start; what is not there may have come since, or have lost its inventory."""
    old("done/a.yaml", "a")
    places = list(pruner.old([State.DONE]))
    assert pruner._is_dead(WID)
    record("a", 3, None, over=False, claim=f"{WID}.7")
    (spool / "workers" / f"{WID}.{mark}").touch()
    assert [result.reason for result in pruner.run(places)] == [f"{WID}.7 holds it"]
    assert len(files(spool, "logs")) == 9


def test_that_a_batch_was_over_goes_when_it_is_old_and_nothing_of_it_is_left(spool, run, put):
    for batch in ("s", "t"):
        put(f"batches/{batch}.over/over.json", "{}")
        os.utime(spool / f"batches/{batch}.over", (1e9, 1e9))
    put("done/t/1.yaml")
    assert run("prune", "--older-than", "30d", "--dry-run").stdout == "batches/s.over\n"
    assert run("prune", "--older-than", "30d").stdout == "batches/s.over\n"
    assert os.listdir(spool / "batches") == ["t.over"]


def test_a_sweep_is_forgotten_with_all_that_its_chunks_left(spool, run, put, record):
    put("done/s/0-9.yaml", "command: 'true'\nsweep:\n  product: {n: 1..10}\n...\n")
    record("s", 1, "stopped")
    (record("s/0-9").parent / "0-9.1.items").write_text("# item\n")
    put("sweeps/s/0-9/split.json", '{"head": 9}\n')
    for path in spool.rglob("*"):
        os.utime(path, (1e9, 1e9))
    assert run("prune", "--older-than", "5d", "--dry-run").stdout.splitlines() == ["done/s/0-9.yaml"]
    assert run("prune", "--older-than", "5d").stdout.splitlines() == ["s/0-9", "sweeps/s"]
    assert [str(path) for path in (spool / "logs").rglob("*") if path.is_file()] == []
    assert not (spool / "sweeps/s").exists()


def test_a_dry_run_says_who_holds_what_would_be_kept(spool, run, old, record, put):
    old("done/a.yaml", "a")
    old("done/b.yaml", "b")
    os.utime(
        f"{record('b', 1, None, over=False, claim=f'{WID}.1')}.yaml", (1e9, 1e9)
    )  # that of a worker of which nothing tells that it is dead
    put(f"workers/{WID}.yaml", "")
    result = run("prune", "--older-than", "1d", "--dry-run")
    assert result.stdout.split() == ["done/a.yaml"]
    assert f"would keep b: {WID}." in result.stderr and "would remove 1 task " in result.stderr
    really = run("prune", "--older-than", "1d")
    assert really.stdout.split() == ["a"] and f"kept b: {WID}." in really.stderr
