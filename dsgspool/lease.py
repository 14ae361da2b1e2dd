"""My own lease, and the rules by which another worker is dead.

The rule: no decision compares the clocks of two machines.  A worker is alive as long as its lock file's mtime changes;
it is dead when (1) its tombstone lies there, (2) it was a process of this very machine and boot and is gone, (3) its
heartbeat was unchanged for `lease` seconds of MY clock while my own heartbeats went through, or (4) a person says so.
A lock that is free proves nothing (a cut-off NFSv4 client loses it), nor does one that is held (a powered-off NFSv3
client keeps it).  What is not known for certain is alive.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from dsgspool import names, proc
from dsgspool.classes import dataclass
from dsgspool.clock import Clock, ServerClock
from dsgspool.errors import NodeError
from dsgspool.fs import Fs
from dsgspool.proc import Identity

if TYPE_CHECKING:
    from filelock import FileLock

MIN_SAMPLES = 3  #: looks at a heartbeat before its silence means anything (hazards H30)


@dataclass(frozen=True, slots=True)
class Times:
    """The lease times of spool.yaml in seconds; L_r >= (L_w + K) * 1.05 + 2 H."""

    heartbeat: float
    fence: float
    kill: float
    lease: float


class Lease:
    """WID.lock: held by filelock for the worker's life, touched at every heartbeat."""

    def __init__(self, fs: Fs, clock: Clock, workers: str, wid: str) -> None:
        self.fs, self.clock, self.wid = fs, clock, wid
        self.path = f"{workers}/{wid}.lock"
        self.server = ServerClock(clock)
        self.uid = -1  #: the uid that the server gives to files made by this process (root squash)
        self.beat_at = float("-inf")  #: BOOTTIME before the last heartbeat that went through
        self._lock: FileLock | None = None

    def acquire(self) -> None:
        """Make, lock and touch the lock file; NodeError where the mount has no working locks."""
        from filelock import FileLock, Timeout  # 18 ms that commands, which only look, need not wait for

        descriptor = self.fs.create(self.path)
        self.fs.let_lock(descriptor)
        self.fs.close(descriptor)
        mode = 0o660 if self.fs.group else 0o644
        lock = FileLock(self.path, timeout=0, mode=mode, fallback_to_soft=False, preserve_lock_file=True)
        try:
            lock.acquire()
        except Timeout:
            raise NodeError(f"{self.path} is locked by another process although its name is new") from None
        except (OSError, NotImplementedError) as error:
            raise NodeError(
                f"{self.path} cannot be locked ({error}): mount the share with locks (no `nolock`)"
            ) from error
        self._lock = lock
        self.beat()

    def beat(self) -> float:
        """One heartbeat; the BOOTTIME before it.  OSError when it did not go through."""
        before = self.clock.boot()
        self.fs.touch(self.path)
        status = self.fs.status(self.path)
        self.uid = status.st_uid
        self.server.set(status.st_mtime, before)
        self.beat_at = before
        return before

    def release(self) -> None:
        """Let go of the lock; the file stays: it says when the worker was last seen."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None


@dataclass(slots=True)
class _Pulse:
    """What I saw of another worker's lock file: unchanged from after my first look to before my last one (BOOTTIME)."""

    seen: tuple[int, int]
    since: float
    last: float
    samples: int = 1


