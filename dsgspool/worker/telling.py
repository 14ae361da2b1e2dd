"""How an attempt is told to people: one line when it starts, one when it ends, with what follows and where to look.

The rule: pure; the same words go to the terminal and, as facts, to the journal.
"""

from __future__ import annotations

from dsgspool import names
from dsgspool.conditions import digits
from dsgspool.task import Decision, Kind, State
from dsgspool.worker.attempt import Attempt


def started(attempt: Attempt) -> str:
    """The line for a start."""
    return f"start   {attempt.name.identity}{f'  (attempt {attempt.number})' if attempt.number > 1 else ''}"


def ended(attempt: Attempt, seconds: float) -> str:
    """The line for an end: the outcome, the reason, what follows."""
    outcome, decision = attempt.outcome, attempt.decision
    assert outcome is not None
    if outcome.kind is Kind.DONE:
        more = f"{seconds:.1f} s"
    else:
        then = _what_follows(attempt, decision) if decision is not None else ""
        more = "; ".join(filter(None, (outcome.reason or f"{seconds:.1f} s", then)))
    return f"{outcome.tag:7} {attempt.name.identity}  ({more})"


def _what_follows(attempt: Attempt, decision: Decision) -> str:
    match decision.state:
        case State.FAILED:
            return f"see logs/{names.record_path(attempt.name.identity, attempt.number)}"
        case State.TODO:
            stopped = attempt.outcome is not None and attempt.outcome.kind is Kind.STOPPED
            return "given back" if stopped else "will be tried again"
        case State.WAITING:
            return "" if decision.after else f"again in {decision.delay:.0f} s"  # the reason says for what it waits
        case State.HOLD:
            return "its file changed while it ran, see hold/" if decision.tag == "changed" else "parked in hold/"
        case _:
            return ""


def overdue(timeout: float) -> str:
    """Why it was stopped, in seconds without an exponent, however many: `why` and the report propose twice as many."""
    return f"still running after {digits(timeout)} s"


def facts(attempt: Attempt, seconds: float) -> dict[str, object]:
    """What the journal says of it."""
    known: dict[str, object] = {"task": attempt.name.identity, "attempt": attempt.number}
    if attempt.outcome is not None:
        known |= {"outcome": attempt.outcome.tag, "seconds": round(seconds, 3)}
    return known
