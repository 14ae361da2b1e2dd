"""`dsgspool report`: the page that tells it all, for people who never open a terminal.

The rule: it prints the path of the page and nothing else on stdout, so that `xdg-open $(dsgspool report)` works.
"""

from __future__ import annotations

import typer

from dsgspool.cli import output
from dsgspool.cli.context import open_spool


def report(context: typer.Context) -> None:
    """Write reports/index.html, a page that any browser opens from the share."""
    from urllib.parse import quote

    from dsgspool.report.site import write_site

    path = write_site(open_spool(context))
    output.line(path)
    output.note(f"open it in a browser: file://{quote(path, errors='surrogateescape')}")
