"""One spool from its making to the verdict: work and faults together, then heal, drain, look, judge.

The rule: nothing is judged before all is healed and at rest; what does not come to rest in time is itself a violation.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.grounds import Ground, NodeError
from tests.grounds.ground import CLIENTS
from tests.nemesis.checker import excused, violations
from tests.nemesis.clocks import Clocks
from tests.nemesis.crew import Crew, line_to
from tests.nemesis.faults import Nemesis, possible
from tests.nemesis.feeder import Feeder, Mix
from tests.nemesis.figures import margins, rescued, resumed
from tests.nemesis.history import Accepted, History, Limits, Violation
from tests.nemesis.kinds import SCHEDULE, is_open
from tests.nemesis.kinds import schedule as each_minute
from tests.nemesis.people import People
from tests.nemesis.proof import Proof, now
from tests.nemesis.schedule import Step, Weather, schedule
from tests.nemesis.snippets import FILES, FINALS, HANGING, LAY, OWED
from tests.nemesis.verdict import Seen

#: Short times: a fence or a lease is a matter of seconds, and a guard may stand still for 5 s.
QUICK = {
    "heartbeat": 0.5, "fence": 5, "kill": 2, "lease": 12, "settle": 0.3, "poll_min": 0.05, "poll_max": 0.5,
    "defaults": {"grace": "500ms"},
}  # fmt: skip
DEFAULT = {"heartbeat": 5, "fence": 25, "kill": 10, "lease": 47}
TIMES = {"quick": QUICK, "default": DEFAULT}
HANGS = 400.0  #: seconds in which a share that hung has got going again
STOP_SECONDS = 120.0  #: in which drained workers must have ended
#: While these last a worker may start late what it was allowed to start.
STALLING = (
    "freeze-worker", "freeze-guard", "freeze-both", "freeze-node", "cut", "cut-replies", "hang-share", "server-restart",
    "server-power-loss", "server-freeze", "disk-full", "read-only", "clock-step",
)  # fmt: skip
HOURS_SLACK = 8.0  #: seconds that a busy machine may take from a claim to a start
NEVER_LOST = 100_000  #: max_lost: no task is given up


@dataclass(frozen=True)
class Plan:
    """What one round is like."""

    seed: int
    tasks: int  #: at most so many are handed in
    seconds: float  #: of faults
    times: str = "quick"
    every: float = 1.0  #: mean seconds between two faults
    longest: float = 20.0  #: seconds of the longest freeze
    workers: int = 2  #: on each node
    slots: int = 4  #: of each worker
    bulk: int = 500
    long: float = 0.06  #: share of the tasks that live for seconds
    lasting: float = 0.003  #: share of those that live for longer than a lease
    people_every: float = 0.7  #: mean seconds between two acts of a person
    only: tuple[str, ...] = ()  #: these faults, none = all that the ground can do
    small_disk: bool = False  #: the ground's disk may be filled

    def steps(self, kind: str) -> list[Step]:
        """What happens when, on a kind of ground."""
        kinds = possible(kind, small_disk=self.small_disk)
        weather = Weather(self.seconds, len(CLIENTS), self.every, self.longest)
        return schedule(self.seed, weather, [fault for fault in kinds if not self.only or fault in self.only])


@dataclass
class Result:
    """How it went."""

    violations: list[Violation]
    stories: dict[str, str]
    faults: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    figures: dict[str, float] = field(default_factory=dict)
    rescued: dict[str, list[float]] = field(default_factory=dict)
    margins: dict[str, list[float]] = field(default_factory=dict)
    kept: str = ""  #: where spool and proof lie when a promise was broken
    resumed: list[float] = field(default_factory=list)


@contextmanager
def crashes() -> Iterator[list[str]]:
    """What meanwhile ended a thread: a nemesis that died of its own mistake has proved nothing."""
    crashed: list[str] = []
    before = threading.excepthook
    threading.excepthook = lambda crash: crashed.append("".join(traceback.format_exception(crash.exc_value)))
    try:
        yield crashed
    finally:
        threading.excepthook = before


class Round:
    """The parts of one run, put together."""

    def __init__(self, ground: Ground, plan: Plan, name: str) -> None:
        self.ground, self.plan = ground, plan
        self.root, self.truth = f"{ground.share}/{name}", f"{ground.truth}/{name}"
        times = TIMES[plan.times]
        self.times = times
        self._lay({"format": 1, "max_lost": NEVER_LOST, **times})
        self.outside = None if hasattr(ground, "rig") else Path(tempfile.mkdtemp(prefix="dsgspool-nemesis-"))
        self.proof = self._proof(name)
        self.clocks = Clocks(ground)
        self.crew = Crew(ground, self.root, plan.workers, plan.slots)
        seed = f"s{plan.seed}"
        mix = Mix(plan.long, plan.lasting, self._limits().lease)
        self.feeder = Feeder(ground, self.root, self.proof.program, seed, plan.tasks, plan.bulk, mix)
        self.people = People(ground, self.root, self.proof.program, seed, plan.people_every)
        self.nemesis = Nemesis(ground, self.crew, self.root)
        self.tick_id = f"{seed}.tick"
        text = each_minute(self.proof.program, self.tick_id)
        ground.nodes[1].python(LAY, root=self.root, name=SCHEDULE, text=text)

    def _lay(self, settings: dict[str, object]) -> None:
        first = self.ground.nodes[1]
        first.run(self.ground.python, "-m", "dsgspool", "init", self.root)
        source = "Path(root, '.new').write_text(text); os.rename(f'{root}/.new', f'{root}/spool.yaml')"
        first.python(f"{source}\nanswer = 0", root=self.root, text=yaml.safe_dump(settings))

    def _proof(self, name: str) -> Proof:
        if self.outside:
            self.outside.chmod(0o755)
            return Proof(self.outside / name)
        return Proof(self.ground.stories / name, f"{self.ground.stories_there}/{name}")

    # -- work under faults -----------------------------------------------------------------------------------------------

    def run(self) -> Result:
        """All of it; nothing is left but, when a promise was broken, a copy."""
        began = now()
        with crashes() as crashed:
            rough = self._work()
            restless = [*self._rest(), *crashed]
        drained = now() - began
        accepted = [name for name, task in self.feeder.accepted.items() if task.sure and task.whole]
        seen = Seen(self.ground, self.root, accepted, restless)
        history, limits = self._history(seen), self._limits()
        found = violations(history, seen.rest, limits)
        result = Result(found, {each.task: self._story(each.task, history, seen) for each in found[:10] if each.task})
        self._count(result, history, seen)
        result.figures |= {"rough seconds": rough, "seconds": drained, "judging seconds": now() - began - drained}
        if found:
            result.kept = self._keep()
        self._remove()
        return result

    def _work(self) -> float:
        """Everybody at once until the schedule is over or enough was done; how many seconds it was rough."""
        plan, began = self.plan, now()
        steps = plan.steps(self.ground.kind)
        for part in (self.clocks, self.crew, self.people):
            part.start()
        self.feeder.start(lambda: self.proof.ended)
        self.nemesis.run(steps, self._is_enough)
        return now() - began

    def _rest(self) -> list[str]:
        """Heal, let nobody begin anything new, drain, stop; what did not come to its end."""
        self.ground.mend()
        restless = self._shares_that_hang()
        self.people.join()
        self.feeder.join()
        self.ground.nodes[0].run("rm", f"{self.truth}/schedules/{SCHEDULE}.yaml")
        restless += [*self._drain(), *self.crew.stop(STOP_SECONDS)]
        self.clocks.stop()
        return restless

    def _shares_that_hang(self) -> list[str]:
        """Wait until a plain `ls` works on every node: until then nobody there can be asked for anything.

        A partition of T seconds takes the kernels up to T more to notice its end: TCP doubles its pauses.
        """
        found = []
        for node in self.ground.nodes[1:]:
            line = line_to(node)
            try:
                line.run("ls", self.root, seconds=HANGS)
            except NodeError as error:
                hanging = line_to(node).python(HANGING)
                found.append(f"the share hangs {HANGS:.0f} s after all is healed: {error}; in it: {hanging}")
            finally:
                line.close()
        return found

    def _is_enough(self) -> bool:
        self.proof.take_in()
        return self.feeder.is_through() and self.proof.ended >= len(self.feeder.accepted)

    def _drain(self) -> list[str]:
        """Release what is parked until nothing is on its way; what did not come to rest."""
        person = line_to(self.ground.nodes[1])
        patience = 60 + 3 * float(str(self.times["lease"]))
        last, moved = -1, now()
        try:
            while files := self._underway():
                self.proof.take_in()
                if self.proof.ended != last:
                    last, moved = self.proof.ended, now()
                if now() > moved + patience:
                    return [f"not at rest: {path}" for path in files[:10]]
                if all(path.startswith(("hold/", "waiting/", "batches/")) for path in files):
                    words = [self.ground.python, "-m", "dsgspool", "release", "*"]
                    person.run(*words, check=False, env={"DSGSPOOL_SPOOL": self.root})
                time.sleep(0.5)
        finally:
            person.close()
        return []

    def _underway(self) -> list[str]:
        states = ["todo", "waiting", "hold", "running"]
        found = self.ground.nodes[0].python(FILES, root=self.truth, states=states)
        for owed in (OWED, FINALS):
            more = self.ground.nodes[0].python(owed, root=self.truth)
            assert isinstance(found, list) and isinstance(more, list)
            found += more
        assert isinstance(found, list)
        return found

    # -- the verdict -------------------------------------------------------------------------------------------------------

    def _history(self, seen: Seen) -> History:
        return History(
            plain={**self.feeder.accepted, **{name: Accepted(name, self.tick_id) for name in seen.ticks}},
            toys=self.people.toys,
            executions=self.proof.executions(self._offset),
            most=dict(self.feeder.most),
            unguarded=[pause for done in self.nemesis.done if (pause := seen.unguarded(done))],
            sweeps=self.feeder.sweeps,
            told=self.proof.told(),
            tellers=seen.tellers(self.nemesis.done),
            resting=seen.resting(),
            hours=self._hours(),
            rough=[(done.begin, done.end) for done in self.nemesis.done if done.step.kind in STALLING],
        )

    def _hours(self) -> Callable[[float], bool]:
        """Whether workers with hours may start something at a moment of the one clock."""
        wall = self.ground.nodes[0].python("answer = time.time()")
        assert isinstance(wall, float)
        ahead, slack = wall - now(), HOURS_SLACK + 2 * float(str(self.times["heartbeat"]))
        return lambda moment: is_open(moment + ahead, slack)

    def _offset(self, worker: str) -> float:
        return 0.0 if self.clocks.shared else self.clocks.offsets[self.proof.boots[worker]]

    def _limits(self) -> Limits:
        lease, fence, kill = (float(str(self.times[key])) for key in ("lease", "fence", "kill"))
        return Limits(lease, fence, kill, 2 * self.clocks.error)

    # -- for people --------------------------------------------------------------------------------------------------------

    def _count(self, result: Result, history: History, seen: Seen) -> None:
        result.faults = Counter(done.step.kind for done in self.nemesis.done)
        result.missed, result.acts = self.nemesis.missed, self.people.acts
        result.figures = {
            "tasks": sum(task.sure for task in history.plain.values()) + len(history.toys),
            "executions": len(history.executions),
            "sweeps": len(history.sweeps),
            "alerts": len(history.told),
            "last tasks": sum(name.endswith(".finally") for name in history.plain),
            "executions without end": sum(run.lost for run in self.proof.runs),
            "completed": sum(record.outcome == "done" for record in seen.rest.records),
            "submissions": self.feeder.submissions,
            "without answer": self.feeder.unanswered,
            "workers started": self.crew.started,
            "incarnations": len(seen.workers),
            "excused overlaps": len(excused(history, self._limits())),
            "clock error ms": self.clocks.error * 1000,
        }
        result.rescued = rescued(seen.rescues, self.nemesis.done, seen.workers_of)
        result.margins = margins(history.executions, self.nemesis.done, seen.was_hit)
        result.resumed = resumed(history.executions, self.nemesis.done)

    def _story(self, name: str, history: History, seen: Seen) -> str:
        """All that is known of one task."""
        lines = [f"run     {run}" for run in history.executions if run.task == name]
        lines += [f"record  {record}" for record in seen.rest.records if record.task == name]
        lines += [f"file    {file}" for file in seen.rest.files if file.name == name]
        lines += [str(history.plain.get(name, history.toys.get(name, "")))]
        lines += [f"act     {line}" for line in self.people.log(name)] if name in history.toys else []
        journal = self.ground.nodes[0].run(f"grep -h -F '{name}' {self.truth}/workers/*.jsonl", check=False).out
        moments = [run.start for run in history.executions if run.task == name]
        near = [
            f"fault   {done}" for done in self.nemesis.done
            if moments and done.end > min(moments) - 60 and done.begin < max(moments) + 60
        ]  # fmt: skip
        return "\n".join([*lines, *near, journal])

    def _keep(self) -> str:
        """Spool and proof for whoever wants to know what went wrong; the folder on this machine."""
        there = self.proof.program.rpartition("/")[0]
        self.ground.nodes[0].run("tar", "czf", f"{there}/spool.tgz", "-C", self.truth, ".", seconds=300)
        return shutil.copytree(
            self.proof.folder, f"{tempfile.mkdtemp(prefix='dsgspool-nemesis-kept-')}/{self.plan.seed}"
        )

    def _remove(self) -> None:
        self.ground.nodes[0].run("rm", "-rf", self.truth, seconds=300)
        shutil.rmtree(self.outside or self.proof.folder)
