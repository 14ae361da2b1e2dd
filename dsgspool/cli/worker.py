"""`dsgspool worker`.

The rule: this process becomes the guard; nothing of the command line stays in memory for the days that a worker lives.
"""

from __future__ import annotations

import os
import re
from typing import Annotated

import typer

from dsgspool.cli.context import open_spool, usage
from dsgspool.expressions import expression

_TEXT, _COUNT = expression(r"[A-Za-z0-9_.:/+-]{1,200}"), expression(r"[0-9]{1,9}")


def worker(
    context: typer.Context,
    slots: Annotated[
        int | None, typer.Option("--slots", metavar="N", min=1, help="Tasks at a time (else the CPUs it may use).")
    ] = None,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when nothing is left to do.")] = False,
    paused: Annotated[bool, typer.Option("--paused", help="Start without taking tasks.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print problems only.")] = False,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="KEY=TEXT", help="What `where` may ask for; repeat.")
    ] = None,
    resource: Annotated[
        list[str] | None, typer.Option("--resource", metavar="NAME=N", help="So many licences ... are here; repeat.")
    ] = None,
    scratch: Annotated[
        str, typer.Option("--scratch", metavar="DIR", help="Where tasks have scratch space (else $TMPDIR or /tmp).")
    ] = "",
    run_between: Annotated[
        str, typer.Option("--run-between", metavar="HOURS", help="Start tasks only then: '19:00-08:00, weekends'.")
    ] = "",
    only_when_idle: Annotated[
        bool, typer.Option("--only-when-idle", help="Start tasks only while nobody else uses this node.")
    ] = False,
    pin: Annotated[bool, typer.Option("--pin", help="Give each task CPUs of its own.")] = False,
) -> None:
    """Run tasks on this node until stopped.  Ctrl-C or SIGTERM: finish what runs, take no more; again: stop now."""
    from dsgspool import proc

    arguments = ["--spool", open_spool(context).root, "--slots", str(slots or proc.usable_cpus())]
    arguments += ["--scratch", os.path.abspath(scratch)] if scratch else []
    arguments += [part for word in label or [] for part in ("--label", _checked(word, _TEXT, "KEY=TEXT"))]
    arguments += [part for word in resource or [] for part in ("--resource", _checked(word, _COUNT, "NAME=N"))]
    arguments += ["--run-between", _hours(run_between)] if run_between else []
    flags = {
        "--until-empty": until_empty, "--paused": paused, "--quiet": quiet, "--pin": pin,
        "--only-when-idle": only_when_idle,
    }  # fmt: skip
    proc.become(proc.worker_command([*arguments, *(flag for flag, wanted in flags.items() if wanted)]))


def _hours(text: str) -> str:
    """The text itself; a usage error for one that means no time."""
    from dsgspool.errors import InvalidTask
    from dsgspool.hours import parse_hours

    try:
        return parse_hours(text).text
    except InvalidTask as error:
        raise usage(f"--run-between: {error}") from None


def _checked(word: str, form: re.Pattern[str], shown: str) -> str:
    """The word itself; a usage error for one that no task could ask for."""
    from dsgspool.conditions import ELSEWHERE, NUMBERS, is_name
    from dsgspool.requesting import KEYS

    name, _, value = word.partition("=")
    if not is_name(name) or not form.fullmatch(value):
        raise usage(f"{word!r} is no {shown}: a name begins with a letter and has no spaces, nor has what it is")
    if name in {*KEYS, *NUMBERS, *ELSEWHERE, "host", "gpu", "has"}:
        raise usage(f"{name!r} is measured or means something else: choose another name for it")
    return word
