"""A lab for one test: a fresh spool on the share, workers on its nodes, people at their keyboards.

The rule: workers and commands are started as a user starts them; what people do goes through the mount of their node;
and what the test believes is read by node 0, where no cache can deceive it.
"""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import yaml

from tests.grounds.ground import Ground
from tests.grounds.node import Answer, Node, NodeError
from tests.grounds.snippets import BURY, CHECK, DROP, ESCAPED, LIST, READ, STRIKE
from tests.grounds.story import Story
from tests.support.spools import name_at
from tests.support.waiting import wait_until

T = TypeVar("T")

STATES = ("todo", "waiting", "hold", "running", "done", "failed")


def identity(path: str) -> str:
    """BATCH/NAME of a path STATE/..., seen with a person's eyes."""
    state, _, below = path.partition("/")
    return name_at(state, below)


class LabWorker:
    """`dsgspool worker` on a node: a guard and, below it, its worker."""

    def __init__(self, lab: Lab, node: Node, guard: int, log: str) -> None:
        self.lab, self.node, self.guard, self.log = lab, node, guard, log
        self.boot = node.boot_id()

    def facts(self) -> dict[str, object]:
        """workers/WID.yaml of its newest incarnation, {} while there is none."""
        every = [self.lab.facts(file[:-5]) for file in self.lab.workers()]
        mine = [facts for facts in every if (facts.get("host"), facts.get("guard_pid")) == (self.node.host, self.guard)]
        return max(mine, key=lambda facts: str(facts["started"]), default={})

    @property
    def wid(self) -> str:
        """WID of its newest incarnation."""
        return str(self.facts()["worker"])

    def wid_or_none(self) -> str | None:
        """The same, None while it has none."""
        found = self.facts().get("worker")
        return str(found) if found else None

    def output(self) -> str:
        """All that guard and worker printed."""
        try:
            return str(self.node.python(READ, 5, path=self.log))
        except NodeError as error:
            return str(error)

    def kill_worker(self) -> None:
        """kill -9 of the worker; the guard lives."""
        self.node.run("kill", "-9", str(self.facts()["pid"]))

    def kill_both(self, when: str = "True") -> None:
        """kill -9 of worker and guard, so that neither does anything about the other's death; what they ran lives on.

        At the moment when that is true on the node, of the spool's folder `root`.
        """
        self._strike(when, signal.SIGSTOP, signal.SIGKILL)

    def freeze_both(self, when: str = "True") -> None:
        """Worker and guard stand still."""
        self._strike(when, signal.SIGSTOP)

    def _strike(self, when: str, *numbers: int) -> None:
        pids = [self.facts()["pid"], self.guard]
        self.node.python(STRIKE, pids=pids, numbers=[*map(int, numbers)], when=when, root=self.lab.spool)

    def signal(self, name: str = "TERM") -> None:
        """As a person does: to the guard, which is what `dsgspool worker` is."""
        self.node.run("kill", f"-{name}", str(self.guard))

    def says(self, words: str, seconds: float = 10) -> None:
        """Until it has printed these words."""
        self.lab.wait_until(lambda: words in self.output(), seconds)

    def is_alive(self) -> bool:
        """True while the guard is there; after a boot its number may be somebody else's."""
        there = self.node.python("os.path.exists(f'/proc/{pid}')", pid=self.guard)
        return bool(there) and self.node.boot_id() == self.boot