class Peers:
    """The other workers of a spool, as far as this process knows."""

    def __init__(
        self, fs: Fs, clock: Clock, workers: str, times: Callable[[], Times], me: Identity, wid: str = ""
    ) -> None:
        self.fs, self.clock, self.folder, self.times, self.me, self.wid = fs, clock, workers, times, me, wid
        self.known: set[str] = set()  #: every WID that has a WID.yaml, or a lock whose heart may beat
        self.files: set[str] = set()  #: the last listing of workers/
        self.dying: set[str] = set()  #: gone from this machine, with processes or a lock left: no proof yet
        self._dead: dict[str, str] = {}
        self._pulses: dict[str, _Pulse] = {}
        self._identities: dict[str, Identity | None] = {}
        self._looked_at = float("-inf")

    def refresh(self) -> None:
        """List workers/ again."""
        now = self.clock.boot()
        # RACE: while this process stood still or was cut off, every heartbeat looks old.  A gap of mine says nothing
        # about the others, so their silence is counted anew (hazards H30, H31).
        if now - self._looked_at > 2 * self.times().heartbeat:
            self.start_over()
        self.files = set(self.fs.names(self.folder))
        marks = (file.rpartition(".") for file in self.files)
        self.known = {wid for wid, _, kind in marks if kind in ("yaml", "lock") and names.is_wid(wid)}
        self._looked_at = now

    def start_over(self) -> None:
        """Count everybody's silence anew: I was cut off or stood still."""
        self._pulses.clear()

    def living(self) -> list[str]:
        """WIDs not known to be dead, sorted."""
        buried = {file.partition(".")[0] for file in self.files if file.endswith((".dead", ".fenced"))}
        return sorted(self.known - buried - set(self._dead))

    def is_dead(self, wid: str) -> bool:
        """True only on proof; see `verdict`."""
        return bool(self.verdict(wid))

    def is_dead_by_now(self, wid: str) -> bool:
        """The same, with a fresh listing of workers/ before it is taken for alive.

        RACE: another worker sees a tombstone first and gives the task back; I claim it before my next listing, take the
        attempt that was lost for a living one, and put the task aside for 30 s.
        """
        if not self.is_dead(wid):
            self.refresh()
        return self.is_dead(wid)

    def verdict(self, wid: str) -> str:
        """Why `wid` is dead, '' while it must be taken for alive.  Reads the last `refresh`, not the folder."""
        if wid == self.wid:
            return ""
        if wid not in self._dead and wid not in self.known:
            # RACE: it may have come after the last listing of workers/, so this is no verdict for ever.
            if not self._is_in_workers(wid):
                return "it is not in workers/"
            self.known.add(wid)
        if wid not in self._dead and (reason := self._judge(wid)):
            self._dead[wid] = reason
            self.dying.discard(wid)
        return self._dead.get(wid, "")

    def _is_in_workers(self, wid: str) -> bool:
        """Looked for in both ways: an NFS v3 client may believe an old listing, a FUSE one an old 'does not exist'."""
        files = [f"{wid}.yaml", f"{wid}.lock"]
        if any(self.fs.read_fresh(f"{self.folder}/{file}") is not None for file in files):
            return True
        return not set(files).isdisjoint(self.fs.names(self.folder))

    def watch(self, wid: str) -> None:
        """Take one sample of a heartbeat (open + fstat: stat() lags up to a minute on NFS [hazards H7])."""
        before = self.clock.boot()
        try:
            status = self.fs.status(f"{self.folder}/{wid}.lock")
        except FileNotFoundError:
            seen = (0, 0)
        else:
            seen = (status.st_mtime_ns, status.st_ino)
        pulse = self._pulses.get(wid)
        if pulse is None or pulse.seen != seen:
            now = self.clock.boot()
            self._pulses[wid] = _Pulse(seen, now, now)
        else:
            pulse.samples += 1
            pulse.last = before

    def _judge(self, wid: str) -> str:
        if f"{wid}.dead" in self.files:
            return "its guard left a tombstone"
        return self._local_proof(wid) or self._fence(wid) or self._silence(wid)

    def _fence(self, wid: str) -> str:
        # Not everybody watches everybody's heartbeat, but whoever proved a death has left this for all.
        return "another worker proved it dead and fenced it" if f"{wid}.fenced" in self.files else ""

    def _silence(self, wid: str) -> str:
        silent = self._silent_for(wid)
        # In this order: what it promised must be read from its file, and that is worth it only for a silent one.
        is_silent = silent >= self.times().lease and silent >= self._promised(wid)
        return f"no heartbeat for {silent:.0f} s" if is_silent else ""

    def _promised(self, wid: str) -> float:
        """The lease that a worker started with: it may not have read a shorter one yet, and its heart beats slower."""
        data = self.fs.read_fresh(f"{self.folder}/{wid}.yaml")
        lease = parse_facts(data).get("lease", 0.0) if data else 0.0
        return lease if isinstance(lease, float | int) else 0.0

    def _silent_for(self, wid: str) -> float:
        """Seconds between my first and my last look at a heartbeat that has not changed; 0 after too few looks."""
        pulse = self._pulses.get(wid)
        # RACE: the time since my last look says nothing: I may have stood still myself.
        return pulse.last - pulse.since if pulse is not None and pulse.samples >= MIN_SAMPLES else 0.0

    def identity(self, wid: str) -> Identity | None:
        """Who a worker says it is; None when WID.yaml cannot be read."""
        if self._identities.get(wid) is None:  # it may have been half-written at the last look
            data = self.fs.read_fresh(f"{self.folder}/{wid}.yaml")
            self._identities[wid] = parse_identity(data) if data else None
        return self._identities[wid]

    def _local_proof(self, wid: str) -> str:
        """Rule 2, with the kill of what the dead one left; '' where it does not apply."""
        other = self.identity(wid)
        # RACE: another boot id proves nothing: of two machines cloned from one image, with one name and one machine-id,
        # the other one may just hang in one call, its commands running on.
        if other is None or not self.me.same_machine(other) or not self.me.same_boot(other) or self._is_there(other):
            return ""
        lock = f"{self.folder}/{wid}.lock"
        # RACE: where /proc hides the processes of other users I see neither its guard, nor what that still has to kill.
        if not proc.shows(self._owner(lock)):
            return ""
        if not self.fs.lock_is_free(lock) or kill_leftovers(wid):
            self.dying.add(wid)
            return ""
        return f"its process {other.pid} on this machine is gone"

    def _owner(self, lock: str) -> int:
        """The uid that the server has for a worker; my own is no other's where it squashes none.  -1 = no lock file."""
        try:
            return self.fs.status(lock).st_uid
        except FileNotFoundError:
            return -1

    def _is_there(self, other: Identity) -> bool:
        # RACE: a guard outlives its worker for as long as it needs to kill; only then it leaves the tombstone.
        return proc.is_running(other.pid, other.start) or proc.is_running(other.guard_pid, other.guard_start)


