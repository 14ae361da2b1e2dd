"""One rendering of the report, and what is said of it: for `quick`, without typer, and for `report` with its options.

The rule: the path of the page is all that goes to stdout, so that `xdg-open $(dsgspool report)` works; with `text` it is
report.txt instead.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING
from urllib.parse import quote

from dsgspool.cli import output

if TYPE_CHECKING:
    from dsgspool.spool import Spool


def write(spool: Spool, *, text: bool = False) -> None:
    """Write the report.  StorageError when that is not possible."""
    gc.disable()  # a tenth of the time of these imports, and a rendering does it anyway
    from dsgspool.cli.sentences import sentences
    from dsgspool.report.site import write_site

    path = write_site(spool, explain=sentences(spool))
    if text:
        show(spool)
        return
    output.line(path)
    output.note(f"open it in a browser: file://{quote(path, errors='surrogateescape')}")


def show(spool: Spool) -> None:
    """Print report.txt."""
    output.block(spool.fs.read(f"{spool.root}/reports/report.txt")[0].decode(errors="replace"))