class Lab:
    """One spool and all that happens to it."""

    def __init__(self, ground: Ground, name: str, settings: Mapping[str, object]) -> None:
        self.ground, self.name = ground, name
        self.spool, self.truth = f"{ground.share}/{name}", f"{ground.truth}/{name}"
        self.story = Story(ground.stories, ground.stories_there, name)
        self.everyone: list[LabWorker] = []
        ground.new_spool(name)
        self.configure(settings)

    def change(self, **settings: object) -> None:
        """Change some of its settings."""
        self.configure({**self.settings, **settings})

    def configure(self, settings: Mapping[str, object]) -> None:
        """Put a spool.yaml in its place."""
        self.settings = dict(settings)
        text = yaml.safe_dump({"format": 1, **settings})
        source = "Path(root, '.new').write_text(text); os.rename(f'{root}/.new', f'{root}/spool.yaml')"
        self.ground.nodes[1].python(f"{source}\nanswer = 0", root=self.spool, text=text)

    # -- programs and people -------------------------------------------------------------------------------------

    def dsgspool(self, node: int, *words: str, check: bool = True) -> Answer:
        """A command as a user types it on a node."""
        return self.ground.nodes[node].run(
            self.ground.python, "-m", "dsgspool", *words, check=check, env={"DSGSPOOL_SPOOL": self.spool}
        )

    def person(self, node: int, line: str, *, check: bool = True, seconds: float = 60) -> Answer:
        """A line that a person types into a shell on a node, in the spool's folder."""
        env = {"DSGSPOOL_SPOOL": self.spool}
        return self.ground.nodes[node].run(f"cd {self.spool} && {line}", check=check, seconds=seconds, env=env)

    def start(self, node: int, *flags: str, slots: int = 2, prefix: Sequence[str] = ()) -> LabWorker:
        """Start a worker; `prefix` is a program that becomes it."""
        log = f"{self.ground.scratch}/{self.name}-{len(self.everyone)}.log"
        worker = [self.ground.python, "-m", "dsgspool", "--spool", self.spool, "worker", "--slots", str(slots), *flags]
        guard = self.ground.nodes[node].spawn([*prefix, *worker], log)
        self.everyone.append(LabWorker(self, self.ground.nodes[node], guard, log))
        return self.everyone[-1]

    def ready(self, *nodes: int, slots: int = 2) -> list[LabWorker]:
        """Workers on these nodes, once they exist for others."""
        started = [self.start(node, slots=slots) for node in nodes]
        for worker in started:
            self.wait_until(worker.facts, 20)
        return started

    def drop(self, node: int, *names: str, command: str, closing: bool = True, **keys: object) -> set[str]:
        """Whole task files renamed into todo/, as a careful program does; their names."""
        text = yaml.safe_dump({"command": command, **keys}) + ("...\n" if closing else "")
        self.ground.nodes[node].python(DROP, root=self.spool, files=dict.fromkeys(names, text))
        return set(names)

    def lines(self, node: int, path: str, count: int) -> list[str]:
        """Lines of a file of a node, once there are so many; else []."""
        found = str(self.ground.nodes[node].python(READ, path=path)).splitlines()
        return found if len(found) >= count else []

    # -- the truth -----------------------------------------------------------------------------------------------

    def files(self, *states: str) -> list[str]:
        """Paths of all task files, as they lie on the server's disk."""
        found = self.ground.nodes[0].python(LIST, root=self.truth, states=states or STATES)
        assert isinstance(found, list)
        return found

    def files_at_once(self) -> list[str]:
        """The same at one moment: what two walks saw alike.  One walk alone meets a file that moves twice, or nowhere."""
        return self.wait_until(lambda: seen if (seen := self.files()) == self.files() else [], 20)

    def done(self) -> set[str]:
        """Names of the finished tasks."""
        return {identity(path) for path in self.files("done")}

    def where(self, name: str) -> list[str]:
        """All paths at which a task's file lies."""
        return [path for path in self.files() if identity(path) == name]

    def running(self, name: str) -> str:
        """Path of a running task's file, '' while it has none."""
        return next((path for path in self.where(name) if path.startswith("running/")), "")

    def workers(self) -> list[str]:
        """Files of workers/ that say who a worker is."""
        listed = self.ground.nodes[0].python("os.listdir(path)", path=f"{self.truth}/workers")
        assert isinstance(listed, list)
        return [file for file in listed if file.endswith(".yaml") and file.count(".") == 1]

    def facts(self, wid: str) -> dict[str, object]:
        """workers/WID.yaml, {} while it is not whole."""
        text = self.read(f"workers/{wid}.yaml")
        return dict(yaml.safe_load(text)) if text.endswith("...\n") else {}

    def leader(self) -> str:
        """WID of the worker that buries the dead (workers/janitor.N, the highest N); '' before there is one."""
        listed = self.ground.nodes[0].python("os.listdir(path)", path=f"{self.truth}/workers")
        assert isinstance(listed, list)
        terms = [int(file.partition(".")[2]) for file in listed if file.startswith("janitor.")]
        return self.read(f"workers/janitor.{max(terms, default=0)}").strip()

    def beat(self, wid: str) -> object:
        """When a worker's heart last beat, by the server's clock."""
        return self.ground.nodes[0].python("os.stat(path).st_mtime_ns", path=f"{self.truth}/workers/{wid}.lock")

    def read(self, below: str) -> str:
        """A file of the spool, '' while it is not there."""
        return str(self.ground.nodes[0].python(READ, path=f"{self.truth}/{below}"))

    def record(self, name: str, attempt: int = 1) -> dict[str, object]:
        """A record; {} when there is none."""
        return dict(yaml.safe_load(self.read(f"logs/{name}.{attempt}.yaml")) or {})

    def violations(self, *accepted: str) -> str:
        """What `dsgspool.snapshot.check` finds, '' = nothing."""
        return self.ground.nodes[0].run(self.ground.python, "-c", CHECK, self.truth, json.dumps(accepted)).out

    # -- waiting -------------------------------------------------------------------------------------------------

    def wait_until(self, fact: Callable[[], T], seconds: float) -> T:
        """The fact's value once it is true; a failure shows the spool and what workers printed."""
        return wait_until(fact, seconds, self.describe)

    def settles(self, name: str, place: str, seconds: float = 20) -> str:
        """Until the one file of a task lies where this pattern says; its path."""

        def there() -> str:
            found = self.where(name)
            return found[0] if len(found) == 1 and re.fullmatch(place, found[0]) else ""

        return self.wait_until(there, seconds)

    def wait_for_outcome(self, name: str, outcome: str, attempt: int = 1, seconds: float = 20) -> None:
        """Until an attempt has ended like this."""
        self.wait_until(lambda: self.record(name, attempt).get("outcome") == outcome, seconds)

    def live_on(self, beats: int = 3) -> None:
        """Until every heart has beaten so often: by then they have looked and done what they were going to do."""
        wids = [worker.wid for worker in self._living()]
        for _ in range(beats):
            before = {wid: self.beat(wid) for wid in wids}
            self.wait_until(lambda seen=before: all(self.beat(wid) != seen[wid] for wid in wids), 10)

    def wait_for_lives(self, count: int, seconds: float = 20) -> None:
        """Until so many attempts have begun."""
        self.wait_until(lambda: len(self.story.lives()) >= count, seconds)

    def wait_for_done(self, names: set[str], seconds: float) -> float:
        """Until these are finished; the seconds that it took."""
        return self.seconds_until(lambda: self.done() >= names, seconds)

    def seconds_until(self, fact: Callable[[], object], seconds: float) -> float:
        """The seconds that it took until a fact was true."""
        began = time.monotonic()
        self.wait_until(fact, seconds)
        return time.monotonic() - began

    def describe(self) -> str:
        """What a person would look at first."""
        printed = "".join(f"--- on {worker.node}\n{worker.output()}" for worker in self.everyone)
        lives = "\n".join(map(str, self.story.lives()[-20:]))
        return f"{json.dumps(self.files()[-60:], indent=1)}\n{lives}\n{printed}"

    # -- the end -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Mend the ground, stop the workers, kill what is left, and fail when a task's process outlived its worker."""
        self.ground.mend()
        try:
            self._stop()
            escaped = {line for node in self.ground.nodes[1:] for line in self._escaped(node)}
        finally:
            for node in self.ground.nodes[1:]:
                guards = [worker.guard for worker in self.everyone if worker.node is node and worker.is_alive()]
                node.python(BURY, guards=guards)
        assert not escaped, f"processes outlived their workers: {escaped}"

    def _stop(self) -> None:
        """As a person does, who does not wait: TERM, and TERM again."""
        for patience in (0.5, 15.0):
            for worker in self._living():
                worker.node.run("kill", str(worker.guard), check=False)  # it may have ended since
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline and self._living():
                time.sleep(0.02)
        assert not self._living(), self.describe()

    def _living(self) -> list[LabWorker]:
        return [worker for worker in self.everyone if worker.is_alive()]

    def _escaped(self, node: Node) -> list[str]:
        found = node.python(ESCAPED, root=self.spool)
        assert isinstance(found, list)
        return found
