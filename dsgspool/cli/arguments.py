"""Arguments and options that several commands share.

The rule: one word, one meaning, one help text.
"""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Patterns = Annotated[list[str], typer.Argument(metavar="NAME...", help="Names or patterns such as 'sweep-a/*'.")]
