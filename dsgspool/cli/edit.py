"""`dsgspool edit`: change the text of queued tasks, with a diff before and an undo after.

The rule: everything is computed, checked and shown before the first file is touched; what would make one file invalid
changes none.  A task that somebody takes meanwhile keeps its text, and is named.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import exits, output
from dsgspool.cli.context import open_spool, server_now, stamped, to_come_told, usage

if TYPE_CHECKING:
    from dsgspool.rewriting import Rewrite
    from dsgspool.spool.editing import Change
    from dsgspool.spool.moves import Moves, Place

Read = tuple[bytes, os.stat_result]
SHOWN = 10  #: different changes that are shown before it asks


def edit(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="NAME... KEY=VALUE...", help="Names or patterns, and what to set.")
    ] = None,
    sed: Annotated[list[str] | None, typer.Option("--sed", metavar="s/A/B/", help="Replace in each line.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take back the last edit, or the one that is named.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the diff, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Change queued tasks.  key=value sets a key (YAML), key= removes it, env.FOO=1 sets one variable.

    Tasks that run keep their text.
    """
    from dsgspool.redaction import hide
    from dsgspool.spool.moves import Moves

    moves = Moves(open_spool(context))
    began = moves.spool.clock.boot()
    _mend(moves)
    if undo:
        from dsgspool.cli.undoing import taken_back

        if sed or len(words or ()) > 1:
            raise usage("--undo stands alone, or with the name of one edit")
        changes, what = taken_back(moves, *(words or ()))
    else:
        patterns, rewrites = _asked(moves, words or [], sed or [])
        with to_come_told(moves.spool):
            changes = _computed(moves, patterns, rewrites)
        what = hide(" ".join(map(_told, rewrites)), _secrets(*changes))
    if _is_wanted(changes, dry_run=dry_run, yes=yes):
        _let_settle(moves, changes, began)
        _carry_out(moves, changes, what)


def _mend(moves: Moves) -> None:
    """What a killed edit took out comes back first, when it was long enough ago that it cannot be a living one's."""
    from dsgspool.errors import StorageError
    from dsgspool.spool.editing import mend, opened, owed

    if opened(moves.spool):
        now = server_now(moves.spool)
        try:
            mend(moves, lambda folder: now - moves.fs.status_of_folder(folder).st_mtime, moves.spool.settings().lease)
        except OSError as error:  # another user's, or one that is just being closed: no reason to refuse this edit
            output.note(f"dsgspool: an edit that was killed cannot be ended: {StorageError.of(error)}")
    for folder in opened(moves.spool):
        if left := len(list(owed(moves.spool, folder))):
            output.note(f"dsgspool: another edit has {left} in hand: {folder}")


# -- what is asked for ------------------------------------------------------------------------------------------


def _asked(moves: Moves, words: list[str], sed: list[str]) -> tuple[list[str], list[Rewrite]]:
    """(patterns, changes)"""
    from dsgspool.rewriting import parse_setting, parse_substitution

    settings = {word: None if _is_name(moves, word) else parse_setting(word) for word in words}
    patterns = [word for word, setting in settings.items() if setting is None]
    try:
        rewrites: list[Rewrite] = [setting for setting in settings.values() if setting is not None]
        rewrites += [parse_substitution(text) for text in sed]
    except ValueError as error:
        raise usage(str(error)) from None
    if not patterns or not rewrites:
        raise usage("say which tasks and what to change: dsgspool edit 'sweep-a/*' retries=3")
    return patterns, rewrites


def _is_name(moves: Moves, word: str) -> bool:
    """True for a task or batch that is called like `lr=0.1`, which is no key of task files."""
    from dsgspool.codec import READERS, REQUESTS

    key, equals, _ = word.partition("=")
    return bool(equals) and key.partition(".")[0] not in (*READERS, *REQUESTS) and bool(moves.find(word))


def _told(rewrite: Rewrite) -> str:
    """What was asked for, as it is written down: without secrets."""
    from dsgspool.redaction import MASK, is_secret

    text = str(rewrite)
    return text if not is_secret(text) else f"{text.partition('=')[0]}={MASK}" if "=" in text else MASK


def _computed(moves: Moves, patterns: list[str], rewrites: list[Rewrite]) -> list[Change]:
    """The changes, each checked as a worker would; InvalidTask with the file's path and line for the first that is wrong."""
    from dsgspool.errors import InvalidTask
    from dsgspool.rewriting import rewritten
    from dsgspool.spool.editing import pick

    places, running = pick(moves, patterns)
    if running:
        some = ", ".join(place.identity for place in running[:3]) + (" ..." if len(running) > 3 else "")
        output.note(f"dsgspool: {len(running)} that run keep their text ({some}); `hold` stops and parks them")
    changes, reader = [], Reader(moves)
    for place in places:
        try:
            if (read := reader.text(place)) and (new := rewritten(read[0], rewrites)) != read[0]:
                changes.append(reader.change(place, read, new))
        except InvalidTask as error:
            path = f"{place.state}/{place.path}"
            raise InvalidTask(error.reason, line=error.line, remedy=error.remedy, path=path) from None
    if changes and (same := len(places) - len(changes)):
        output.note(f"dsgspool: {same} of {len(places)} stay as they are")
    return changes


