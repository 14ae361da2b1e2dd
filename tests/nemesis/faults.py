"""The nemesis: does what the schedule says, and takes it back.

The rule: each fault runs in a thread of its own and holds its node (or the spool) for itself until it has taken itself
back; a step that finds its node still taken is left out and counted as that.  What a ground cannot do is not scheduled.
"""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.grounds import Ground, NodeError
from tests.nemesis.crew import Crew
from tests.nemesis.proof import now
from tests.nemesis.schedule import Step
from tests.nemesis.snippets import FILL, SEND, STRIKE

PROCESS_FAULTS = (
    "kill-worker", "kill-guard", "kill-both", "kill-task", "stop-worker", "stop-worker-now", "drain-worker",
    "freeze-worker", "freeze-guard", "freeze-both", "freeze-node", "pause-file",
)  # fmt: skip
BY_GROUND = {
    "local": ("disk-full",),
    "stale": ("disk-full", "power-loss", "hang-share"),
    "v4.2": ("power-loss", "cut", "cut-replies", "clock-step", "server-restart", "server-power-loss", "server-freeze",
             "disk-full", "read-only"),
}  # fmt: skip
BY_GROUND["v3"] = BY_GROUND["v4.2"]
BOOT = 30.0  #: seconds that a call to a node may take
STRIKES = {  # kind -> whom, with which signal
    "kill-worker": ("worker", signal.SIGKILL), "kill-guard": ("guard", signal.SIGKILL), "kill-both": ("both", signal.SIGKILL),
    "kill-task": ("task", signal.SIGKILL), "stop-worker": ("guard", signal.SIGTERM),
    "stop-worker-now": ("guard", signal.SIGTERM), "freeze-worker": ("worker", signal.SIGSTOP),
    "freeze-guard": ("guard", signal.SIGSTOP), "freeze-both": ("both", signal.SIGSTOP),
}  # fmt: skip


def possible(kind: str, *, small_disk: bool) -> list[str]:
    """What a kind of ground can do; `small_disk`: the disk of its share can be filled without harm."""
    return [fault for fault in (*PROCESS_FAULTS, *BY_GROUND[kind]) if small_disk or fault != "disk-full"]


@dataclass(frozen=True, slots=True)
class Done:
    """A fault as it really was."""

    step: Step
    begin: float
    end: float
    guards: tuple[int, ...] = ()  #: whom it hit; none = the whole node or spool
    boot: str = ""  #: of the node


class NobodyThereError(Exception):
    """A blow against a worker of a node that has none just then."""


