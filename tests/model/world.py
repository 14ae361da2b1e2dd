"""What the model's world is made of: small tuples, compared and hashed by value.

The rule: nothing here acts.  Names of claims and tokens are only ever compared for equality, so a new one is the smallest
that nothing refers to any more, and what nobody can refer to is forgotten (`tidy`): that keeps the state space finite.
"""

from __future__ import annotations

from typing import NamedTuple

Wid = tuple[int, int]  # (slot, incarnation)
Claim = tuple[Wid, int]
Tag = tuple  # () fresh; ("n", failures, losses, token); (reason,); (reason, token)
Path = tuple  # (place, name, tag, claim): the first four of a File
Decision = tuple  # ("done",) ("failed", reason) ("todo", failures, losses) ("waiting", f, l) ("nothing",)

CLAIMABLE = ("todo", "lane")
FINISHED = ("done", "failed")


class File(NamedTuple):
    """A task file.  `place` is a shared folder's name, `after-A`, or a Wid: running/WID.  A copy's text ends with c."""

    place: str | Wid
    name: str
    tag: Tag
    claim: Claim | None
    text: str


class Worker(NamedTuple):
    """One slot of the lab: a worker process with its guard.

    status: up; cut (does not reach the share); gone (the process is dead, its guard has not finished); off (nothing left).
    pc: idle, held (a file claimed), found (record N is tried next), made (record N is empty), run, pub (on its way out),
    look (it is out: does anything wait for it, or has what it waits for come?).
    Only with a rule away: free (`excl`: no record N was seen), ended (`kill-first`: the end is written, not yet killed).
    """

    status: str = "up"
    inc: int = 0
    guard: bool = True
    pc: str = "idle"
    file: File | None = None
    n: int = 0
    out: Decision = ()
    mute: tuple = ()  # (name, n, claims) each: a record that named nobody, who held files of its name at the first look


class Record(NamedTuple):
    """logs/NAME.N.yaml.  st: e (empty), b (says who writes), x (has its end), p (of a prune).  In `e` the claim is who
    makes it, which nobody but the model can read."""

    name: str
    n: int
    claim: Claim | None
    st: str
    text: str
    next: Decision = ()


class Pruner(NamedTuple):
    """One run of prune: pick -> lock -> look at the folders one by one -> remove file -> remove records -> own record."""

    pc: str = "idle"
    path: Path = ()
    text: str = ""
    n: int = 0
    looked: int = 0  # folders listed
    seen: frozenset = frozenset()  # numbers of the records that it had listed when it began
    done: int = 0  # how many records it has removed
    born: frozenset = frozenset()  # workers that came after its listing of workers/


class World(NamedTuple):
    """One state.  marks: facts in workers/ and what is proven of a WID; gone: texts that a person removed or replaced."""

    files: frozenset[File]
    workers: tuple[Worker, ...]
    records: frozenset[Record]
    procs: frozenset[tuple]  # (name, n, claim): a live command
    net: frozenset[tuple]  # calls that the server may still execute
    marks: frozenset[tuple]  # (wid, word)
    gone: frozenset[str]
    fin: frozenset[str]  # texts that ended for good and that nobody asked to run again
    pruner: Pruner
    left: tuple[int, ...]  # what is left of each fault's budget
    met: frozenset[str] = frozenset()  # claimed texts: what they wait for has lain in done/ since then
    seen: frozenset[str] = frozenset()  # texts whose claim its owner knows of; only without `claim-looked`


def at(files: frozenset[File], path: Path) -> File | None:
    """The file of that path."""
    for file in files:
        if file[:4] == path:
            return file
    return None


def is_running(place: str | Wid) -> bool:
    """True for running/WID."""
    return type(place) is tuple


def waits_for(place: str | Wid) -> str:
    """A of `after-A`, '' of any other place."""
    return place[6:] if isinstance(place, str) and place.startswith("after-") else ""


def counts(tag: Tag) -> tuple[int, int]:
    """Failures and losses that a name remembers; a reason gives a fresh budget."""
    return (tag[1], tag[2]) if tag and tag[0] == "n" else (0, 0)


def record_of(world: World, name: str, n: int) -> Record | None:
    """Record n of a name."""
    for record in world.records:
        if record.n == n and record.name == name:
            return record
    return None


def _paths(world: World) -> list[Path]:
    """Every path that anything refers to."""
    paths = [file[:4] for file in world.files]
    paths += [worker.file[:4] for worker in world.workers if worker.file]
    paths += [path for op in world.net if op[0] == "mv" for path in op[1:3]]
    return paths + ([world.pruner.path] if world.pruner.path else [])


def held_claims(world: World) -> set[Claim]:
    """Claims that a file, a worker or a late call still carries."""
    claims = {path[3] for path in _paths(world) if path[3]}
    return claims | {op[3] for op in world.net if op[0] != "mv"}


def fresh_claim(world: World, wid: Wid) -> Claim:
    """A claim WID.C that nothing refers to."""
    used = held_claims(world) | {record.claim for record in world.records} | {proc[2] for proc in world.procs}
    used |= {claim for worker in world.workers for each in worker.mute for claim in each[2]}
    c = 1
    while (wid, c) in used:
        c += 1
    return (wid, c)


def fresh_token(world: World) -> int:
    """A token that no name carries."""
    used = {path[2][-1] for path in _paths(world) if len(path[2]) > 1}
    token = 1
    while token in used:
        token += 1
    return token


def tidy(world: World) -> World:
    """The same world without what nobody can refer to any more."""
    records = world.records
    if any(record.st != "e" for record in records):
        claims, texts = held_claims(world), {file.text for file in world.files}
        records = frozenset(_tidy_record(world, record, claims, texts) for record in records)
    marks = world.marks
    if marks:
        buried = {wid for wid, word in marks if word == "dead"}
        marks = frozenset(m for m in marks if m[0] not in buried or m[1] in ("dead", "swept", "touched", "looked"))
        if any(wid[1] < world.workers[wid[0]].inc for wid, _ in marks):
            named = _wids(world)
            marks = frozenset(m for m in marks if m[0] in named or m[0][1] == world.workers[m[0][0]].inc)
    if records == world.records and marks == world.marks:
        return world
    return world._replace(records=records, marks=marks)


def _tidy_record(world: World, record: Record, claims: set[Claim], texts: set[str]) -> Record:
    if record.st == "b" and not world.net and record.claim not in claims and (record.claim[0], "dead") in world.marks:
        record = record._replace(st="x", next=("nothing",))  # over for everybody and for ever
    if record.st != "x":
        return record
    if record.claim not in claims:
        record = record._replace(claim=None, next=())
    return record if record.text in texts or not record.text else record._replace(text="")


def _wids(world: World) -> set[Wid]:
    wids = {file.place for file in world.files if is_running(file.place)}
    wids |= {claim[0] for claim in held_claims(world)}
    wids |= {record.claim[0] for record in world.records if record.claim}
    return wids | {proc[2][0] for proc in world.procs}
