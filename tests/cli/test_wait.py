"""`dsgspool wait`: what is waited for, how it ends."""

import os

import pytest

from dsgspool.cli.wait import _line, finish
from dsgspool.cli.waiting import LOOKS, Progress, Watch, watch
from dsgspool.spool import Spool
from dsgspool.task import State
from tests.support.clocks import Clock
from tests.support.waiting import wait_for_tick


def steps(spool, patterns, *then, timeout=None):
    """All steps until it ends; and the watch."""
    clock = Clock(*then)
    tasks = Watch.of(Spool(str(spool), clock=clock), patterns)
    return list(watch(tasks.spool, tasks, timeout)), tasks


def mover(spool, source, target):
    """A move to do later."""
    return lambda: os.renames(spool / source, spool / target)


def test_nothing_to_wait_for_is_over_at_once(spool, process):
    assert process("wait").returncode == 0


def test_a_pattern_that_fits_nothing_is_exit_5(spool, run):
    assert run("wait", "x").exit_code == 5


def test_finished_tasks_that_match_count_at_once(process, put):
    put("done/s/a.yaml")
    put("failed/s/b~timeout.yaml")
    assert process("wait", "s/a").returncode == 0
    result = process("wait", "s")
    assert result.returncode == 1 and result.stdout == ""
    assert "failed: s/b (timeout)" in result.stderr and "2 of 2: 1 done, 1 failed" in result.stderr


def test_it_goes_on_until_the_last_is_over(spool, put):
    put("todo/a.yaml")
    put("todo/b.yaml")
    seen, tasks = steps(
        spool,
        [],
        mover(spool, "todo/a.yaml", "running/n1-abcdefgh/a@n1-abcdefgh.1.yaml"),
        mover(spool, "running/n1-abcdefgh/a@n1-abcdefgh.1.yaml", "done/a.yaml"),
        mover(spool, "todo/b.yaml", "failed/b~exit1.yaml"),
    )
    assert [(step.done, step.failed, step.running) for step in seen] == [(0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 1, 0)]
    assert tasks.failed == {"b": "exit1"}


def test_a_parked_task_is_not_waited_for(spool, put):
    put("todo/a.yaml")
    seen, tasks = steps(spool, [], mover(spool, "todo/a.yaml", "hold/a~0.abcdefgh-1.yaml"))
    assert (seen[-1].dropped, tasks.parked) == (1, {"a"})


@pytest.mark.parametrize(
    ("move", "said"), [("hold/a.yaml", "parked in hold/ meanwhile: a"), ("", "removed meanwhile: a")]
)
def test_what_is_parked_or_removed_meanwhile_is_not_done(spool, put, capsys, move, said):
    file = put("todo/a.yaml")
    tasks = Watch.of(Spool(str(spool), clock=Clock(mover(spool, "todo/a.yaml", move) if move else file.unlink)), ["a"])
    with pytest.raises(SystemExit, match="1"):
        finish(tasks.spool, tasks, None)
    assert said in capsys.readouterr().err


def test_what_lay_in_hold_before_is_named_and_not_waited_for(run, put):
    put("hold/s/a.yaml")
    put("done/s/b.yaml")
    result = run("wait", "s")
    assert result.exit_code == 0 and "not waited for, as in hold/: s/a" in result.stderr


def test_without_names_what_was_over_before_counts_as_with_a_pattern(process, put):
    """Else `submit ...; wait && merge` would merge whenever workers are faster than whoever types that."""
    put("done/a.yaml")
    put("failed/quick~exit1.yaml")
    put("hold/parked.yaml")
    result = process("wait")
    assert result.returncode == process("wait", "*").returncode == 1
    assert (
        "2 of 2: 1 done, 1 failed, 0 running" in result.stderr
        and "not waited for, as in hold/: parked" in result.stderr
    )
    assert "failed before: quick (exit1)\n" in result.stderr and "failed: quick" not in result.stderr
    assert "dsgspool wait NAME" in result.stderr and "dsgspool prune --state failed" in result.stderr


