"""What `submit --dry-run` prints: every task file, each with its name above it as a comment.

The rule: what `submit` itself would refuse is refused here too, and a name is the one that the task would get.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dsgspool.cli import drafting, output

if TYPE_CHECKING:
    from dsgspool.cli.ordering import Order
    from dsgspool.spool import Spool


def show(spool: Spool, order: Order) -> None:
    """Print them; nothing is submitted."""
    from dsgspool.names import check_identity

    if order.named:
        check_identity(order.named)
    for name, data in _texts(spool, order):
        output.line(f"# {name}")
        output.block(data.decode(errors="replace"))
    output.note("dsgspool: dry run, nothing was submitted")


def _texts(spool: Spool, order: Order) -> Iterable[tuple[str, bytes]]:
    """(name, text) of each; what is not known before it is submitted is told by stars."""
    prefix = f"{order.batch}/" if order.batch else ""
    if order.files:
        return drafting.read_files(spool, order.files, order.batch, order.named)
    if order.lines is not None:
        bodies = drafting.texts_of_lines(order.command, order.lines, order.keys)
        numbers = (f"{n // 1000:03d}/{n % 1000 + 1:05d}" for n in range(len(order.lines)))
        return ((f"{prefix or 'BATCH/'}{number}", text) for number, text in zip(numbers, bodies, strict=True))
    generated = f"{prefix}{drafting.stem_of(order.command or '')}-********"
    return [(order.named or generated, drafting.text_of(order.command or "", order.keys))]
