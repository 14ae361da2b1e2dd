"""What the live screen shows, and what each key does to it.

The rule: pure.  A key changes what is shown or answers with an `Act` for others to do; the cursor stays on its task when
the list around it changes, and what was asked about is what is done, whatever the list shows by then.
"""

from __future__ import annotations

from dataclasses import field

from dsgspool.classes import dataclass
from dsgspool.cli.top.values import Facts, Row, View
from dsgspool.task import TRANSITIONS, State

VERBS = {"h": "hold", "c": "cancel", "r": "requeue"}
STEPS = {"up": -1, "k": -1, "down": 1, "j": 1, "page-up": -10, "page-down": 10, "home": -(1 << 30), "end": 1 << 30}
NOT_SO = {
    "hold": "only what runs or waits can be held",
    "cancel": "it is over already",
    "requeue": "only what is over can be requeued: tab goes to the failures",
}


@dataclass(frozen=True, slots=True)
class Act:
    """Something to do: hold, cancel, requeue, log (with a row), pause, resume, redraw, quit."""

    verb: str
    row: Row | None = None


@dataclass(slots=True)
class Model:
    """The state of the screen."""

    facts: Facts = field(default_factory=Facts)
    view: View = View.RUNNING
    filter: str = ""
    is_typing: bool = False  #: the filter is being written
    is_helping: bool = False
    asked: Act | None = None  #: waits for y or n
    message: str = ""
    chosen: str = ""  #: identity of the task under the cursor: its path changes when a worker lets go of it
    index: int = 0

    # -- what is shown -------------------------------------------------------------------------------------------

    def rows(self, view: View | None = None) -> list[Row]:
        """Tasks of a list that fit the filter."""
        wanted = self.filter.lower()
        rows = self.facts.rows.get(view or self.view, ())
        return [row for row in rows if wanted in f"{row.identity}\n{row.node}\n{row.reason}\n{row.line}".lower()]

    def current(self) -> Row | None:
        """The task under the cursor."""
        rows = self.rows()
        return rows[self.index] if rows else None

    def window(self, height: int) -> tuple[int, list[Row]]:
        """Number of the first row and the rows that fit, the one under the cursor among them."""
        rows = self.rows()
        first = min(max(0, self.index - height // 2), max(0, len(rows) - height))
        return first, rows[first : first + height]

    def update(self, facts: Facts) -> None:
        """A new look: the cursor stays on its task."""
        self.facts = facts
        self._settle()

    def _settle(self) -> None:
        rows = self.rows()
        found = next((number for number, row in enumerate(rows) if row.identity == self.chosen), None)
        self.index = found if found is not None else max(0, min(self.index, len(rows) - 1))
        self.chosen = rows[self.index].identity if rows else ""

    # -- keys ----------------------------------------------------------------------------------------------------

    def key(self, key: str) -> Act | None:
        """One key."""
        self.message = ""
        if self.asked:
            return self._answer(key)
        if self.is_typing:
            return self._type(key)
        if self.is_helping:
            self.is_helping = False
            return Act("quit") if key == "q" else None
        if key in STEPS:
            self._step(STEPS[key])
        elif key in VERBS:
            return self._verb(VERBS[key])
        else:
            return self._other(key)
        return None

    def _answer(self, key: str) -> Act | None:
        act, self.asked = self.asked, None
        if key in ("y", "Y"):
            return act
        self.message = "nothing was done"
        return None

    def _type(self, key: str) -> Act | None:
        if key in ("enter", "escape"):
            self.is_typing = False
            self.filter = self.filter if key == "enter" else ""
        elif key == "backspace":
            self.filter = self.filter[:-1]
        elif len(key) == 1:
            self.filter += key
        self._settle()
        return None

    def _step(self, step: int) -> None:
        rows = self.rows()
        self.index = max(0, min(self.index + step, len(rows) - 1))
        self.chosen = rows[self.index].identity if rows else ""

    def _verb(self, verb: str) -> Act | None:
        row = self.current()
        if row is None:
            self.message = "no task is chosen"
        elif row.state not in TRANSITIONS[verb][0]:
            self.message = f"{row.identity}: {NOT_SO[verb]}"
        elif verb == "cancel" or row.state is State.RUNNING:  # work would be lost
            self.asked = Act(verb, row)
        else:
            return Act(verb, row)
        return None

    def _other(self, key: str) -> Act | None:
        match key:
            case "tab" | "back-tab":
                self._turn(1 if key == "tab" else -1)
            case "/":
                self.is_typing, self.filter = True, ""
                self._settle()
            case "escape":
                self.filter = ""
                self._settle()
            case "?":
                self.is_helping = True
            case "l" | "enter":
                return self._log()
            case "p":
                return Act("resume" if self.facts.paused else "pause")
            case "q":
                return Act("quit")
            case "redraw":
                return Act("redraw")
        return None

    def _turn(self, step: int) -> None:
        views = list(View)
        self.view = views[(views.index(self.view) + step) % len(views)]
        self.index, self.chosen = 0, ""
        self._settle()

    def _log(self) -> Act | None:
        row = self.current()
        if row is not None and row.attempt:
            return Act("log", row)
        self.message = f"{row.identity} has no log yet" if row else "no task is chosen"
        return None
