"""When work may begin: `19:00-08:00`, `mon-fri 19:00-08:00, weekends`.

The rule: the clock on the wall decides, whatever it was set to on the way: a time that comes twice on the day on which
clocks are put back counts both times, and one that is left out never comes.  A window belongs to the day on which it
begins.  Nothing here knows what time it is.
"""

from __future__ import annotations

from datetime import datetime, tzinfo

from dsgspool.classes import dataclass
from dsgspool.errors import InvalidTask
from dsgspool.expressions import expression

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPANS = {"weekdays": ("mon", "fri"), "weekends": ("sat", "sun")}
_DAY = 24 * 60  #: minutes
_WEEK = 8 * _DAY  #: minutes after which everything has come once, also when clocks are changed meanwhile
_TIME = expression(r"([01]?[0-9]|2[0-4]):([0-5][0-9])")
GRAMMAR = "write such as 19:00-08:00, `mon-fri 19:00-08:00` or weekends, with commas between several"


@dataclass(frozen=True, slots=True)
class Window:
    """On these days (0 = Monday) from one minute after midnight until before another: of the next day when not later."""

    days: frozenset[int] = frozenset(range(7))
    begin: int = 0
    end: int = _DAY

    def holds(self, day: int, minute: int) -> bool:
        """True when it is open on that day at that minute."""
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        return (day in self.days and minute >= self.begin) or ((day - 1) % 7 in self.days and minute < self.end)


@dataclass(frozen=True, slots=True)
class Hours:
    """What `run_between` says; `text` is how it was written."""

    text: str
    windows: tuple[Window, ...]

    def hold(self, moment: float, zone: tzinfo | None) -> bool:
        """True when work may begin then.  `zone` None = the one of this machine."""
        wall = datetime.fromtimestamp(moment, zone)
        return any(window.holds(wall.weekday(), wall.hour * 60 + wall.minute) for window in self.windows)

    def changes(self, moment: float, zone: tzinfo | None) -> float | None:
        """The next minute at which that is otherwise, None when there is none."""
        now, minute = self.hold(moment, zone), moment // 60 * 60
        # Minute by minute, at most 20 ms: where clocks are changed an edge may lie at none of the times that are written.
        later = (minute + 60 * count for count in range(1, _WEEK))
        return next((each for each in later if self.hold(each, zone) != now), None)


def parse_hours(text: str) -> Hours:
    """What a text says; InvalidTask with the entry, the reason and what to write."""
    return Hours(text.strip(), tuple(_window(entry.strip().lower()) for entry in text.split(",")))


def _window(entry: str) -> Window:
    if not entry:
        raise InvalidTask("an entry is empty", remedy=GRAMMAR)
    if entry == "always":
        return Window()
    *days, last = entry.split()
    if not days and not last[0].isdecimal():
        return Window(_days(last))
    if len(days) > 1 or not last[0].isdecimal():
        raise InvalidTask(f"`{entry}` is not days and then a time", remedy=GRAMMAR)
    begin, dash, end = last.partition("-")
    if not dash:
        raise InvalidTask(f"`{last}` has no end", remedy=GRAMMAR)
    window = Window(_days(days[0]) if days else Window().days, _minute(begin), _minute(end))
    if window.begin == window.end or window.begin == _DAY:
        raise InvalidTask(f"`{last}` is no time at all", remedy="write 00:00-24:00 for a whole day")
    return window


def _days(text: str) -> frozenset[int]:
    first, dash, last = text.partition("-")
    first, last = _SPANS.get(text, (first, last if dash else first))
    for word in (first, last):
        if word not in DAYS:
            known = f"{' '.join(DAYS)}, weekdays or weekends"
            raise InvalidTask(f"`{word or text}` is no day", remedy=f"write {known}; two days with - between them")
    begin, end = DAYS.index(first), DAYS.index(last)
    return frozenset((begin + step) % 7 for step in range((end - begin) % 7 + 1))


def _minute(text: str) -> int:
    match = _TIME.fullmatch(text)
    minute = int(match[1]) * 60 + int(match[2]) if match else _DAY + 1
    if minute > _DAY:
        raise InvalidTask(f"`{text}` is no time of day", remedy="write one from 00:00 to 24:00")
    return minute
