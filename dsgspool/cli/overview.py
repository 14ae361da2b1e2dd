"""The screen of `dsgspool status`, and a worker as all screens show it.

The rule: no typer here.  The plain `dsgspool status`, which people type all day, is drawn without it (`quick`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsgspool.cli import output
from dsgspool.cli.context import server_clock
from dsgspool.cli.pasting import pasted
from dsgspool.conditions import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dsgspool.cli.top.values import Load, Row
    from dsgspool.cli.watching import News
    from dsgspool.snapshot import Counts, Snapshot, WorkerSeen
    from dsgspool.spool import Spool
    from dsgspool.spool.rest import Rest

STATES = ("todo", "waiting", "hold", "running", "done", "failed")
MAX_LINE = 200  #: characters of a log's line
MOST_STUCK = 3
MOST_FAILURES = 4
MOST = 20  #: rows of one table on this screen; `list` and `workers` show all


def look(spool: Spool) -> Snapshot:
    """What there is to be shown."""
    from dsgspool import snapshot

    return snapshot.with_tails(spool, snapshot.take(spool, server=server_clock(spool), brief=True))


def document(seen: Snapshot) -> dict[str, object]:
    """The status as --json shows it."""
    return {
        "spool": seen.root,
        "taken_unix_s": seen.taken,
        "paused": seen.paused,
        "stopped_batches": {batch: pasted(why) for batch, why in seen.stopped.items()},
        "counts": by_state(seen.counts),
        "batches": {batch: by_state(counts) for batch, counts in seen.batches.items() if batch},
        "sweeps": {sweep: by_state(counts) for sweep, counts in swept_in(seen).items()},
        "running": list(seen.running),
        "workers": [entry(worker) for worker in seen.workers],
        "resources": {each.name: each.facts for each in seen.stock},
        "next_due_unix_s": seen.next_due,
        "problems": list(seen.problems),
    }


def by_state(counts: Counts) -> dict[str, int]:
    """The numbers of tasks, in the order in which a task goes through its states."""
    return {state: getattr(counts, state) for state in STATES}


def swept_in(seen: Snapshot) -> dict[str, Counts]:
    """Items of each sweep; {} where so many files lie that not each is known."""
    from dsgspool.snapshot.items import swept

    return swept(seen.tasks) if len(seen.tasks) == seen.counts.total else {}


def show(seen: Snapshot, news: News | None = None) -> None:
    """Print it.  `news`: what somebody who watches knows besides."""
    from dsgspool.clock import local

    output.heading(f"{seen.root}  {local(seen.taken)}{'  PAUSED' if seen.paused else ''}")
    rows = [(batch or "(no batch)", *by_state(counts).values()) for batch, counts in seen.batches.items()]
    total = ("all", *by_state(seen.counts).values())
    output.table(("", *STATES), [*rows[:MOST], total] if len(rows) > 1 else [total])
    _more(len(rows), "batch", "batches")
    if swept := swept_in(seen):
        show_items(swept)
    if news and news.rate is not None:
        output.line(_speed(news.rate, None if seen.paused else news.eta))
    if seen.next_due is not None:
        output.line(f"next due {local(seen.next_due)}")
    for sentence in stopped(seen)[:MOST]:
        output.sentence(sentence)
    show_stock(seen)
    found = stuck(seen)
    for sentence in found[:MOST_STUCK]:
        output.sentence(sentence)
    _more(len(found), "such", "such", MOST_STUCK)
    _show_running(seen)
    if news and news.failures:
        _show_failures(news.failures)
    _show_workers(seen, news.loads if news else {})
    for problem in seen.problems:
        output.error(output.clean_line(problem))


def show_items(swept: Mapping[str, Counts]) -> None:
    """The items of sweeps, below a table in which their chunks are counted."""
    output.table(("ITEMS", *STATES), [(sweep, *by_state(counts).values()) for sweep, counts in swept.items()][:MOST])


def _speed(rate: float, eta: float | None) -> str:
    left = f", at this rate about {output.duration(eta)} left" if eta is not None else ""
    return f"{rate:.1f} finished a minute{left}"


def stopped(seen: Snapshot) -> list[str]:
    """Which batches their policies hold back, and why; not those of which nothing is left to be started."""
    here = f"{seen.root}/"
    held = {batch: why for batch, why in seen.stopped.items() if not _is_over(seen, batch)}
    return [pasted(f"batch {batch} is not started: {why.replace(here, '')}") for batch, why in held.items()]


def _is_over(seen: Snapshot, batch: str) -> bool:
    counts = [counts for name, counts in seen.batches.items() if f"{name}/".startswith(f"{batch}/")]
    return bool(counts) and not any(each.open + each.hold for each in counts)


def stuck(seen: Snapshot) -> list[str]:
    """What waits for ever, unless somebody does something."""
    if not seen.counts.waiting:
        return []
    from dsgspool.snapshot import awaited

    is_all = len(seen.tasks) == seen.counts.total  # where very many lie only circles are certain
    found = awaited.stuck(seen.tasks, finals=seen.finals)
    return [f"stuck: {each.sentence}" for each in found if is_all or each.kind == "circle"]


def _show_running(seen: Snapshot) -> None:
    if not seen.running:
        return
    output.line("")
    rows = sorted(seen.running, key=lambda run: run.started or seen.taken)
    # A column that is empty for everybody is left out: the screen is narrow.
    head = ["RUNNING", "HOST", "ATTEMPT", "SINCE"]
    columns = [[run.task for run in rows], [run.host for run in rows], [run.attempt or "-" for run in rows]]
    columns.append(["-" if run.seconds is None else output.duration(run.seconds) for run in rows])
    if any(run.progress is not None for run in rows):
        head.append("PROGRESS")
        columns.append(["" if run.progress is None else f"{run.progress:.0%}" for run in rows])
    if any(run.line for run in rows):
        head.append("LAST LINE")
        columns.append([run.line[:MAX_LINE] for run in rows])
    output.table(head, list(zip(*columns, strict=True))[:MOST], least=20 if "LAST LINE" in head else None)
    _more(len(rows), "running task")


def _show_failures(failures: Sequence[Row]) -> None:
    output.line("")
    rows = [
        (
            row.identity,
            row.node or "-",
            "-" if row.seconds is None else f"{output.duration(row.seconds)} ago",
            _why(row),
        )
        for row in failures[:MOST_FAILURES]
    ]
    output.table(("NEWEST FAILURES", "HOST", "WHEN", "WHY"), rows, least=20)


def _why(row: Row) -> str:
    return (row.line or row.reason)[:MAX_LINE]


def _show_workers(seen: Snapshot, loads: Mapping[str, Load]) -> None:
    # The others are history: `workers --all` shows them.
    there = [worker for worker in seen.workers if worker.is_news]
    output.line("")
    if not there:
        output.line("no worker is running")
        return
    rows = [row(worker) for worker in there[:MOST]]
    if loads:
        figures = [_load(loads.get(worker.wid)) for worker in there[:MOST]]
        rows = [(*cells, *more) for cells, more in zip(rows, figures, strict=True)]
    output.table(("WORKER", "STATE", "SLOTS", "HEARTBEAT", "LOAD", "CPU", "MEMORY")[: len(rows[0])], rows)
    show_rests(there)
    _more(len(there), "worker")


def _load(load: Load | None) -> tuple[str, str, str]:
    if load is None:
        return "", "", ""
    used = "" if load.used is None else in_words(load.used)
    memory = f"{used} of {in_words(load.total)}" if used and load.total else used
    return (
        "" if load.load is None else f"{load.load:.1f}",
        "" if load.cpu is None else f"{load.cpu:.0%}",
        memory,
    )


def _more(count: int, one: str, several: str = "", most: int = MOST) -> None:
    if count > most:
        output.line(f"... and {count - most} more {one if count - most == 1 else several or f'{one}s'}")


def state_of(worker: WorkerSeen) -> str:
    """One word; the reason stands below the table."""
    if worker.alive:
        return "draining" if worker.draining else "paused" if worker.paused else "resting" if worker.rest else "alive"
    return "ended" if worker.ended else "dead"


def show_rests(workers: Iterable[WorkerSeen]) -> None:
    """Say below a table which of its workers take no new tasks for now, or are dead, and why."""
    found: dict[Rest | str, list[str]] = {}
    for worker in workers:
        if worker.alive and worker.rest:
            found.setdefault(worker.rest, []).append(worker.wid)
        elif not (worker.alive or worker.ended):
            found.setdefault(f"dead: {worker.verdict}", []).append(worker.wid)
    for why, wids in list(found.items())[:MOST]:
        more = f" and {len(wids) - 1} more" if len(wids) > 1 else ""
        output.sentence(pasted(f"{wids[0]}{more}: {why if isinstance(why, str) else why.of(wids[0])}"))


def show_stock(seen: Snapshot) -> None:
    """How much of what is counted for the whole spool is taken."""
    for each in seen.stock[:MOST]:
        output.sentence(each.sentence)


def row(worker: WorkerSeen) -> tuple[str, ...]:
    """A worker as the tables show it."""
    age = worker.heartbeat_age
    used = f"{worker.used}/{worker.slots}"
    return (worker.wid, state_of(worker), used, "-" if age is None else f"{output.duration(age)} ago")


def entry(worker: WorkerSeen) -> dict[str, object]:
    """A worker as --json shows it."""
    return {
        "worker": worker.wid,
        "host": worker.host,
        "pid": worker.pid,
        "alive": worker.alive,
        "verdict": worker.verdict,
        "ended": worker.ended,
        "slots": worker.slots,
        "rest": worker.rest and worker.rest.facts,
        "running": list(worker.running),
        "started_unix_s": worker.started,
        "heartbeat_age_s": worker.heartbeat_age,
        "version": worker.version,
        "cpus": worker.inventory.cpus,
        **worker.inventory.facts(),
    }
