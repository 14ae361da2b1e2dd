"""The limits of alerts: a command that does not end, and more events than one run is told line by line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from dsgspool import names
from dsgspool.clock import ServerClock, SystemClock
from dsgspool.policy import Policy
from dsgspool.proc import Exit
from dsgspool.settings import parse_settings
from dsgspool.spool import Spool
from dsgspool.spool.own import Held
from dsgspool.task import Kind, Outcome
from dsgspool.worker import alerts
from dsgspool.worker.admission import Me
from dsgspool.worker.alerts import Alerts, Call, Digest
from dsgspool.worker.attempt import Attempt
from dsgspool.worker.environment import Environment
from dsgspool.worker.scripts import Scripts
from tests.support.waiting import wait_until


class Bare:
    """What of a worker alerts look at."""

    def __init__(self, spool: Spool, on_failed: str) -> None:
        self.spool, self.clock, self.told = spool, SystemClock(), []
        self.settings = parse_settings(f"defaults: {{on_failed: {on_failed}}}".encode(), "spool.yaml")
        self.lease = SimpleNamespace(uid=os.geteuid(), server=ServerClock(self.clock))
        self.me = Me(os.geteuid(), os.geteuid())
        self.intake = SimpleNamespace(turnstile=SimpleNamespace(policy=lambda _: Policy()))
        self.station = SimpleNamespace(wid="n1-aaaaaaaa")
        self.controls = SimpleNamespace(draining=False, emptied=False)
        runner = SimpleNamespace(scripts=Scripts(spool.fs, "n1-aaaaaaaa"), inherited=dict(os.environ))
        self.attempts = SimpleNamespace(runner=runner, helpers=set())

    def tell(self, _event: str, text: str, **_facts: object) -> None:
        self.told.append(text)


def fail(bare: Bare, count: int) -> Alerts:
    """So many tasks failed whose files are gone by now."""
    found = Alerts(bare)  # type: ignore[arg-type]
    for number in range(count):
        found.published(names.parse(f"t{number:04d}.yaml"), f"{bare.spool.failed}/t{number:04d}~exit1.yaml")
    return found


def all_is_told(found: Alerts) -> bool:
    """One turn, as the worker takes it."""
    found.turn()
    for pid in list(found.running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            found.ended(Exit(pid, code if code >= 0 else None, -code if code < 0 else None, 0.0))
    return not (found.waiting or found.running)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Callable[[str], Bare]]:
    """A worker with that command for failures."""
    (tmp_path / "failed").mkdir()
    made: list[Bare] = []

    def make(on_failed: str) -> Bare:
        made.append(Bare(Spool(str(tmp_path)), on_failed if on_failed.startswith("[") else f"'{on_failed}'"))
        return made[-1]

    yield make
    for each in made:
        each.attempts.runner.scripts.shut()


def test_two_batches_with_the_same_command_are_told_apart(bare: Callable[[str], Bare], tmp_path: Path) -> None:
    worker = bare("true")
    found = Alerts(worker)  # type: ignore[arg-type]
    for batch in ("s", "t", "s"):
        command = f'echo "$DSGSPOOL_BATCH $DSGSPOOL_COUNT" >> {tmp_path}/told'
        found.happened("notify", command, worker.settings.task, None, {"event": "over", "batch": batch})
    wait_until(lambda: all_is_told(found), 10)
    assert sorted((tmp_path / "told").read_text().split("\n")) == ["", "s 2", "t 1"]


def test_a_program_that_is_not_there_is_named_with_its_arguments(bare: Callable[[str], Bare]) -> None:
    worker = bare("[./no-such-program, 'a b', anna]")
    assert all_is_told(fail(worker, 1))
    (told,) = worker.told
    assert told.startswith("on_failed (1 event): ./no-such-program 'a b' anna: ") and "No such file" in told


def test_a_command_that_does_not_end_is_killed_and_named(
    bare: Callable[[str], Bare], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "LIMIT", 0.3)
    worker = bare("sleep 600 & sleep 600")
    found = fail(worker, 3)
    wait_until(lambda: all_is_told(found), 10)
    assert worker.told == ["on_failed (3 events): sleep 600 & sleep 600: killed after 0.3 s"]
    assert os.listdir(worker.attempts.runner.scripts._folder.name) == []


def test_one_that_was_killed_and_does_not_die_holds_up_nobody(
    bare: Callable[[str], Bare], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a share that hangs a process cannot die; here nobody takes its end in."""
    monkeypatch.setattr(alerts, "LIMIT", 0.0)
    found = fail(bare("sleep 600"), 1)
    found.turn()
    found.turn()
    (pid,) = found.running
    assert not found.is_busy
    assert found.next_moment() > found.clock.boot() + 60
    os.waitpid(pid, 0)