def has_vanished(me: Identity, other: Identity | None) -> bool:
    """Worker and guard were processes of this boot of this machine, and are gone; their tasks may still run."""
    if other is None or not me.same_machine(other) or not me.same_boot(other):
        return False
    return not (proc.is_running(other.pid, other.start) or proc.is_running(other.guard_pid, other.guard_start))


def kill_leftovers(wid: str) -> bool:
    """Kill the processes of this machine that a dead worker left; True while there were any (look again)."""
    # RACE: a process that has just called exec shows no environment, for as long as a busy machine gives it no CPU.
    nascent = proc.nascent()
    left = proc.marked(wid) or proc.marked(wid)
    with contextlib.suppress(PermissionError):
        proc.send(left, 9)
    return bool(left or nascent)


def dump_identity(wid: str, me: Identity, facts: dict[str, object]) -> bytes:
    """WID.yaml: one line a key, JSON values (which are YAML); the others read it without a YAML parser."""
    pairs = {"worker": wid, **asdict(me), **facts}
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in pairs.items()).encode() + b"...\n"


def parse_facts(data: bytes) -> dict[str, object]:
    """The mapping in a WID.yaml; {} when it is broken or half-written."""
    facts: dict[str, object] = {}
    for line in data.decode(errors="replace").splitlines():
        key, colon, value = line.partition(": ")
        if colon:
            try:
                facts[key] = said = json.loads(value)
                if isinstance(said, float | int) and not math.isfinite(said):
                    return {}
            except (ValueError, OverflowError, RecursionError):  # OverflowError: a number of 400 digits
                return {}
    return facts


def parse_identity(data: bytes) -> Identity | None:
    """The identity in a WID.yaml; None when it is broken: then only its heartbeat counts."""
    return identity_of(parse_facts(data))


def identity_of(facts: dict[str, object]) -> Identity | None:
    """The same, of facts that were read already."""
    fields = Identity.__dataclass_fields__.items()
    if any(type(facts.get(key)).__name__ != field.type for key, field in fields):
        return None
    return Identity(**{key: facts[key] for key, _ in fields})  # type: ignore[arg-type]
