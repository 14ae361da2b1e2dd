"""A crash at every point of every verb, and what the others make of it.

The rule: each verb is run once to count its operations on the file door, then again for each operation with a crash
before it, in the middle of it (half of the bytes written) and after it.  After each crash a fresh worker and time must
bring everything to rest: nothing accepted lost, nothing doubled, nothing run again that had ended.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator

import pytest

from dsgspool import snapshot
from dsgspool.spool.editing import Change, Edit
from dsgspool.spool.moves import Moves, Place
from dsgspool.spool.submission import Draft, Submission
from dsgspool.spool.waiters import Waiters
from dsgspool.task import After, Decision, Kind, Outcome, State
from tests.support.actors import Crash, Work, World
from tests.support.doors import CrashingFs

DONE, EXIT = Outcome(Kind.DONE, 0), Outcome(Kind.EXIT, 1)
HOW = ("before", "torn", "after")


class Trial:
    """A spool with two tasks in it, and one worker that will crash."""

    def __init__(self, root: str, at: int = 0, how: str = "before") -> None:
        self.world = World(f"{root}/spool")
        self.fs = CrashingFs(self.world.clock, at, how, self.world.on_rename)
        self.world.drop("a")
        self.world.drop("s/b")
        self.actor = self.world.worker(self.fs)

    def run(self, verb: Verb) -> bool:
        """Prepare, arm, act; True when it crashed."""
        act = verb(self)
        self.fs.armed = True
        try:
            act()
        except Crash:
            self.world.crash(self.actor)
            return True
        self.fs.armed = False
        return False

    def recover(self) -> None:
        """A fresh worker and time bring everything to rest; the checker of the product finds nothing either."""
        self.world.worker()
        self.world.settle_down()
        for actor in self.world.living:
            self.world.crash(actor)
        assert snapshot.check(self.world.spool) == []

    # -- getting there -------------------------------------------------------------------------------------------

    def claimed(self, path: str = "a.yaml") -> Work:
        work = self.actor.claim(path)
        assert work is not None
        return work

    def running(self, path: str = "a.yaml") -> Work:
        work = self.claimed(path)
        self.actor.begin(work)
        self.actor.start(work)
        return work

    def ended(self, outcome: Outcome, path: str = "a.yaml") -> Work:
        work = self.running(path)
        self.actor.end(work, outcome)
        return work

    def place(self, state: State) -> Place:
        path, name = next(iter(self.world.spool.tasks(state)))
        return Place(state, path, name)


Verb = Callable[[Trial], Callable[[], object]]


def submit(trial: Trial) -> Callable[[], object]:
    texts = [trial.world.text(), trial.world.text()]

    def act() -> None:
        submission = Submission(trial.actor.spool)
        drafts = [Draft(submission.named("c"), texts[0]), Draft(submission.unique("w"), texts[1])]
        for _, text in zip(submission.put(drafts, trial.world.spool.todo), texts, strict=True):
            trial.world.accept(text)
        submission.close()

    return act


def submit_bulk(trial: Trial) -> Callable[[], object]:
    texts = [trial.world.text() for _ in range(3)]

    def act() -> None:
        submission = Submission(trial.actor.spool)
        for _, text in zip(submission.put_bulk(texts, "bulk", trial.world.spool.todo), texts, strict=True):
            trial.world.accept(text)
        submission.close()

    return act


def claim(trial: Trial) -> Callable[[], object]:
    return lambda: trial.actor.claim("s/b.yaml")


def begin(trial: Trial) -> Callable[[], object]:
    work = trial.claimed("s/b.yaml")
    return lambda: trial.actor.begin(work)


def begin_again(trial: Trial) -> Callable[[], object]:
    """The second attempt: its record needs a look at the first."""
    trial.actor.publish(trial.ended(EXIT))
    work = trial.claimed(next(p for p in trial.actor.candidates() if p.startswith("a~")))
    return lambda: trial.actor.begin(work)


def end_well(trial: Trial) -> Callable[[], object]:
    work = trial.running()
    return lambda: trial.actor.end(work, DONE)


def publish_done(trial: Trial) -> Callable[[], object]:
    work = trial.ended(DONE, "s/b.yaml")
    return lambda: trial.actor.publish(work)


def publish_retry(trial: Trial) -> Callable[[], object]:
    work = trial.ended(EXIT)
    return lambda: trial.actor.publish(work)


def publish_failed(trial: Trial) -> Callable[[], object]:
    trial.world.retries = 0
    work = trial.ended(EXIT)
    return lambda: trial.actor.publish(work)


def wait_for_another(trial: Trial) -> Callable[[], object]:
    """Two files of one name: the second is filed into waiting/."""
    trial.running()
    trial.world.drop("a")
    work = trial.claimed()

    def act() -> None:
        trial.actor.begin(work)
        trial.actor.publish(work)

    return act


def take_over(trial: Trial) -> Callable[[], object]:
    """Three files of a dead worker: one ended, one not, one never begun."""
    other = trial.world.worker()
    for path, outcome in (("a.yaml", DONE), ("s/b.yaml", None)):
        work = other.claim(path)
        assert work is not None
        other.begin(work)
        other.start(work)
        if outcome:
            other.end(work, outcome)
    trial.world.drop("c")
    other.claim("c.yaml")
    trial.world.crash(other)
    return trial.actor.sweep


def lead(trial: Trial) -> Callable[[], object]:
    """The chain of janitors goes on after a dead leader."""
    other = trial.world.worker()
    other.sweep()
    trial.world.crash(other)
    return trial.actor.sweep


def due(trial: Trial) -> Callable[[], object]:
    act = wait_for_another(trial)
    act()
    trial.world.pass_time(31.0)
    return trial.actor.sweep


def file_behind(trial: Trial) -> Callable[[], object]:
    """A task is filed behind another, which is published meanwhile by somebody who has looked for it in vain."""
    work = trial.claimed("s/b.yaml")
    other = trial.world.worker()

    def act() -> None:
        assert trial.actor.janitor.waiters.dependencies.judge("s/b", (After("a"),))
        first = other.claim("a.yaml")
        if first is not None:
            other.begin(first)
            other.start(first)
            other.end(first, DONE)
            other.publish(first)
            other.wake()
        trial.actor.send(work, Decision(State.WAITING, after="a"))
        trial.actor.publish(work)
        trial.actor.wake()

    return act


def publish_and_wake(trial: Trial) -> Callable[[], object]:
    """One task is published for which two others wait, one of them in a lane."""
    for name in ("s/b", "c"):
        if name == "c":
            trial.world.drop("@p5/c")
        held = trial.claimed("s/b.yaml" if name == "s/b" else "@p5/c.yaml")
        trial.actor.send(held, Decision(State.WAITING, after="a"))
        trial.actor.publish(held)
    trial.actor.wake()
    work = trial.ended(DONE)

    def act() -> None:
        trial.actor.publish(work)
        trial.actor.wake()

    return act


def wake_round(trial: Trial) -> Callable[[], object]:
    """Nobody told the leader: a batch is over, for which a task waits."""
    trial.actor.publish(trial.ended(DONE, "s/b.yaml"))
    folder = f"{trial.world.root}/waiting/after-s%"
    os.mkdir(folder)
    os.rename(f"{trial.world.root}/todo/a.yaml", f"{folder}/a.yaml")
    return lambda: trial.actor.wake(leading=True)


def revoke(trial: Trial) -> Callable[[], object]:
    """A person moved a running file to hold/."""
    work = trial.running("s/b.yaml")
    os.rename(f"{trial.actor.own.path}/{work.held.file}", f"{trial.world.root}/hold/{work.held.file}")
    return trial.actor.react


def adopt(trial: Trial) -> Callable[[], object]:
    os.rename(f"{trial.world.root}/todo/a.yaml", f"{trial.actor.own.path}/a.yaml")
    return trial.actor.react


def by_hand(verb: str, state: State) -> Verb:
    """A command of the command line."""

    def prepare(trial: Trial) -> Callable[[], object]:
        if state is State.HOLD:
            Moves(trial.world.spool).hold(trial.place(State.TODO))
        elif state is State.RUNNING:
            trial.running()
        elif state in (State.DONE, State.FAILED):
            trial.world.retries = 0
            trial.actor.publish(trial.ended(DONE if state is State.DONE else EXIT))
        place = trial.place(state)
        trial.world.finished.clear()
        return lambda: getattr(Moves(trial.actor.spool), verb)(place)

    prepare.__name__ = f"{verb}_{state}"
    return prepare


def edit(trial: Trial) -> Callable[[], object]:
    """One task in hold/ gets another text, and one in todo/ that a worker claims meanwhile."""
    root = trial.world.root
    places = Moves(trial.world.spool)
    os.makedirs(f"{root}/hold/s")
    os.rename(f"{root}/todo/s/b.yaml", f"{root}/hold/s/b.yaml")
    changes = []
    for place in [p for state in (State.TODO, State.HOLD) for p in places.find("*", [state])]:
        with open(f"{root}/{place.state}/{place.path}", "rb") as file:
            changes.append(Change(place, file.read(), trial.world.text()))

    def act() -> None:
        run = Edit(Moves(trial.actor.spool), "e")
        run.prepare(changes, {})
        trial.actor.claim("a.yaml")
        for change in changes:
            run.carry_out(change)
        run.close()

    return act


VERBS: tuple[Verb, ...] = (
    submit, submit_bulk, claim, begin, begin_again, end_well, publish_done, publish_retry, publish_failed,
    edit, wait_for_another, file_behind, publish_and_wake, wake_round, take_over, lead, due, revoke, adopt,
    by_hand("hold", State.TODO), by_hand("hold", State.RUNNING), by_hand("release", State.HOLD),
    by_hand("requeue", State.DONE), by_hand("requeue", State.FAILED),
    by_hand("set_aside", State.DONE), by_hand("set_aside", State.FAILED), by_hand("cancel", State.TODO),
    by_hand("cancel", State.HOLD), by_hand("cancel", State.RUNNING),
)  # fmt: skip


@pytest.fixture
def roots() -> Iterator[Callable[[], str]]:
    """Empty folders, in memory where that is possible."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="dsgspool-crash-", dir=base) as folder:
        count = iter(range(10**6))
        yield lambda: f"{folder}/{next(count)}"


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_a_crash_at_any_point_loses_and_doubles_nothing(verb, roots, tally):
    whole = Trial(roots())
    assert not whole.run(verb)
    whole.recover()
    crashes = [(k, how) for k, name in enumerate(whole.fs.done, 1) for how in HOW if how != "torn" or name == "append"]
    for at, how in crashes:
        trial = Trial(roots(), at, how)
        assert trial.run(verb), f"no crash {how} operation {at}"
        trial.recover()
    tally.add("operations of the file door", verb.__name__, len(crashes), 0)
    assert crashes


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_a_lost_reply_to_the_first_rename_changes_nothing(verb, roots):
    trial = Trial(roots())
    act = verb(trial)
    trial.fs.lost = 1
    act()
    trial.recover()


def test_a_wake_up_that_is_lost_is_seen(roots, monkeypatch):
    """Without the look after filing and without the leader's round a crash leaves a task in waiting/ for ever."""
    monkeypatch.setattr(Waiters, "_wake", lambda *_, **__: iter(()))
    trial = Trial(roots())
    trial.run(file_behind)
    with pytest.raises(AssertionError, match="I6"):
        trial.recover()


def test_the_checker_knows_a_lost_task(roots):
    trial = Trial(roots())
    os.unlink(f"{trial.world.root}/todo/a.yaml")
    with pytest.raises(AssertionError, match="I1"):
        trial.recover()


def test_the_crash_is_where_it_was_asked_for(roots):
    trial = Trial(roots(), at=1, how="before")
    assert trial.run(claim)
    assert trial.fs.done == ["rename"]
    assert os.path.exists(f"{trial.world.root}/todo/s/b.yaml")
