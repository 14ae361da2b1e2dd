"""`after` at submission: `--after` on the command line, circles, and names that nobody has heard of.

The rule: a circle is an error, because nothing in it could ever run; an unknown name is only told, because its task may
be submitted later.  The spool is looked at only when something waits for something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dsgspool import snapshot
from dsgspool.cli import output
from dsgspool.codec import parse_task
from dsgspool.errors import InvalidName, InvalidTask
from dsgspool.names import check_after
from dsgspool.snapshot.awaited import circles
from dsgspool.spool import Spool
from dsgspool.spool.dependencies import meaning
from dsgspool.task import WANTS, After


def entries(words: Sequence[str]) -> object:
    """`after` for a task file from words such as `prep`, `clean:any`, `sweep-a/`."""
    found: dict[str, str] = {}
    for word in words:
        name, colon, wants = word.rpartition(":")
        what, how = (name, wants.strip()) if colon and wants.strip() in WANTS else (word, "success")
        try:
            found[check_after(what)] = how
        except InvalidName as error:
            raise InvalidTask(
                f"--after: {error}", remedy="write a name, a batch such as sweep-a/, or a pattern"
            ) from None
    return list(found) if set(found.values()) == {"success"} else found


def examine(spool: Spool, texts: Mapping[str, bytes]) -> None:
    """Raise for a circle; say which names are unknown.  `texts`: what is to be submitted, by its name."""
    settings = spool.settings()
    mine = {name: parse_task(data, settings.task, timezone=settings.timezone).after for name, data in texts.items()}
    if not any(mine.values()):
        return
    seen = snapshot.take(spool).tasks
    waiting: dict[str, tuple[str, ...]] = {task.identity: (task.after,) for task in seen if task.after}
    waiting |= {name: tuple(entry.what for entry in after) for name, after in mine.items()}
    for circle in circles(waiting):
        if mine.keys() & set(circle):
            way = " waits for ".join((*circle, circle[0]))
            raise InvalidTask(f"{way}: none of them could ever run", remedy="take one of these `after` out")
    known = {task.identity for task in seen} | mine.keys()
    unknown = [
        what for what in dict.fromkeys(e.what for after in mine.values() for e in after) if not _is_known(what, known)
    ]
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        output.hint(
            f"nothing is called {', '.join(unknown[:5])}{more} yet: what waits for it runs when it was submitted and is over"
        )


def _is_known(what: str, known: set[str]) -> bool:
    return any(map(meaning(what), known)) if After(what).is_many else what in known