def test_without_names_what_was_cancelled_before_is_no_failure(run, put):
    put("done/a.yaml")
    put("failed/c~cancelled.abcdefgh-1.yaml")
    result = run("wait")
    assert result.exit_code == 0 and "1 of 1: 1 done, 0 failed, 0 running" in result.stderr
    assert "not waited for, as cancelled before: c\n" in result.stderr and "requeue" not in result.stderr
    put("failed/b 2~exit1.yaml")
    result = run("wait")
    assert result.exit_code == 1 and "failed before: b 2 (exit1)\n" in result.stderr
    assert "dsgspool requeue --failed, or " in result.stderr  # which leaves c alone


@pytest.mark.parametrize("patterns", [("s",), ()])
def test_what_is_cancelled_meanwhile_is_not_done(spool, put, capsys, patterns):
    put("todo/s/a.yaml")
    put("done/s/b.yaml")
    move = mover(spool, "todo/s/a.yaml", "failed/s/a~cancelled.abcdefgh-1.yaml")
    tasks = Watch.of(Spool(str(spool), clock=Clock(move)), patterns)
    with pytest.raises(SystemExit, match="1"):
        finish(tasks.spool, tasks, None)
    told = capsys.readouterr().err
    assert (
        "2 of 2: 1 done, 0 failed, 1 taken out, 0 running" in told
        and "cancelled: s/a\n" in told
        and "failed:" not in told
    )


def test_how_long_it_takes_is_told_only_while_something_runs():
    assert _line(Progress(4, 2, 0, 0, 1), 10.0, 2).endswith("1 running, ETA 10.0s")
    assert _line(Progress(4, 2, 0, 0, 0), 10.0, 2).endswith("0 running")


def test_what_was_cancelled_before_and_is_named_is_not_done(run, put):
    put("failed/s/a~cancelled.abcdefgh-1.yaml")
    result = run("wait", "s")
    assert result.exit_code == 1 and "cancelled: s/a\n" in result.stderr and "failed:" not in result.stderr


def test_without_names_old_failures_are_one_line_and_those_of_now_one_each(spool, put, capsys):
    for number in range(30):
        put(f"failed/old{number:02}~timeout.yaml")
    put("failed/again~exit1.yaml")
    wait_for_tick(spool.root)
    put("done/again.yaml")
    put("todo/a.yaml")
    tasks = Watch.of(Spool(str(spool), clock=Clock(mover(spool, "todo/a.yaml", "failed/a~exit3.yaml"))), ())
    with pytest.raises(SystemExit, match="1"):
        finish(tasks.spool, tasks, None)
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if line.startswith("failed")] == [
        "failed: a (exit3)",
        "failed before: " + ", ".join(f"old{n:02} (timeout)" for n in range(5)) + " ... (30 in all)",
    ]


def test_without_names_what_goes_back_to_todo_behind_the_first_look_is_waited_for(spool, put, monkeypatch):
    put("running/n1-abcdefgh/a@n1-abcdefgh.1.yaml")
    of = Spool.tasks

    def listed(self, state, batch=""):
        found = list(of(self, state, batch))
        if state is State.TODO and (spool / "running/n1-abcdefgh").exists():
            os.renames(spool / "running/n1-abcdefgh/a@n1-abcdefgh.1.yaml", spool / "todo/a~1.abcdefgh-1.yaml")
        return found

    monkeypatch.setattr(Spool, "tasks", listed)
    assert Watch.of(Spool(str(spool), clock=Clock()), ()).open == {"a"}


