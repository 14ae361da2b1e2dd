"""What tasks really did, written by the tasks themselves to a file outside of the spool.

The rule: the spool is not asked about itself.  Each command appends `start` and `end`, and holds flock on a file of its
own for as long as one of its processes lives, so that two live attempts of one task cannot go unnoticed.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable
from pathlib import Path


class History:
    """Lines `start NAME ATTEMPT PID`, `end NAME ATTEMPT`, `together NAME ATTEMPT` in the order in which they happened."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "history.txt"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        self.file.touch(0o666)

    def command(self, body: str = "") -> str:
        """A shell command that tells its start and end, with `body` in between."""
        file, lock = (
            shlex.quote(str(self.file)),
            f'{shlex.quote(str(self.folder))}/"$(echo "$DSGSPOOL_TASK" | tr / %)".lock',
        )
        tell = f'echo "%s $DSGSPOOL_TASK $DSGSPOOL_ATTEMPT $$" >> {file}'
        lines = [f"exec 9>>{lock}", f"flock -n 9 || {tell % 'together'}", tell % "start", body, tell % "end"]
        return "\n".join(filter(None, lines))

    def lines(self, word: str) -> list[list[str]]:
        """[NAME, ATTEMPT, PID] of every line that begins with `word`."""
        return [line.split()[1:] for line in self.file.read_text().splitlines() if line.startswith(f"{word} ")]

    def starts(self, name: str) -> int:
        """How often a task began."""
        return sum(line[0] == name for line in self.lines("start"))

    def pid(self, name: str) -> int:
        """Process of the newest start of a task, 0 before the first."""
        pids = [int(line[2]) for line in self.lines("start") if line[0] == name]
        return pids[-1] if pids else 0

    def assert_never_together(self) -> None:
        """At no time two attempts of one task were alive."""
        assert not self.lines("together")

    def assert_none_lost(self, names: Iterable[str]) -> None:
        """Each of these ran to its end at least once."""
        assert not set(names) - {line[0] for line in self.lines("end")}

    def assert_each_once(self, names: Iterable[str]) -> None:
        """Each of these, and nothing else, began once and ended once."""
        self.assert_never_together()
        for word in ("start", "end"):
            counted = Counter(line[0] for line in self.lines(word))
            assert counted == Counter(dict.fromkeys(names, 1)), f"not once each: {word}"
