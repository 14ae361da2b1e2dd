"""The promises under chance: workers, crashes, late renames and people, in any order, over a real folder.

The rule: after every step nothing accepted is lost (I1), at most one attempt of a name runs (I2), what ended does not run
again unless somebody asked (I3), nothing is overwritten that is still wanted (I4), attempt numbers are given once (I5);
and from wherever it stops, the living and time alone bring everything to rest (I6).  Commands are entries in a set.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dsgspool import chance, names
from dsgspool.spool.submission import Draft, Submission
from dsgspool.task import Kind, Outcome
from tests.support.actors import Actor, Work, World
from tests.support.doors import files_below

NAMES = ("a", "b", "s/1")
OUTCOMES = (
    Outcome(Kind.DONE, 0), Outcome(Kind.EXIT, 1), Outcome(Kind.TIMEOUT), Outcome(Kind.STOPPED),
)  # fmt: skip
IN_FLIGHT = ("nothing", "claim", "publication", "no crash", "no crash")  #: when a worker dies
SLOTS = 3


class Spool(RuleBasedStateMachine):
    """Three places for workers, each with one incarnation at a time, and a person."""

    @initialize()
    def begin_with_two_workers(self) -> None:
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.base = tempfile.mkdtemp(prefix="dsgspool-machine-", dir=base)
        self.world = World(f"{self.base}/spool")
        self.chance = mock.patch.object(chance, "word", self.world.word)
        self.chance.start()
        self.slots = [self.world.worker() for _ in range(SLOTS)]
        self.late: list[tuple[str, str]] = []
        self.submit("a", named=False)
        self.submit("a", named=True)
        self.drop("a")
        self.drop("s/1")

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self._come_to_rest()
        finally:
            self.chance.stop()
            for actor in self.world.living:
                self.world.crash(actor)
            shutil.rmtree(self.base, ignore_errors=True)

    def _come_to_rest(self) -> None:
        for source, target in self.late:
            self.world.fs.rename(source, target)
        if not self.world.living:
            self.world.worker()
        self.world.settle_down()

    @invariant()
    def nothing_is_lost(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    # -- choosing ------------------------------------------------------------------------------------------------

    def actor(self, data: st.DataObject) -> Actor | None:
        living = [actor for actor in self.slots if actor.alive]
        return data.draw(st.sampled_from(living), "worker") if living else None

    def pick(self, data: st.DataObject, *folders: str, held: bool | None = None) -> str:
        """A file below one of these folders, '' when there is none."""
        found = files_below(self.world.root, folders)
        found = [path for path in found if held is None or ("@" in os.path.basename(path)) == held]
        return data.draw(st.sampled_from(found), "file") if found else ""

    def _move(self, source: str, target: str, *, asked: bool = False) -> None:
        """`mv -n` by a person."""
        root = self.world.root
        if os.path.lexists(f"{root}/{target}"):
            return
        if asked:
            self.world.finished.discard(self.world.version(f"{root}/{source}"))
        os.makedirs(os.path.dirname(f"{root}/{target}"), exist_ok=True)
        os.rename(f"{root}/{source}", f"{root}/{target}")

    # -- submitting ----------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES), named=st.booleans())
    def submit(self, name: str, named: bool) -> None:
        text = self.world.text()
        submission = Submission(self.world.spool)
        task = submission.named(name) if named else submission.unique("task")
        assert list(submission.put([Draft(task, text)], self.world.spool.todo)) == [task.identity]
        submission.close()
        self.world.accept(text)

    @rule(name=st.sampled_from(NAMES))
    def drop(self, name: str) -> None:
        self.world.drop(name)

    # -- working -------------------------------------------------------------------------------------------------

    @rule(data=st.data(), lost=st.booleans(), outcome=st.sampled_from(OUTCOMES), steps=st.integers(0, 5))
    def claim(self, data: st.DataObject, lost: bool, outcome: Outcome, steps: int) -> None:
        actor = self.actor(data)
        found = actor.candidates() if actor else []
        if actor and found:
            self.world.fs.lost = int(lost)
            work = actor.claim(data.draw(st.sampled_from(found), "candidate"))
            self.world.fs.lost = 0
            if work:
                self._go_on(actor, work, outcome, lost, steps)

    @rule(data=st.data(), lost=st.booleans(), outcome=st.sampled_from(OUTCOMES), steps=st.integers(3, 5))
    def run(self, data: st.DataObject, lost: bool, outcome: Outcome, steps: int) -> None:
        """A claim that gets at least as far as the start."""
        self.claim(data, lost, outcome, steps)

    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES), lost=st.booleans(), steps=st.integers(1, 5))
    def work(self, data: st.DataObject, outcome: Outcome, lost: bool, steps: int) -> None:
        """Some steps on with a file that was claimed."""
        actor = self.actor(data)
        if actor and actor.work:
            files = sorted(actor.work)
            self._go_on(actor, actor.work[data.draw(st.sampled_from(files), "work")], outcome, lost, steps)

    def _go_on(self, actor: Actor, work: Work, outcome: Outcome, lost: bool, steps: int) -> None:
        """Make the record, sign it, start, end, publish: as many of these as `steps` says."""
        for _ in range(steps):
            if actor.work.get(work.held.file) is work:
                self.world.fs.lost = int(lost and work.stage == "leaving")
                actor.advance(work, outcome)
        self.world.fs.lost = 0

    @rule(data=st.data(), sweeps=st.booleans())
    def beat(self, data: st.DataObject, sweeps: bool) -> None:
        """A heartbeat: memory and folders agree again; and perhaps the janitor's round."""
        if actor := self.actor(data):
            actor.beat()
            actor.react()
            actor.heed()
            if sweeps:
                actor.sweep()

    @rule(seconds=st.sampled_from([4.0, 31.0, 60.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    # -- dying ---------------------------------------------------------------------------------------------------

    @rule(data=st.data(), in_flight=st.sampled_from(IN_FLIGHT), tombstone=st.booleans())
    def crash(self, data: st.DataObject, in_flight: str, tombstone: bool) -> None:
        """A worker dies, perhaps with a rename on its way, which may land later or never; its place may stay empty."""
        actor = self.actor(data)
        if actor is None or in_flight == "no crash":
            return
        found = actor.candidates()
        leaving = [work for work in actor.work.values() if work.stage == "leaving"]
        if in_flight == "claim" and found:
            path = data.draw(st.sampled_from(found), "candidate")
            claimed = names.parse(path).claimed(actor.own.next_claim())
            self.late.append((f"{self.world.spool.todo}/{path}", f"{actor.own.path}/{claimed.flat}"))
        elif in_flight == "publication" and leaving:
            self.late.append((f"{actor.own.path}/{leaving[0].held.file}", leaving[0].target))
        self.world.crash(actor, tombstone=tombstone)

    @precondition(lambda self: self.late)
    @rule(data=st.data(), happens=st.booleans())
    def late_rename(self, data: st.DataObject, happens: bool) -> None:
        source, target = self.late.pop(data.draw(st.integers(0, len(self.late) - 1), "late"))
        if happens:
            self.world.fs.rename(source, target)

    @precondition(lambda self: not all(actor.alive for actor in self.slots))
    @rule()
    def start_anew(self) -> None:
        """A new incarnation in the place of every dead worker."""
        for slot, actor in enumerate(self.slots):
            if not actor.alive:
                self.world.bury(actor)
                self.slots[slot] = self.world.worker()

    # -- people --------------------------------------------------------------------------------------------------

    @rule(data=st.data(), to=st.sampled_from(["todo", "hold", "failed"]))
    def mv_out_of_running(self, data: st.DataObject, to: str) -> None:
        if path := self.pick(data, "running"):
            self._move(path, f"{to}/{os.path.basename(path)}", asked=to == "todo")

    @rule(data=st.data(), what=st.sampled_from(["rm", "cp", "back", "hold", "here", "batch"]))
    def person(self, data: st.DataObject, what: str) -> None:
        {
            "rm": self.rm,
            "cp": self.cp_running_to_todo,
            "back": self.mv_back_to_todo,
            "hold": self.mv_todo_to_hold,
            "here": self.run_it_here,
            "batch": self.park_the_batch,
        }[what](data)

    def rm(self, data: st.DataObject) -> None:
        if path := self.pick(data, "todo", "running", "hold"):
            self.world.gone.add(self.world.version(f"{self.world.root}/{path}"))
            os.unlink(f"{self.world.root}/{path}")

    def cp_running_to_todo(self, data: st.DataObject) -> None:
        path = self.pick(data, "running")
        copy = f"{self.world.root}/todo/{os.path.basename(path)}"
        if path and not os.path.exists(copy):
            text = self.world.text()
            with open(copy, "xb") as file:
                file.write(text)
            self.world.accept(text)

    def mv_back_to_todo(self, data: st.DataObject) -> None:
        if path := self.pick(data, "done", "failed", "hold"):
            self._move(path, f"todo/{path.partition('/')[2]}", asked=True)

    def mv_todo_to_hold(self, data: st.DataObject) -> None:
        if path := self.pick(data, "todo"):
            self._move(path, f"hold/{path.partition('/')[2]}")

    def run_it_here(self, data: st.DataObject) -> None:
        """mv todo/x.yaml running/WID/"""
        path, actor = self.pick(data, "todo", held=False), self.actor(data)
        if path and actor:
            self._move(path, f"running/{actor.wid}/{os.path.basename(path)}")

    def park_the_batch(self, _data: st.DataObject) -> None:
        """mv todo/s hold/"""
        if os.path.exists(f"{self.world.root}/todo/s") and not os.path.exists(f"{self.world.root}/hold/s"):
            os.rename(f"{self.world.root}/todo/s", f"{self.world.root}/hold/s")


Spool.TestCase.settings = settings(
    max_examples=int(os.environ.get("DSGSPOOL_MACHINE_EXAMPLES", "150")),
    stateful_step_count=int(os.environ.get("DSGSPOOL_MACHINE_STEPS", "40")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    report_multiple_bugs=False,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
TestSpool = pytest.mark.timeout(600)(Spool.TestCase)  # 40 s of a core, and the machine may be busy