@pytest.mark.parametrize("last", ["done/a.yaml", "failed/a~exit2.yaml", "failed/a~exit1.yaml"])
def test_of_a_name_that_ran_before_the_end_that_came_last_counts(spool, put, last):
    ends = {"done/a.yaml", "failed/a~exit2.yaml", "failed/a~exit1.yaml"}
    for path in sorted(ends - {last}):
        put(path)
    put("running/n1-abcdefgh/a@n1-abcdefgh.1.yaml")
    wait_for_tick(spool.root)
    _, tasks = steps(spool, ["a"], mover(spool, "running/n1-abcdefgh/a@n1-abcdefgh.1.yaml", last))
    failed = {"a": last.removesuffix(".yaml").partition("~")[2]} if last.startswith("failed") else {}
    assert (tasks.done, tasks.failed) == (set() if failed else {"a"}, failed)


def test_what_goes_back_to_todo_behind_a_look_is_not_over_though_it_was_done_before(spool, put, monkeypatch):
    put("done/a.yaml")
    put("running/n1-abcdefgh/a@n1-abcdefgh.1.yaml")
    tasks = Watch(Spool(str(spool)), {"a"})
    of = tasks.spool.tasks

    def listed(state, batch=""):
        if state is State.RUNNING and not (spool / "todo/a~1.abcdefgh-1.yaml").exists():
            os.rename(spool / "running/n1-abcdefgh/a@n1-abcdefgh.1.yaml", spool / "todo/a~1.abcdefgh-1.yaml")
        return of(state, batch)

    monkeypatch.setattr(tasks.spool, "tasks", listed, raising=False)
    assert tasks.look().done == 0 and tasks.open == {"a"}


def test_a_sweep_is_over_when_all_its_parts_are(spool, put):
    (spool / "sweeps/s/whole").mkdir(parents=True)
    put("todo/s.yaml")
    rest, chunk = "todo/s/rest-2-9~0.abcdefgh-1.yaml", "running/n1-abcdefgh/s%0-1~0@n1-abcdefgh.1.yaml"

    def divided():
        (spool / "todo/s.yaml").unlink()
        (spool / "sweeps/s/0-9").mkdir()
        put(chunk)

    def again():
        (spool / rest).unlink()
        put("failed/s/2-9~items1.yaml")

    seen, tasks = steps(
        spool, ["s"], divided, lambda: put(rest), mover(spool, chunk, "done/s/0-1.yaml"), lambda: None, again
    )
    assert (tasks.done, tasks.failed, tasks.removed) == ({"s/0-1"}, {"s/2-9": "items1"}, set())
    assert seen[-1].total == 2
    items = [step.items for step in seen if step.is_swept][-2:]
    assert [(each.done, each.failed, each.running, each.total) for each in items] == [(2, 0, 0, 10), (9, 1, 0, 10)]


def test_what_is_waited_for_of_a_sweep_is_told_in_items_and_of_nothing_else(spool, put, run):
    (spool / "sweeps/s/00-99").mkdir(parents=True)
    put("done/s/00-19.yaml")
    put("failed/s/20-29~items3.yaml")
    put("failed/s/30-31~signal9.yaml")
    put("hold/s/rest-32-97~0.abcdefgh-1.yaml")
    put("failed/s/rest-98-99~cancelled.abcdefgh-2.yaml")
    assert "34 of 34 items: 27 done, 5 failed, 2 taken out, 0 running\n" in run("wait", "s").stderr
    put("done/x/0-9.yaml")  # of no sweep
    assert "5 of 5: 2 done, 2 failed, 1 taken out, 0 running; of sweeps 34 of 34 items\n" in run("wait", "*").stderr
    assert "1 of 1: 1 done, 0 failed, 0 running\n" in run("wait", "x").stderr


