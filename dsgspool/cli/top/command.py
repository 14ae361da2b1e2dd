"""`dsgspool top`.

The rule: the screen is painted when something changed: a key, a look at the spool, the size of the window.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from dsgspool.cli import output
from dsgspool.cli.context import open_spool, usage

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from dsgspool.cli.top.look import Looker
    from dsgspool.cli.top.model import Act, Model
    from dsgspool.cli.top.terminal import Terminal
    from dsgspool.cli.top.values import Facts
    from dsgspool.spool import Spool


def top(context: typer.Context) -> None:
    """Watch nodes, running tasks and failures on a live screen.  Keys hold, cancel, requeue and read logs."""
    import os

    if not output.is_terminal() or not output.is_terminal(sys.stdin) or os.environ.get("TERM") == "dumb":
        raise usage("top needs a terminal that it can paint on; `dsgspool status --watch` is its plain form")
    spool = open_spool(context)
    from dsgspool.cli.top.terminal import Terminal

    with Terminal() as terminal:
        Top(spool, terminal).run()


class Top:
    """The screen, what it shows and who looks for it."""

    def __init__(self, spool: Spool, terminal: Terminal) -> None:
        from dsgspool.cli.top.look import Looker
        from dsgspool.cli.top.model import Model

        self.spool, self.terminal = spool, terminal
        self.model: Model = Model()
        self.looker: Looker = Looker(spool, self._told)
        self.news: Facts | str | BaseException | None = None

    def run(self) -> None:
        """Until q."""
        import threading

        from dsgspool.cli.top.draw import frame

        threading.excepthook = self._broke
        self.looker.start()
        while True:
            self._take_news()
            self.terminal.paint(frame(self.model, *self.terminal.size))
            if not self._obey(self.terminal.keys(3600.0)):
                return

    def _told(self, news: Facts | str) -> None:
        self.news = news
        self.terminal.wake()

    def _broke(self, args: threading.ExceptHookArgs) -> None:
        self.news = args.exc_value
        self.terminal.wake()

    def _take_news(self) -> None:
        news, self.news = self.news, None
        if isinstance(news, BaseException):
            raise news
        if isinstance(news, str):
            self.model.message = news
        elif news is not None:
            self.model.update(news)

    def _obey(self, keys: Sequence[str]) -> bool:
        """False for quit."""
        for key in keys:
            act = self.model.key(key)
            if act is not None and act.verb == "quit":
                return False
            if act is not None:
                self._do(act)
        return True

    def _do(self, act: Act) -> None:
        from dsgspool.cli.top import acts

        if act.verb == "redraw":
            self.terminal.enter()
        elif act.verb == "log" and act.row:
            paths = acts.logs(self.spool, act.row)
            self.model.message = self.terminal.page(paths) if paths else f"{act.row.identity} wrote nothing yet"
        else:
            self.model.message = acts.do(self.spool, act)
            self.looker.soon()
