"""Why a task waits for other tasks: which, what those do now, and what would help.

The rule: told from one snapshot, down to the first that does not wait itself; a circle is told as the way round.
"""

from __future__ import annotations

import contextlib
import functools
import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import field, replace

from dsgspool.classes import dataclass
from dsgspool.clock import local
from dsgspool.codec import parse_task
from dsgspool.errors import SpoolError
from dsgspool.expressions import expression
from dsgspool.snapshot import Snapshot, TaskSeen
from dsgspool.snapshot.awaited import FINISHED, circles, ends, meant_instead, no_task, there_in
from dsgspool.spool import Spool
from dsgspool.spool.dependencies import Verdict, meaning, top_of
from dsgspool.spool.meaning import alone
from dsgspool.task import After, State
from dsgspool.worker.peek import peek
from dsgspool.yamlwriting import in_flow

CHAIN = 5  #: tasks behind each other that are told
MOST = 10  #: tasks that failed for each other's sake that are named
NAMED = 3  #: tasks of a batch that are named
OTHERS = 10  #: other names that it waits for that have a line each
BESIDES = "besides, "  #: how each reason behind the first begins
_VERB = expression(r"(?:^|\W)dsgspool (?:edit|release|requeue) ")  #: those that a batch's name is told to as well
WOKEN = "which is over: it is woken within seconds"


@dataclass(slots=True)
class Answer:
    """`because` is one sentence, `more` adds to it; `nodes`: what keeps each worker from it; `remedies`: what helps."""

    task: str
    state: str
    because: str
    more: list[str] = field(default_factory=list)
    nodes: dict[str, str] = field(default_factory=dict)
    remedies: list[str] = field(default_factory=list)

    def add(self, because: str, remedies: Iterable[str]) -> None:
        """One reason more: the first is `because`."""
        if self.because:
            self.more.append(f"{BESIDES}{because}")
        else:
            self.because = because
        self.remedies += [remedy for remedy in remedies if remedy not in self.remedies]


def without(identity: str, key: str) -> str:
    """How a key is taken out of a task that is not running."""
    return f"dsgspool edit {shlex.quote(identity)} {key}="


def without_entries(identity: str, entries: Collection[After], gone: Collection[str]) -> str:
    """How some entries are taken out of `after`, the others kept; what a person made it wait for stands in no file."""
    if not any(entry.what in gone for entry in entries):
        return f"dsgspool release {shlex.quote(identity)}"
    return with_entries(identity, [entry for entry in entries if entry.what not in gone])


def with_entries(identity: str, entries: Iterable[After]) -> str:
    """The command by which it waits for these, and for nothing else."""
    said = [f"{in_flow(each.what)}{'' if each.wants == 'success' else f': {each.wants}'}" for each in entries]
    return without(identity, "after") + (shlex.quote(f"[{', '.join(said)}]") if said else "")


def entries_of(data: bytes) -> tuple[After, ...]:
    """All that a file says under `after`, () when it says nothing, or cannot be understood."""
    if (said := peek(data).after) or b"after" not in data:
        return said
    with contextlib.suppress(SpoolError):
        return parse_task(data).after
    return ()


def text_of(spool: Spool, task: TaskSeen) -> bytes:
    """A task's file, b'' when it has moved on or cannot be read."""
    try:
        return spool.fs.read(f"{spool.folder(task.state)}/{task.path}", 1 << 18)[0]
    except OSError:
        return b""


