"""Finding one task and its attempts, from whatever a person calls it.

The rule: a name is looked up in the folders, and when its file is gone the records still know it.
"""

from __future__ import annotations

from dataclasses import field

from dsgspool import names
from dsgspool.classes import dataclass
from dsgspool.codec import Record, is_complete, parse_record
from dsgspool.errors import InvalidName, TaskNotFound
from dsgspool.spool import Spool
from dsgspool.spool.moves import Moves, Place


@dataclass(frozen=True, slots=True)
class Attempt:
    """One record: `over` = it has its end; paths of the logs below the spool."""

    number: int
    record: Record
    over: bool

    def path(self, kind: str = "yaml") -> str:
        """Path of record (yaml) or log (out, err) below the spool."""
        return f"logs/{names.record_path(str(self.record.task), self.number).removesuffix('yaml')}{kind}"


@dataclass(frozen=True, slots=True)
class Found:
    """A task: where its file lies (several places are possible, none too) and its attempts, oldest first."""

    identity: str
    places: list[Place] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def state(self) -> str:
        """The folder that its file is in."""
        return str(self.places[0].state) if self.places else "gone"


def find_all(spool: Spool, pattern: str) -> list[Found]:
    """Every task that the pattern means; TaskNotFound when there is none."""
    identities: dict[str, list[Place]] = {}
    for place in Moves(spool).find(pattern):
        identities.setdefault(place.identity, []).append(place)
    if not identities and _may_be_a_task(identity := plain(pattern)) and attempts_of(spool, identity):
        identities[identity] = []
    if not identities:
        raise TaskNotFound(pattern)
    return [Found(identity, places, attempts_of(spool, identity)) for identity, places in identities.items()]


def plain(name: str) -> str:
    """The identity that a file's name says, or the name itself."""
    name = name.removesuffix(".yaml").removesuffix(".yml")
    try:
        return names.parse(f"{name}.yaml").identity
    except InvalidName:
        return name


def _may_be_a_task(identity: str) -> bool:
    """False for what can be the name of no record, as it is too long for one."""
    try:
        return bool(names.check_identity(identity))
    except InvalidName:
        return False


def attempts_of(spool: Spool, identity: str) -> list[Attempt]:
    """All attempts of a name that have a record, from 1 upwards."""
    attempts: list[Attempt] = []
    while attempt := attempt_of(spool, identity, len(attempts) + 1):
        attempts.append(attempt)
    return attempts


def attempt_of(spool: Spool, identity: str, number: int) -> Attempt | None:
    """One attempt, None when it has no record."""
    from dataclasses import replace

    data = spool.fs.read_fresh(f"{spool.logs}/{names.record_path(identity, number)}")
    if data is None:
        return None
    return Attempt(number, replace(parse_record(data), task=identity), is_complete(data))
