"""How the rests of sweeps are divided: sweeps/NAME/FIRST-LAST/ for each rest that somebody began to work on.

The rule: how a rest is divided is decided once, whoever decides, how often and how late (`once`), and everybody goes by what
was decided.  The rest's own file owes what lies in the folder: it becomes the first chunk only when all of that is in todo/.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace

from dsgspool.errors import InvalidTask
from dsgspool.expressions import expression
from dsgspool.ranges import REST, Range, parse_range
from dsgspool.spool.dependencies import Dependencies
from dsgspool.spool.moves import Moves, Place
from dsgspool.spool.once import LEAST, TODO, Once
from dsgspool.task import Decision, State

FOLDER, FACTS = "sweeps", "split.json"
WHOLE, BEGUN = "whole", "sweep.json"  #: the folder that says which text the sweep of a name has, and its file
TABLE = "table"  #: beside them: what the files of the sweep said (written.py)
#: What a part's name says of where it belongs; otherwise todo/.
PLACES = {
    State.HOLD: Decision(State.HOLD),
    State.FAILED: Decision(State.FAILED, "cancelled", unique=True),
}
_WORDS = {State.HOLD: ".hold", State.FAILED: ".cancelled"}
_STATES = {word: state for state, word in _WORDS.items()}
#: What says that no file or folder of this program lies where it would make one: another look does not change that.
_FOREIGN = (errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EINVAL, errno.ENOTDIR, errno.EISDIR)
_PART = expression(r"([0-9]{1,8})-([0-9]{1,8})(\.hold|\.cancelled)?\.yaml\Z", re.ASCII)


@contextlib.contextmanager
def own_place(path: str) -> Iterator[None]:
    """InvalidTask for a fifo, link, file or folder in the place of what only this program makes: as trouble of the share it
    would be tried for ever, and keep its worker from all else."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FOREIGN:
            raise
        raise InvalidTask(f"something that dsgspool did not make lies at {path}", remedy="take it away") from None


