"""The normal form of a world: of all worlds that behave alike, the one that is kept.

The rule: what is thrown away can make no difference to any later step.
 * Claims and tokens are only compared for equality: they are numbered by the files that carry them.
 * A worker whose file left its folder sees so at once: nothing that it could do before depends on not having looked
   (unless a call on the wire can bring a file to that path again).
 * The oldest records of a name, when they are over: the walk up the chain goes past them wherever it begins, and a late
   call to make or to end one of them does nothing.  The others are numbered from 1 again (not where `prune`,
   people who move twice, or a missing rule make the numbers matter).
 * Workers are interchangeable: no step looks at a slot's number (but with `leader`).  Slots are put in the order of what
   they do; ties keep their order, so a few worlds are kept twice: less saving, no harm.
The last two are left out when a trace is wanted, since they change names on the way.
"""

from __future__ import annotations

from tests.model.claims import with_seen
from tests.model.dependencies import left, with_met
from tests.model.setup import Model
from tests.model.world import Claim, File, Record, World, at, held_claims, is_running, tidy


def normal(model: Model, world: World, *, reduce: bool) -> World:
    """The world that stands for this one."""
    world = tidy(_looked(model, world))
    if model.bounds.after:
        world = with_met(model, world)
    if not model.has("claim-looked"):
        world = with_seen(world)
    drops = _over_prefix(model, world) if reduce else {}
    slots = _order(world) if reduce and not model.bounds.leader else None
    renaming = Renaming(world, slots, drops)
    return world if renaming.is_nothing else renaming.world()


def _looked(model: Model, world: World) -> World:
    for slot, each in enumerate(world.workers):
        if each.pc == "pub" and each.status == "up" and at(world.files, each.file[:4]) is None:
            path = each.file[:4]
            if not any(op[0] == "mv" and op[2] == path for op in world.net):
                world = left(model, world, slot)
    return world


def _over_prefix(model: Model, world: World) -> dict[str, int]:
    """Name -> how many of its oldest records nobody needs any more."""
    if model.bounds.prune or not model.has("sequence") or not model.has("excl") or len(world.records) == 0:
        return {}
    if model.bounds.human > 1:
        return {}  # who claimed a file that ran elsewhere meanwhile (two moves) knows it by the number
    claims = held_claims(world)
    drops: dict[str, int] = {}
    for record in sorted(world.records, key=lambda r: r.n):
        past = drops.get(record.name, 0)
        if record.n == past + 1 and record.st == "x" and record.claim not in claims and not record.text:
            drops[record.name] = record.n
    return drops


def _order(world: World) -> list[int] | None:
    """Slots in the order of what they do; None when they are in it."""
    keys = [_key(world, slot) for slot in range(len(world.workers))]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return None if order == sorted(order) else order


def _key(world: World, slot: int) -> tuple:
    each = world.workers[slot]
    held = sorted(file.text for file in world.files if is_running(file.place) and file.place[0] == slot)
    hand = (each.file.text, each.file.tag) if each.file else ()
    words = sorted((wid[1], word) for wid, word in world.marks if wid[0] == slot) if world.marks else ()
    records = sorted((r.name, r.n, r.st) for r in world.records if r.claim and r.claim[0][0] == slot)
    return (each.status, each.inc, each.guard, each.pc, each.n, each.out, held, hand, words, records)


