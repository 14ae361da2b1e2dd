"""One trial: the story's program is struck at one point; then fresh processes recover; then all promises are looked at.

The rule: what must hold is said once, for every story.  What lay in done/, failed/ or hold/ when the victim was dead, or
had a record that ended for good, never runs again; everything else comes to rest in done/ or failed/; every version of a
task lies in exactly one place, at every moment; no attempt ran beside another of its name; no process, no `@`, no file in
running/ is left; the product's own `check` finds nothing; and what was printed is so.
"""

from __future__ import annotations

import errno
import functools
import gc
import importlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import yaml

from dsgspool import snapshot
from dsgspool.cli import app
from dsgspool.spool import Spool
from dsgspool.spool.ticks import DRAFT, FACTS
from tests.faults.crash_laying import LAYING
from tests.faults.crash_lives import LIVES
from tests.faults.crash_mutants import MUTANTS
from tests.faults.crash_repairs import REPAIRS
from tests.faults.crash_stories import COMMANDS, Story
from tests.support.crashing import (
    HEIR,
    SECONDS,
    Ground,
    Point,
    Strike,
    Watch,
    fork,
    leftovers,
    settle_in,
    wait,
    worker_alone,
)
from tests.support.ptrace import Tracer

STORIES = {
    story.name: story for story in (*COMMANDS, *LAYING, *REPAIRS, *LIVES, *(mutant.as_story() for mutant in MUTANTS))
}
#: What commands and workers import when they need it.
EVERYTHING = (
    "dsgspool.cli.drafting", "dsgspool.cli.ordering", "dsgspool.cli.quick", "dsgspool.doctor.examine", "dsgspool.report.site",
    "dsgspool.settings", "dsgspool.spool.pruning", "dsgspool.spool.submission", "dsgspool.worker.__main__",
    "dsgspool.worker.guard", "watchdog.events", "watchdog.observers.inotify",
)  # fmt: skip
AT_REST = re.compile(r"(done|failed|hold)/|todo/@")  #: a lane is left alone where nobody can run it
FINAL = re.compile(r"^next: '?(done|failed)", re.MULTILINE)
LATER = "until-20200101T0000{:02d}Z"
TRIES = 3  #: how often a point that was not reached is tried again


@dataclass
class Verdict:
    """What came of a trial; `wrong` is empty when all promises held."""

    strike: str
    wrong: list[str] = field(default_factory=list)
    reached: bool = True
    by_clock: bool = False  #: its point is one that a run may do without
    printed: str = ""


