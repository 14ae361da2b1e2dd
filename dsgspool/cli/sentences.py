"""What `why` says first of many tasks, for the report: all reasons of each.

The rule: the very sentences of `why`, from one look of their own; what has moved on meanwhile is left out, and so is what
would keep the report waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from dsgspool.spool import Spool


SECONDS = 2.0  #: after which no more is told
LONGEST = 500  #: characters of a sentence: that of a canary of 1,000 tasks names them all, for each of its batch


def sentences(spool: Spool) -> Callable[[Collection[str]], Mapping[str, str]]:
    """Of names of tasks that do not run: name -> why, the first names first; paths are told as seen from the spool."""

    def explain(names: Collection[str]) -> Mapping[str, str]:
        from dsgspool import snapshot
        from dsgspool.cli.behind import BESIDES
        from dsgspool.cli.context import server_clock
        from dsgspool.cli.reasons import Reasons
        from dsgspool.spool.editing import EDITABLE

        seen = snapshot.take(spool, server=server_clock(spool))
        reasons, place = Reasons(spool, seen), {name: at for at, name in enumerate(names)}
        asked = [task for task in seen.tasks if task.identity in place and task.state in EDITABLE]
        said, began = dict[str, str](), spool.clock.boot()
        for task in sorted(asked, key=lambda task: place[task.identity]):
            answer = reasons.of(task)
            besides = [text for text in answer.more if text.startswith(BESIDES)]
            because = "; ".join((answer.because, *besides)).replace(f"{spool.root}/", "")
            said[task.identity] = because if len(because) <= LONGEST else f"{because[:LONGEST]} ..."
            if spool.clock.boot() - began > SECONDS:
                break
        return said

    return explain
