"""The figures of each batch and node, and what the last hour brought.

The rule: pure; made of the book and its groups of rows, once, and bounded by the number of batches and nodes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.conditions import about
from dsgspool.report import forecast as forecasts
from dsgspool.report.paces import Pace, paces
from dsgspool.report.statistics import HOUR, distribution, use
from dsgspool.report.table import NONE
from dsgspool.report.tally import SAYS_NOTHING, bad

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dsgspool.conditions import Inventory
    from dsgspool.report.book import Book, Node, RunningNow
    from dsgspool.report.failures import Cause
    from dsgspool.report.forecast import Forecast
    from dsgspool.report.statistics import Distribution, Groups, Use
    from dsgspool.snapshot.standings import Standing
    from dsgspool.snapshot.values import Counts

TAIL = 10 * 60.0  #: seconds below which no task is called overdue
MOST_OVERDUE = 5
MOST_FORECASTS = 20  #: batches with a forecast of their own


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch, '' = what is in none.  None = not known."""

    name: str
    counts: Counts
    standing: Standing | None  #: how its policy stands, None = it has none
    forecast: Forecast | None  #: at the concurrency of its own
    pace: Pace | None  #: in the last hour; of one that is over, from its first start to its last end
    run: Distribution | None  #: seconds of attempts that ended well
    wait: Distribution | None  #: seconds from submission to start, of first attempts
    memory: Distribution | None  #: bytes, largest samples
    use: Use | None  #: requested against used
    outcomes: Mapping[str, int]  #: of its attempts, the most frequent first
    slowest: int  #: row of its longest attempt that ended well, -1 = none
    span: tuple[float, float] | None  #: first start, last end

    @property
    def bad(self) -> int:
        """Attempts that ended badly, retried ones included."""
        return bad(self.outcomes)


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """A node.  `state`: alive, silent, dead (given up by the others) or ended."""

    node: Node
    state: str
    slots: int
    running: tuple[RunningNow, ...]
    outcomes: Mapping[str, int]
    batches: Mapping[str, int]  #: attempts of each batch there, the most frequent first
    busy: float | None  #: share of its slots over the last hour, None = it has none
    seen: float | None  #: seconds since its last heartbeat

    @property
    def host(self) -> str:
        """Its name."""
        return self.node.host

    @property
    def used(self) -> int:
        """Slots that are taken."""
        return len(self.running) + sum(worker.wider for worker in self.node.workers)

    @property
    def inventory(self) -> Inventory:
        """What it has, as its first living worker measured it, else the newest one."""
        return next((worker for worker in self.node.workers if worker.alive), self.node.workers[0]).inventory

    @property
    def gpus_in_use(self) -> int:
        """How many of its GPUs tasks of the queue have."""
        return len({index for run in self.running for index in run.gpus})

    @property
    def done(self) -> int:
        """Attempts that ended well there."""
        return self.outcomes.get("done", 0)

    @property
    def failed(self) -> int:
        """Attempts that ended badly there, lost ones aside."""
        return bad(self.outcomes) - self.lost

    @property
    def lost(self) -> int:
        """Attempts that were lost with a worker of it."""
        return self.outcomes.get("lost", 0)


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened in the last `seconds`."""

    seconds: float
    done: int
    failed: int  #: tasks that came to failed/, cancelled ones aside
    cancelled: int  #: tasks that people took away
    retried: int  #: attempts that ended badly and sent nothing to failed/
    started: int
    causes: tuple[Cause, ...]  #: that were not there before
    is_over: bool  #: nothing is left to try

    @property
    def nothing(self) -> bool:
        """True when nothing did."""
        return not (self.done or self.failed or self.cancelled or self.started or self.retried)


def ended(groups: Groups) -> dict[str, dict[str, int]]:
    """Batch -> node -> how many attempts ended by themselves there."""
    found: dict[str, dict[str, int]] = {}
    for (batch, host, outcome), number in groups.counts.items():
        if host and outcome not in SAYS_NOTHING:
            hosts = found.setdefault(batch, {})
            hosts[host] = hosts.get(host, 0) + number
    return found


# -- batches ---------------------------------------------------------------------------------------------------------


def batches(book: Book, groups: Groups, whole: Forecast | None) -> tuple[Batch, ...]:
    """Those that are not through first, then by name; '' last."""
    worked = paces(groups)
    names = sorted(book.snapshot.batches, key=lambda name: (not name, not book.snapshot.batches[name].open, name))
    going = [name for name in names if book.snapshot.batches[name].running][:MOST_FORECASTS]
    foretold = {name: forecasts.capped(forecasts.forecast(book, groups, name), whole) for name in going}
    return tuple(_batch(book, groups, name, foretold.get(name), worked.get(name)) for name in names)


def _batch(book: Book, groups: Groups, name: str, expected: Forecast | None, pace: Pace | None) -> Batch:
    span, outcomes = groups.span(name), groups.outcomes(batch=name)
    if span and not book.snapshot.batches[name].open:
        pace = Pace(outcomes.get("done", 0), bad(outcomes), *span, is_going=False)
    return Batch(
        name=name,
        counts=book.snapshot.batches[name],
        standing=book.snapshot.policies.get(name),
        forecast=expected,
        pace=pace,
        run=distribution(groups.seconds(name)),
        wait=distribution(groups.waits(name)),
        memory=distribution(groups.memory(name)),
        use=use(groups, name),
        outcomes=outcomes,
        slowest=groups.slowest(name),
        span=span,
    )


def overdue(book: Book, groups: Groups) -> list[tuple[RunningNow, float]]:
    """(task, longest of its batch so far): running more than three times as long as any of its batch has before."""
    found = []
    longest: dict[str, float | None] = {}
    for run in book.running:
        seconds = run.seconds or 0.0
        if seconds < TAIL or not run.alive:
            continue
        batch = run.identity.partition("/")[0] if "/" in run.identity else ""
        if batch not in longest:
            known = groups.seconds(batch)
            longest[batch] = known[-1] if len(known) >= forecasts.ENOUGH else None
        most = longest[batch]
        if most is not None and seconds > 3 * most:
            found.append((run, most))
    return found[:MOST_OVERDUE]


# -- nodes -----------------------------------------------------------------------------------------------------------


def nodes(book: Book, groups: Groups) -> tuple[NodeFigures, ...]:
    """The silent first, as a list of many is cut; then the living, then those that have gone."""
    busy, batches = _busy(book, groups), groups.batches_by_host()
    running: dict[str, list[RunningNow]] = {}
    for run in book.running:
        running.setdefault(run.host, []).append(run)
    found = [
        _node(
            book, node, groups.outcomes(host=node.host), batches.get(node.host, {}),
            (running.get(node.host, []), busy.get(node.host, 0.0)),
        )
        for node in book.nodes
    ]  # fmt: skip
    rank = {"silent": 0, "alive": 1, "dead": 2, "ended": 3}
    return tuple(sorted(found, key=lambda each: (rank[each.state], each.host)))


def gpus(inventory: Inventory) -> list[tuple[int, str, str]]:
    """(how many, model, memory of each as `gpu_memory` asks for it) of a node's GPUs."""
    kinds = Counter((gpu.model, gpu.memory) for gpu in inventory.gpus)
    return [(number, model, about(memory)) for (model, memory), number in kinds.items()]