def test_of_too_many_events_some_are_told_and_all_are_counted(bare: Callable[[str], Bare], tmp_path: Path) -> None:
    worker = bare(f"echo $DSGSPOOL_COUNT > {tmp_path}/count; cat > {tmp_path}/events")
    found = fail(worker, alerts.MOST + 5)
    wait_until(lambda: all_is_told(found), 10)
    assert (tmp_path / "count").read_text() == f"{alerts.MOST + 5}\n"
    lines = (tmp_path / "events").read_text().splitlines()
    assert (len(lines), json.loads(lines[-1])["task"]) == (alerts.MOST, f"t{alerts.MOST - 1:04d}")
    assert worker.told == []


def test_no_more_than_so_many_different_commands_run_at_once(
    bare: Callable[[str], Bare], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "AT_ONCE", 2)
    worker = bare("true")
    found = Alerts(worker)  # type: ignore[arg-type]
    for number in range(7):
        wait = f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; touch {tmp_path}/{number}"
        found.waiting[Call("on_failed", ("/bin/sh", "-c", wait), None, None)] = Digest([{}], 1)
    found.turn()
    found.turn()
    assert (len(found.running), len(found.waiting)) == (2, 5)
    (tmp_path / "go").touch()
    wait_until(lambda: all_is_told(found), 10)
    assert {str(number) for number in range(7)} <= set(os.listdir(tmp_path)) and worker.told == []


def test_no_more_than_so_many_different_commands_wait_and_what_is_left_out_is_counted(
    bare: Callable[[str], Bare], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "MOST_WAITING", 3)
    worker = bare("true")
    found = Alerts(worker)  # type: ignore[arg-type]
    for number in [*range(6), 0]:
        found.happened("on_done", f"echo {number}", worker.settings.task, None, {"task": "x"})
    found.happened("notify", "echo b", worker.settings.task, None, {"batch": "b"})
    assert [digest.count for digest in found.waiting.values()] == [2, 1, 1, 1]
    wait_until(lambda: all_is_told(found) and not found.waiting, 10)
    assert len(worker.told) == 2
    assert "on_done: echo 3: 3 different commands wait for their run, no more are kept (give all" in worker.told[0]
    assert worker.told[1] == "3 alerts were left out: too many different commands waited"
    for number in range(5):
        found.happened("on_done", f"echo {number}", worker.settings.task, None, {"task": "x"})
    found.stop()
    assert worker.told[-1] == "5 alerts were cut off or not sent: the worker was stopped"


def test_a_command_that_prints_without_end_is_killed_and_named(
    bare: Callable[[str], Bare], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "LARGEST", 1 << 20)
    worker = bare("yes")
    found = fail(worker, 1)
    assert found.next_moment() <= worker.clock.boot()
    found.turn()
    assert found.next_moment() <= worker.clock.boot() + alerts.LOOK
    wait_until(lambda: all_is_told(found), 10)
    assert worker.told == ["on_failed (1 event): yes: killed: it printed more than 1 MiB"]


def test_what_cannot_be_started_leaves_nothing_on_this_machine_and_in_memory(bare: Callable[[str], Bare]) -> None:
    worker = bare("true")
    worker.settings = parse_settings(b"{alert_every: 1h, defaults: {on_failed: [/no/such]}}", "spool.yaml")
    found = fail(worker, 1)
    assert all_is_told(found) and "/no/such" in worker.told[0]
    assert os.listdir(worker.attempts.runner.scripts._folder.name) == []
    for number in range(alerts.MOST):  # the last one long after the others
        found._keep_away(Call("on_failed", (str(number),), None, None), 1e6 if number == alerts.MOST - 1 else 0.0)
    assert len(found._next) == 1


def test_a_reason_may_hold_what_no_environment_can(bare: Callable[[str], Bare], tmp_path: Path) -> None:
    """The last line of an error log has any bytes."""
    worker = bare(f"echo $DSGSPOOL_REASON > {tmp_path}/reason")
    found = Alerts(worker)  # type: ignore[arg-type]
    attempt = Attempt(Held(names.parse("x.yaml")), 1, -1, task=worker.settings.task, argv=["x"])
    attempt.outcome = Outcome(Kind.EXIT, 1, "NUL \0 and \udcff")
    found.published(attempt.name, f"{worker.spool.failed}/x~exit1.yaml", attempt)
    wait_until(lambda: all_is_told(found), 10)
    assert (tmp_path / "reason").read_bytes() == b"NUL ? and \xff\n"


