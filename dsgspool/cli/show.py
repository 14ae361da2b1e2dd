"""`dsgspool show`.

The rule: everything that the folder knows of a task on one screen, with the paths, so that the next step is `cat`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.arguments import Json
from dsgspool.cli.context import open_spool
from dsgspool.conditions import in_words

if TYPE_CHECKING:
    from dsgspool.cli.finding import Attempt, Found
    from dsgspool.cli.items import Item, Line
    from dsgspool.spool import Spool


def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A task's name, or a pattern.")],
    as_json: Json = False,
) -> None:
    """Show a task.  State, file, every attempt, its text, where the logs are."""
    from dsgspool.cli.finding import find_all
    from dsgspool.cli.items import find_item
    from dsgspool.errors import TaskNotFound

    spool = open_spool(context)
    try:
        tasks = find_all(spool, name)
    except TaskNotFound:
        _show_item(spool, find_item(spool, name), as_json=as_json)
        return
    if as_json:
        output.json([_entry(spool, task) for task in tasks])
        return
    for task in tasks:
        _print(spool, task)


def _print(spool: Spool, task: Found) -> None:
    output.heading(task.identity)
    output.fields(
        [
            ("state", task.state),
            *(("file", f"{spool.folder(place.state)}/{place.path}") for place in task.places),
        ]
    )
    for attempt in task.attempts:
        output.heading(f"attempt {attempt.number}")
        # no attempt begins while an earlier one lives
        is_lost = attempt is not task.attempts[-1] or _is_orphaned(spool, attempt)
        facts = _facts(spool, attempt, "lost with its worker" if is_lost else "not over")
        output.fields([(key, _folder(spool, attempt) if key == "directory" else value) for key, value in facts])
    if text := _text(spool, task):
        output.heading("text")
        output.block(text, "  ")


def _is_orphaned(spool: Spool, attempt: Attempt) -> bool:
    """True when its worker is dead for certain: nobody writes the end of its record any more."""
    from dsgspool.names import is_wid
    from dsgspool.snapshot.look import proof_of_death

    wid = attempt.record.worker or ""  # '' in a record that was torn
    return not attempt.over and is_wid(wid) and bool(proof_of_death(wid, spool.fs.names(spool.workers)))


def _facts(spool: Spool, attempt: Attempt, without_end: str) -> list[tuple[str, object]]:
    record = attempt.record
    return [
        ("outcome", record.outcome or ("-" if attempt.over else without_end)),
        ("reason", record.reason),
        ("exit code", record.exit_code),
        ("signal", record.signal),
        ("host", record.host),
        ("worker", record.worker),
        ("started", record.started),
        ("ended", record.ended),
        ("ran for", None if record.seconds is None else output.duration(record.seconds)),
        ("CPU time", None if record.cpu_seconds is None else output.duration(record.cpu_seconds)),
        ("peak memory", None if record.peak_memory_bytes is None else in_words(record.peak_memory_bytes)),
        ("directory", record.cwd),
        ("git commit", record.git),
        ("record", f"{spool.root}/{attempt.path()}"),
        *((kind, f"{spool.root}/{path}{_bytes(size)}") for kind, path, size in (
            ("stdout", _log(spool, attempt, "out"), record.stdout_bytes),
            ("stderr", _log(spool, attempt, "err"), record.stderr_bytes),
        ) if path),
    ]  # fmt: skip


def _folder(spool: Spool, attempt: Attempt) -> str | None:
    """Where it ran, and when that may be why a command was not found, that nothing said so."""
    record = attempt.record
    if record.exit_code != 127:
        return record.cwd
    from dsgspool.cli.failing import is_folder_unsaid
    from dsgspool.spool.policies import read_policies

    if is_folder_unsaid(read_policies(spool), str(record.task), record):
        return f"{record.cwd} (it names no cwd)"
    return record.cwd


def _log(spool: Spool, attempt: Attempt, ending: str) -> str | None:
    """The log's path below the spool, None when there is none: an attempt that never began has no log."""
    from dsgspool.spool import lies

    path = attempt.path(ending)
    try:
        return path if lies(spool.fs, f"{spool.root}/{path}") else None
    except OSError:  # somebody's private one
        return path


def _bytes(size: int | None) -> str:
    return "" if size is None else f" ({in_words(size)})"


def _text(spool: Spool, task: Found) -> str:
    """The task file as it lies there, else as the last attempt ran it; secrets hidden."""
    from dsgspool.redaction import mask_text

    for place in task.places:
        try:
            data = spool.fs.read(f"{spool.folder(place.state)}/{place.path}", 1 << 18)[0]
        except OSError:
            continue  # it moved on since it was listed: the record has the text
        return mask_text(data.decode(errors="replace"))
    return next((attempt.record.text for attempt in reversed(task.attempts) if attempt.record.text), "")


def _entry(spool: Spool, task: Found) -> dict[str, object]:
    return {
        "task": task.identity,
        "state": task.state,
        "files": [f"{place.state}/{place.path}" for place in task.places],
        "attempts": [_attempt_entry(spool, attempt) for attempt in task.attempts],
        "text": _text(spool, task),
    }


def _attempt_entry(spool: Spool, attempt: Attempt) -> dict[str, object]:
    from dataclasses import asdict

    record = {key: value for key, value in asdict(attempt.record).items() if key != "text" and value is not None}
    logs = {"record": attempt.path(), "stdout": _log(spool, attempt, "out"), "stderr": _log(spool, attempt, "err")}
    return {**record, "attempt": attempt.number, "over": attempt.over, **logs}


# -- one item of a sweep


def _show_item(spool: Spool, item: Item, *, as_json: bool) -> None:
    from dsgspool.redaction import mask_mapping

    values = None if item.values is None else mask_mapping(item.values)
    if as_json:
        entry = {
            "task": item.identity,
            "state": item.state,
            "chunk": item.task.identity,
            "files": [f"{place.state}/{place.path}" for place in item.task.places],
            "values": values,
            "attempts": [_line_entry(line) for line in item.lines],
        }
        output.json([entry])
        return
    output.heading(item.identity)
    files = [f"{spool.folder(place.state)}/{place.path}" for place in item.task.places]
    output.fields(
        [("state", item.state), ("rest" if item.range.is_rest else "chunk", item.task.identity)]
        + [("file", file) for file in files]
        + list((values or {}).items())
    )
    for line in item.lines:
        output.heading(f"attempt {line.attempt.number}")
        parts = [(kind, *line.part(ending)) for kind, ending in (("stdout", "out"), ("stderr", "err"))]
        output.fields(
            [("outcome", line.outcome), ("started", line.started), ("ran for", output.duration(line.seconds))]
            + [(kind, f"{in_words(size)}, from byte {at}") for kind, at, size in parts]
            + [("index", f"{spool.root}/{line.attempt.path('items')}")]
        )


def _line_entry(line: Line) -> dict[str, object]:
    where = {
        kind: {"file": line.attempt.path(ending), "offset": line.part(ending)[0], "bytes": line.part(ending)[1]}
        for kind, ending in (("stdout", "out"), ("stderr", "err"))
    }
    known = {"outcome": line.outcome, "started": line.started, "seconds": line.seconds}
    return {"attempt": line.attempt.number, **known, **where}
