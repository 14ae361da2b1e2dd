"""Rules of the protocol taken away, one at a time, in the victim alone: the sweep must turn red for each.

The rule: a mutant differs from the product in one rule, and it works as long as nothing is killed.

So a strip without a token is none of them.  It replaces the other file of that name whenever it is made, killed or not: a
story in which the victim strips is red without a fault, and in the others only whoever recovers strips, by the product's
own rules.  tests/mutation takes that rule away (tokens: a name that a program gives back carries no token).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tests.faults.crash_lives import LIVES
from tests.faults.crash_stories import COMMANDS, Story
from tests.support.crashing import Ground

BASES = {story.name: story for story in (*COMMANDS, *LIVES)}


@dataclass(frozen=True)
class Mutant:
    """A story whose program lacks a rule; `wrong` = words of what the sweep must complain of."""

    name: str
    story: str
    mutate: Callable[[], None]
    wrong: str

    def __str__(self) -> str:
        return self.name

    def as_story(self) -> Story:
        """The same story with the mutated program."""
        story = BASES[self.story]

        def program(ground: Ground) -> Callable[[], int]:
            inner = story.program(ground)

            def mutated() -> int:
                self.mutate()
                return inner()

            return mutated

        return replace(story, name=self.name, program=program)


def submit_without_staging() -> None:
    """The text is written in todo/ itself."""
    from dsgspool.spool.submission import Draft, Submission

    def put(self: Submission, drafts: Iterator[Draft], folder: str) -> Iterator[str]:
        for draft in drafts:
            self.fs.create_whole(f"{folder}/{draft.name.lane_path}", draft.data)
            yield draft.name.identity

    Submission.put = put  # type: ignore[method-assign]


def print_before_the_move() -> None:
    """The name is told before the file is accepted."""
    from dsgspool.cli import ordering, output

    accept = ordering._accept

    def told_first(*args: object) -> Iterator[str]:
        output.lines(["t/n"])
        yield from accept(*args)  # type: ignore[arg-type]

    ordering._accept = told_first  # type: ignore[assignment]


def move_by_copy() -> None:
    """Two steps where the protocol has one rename."""
    from dsgspool.fs import Fs

    def rename(_self: Fs, source: str, target: str) -> int:
        try:
            if os.path.isdir(source):
                os.rename(source, target)
                return 0
            shutil.copyfile(source, target)
            os.unlink(source)
        except OSError as error:
            return error.errno or 5
        return 0

    Fs.rename = rename  # type: ignore[method-assign]


def publish_before_the_end() -> None:
    """The file goes on before its record has an end."""
    from dsgspool.worker.attempts import Attempt
    from dsgspool.worker.endings import Endings

    write_end = Endings._write_end

    def first_the_file(self: Endings, attempt: Attempt) -> None:
        assert attempt.outcome is not None
        attempt.decision = self._decision(attempt, attempt.outcome)
        if attempt.decision is not None:
            self.worker.own.give(attempt.held, self.leaving(attempt.held, attempt.decision, lane=attempt.lane).target)
        write_end(self, attempt)

    Endings._write_end = first_the_file  # type: ignore[method-assign]


def take_over_without_reading() -> None:
    """The janitor sends everything back to todo/, whatever its record says."""
    from dsgspool import janitor
    from dsgspool.task import Decision, State

    janitor._verdict = lambda _chain, name, _max_lost: Decision(State.TODO, budget=name.budget)


def guard_leaves_children() -> None:
    """The guard does not kill what its worker left."""
    from dsgspool.worker import guard

    guard.kill_children = lambda: None  # type: ignore[assignment]
    guard.kill = lambda _pids: None  # type: ignore[assignment]


MUTANTS = (
    Mutant("submit-without-staging", "submit", submit_without_staging, "? todo"),
    Mutant("told-before-moved", "submit-named", print_before_the_move, "it printed"),
    Mutant("hold-by-copy", "hold", move_by_copy, "lies in ["),
    Mutant("claim-by-copy", "brief", move_by_copy, "lies in ["),
    Mutant("published-before-the-end", "brief", publish_before_the_end, "without-record"),
    Mutant("taken-over-unread", "take-over", take_over_without_reading, "times more"),
    Mutant("guard-leaves-children", "stopped", guard_leaves_children, "outlived"),
)