class Trial:
    """One story on one ground."""

    def __init__(self, story: Story, folder: str, watch: Watch) -> None:
        self.story, self.watch = story, watch
        if not story.bare:
            shutil.copytree(_template(story.name), folder, symlinks=True)
        self.ground = Ground(folder, bare=story.bare)
        self.wrong: list[str] = []

    def run(self) -> None:
        """The traced part."""
        tracer = Tracer(self.ground.root, self.watch, self.story.roles)
        self.watch.trace = self.trace = tracer.trace
        if self.story.is_life and self.is_refusal:  # what was refused is tried again at the next look
            self.ground.change_settings(poll_min="50ms", poll_max="300ms")
        try:
            tracer.run(self.story.program(self.ground), SECONDS)
        except TimeoutError as late:
            self.wrong.append(f"the victim: {late}\n{self.ground.printed()}{self.ground.printed('err')}")
        finally:
            tracer.kill_all()

    @property
    def is_refusal(self) -> bool:
        """True when a call is refused and nobody is killed."""
        return self.watch.strike is not None and self.watch.strike.fault > 0

    def judge(self) -> None:
        """What must hold once the victim is dead, then after the recovery."""
        if self.watch.strike is None and self.trace.status(self.story.roles[0]) != 0:
            self.wrong.append(f"it answers {self.trace.status(self.story.roles[0])}: {self.ground.printed('err')}")
        if self.is_refusal:
            self._said_it()
        if self.story.bare:
            self._repeat()
            return
        self._guard_has_killed()
        printed = self.ground.printed().splitlines() if not self.story.is_life else []
        self.wrong += self.story.promise(self.ground, printed)
        before = _Moment(self.ground)
        self._each_once(before)
        self._ticked(before)
        if not (self.story.is_life or self.story.broken):
            self._check("at once")
        self._repeat()
        if self.story.again:
            before = _Moment(self.ground)
        self._recover()
        after = _Moment(self.ground)
        self._each_once(after)
        self._ticked(after)
        self._at_rest(after)
        self.wrong += self.story.rests(self.ground)
        self._ran(before, after)
        self._check("at rest")
        if left := leftovers():
            self.wrong.append(f"processes are left: {left}")

    def _said_it(self) -> None:
        """Who was refused a call goes on, or says so in a line and ends with an exit code that is told in `exits`."""
        code = self.trace.status(self.story.roles[0])
        printed = self.ground.printed() + self.ground.printed("err")
        if any(word in printed for word in ("Traceback", "internal error", "a bug;")):
            self.wrong.append("it did not expect that")
        told = "dsgspool: " in printed or (self.story.finds and "  FAIL  " in printed)
        if code not in range(10) or (code and not told):
            self.wrong.append(f"it ended with {code}")

    def _guard_has_killed(self) -> None:
        """A worker died and its guard lives, or the other way round: no task may be left.  If both died: the heir kills."""
        strike = self.watch.strike
        if self.story.is_life and strike and len(strike.victims) < 2 and (left := leftovers()):
            self.wrong.append(f"outlived their worker: {left}")

    def _repeat(self) -> None:
        if self.story.again is None:
            return
        self.story.meanwhile(self.ground)
        code = wait(fork(self.story.program(self.ground)))
        if code:
            self.wrong.append(f"repeated, it answers {code}: {self.ground.printed('err')}")
        self.wrong += [f"repeated: {wrong}" for wrong in self.story.again(self.ground)]

    def _recover(self) -> None:
        """A fresh worker, and time: what waits for a moment is due at once."""
        self.ground.spool.configure(HEIR)
        self.ground.first_life_is_over()
        if os.path.exists(f"{self.ground.root}/PAUSE"):
            os.unlink(f"{self.ground.root}/PAUSE")
        self.ground.age_edits()
        code = wait(
            fork(worker_alone(self.ground, "--until-empty", kind="-heir")), functools.partial(_hasten, self.ground.root)
        )
        printed = self.ground.printed("out-heir") + self.ground.printed("err-heir")
        if code or "internal error" in printed or "Traceback" in printed:
            self.wrong.append(f"the heir answers {code}: {printed}")

    def _check(self, when: str) -> None:
        found = snapshot.check(Spool(self.ground.root), pruned=self.story.vanishes)
        self.wrong += [f"{when}: {violation}" for violation in found]

    def _each_once(self, moment: _Moment) -> None:
        for version, places in moment.versions.items():
            if len(places) != 1 or version.startswith("?"):
                self.wrong.append(f"{version} lies in {places}")
        lost = _texts(_versions(self.story.name)) - _texts(moment.versions)
        if lost and not self.story.vanishes:
            self.wrong.append(f"lost: {sorted(lost)}")

    def _ticked(self, moment: _Moment) -> None:
        """The task of each tick that was made is still to be put into todo/, or lies in a place."""
        names = {_name_of(place) for places in moment.versions.values() for place in places}
        for folder, _, files in os.walk(f"{self.ground.root}/schedules/ticks"):
            name = "-".join(folder.rsplit("/", 2)[1:])
            if FACTS in files and (DRAFT in files) == (name in names):
                self.wrong.append(f"{name}: {files} in its folder, its task in {moment.versions}")

    def _at_rest(self, after: _Moment) -> None:
        for version, (place, *_) in after.versions.items():
            if not AT_REST.match(place) or "@" in place.removeprefix("todo/@"):
                self.wrong.append(f"{version} rests in {place}")

    def _ran(self, before: _Moment, after: _Moment) -> None:
        if self.ground.told("together"):
            self.wrong.append(f"ran beside another attempt: {self.ground.told('together')}")
        for version, (place, *_) in before.versions.items():
            name = _name_of(place)
            more = after.starts[name] - before.starts[name]
            final = place.startswith(("done/", "failed/", "hold/")) or (
                place.startswith("running/") and name in before.ended
            )
            if final and more:
                self.wrong.append(f"{name} was over ({place}) and ran {more} times more")
            end = after.versions.get(version, ["nowhere"])[0]
            if end.startswith("done/") and not after.ends[name]:
                self.wrong.append(f"{name} is done and never ended")


