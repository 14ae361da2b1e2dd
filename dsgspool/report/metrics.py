"""metrics.prom: the state of the spool in the text format of Prometheus, for node_exporter's textfile collector.

The rule: pure, and valid by promtool's rules: HELP and TYPE before the samples of a name, base units, counters end with
`_total`, labels are escaped, no series twice, a line feed at the end.  The number of series is bounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.report.statistics import merged
from dsgspool.report.table import NO_END
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.report.book import Book
    from dsgspool.report.statistics import Groups

MAX_BATCHES = 100  #: with series of their own: the unfinished first
MAX_NODES = 500
MAX_OUTCOMES = 50
QUANTILES = (0.5, 0.9, 0.99)

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """One name with its samples: (suffix, labels, value)."""

    name: str
    kind: str
    help: str
    samples: list[tuple[str, Labels, float]] = field(default_factory=list)

    def add(self, value: float | None, *labels: tuple[str, object], suffix: str = "") -> None:
        """One more sample; nothing when it is not known."""
        if value is not None:
            self.samples.append((suffix, tuple((name, str(text)) for name, text in labels), value))


def prom(book: Book, groups: Groups) -> str:
    """The file."""
    return "".join(line for metric in _metrics(book, groups) if metric.samples for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.help}\n"
    yield f"# TYPE {metric.name} {metric.kind}\n"
    for suffix, labels, value in metric.samples:
        inner = ",".join(f'{name}="{escaped(text)}"' for name, text in labels)
        yield f"{metric.name}{suffix}{f'{{{inner}}}' if inner else ''} {_number(value)}\n"


def escaped(text: str) -> str:
    """A label's value: three characters have a meaning there, and it must be UTF-8."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(round(value, 6))


def _metrics(book: Book, groups: Groups) -> Iterator[Metric]:
    snapshot = book.snapshot
    tasks = Metric("dsgspool_tasks", "gauge", "Tasks in each state.")
    for state in State:
        tasks.add(getattr(snapshot.counts, state.value), ("state", state.value))
    yield tasks
    yield _one(
        "dsgspool_tasks_kept", "Tasks in todo/ that nobody will start until a person does something.", book.kept.number
    )
    yield _batches(book)
    yield from _attempts(groups)
    yield _durations(groups)
    yield from _workers(book)
    yield from _loads(book)
    yield _one("dsgspool_paused", "1 while a file PAUSE lies in the spool.", snapshot.paused)
    yield _one("dsgspool_problems", "Things in the spool that could not be read or lie where they do nothing.",
               len(snapshot.problems))  # fmt: skip
    yield _one(
        "dsgspool_report_timestamp_seconds", "When the spool was looked at, by the file server's clock.", book.taken
    )
    yield _one(
        "dsgspool_report_promised_seconds", "How often the writer promised to write this file.", book.writes_every
    )
    yield _one("dsgspool_report_duration_seconds", "How long the rendering took so far.", round(book.took(), 3))


def _one(name: str, help_: str, value: float | None) -> Metric:
    metric = Metric(name, "gauge", help_)
    metric.add(value)
    return metric


def _batches(book: Book) -> Metric:
    metric = Metric("dsgspool_batch_tasks", "gauge", "Tasks of a batch in each state; of the first batches only.")
    named = [(name, counts) for name, counts in book.snapshot.batches.items() if name]
    for name, counts in sorted(named, key=lambda pair: (not pair[1].open, pair[0]))[:MAX_BATCHES]:
        for state in State:
            metric.add(getattr(counts, state.value), ("batch", name), ("state", state.value))
    return metric


def _attempts(groups: Groups) -> Iterator[Metric]:
    metric = Metric(
        "dsgspool_attempts_total", "counter", "Attempts that ended, by outcome, as far as records are kept."
    )
    outcomes = [(outcome, number) for outcome, number in groups.outcomes().items() if outcome not in NO_END]
    for outcome, number in sorted(outcomes[:MAX_OUTCOMES]):
        metric.add(number, ("outcome", outcome))
    if rest := sum(number for _, number in outcomes[MAX_OUTCOMES:]):
        metric.add(rest, ("outcome", "~other"))
    yield metric
    cpu = Metric("dsgspool_attempts_cpu_seconds_total", "counter", "User and system time of all attempts that ended.")
    cpu.add(math.fsum(tally.cpu_seconds for tally in groups.tallies))
    yield cpu


def _durations(groups: Groups) -> Metric:
    """Run times of attempts by whether they ended well."""
    metric = Metric("dsgspool_attempt_duration_seconds", "summary", "Run time of attempts that ended.")
    results = {"done": groups.seconds(), "failed": merged(tally.bad for tally in groups.tallies)}
    for result, ordered in results.items():
        for share in QUANTILES if ordered else ():
            quantile = ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
            metric.add(quantile, ("result", result), ("quantile", share))
        metric.add(math.fsum(ordered), ("result", result), suffix="_sum")
        metric.add(len(ordered), ("result", result), suffix="_count")
    return metric


def _workers(book: Book) -> Iterator[Metric]:
    snapshot = book.snapshot
    workers = Metric("dsgspool_workers", "gauge", "Workers that have not ended: alive, or silent for a whole lease.")
    workers.add(len(snapshot.alive), ("state", "alive"))
    workers.add(sum(not w.alive and not w.ended for w in snapshot.workers), ("state", "silent"))
    yield workers
    slots = Metric("dsgspool_slots", "gauge", "Slots of the workers that are alive, by node.")
    busy = Metric("dsgspool_running", "gauge", "Tasks in the hands of workers, by node.")
    beat = Metric(
        "dsgspool_node_last_heartbeat_age_seconds", "gauge", "Since the newest heartbeat of a node's workers."
    )
    for node in [node for node in book.nodes if node.alive or node.silent][:MAX_NODES]:
        slots.add(node.slots, ("host", node.host))
        busy.add(sum(len(worker.running) for worker in node.workers), ("host", node.host))
        ages = [worker.heartbeat_age for worker in node.workers if worker.heartbeat_age is not None]
        beat.add(round(min(ages), 3) if ages else None, ("host", node.host))
    yield from (slots, busy, beat)


def _loads(book: Book) -> Iterator[Metric]:
    load = Metric("dsgspool_node_load", "gauge", "Load average of a node as its worker last told.")
    used = Metric("dsgspool_node_memory_used_bytes", "gauge", "Memory in use on a node as its worker last told.")
    for node in [node for node in book.nodes if node.alive and node.loads][:MAX_NODES]:
        load.add(node.loads[-1].load, ("host", node.host))
        used.add(node.loads[-1].memory_used, ("host", node.host))
    yield from (load, used)
