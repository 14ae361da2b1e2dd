"""The end of attempts: write it into the record, then send the file on.

The rule: an attempt's file leaves only after its record has an end.  What cannot be written now (a full disk) stays
pending and is tried again; nothing is lost, and nothing is claimed meanwhile.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from dsgspool.names import TaskName, lane_for, parse_lane
from dsgspool.spool.moves import hold_alone, park, target_of
from dsgspool.spool.own import Held
from dsgspool.task import Budget, Decision, Kind, Outcome, State
from dsgspool.worker import telling
from dsgspool.worker.attempt import Attempt
from dsgspool.worker.desk import Leaving
from dsgspool.worker.runner import Runner

if TYPE_CHECKING:
    from dsgspool.worker.loop import Worker


NEVER_RAN = (Kind.INVALID, Kind.DEPENDENCY, Kind.EXPIRED)


class Endings:
    """Attempts whose processes are gone and whose record has no end yet."""

    def __init__(self, worker: Worker, runner: Runner) -> None:
        self.worker, self.runner, self.spool, self.clock = worker, runner, worker.spool, worker.clock
        self.pending: list[Attempt] = []

    def settle(self) -> None:
        """Write the end of every attempt that ended and send its file on; what fails stays for the next turn."""
        for attempt in list(self.pending):
            self._write_end(attempt)
            self.pending.remove(attempt)
            self._send_on(attempt)

    def _write_end(self, attempt: Attempt) -> None:
        assert attempt.outcome is not None
        if attempt.outcome.kind is not Kind.REVOKED:
            attempt.decision = self._decision(attempt, attempt.outcome)
        self.runner.finish(attempt, self.worker.settings)
        self.runner.close(attempt)

    def _send_on(self, attempt: Attempt) -> None:
        seconds = self.clock.boot() - attempt.began if attempt.began else 0.0
        self.worker.tell("end", telling.ended(attempt, seconds), **telling.facts(attempt, seconds))
        desk = self.worker.intake.desk
        self.worker.intake.starting.dividing.heard(attempt)
        if attempt.decision is not None:
            becomes = attempt.becomes if attempt.decision.state is State.TODO else ""
            leaving = self.leaving(attempt.held, attempt.decision, lane=attempt.lane, becomes=becomes)
            leaving.attempt = attempt
            desk.send(leaving)
        else:
            desk.attempts.pop(attempt.held.file, None)
            self.worker.intake.agreement.strip(attempt.held)

    def _decision(self, attempt: Attempt, outcome: Outcome) -> Decision | None:
        decision = attempt.decision or self.runner.decide(attempt, outcome, self.worker.settings)
        if decision is not None and (ooms := decision.budget.ooms) > attempt.name.budget.ooms:
            priority = parse_lane(attempt.name.lane).priority
            attempt.lane = lane_for(priority, attempt.task.cpus, attempt.task.request.on_rung(ooms))
        if decision is not None and attempt.text and not self.worker.own.unchanged(attempt.held, attempt.text.seen):
            hold_alone(self.spool, attempt.name.batch)
            return Decision(State.HOLD, "changed")
        if decision is not None and outcome.kind in NEVER_RAN and not attempt.keeps_text:
            decision = replace(decision, unique=True)
        return decision and park(self.spool, attempt.name, decision)

    def leaving(
        self,
        held: Held,
        decision: Decision,
        event: tuple[str, str, dict[str, object]] | None = None,
        lane: str | None = None,
        becomes: str = "",
    ) -> Leaving:
        """The way out that a decision asks for."""
        name: TaskName = held.name if lane is None else replace(held.name, lane=lane)
        name = replace(name, identity=becomes) if becomes else name
        return Leaving(
            held, target_of(self.spool, name, decision, self.worker.own.token(), self.worker.lease.server.now()), event
        )

    def give_back(self, held: Held, budget: Budget | None = None, lane: str | None = None, tag: str = "") -> None:
        """Back to todo/ (or hold/, when its batch was parked), nothing counted."""
        decision = park(self.spool, held.name, Decision(State.TODO, tag, budget or held.name.budget))
        self.worker.intake.desk.send(self.leaving(held, decision, lane=lane))

    def write_ends(self) -> None:
        """A fenced worker still ends its records, as far as it can: whoever waits for them need not wait for its lease."""
        for attempt in self.pending:
            if attempt.outcome is not None and attempt.outcome.kind is not Kind.REVOKED:
                attempt.decision = attempt.decision or self.runner.decide(
                    attempt, attempt.outcome, self.worker.settings
                )
            with contextlib.suppress(OSError):
                self.runner.finish(attempt, self.worker.settings)
