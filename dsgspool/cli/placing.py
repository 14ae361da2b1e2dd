"""Which worker could take a task, and what keeps each of them from it.

The rule: told from one snapshot, of each living worker by itself, then what all of them lack.
"""

from __future__ import annotations

import math
import shlex
from dataclasses import replace

from dsgspool import names
from dsgspool.cli.batched import Words
from dsgspool.cli.behind import Answer, text_of
from dsgspool.cli.keeping import Keeping
from dsgspool.cli.lacking import lacking
from dsgspool.conditions import Inventory
from dsgspool.errors import SettingsError
from dsgspool.requests import Request, Room, why_unfit
from dsgspool.settings import Control, parse_control
from dsgspool.snapshot import Snapshot, TaskSeen, WorkerSeen
from dsgspool.snapshot.look import facts_of
from dsgspool.spool import SETTINGS, Spool
from dsgspool.task import State
from dsgspool.worker.peek import peek
from dsgspool.yamltext import did_you_mean

FREE = "free"  #: how the words for a worker begin that could take it now
STAR = "'*'"  #: all workers, quoted for the shell


class Placing:
    """Answers out of one snapshot."""

    def __init__(self, spool: Spool, seen: Snapshot) -> None:
        self.spool, self.seen = spool, seen
        self.keeping = Keeping(spool, seen)
        self.files, self.limits = frozenset(spool.fs.names(spool.workers)), seen.limits

    def ask(self, task: TaskSeen, cpus: int, request: Request, answer: Answer) -> None:
        """What keeps each living worker from taking it now."""
        uid = self._uid(task)
        for worker in self.seen.alive:
            answer.nodes[worker.wid] = self._of_node(worker, cpus, request, uid, answer)
        self._unmet(task, cpus, request, answer)
        able = [worker for worker in self.seen.alive if self._could(worker, cpus, request)]
        if able and (words := self._kept_off(able, max(1, cpus), uid, answer)):
            answer.add(*words)
        if not answer.because and (words := self._taken(request) or self._kept(task, request, answer)):
            answer.because, answer.remedies = words

    def _unmet(self, task: TaskSeen, cpus: int, request: Request, answer: Answer) -> None:
        """All that nobody has, at once: who mends one thing is not told of the next."""
        alive, less = self.seen.alive, self._less(task, cpus, request) if request else []
        largest = max(alive, key=lambda worker: worker.slots)
        if cpus > largest.slots:
            because = f"it wants {cpus} slots, and the largest worker, {largest.wid}, has {largest.slots}"
            more = f"dsgspool workers set {largest.wid} slots={cpus}"
            answer.add(because, [f"dsgspool worker --slots {cpus}", more])
        beyond = dict(self._beyond(request))
        for name, amount in beyond.items():
            because = (
                f"it wants {name}={amount}, and the whole spool has {self.limits[name]} (`resources` in {SETTINGS})"
            )
            answer.add(because, [self._raise(name, amount), *less])
        rest = replace(request, named=tuple(pair for pair in request.named if pair[0] not in beyond))
        node = "start a worker on a node that has it"
        if all(why_unfit(rest, self._has(worker)) for worker in alive):
            that = "all of that" if len(rest.words) > 1 else "that"
            named = [
                f"or write `resources: {{{name}: N}}` into {SETTINGS}, if all nodes share it"
                for name in self._unknown(rest)
            ]
            answer.add(f"it wants {rest}, and no worker that is alive has {that}", [node, *named, *less])
            answer.more += self._misspelt(rest)
        elif cpus <= largest.slots and not any(self._could(worker, cpus, rest) for worker in alive):
            because = f"it wants cpus={cpus} {rest} together, and no worker that is alive has all of that"
            answer.add(because, [node, *less])

    def _could(self, worker: WorkerSeen, cpus: int, request: Request) -> bool:
        """True for one that is large enough, as far as it has slots, and has what is wanted."""
        return (not worker.slots or cpus <= worker.slots) and not why_unfit(request, self._has(worker))

    def _kept_off(self, able: list[WorkerSeen], cpus: int, uid: int | None, answer: Answer) -> Words | None:
        """None of those that could take it does; what the others do says nothing."""
        whys = [answer.nodes[worker.wid] for worker in able]
        whom = "that could take it " if len(able) < len(self.seen.alive) else ""
        if all("uid" in why for why in whys):
            because = f"its owner is uid {uid}, and no worker {whom or 'that is alive '}runs files of that user"
            return because, ["start a worker as that user, or set `group:` in spool.yaml to trust a group"]
        if all(why.startswith(("paused", "draining", "0 slots")) for why in whys):
            if all(worker.draining for worker in able):
                return f"every worker {whom}is draining: it takes nothing more", ["dsgspool worker"]
            paused = [worker.wid for worker in able if answer.nodes[worker.wid].startswith("paused")]
            if paused:
                change = f"dsgspool workers set {paused[0] if whom else STAR} paused=false"
            else:
                idle = next(worker.wid for worker in able if not (worker.draining or worker.slots))
                change = f"dsgspool workers set {idle} slots={cpus}"
            return f"every worker {whom}is paused, draining or has no slots", [change, "dsgspool worker"]
        if all(worker.rest for worker in able):
            # None is left of it when one that was paused a moment ago is not any more.
            resting = [worker for worker in able if not (worker.paused or worker.draining)] or able
            first = min(resting, key=lambda worker: (worker.rest and worker.rest.until) or math.inf)
            because = (
                f"no node {whom}is to be had now; the first, {first.wid}, {first.rest and first.rest.of(first.wid)}"
            )
            return because, [f"dsgspool workers set {first.wid} {first.rest and first.rest.remedy}", "dsgspool worker"]
        return None

    def _has(self, worker: WorkerSeen) -> Inventory:
        """What a worker can give, with what is counted for the whole spool."""
        return worker.inventory.within(self.limits)

    def _beyond(self, request: Request) -> list[tuple[str, int]]:
        """Of what it wants more than there is in the whole spool."""
        return [(name, amount) for name, amount in request.named if amount > self.limits.get(name, amount)]

    def _unknown(self, request: Request) -> list[str]:
        """Names that nobody has anything of."""
        has = {name for worker in self.seen.alive for name in self._has(worker).resources}
        return [name for name, amount in request.named if amount and name not in has]

    def _misspelt(self, request: Request) -> list[str]:
        """Names that nobody has, and that are nearly those of what the whole spool has."""
        asked = [(name, did_you_mean(name, self.limits)) for name in self._unknown(request)]
        return [f"there is no {name} in {SETTINGS}: {question}" for name, question in asked if question]

    def _taken(self, request: Request) -> Words | None:
        """Of what is counted for the whole spool others have too much just now."""
        for stock in self.seen.stock:
            amount = dict(request.named).get(stock.name, 0)
            if amount and amount > stock.there - stock.taken:
                share = f"all {stock.there}" if stock.taken >= stock.there else f"{stock.taken} of {stock.there}"
                because = f"it wants {stock.name}={amount}, and {share} of the spool are taken (by {stock.by})"
                wait = "wait: it begins within seconds when enough of it is free"
                return because, [wait, self._raise(stock.name, stock.taken + amount)]
        return None

    def _kept(self, task: TaskSeen, request: Request, answer: Answer) -> Words | None:
        """What is free of it is kept for another, by every worker that could take it now."""
        takers = [worker for worker in self.seen.alive if answer.nodes[worker.wid].startswith(FREE)]
        for other, wants, stock in self.keeping.before(task, request) if takers else ():
            if all(self._could(worker, names.parse_lane(other.name.lane).cpus, wants) for worker in takers):
                mine, others = dict(request.named)[stock.name], dict(wants.named)[stock.name]
                because = (
                    f"it wants {stock.name}={mine}, and what is free, {stock.there - stock.taken} of {stock.there} of the "
                    f"spool, is kept for {other.identity}, which wants {stock.name}={others} and comes first"
                )
                wait = f"wait: it begins after that one, for which see: dsgspool why {shlex.quote(other.identity)}"
                return because, [wait, self._raise(stock.name, stock.taken + others + mine)]
        return None

    def _raise(self, name: str, number: int) -> str:
        return f"raise `{name}` below `resources` in {self.spool.root}/{SETTINGS} to {number}, if there are so many"

    def _uid(self, task: TaskSeen) -> int | None:
        try:
            return self.spool.fs.status(f"{self.spool.folder(task.state)}/{task.path}").st_uid
        except OSError:
            return None

    def _less(self, task: TaskSeen, cpus: int, request: Request) -> list[str]:
        """What to take out of the task, and no more, so that a worker can run it: the one of which that is least."""
        alive = self.seen.alive
        large = [worker for worker in alive if not worker.slots or cpus <= worker.slots]
        changes = min((lacking(request, self._has(worker)) for worker in large or alive), key=len)
        return [f"dsgspool edit {shlex.quote(task.identity)} {' '.join(changes)}"] if changes else []

    def _of_node(self, worker: WorkerSeen, cpus: int, request: Request, uid: int | None, answer: Answer) -> str:
        facts = facts_of(self.spool, worker.wid, self.files)
        control, user = self._control(worker.wid, facts.get("paused") is True, answer), facts.get("user")
        settings = self.spool.settings()
        small = [f"too small: {worker.slots} of {cpus} slots"] if worker.slots and cpus > worker.slots else []
        if lacks := small + why_unfit(request, self._has(worker)):
            return "; ".join(lacks)
        if worker.draining:
            return "draining: it takes nothing more"
        if control.paused:
            return "paused"
        if not worker.slots:
            return "0 slots"
        if worker.rest:
            return worker.rest.of(worker.wid)
        if (
            uid is not None
            and isinstance(user, int)
            and user != uid
            and not settings.group
            and settings.run_as != "owner"
        ):
            return f"it runs files of uid {user} only, and this one is of uid {uid}"
        if request and (too_little := self._lacks_now(worker, request)):
            return f"busy: of what is free now it {too_little}"
        used = min(worker.used, worker.slots)  # who claims ahead holds more for a moment
        if worker.slots - used < cpus:
            return f"busy: {used} of {worker.slots} slots taken"
        return f"{FREE}, if nobody else computes on its GPUs" if request.gpus else FREE  # only its worker asks for that

    def _lacks_now(self, worker: WorkerSeen, request: Request) -> str:
        """What its running tasks leave too little of, '' when there is enough."""
        room = Room.of(self._has(worker))
        for task in self.seen.in_state(State.RUNNING):
            if task.path.startswith(f"{worker.wid}/"):
                room.take(0, peek(text_of(self.spool, task)).request.on_rung(task.name.budget.ooms))
        if room.takes(0, request):
            return ""
        memory, scratch, gpus = room.amounts["memory"], room.amounts["scratch"], tuple(room.gpus)
        left = replace(worker.inventory, memory=memory, scratch=scratch, gpus=gpus, resources=room.amounts)
        # `where` asks for what a node has, busy or not.
        return "; ".join(why_unfit(replace(request, where=()), left)) or "has no GPU that meets its `where`"

    def _control(self, wid: str, paused: bool, answer: Answer) -> Control:
        path = f"{self.spool.workers}/{wid}.control.yaml"
        data = self.spool.fs.read_fresh(path) if f"{wid}.control.yaml" in self.files else None
        try:
            return parse_control(data, path, paused=paused) if data else Control(paused=paused)
        except SettingsError as error:
            answer.more.append(f"{error}; {wid} goes on as it was told before")
            return Control(paused=paused)
