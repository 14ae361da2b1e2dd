"""What two nodes see of each other's changes, and when: measured, not believed.

The rule: first the observer looks, so that its client caches what is there and what is not; then the other changes it;
then the observer looks again and again, each way of looking at a file of its own, so that no look refreshes another.
Times are on the observer's clock from the letter that says `it is done`, which itself takes about 0.05 s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack

from dsgspool.doctor import raw
from dsgspool.doctor.rendezvous import ANSWER, Line
from dsgspool.spool.submission import TICK

LIMIT = 65.0  #: seconds after which a change counts as not seen: an NFS client keeps attributes for 60
STEP = 0.1
FOLDERS, CONTESTS = 20, 100
#: Seconds that the winner of a contest stands still, so that the other catches up: at first, at most.
BREATH, REST = 0.001, 0.05

#: way of looking -> what a person does that way.
LOOKS = ("listing", "stat", "open", "gone", "heartbeat", "times", "tail")


class Measurement:
    """One side's part; both sides do the same at the same time, each in its own folder."""

    def __init__(self, line: Line, tell: Callable[[str], None]) -> None:
        self.line, self.fs, self.clock, self.tell = line, line.spool.fs, line.spool.clock, tell
        self.mine, self.theirs = f"{line.folder}/{line.me}", f"{line.folder}/{line.you}"

    def delays(self) -> dict[str, float | None]:
        """Way of looking -> seconds until it showed the other's change; None = not within the limit."""
        for name in ("", *(f"/{look}" for look in LOOKS)):
            self.fs.make_folder(f"{self.mine}{name}")
        for name in ("gone/old", "heartbeat/beat", "times/beat", "tail/log"):
            self.fs.create_whole(f"{self.mine}/{name}", b"begin\n")
        self.line.together("prepared")
        with ExitStack() as stack:
            looks = self._looks(stack)
            before = {name: look() for name, look in looks.items()}
            self.line.together("looked")
            self._change()
            self.line.together("changed")
            found = self._watch(looks, before)
        self.line.together("watched", LIMIT + ANSWER)
        return found

    def _looks(self, stack: ExitStack) -> dict[str, Callable[[], object]]:
        tail = stack.enter_context(raw.reading(f"{self.theirs}/tail/log"))
        return {
            "listing": lambda: self.fs.names(f"{self.theirs}/listing"),
            "stat": lambda: raw.seen_by_stat(f"{self.theirs}/stat/new") is None,
            "open": lambda: raw.opens(f"{self.theirs}/open/new"),
            "gone": lambda: raw.seen_by_stat(f"{self.theirs}/gone/old") is None,
            "heartbeat": lambda: self.fs.status(f"{self.theirs}/heartbeat/beat").st_mtime_ns,
            "times": lambda: _mtime(raw.seen_by_stat(f"{self.theirs}/times/beat")),
            "tail": lambda: raw.read_on(tail, 0),
        }

    def _change(self) -> None:
        self.clock.sleep(TICK)  # a tick later than the files were made, or a time would not change
        for name in ("listing", "stat", "open"):
            self.fs.create_whole(f"{self.mine}/.draft-{name}", b"new")
            self.fs.rename(f"{self.mine}/.draft-{name}", f"{self.mine}/{name}/new")
        self.fs.rename(f"{self.mine}/gone/old", f"{self.mine}/gone/new")
        self.fs.touch(f"{self.mine}/heartbeat/beat")
        self.fs.touch(f"{self.mine}/times/beat")
        raw.add(f"{self.mine}/tail/log", b"more\n")

    def _watch(self, looks: dict[str, Callable[[], object]], before: dict[str, object]) -> dict[str, float | None]:
        began = self.clock.boot()
        found: dict[str, float | None] = dict.fromkeys(looks)
        while None in found.values() and self.clock.boot() - began < LIMIT:
            for name in [name for name, seen in found.items() if seen is None]:
                self.tell(f"look by {name}")
                at = self.clock.boot()
                if looks[name]() != before[name]:
                    found[name] = round(at - began, 2)
            self.clock.sleep(STEP if None in found.values() else 0)
        return found

    # -- two changes within one tick of the server's clock -------------------------------------------------------

    def same_tick(self) -> dict[str, int]:
        """How many of `of` listings stay without a second change of the same tick, and after a touch still do."""
        result = {}
        for writer in ("host", "guest"):
            if self.line.me == writer:
                self._write_pairs()
            else:
                result = self._list_pairs()
        return result

    def _write_pairs(self) -> None:
        folders = [f"{self.mine}/pair{number:02d}" for number in range(FOLDERS)]
        for folder in folders:
            self.fs.make_folder(folder)
        self.line.say("pairs")
        self.line.hear("listing-pairs")
        for folder in folders:
            for name in ("a", "b"):
                self.fs.create_whole(f"{folder}/{name}", b"", sync=False)
            self.clock.sleep(1.5 * TICK)
        self.line.say("pairs-made")
        self.line.hear("pairs-counted")
        for folder in folders:
            self.fs.touch(folder)
        self.line.say("pairs-touched")

    def _list_pairs(self) -> dict[str, int]:
        self.line.hear("pairs")
        folders = [f"{self.theirs}/pair{number:02d}" for number in range(FOLDERS)]
        for folder in folders:
            self.fs.names(folder)
        self.line.say("listing-pairs")
        until = self.clock.boot() + ANSWER / 2
        for folder in folders:
            while not self.fs.names(folder) and self.clock.boot() < until:
                continue
        self.line.hear("pairs-made")
        stale = self._incomplete(folders)
        self.line.say("pairs-counted")
        self.line.hear("pairs-touched")
        return {"of": FOLDERS, "stale": len(stale), "after_touch": len(self._incomplete(stale))}

    def _incomplete(self, folders: Iterable[str]) -> list[str]:
        return [folder for folder in folders if len(self.fs.names(folder)) < 2]

    # -- contests ------------------------------------------------------------------------------------------------

    def creates(self) -> dict[str, int]:
        """Both create the same names with O_EXCL: each must have exactly one winner."""
        folder = f"{self.line.folder}/race"
        self._host_makes(folder)
        return self._compare("created", self._contend(lambda number: self._creates(f"{folder}/{number}")))

    def _creates(self, path: str) -> bool:
        try:
            self.fs.create_whole(path, b"", sync=False)
        except FileExistsError:
            return False
        return True

    def renames(self) -> dict[str, int]:
        """Both rename the same files to a place of their own, as workers claim."""
        folder, den = f"{self.line.folder}/prey", f"{self.mine}/den"
        self.fs.make_folder(den)
        self._host_makes(folder, filled=True)
        self._contend(lambda number: self.fs.rename(f"{folder}/{number}", f"{den}/{number}") == 0)
        return self._compare("renamed", [int(name) for name in self.fs.names(den)])

    def _contend(self, wins: Callable[[int], bool]) -> list[int]:
        """The contests that are won here.  Who has won several in turn stands still for longer and longer: a node that hears
        late that it may begin would otherwise find each of them decided, and nothing would have been measured."""
        won, pause = [], BREATH
        for number in range(CONTESTS):
            if wins(number):
                won.append(number)
                self.clock.sleep(pause)
                pause = min(2 * pause, REST)
            else:
                pause = BREATH
        return won

    def _host_makes(self, folder: str, *, filled: bool = False) -> None:
        if self.line.is_host:
            self.fs.make_folder(folder)
            for number in range(CONTESTS if filled else 0):
                self.fs.create_whole(f"{folder}/{number}", b"", sync=False)
        self.line.together(f"start-{folder.rpartition('/')[2]}")

    def _compare(self, subject: str, won: list[int]) -> dict[str, int]:
        theirs = set(self.line.together(subject, won=won)["won"])
        both, either = set(won) & theirs, set(won) | theirs
        return {
            "of": CONTESTS,
            "mine": len(won),
            "theirs": len(theirs),
            "both": len(both),
            "nobody": CONTESTS - len(either),
        }

    def locks(self) -> dict[str, bool]:
        """`excludes`: the guest cannot lock what the host has locked; `frees`: it can afterwards."""
        path = f"{self.line.folder}/lock"
        if not self.line.is_host:
            self.line.hear("locked")
            excluded = not self.fs.lock_is_free(path)
            self.line.say("tried")
            self.line.hear("unlocked")
            result = {"excludes": excluded, "frees": self.fs.lock_is_free(path)}
            self.line.say("lock-result", **result)
            return result
        self.fs.create_whole(path, b"")
        with raw.locked(path):
            self.line.say("locked")
            self.line.hear("tried")
        self.line.say("unlocked")
        return {key: bool(value) for key, value in self.line.hear("lock-result").items()}


def _mtime(status: object) -> object:
    return getattr(status, "st_mtime_ns", None)