@pytest.mark.parametrize(("first", "waited"), [("todo/s.yaml", "s"), ("todo/s/rest-0-9.yaml", "s/rest-0-9")])
def test_of_a_sweep_a_part_that_somebody_removes_is_removed_and_the_rest_is_waited_for(spool, put, first, waited):
    (spool / "sweeps/s/whole").mkdir(parents=True)
    whole, rest, last = put(first), "todo/s/rest-5-9~0.abcdefgh-2.yaml", "running/n1-abcdefgh/s%7-9@n1-abcdefgh.2.yaml"

    def divided():
        whole.unlink()
        (spool / "sweeps/s/0-9").mkdir()
        put("done/s/0-1.yaml")  # 2-4 is gone before anybody looks
        put(rest)

    def again():
        os.remove(spool / rest)
        (spool / "sweeps/s/5-9").mkdir()
        put(last)  # 5-6 as well

    for_long = [lambda: None] * LOOKS * 2
    clock = Clock(divided, *for_long, again, *for_long, mover(spool, last, "done/s/7-9.yaml"))
    tasks = Watch(Spool(str(spool), clock=clock), {waited})
    seen = list(watch(tasks.spool, tasks, None))
    assert (tasks.done, tasks.removed) == ({"s/0-1", "s/7-9"}, {"s/2-4", "s/5-6"})
    assert (seen[-1].total, seen[-2].running) == (4, 1)


@pytest.mark.parametrize("part", ["s%rest-4-9", "s%4-9", "s%rest-2-9"])
def test_a_part_of_a_sweep_that_a_look_misses_is_not_removed(spool, put, monkeypatch, part):
    """Who holds a rest queues what comes behind its first chunk, and claims that, while somebody lists the folders."""
    (spool / "sweeps/s/0-9").mkdir(parents=True)
    put("done/s/0-3.yaml")
    put(f"running/n1-abcdefgh/{part}@n1-abcdefgh.2.yaml")
    tasks = Watch(Spool(str(spool), clock=Clock()), {"s"})
    of, missed = tasks.spool.tasks, []
    monkeypatch.setattr(tasks.spool, "tasks", lambda state, batch="": () if state in missed else of(state, batch))
    for is_missed in (*[True] * (LOOKS - 1), False):
        missed[:] = [State.RUNNING] * is_missed
        tasks.look()
    assert (tasks.open, tasks.done, tasks.removed) == ({part.replace("%", "/")}, {"s/0-3"}, set())


def test_a_removed_task_is_given_up_only_after_several_looks(spool, put):
    file = put("todo/a.yaml")
    seen, tasks = steps(spool, [], file.unlink)
    assert (len(seen), tasks.removed) == (LOOKS + 1, {"a"})


def test_the_last_task_of_a_batch_is_waited_for_before_it_is_there(spool, put, run):
    put("batches/s.yaml", "finally: {command: ./merge.sh}\n...\n")
    put("todo/s/1.yaml")

    def over():
        put("batches/s.over/over.json", "{}")
        put("done/s.finally.yaml")

    seen, tasks = steps(spool, ["s.finally"], *[lambda: None] * LOOKS * 2, over)
    assert (seen[-1].done, tasks.done, tasks.removed) == (1, {"s.finally"}, set())
    (spool / "done/s.finally.yaml").unlink()
    assert run("wait", "s.finally").exit_code == run("wait", "t.finally").exit_code == 5, "nobody makes it any more"


def test_a_batch_is_over_without_its_last_task_which_has_a_name_of_its_own(spool, put, run):
    put("batches/s.yaml", "finally: {command: ./merge.sh}\n...\n")
    put("done/s/1.yaml")
    assert run("wait", "s").exit_code == 0
    assert steps(spool, ["s", "s.finally"], timeout=1)[1].open == {"s.finally"}
    assert "dsgspool wait BATCH BATCH.finally" in " ".join(run("wait", "--help").stdout.split())


def test_time_runs_out(spool, put):
    put("todo/a.yaml")
    seen, tasks = steps(spool, [], timeout=2.0)
    assert len(seen) > 2 and tasks.open == {"a"}


def test_time_running_out_is_exit_1_and_says_so(process, put):
    put("todo/a.yaml")
    result = process("wait", "--timeout", "0s")
    assert result.returncode == 1 and "time is up: 1 task is not over: a\n" in result.stderr


@pytest.mark.parametrize("value", ["soon", "12:30"])
def test_a_timeout_that_is_none_is_exit_4(spool, run, value):
    assert run("wait", "--timeout", value).exit_code == 4
