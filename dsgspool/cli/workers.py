"""`dsgspool workers` and `dsgspool workers set`.

The rule: a worker is told things through its file workers/WID.control.yaml, which it reads at every heartbeat; what was
set before and is not named now stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.arguments import Json
from dsgspool.cli.context import open_spool, seen_as_told, server_clock, usage, worker_ids
from dsgspool.cli.overview import entry, row, show_rests, show_stock

if TYPE_CHECKING:
    from dsgspool.conditions import Inventory
    from dsgspool.settings import Control
    from dsgspool.snapshot import WorkerSeen
    from dsgspool.spool import Spool

app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True)


@app.callback()
def workers(
    context: typer.Context,
    everyone: Annotated[bool, typer.Option("--all", help="Also those that ended in order, or died long ago.")] = False,
    as_json: Json = False,
) -> None:
    """List workers, or `set` something.  See also: dsgspool workers set --help."""
    from dsgspool import snapshot

    if context.invoked_subcommand:
        return
    spool = open_spool(context)
    seen = seen_as_told(snapshot.take(spool, server=server_clock(spool)))
    there = [worker for worker in seen.workers if everyone or worker.is_news]
    exits = {worker.wid: exit_of(spool, worker.wid) if worker.ended else None for worker in there}
    if as_json:
        output.json([{**entry(worker), "exit": exits[worker.wid]} for worker in there])
    else:
        rows = [(*_row(worker, exits[worker.wid]), *_has(worker.inventory)) for worker in there]
        output.table(("WORKER", "STATE", "SLOTS", "HEARTBEAT", "CPUS", "MEMORY", "SCRATCH", "GPUS", "OTHER"), rows)
        show_rests(there)
        show_stock(seen)


def exit_of(spool: Spool, wid: str) -> int | None:
    """How a worker ended, as its tombstone says (negative: the signal that killed it); None when it says nothing."""
    import json

    try:
        told = json.loads(spool.fs.read_fresh(f"{spool.workers}/{wid}.dead") or b"")
    except (OSError, ValueError, RecursionError):  # pruned, not mine to read, or made by an operator's `touch`
        return None
    code = told.get("exit") if isinstance(told, dict) else None
    return code if type(code) is int else None


def _row(worker: WorkerSeen, code: int | None) -> tuple[str, ...]:
    """A worker as the tables show it, and which signal killed it: after Ctrl-C it ends by itself."""
    wid, state, *rest = row(worker)
    return (wid, f"killed (signal {-code})" if code is not None and code < 0 else state, *rest)


def _has(node: Inventory) -> tuple[str, ...]:
    """What a node has, in the columns of the table."""
    from collections import Counter

    from dsgspool.conditions import about

    kinds = Counter(f"{gpu.model} {about(gpu.memory)}" for gpu in node.gpus)
    gpus = ", ".join(f"{count} x {kind}" for kind, count in kinds.items()) or "-"
    counted = [f"{name}={count}" for name, count in node.resources.items()]
    labels = [f"{key}={text}" for key, text in node.labels.items()]
    other = " ".join([*labels, *counted, *(f"has:{name}" for name in node.software)]) or "-"
    return str(node.cpus), about(node.memory), about(node.scratch), gpus, other


@app.command("set")
def set_control(
    context: typer.Context,
    worker: Annotated[str, typer.Argument(metavar="WID", help="A worker's id, or a pattern such as 'n1-*'.")],
    changes: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE...", help="slots=4 paused=true run_between=weekends")
    ],
) -> None:
    """Change slots and hours of workers, pause or drain them, while they run."""
    from fnmatch import fnmatchcase

    from dsgspool.errors import NodeError

    spool = open_spool(context)
    chosen = [wid for wid in worker_ids(spool) if fnmatchcase(wid, worker)]
    if not chosen:
        raise NodeError(f"no running worker matches {worker!r}: see them with: dsgspool workers")
    # A file that is broken is found before the first one is written.
    texts = {wid: control_text(read_control(spool, wid), changes) for wid in chosen}
    for wid, data in texts.items():
        spool.fs.replace(control_path(spool, wid), data)
        output.line(f"{wid}: {', '.join(data.decode().splitlines()[:-1])}")


def control_path(spool: Spool, wid: str) -> str:
    """Where a worker looks for what it is told."""
    return f"{spool.workers}/{wid}.control.yaml"


def read_control(spool: Spool, wid: str) -> Control:
    """What a worker is told now, or was when it was started."""
    from dsgspool.settings import Control, parse_control
    from dsgspool.snapshot.look import facts_of

    path = control_path(spool, wid)
    data = spool.fs.read_fresh(path)
    paused = facts_of(spool, wid, {f"{wid}.yaml"}).get("paused") is True
    return parse_control(data, path, paused=paused) if data else Control(paused=paused)


def control_text(now: Control, changes: list[str]) -> bytes:
    """The control file after `KEY=VALUE` changes; a usage error for what no worker would understand."""
    from dsgspool.errors import SettingsError
    from dsgspool.nodes import written
    from dsgspool.settings import parse_control
    from dsgspool.yamlwriting import dump

    words = dict(change.partition("=")[::2] for change in changes)
    try:
        parse_control("".join(f"{key}: {value}\n" for key, value in words.items()).encode(), " ".join(changes))
    except SettingsError as error:
        raise usage(error.reason) from None
    kept = {"slots": now.slots, "paused": now.paused, "drain": now.drain, **dict(written(now.rules))}
    lines = dump((key, value) for key, value in kept.items() if key not in words and value is not None)
    lines = "" if lines == "{}\n" else lines
    return f"{lines}{''.join(f'{key}: {value}' + chr(10) for key, value in words.items())}...\n".encode()
