"""The frame: a model on so many columns and rows.

The rule: whatever comes from names, logs and files passes `clean_line` before it is laid out, so that the only escapes in
a frame are the colours of this module; and a frame never has more rows than the window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from dsgspool.classes import dataclass
from dsgspool.cli.output import clean_line, duration, shortened, width
from dsgspool.cli.pasting import pasted
from dsgspool.cli.top.model import Model
from dsgspool.cli.top.values import Facts, Node, Row, View
from dsgspool.clock import local
from dsgspool.conditions import in_words
from dsgspool.task import State

STYLES = {"todo": "cyan", "waiting": "cyan", "hold": "magenta", "running": "yellow", "done": "green", "failed": "red"}
HINTS = "? help  tab lists  h hold  c cancel  r requeue  l log  / filter  p pause  q quit"
HELP = (
    ("up down j k", "the task before, the next; page up and down, home, end"),
    ("tab", "running tasks, failures, tasks to come"),
    ("h", "hold: park the task in hold/; of a running one, which is stopped first, it asks"),
    ("c", "cancel: take the task out, to failed/; asks first"),
    ("r", "requeue: run a finished task again, with a fresh budget of retries"),
    ("l enter", "read the task's log in $PAGER (less)"),
    ("p", "pause the spool: no new tasks are taken; p again resumes"),
    ("/", "show only tasks with these letters in name, node, reason or last line; escape shows all"),
    ("ctrl-l", "paint the screen anew"),
    ("q", "quit"),
)
BAR, WIDE = 10, 60  #: columns of a bar; of a window that has room for one beside the name of a node
ENOUGH = 20  #: rows of a window that has room for the newest failures below running tasks, and for what is stuck


def frame(model: Model, columns: int, rows: int) -> list[str]:
    """Rows of the screen, with colours."""
    console = Console(
        width=columns,
        height=rows,
        force_terminal=True,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    bar = BAR if columns >= WIDE else 0
    head = [*_head(model.facts, columns), *_stuck(model.facts.stuck, rows)]
    head += _nodes(model.facts.nodes, max(2, rows // 5), bar)
    top = _lines(console, head)[: rows - 5]
    left = rows - len(top) - 1
    body = _lines(console, _help() if model.is_helping else _body(model, left, columns))[:left]
    foot = _lines(console, [_foot(model)])[:1]
    return [*top, *body, *[""] * (left - len(body)), *foot]


def _lines(console: Console, parts: Sequence[RenderableType]) -> list[str]:
    with console.capture() as made:
        for part in parts:
            console.print(part, no_wrap=True, overflow="ellipsis", crop=True)
    return made.get().split("\n")[:-1]


def _time(seconds: float) -> str:
    return f"{seconds:.0f}s" if seconds < 59.5 else duration(seconds)


def _bar(part: float, width: int, style: str) -> Text:
    part = min(max(part, 0.0), 1.0)
    full = max(0, min(round(part * width), width - (part < 1.0)))  # a full bar says that nothing is left
    return Text("━" * full, style).append("─" * (width - full), "bright_black")


# -- the spool and its nodes -------------------------------------------------------------------------------------


def _head(facts: Facts, columns: int) -> list[RenderableType]:
    first = Table.grid(expand=True, padding=(0, 1))
    first.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    first.add_column(justify="right", no_wrap=True)
    when = Text(local(facts.taken) if facts.taken else "looking ...", "bright_black")
    first.add_row(
        Text(clean_line(facts.root), "bold"), Text("PAUSED ", "bold magenta").append(when) if facts.paused else when
    )
    counts = Text()
    for state, style in STYLES.items():
        number = getattr(facts.counts, state)
        counts.append(f"{state} ", "bright_black").append(f"{number}  ", style if number else "bright_black")
    whole, finished = facts.counts.total, facts.counts.finished
    part = finished / whole if whole else 0.0
    label = f" {100 * finished // whole:3}% finished{_speed(facts)}" if whole else "  no tasks"
    bar = _bar(part, max(1, columns - len(label)), "green").append(label)
    problems = [Text(clean_line(problem), "red") for problem in facts.problems[:2]]
    stopped = [Text(clean_line(sentence), "magenta") for sentence in facts.stopped[:2]]
    if len(facts.stopped) > 2:
        stopped[1:] = [Text(f"... and {len(facts.stopped) - 1} more batches are not started", "magenta")]
    return [first, counts, bar, *problems, *stopped]


def _speed(facts: Facts) -> str:
    if facts.rate is None or not (facts.rate or facts.counts.running):
        return ""
    left = f", about {_time(facts.eta)} left" if facts.eta is not None and not facts.paused else ""
    return f", {facts.rate:.1f}/min{left}"


def _stuck(sentences: Sequence[str], rows: int) -> list[RenderableType]:
    """Where there is room for it: what waits for ever."""
    if rows <= ENOUGH:
        return []
    lines = [Text(clean_line(sentence), "red") for sentence in sentences[:2]]
    if len(sentences) > 2:
        lines[1:] = [Text(f"... and {len(sentences) - 1} more are stuck", "red")]
    return [*lines]


def _nodes(nodes: Sequence[Node], most: int, bar: int) -> list[RenderableType]:
    if not nodes:
        return [Text(clean_line(pasted("no worker is running: start one with `dsgspool worker`")), "red")]
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 2, 0, 0), header_style="bright_black")
    table.add_column("NODE", ratio=2, no_wrap=True, overflow="ellipsis")
    table.add_column("SLOTS", width=bar + 8, no_wrap=True)
    table.add_column("LOAD", width=6, justify="right", no_wrap=True)
    table.add_column("CPU", width=4, justify="right", no_wrap=True)
    table.add_column("MEMORY", ratio=2, no_wrap=True, overflow="ellipsis")
    # The silent ones are those that somebody must look after.
    ordered = sorted(nodes, key=lambda node: not node.silent)
    for node in ordered[:most]:
        table.add_row(Text(clean_line(node.host), "red" if node.silent else ""), *_node(node, bar))
    more = len(nodes) - most
    last = [Text(f"... and {more} more node{'s' * (more > 1)}", "bright_black")] if more > 0 else []
    return [table, *last]


def _node(node: Node, bar: int) -> tuple[Text, Text, Text, Text]:
    load = node.load
    slots = _bar(node.running / node.slots if node.slots else 0.0, bar, "yellow")
    slots.append(f"{' ' * bool(bar)}{node.running}/{node.slots}")
    memory = Text("" if load.used is None else in_words(load.used))
    if load.used is not None and load.total:
        memory.append(f" of {in_words(load.total)}", "bright_black")
    if node.silent or node.rest:
        memory = Text(clean_line(node.silent or node.rest), "red" if node.silent else "magenta")
    return slots, Text(_figure(load.load, "{:.1f}")), Text(_figure(load.cpu, "{:.0%}")), memory


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


# -- tasks -------------------------------------------------------------------------------------------------------


def _body(model: Model, height: int, columns: int) -> list[RenderableType]:
    failures = model.rows(View.FAILURES)
    below = min(4, len(failures)) if model.view is View.RUNNING and height > ENOUGH // 2 else 0
    parts: list[RenderableType] = [_tabs(model)]
    room = height - 2 - (below + 1 if below else 0)
    _, rows = model.window(max(1, room))
    parts.append(_tasks(model.view, rows, model.current(), columns))
    if not rows:
        parts.append(Text(_nothing(model), "bright_black"))
    if below:
        parts += [Text("")] * (room - max(1, len(rows)))
        parts += [Text("NEWEST FAILURES", "bright_black"), _short(failures[:below])]
    return parts


def _tabs(model: Model) -> Text:
    line = Text()
    numbers = {View.RUNNING: "running", View.FAILURES: "failed"}
    counts = model.facts.counts
    for view in View:
        number = getattr(counts, numbers[view]) if view in numbers else counts.todo + counts.waiting + counts.hold
        label = "to come" if view is View.TODO else view  # of all that waits, and not of the folder todo/ alone
        line.append(f" {label} {number} ", "reverse bold" if view is model.view else "").append(" ")
    if model.filter:
        line.append(f" only: {clean_line(model.filter)} ({len(model.rows())})", "magenta")
    return line


def _nothing(model: Model) -> str:
    if model.filter:
        return "nothing here has these letters; escape shows all"
    return {View.RUNNING: "nothing runs", View.FAILURES: "nothing has failed", View.TODO: "nothing waits"}[model.view]


def _tasks(view: View, rows: Sequence[Row], current: Row | None, columns: int) -> Table:
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 2, 0, 0), header_style="bright_black")
    table.add_column("TASK", ratio=3, no_wrap=True, overflow="ellipsis")
    if view is View.RUNNING:
        table.add_column("NODE", max_width=max(8, columns // 8), no_wrap=True, overflow="ellipsis")
        table.add_column("SINCE", width=6, justify="right", no_wrap=True)
        if any(row.progress is not None for row in rows):
            table.add_column("PROGRESS", width=BAR + 5, no_wrap=True)
        table.add_column("LAST LINE", ratio=4, no_wrap=True, overflow="ellipsis")
    elif view is View.FAILURES:
        table.add_column("NODE", max_width=max(8, columns // 8), no_wrap=True, overflow="ellipsis")
        table.add_column("AGO", width=6, justify="right", no_wrap=True)
        table.add_column("REASON", max_width=16, no_wrap=True, overflow="ellipsis")
        table.add_column("WHY", ratio=5, no_wrap=True, overflow="ellipsis")
    else:
        table.add_column("STATE", ratio=2, no_wrap=True, overflow="ellipsis")
        table.add_column("IN", width=6, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(view, row, len(table.columns)), style="reverse" if row is current else "")
    return table


@dataclass(frozen=True, slots=True)
class _Name:
    """A task's name, cut in the middle where it has no room: names of one batch differ at their ends."""

    text: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        yield Text(shortened(self.text, options.max_width), no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, max(1, width(self.text)))


