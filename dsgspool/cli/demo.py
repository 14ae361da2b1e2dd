"""`dsgspool demo`.

The rule: everything in it is real, and the last lines say where to look, what failed and why, and what to try.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import exits, output
from dsgspool.cli.context import program

if TYPE_CHECKING:
    from dsgspool.cli.waiting import Watch
    from dsgspool.demo.run import Workers


def demo(
    folder: Annotated[
        str, typer.Option("--dir", metavar="DIR", help="Where; a new folder beside it when it is there.")
    ] = "dsgspool-demo",
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, max=64, help="How many workers to start.")
    ] = 2,
) -> None:
    """Run a small real study in a new spool.  Starts workers, writes the report; half a minute."""
    from dsgspool.cli.waiting import Watch
    from dsgspool.demo import run
    from dsgspool.report.site import write_site
    from dsgspool.spool import Spool
    from dsgspool.spool.laying import lay_down

    root = run.new_folder(folder)
    list(lay_down(root))
    spool = Spool.open(root)
    names = run.submit_study(spool, run.lay_study(root))
    output.line(f"{root} is a spool, with {len(names)} tasks in todo/ and {workers} workers")
    sys.stdout.flush()  # a pipe would keep it until the end
    tasks = Watch(spool, set(names))
    _work(run.Workers.start(spool, workers), tasks)
    _tell(root, tasks, write_site(spool))
    if tasks.open or tasks.removed or tasks.failed != run.DESIGN:
        unexpected = sorted((tasks.failed.items() ^ run.DESIGN.items()) | {(name, "not over") for name in tasks.open})
        output.error(
            f"not as it was meant to go: {', '.join(f'{n} ({why})' for n, why in unexpected)}; see {root}/worker-*.log"
        )
        raise SystemExit(exits.FAILED)


def _work(workers: Workers, tasks: Watch) -> None:
    """Show how far it is until nothing is left or the workers are gone; take them along on Ctrl-C."""
    from dsgspool.cli.wait import shown
    from dsgspool.cli.waiting import watch

    try:
        for _ in shown(watch(tasks.spool, tasks, None, workers.alive)):
            pass
        for _ in workers.until_over():
            pass
    finally:
        workers.stop()


def _tell(root: str, tasks: Watch, report: str) -> None:
    """Where to look, what failed and why, what to try next."""
    output.line("")
    output.heading(f"{len(tasks.done)} tasks are done and {len(tasks.failed)} failed, as real tasks do:")
    output.block(
        "describe/adelie-torgersen~exit1   a bird was not measured, and the script trips over its NA\n"
        "permutation/exhaustive~timeout    all ways to deal the birds: hours, but its timeout is 3 s\n"
        "(fit/gentoo failed too, was tried again by itself from another start, and converged)",
        "  ",
    )
    output.heading("Look:")
    output.block(
        f"cd {root}\n"
        "ls todo running done failed                 the folder is the state\n"
        "cat logs/fit/gentoo.*.err                   what a task wrote, attempt by attempt\n"
        "cat logs/describe/adelie-torgersen.1.yaml   all that is known of an attempt\n"
        "cat study/results/summary.json              what came of it\n"
        f"{report}   the report, in a browser",
        "  ",
    )
    output.heading("Try, in that folder: mend what failed and run it again")
    again = "mkdir -p todo/describe && mv failed/describe/*~exit1.yaml todo/describe/"
    output.block(f"{_mend(root)}\n{again}\n{program()} worker --until-empty", "  ")


def _mend(root: str) -> str:
    """The command that mends the task that failed, for the form in which its command was written."""
    from dsgspool.fs import Fs

    file = "failed/describe/adelie-torgersen~exit1.yaml"
    try:
        listed = b"Torgersen]" in Fs().read(f"{root}/{file}")[0]
    except FileNotFoundError:
        return f"vi {file}"
    change = "s/Torgersen]/Torgersen, --drop-na]/" if listed else "s/  - Torgersen/&\\n  - --drop-na/"
    return f"sed -i '{change}' {file}"