class Renaming:
    """New names for slots, claims, tokens and records of one world."""

    def __init__(self, world: World, order: list[int] | None, drops: dict[str, int]) -> None:
        self.old, self.drops = world, drops
        self.slot = {old: new for new, old in enumerate(order)} if order else None
        self.order = order or range(len(world.workers))
        self.claims: dict[Claim, Claim] = {}
        self.tokens: dict[int, int] = {}
        self._next: dict[tuple, int] = {}
        self._collect()

    @property
    def is_nothing(self) -> bool:
        """True when everything keeps its name."""
        if self.slot or self.drops:
            return False
        return all(a == b for a, b in self.tokens.items()) and all(a == b for a, b in self.claims.items())

    def _collect(self) -> None:
        """Number claims and tokens in the order in which they are met: files, hands, calls, records."""
        world = self.old
        for file in sorted(world.files, key=lambda file: file.text):
            self._see(file)
        for slot in self.order:
            if (hand := world.workers[slot].file) is not None:
                self._see(hand)
        for op in sorted(world.net, key=repr) if len(world.net) > 1 else world.net:
            for path in op[1:3] if op[0] == "mv" else (("", "", (), op[3]),):
                self._see(path)
        if world.pruner.path:
            self._see(world.pruner.path)
        self._collect_claims()

    def _collect_claims(self) -> None:
        world = self.old
        claims = [record.claim for record in sorted(world.records, key=lambda r: (r.name, r.n)) if record.claim]
        claims += [claim for _, _, claim in sorted(world.procs)]
        for slot in self.order:
            claims += [claim for mute in world.workers[slot].mute for claim in sorted(mute[2])]
        for claim in claims:
            self._claim(claim)

    def _see(self, path: tuple) -> None:
        tag, claim = path[2], path[3]
        if claim is not None:
            self._claim(claim)
        if len(tag) > 1 and tag[-1] not in self.tokens:
            self.tokens[tag[-1]] = len(self.tokens) + 1 if tag[-1] else 0  # 0: the rule `tokens` is away

    def _claim(self, claim: Claim) -> None:
        if claim not in self.claims:
            wid = self.wid(claim[0])
            self._next[wid] = self._next.get(wid, 0) + 1
            self.claims[claim] = (wid, self._next[wid])

    def wid(self, old: tuple) -> tuple:
        return (self.slot[old[0]], old[1]) if self.slot else old

    def path(self, old: tuple) -> tuple:
        place, name, tag, claim = old[:4]
        if len(tag) > 1:
            tag = (*tag[:-1], self.tokens[tag[-1]])
        return (self.wid(place) if is_running(place) else place, name, tag, claim and self.claims[claim])

    def file(self, old: File | None) -> File | None:
        return old and File(*self.path(old), old.text)

    def call(self, old: tuple) -> tuple:
        if old[0] == "mv":
            return ("mv", self.path(old[1]), self.path(old[2]))
        n = old[2] - self.drops.get(old[1], 0)
        return (*old[:2], n, self.claims[old[3]], *old[4:])

    def record(self, old: Record) -> Record:
        return old._replace(n=old.n - self.drops.get(old.name, 0), claim=old.claim and self.claims[old.claim])

    def mute(self, old: tuple) -> tuple:
        past = self.drops
        kept = [(name, n - past.get(name, 0), claims) for name, n, claims in old if n > past.get(name, 0)]
        return tuple((name, n, frozenset(self.claims[claim] for claim in claims)) for name, n, claims in kept)

    def _worker(self, slot: int) -> tuple:
        each = self.old.workers[slot]
        if each.file is None and not each.mute:
            return each
        n = each.n - self.drops.get(each.file.name, 0) if each.file and each.n else 0
        return each._replace(file=self.file(each.file), n=n, mute=self.mute(each.mute))

    def world(self) -> World:
        """The renamed world."""
        old, drops = self.old, self.drops
        pruner = old.pruner
        if pruner.path:
            pruner = pruner._replace(path=self.path(pruner.path), born=frozenset(map(self.wid, pruner.born)))
        return old._replace(
            files=frozenset(map(self.file, old.files)),
            workers=tuple(self._worker(slot) for slot in self.order),
            records=frozenset(self.record(r) for r in old.records if r.n > drops.get(r.name, 0)),
            procs=frozenset((name, n - drops.get(name, 0), self.claims[claim]) for name, n, claim in old.procs),
            net=frozenset(op for op in map(self.call, old.net) if op[0] == "mv" or op[2] > 0),
            marks=frozenset((self.wid(who), word) for who, word in old.marks) if self.slot else old.marks,
            pruner=pruner,
        )