def _cells(view: View, row: Row, count: int) -> list[RenderableType]:
    since = Text("" if row.seconds is None else _time(row.seconds))
    name, node, line = _Name(clean_line(row.identity)), Text(clean_line(row.node)), Text(clean_line(row.line))
    if view is View.TODO:
        return [name, Text(clean_line(row.reason), STYLES[row.state]), since]
    if view is View.FAILURES:
        return [name, node, since, Text(clean_line(row.reason), "red"), line]
    bar = Text("") if row.progress is None else _bar(row.progress, BAR, "green").append(f" {row.progress:4.0%}")
    return [name, node, since, *([bar] if count > 4 else []), line]


def _short(rows: Sequence[Row]) -> Table:
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    table.add_column(ratio=3, no_wrap=True, overflow="ellipsis")
    table.add_column(width=6, justify="right", no_wrap=True)
    table.add_column(ratio=5, no_wrap=True, overflow="ellipsis")
    for row in rows:
        why = row.line or row.reason
        ago = "" if row.seconds is None else _time(row.seconds)
        table.add_row(_Name(clean_line(row.identity)), Text(ago), Text(clean_line(why), "red"))
    return table


# -- the last line and the help ----------------------------------------------------------------------------------


def _foot(model: Model) -> Text:
    if model.asked and model.asked.row:
        row, stops = model.asked.row, "this stops it: " if model.asked.row.state is State.RUNNING else ""
        return Text(f" {stops}{model.asked.verb} {clean_line(row.identity)}? y/n ", "bold white on red")
    if model.is_typing:
        return Text("/", "bold").append(clean_line(model.filter)).append("▏")
    if model.message:
        return Text(clean_line(model.message), "bold")
    return Text(HINTS, "bright_black")


def _help() -> list[RenderableType]:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for keys, what in HELP:
        table.add_row(Text(keys), Text(what))
    return [Text(""), table, Text("any key goes back", "bright_black")]
