"""What `why` says first of many tasks, for the report.

The rule: the very sentences of `why`, from one look of their own; what has moved on meanwhile is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from dsgspool.spool import Spool


def sentences(spool: Spool) -> Callable[[Collection[str]], Mapping[str, str]]:
    """Of names of tasks that do not run: name -> why; paths are told as seen from the spool."""

    def explain(names: Collection[str]) -> Mapping[str, str]:
        from dsgspool import snapshot
        from dsgspool.cli.context import server_clock
        from dsgspool.cli.reasons import Reasons
        from dsgspool.spool.editing import EDITABLE

        seen = snapshot.take(spool, server=server_clock(spool))
        reasons, wanted = Reasons(spool, seen), frozenset(names)
        asked = [task for task in seen.tasks if task.identity in wanted and task.state in EDITABLE]
        return {task.identity: reasons.of(task).because.replace(f"{spool.root}/", "") for task in asked}

    return explain
