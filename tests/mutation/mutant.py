"""One mutant: a rule of the protocol that is taken away.

The rule: a mutant names the exact text that keeps a rule.  The text must be there exactly once, so that whoever moves
the code must say here where the rule is kept now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


class TextNotFound(Exception):
    """The text that keeps a rule is not there exactly once."""


@dataclass(frozen=True)
class Edit:
    """`old` text of a file, which must be there exactly once, and what takes its place."""

    file: str
    old: str
    new: str

    def apply(self, tree: Path) -> None:
        """Exchange the text in a copy of the product."""
        (tree / self.file).write_text(self.changed(tree))

    def changed(self, tree: Path) -> str:
        """The file with the other text; TextNotFound, or SyntaxError when that is no program."""
        path = tree / self.file
        text = path.read_text() if path.exists() else ""
        if (count := text.count(self.old)) != 1:
            raise TextNotFound(f"{self.file} holds this text {count} times, not once:\n{self.old}")
        changed = text.replace(self.old, self.new)
        compile(changed, str(path), "exec")
        return changed


@dataclass(frozen=True)
class Mutant:
    """`rule` as people call it, `section` of docs/spool-format.md that states it, what is `taken` away, by which edit."""

    rule: str
    section: str
    taken: str
    file: str  #: below dsgspool/
    old: str
    new: str
    tests: tuple[str, ...]  #: below tests/; one of them must fail
    also: tuple[Edit, ...] = ()  #: where two lines keep one rule, both must go

    @property
    def edits(self) -> tuple[Edit, ...]:
        """All that is exchanged."""
        return (Edit(f"dsgspool/{self.file}", self.old, self.new), *self.also)

    @property
    def title(self) -> str:
        """`R1: a claim believes the error code`"""
        return f"{self.rule}: {self.taken}"

    def is_meant(self, words: Iterable[str]) -> bool:
        """True when one of the words is its rule, or stands in its title, section or file; no word means all."""
        return not (words := list(words)) or any(
            word == self.rule or (len(word) > 2 and word in f"{self.title} {self.section} {self.file}")
            for word in words
        )
