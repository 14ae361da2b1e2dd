"""Answers that say the same of many tasks, put together.

The rule: the same reason and the same remedies, once the name is left out, are told once; what differs beyond that, such
as a moment, a place in the queue, or a line of a log, is told of the first one, with its name.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence

from dsgspool.cli.behind import Answer
from dsgspool.clock import Clock
from dsgspool.expressions import expression

NAMED = 3  #: tasks that are named above what is told of all
PASTED = 20  #: names in a command for all
MOST, LEAST, SECONDS = 1000, 20, 2.0  #: tasks that are asked about, when nobody says how many; paragraphs; time
#: What tells tasks of one reason apart.
_MOMENT = expression(r"\w+ \d\d \w+ (?:\d{4} )?\d\d:\d\d:\d\d")
_PLACE = expression(r"it is next|[\d,]+ tasks? lies? before it")
_MANY = ("dsgspool edit ", "dsgspool release ", "dsgspool requeue ")  #: verbs that take several names


def answered(asked: Sequence[Callable[[], Answer]], limit: int | None, clock: Clock) -> list[list[Answer]]:
    """Groups of answers, in the order of the first of each; without a limit as many as make no flood and no long wait."""
    groups: dict[object, list[Answer]] = {}
    began, most = clock.boot(), limit or MOST
    for number, question in enumerate(asked[:most]):
        if limit is None and number >= LEAST and (clock.boot() - began > SECONDS or len(groups) >= LEAST):
            break
        answer = question()
        groups.setdefault(_key(answer), []).append(answer)
    return list(groups.values())


def _key(answer: Answer) -> object:
    because = _PLACE.sub("N before it", _MOMENT.sub("T", answer.because))
    return answer.state, _alike(because, answer), *(_nameless(text, answer) for text in answer.remedies)


def _alike(text: str, answer: Answer) -> str:
    """A sentence without the name of the task; a number may be one, and that of its slots as well."""
    return text if answer.task.isdecimal() else _nameless(text, answer)


def _nameless(text: str, answer: Answer) -> str:
    """Without the name of the task, and without what a file's name has behind it."""
    return re.sub(rf"(?<!\w){re.escape(answer.task)}(?:~[^\s']*)?(?!\w)", "*", text).replace("'", "")


def title(group: Sequence[Answer]) -> str:
    """Of whom the rest is told."""
    names = ", ".join(answer.task for answer in group[:NAMED])
    return names + (f" and {len(group) - NAMED:,} more" if len(group) > NAMED else "")


def told(group: Sequence[Answer]) -> Iterator[str]:
    """The sentences; what is not so of all has the name of the first before it."""
    others = [{_alike(text, answer) for text in _sentences(answer)} for answer in group[1:]]
    for text in _sentences(group[0]):
        is_so = all(_alike(text, group[0]) in said for said in others)
        yield text if is_so else f"{group[0].task}: {text}"


def _sentences(answer: Answer) -> list[str]:
    return [answer.because, *answer.more, *(f"{wid}: {text}" for wid, text in answer.nodes.items())]


def remedies(group: Sequence[Answer]) -> Iterator[str]:
    """What helps all of them."""
    first, are_left = group[0], False
    names = [shlex.quote(answer.task) for answer in group]
    for text in first.remedies:
        words = rf"(?<=\s){re.escape(names[0])}(?=\s|$)"
        if text.startswith(_MANY) and re.search(words, text):
            yield re.sub(words, lambda _: " ".join(names[:PASTED]), text)
            are_left = are_left or len(names) > PASTED
        else:
            yield text
            are_left = are_left or (len(names) > 1 and _nameless(text, first) != text.replace("'", ""))
    if are_left:
        yield "the same for the others"
