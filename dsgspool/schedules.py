"""schedules/NAME.yaml -> the moments at which a task of it is due.

The rule: what is due follows from the file, the moment before and the moment now alone, so all who ask find the same; a
tick is named by its minute in UTC, which happens once.
"""

from __future__ import annotations

import zoneinfo
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from dsgspool import fields
from dsgspool.classes import dataclass
from dsgspool.codec import KNOWN, parse_task
from dsgspool.errors import InvalidTask
from dsgspool.rewriting import block_of
from dsgspool.task import Task
from dsgspool.yamltext import Node, check_keys, compose, pairs, wrong

MOST = 100  #: ticks that are made up for after a pause
IN_TIME = 120.0  #: seconds: a tick that is no older has not been missed; more than a change of the leader takes
_WINDOWS = (timedelta(hours=1), timedelta(days=1), timedelta(days=32), timedelta(days=366), timedelta(days=366 * 9))
_KEYS = ("cron", "timezone", "overlap", "catch_up", "task")
_BELOW = dict.fromkeys(KNOWN, "it belongs to the task: write it below `task:`, with two spaces in front")


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a file says.  `text` is the task file of each instance; catch_up: none, last or all; `skips`: no overlap."""

    cron: str
    zone: zoneinfo.ZoneInfo
    text: bytes
    skips: bool = True
    catch_up: str = "last"

    def due(self, since: float, now: float) -> list[float]:
        """Ticks after `since` up to `now` that an instance is to be made of, the oldest first; Unix time."""
        if since >= now:  # a clock that jumped back, or a file from the year 10000, which no date can tell
            return []
        if self.catch_up == "none":
            since = max(since, now - IN_TIME)
        most = 1 if self.catch_up == "last" else MOST
        for window in _WINDOWS:  # from a near moment on: a year of minutes would take seconds to count
            begin = max(since, now - window.total_seconds())
            found = deque((tick for tick in self._until(begin, now)), most)
            if len(found) == most or begin == since:
                break
        return list(found)

    def following(self, now: float, count: int) -> list[float]:
        """The next ticks."""
        return [tick for _, tick in zip(range(count), self._after(now), strict=False)]

    def _until(self, since: float, now: float) -> Iterator[float]:
        for tick in self._after(since):
            if tick > now:
                return
            yield tick

    def _after(self, moment: float) -> Iterator[float]:
        from cronsim import CronSim  # 4 ms that only schedules need

        # cronsim asked in the second one of an hour that comes twice begins with fixed hours of the first one.
        for tick in CronSim(self.cron, datetime.fromtimestamp(moment, self.zone)):
            if tick.timestamp() > moment:
                yield tick.timestamp()


def parse_schedule(data: bytes, defaults: Task, timezone: str | None) -> Schedule:
    """What a file says; InvalidTask with line, reason and remedy.  Its task is checked as a task file is."""
    root = compose(data)
    check_keys(root, _KEYS, (), _BELOW)
    nodes = {key.value: value for key, value in pairs(root, "the file")}
    for key in ("cron", "task"):
        if key not in nodes:
            raise InvalidTask(f"`{key}` is missing", line=1, remedy="see docs/time.md")
    text = block_of(data, "task")
    try:
        parse_task(text, defaults, timezone=timezone)
    except InvalidTask as error:
        above = next(key.line for key, _ in pairs(root, "the file") if key.value == "task")
        line = error.line and error.line + above
        raise InvalidTask(error.reason, line=line, remedy=error.remedy) from None
    given = {key: _READERS[key](node, key) for key, node in nodes.items() if key in _READERS}
    return Schedule(
        _cron(nodes["cron"]), given.get("timezone") or zoneinfo.ZoneInfo(timezone or "UTC"), text,
        given.get("overlap", "skip") == "skip", given.get("catch_up", "last"),
    )  # fmt: skip


def _cron(node: Node) -> str:
    from cronsim import CronSim, CronSimError

    text = fields.text(node, "cron")
    why = "" if len(text.split()) == 5 else "it has not five parts"  # cronsim takes seconds too
    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration, ValueError) as error:  # ValueError: a number of 5,000 digits
        why = why or f"{str(error) or 'that never comes'}{_never(text)}"
    if why:
        remedy = 'write minute, hour, day, month, weekday, such as "0 3 * * *" for 3:00 every day'
        raise wrong(node, f"`cron` is {text!r}: {why}", remedy)
    return text


def _never(text: str) -> str:
    """Why that moment is none, though each of its parts could be, as with 31 February; else ''."""
    from cronsim import CronSim, CronSimError

    minute, hour, day, month, weekday = text.split()
    try:
        CronSim(f"{minute} {hour} {day} * {weekday}", datetime(2026, 1, 1, tzinfo=UTC))
        CronSim(f"{minute} {hour} * {month} {weekday}", datetime(2026, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError):
        return ""
    return f": day {day} never comes in month {month}"


_READERS: dict[str, Callable[[Node, str], Any]] = {
    "timezone": fields.zone,
    "overlap": lambda node, what: fields.choice(node, what, ("skip", "allow")),
    "catch_up": lambda node, what: fields.choice(node, what, ("none", "last", "all")),
}


def stamp_of(tick: float) -> str:
    """`20261129T0200Z`: how a tick is called."""
    return datetime.fromtimestamp(tick, UTC).strftime("%Y%m%dT%H%MZ")


def tick_of(stamp: str) -> float | None:
    """Unix time of a tick's name, None for what is none."""
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%MZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
