"""Where the files lie that ship beside the code: the report's templates and the spool that `init` lays down.

The rule: one lookup for both homes.  In a wheel they are package data (`dsgspool/_reports`, `dsgspool/_template`); in a
checkout they stand at its top (`reports/`, `spool_template/`), where people look for them and edit them.
"""

from __future__ import annotations

import os

_PACKAGE = os.path.dirname(os.path.abspath(__file__))


def reports() -> str:
    """The folder of the report's templates, style sheet and script."""
    return _folder("_reports", "reports")


def spool_template() -> str:
    """The folder that `dsgspool init` copies."""
    return _folder("_template", "spool_template")


def _folder(packed: str, source: str) -> str:
    inside = f"{_PACKAGE}/{packed}"
    return inside if os.path.isdir(inside) else f"{os.path.dirname(_PACKAGE)}/{source}"
