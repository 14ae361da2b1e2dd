"""The way in: `submit`, plain `status` and plain `report` without typer where that is possible, everything else through `app`.

The rule: a shortcut may only be faster.  It takes what it understands wholly and leaves every other command line alone.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence


def main() -> None:
    """What the console script runs."""
    from dsgspool.cli import pasting

    if None in (sys.stdin, sys.stdout, sys.stderr):
        from dsgspool.cli import exits

        exits.open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        # A name that this terminal cannot show must not stop a command.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    words = sys.argv[1:]
    pasting.GIVEN.set(_spool(words)[0])
    code = submit(words)
    if code is None:
        code = plain(words)
    if code is None:
        from dsgspool.cli.app import app

        app()
    sys.exit(code)


def submit(words: Sequence[str]) -> int | None:
    """Exit code of `[--spool DIR] submit ...`, None when it is another command or needs typer."""
    where, words = _spool(words)
    if words[:1] != ["submit"]:
        return None
    gc.disable()  # a tenth of the time of so short a life
    from dsgspool.cli import exits, ordering

    given = ordering.parse(words[1:])
    return None if given is None else exits.guarded(lambda: ordering.submit(where, given))


def plain(words: Sequence[str]) -> int | None:
    """Exit code of `[--spool DIR] status` or `report`, None when it is another command or has options."""
    where, words = _spool(words)
    run = {"status": _status, "report": _report}.get(" ".join(words))
    if run is None:
        return None
    gc.disable()
    from dsgspool.cli import exits

    return exits.guarded(lambda: run(where))


def _status(where: str | None) -> None:
    from dsgspool.cli import overview
    from dsgspool.spool import Spool

    overview.show(overview.look(Spool.find(where)))


def _report(where: str | None) -> None:
    from dsgspool.cli import pages
    from dsgspool.spool import Spool

    pages.write(Spool.find(where))


def _spool(words: Sequence[str]) -> tuple[str | None, Sequence[str]]:
    """The global option --spool and what follows."""
    if words[:1] == ["--spool"]:
        return (words[1] if len(words) > 1 else None), words[2:]
    if words and words[0].startswith("--spool="):
        return words[0].partition("=")[2], words[1:]
    return None, words