def _texts(versions: Iterable[str]) -> set[str]:
    """The texts of these versions: one of a sweep stands in several files."""
    return {version.partition(":")[0] for version in versions}


class _Moment:
    """What lies where, and what ran so far."""

    def __init__(self, ground: Ground) -> None:
        self.versions = ground.versions()
        self.starts, self.ends = Counter(ground.told("start")), Counter(ground.told("end"))
        self.ended = set(_ended_for_good(ground))


def _ended_for_good(ground: Ground) -> list[str]:
    """Names whose newest record says that nothing more is to be run."""
    newest: dict[str, tuple[int, str]] = {}
    for folder, _, files in os.walk(f"{ground.root}/logs"):
        for file in [file for file in files if file.endswith(".yaml")]:
            path = f"{folder}/{file}"
            identity, number, _ = os.path.relpath(path, f"{ground.root}/logs").rsplit(".", 2)
            with open(path) as opened:
                newest[identity] = max(newest.get(identity, (0, "")), (int(number), opened.read()))
    return [name for name, (_, text) in newest.items() if text.endswith("...\n") and FINAL.search(text)]


def _name_of(place: str) -> str:
    """BATCH/NAME of a path, as a person reads it."""
    if place.startswith("edits/"):  # edits/ID.open/STAGE/STATE/...
        place = place.split("/", 3)[3]
    state, _, path = place.partition("/")
    if state in ("waiting", "running"):
        path = path.partition("/")[2]
    path = path.replace("%", "/")
    if path.startswith("@"):  # a lane
        path = path.partition("/")[2]
    return path.removesuffix(".yaml").partition("~")[0].partition("@")[0]


def _hasten(root: str) -> None:
    """Whatever waits for a moment is due now."""
    for number, folder in enumerate(sorted(os.listdir(f"{root}/waiting"))):
        if folder > "until-2021":
            try:
                os.rename(f"{root}/waiting/{folder}", f"{root}/waiting/{LATER.format(number)}")
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                    raise


# -- in the processes that make trials ------------------------------------------------------------------------------

_base = ""


def begin_making_trials(base: str) -> None:
    """Import everything once; the trials fork from here, each on a ground below `base`."""
    for module in EVERYTHING:
        importlib.import_module(module)
    for name in app.COMMANDS:
        app.build(name)
    global _base
    _base = f"{base}/{os.getpid()}"
    settle_in()
    gc.collect()
    gc.freeze()


@functools.cache
def _template(name: str) -> str:
    """The ground of a story, made once in each process."""
    folder = f"{_base}/{name}-template"
    ground = Ground(folder)
    for version in ("x", "y"):
        with open(f"{folder}/{version}.yaml", "w") as file:
            from tests.support.crashing import command

            file.write(yaml.safe_dump({"command": command(), "description": f"v-{version}"}))
    STORIES[name].prepare(ground)
    return folder


@functools.cache
def _versions(name: str) -> dict[str, list[str]]:
    return Ground(_template(name)).versions()


def _trial(story: Story, watch: Watch) -> Trial:
    folder = f"{_base}/trial"
    shutil.rmtree(folder, ignore_errors=True)
    trial = Trial(story, folder, watch)
    trial.run()
    return trial


def survey(name: str) -> tuple[list[Point], list[str]]:
    """Every point of a story that is there in each run, and what is wrong without any fault."""
    story = STORIES[name]
    trials = []
    for _ in range(2):
        trial = _trial(story, Watch(every=story.is_short))
        trial.judge()
        trials.append(trial)
    first, second = trials
    again = set(second.watch.points)
    wrong = [f"comes and goes: {point}" for point in first.watch.points if point not in again and not point.by_clock]
    return [point for point in first.watch.points if point in again], first.wrong + second.wrong + wrong


def strike(name: str, strike: Strike) -> Verdict:
    """One trial, repeated when the point was not met."""
    story = STORIES[name]
    for _ in range(TRIES):
        watch = Watch(strike, every=story.is_short)
        trial = _trial(story, watch)
        if watch.struck is not None:
            try:
                trial.judge()
            except TimeoutError as late:
                trial.wrong.append(str(late))
            return Verdict(str(strike), trial.wrong, printed=trial.ground.printed() + trial.ground.printed("err"))
        leftovers()
    return Verdict(str(strike), reached=False, by_clock=strike.point.by_clock)