class Reader:
    """Reads queued tasks and checks their new texts, as a worker of my user would; what all have in common is read once."""

    def __init__(self, moves: Moves) -> None:
        from dsgspool.spool.policies import read_policies

        self.moves, self.fs = moves, moves.fs
        self.settings, self.policies = moves.spool.settings(), read_policies(moves.spool)
        self.uid = stamped(moves.spool).st_uid
        self.listed = functools.cache(lambda folder: frozenset(self.fs.names(folder)))

    def text(self, place: Place) -> Read | None:
        """A task's text and its fstat; None when it has moved on or an editor has it open."""
        folder, _, file = f"{self.moves.spool.folder(place.state)}/{place.path}".rpartition("/")
        try:
            if f".{file}.swp" in self.listed(folder):
                output.note(f"dsgspool: {place.identity} is open in an editor (.{file}.swp): left alone")
                return None
            return self.fs.read(f"{folder}/{file}", 1 << 18)
        except FileNotFoundError:
            return None

    def change(self, place: Place, read: Read, new: bytes) -> Change:
        """What is to be done; InvalidTask when the new text cannot be run, or the file is somebody else's."""
        from dsgspool.codec import parse_task
        from dsgspool.errors import InvalidTask
        from dsgspool.spool.editing import Change
        from dsgspool.worker.peek import peek

        template = self.policies.template(place.identity)
        parse = functools.partial(
            parse_task, defaults=self.settings.task, template=template, timezone=self.settings.timezone
        )
        task, (old, status) = parse(new), read
        if status.st_uid != self.uid or status.st_nlink != 1:
            is_mine = status.st_uid == self.uid
            reason = "it is a hard link" if is_mine else f"it belongs to uid {status.st_uid}, and you are {self.uid}"
            raise InvalidTask(reason, remedy="only its owner can edit it")
        was, will = peek(old), peek(new)
        moments = (was.after, was.not_before, was.expires) != (will.after, will.not_before, will.expires)
        if b"after" in old and not (was.after and will.after):  # written so that only the parser sees it
            try:
                moments |= parse(old).after != task.after
            except InvalidTask:
                moments = True
        # Nobody who could not take it in its old lane would look there again.
        afresh = moments or bool(place.name.lane and (was.cpus, was.request) != (will.cpus, will.request))
        return Change(place, old, new, -1 if status.st_mode & 0o077 else self.uid, afresh)


# -- showing and doing ------------------------------------------------------------------------------------------


def _is_wanted(changes: list[Change], *, dry_run: bool, yes: bool) -> bool:
    """Show what would change, and ask; whoever says no ends it, with a code that says so."""
    import sys

    if not changes:
        output.note("dsgspool: nothing to change")
        return False
    groups = _alike(changes)
    for same in groups if dry_run else groups[:SHOWN]:
        paths = f"{same[0].path}" if len(same) == 1 else f"{len(same)} files, the same change, such as {same[0].path}"
        output.heading(f"{paths}:")
        output.lines(_diff(same[0]) or ["  (the value of a secret)"])
    if len(groups) > SHOWN and not dry_run:
        output.note(f"dsgspool: and {sum(map(len, groups[SHOWN:]))} files more; --dry-run shows all")
    if dry_run or yes:
        return not dry_run
    if not output.is_terminal(sys.stdin):
        raise usage("nobody is there to be asked: add --yes, or --dry-run to see the diff only")
    if not _says_yes(f"Change {len(changes)}?"):
        output.note("dsgspool: nothing was changed")
        raise SystemExit(exits.FAILED)
    return True


def _says_yes(question: str) -> bool:
    """What a person answers; no answer is none.  Ctrl-C ends this as it ends all else."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        return False


def _diff(change: Change) -> list[str]:
    """Lines of a unified diff, without headers; secrets as ***."""
    import difflib

    from dsgspool.redaction import mask_text

    texts = [data.decode("utf-8", "replace") for data in (change.old, change.new)]
    hidden = _secrets(change)  # of both: a variable may go whose value still stands in the command
    old, new = (mask_text(text, hidden).splitlines() for text in texts)
    return list(difflib.unified_diff(old, new, n=1, lineterm=""))[2:]


def _secrets(*changes: Change) -> tuple[str, ...]:
    """The values of secrets in old and new texts."""
    from dsgspool.redaction import secrets_in, worth_hiding

    texts = {data.decode("utf-8", "replace") for change in changes for data in (change.old, change.new)}
    return worth_hiding(value for text in texts for value in secrets_in(text))


def _alike(changes: Iterable[Change]) -> list[list[Change]]:
    """Changes whose lines are the same."""
    groups: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        key = tuple(line for line in _diff(change) if line[:1] in "+-")
        groups.setdefault(key, []).append(change)
    return list(groups.values())


def _let_settle(moves: Moves, changes: list[Change], began: float) -> None:
    """A file without its last line `...` may still be written: it must stay as it was read for some seconds."""
    from dsgspool.records import time_at_rest

    settle = moves.spool.settings().settle
    rest = max((time_at_rest(change.old, settle) for change in changes if not change.place.name.is_whole), default=0.0)
    if rest:
        moves.spool.clock.sleep(max(0.0, began + rest - moves.spool.clock.boot()))


def _carry_out(moves: Moves, changes: list[Change], what: str) -> None:
    import hashlib  # 1 ms of start-up that `--help` does not need

    from dsgspool.clock import stamp
    from dsgspool.spool.editing import Edit

    run = Edit(moves, f"{stamp(moves.spool.clock.wall())}-{moves.token.word}")
    texts = {change.path: hashlib.sha256(change.new).hexdigest() for change in changes}
    run.prepare(changes, {"change": what, "texts": texts})
    done = 0
    for change in changes:
        if why := run.carry_out(change):
            output.note(f"dsgspool: {change.place.identity} keeps its text: {why}")
        else:
            done += 1
            output.line(change.place.identity)
    run.close()
    if done:
        output.hint(f"{done} changed; to take it back: dsgspool edit --undo {run.name}")
