"""A snapshot -> one HTML page that needs nothing but itself.

The rule: the page opens from a share with file://, on a phone, years later: no network, no other file, no script but
the one whose hash stands in its Content-Security-Policy.  All text goes through autoescape or `text.visible`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dsgspool import clock, resources
from dsgspool.report import statistics, text
from dsgspool.snapshot import Attempt, Counts, Snapshot, TaskSeen
from dsgspool.task import State

MAX_ROWS = 2000
MAX_FAILURES = 20
MAX_CAUSES = 20
MAX_RUNNING = 200
MAX_BATCHES = 60

LABELS: Mapping[State, str] = {
    State.DONE: "done",
    State.FAILED: "failed",
    State.RUNNING: "running",
    State.TODO: "to do",
    State.WAITING: "waiting",
    State.HOLD: "on hold",
}
_ROW_ORDER = {state: rank for rank, state in enumerate((
    State.RUNNING, State.FAILED, State.HOLD, State.WAITING, State.TODO, State.DONE,
))}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Log:
    """The last lines of a failed attempt's log: which file (`err`, `out`, '' = both are empty) and what it says."""

    suffix: str = ""
    lines: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What the page is made of: a snapshot, the logs of the failures shown (by identity), the program's version.

    `took` is asked when the end of the page is reached: seconds since the work on it began.
    """

    snapshot: Snapshot
    logs: Mapping[str, Log] = field(default_factory=dict)
    version: str = ""
    took: Callable[[], float] = lambda: 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of tasks."""

    task: TaskSeen
    attempt: Attempt | None
    seconds: float | None
    note: str

    @property
    def moment(self) -> float | None:
        """When something last happened to it."""
        return (self.attempt.ended or self.attempt.started) if self.attempt else None


def failures_shown(snapshot: Snapshot) -> list[TaskSeen]:
    """The failures that the page tells of at length: the newest of each cause first, then the newest of all."""
    first = [cause.newest for cause in statistics.causes(snapshot)[:MAX_CAUSES]]
    others = (task for task in statistics.failures(snapshot) if task not in first)
    return [*first, *others][: max(MAX_FAILURES, len(first))]


def render(page: Page) -> str:
    """The whole page."""
    environment = _environment()
    style, script = (_source(environment, name) for name in ("style.css", "page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = environment.get_template("index.html.j2")
    own = {"style": style, "script": script, "script_hash": digest, "took": page.took, "version": page.version}
    return template.render(**_content(page), **own)


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    source = environment.loader.get_source(environment, name)[0]
    # Nothing of ours may end its element early; both files are ours.
    assert "</" not in source
    return source


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(resources.reports()), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(
        visible=text.visible, visible_lines=text.visible_lines, plain=text.plain, breakable=text.breakable,
        duration=statistics.duration, size=statistics.size, local=clock.local, iso=clock.iso,
        number=lambda value: f"{value:,}",
    )  # fmt: skip
    environment.globals.update(link=text.link, requeue=text.requeue_command, move=text.move_command, labels=LABELS)
    environment.globals.update(
        start=text.worker_command,
        bar=statistics.bar,
        reason_of=statistics.reason_of,
        last_failed=statistics.last_failed,
    )
    return environment


def _content(page: Page) -> dict[str, object]:
    """Everything that the template names."""
    snapshot = page.snapshot
    rows = sorted(map(_row, snapshot.tasks), key=lambda row: (_ROW_ORDER[row.task.state], -(row.moment or 0.0)))
    seconds = {each.task: each.seconds for each in snapshot.running}
    rows = [row if row.task.state is not State.RUNNING else _running_row(row, seconds) for row in rows[:MAX_ROWS]]
    causes = statistics.causes(snapshot)
    shown = failures_shown(snapshot)
    newest = {cause.newest for cause in causes}
    return {
        "snapshot": snapshot,
        "verdict": statistics.verdict(snapshot),
        "batches": list(_batches(snapshot)),
        "hidden_batches": max(0, len(snapshot.batches) - MAX_BATCHES),
        "workers": statistics.workers_to_show(snapshot),
        "running": sorted(snapshot.running, key=lambda each: -(each.seconds or 0.0))[:MAX_RUNNING],
        "causes": causes[:MAX_CAUSES],
        "hidden_causes": max(0, len(causes) - MAX_CAUSES),
        "others": [task for task in shown if task not in newest],
        "logs": page.logs,
        "rows": rows,
        "has_memory": any(row.attempt and row.attempt.peak_memory_bytes for row in rows),
        "durations": statistics.durations(snapshot),
        "remaining": statistics.remaining(snapshot),
        "states": [part.state for part in statistics.bar(snapshot.counts)],
        "max_names": text.MAX_NAMES,
    }


def _batches(snapshot: Snapshot) -> Iterator[tuple[str, Counts]]:
    """(name, counts), the unfinished first, '' last; nothing when there are no batches at all."""
    named = [(name, counts) for name, counts in snapshot.batches.items() if name or len(snapshot.batches) > 1]
    if not any(name for name, _ in named):
        return
    yield from sorted(named, key=lambda item: (not item[0], not item[1].open, item[0]))[:MAX_BATCHES]


def _row(task: TaskSeen) -> Row:
    attempt = statistics.last_failed(task) if task.state is State.FAILED else task.newest
    notes = []
    if task.state is State.FAILED:
        notes.append(statistics.reason_of(task))
    elif task.until is not None:
        notes.append(f"not before {clock.local(task.until)}")
    elif task.waits_for:
        notes.append(task.waits_for)
    if task.state is not State.FAILED and attempt and attempt.over and not attempt.good:
        notes.append(f"last attempt: {attempt.reason or attempt.outcome}")
    return Row(task, attempt, attempt.seconds if attempt else None, "; ".join(notes))


def _running_row(row: Row, seconds: Mapping[str, float | None]) -> Row:
    return Row(row.task, row.attempt, seconds.get(row.task.identity), row.note)