def has(inventory: Inventory) -> list[str]:
    """Labels, counted resources and programs, as `where` and `resources` ask for them."""
    labels = [f"{key}={value}" for key, value in inventory.labels.items()]
    counted = [f"{name}={number}" for name, number in inventory.resources.items()]
    return [*labels, *counted, *(f"has:{name}" for name in inventory.software)]


def state_of(node: Node) -> str:
    """`alive`, `silent`, `dead` (the others have given it up and took over what it held) or `ended`."""
    if node.alive:
        return "alive"
    if not node.silent:
        return "ended"
    mute = [worker for worker in node.workers if not worker.ended]
    return "dead" if all(worker.given_up and not worker.running for worker in mute) else "silent"


def silence(node: Node) -> float | None:
    """Seconds since one of its workers was last heard of, None when that is not known."""
    ages = [worker.heartbeat_age for worker in node.workers if worker.heartbeat_age is not None]
    return min(ages, default=None)


def _node(
    book: Book,
    node: Node,
    outcomes: Mapping[str, int],
    batches: Mapping[str, int],
    hands: tuple[list[RunningNow], float],
) -> NodeFigures:
    running, busy = hands
    began = [worker.started for worker in node.workers if worker.alive and worker.started is not None]
    window = min(HOUR, book.taken - min(began)) if began else 0.0
    return NodeFigures(
        node=node,
        state=state_of(node),
        slots=node.slots,
        running=tuple(running),
        outcomes=outcomes,
        batches=batches,
        busy=min(1.0, busy / (node.slots * window)) if node.slots and window > 60 else None,
        seen=silence(node),
    )


def _busy(book: Book, groups: Groups) -> dict[str, float]:
    """Host -> slot seconds that attempts took in the last hour."""
    table, now = book.attempts, int(1000 * book.taken)
    since = now - int(1000 * HOUR)
    found: dict[str, float] = {}
    for row in (*groups.recent, *groups.running()):
        if table.started[row] != NONE:
            end = table.ended[row] if table.ended[row] != NONE else now
            taken = max(0, end - max(since, table.started[row])) / 1000 * max(1, table.cpus[row])
            found[table.host[row]] = found.get(table.host[row], 0.0) + taken
    return found


# -- what changed ----------------------------------------------------------------------------------------------------


def changes(book: Book, groups: Groups, causes: Iterable[Cause]) -> Changes:
    """What the last hour brought."""
    since, ended, outcome = book.taken - HOUR, groups.last_hour(), book.attempts.outcome
    came = [failure for failure in book.failed if failure.moment is not None and failure.moment >= since]
    sent = Counter(each.tag for each in came if each.row >= 0 and outcome[each.row] == each.tag)  # by an attempt
    return Changes(
        seconds=HOUR,
        done=ended.get("done", 0),
        failed=sum(not each.is_cancelled for each in came),
        cancelled=sum(each.is_cancelled for each in came),
        retried=max(0, bad(ended) - bad(sent)),
        started=sum(len(each.started) - bisect_left(each.started, int(since * 1000)) for each in groups.tallies),
        causes=tuple(cause for cause in causes if cause.first is not None and cause.first >= since),
        is_over=not book.snapshot.counts.open,
    )
