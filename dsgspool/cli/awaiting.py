"""`after` at submission: `--after` on the command line, circles, and names that nobody has heard of.

The rule: a circle is an error, because nothing in it could ever run; an unknown name is only told, because its task may
be submitted later.  The spool is looked at only when something waits for something, and of what is finished, which may be
a million files, only what is asked for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from dsgspool import names
from dsgspool.cli import output
from dsgspool.codec import parse_task
from dsgspool.errors import InvalidName, InvalidTask
from dsgspool.names import TaskName, check_after
from dsgspool.policy import final_of
from dsgspool.snapshot.awaited import circles, ends, meant_instead
from dsgspool.spool import Spool
from dsgspool.spool.dependencies import OPEN_STATES, Dependencies, Standing, meaning
from dsgspool.spool.policies import read_policies
from dsgspool.task import WANTS, After, State

TOLD = 5  #: names that are unknown


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


def examine(spool: Spool, texts: Mapping[str, bytes], batch: str = "") -> None:
    """Raise for a circle; say which names are unknown.  `texts`: what is to be submitted, by its name; of one in `batch` that
    has none yet by ''."""
    settings, policies = spool.settings(), read_policies(spool)
    mine = {
        name: parse_task(data, settings.task, policies.template(name), timezone=settings.timezone).after
        for name, data in texts.items()
    }
    if not any(mine.values()):
        return
    waiting: dict[str, tuple[str, ...]] = {name.identity: (what,) for what, name in _waiting(spool)}
    waiting |= {name: tuple(entry.what for entry in after) for name, after in mine.items()}
    is_there = _known(spool, mine)
    finals = {final_of(batch): batch for batch, entry in policies.entries.items() if entry.policy.final}
    waiting |= ends(finals, {what for what in chain(*waiting.values()) if what in finals and not is_there(what)})
    for circle in circles(waiting):
        if mine.keys() & set(circle):
            way = " waits for ".join((*circle, circle[0]))
            raise InvalidTask(f"{way}: none of them could ever run", remedy="take one of these `after` out")
    wanted = dict.fromkeys(entry.what for after in mine.values() for entry in after)
    unknown = [what for what in wanted if not (_is_meant(what, finals) or is_there(what))]
    if unknown:
        named = {name or f"{batch}/": after for name, after in mine.items()}
        _tell_unknown(unknown, named, lambda what: is_there(what) or what.removesuffix("/") in policies.entries)


def _tell_unknown(unknown: Sequence[str], mine: Mapping[str, Sequence[After]], is_there: Callable[[str], bool]) -> None:
    """Nothing is called so; what may have been meant."""
    asked = unknown[:TOLD]
    waiters = {
        what: [name for name, after in mine.items() if any(e.what == what for e in after)][:TOLD] for what in asked
    }
    instead = {what: meant_instead(what, waiters[what], is_there) for what in asked}
    for batch in (what for what, meant in instead.items() if meant == f"{what}/"):
        output.hint(f"{batch} is a batch: write {batch}/; as it is, it waits for a task {batch}, and there is none yet")
    if not (others := [what for what in unknown if instead.get(what) != f"{what}/"]):
        return
    more = f" and {len(others) - TOLD} more" if len(others) > TOLD else ""
    guesses = (name for what in others[:TOLD] for name in (_plainly(what), _escaped(what), instead.get(what)))
    meant = next((f"; did you mean {name}?" for name in guesses if name and is_there(name)), "")
    output.hint(
        f"nothing is called {', '.join(others[:TOLD])}{more} yet: "
        f"what waits for it runs when it was submitted and is over{meant}"
    )


def _plainly(what: str) -> str:
    """The name in what may be the path of a file, or have a word behind it that is no end; '' when it is as plain before."""
    first, _, rest = what.partition("/")
    name = (rest if first in set(State) else what).removesuffix(".yaml")
    name = name if name != what else what.rpartition(":")[0]
    with contextlib.suppress(InvalidName):
        return check_after(name)
    return ""


def _escaped(what: str) -> str:
    """The pattern for a name with brackets, which by itself is one for other names; '' when there are none."""
    return what.replace("[", "[[]") if "[" in what else ""


def _waiting(spool: Spool) -> Iterator[tuple[str, TaskName]]:
    """(what it waits for, name) of each task that waits for others already."""
    for path, name in spool.tasks(State.WAITING):
        if what := names.parse_after(path.partition("/")[0]):
            yield what, name


def _known(spool: Spool, mine: Iterable[str]) -> Callable[[str], bool]:
    """Whether anything is called so, finished or not."""
    alive = {*mine, *(name.identity for state in OPEN_STATES for _, name in spool.tasks(state))}
    finished = Dependencies(spool)
    return lambda what: _is_meant(what, alive) or finished.standing(what)[0] is not Standing.OPEN


def _is_meant(what: str, names: Collection[str]) -> bool:
    return any(map(meaning(what), names)) if After(what).is_many else what in names
