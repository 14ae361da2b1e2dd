"""The truth about a schedule: what was accepted, what runs, what ended, and what must hold.

The rule: it looks at the server's tree and at the tables of processes, where no client's cache can deceive it, at the
moment of each change.  I1 nothing accepted is lost; I2 at most one attempt of a name runs; I3 what ended does not run
again unless somebody asked; I4 nothing wanted is overwritten; I5 a record is made once; I6 all comes to rest; I7 no more
licences are in use than there are, and no more of a batch run than its policy says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dsgspool.records import record_claim, record_is_over
from tests.simulation.counted import in_use
from tests.simulation.server import Inode, Watcher
from tests.simulation.swept import Swept
from tests.simulation.waits import Waits

if TYPE_CHECKING:
    from tests.simulation.node import Command
    from tests.simulation.schedule import Simulation

STATES = ("todo", "waiting", "hold", "running", "done", "failed")
OVER = ("done", "failed")
PEOPLE = ("person", "operator")
FINAL = "v999999"  #: the last task of the batch s
POLICY = f"finally:\n  command: [sim, '0.3', '0', '#{FINAL}#']\n"
_VERSION = re.compile(rb"#(v[0-9]+)#")
_ENDS = re.compile(rb"^next: ['\"]?(done|failed)", re.MULTILINE)


class World(Watcher):
    """What is known of every version of every task."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.accepted: set[str] = set()
        self.gone: set[str] = set()
        self.ran: set[str] = set()
        self.recorded: set[str] = set()  #: a record keeps the text
        self.succeeded: set[str] = set()
        self.finished: set[str] = set()  #: ended for good, and nobody asked for it since
        self.running: dict[str, list[Command]] = {}
        self.inodes: dict[str, Inode] = {}
        self.waits = Waits(sim.server)
        self.swept = Swept(sim)
        self.starts_seen = self._versions = 0

    def version(self) -> str:
        """The mark of a new task file."""
        self._versions += 1
        return f"v{self._versions}"

    def accept(self, version: str, *, promised: bool = True) -> None:
        """Somebody was told that it is in; a person's own file may have been replaced by another person before."""
        inode = self.inodes.get(version)
        there = inode is not None and inode.nlink > 0
        if there or promised:
            self.accepted.add(version)
        if not there and promised and version not in self.gone:
            self.sim.broken(f"I1: {version} was accepted, and it is nowhere")

    # -- files ---------------------------------------------------------------------------------------------------

    def renamed(self, inode: Inode, source: str, replaced: Inode | None) -> None:
        role, target = self.sim.acting.role, inode.path()
        self.sim.note(f"{self.sim.acting.name}: {source} -> {target}")
        old, new = source.partition("/")[0], target.partition("/")[0]
        self.swept.renamed(inode, role, source, replaced)
        if inode.entries is None:
            self.waits.came(target)
        elif target == "batches/s.over":
            self._made(inode)
        if inode.entries is None and inode.version:
            self._moved(inode.version, role, old, new, target)
        if replaced is not None and replaced.version:
            self._replaced(replaced.version, role, new, target)

    def _made(self, folder: Inode) -> None:
        """The batch s is over, and that is said once: from now on its last task is promised."""
        if FINAL in self.accepted:
            self.sim.broken("the last task of s is made a second time")
        self.inodes[FINAL] = (folder.entries or {})["task.yaml"]
        self.accept(FINAL)

    def _moved(self, version: str, role: str, old: str, new: str, target: str) -> None:
        if role in PEOPLE:
            self.finished.discard(version)
            return
        if new == "done" and version not in self.succeeded and old != "done":
            self.sim.broken(f"{version} goes to {target} although no attempt of it succeeded")
        if old in OVER and new != old:
            self.sim.broken(f"{version} had ended, and a program moves it to {target}")
        if old == "running" and new in OVER:
            self.finished.add(version)

    def _replaced(self, version: str, role: str, new: str, target: str) -> None:
        is_kept = version in self.ran or version in self.recorded
        fine = role in PEOPLE or (new in OVER and is_kept) or version in self.gone
        if not fine and version in self.accepted:
            self.sim.broken(f"I4: {version} in {target} is overwritten")
        self.gone.add(version)

    def removed(self, inode: Inode, path: str) -> None:
        role = self.sim.acting.role
        self.sim.note(f"{self.sim.acting.name}: rm {path}")
        self.swept.removed(inode, role, path)
        if path.startswith("logs/") and path.endswith(".yaml") and role != "operator":
            self.sim.broken(f"I5: the record {path} is removed by a {role}")
        if inode.version and not (inode.version == FINAL and path.startswith("tmp/")):  # who came second drops its own
            fine = role == "person" or (role == "operator" and path.startswith(("done/", "failed/")))
            if not fine and version_wanted(self, inode.version):
                self.sim.broken(f"I1: {inode.version} in {path} is removed by a {role}")
            self.gone.add(inode.version)

    def written(self, inode: Inode) -> None:
        path = inode.path()
        self.swept.written(inode)
        if path.startswith("logs/"):
            self._recorded(inode.data)
        elif not path.startswith("workers/") and (found := _VERSION.search(inode.data)):
            inode.version = found[1].decode()
            self.inodes[inode.version] = inode

    def unwritten(self, inode: Inode) -> None:
        self.swept.lossy.add(inode)

    def _recorded(self, data: bytes) -> None:
        """A record that says that its task is over: from now on nobody may run that again (I3)."""
        found, claim = _VERSION.search(data), record_claim(data)
        if found:
            self.recorded.add(found[1].decode())
        if found and claim and record_is_over(data) and _ENDS.search(data):
            inode = self.inodes.get(found[1].decode())
            if inode is not None and f"@{claim}." in inode.name and inode.path().startswith("running/"):
                self.finished.add(inode.version)

    # -- commands ------------------------------------------------------------------------------------------------

    def starts(self, command: Command) -> None:
        self.starts_seen += 1
        identity, version = command.identity, command.version.strip("#")
        self.sim.note(f"{command.node.host}: starts {identity} attempt {command.attempt} {version} @{command.claim}")
        if others := self.running.get(identity):
            alive = [f"attempt {other.attempt} @{other.claim}" for other in others]
            self.sim.broken(f"I2: {identity} attempt {command.attempt} @{command.claim} starts while {alive} runs")
        if version in self.finished:
            self.sim.broken(f"I3: {version} of {identity} had ended for good, nobody asked, and it runs again")
        self._is_its_text(command, version)
        if why := self.waits.too_early(identity, self.inodes[version].data):
            self.sim.broken(f"{version} of {identity} starts too early: {why}")
        if beside := self._too_many(command):
            self.sim.broken(f"I7: {identity} @{command.claim} starts beside {beside}: {self.sim.plan.most} may run")
        self.ran.add(version)
        self.running.setdefault(identity, []).append(command)
        self._are_enough()

    def _are_enough(self) -> None:
        """I7: of what is counted for the whole spool no more is in use than there is."""
        there = self.sim.plan.licences
        if not there:
            return
        claims = in_use([each for commands in self.running.values() for each in commands], self.inodes)
        if len(claims) > there:
            self.sim.broken(f"I7: {claims} have a licence each, and there are {there}")

    def _too_many(self, command: Command) -> list[str]:
        """Claims of the batch s beside which a command must not start; what a person put into running/ runs all the same."""
        plan = self.sim.plan
        gifts = any(event.what == "mv_here" for event in plan.events)
        if not (plan.most and command.identity.startswith("s/")) or gifts:
            return []
        others = [each for name, every in self.running.items() if name.startswith("s/") for each in every]
        beside = sorted({each.claim for each in others})
        return beside if len(beside) >= plan.most else []

    def _is_its_text(self, command: Command, version: str) -> None:
        """What runs is what the claimed file says (hazards, finding 2)."""
        folder = self.sim.server.find(f"running/{command.claim.rpartition('.')[0]}")
        for name, inode in ((folder and folder.entries) or {}).items():
            if f"@{command.claim}." in name and inode.version != version:
                self.sim.broken(f"the claim {command.claim} holds {inode.version} and runs {version}")

    def left(self, command: Command) -> None:
        """A process that a command left behind: the attempt is alive until it is gone."""
        self.running.setdefault(command.identity, []).append(command)

    def ends(self, command: Command) -> None:
        self.sim.note(f"{command.node.host}: ends {command.identity} attempt {command.attempt} {command.code}")
        self.running[command.identity].remove(command)
        if command.code == 0:
            self.succeeded.add(command.version.strip("#"))

    # -- the end -------------------------------------------------------------------------------------------------

    def unrest(self) -> list[str]:
        """What is not at rest: files on their way, names with a claim, commands."""
        found = [f"running: {identity}" for identity, commands in self.running.items() if commands]
        found += self.swept.unrest() + [path for path, _ in self.sim.server.files("taken")]
        is_made = self.sim.server.find("batches/s.over")
        is_owed = self.sim.plan.finals and not (is_made or self.waits.is_open("s/"))
        if is_owed or (is_made and "task.yaml" in (is_made.entries or {})):
            found.append("the last task of s, which is over")
        for state in STATES:
            for path, inode in self.sim.server.files(state):
                name = path.rpartition("/")[2]
                is_hidden = name.startswith((".", "#"))
                if is_hidden or self.waits.waits_rightly(path):
                    continue
                if state not in ("done", "failed", "hold") or self._is_held(path, inode):
                    found.append(path)
        return found

    def _is_held(self, path: str, inode: Inode) -> bool:
        """Only a person's copy may keep the claim of an owner that lives; what a full disk left empty is one, too."""
        name = path.rpartition("/")[2]
        living = any(f"@{wid}." in name for wid in self.sim.living_wids())
        is_copy = not (inode.version or inode.sweep) or inode.version in self.sim.copies
        return "@" in name and not (living and is_copy)

    def check(self) -> None:
        """I1 at the end: each accepted version lies in exactly one place."""
        self.swept.check()
        there: dict[str, list[str]] = {}
        for state in STATES:
            for path, inode in self.sim.server.files(state):
                if found := _VERSION.search(inode.data):
                    there.setdefault(found[1].decode(), []).append(path)
        if lost := self.accepted - self.gone - set(there):
            self.sim.broken(f"I1: lost {sorted(lost)}; there is {there}")
        if twice := {version: paths for version, paths in there.items() if len(paths) > 1}:
            self.sim.broken(f"I1: doubled {twice}")


def version_wanted(world: World, version: str) -> bool:
    """True for what somebody was promised."""
    return version in world.accepted and version not in world.gone