class Behind:
    """What tasks wait for, out of one snapshot."""

    def __init__(self, spool: Spool, seen: Snapshot) -> None:
        self.spool, self.seen = spool, seen
        self.tasks: dict[str, TaskSeen] = {}
        for task in seen.tasks:  # of several files of a name the one that is finished says most to those who wait
            if (known := self.tasks.get(task.identity)) is None or known.state not in FINISHED:
                self.tasks[task.identity] = task
        self.running = {run.task: run for run in seen.running}
        # Many wait for the same few: to look for them once more for each took half a minute of a report with 30,000 tasks.
        self._meant = functools.lru_cache(maxsize=64)(self._find_meant)

    def answer(self, task: TaskSeen) -> Answer:
        """It waits for other tasks: for which, and what those do."""
        said = entries_of(text_of(self.spool, task))
        entries = [entry for entry in said if entry.what != task.after]
        words, remedies = self.of(task.after, task.identity)
        answer = Answer(
            task.identity, str(task.state), f"it waits for {task.after}, {words or WOKEN}", remedies=remedies
        )
        answer.remedies += self.dropping(task.identity, (After(task.after), *entries), said)
        chain, what = [task.identity], task.after
        while (next_ := self.tasks.get(what)) and next_.after and len(chain) <= CHAIN and what not in chain:
            chain.append(what)
            what = next_.after
            answer.more.append(f"{chain[-1]} waits for {what}, {self.of(what, chain[-1])[0] or 'which is over'}")
        if circle := next((circle for circle in self._circles if task.identity in circle), None):
            answer.because = f"it waits in a circle: {' waits for '.join((*circle, circle[0]))}"
            answer.remedies = [without_entries(task.identity, said, {task.after})]
        others = [(entry.what, words) for entry in entries if (words := self.of(entry.what, task.identity)[0])]
        answer.more += [f"it also waits for {what}, {words}" for what, words in others[:OTHERS]]
        answer.more += [f"{why}: it fails when {task.after} is over" for why in self._in_vain(entries)]
        if more := others[OTHERS:]:
            answer.more.append(f"and for {len(more):,} more: {', '.join(what for what, _ in more[:NAMED])}, ...")
        return answer

    def _in_vain(self, entries: Iterable[After]) -> Iterator[str]:
        """Why it will not run whatever comes: names that have ended otherwise than it wants.  Who judges it sees that only
        when what it lies there for is over."""
        for entry in entries:
            there = None if entry.is_many or entry.wants == "any" else self.tasks.get(entry.what)
            if there and there.state in FINISHED and (there.state is State.DONE) is not (entry.wants == "success"):
                yield Verdict(entry, entry.what).reason

    def of(self, what: str, waiter: str) -> tuple[str, list[str]]:
        """(what holds it up, '' when it is over; what helps)"""
        if After(what).is_many:
            return self._many(what, waiter)
        task, name = self.tasks.get(what), shlex.quote(what)
        if task is None and (batch := self.seen.finals.get(what)):
            return f"which is made when the batch {batch} is over", [f"dsgspool why {name}"]
        if task is None:
            meant = meant_instead(what, [waiter], self._is_there)
            meant = "" if meant and self._comes_after(meant, waiter) else meant
            why = "" if meant else ": not submitted yet, removed, or misspelt"
            return f"which {no_task(what, meant)}{why}", [self._instead(waiter, what, meant)] if meant else []
        if task.state in FINISHED:
            return "", []
        if task.state is State.RUNNING:
            run = self.running.get(what)
            since = f" since {local(run.started)}" if run and run.started else ""
            return f"which is running{since}{f' on {run.host}' if run else ''}", []
        if task.state is State.HOLD:
            return "which is on hold", [f"dsgspool release {self.word(what)}"]
        why = f"which waits for {task.after}" if task.after else "which waits" if task.until else "which is queued"
        return why, [f"dsgspool why {name}"]

    def _comes_after(self, what: str, waiter: str) -> bool:
        """True when some of that waits for the waiter, down to the last: they would wait in a circle."""
        left, known = [what], {what}
        while left:
            what = left.pop()
            found = self._meant(what)[1] if After(what).is_many else filter(None, [self.tasks.get(what)])
            for task in found:
                if task.identity == waiter:
                    return True
                if task.after and task.after not in known:
                    known.add(task.after)
                    left.append(task.after)
        return False

    @functools.cached_property
    def _is_there(self) -> Callable[[str], bool]:
        return there_in(self.tasks.keys())

    def _instead(self, waiter: str, what: str, meant: str) -> str:
        """The command by which it waits for what is meant, and for all else as before."""
        said = entries_of(text_of(self.spool, self.tasks[waiter])) if waiter in self.tasks else ()
        if what not in (entry.what for entry in said):
            return f"write {meant} instead of {what} in its `after`"
        put = [replace(entry, what=meant) if entry.what == what else entry for entry in said]
        return with_entries(waiter, {entry.what: entry for entry in put}.values())

    def _many(self, what: str, waiter: str) -> tuple[str, list[str]]:
        meant, left = self._others(what, waiter)
        if not meant:
            return "of which nothing is in the spool yet", []
        if not left:
            return "", []
        held = [task for task in left if task.state is State.HOLD]
        shown = ", ".join(task.identity for task in left[:NAMED]) + (" ..." if len(left) > NAMED else "")
        whole = what.rstrip("/")
        held_back = shlex.quote(f"{whole}/*" if whole in self.tasks else whole)
        remedies = [f"dsgspool release {held_back}"] if held else []
        on_hold = f", {len(held):,} of them on hold" if held else ""
        return f"of which {len(left):,} of {len(meant):,} are not over ({shown}){on_hold}", remedies

    def word(self, identity: str) -> str:
        """How a verb is told of one task, also where a batch is called so too, or where a `*` in it would mean others."""
        return shlex.quote(alone(identity) if "*" in identity or self._is_there(f"{identity}/") else identity)

    def exact(self, remedy: str, identities: Iterable[str]) -> str:
        """A command for these tasks and not for batches of such names."""
        if not _VERB.search(remedy):
            return remedy
        for name in identities:
            if (word := self.word(name)) != shlex.quote(name):
                remedy = re.sub(rf"(?<=\s){re.escape(shlex.quote(name))}(?=\s|$)", word, remedy)
        return remedy

    def dropping(self, waiter: str, asked: Iterable[After], entries: Collection[After]) -> Iterator[str]:
        """What helps when nothing is there of some of what it waits for: all of that in one command, as of two the second
        would take back the first.  `entries`: all that its file says."""
        if absent := list(dict.fromkeys(entry.what for entry in asked if self._is_absent(entry.what, waiter))):
            shown = ", ".join(absent[:NAMED]) + (f" and {len(absent) - NAMED:,} more" if absent[NAMED:] else "")
            yield f"submit {shown}; or let it run without:"
            yield without_entries(waiter, entries, absent)

    def _is_absent(self, what: str, waiter: str) -> bool:
        if After(what).is_many:
            return not self._others(what, waiter)[0]
        return what not in self.tasks and what not in self.seen.finals

    def _others(self, what: str, waiter: str) -> tuple[list[TaskSeen], list[TaskSeen]]:
        """The same as `_meant`, without the one that waits for it."""
        found = self._meant(what)
        if meaning(what)(waiter):
            meant, left = ([task for task in tasks if task.identity != waiter] for tasks in found)
            return meant, left
        return found

    def _find_meant(self, what: str) -> tuple[list[TaskSeen], list[TaskSeen]]:
        """All of a batch or pattern, and what of that is not over."""
        top, is_meant = top_of(what).partition("/")[0], meaning(what)
        meant = [task for task in (self._batches[top] if top else self.seen.tasks) if is_meant(task.identity)]
        return meant, [task for task in meant if task.state not in FINISHED]

    @functools.cached_property
    def _batches(self) -> dict[str, list[TaskSeen]]:
        found: dict[str, list[TaskSeen]] = defaultdict(list)
        for task in self.seen.tasks:
            found[task.batch].append(task)
        return found

    @functools.cached_property
    def _circles(self) -> list[tuple[str, ...]]:
        waiting = {task.identity: (task.after,) for task in self.seen.tasks if task.after}
        waiting |= ends(self.seen.finals, {what for (what,) in waiting.values()} - self.tasks.keys())
        return list(circles(waiting))

    def culprits(self, task: TaskSeen) -> tuple[list[str], dict[str, list[str]]]:
        """The names behind a failed dependency that failed themselves, the first cause first; and the batches and patterns
        of which more failed than can be named."""
        found, many = [task.identity], dict[str, list[str]]()
        for name in found:  # which grows meanwhile
            if (entry := self.tasks.get(name)) is None or len(found) > MOST:
                break
            for after in self._after_of(entry):
                failed = self._failed_of(after, name)
                if len(failed) > CHAIN:
                    many[after.what] = failed
                else:
                    found += [each for each in failed if each not in found]
        return found[:0:-1], many

    def _failed_of(self, after: After, waiter: str) -> list[str]:
        if not after.is_many:
            return [after.what] if self._has_failed(after.what) else []
        meant = self._others(after.what, waiter)[0] if after.wants == "success" else []
        return sorted({task.identity for task in meant if self._has_failed(task.identity)})

    def _after_of(self, task: TaskSeen) -> tuple[After, ...]:
        return entries_of(text_of(self.spool, task))

    def _has_failed(self, what: str) -> bool:
        there = self.tasks.get(what)
        return there is not None and there.state is State.FAILED
