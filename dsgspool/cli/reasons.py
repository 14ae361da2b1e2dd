"""Why a task is where it is, in plain words, and what would change it.

The rule: one answer for each state, from one snapshot and from the task's own file; what is not known is not guessed.  The
first sentence is the reason; each remedy is a command that can be pasted into a shell as it stands, or a step in words.
"""

from __future__ import annotations

import functools
import shlex
from bisect import bisect_left
from collections import defaultdict

from dsgspool import names
from dsgspool.cli.batched import Batched
from dsgspool.cli.behind import Answer, Behind, text_of, without
from dsgspool.cli.ends import to_come
from dsgspool.cli.failing import newest, why_failed
from dsgspool.cli.placing import FREE, Placing
from dsgspool.cli.turns import Rank, Turns, in_line
from dsgspool.clock import local
from dsgspool.codec import parse_task
from dsgspool.errors import InvalidTask
from dsgspool.records import time_at_rest
from dsgspool.snapshot import Snapshot, TaskSeen
from dsgspool.spool import SETTINGS, Spool
from dsgspool.spool.editing import EDITABLE
from dsgspool.spool.scan import Share
from dsgspool.task import Expiry, State
from dsgspool.worker.peek import Peek, peek


class Reasons:
    """Answers out of one snapshot."""

    def __init__(self, spool: Spool, seen: Snapshot) -> None:
        self.spool, self.seen = spool, seen
        self.behind, self.batched = Behind(spool, seen), Batched(spool, seen)
        self.running = {run.task: run for run in seen.running}
        self.placing, self.turns = Placing(spool, seen), Turns(spool, seen)
        self._swaps_in = functools.cache(self._find_swaps)
        # Many stand in one line: to sort it once more for each took ten seconds of `why BATCH` with 100,000 tasks.
        self._line = functools.cache(self._find_line)

    def of(self, task: TaskSeen) -> Answer:
        """The answer for one file."""
        answer = self._of(task)
        if task.state in EDITABLE:
            self._look_at_expiry(task, peek(text_of(self.spool, task)).expires, answer)
        return answer

    def _of(self, task: TaskSeen) -> Answer:
        return {
            State.TODO: self._todo, State.WAITING: self._waiting, State.HOLD: self._hold, State.RUNNING: self._running,
            State.DONE: self._done, State.FAILED: self._failed,
        }[task.state](task)  # fmt: skip

    def _answer(self, task: TaskSeen, because: str, *remedies: str) -> Answer:
        return Answer(task.identity, str(task.state), because, remedies=list(remedies))

    # -- todo ----------------------------------------------------------------------------------------------------

    def _todo(self, task: TaskSeen) -> Answer:
        if task.name.claim:
            because = f"its name still carries the claim of {task.name.claim.wid}, who stops it first"
            return self._answer(
                task, because, "wait: the claim comes off within seconds, or a lease when that worker is dead"
            )
        answer = self._answer(task, "")
        if not self._may_look_on(task, answer):
            return answer
        if not self.seen.alive:
            self._look_inside(task, answer)
            return answer
        lane = names.parse_lane(task.name.lane)
        if not lane.known:
            because = f"it lies in the lane @{task.name.lane}, which no worker of this version looks into"
            answer.add(because, [self._out_of_lane(task)])
            return answer
        if words := self._in_another_lane(task, lane):
            answer.add(words, [self._out_of_lane(task)])
            return answer
        hint = self._look_inside(task, answer)
        is_stopped, cpus = bool(answer.because), max(lane.cpus, hint.cpus)
        self.placing.ask(task, cpus, hint.request.on_rung(task.name.budget.ooms), answer)
        if is_stopped:
            answer.nodes = {wid: why for wid, why in answer.nodes.items() if not why.startswith((FREE, "busy"))}
        if not answer.because and (crowded := self.batched.crowded(task.identity)):
            answer.because, answer.remedies = crowded
        if not answer.because:
            answer.because = self._in_line(task, cpus, answer)
        return answer

    def _may_look_on(self, task: TaskSeen, answer: Answer) -> bool:
        """Whether the spool, its workers, its batch are stopped; False without settings, by which to ask further."""
        if self.seen.paused:
            answer.add("the spool is paused: nobody takes anything", ["dsgspool resume"])
        if not self.seen.alive:
            answer.add("no worker is alive", ["dsgspool worker"])
        if stops := [
            problem for problem in self.seen.problems if SETTINGS in problem or "take no new tasks" in problem
        ]:
            answer.add(f"workers take nothing: {stops[0]}", ["mend that: they look again at each heartbeat"])
            return False
        if stopped := self.batched.stopped(task.identity):
            answer.add(*stopped)
        return True

    def _in_another_lane(self, task: TaskSeen, lane: names.Lane) -> str:
        """It was filed for more slots than anybody has, and its text, or its batch's policy, says less since then."""
        if lane.cpus <= max(worker.slots for worker in self.seen.alive):
            return ""
        template, settings = self.batched.policies.template(task.identity), self.spool.settings()
        try:
            wants = parse_task(text_of(self.spool, task), settings.task, template, timezone=settings.timezone).cpus
        except InvalidTask:
            return ""
        if wants >= lane.cpus:
            return ""
        return (
            f"it lies in the lane @{task.name.lane}, for {lane.cpus} slots, where it was filed; it wants {wants} by now"
        )

    def _out_of_lane(self, task: TaskSeen) -> str:
        source = f"{self.spool.todo}/{task.path}"
        target = f"{self.spool.todo}/{task.name.batch}/" if task.name.batch else f"{self.spool.todo}/"
        return f"mv {shlex.quote(source)} {shlex.quote(target)}"

    def _look_inside(self, task: TaskSeen, answer: Answer) -> Peek:
        """What the file itself says, and what of that keeps it from running."""
        data = text_of(self.spool, task)
        hint = peek(data)
        folder, _, file = f"{self.spool.todo}/{task.path}".rpartition("/")
        if (swap := f".{file}.swp") in self._swaps_in(folder):
            close = "close it there; or, when no editor has it open any more:"
            answer.add(f"somebody has it open in an editor: {swap}", [close, f"rm {shlex.quote(f'{folder}/{swap}')}"])
            answer.more.append("workers take it when that file is gone: an editor that was killed leaves it there")
        elif not data.strip():
            write = f"write it to its end: {self.spool.todo}/{task.path}"
            answer.add("its file is empty, or cannot be read here", [write])
        elif not task.name.is_whole and (rest := time_at_rest(data, self.spool.settings().settle)):
            answer.more.append(f"its file has no last line `...`: a worker looks for {rest:g} s whether it is whole")
        if hint.not_before is not None and hint.not_before > self.seen.taken:
            because = f"it says not_before {local(hint.not_before)}: a worker puts it into waiting/"
            answer.add(because, [without(task.identity, "not_before")])
        for entry in hint.after:
            words, remedies = self.behind.of(entry.what, task.identity)
            if words:
                answer.add(f"it waits for {entry.what}, {words}", remedies)
        answer.remedies += self.behind.dropping(task.identity, hint.after, hint.after)
        return hint

    def _find_swaps(self, folder: str) -> frozenset[str]:
        try:
            return frozenset(name for name, _ in self.spool.fs.scan(folder) if name.endswith(".swp"))
        except OSError:
            return frozenset()

    def _look_at_expiry(self, task: TaskSeen, expires: Expiry | None, answer: Answer) -> None:
        """Until when it may begin; one that nobody claims lies where it is for longer."""
        if expires is None or task.name.budget.attempts:
            return
        try:
            until = expires.at(self.spool.fs.status(f"{self.spool.folder(task.state)}/{task.path}").st_mtime)
        except OSError:  # it has moved on
            return
        if until > self.seen.taken:
            answer.more.append(f"it expires at {local(until)}, when it has not begun by then")
        else:
            answer.more.append(f"it expired at {local(until)}: who claims it puts it into failed/")
            answer.remedies.append(without(task.identity, "expires"))

    def _in_line(self, task: TaskSeen, cpus: int, answer: Answer) -> str:
        before, place = self._place(task, answer)
        free = min((why for why in answer.nodes.values() if why.startswith(FREE)), default="")
        if free and not before:
            return f"a worker is {free}: it is taken at the next look, within seconds"
        answer.remedies.append("dsgspool worker")
        if before or not names.parse_lane(task.name.lane).priority:
            answer.remedies += self.turns.to_front(task, self._queued)
        takers = [worker for worker in self.seen.alive if not worker.rest]
        slots = sum(worker.slots for worker in takers)
        taken = min(sum(worker.used for worker in takers), slots)  # who claims ahead holds more for a moment
        wide = f", and it wants {cpus}" if cpus > 1 else ""
        return f"it is queued: {place}, {taken} of {slots} slots are taken{wide}"

    def _place(self, task: TaskSeen, answer: Answer) -> tuple[int, str]:
        """How many lie before it, and that in words."""
        mine, share = self._rank(task), self.turns.share(task)
        higher, line = self._line(mine[0])
        same = bisect_left(line.get(share, ()), mine)
        if len(line) < 2:
            before = higher + same
            return before, in_line(before)
        if reason := self.turns.reason(share, line):
            answer.more.append(reason)
        first = f", {'and' if same else 'after'} {higher:,} of higher priority" if higher else ""
        return higher + same + bool(reason), f"{in_line(same)} among those {self.turns.called(share)}{first}"

    def _find_line(self, level: int) -> tuple[int, dict[Share, list[Rank]]]:
        """How many are of higher priority, and those of the same by whose turn it is, each in their order."""
        line: dict[Share, list[Rank]] = defaultdict(list)
        for rank, other in self._queued:
            if rank[0] == level:
                line[self.turns.share(other)].append(rank)
        for ranks in line.values():
            ranks.sort()
        return sum(rank[0] < level for rank, _ in self._queued), line

    @functools.cached_property
    def _queued(self) -> list[tuple[Rank, TaskSeen]]:
        return [(self._rank(task), task) for task in self.seen.in_state(State.TODO) if not self.batched.waits(task)]

    def _rank(self, task: TaskSeen) -> Rank:
        priority = names.parse_lane(task.name.lane).priority or self.batched.priority(task.identity)
        return -priority, task.name.stem

    # -- waiting -------------------------------------------------------------------------------------------------

    def _waiting(self, task: TaskSeen) -> Answer:
        name = shlex.quote(task.identity)
        if task.after:
            return self._by_policy(task, "after", self.behind.answer(task))
        if task.until is None:
            because = f"it lies in waiting/{task.waits_for}, whose name is no moment, so nobody takes it"
            return self._answer(task, because, f"dsgspool release {name}")
        hint, when = peek(text_of(self.spool, task)), local(task.until)
        if hint.not_before is not None and hint.not_before > self.seen.taken:
            return self._answer(
                task, f"it says not_before {local(hint.not_before)}", without(task.identity, "not_before")
            )
        release = f"dsgspool release {name}"
        if last := newest(self.spool, task.identity):
            if not last.over:
                return self._answer(
                    task, f"attempt {last.number} of it is still alive ({last.claim}): it waits until {when}"
                )
            if task.name.budget.failures:
                answer = self._answer(task, f"it pauses before its next try, until {when}", release)
                answer.more.append(
                    f"attempt {last.number} ended with {last.outcome}: {last.reason or 'no reason told'}"
                )
                return answer
        return self._by_policy(task, "not_before", self._answer(task, f"it waits until {when}", release))

    def _by_policy(self, task: TaskSeen, key: str, answer: Answer) -> Answer:
        """Its batch made it wait, and not its own text, out of which nothing can be taken."""
        if key in self.batched.policies.template(task.identity) and f"{key}:".encode() not in text_of(self.spool, task):
            policy, release = f"batches/{task.batch}.yaml", f"dsgspool release {shlex.quote(task.identity)}"
            answer.more.append(f"`{key}` stands in `defaults` of {policy}, and a change there wakes nobody")
            remedy = f"take it out of {self.spool.root}/{policy}, and then: {release}"
            said = [each.replace(without(task.identity, key), remedy) for each in answer.remedies]
            answer.remedies = [remedy if each == release else each for each in said]
        return answer

    # -- hold, running -------------------------------------------------------------------------------------------

    def _hold(self, task: TaskSeen) -> Answer:
        release = f"dsgspool release {shlex.quote(task.identity)}"
        because = {
            "changed": "its file was changed while it ran, and the new text has not run: it was parked",
            "duplicate": "it is a copy of the file of a running task: it was parked",
            "settling": "it was parked, and nobody knows whether its file is whole: its worker died before it began it",
        }.get(task.reason, "somebody parked it in hold/")
        return self._answer(task, because, release)

    def _running(self, task: TaskSeen) -> Answer:
        worker = next((worker for worker in self.seen.workers if worker.wid == task.path.partition("/")[0]), None)
        run = self.running.get(task.identity)
        if worker is not None and not worker.alive:
            because = f"its worker {worker.wid} is dead or silent ({worker.verdict}): another one takes it over within a lease"
            return self._answer(task, because, *([] if self.seen.alive else ["dsgspool worker"]))
        if run is None or run.started is None:
            return self._answer(task, "a worker has claimed it and waits: for a whole file, or for free slots")
        because = f"it is running since {local(run.started)} on {run.host}, attempt {run.attempt}"
        return self._answer(task, because, f"dsgspool logs -f {shlex.quote(task.identity)}")

    # -- the end -------------------------------------------------------------------------------------------------

    def _done(self, task: TaskSeen) -> Answer:
        last = newest(self.spool, task.identity)
        when = f", since {local(last.ended)}" if last and last.ended else ""
        return self._answer(task, f"it is done{when}", f"dsgspool requeue {shlex.quote(task.identity)}")

    def _failed(self, task: TaskSeen) -> Answer:
        return why_failed(self.spool, self.behind, self.batched.policies, task)

    def of_gone(self, identity: str) -> Answer | None:
        """The answer for a name whose file is nowhere, None when neither a record nor the policy of a batch knows it."""
        if answer := to_come(self.spool, self.behind, self.batched, identity):
            return answer
        if (last := newest(self.spool, identity)) is None:
            return None
        ended = (
            f"its last attempt, {last.number}, ended with {last.outcome}"
            if last.over
            else "its last attempt has no end"
        )
        text = f"dsgspool show {shlex.quote(identity)}"
        return Answer(identity, "gone", f"its file is in no folder: somebody removed it; {ended}", remedies=[text])
