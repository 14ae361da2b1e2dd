"""Faults of a spool and the commands that mend them: shown as a shell takes them, carried out through the same door.

The rule: a task file is never removed.  It is renamed to a name with a fresh token, which can overwrite nothing, so an
action that somebody else was faster with finds its source gone and changes nothing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from dsgspool.classes import dataclass
from dsgspool.doctor import raw
from dsgspool.doctor.bench import clear
from dsgspool.doctor.values import Finding, Fix, Status, quoted
from dsgspool.errors import StorageError
from dsgspool.fs import Fs
from dsgspool.task import State

STATES = frozenset(map(str, State))


@dataclass(frozen=True, slots=True)
class Action:
    """One command.  `target`: of mv; `data`: of what is written; `mode`: of chmod."""

    verb: str
    path: str
    target: str = ""
    mode: int = 0
    data: bytes = b""
    source: str = ""  #: the record in which `data` stands as lines that sed can take out
    draft: str = ""  #: where a text is written first: half of one under a task's name would pass for the whole

    @property
    def shell(self) -> str:
        """The command line."""
        path = quoted(self.path)
        match self.verb:
            case "mv":
                return f"{self._makes(self.target)}mv {path} {quoted(self.target)}"
            case "chmod":
                return f"chmod {self.mode:04o} {path}"
            case "text":
                lines = f"printf %s {quoted(self.data.decode())}"
                if self.source:
                    lines = f"sed -nE '/^text: \\|$/,/^[a-z_]+:/s/^(  |$)//p' {quoted(self.source)}"
                draft = quoted(self.draft)
                return f"(set -C; {lines} > {draft}) && {self._makes(self.path)}mv {draft} {path}"
            case "write":
                words = " ".join(quoted(line) for line in self.data.decode().splitlines())
                return f"(set -C; printf '%s\\n' {words} > {path})"
            case "mkdir" if self.mode:
                return f"mkdir -m {self.mode:04o} {path}"
            case "rm -r" | "rm" | "rmdir" | "mkdir" | "touch":
                return f"{self.verb} {path}"
            case _:
                raise ValueError(self.verb)

    def _makes(self, target: str) -> str:
        """The target's folder must be made first, unless it is a state's own, which is always there."""
        folder, state = os.path.split(os.path.dirname(target))
        return "" if state in STATES and folder in self.path else f"mkdir -p {quoted(os.path.dirname(target))} && "

    def run(self, fs: Fs) -> None:
        """Do it; what is gone already is no error, everything else is."""
        match self.verb:
            case "mv":
                _move(fs, self.path, self.target)
            case "chmod":
                raw.set_mode(self.path, self.mode)
            case "text":
                fs.create_whole(self.draft, self.data)
                _move(fs, self.draft, self.path)
            case "write":
                fs.make_folder(os.path.dirname(self.path))
                fs.create_whole(self.path, self.data)
            case "touch":
                fs.create_whole(self.path, b"")
            case "mkdir":
                fs.make_folder(self.path)
            case "rmdir":
                fs.remove_folder(self.path)
            case "rm":
                fs.remove(self.path)
            case "rm -r":
                clear(fs, self.path)


def _move(fs: Fs, source: str, target: str) -> None:
    """One rename; a listing says whether it happened (R1)."""
    number = fs.rename_into(source, target)
    folder, name = os.path.split(source)
    if number and number != errno.ENOENT and name in fs.names(folder):
        raise StorageError("move", source, number)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something broken in the spool.  `rule`, `task` and `where` say that it is the same one at a second look."""

    rule: str
    task: str
    where: tuple[str, ...]  #: paths below the spool
    text: str
    actions: tuple[Action, ...] = ()
    safe: bool = False
    status: Status = Status.WARN
    remedy: str = ""

    @property
    def key(self) -> tuple[str, str, tuple[str, ...]]:
        """What it is, without how it is mended."""
        return self.rule, self.task, self.where

    @property
    def commands(self) -> tuple[str, ...]:
        """As a shell takes them; a second file is written only when the first one could be."""
        if {action.verb for action in self.actions} == {"write"}:
            return (" && ".join(action.shell for action in self.actions),)
        return tuple(action.shell for action in self.actions)

    def finding(self, fix: Fix | None = None) -> Finding:
        """The line for it."""
        if fix is None and self.actions:
            fix = Fix(self.commands, self.safe)
        facts = {"rule": self.rule, "task": self.task, "where": list(self.where)}
        done = fix is not None and fix.done
        status, remedy = (Status.FIXED, "") if done else (self.status, self.remedy)
        return Finding(f"spool.{self.rule}", "spool", status, self.text, remedy, facts, fix)

    def mended(self, fs: Fs) -> Finding:
        """Carry the actions out, if they are safe, and say so."""
        if not self.safe or not self.actions:
            return self.finding()
        commands = self.commands
        try:
            for action in self.actions:
                action.run(fs)
        except OSError as error:
            return self.finding(Fix(commands, True, False, str(StorageError.of(error, "mend"))))
        return self.finding(Fix(commands, True, True))


def persistent(first: Iterable[Fault], second: Iterable[Fault]) -> list[Fault]:
    """Faults that two looks saw: what was on its way at the first has arrived by the second."""
    seen = {fault.key for fault in first}
    return [fault for fault in second if fault.key in seen]