class Divisions:
    """Divides, in a spool."""

    def __init__(self, moves: Moves) -> None:
        self.moves, self.spool, self.fs, self.once = moves, moves.spool, moves.spool.fs, Once(moves)

    def folder(self, rest: Range) -> str:
        """The folder that says how a rest was divided."""
        return f"{self.spool.root}/{FOLDER}/{rest.sweep}/{rest.numbers}"

    def divide(self, rest: Range, head: int, parts: int, text: bytes, owner: int = -1, lane: str = "") -> Range:
        """The first chunk of a rest, up to item `head` if I am the first to decide; what comes behind it goes to todo/, in
        so many parts.  `owner` as in `Once.make`.  InvalidTask when nobody can tell how it was divided."""
        rests = {f"{each.numbers}.yaml": text for each in split(rest, head, parts)}
        with own_place(self.folder(rest)):
            self.once.make(self.folder(rest), FACTS, {"head": head}, rests, owner)
        # RACE: another worker decided first, or I did, before I stood still: what lies there counts.
        head = self._decided(rest)
        self._publish(rest, lane)
        return rest.part(rest.first, head, is_rest=False)

    def cut(self, place: Place, meant: Range, state: State, text: bytes, owner: int = -1) -> bool:
        """Send some items of a rest, wherever that lies, to a state, and leave the others where they are.  False when it was
        divided otherwise before: then look again.  A worker that holds it runs the first item."""
        rest = parse_range(place.identity)
        assert rest is not None
        stays = place.state if place.state in PLACES else State.TODO
        drafts = {
            f"{part.numbers}{_WORDS.get(state if is_meant else stays, '')}.yaml": text
            for part, is_meant in _pieces(rest, meant)
        }
        with own_place(self.folder(rest)):
            is_mine = self.once.make(self.folder(rest), FACTS, {"head": rest.first}, drafts, owner)
        # RACE: another one decided first: what lies there counts, and is owed all the same.
        decided = self._decided(rest)
        self._publish(rest, place.name.lane)
        if place.state is not State.RUNNING:
            name = replace(place.name, identity=rest.part(rest.first, decided, is_rest=False).identity)
            to = state if is_mine and meant.first <= rest.first else stays
            self.moves.send(place, name, PLACES.get(to, Decision(State.TODO, budget=name.budget)))
        return is_mine

    def _publish(self, rest: Range, lane: str) -> None:
        for file in self._owed(rest):
            found = _PART.match(file)
            assert found is not None
            part = rest.part(int(found[1]), int(found[2]), is_rest=True)
            to = PLACES.get(_STATES.get(found[3], State.TODO), TODO)
            self.once.publish(self.folder(rest), part.identity, file, lane, to)

    def _decided(self, rest: Range) -> int:
        """Up to which item the first chunk goes, as the folder says, whoever made it."""
        path = f"{self.folder(rest)}/{FACTS}"
        with own_place(path), contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
            head = json.loads(self.fs.read_fresh(path) or b"")["head"]
            if isinstance(head, int) and rest.first <= head <= rest.last:
                return head
        raise InvalidTask(
            f"{path} does not tell how {rest.identity} was divided",
            remedy="remove that folder, if none of it was queued",
        )

    def _owed(self, rest: Range) -> list[str]:
        return sorted(
            file for file, is_folder in self.fs.scan(self.folder(rest)) if not is_folder and _PART.match(file)
        )

    def waiting(self, sweep: str, lane: str = "") -> int:
        """How many rests of a sweep lie in todo/ now."""
        folder = f"{self.spool.todo}/{f'@{lane}/' if lane else ''}{sweep}"
        return sum(file.startswith(REST) for file, _ in self.fs.scan(folder))

    # -- the ends ------------------------------------------------------------------------------------------------

    def old(self, limit: float, now: float) -> list[str]:
        """Sweeps that were divided before `limit`, a day ago at least, and of which nothing is left anywhere."""
        limit, newest = min(limit, now - LEAST), dict[str, float]()
        for path, _ in self.fs.walk(f"{self.spool.root}/{FOLDER}"):
            sweep, _, _ = path.rpartition("/")[0].rpartition("/")
            made = self.fs.status_of_folder(f"{self.spool.root}/{FOLDER}/{path.rpartition('/')[0]}").st_mtime
            newest[sweep] = max(newest.get(sweep, 0.0), made)
        return sorted(sweep for sweep, made in newest.items() if sweep and made < limit and not self._is_there(sweep))

    def remove(self, sweep: str) -> None:
        """Forget how it was divided."""
        folder = f"{self.spool.root}/{FOLDER}/{sweep}"
        for name in [name for name, is_folder in self.fs.scan(folder) if is_folder]:
            self.once.drop(f"{folder}/{name}")
        self.fs.remove_folder(folder)

    def _is_there(self, sweep: str) -> bool:
        """True while a file of it lies in any state."""
        dependencies = Dependencies(self.spool)
        ended = (next(dependencies.ended(state, sweep), "") for state in (State.DONE, State.FAILED))
        is_open = any(dependencies.first_open(what) is not None for what in (_literal(sweep), f"{sweep}/"))
        return is_open or any(ended)

    def begin(self, sweep: str, text: bytes, *, has_table: bool = False) -> str | None:
        """Say, once for the name, that this text is its sweep.  Why another cannot begin; '' when it did, None when nobody
        can tell at this moment.  `has_table`: its own rows are written down already."""
        if (why := self.why_not_new(sweep)) != "":
            return why
        digest = hashlib.sha256(text).hexdigest()
        folder = f"{self.spool.root}/{FOLDER}/{sweep}"
        known = {WHOLE, TABLE} if has_table else {WHOLE}
        with own_place(f"{folder}/{WHOLE}"):
            if known.issuperset(self.fs.folders(folder)):  # it may be there and empty: somebody died while he made it
                self.once.make(f"{folder}/{WHOLE}", BEGUN, {"digest": digest}, {})
            # RACE: another sweep of the name began, or I did before I died: whose text it is goes on.
            said = self.fs.read_fresh(f"{folder}/{WHOLE}/{BEGUN}") or b""
        is_mine = digest.encode() in said and known.issuperset(self.fs.names(folder))
        return "" if is_mine else f"{FOLDER}/{sweep}/ says how an earlier one was divided"

    def why_not_new(self, sweep: str) -> str | None:
        """Why no new sweep of this name can begin, as far as its files and records tell; '' and None as above."""
        dependencies = Dependencies(self.spool)
        if found := dependencies.first_open(batch := f"{sweep}/"):
            # RACE: a folder, most often one in waiting/, was removed behind its listing: that is no reason to fail for good.
            return None if found[1] == batch else f"there is a batch of that name: {found[1]} lies in {found[0]}/"
        for state in (State.DONE, State.FAILED):
            try:
                ended = next(dependencies.ended(state, sweep), "")
            except FileNotFoundError:
                return None
            if ended:
                return f"there was a batch of that name: {ended} lies in {state}/"
        if any(file.endswith(".yaml") for file, _ in self.fs.walk(f"{self.spool.logs}/{sweep}")):
            return f"there was a batch of that name: logs/{sweep}/ has records of it"
        return ""


def split(rest: Range, head: int, parts: int) -> Iterator[Range]:
    """What comes behind the first chunk, in at most so many rests of one size."""
    first, left = head + 1, rest.last - head
    for number in range(min(parts, left), 0, -1):
        size = -(-left // number)
        yield rest.part(first, first + size - 1, is_rest=True)
        first, left = first + size, left - size


def _pieces(rest: Range, meant: Range) -> Iterator[tuple[Range, bool]]:
    """What comes behind the first item, cut at the borders of some items; whether these are them."""
    first, last = max(meant.first, rest.first + 1), min(meant.last, rest.last)
    for begin, end, is_meant in ((rest.first + 1, first - 1, False), (first, last, True), (last + 1, rest.last, False)):
        if begin <= end:
            yield rest.part(begin, end, is_rest=True), is_meant


def _literal(name: str) -> str:
    """A pattern that means this name alone."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)
