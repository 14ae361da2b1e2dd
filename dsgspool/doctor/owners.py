"""Which workers live, which are dead for certain, and which are only silent.

The rule: the doctor is one look and not a lease, so silence is never a proof here.  Proof is what section 9 of the
format calls so at one instant: a tombstone, a fence mark, no trace in workers/, or a process of this very boot that is
gone.  Nothing is killed to find out.
"""

from __future__ import annotations

from dataclasses import field

from dsgspool import names, proc
from dsgspool.classes import dataclass
from dsgspool.errors import SpoolError
from dsgspool.lease import has_vanished, identity_of
from dsgspool.proc import Identity
from dsgspool.settings import Settings
from dsgspool.snapshot.look import facts_of
from dsgspool.spool import Spool

BEATS = 3  #: heartbeats after which a worker no longer counts as beating


@dataclass(slots=True)
class Owners:
    """The workers as one listing of workers/ and their files tell.  `now`: Unix time of the file server."""

    spool: Spool
    now: float
    settings: Settings
    files: set[str] = field(init=False)
    ages: dict[str, float] = field(default_factory=dict)  #: WID -> seconds since its last heartbeat
    _proofs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.files = set(self.spool.fs.names(self.spool.workers))
        for file in self.files:
            wid, _, kind = file.rpartition(".")
            if kind == "lock" and names.is_wid(wid):
                self.ages[wid] = self._age(wid)

    def _age(self, wid: str) -> float:
        try:
            return max(0.0, self.now - self.spool.fs.status(f"{self.spool.workers}/{wid}.lock").st_mtime)
        except FileNotFoundError:
            return float("inf")
        except OSError:
            return 0.0  # somebody's whose files I may not read: nothing is known, so it lives

    @property
    def living(self) -> list[str]:
        """Workers that have a heartbeat younger than their lease, and no proof against them."""
        return sorted(wid for wid, age in self.ages.items() if age < self.lease(wid) and not self._is_out(wid))

    @property
    def silent(self) -> list[str]:
        """Workers that nobody has proven dead and whose heart has stood still for a lease."""
        return sorted(wid for wid, age in self.ages.items() if age >= self.lease(wid) and not self.proof(wid))

    def beating(self) -> dict[str, Identity]:
        """Who the workers are whose heart beat just now."""
        fresh = (wid for wid in self.living if self.ages[wid] <= BEATS * self.settings.heartbeat)
        return {wid: who for wid in fresh if (who := self.identity(wid))}

    def lease(self, wid: str) -> float:
        """The longer one of what spool.yaml says and what it started with."""
        told = self.facts(wid).get("lease")
        return max(self.settings.lease, float(told) if isinstance(told, int | float) else 0.0)

    def facts(self, wid: str) -> dict[str, object]:
        """What WID.yaml says, {} when there is nothing whole."""
        return facts_of(self.spool, wid, self.files)

    def identity(self, wid: str) -> Identity | None:
        """Machine and process of a worker."""
        return identity_of(self.facts(wid))

    def proof(self, wid: str) -> str:
        """Why a worker is dead for certain, '' while it must be taken for alive."""
        if wid not in self._proofs:
            self._proofs[wid] = self._prove(wid)
        return self._proofs[wid]

    def _prove(self, wid: str) -> str:
        if f"{wid}.dead" in self.files:
            return "it has ended"
        if f"{wid}.fenced" in self.files:
            return "the others gave it up for dead"
        if f"{wid}.yaml" not in self.files and f"{wid}.lock" not in self.files:
            return "" if self._is_new(wid) else "it is not in workers/"
        return self._gone(wid)

    def _is_new(self, wid: str) -> bool:
        """RACE: a worker makes running/WID before its files in workers/."""
        try:
            seen = self.spool.fs.status_of_folder(f"{self.spool.running}/{wid}").st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return False
        return self.now - seen < self.settings.lease

    def _is_out(self, wid: str) -> bool:
        return bool(self.proof(wid)) or self.has_vanished(wid)

    def has_vanished(self, wid: str) -> bool:
        """Worker and guard were processes of this boot of this machine, and are gone; their tasks may still run."""
        return has_vanished(proc.identity(), self.identity(wid))

    def _gone(self, wid: str) -> str:
        if not self.has_vanished(wid) or proc.marked(wid):
            return ""
        free = self.spool.fs.lock_is_free(f"{self.spool.workers}/{wid}.lock")
        return "its process on this machine is gone" if free else ""


def settings_of(spool: Spool) -> Settings:
    """spool.yaml; what stands in a broken one is found by another check, here the defaults do."""
    try:
        return spool.settings()
    except (SpoolError, OSError):
        return Settings()
