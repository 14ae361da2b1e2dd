"""Who does the janitor's work, so that not everybody does: the chain of links workers/janitor.N.

The rule: each link is made with O_EXCL and holds one WID; the newest one's leads while it is not dead.  Safety never
depends on it: two may believe that they lead, and everything that a leader does may be done twice at once.
"""

from __future__ import annotations

from dsgspool.lease import Peers
from dsgspool.spool import Spool

DEPUTIES = 2


class Leadership:
    """The chain as one living worker `wid` sees it."""

    def __init__(self, spool: Spool, peers: Peers, wid: str) -> None:
        self.spool, self.fs, self.peers, self.wid = spool, spool.fs, peers, wid
        self._known: dict[int, str] = {}  #: the newest link, which is written once, and whom it names
        self._unwritten = ("", 0.0)  #: an empty link, and BOOTTIME when I first saw it so

    def leads(self) -> bool:
        """True when the newest link of the chain names me; makes the next link when its leader is dead."""
        numbers = self._links()
        newest = numbers[-1] if numbers else 0
        leader = self._leader(newest)
        if leader == self.wid:
            return True
        if newest and not (leader and self.peers.is_dead(leader)):
            return False
        try:
            self.fs.create_whole(f"{self.spool.workers}/janitor.{newest + 1}", f"{self.wid}\n".encode())
        except FileExistsError:
            return False
        for number in numbers[:-1]:
            self.fs.remove(f"{self.spool.workers}/janitor.{number}")
        return True

    def _links(self) -> list[int]:
        return sorted(int(f[8:]) for f in self.peers.files if f.startswith("janitor.") and f[8:].isdecimal())

    def _leader(self, number: int) -> str:
        """WID in a link of the chain; '' while its maker has not written it (or died before: see below)."""
        if number in self._known:
            return self._known[number]
        data = self.fs.read_fresh(f"{self.spool.workers}/janitor.{number}") if number else None
        if data == b"" and self._is_stale(f"janitor.{number}"):
            return "nobody"  # its maker died between making and writing it; 'nobody' is not in workers/, so dead
        leader = (data or b"").decode(errors="replace").strip()
        if (data or b"").endswith(b"\n"):
            self._known = {number: leader}
        return leader

    def _is_stale(self, link: str) -> bool:
        """Empty for a lease of my own clock: what O_EXCL made on NFS v3 has no mtime until its maker's next call."""
        if self._unwritten[0] != link:
            self._unwritten = (link, self.spool.clock.boot())
        return self.spool.clock.boot() - self._unwritten[1] > self.peers.times().lease

    def watched(self, *, leading: bool) -> list[str]:
        """Whose heartbeats I look at: the leader and two deputies everybody's, everybody those three."""
        living = [wid for wid in self.peers.living() if wid != self.wid]
        first = sorted([*living, self.wid])[: DEPUTIES + 1]
        if leading or self.wid in first or len(living) <= 2 * DEPUTIES:
            return living
        leader = self._leader(max(self._links(), default=0))
        return [wid for wid in living if wid in first or wid == leader]
