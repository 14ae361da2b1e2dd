"""The digest -> the page: its shell, and the sections that can be read, printed and searched without any script.

The rule: templates only say where things stand; what they say comes from the digest, worked out once.  All text of others
goes through autoescape or `text.visible`; a name that a template does not know is an error, not an empty place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from dsgspool import __version__, clock, resources
from dsgspool.report import again, drawing, failures, figures, flow, journals, statistics, stuck, text, verdict, words
from dsgspool.report.book import Log
from dsgspool.report.tally import bad
from dsgspool.settings import Floor, Settings
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.report.book import Book, RunningNow
    from dsgspool.report.digest import Digest
    from dsgspool.report.forecast import Forecast

SECTIONS = ("overview", "failures", "batches", "nodes", "about")
MOST = {  # of each kind on a page: the rest is in the tables and in the folders
    "batches": 12, "causes": 5, "running": 12, "notes": 6, "all_causes": 60, "all_batches": 100, "nodes": 60, "events": 40,
    "problems": 200,
}  # fmt: skip

#: A state, as it is called on the page.
LABELS: Mapping[State, str] = {
    State.DONE: "done",
    State.FAILED: "failed",
    State.RUNNING: "running",
    State.TODO: "to do",
    State.WAITING: "waiting",
    State.HOLD: "on hold",
}
#: What a folder of the spool is for.
FOLDERS: Mapping[State, str] = {
    State.TODO: "tasks that any worker may take",
    State.WAITING: "tasks whose moment has not come, or that wait for other tasks",
    State.HOLD: "parked by a person, until a person lets them run",
    State.RUNNING: "in the hands of a worker",
    State.DONE: "ended well",
    State.FAILED: "ended badly, with the reason in the name; move them to todo/ and they run again",
}


def sections(digest: Digest, series: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Name -> HTML of each page that is made here."""
    environment = _environment()
    environment.globals.update(_about(digest), series=series)
    return {name: environment.get_template(f"sections/{name}.html.j2").render() for name in SECTIONS}


def shell(
    digest: Digest, parts: Mapping[str, str], files: Mapping[str, str], early: Mapping[str, list[str]], policy: str
) -> str:
    """index.html.  `files`: names of `first`, `style`, `app` and `page` in data/; `early`: chunks that first.js may ask for."""
    environment = _environment()
    environment.globals.update(_about(digest))
    html = {name: Markup(part) for name, part in parts.items()}  # noqa: S704  # our own templates made it
    return environment.get_template("index.html.j2").render(sections=html, files=files, early=early, policy=policy)


@lru_cache(maxsize=1)
def _templates() -> FileSystemLoader:
    return FileSystemLoader(resources.reports())


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates, in a folder below the system's temporary one that is this user's alone."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one; where there is no room the page is written all the same."""
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


@lru_cache(maxsize=1)
def _compiled() -> _Compiled | None:
    try:
        return _Compiled()
    except (RuntimeError, OSError):
        return None  # somebody else's folder has the name, or nothing may be written there


def _environment() -> Environment:
    environment = Environment(
        loader=_templates(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        bytecode_cache=_compiled(),
    )  # fmt: skip
    environment.filters.update(
        visible=text.visible, visible_lines=text.visible_lines, plain=text.plain, breakable=text.breakable,
        masked=text.masked, coded=text.coded, duration=words.duration, about=words.about, age=words.age, size=words.size,
        count=words.count, percent=words.percent, rate=words.rate, over=words.over, exact=words.exact, iso=clock.iso,
        happened=journals.happened,
    )  # fmt: skip
    environment.globals.update(
        labels=LABELS, folders=FOLDERS, states=statistics.ORDER, most=MOST, bar=statistics.bar, many=words.many,
        bad=bad, reason_of=failures.reason_of, link=text.link, page_of=text.page_of, search=text.search,
        worker_command=verdict.worker_command,
        label_of=stuck.label, limits_of=stuck.limits, has=figures.has, gpus_of=figures.gpus,
        done_about=verdict.done_about, flow=lambda graph: flow.flow(graph, LABELS),
        most_boxes=flow.MOST, sketch=drawing.sketch, strips=drawing.strips, top_of=drawing.largest,
    )  # fmt: skip
    return environment


def _about(digest: Digest) -> dict[str, object]:
    """What the templates ask of one digest."""
    book = digest.book
    return {
        "digest": digest,
        "book": book,
        "counts": book.snapshot.counts,
        "taken": book.taken,
        "version": __version__,
        "others": sorted({w.version for w in book.snapshot.alive if w.version} - {__version__}),
        "when": _when(book.taken),
        "between": _between(book.taken),
        "span": _span(book.taken),
        "without": verdict.without(book),
        "lasted": _lasted(book),
        "log_of": lru_cache(maxsize=256)(lambda row: book.log(row) if row >= 0 else Log()),
        "why_of": lambda standing: stuck.why(book, standing),
        "resume": lambda batch: stuck.resume(book, batch.standing, batch.name),
        "again": lambda cause: again.again(digest, cause),
        "by_hand": lambda cause: again.by_hand(digest, cause),
        "differing": differing(book.settings) if book.settings else [],
        "bytes_of_logs": sum(tally.logs for tally in digest.groups.tallies),
    }


def _when(now: float) -> Callable[[float | None], Markup]:
    """A moment as an element: short to read, exact under the pointer."""
    element = Markup('<time datetime="{}" title="{}">{}</time>')

    def when(moment: float | None) -> Markup:
        if moment is None:
            return Markup("")
        return element.format(clock.iso(moment), words.exact(moment), words.moment(moment, now))

    return when


def _between(now: float) -> Callable[[float, float], Markup]:
    """Two moments, as one when they read alike."""
    when = _when(now)

    def between(first: float, last: float) -> Markup:
        if words.moment(first, now) == words.moment(last, now):
            return when(last)
        return Markup("{} – {}").format(when(first), when(last))

    return between


def _span(now: float) -> Callable[[Forecast], str]:
    """A band, no finer than the sentence about it: `18:20 to 19:30`, `in 20 s to 40 s`."""

    def span(expected: Forecast) -> str:
        return f"{'in ' if expected.likely < 90 else ''}{' to '.join(verdict.ends(expected, now))}"

    return span


def _lasted(book: Book) -> Callable[[RunningNow], float | None]:
    """How long a task has run: until now, or until its worker was last heard of."""
    silent = {worker.wid: worker.heartbeat_age or 0.0 for worker in book.snapshot.workers if not worker.alive}

    def lasted(run: RunningNow) -> float | None:
        return None if run.seconds is None else max(0.0, run.seconds - silent.get(run.worker, 0.0))

    return lasted


def differing(settings: Settings) -> list[tuple[str, str]]:
    """(key, value) of what spool.yaml says differently from the defaults; of an environment only the names."""
    usual = Settings()
    found = [
        (each.name, _told(getattr(settings, each.name)))
        for each in fields(Settings)
        if each.name != "task" and getattr(settings, each.name) != getattr(usual, each.name)
    ]
    for each in fields(settings.task):
        value = getattr(settings.task, each.name)
        if value != getattr(usual.task, each.name):
            found.append((each.name, ", ".join(value) if each.name == "env" else _told(value)))
    return found


def _told(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Floor):
        return f"{value.percent:g} %" if value.percent else words.size(value.bytes)
    if isinstance(value, float):
        return words.duration(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {each}" for key, each in value.items())
    if isinstance(value, tuple | frozenset):
        return ", ".join(map(str, sorted(value)))
    return str(value)