class Nemesis:
    """All faults of one spool."""

    def __init__(self, ground: Ground, crew: Crew, root: str) -> None:
        self.ground, self.crew, self.root = ground, crew, root
        self.done: list[Done] = []
        self.missed: Counter[str] = Counter()
        self.over = threading.Event()
        self._boots: dict[int, str] = {}  #: node -> its boot when the newest fault began
        self._held = {node.number: threading.Lock() for node in ground.nodes}
        self._threads: list[threading.Thread] = []

    def run(self, steps: Sequence[Step], until: Callable[[], bool]) -> None:
        """All steps at their times, or until it is enough; then everything is taken back."""
        began = now()
        for step in steps:
            while (left := began + step.at - now()) > 0 and not until():
                self.over.wait(min(left, 0.2))
            if until():
                break
            self._threads.append(threading.Thread(target=self._one, args=(step,)))
            self._threads[-1].start()
        while now() < began + (steps[-1].at if steps else 0) and not until():
            self.over.wait(0.2)
        self.over.set()
        for thread in self._threads:
            thread.join()

    def _one(self, step: Step) -> None:
        if not self._held[step.node].acquire(blocking=False):
            self.missed[step.kind] += 1
            return
        try:
            begin = now()
            guards = self._do(step)
            self.done.append(Done(step, begin, now(), guards, self._boots.get(step.node, "")))
        except (NodeError, NobodyThereError):
            self.missed[step.kind] += 1
        finally:
            self._held[step.node].release()

    def _do(self, step: Step) -> tuple[int, ...]:
        """The guards that were hit, none = the whole node or spool."""
        if step.node:
            self._boots[step.node] = self.ground.nodes[step.node].boot_id().strip()
        if step.kind in STRIKES:
            return self._strike(step)
        return getattr(self, f"_{step.kind.replace('-', '_')}")(step) or ()

    # -- processes ---------------------------------------------------------------------------------------------------

    def _strike(self, step: Step) -> tuple[int, ...]:
        who, number = STRIKES[step.kind]
        node = self.ground.nodes[step.node]
        hit = node.python(
            STRIKE, BOOT, guards=self.crew.guards[step.node], chance=step.chance, who=who, number=int(number)
        )
        if not isinstance(hit, dict) or not hit["hit"]:
            raise NobodyThereError
        if number == signal.SIGSTOP:
            self._last(step)
            node.python(SEND, BOOT, pids=hit["hit"], number=int(signal.SIGCONT))
        elif step.kind == "stop-worker-now":
            self.over.wait(0.5)
            node.python(SEND, BOOT, pids=[hit["guard"]], number=int(signal.SIGTERM))
        return (int(hit["guard"]),)

    def _last(self, step: Step) -> None:
        self.over.wait(step.seconds)

    def _drain_worker(self, step: Step) -> None:
        words = [self.ground.python, "-m", "dsgspool", "workers", "set", f"n{step.node}-*", "drain=true"]
        if self.ground.kind == "local":  # all nodes have one name there: one worker in four
            words[5] = f"*-{'abcdefghijklmnopqrstuvwxyz234567'[int(step.chance * 32)]}*"
        self.ground.nodes[step.node].run(*words, seconds=BOOT, check=False, env={"DSGSPOOL_SPOOL": self.root})

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def _freeze_node(self, step: Step) -> tuple[int, ...]:
        node = self.ground.nodes[step.node]
        if "freeze" in self.ground.can:
            self.ground.pause(step.node)
            self._last(step)
            self.ground.resume(step.node)
            return ()
        if not (guards := tuple(self.crew.guards[step.node])):
            raise NobodyThereError
        found = [
            node.python(STRIKE, BOOT, guards=[guard], chance=0, who="all", number=int(signal.SIGSTOP))
            for guard in guards
        ]
        self._last(step)
        for hit in filter(None, found):
            node.python(SEND, BOOT, pids=hit["hit"], number=int(signal.SIGCONT))
        return guards

    def _power_loss(self, step: Step) -> None:
        self.ground.kill(step.node)
        self._last(step)
        self.ground.start(step.node)

    def _cut(self, step: Step) -> None:
        self.ground.cut(step.node)
        self._last(step)
        self.ground.heal(step.node)

    _hang_share = _cut

    def _cut_replies(self, step: Step) -> None:
        self.ground.rig.cut(step.node, replies_only=True)
        self._last(step)
        self.ground.rig.heal(step.node)

    def _clock_step(self, step: Step) -> None:
        self.ground.rig.skew(step.node, round(600 * step.chance - 300))
        self._last(step)
        self.ground.rig.skew(step.node, 0)

    # -- the spool and its server ----------------------------------------------------------------------------------------

    def _pause_file(self, step: Step) -> None:
        person = self.ground.nodes[0]
        person.python("Path(root, 'PAUSE').touch()", BOOT, root=self.truth)
        self._last(step)
        person.python("Path(root, 'PAUSE').unlink(missing_ok=True)", BOOT, root=self.truth)

    def _server_restart(self, _step: Step) -> None:
        self.ground.rig.restart_server()

    def _server_power_loss(self, step: Step) -> None:
        self.ground.rig.kill(0)
        self._last(step)
        self.ground.rig.start(0)

    def _server_freeze(self, step: Step) -> None:
        self.ground.rig.pause(0)
        self._last(step)
        self.ground.rig.resume(0)

    def _disk_full(self, step: Step) -> None:
        if hasattr(self.ground, "rig"):
            self.ground.rig.fill_disk()
            self._last(step)
            self.ground.rig.empty_disk()
            return
        ballast = f"{self.ground.truth}/ballast"
        self.ground.nodes[0].python(FILL, BOOT, path=ballast)
        self._last(step)
        self.ground.nodes[0].python("Path(path).unlink()", BOOT, path=ballast)

    def _read_only(self, step: Step) -> None:
        self.ground.rig.export("ro")
        self._last(step)
        self.ground.rig.export("rw")

    @property
    def truth(self) -> str:
        """The spool, as node 0 sees it."""
        return f"{self.ground.truth}/{self.root.rpartition('/')[2]}"
