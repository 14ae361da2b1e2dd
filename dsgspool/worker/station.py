"""Where a worker stands: the checks before it starts, its id, its files in workers/, its line to the guard.

The rule: a worker exists for others only once WID.yaml is there, and that is written after the lock is held.  A mount
or a user with which the promises cannot be kept is refused at the start, with the reason.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Mapping
from dataclasses import field, replace

import dsgspool
from dsgspool import cgroups, chance, machine, names, proc
from dsgspool.classes import dataclass
from dsgspool.clock import iso
from dsgspool.conditions import Inventory
from dsgspool.errors import NodeError
from dsgspool.lease import Lease, dump_identity
from dsgspool.nodes import Rules, rules_of
from dsgspool.settings import Settings
from dsgspool.spool import FOLDERS, Spool
from dsgspool.spool.own import OwnFolder
from dsgspool.worker.admission import Me, obeyed

FILES, FILES_PER_SLOT = 128, 4  #: descriptors that a worker needs, and for each running command


@dataclass(frozen=True, slots=True)
class Options:
    """How this worker was started."""

    slots: int
    until_empty: bool = False
    paused: bool = False
    quiet: bool = False
    guard_fd: int = -1
    guard_pid: int = 0
    scratch: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, int] = field(default_factory=dict)
    rules: Rules = Rules()


class GuardLine:
    """Tells the guard that the heartbeat went through; one JSON a line."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        if descriptor >= 0:
            os.set_blocking(descriptor, False)

    def introduce(self, tombstone: str, fence: float, *, shared: bool) -> None:
        """Which tombstone to leave, whether others of a group must read it, and after how many silent seconds to kill."""
        self._say({"tombstone": tombstone, "fence": fence, "shared": shared})

    def beat(self, boot: float) -> None:
        """BOOTTIME before a heartbeat that went through."""
        self._say({"beat": boot})

    def _say(self, what: dict[str, object]) -> None:
        if self.descriptor < 0:
            return
        try:
            os.write(self.descriptor, json.dumps(what).encode() + b"\n")
        except BrokenPipeError:
            return  # the guard is dead: PDEATHSIG is on its way
        except BlockingIOError:
            # A stopped guard reads nothing.  Who waited for it would miss heartbeats while its tasks run on, and another
            # worker would start them too.  When the guard goes on, what it missed makes it kill.
            return