@pytest.mark.parametrize(("kind", "has_logs"), [(Kind.EXIT, True), (Kind.INVALID, False), (Kind.DEPENDENCY, False)])
def test_of_what_never_began_no_logs_are_told(
    bare: Callable[[str], Bare], tmp_path: Path, kind: Kind, has_logs: bool
) -> None:
    worker = bare(f"cat > {tmp_path}/told; echo $DSGSPOOL_RECORD $DSGSPOOL_STDERR > {tmp_path}/known")
    found = Alerts(worker)  # type: ignore[arg-type]
    attempt = Attempt(Held(names.parse("x.yaml")), 1, -1, task=worker.settings.task)
    attempt.outcome = Outcome(kind, 1, "why")
    found.published(attempt.name, f"{worker.spool.failed}/x~{attempt.outcome.tag}.yaml", attempt)
    wait_until(lambda: all_is_told(found), 10)
    logs = f"{worker.spool.logs}/x.1"
    known = (f"{logs}.yaml", f"{logs}.out", f"{logs}.err") if has_logs else (f"{logs}.yaml", None, None)
    told = json.loads((tmp_path / "told").read_text())
    assert tuple(told.get(key) for key in ("record", "stdout", "stderr")) == known
    assert (tmp_path / "known").read_text().split() == [path for path in (known[0], known[2]) if path]


SECRET = "hunter-two-0815"


@pytest.mark.parametrize(
    ("on_failed", "told"),
    [
        (f"echo wrong {SECRET} >&2; exit 3", "echo wrong *** >&2; exit 3: exit code 3: wrong ***"),
        (
            f"[/no/such, 'a b', '--key={SECRET}']",
            "/no/such 'a b' '--key=***': [Errno 2] No such file or directory: '/no/such'",
        ),
        (f"[/no/{SECRET}]", "'/no/***': [Errno 2] No such file or directory: '/no/***'"),
        (f"printf %195s {SECRET} >&2; exit 3", "printf %195s *** >&2; exit 3: exit code 3: ***"),
        (f"printf %0191d{SECRET} 0 >&2; exit 3", f"printf %0191d*** 0 >&2; exit 3: exit code 3: {'0' * 191}***"),
    ],
)
def test_secrets_of_a_task_are_not_seen_where_its_alert_fails(
    bare: Callable[[str], Bare], on_failed: str, told: str
) -> None:
    """In the command, in what it printed and in what the system says; also where the line is cut."""
    worker = bare(on_failed)
    found = Alerts(worker)  # type: ignore[arg-type]
    attempt = Attempt(Held(names.parse("x.yaml")), 1, -1, task=worker.settings.task, argv=["x"])
    attempt.outcome, attempt.environment = Outcome(Kind.EXIT, 1, "why"), Environment({}, {}, (SECRET,))
    found.published(attempt.name, f"{worker.spool.failed}/x~exit1.yaml", attempt)
    wait_until(lambda: all_is_told(found), 10)
    assert worker.told == [f"on_failed (1 event): {told}"]


def test_secrets_of_a_task_that_nobody_began_are_not_seen_either(bare: Callable[[str], Bare], tmp_path: Path) -> None:
    worker = bare("true")
    (tmp_path / "failed/x~lost.yaml").write_text(
        f"command: x\nenv: {{API_TOKEN: {SECRET}}}\non_failed: echo {SECRET} >&2; exit 3\n...\n"
    )
    found = Alerts(worker)  # type: ignore[arg-type]
    found.published(names.parse("x.yaml"), f"{tmp_path}/failed/x~lost.yaml")
    wait_until(lambda: all_is_told(found), 10)
    assert worker.told == ["on_failed (1 event): echo *** >&2; exit 3: exit code 3: ***"]


def test_secrets_are_not_seen_where_too_many_commands_wait(
    bare: Callable[[str], Bare], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "MOST_WAITING", 0)
    worker = bare("true")
    found = Alerts(worker)  # type: ignore[arg-type]
    found.happened("on_done", f"echo {SECRET}", worker.settings.task, None, {"task": "x"}, (SECRET,))
    assert worker.told[0].startswith("on_done: echo ***: 0 different commands wait")
