"""report.txt: the same facts in 80 columns, for ssh and mail.

The rule: pure; no line has more than WIDTH columns whatever others called their tasks, but for commands to copy, which
are whole or worth nothing; and every foreign character is to be seen and does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dsgspool.report.again import again
from dsgspool.report.lines import WIDTH, Command, cut, foreign, named, padded, told, wrapped
from dsgspool.report.statistics import bar
from dsgspool.report.stuck import label
from dsgspool.report.tally import bad
from dsgspool.report.text import plain
from dsgspool.report.verdict import band, done_about
from dsgspool.report.words import age, count, duration, exact, many, moment, over, rates, size
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.report.book import RunningNow
    from dsgspool.report.digest import Digest
    from dsgspool.report.failures import Cause
    from dsgspool.report.figures import Batch, NodeFigures
    from dsgspool.report.paces import Pace
    from dsgspool.snapshot.values import Counts

MOST_NOTES, MOST_BATCHES, MOST_CAUSES, MOST_CANCELLED, MOST_NODES, MOST_RUNNING = 12, 30, 12, 10, 40, 20
SIGNS = {
    State.DONE: "#", State.FAILED: "x", State.RUNNING: ">", State.TODO: ".", State.WAITING: "~", State.HOLD: "=",
}  # fmt: skip
LABELS = {
    State.DONE: "done", State.FAILED: "failed", State.RUNNING: "running", State.TODO: "to do", State.WAITING: "waiting",
    State.HOLD: "on hold",
}  # fmt: skip
TONES = {"good": "[ok]", "busy": "[ok]", "idle": "[--]", "attention": "[!!]", "bad": "[!!]"}


def text(digest: Digest) -> str:
    """All of it."""
    parts = (_head, _counts, _batches, _causes, _changes, _nodes, _running, _foot)
    lines = [line for part in parts for line in part(digest)]
    return "".join(f"{line if isinstance(line, Command) else cut(line, WIDTH).rstrip()}\n" for line in lines)


def drawn(counts: Counts, width: int) -> str:
    """A bar of letters; what is not nothing has one at least."""
    parts = bar(counts)
    if not parts:
        return " " * width
    lengths = [max(1, round(part.percent / 100 * width)) for part in parts]
    while (over := sum(lengths) - width) and any(length > 1 for length in lengths):
        largest = lengths.index(max(lengths))
        lengths[largest] -= 1 if over > 0 else -1
    return "".join(SIGNS[part.state] * length for part, length in zip(parts, lengths, strict=True))[:width]


def _title(words: str) -> list[str]:
    return ["", words.upper(), "-" * WIDTH]


# -- parts -----------------------------------------------------------------------------------------------------------


def _head(digest: Digest) -> Iterator[str]:
    book, verdict = digest.book, digest.verdict
    written = exact(book.taken)
    yield padded(foreign(book.root), WIDTH - len(written) - 2) + f"  {written}"
    yield "=" * WIDTH
    yield from wrapped(verdict.sentence, f"{TONES[verdict.tone]} ")
    if verdict.sub:
        yield from told(verdict.sub, "     ")
    for note in verdict.notes[:MOST_NOTES]:
        yield from told(note, "   - ")
    if len(verdict.notes) > MOST_NOTES:
        yield f"   - and {len(verdict.notes) - MOST_NOTES} more"
    if book.writes_every:
        yield from wrapped(f"The next one comes within {duration(book.writes_every)}.", "     ")


def _counts(digest: Digest) -> Iterator[str]:
    counts = digest.book.snapshot.counts
    if not counts.total:
        return
    yield ""
    yield f"[{drawn(counts, WIDTH - 2)}]"
    yield from wrapped(
        "   ".join(f"{SIGNS[part.state]} {count(part.number)} {LABELS[part.state]}" for part in bar(counts))
    )
    if digest.book.items:
        yield "A chunk of a sweep counts as one task here."
    if digest.forecast:
        yield from wrapped(band(digest.forecast, digest.book))
    if digest.pace and digest.pace.done + digest.pace.bad:
        yield from wrapped(_pace(digest.pace, digest.book.taken))


def _pace(pace: Pace, taken: float) -> str:
    if pace.is_rate:
        done, failing = rates(*pace.per_hour)
        span = over(pace.seconds)
    else:
        done, failing = count(pace.done), count(pace.bad)
        span = f"in {duration(pace.seconds)}{'' if pace.is_going else f', until {moment(pace.end, taken)}'}"
    return f"attempts: {done} done{f', {failing} failed' if pace.bad else ''}, {span}"


def _packed(words: list[str]) -> Iterator[str]:
    """Side by side, none of them broken."""
    line = ""
    for word in words:
        if line and len(line) + 3 + len(word) > WIDTH:
            yield line
            line = ""
        line = f"{line}   {word}" if line else word
    yield line


def _batches(digest: Digest) -> Iterator[str]:
    named = [batch for batch in digest.batches if batch.name]
    if not named:
        return
    yield from _title(many(len(named), "batch", "batches"))
    for batch in digest.batches[:MOST_BATCHES]:
        yield from _batch(digest, batch)
    if len(digest.batches) > MOST_BATCHES:
        yield f"and {len(digest.batches) - MOST_BATCHES} more"


def _batch(digest: Digest, batch: Batch) -> Iterator[str]:
    swept = digest.book.items.get(batch.name)
    counts = swept.counts if swept and swept.is_all else batch.counts
    numbers = f"{count(counts.done)}/{count(counts.total)}"
    failed = f" {count(counts.failed)} failed" if counts.failed else ""
    yield f"{named(batch.name or '(no batch)', 22)} [{drawn(counts, 26)}] {numbers:>13}{failed:>15}"
    facts = [label(batch.standing).upper() if batch.standing else "", done_about(batch.forecast, digest.book.taken)]
    if swept:
        far = f"{count(swept.counts.done)}/{count(swept.counts.total)} "
        facts.append(f"{'' if swept.is_all else far}items of sweeps")
    if batch.run:
        facts.append(f"takes {', '.join(map(duration, (batch.run.p10, batch.run.p50, batch.run.p90)))} (p10, p50, p90)")
    if batch.memory:
        facts.append(f"memory up to {size(batch.memory.largest)}")
    if any(facts):
        yield from wrapped(", ".join(filter(None, facts)), "    ")


def _causes(digest: Digest) -> Iterator[str]:
    if digest.causes:
        yield from _title(f"{many(digest.book.failures, 'failure')}, {many(len(digest.causes), 'cause')}")
    for cause in digest.causes[:MOST_CAUSES]:
        yield from _cause(digest, cause)
    if len(digest.causes) > MOST_CAUSES:
        yield f"and {many(len(digest.causes) - MOST_CAUSES, 'more cause')}"
    for group in digest.cancelled:
        yield from _title(f"{many(group.count, 'task')} cancelled by people")
        more = f" and {group.count - MOST_CANCELLED:,} more" if group.count > MOST_CANCELLED else ""
        yield from wrapped(", ".join(foreign(task.identity) for task in group.tasks[:MOST_CANCELLED]) + more)


def _cause(digest: Digest, cause: Cause) -> Iterator[str]:
    now = digest.book.taken
    yield from wrapped(foreign(cause.title), f"{cause.count:>5,} x  ")[:3]
    if cause.beside:
        yield from wrapped(cause.beside, " " * 9)[:2]
    facts = [", ".join(cause.tags)] if any(cause.tags) else []
    if cause.hosts:
        facts.append("on " + ", ".join(f"{plain(host)} ({number:,})" for host, number in list(cause.hosts.items())[:5]))
    if cause.first is not None and cause.last is not None:
        first, last = moment(cause.first, now), moment(cause.last, now)
        facts.append(f"at {last}" if first == last else f"{first} to {last}")
    if cause.words:
        facts.append(f"bad {cause.suspicion}? {cause.words}")
    yield from wrapped("; ".join(facts), " " * 9)
    newest = cause.newest
    line = f": {foreign(cause.line)}" if cause.count > 1 else ""
    yield cut(f"{' ' * 9}{foreign(newest.identity)}{line}", WIDTH)
    label, command = again(digest, cause)
    yield f"{' ' * 9}{label}:"
    yield Command(plain(command))


def _changes(digest: Digest) -> Iterator[str]:
    changes = digest.changes
    if changes.nothing:
        return
    attempts = [f"attempts: {count(changes.started)} started", f"{count(changes.done)} done"]
    again = "failed and were tried again" if changes.is_over else "failed and go again"
    attempts += [f"{count(changes.retried)} {again}"] if changes.retried else []
    tasks = [f"{count(changes.failed)} failed"] if changes.failed else []
    tasks += [f"{count(changes.cancelled)} cancelled"] if changes.cancelled else []
    tasks += [many(len(changes.causes), "new cause")] if changes.causes else []
    yield from _title("in the last hour")
    yield from wrapped("; ".join([", ".join(attempts), *([f"tasks: {', '.join(tasks)}"] if tasks else [])]))


def _nodes(digest: Digest) -> Iterator[str]:
    shown = [node for node in digest.nodes if node.state != "ended"]
    if not shown:
        return
    alive = sum(node.state == "alive" for node in digest.nodes)
    yield from _title(f"{many(alive, 'node')} alive")
    yield f"{'attempts that ended':>79}"
    yield f"{'node':<20} {'state':<14} {'slots':>7} {'busy':>6} {'load':>6} {'done':>7} {'failed':>7} {'lost':>5}"
    for node in shown[:MOST_NODES]:
        yield _node(node)
    if len(shown) > MOST_NODES:
        yield f"and {many(len(shown) - MOST_NODES, 'more node')}"
    if ended := sum(node.state == "ended" for node in digest.nodes):
        yield f"and {many(ended, 'node')} whose workers have ended"


def _node(node: NodeFigures) -> str:
    state = node.state if node.state == "alive" or node.seen is None else f"{node.state} {age(node.seen)}"
    state = "paused" if node.node.paused else "draining" if node.node.draining else state
    slots = f"{node.used}/{node.slots}" if node.slots else f"{len(node.running)}"
    busy = "" if node.busy is None else f"{node.busy * 100:.0f} %"
    load = next((f"{each.load:.1f}" for each in reversed(node.node.loads) if each.load is not None), "")
    numbers = f"{node.done:>7,} {node.failed or '':>7} {node.lost or '':>5}"
    return f"{named(node.host, 20)} {state:<14} {slots:>7} {busy:>6} {load:>6} {numbers}"


def _running(digest: Digest) -> Iterator[str]:
    running = digest.book.running
    if not running:
        return
    yield from _title(f"{many(len(running), 'task')} running")
    for run in running[:MOST_RUNNING]:
        yield _run(run)
    if len(running) > MOST_RUNNING:
        yield f"and {len(running) - MOST_RUNNING:,} more"


def _run(run: RunningNow) -> str:
    far = "" if run.progress is None else f"{run.progress * 100:.0f} %"
    time = "starts" if run.seconds is None else duration(run.seconds)
    line = foreign(run.line) if run.line else "" if run.alive else "(its worker is silent)"
    return f"{named(run.identity, 26)} {named(run.host, 10)} {time:>11} {far:>5}  {line}"


def _foot(digest: Digest) -> Iterator[str]:
    book = digest.book
    yield ""
    yield "=" * WIDTH
    ended_badly = count(bad(digest.groups.outcomes()))
    yield from wrapped(f"{many(len(book.attempts), 'attempt')}, {ended_badly} of them ended badly.")
    yield from wrapped("All of it: reports/index.html.  The folders are the truth: ls todo running done failed")