class Station:
    """Identity and files of one worker incarnation."""

    def __init__(self, spool: Spool, options: Options) -> None:
        self.spool, self.fs, self.options = spool, spool.fs, options
        self.identity = proc.identity(options.guard_pid)
        self.guard = GuardLine(options.guard_fd)
        self.wid = ""
        self.inventory = Inventory()
        self.cgroups: cgroups.Tree | None = None  #: None = the memory of commands is looked at
        self.spool_owner = -1

    @property
    def scratch(self) -> str:
        """The folder for what tasks write for the time of their run."""
        return self.options.scratch or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - nothing is made there

    def check(self, settings: Settings) -> None:
        """NodeError when this mount, user or system cannot keep the promises."""
        mount = self.fs.mount(self.spool.todo)
        if mount.is_soft and not settings.allow_soft_mount:
            raise NodeError(
                f"{mount.point} is a soft mount: calls that fail may still happen later, and tasks be lost; mount it "
                "with `hard`, or set `allow_soft_mount: true` in spool.yaml"
            )
        if settings.run_as == "owner" and os.geteuid() != 0:
            raise NodeError("spool.yaml says `run_as: owner`, which only root's worker can do: start it as root")
        missing = set(FOLDERS) - set(self.fs.names(self.spool.root))
        for folder in sorted(missing):
            self.fs.make_folder(f"{self.spool.root}/{folder}")
        proc.become_subreaper()
        if self.rules(settings).pin and self.options.slots > (cpus := proc.usable_cpus()):
            raise NodeError(
                f"`pin` gives each task CPUs of its own, and for {self.options.slots} slots this worker may use only {cpus}: "
                f"start it with --slots {cpus}, or without `pin`"
            )
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        needed = FILES + FILES_PER_SLOT * self.options.slots
        if soft != resource.RLIM_INFINITY and soft < needed:  # no higher: commands inherit it, and some loop over it
            ceiling = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))

    def rules(self, settings: Settings) -> Rules:
        """What holds on this node, as this worker was started."""
        return self.options.rules.over(rules_of(settings.nodes, self.identity.host))

    def check_owner(self, settings: Settings) -> None:
        """root works only its own spool, unless it is to run each task as the task's owner."""
        owner = self.spool_owner
        if os.geteuid() == 0 and owner != 0 and settings.run_as != "owner":
            remote = self.fs.mount(self.spool.todo).is_remote
            raise NodeError(
                f"root does not work the spool of uid {owner}: start the worker as that user, or set `run_as: owner` in "
                "spool.yaml to let root's worker run each task as the owner of its file"
                f"{' (on an export with root_squash only the former works)' if remote else ''}"
            )

    def found(self) -> tuple[OwnFolder, Lease]:
        """Make running/WID exclusively and hold the lock: a new incarnation."""
        try:
            return self._found()
        except PermissionError as error:
            if os.geteuid() != 0:
                raise
            # What root may do everywhere else it may not where a server takes it for nobody.
            owner = self.spool_owner
            who = f"start the worker as uid {owner}, who owns it" if owner > 0 else "give it to a user, on the server"
            raise NodeError(
                f"root may not use the spool {self.spool.root} (permission denied: {error.filename}): its server seems to "
                f"take root for nobody (root_squash); {who}, or export it with no_root_squash"
            ) from error

    def _found(self) -> tuple[OwnFolder, Lease]:
        self.spool_owner = self.fs.status_of_folder(self.spool.root).st_uid
        settings = obeyed(self.spool, Me(os.geteuid(), self.spool_owner))
        self.check_owner(settings)
        self.check(settings)
        if self.options.guard_pid:
            self.cgroups = cgroups.enter({os.getpid(), self.options.guard_pid})
        # Before anybody knows me: probes take seconds in which no heart beats.
        found = machine.measure(self.scratch, settings.software, self.spool.clock)
        self.inventory = replace(found, labels=self.options.labels, resources=self.options.resources)
        while True:
            self.wid = names.worker_id(self.identity.host, chance.word())
            own = OwnFolder(self.spool, self.wid)
            try:
                self.fs.make_folder(own.path, exclusive=True)
            except FileExistsError:
                continue
            break
        lease = Lease(self.fs, self.spool.clock, self.spool.workers, self.wid)
        lease.acquire()
        return own, lease

    def announce(self, lease: Lease) -> None:
        """Write WID.yaml: from now on the others know me."""
        facts: dict[str, object] = {
            "started": iso(lease.server.now()), "lease": self.spool.settings().lease, "slots": self.options.slots,
            "paused": self.options.paused,
            "cpus": self.inventory.cpus, **self.inventory.facts(), "scratch": self.scratch, "user": lease.uid,
            "memory_limits": "cgroup" if self.cgroups else "watched",
            "version": dsgspool.__version__, "python": sys.version.split()[0],
        }  # fmt: skip
        self.fs.create_whole(f"{self.spool.workers}/{self.wid}.yaml", dump_identity(self.wid, self.identity, facts))

    def introduce(self, fence: float) -> None:
        """Tell the guard who I am, and after how many silent seconds it kills."""
        self.guard.introduce(f"{self.spool.workers}/{self.wid}.dead", fence, shared=self.fs.group)

    def report_command(self) -> list[str]:
        """The command line that renders the report as a process of its own."""
        return [sys.executable, "-m", "dsgspool", "--spool", self.spool.root, "report"]
