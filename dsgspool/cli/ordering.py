"""What `submit` can be asked, and doing it.

The rule: one table of options, from which the quick parser here and typer's command in `submit` are both made.  The
quick one knows no help and no error texts: what it does not understand it leaves to typer.  It exists because importing
typer (with pydantic) takes longer than everything else that one `dsgspool submit -- true` does.

On stdout go the accepted names, one a line, and nothing else; a name is printed when its task is on the server.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from dsgspool.classes import dataclass
from dsgspool.cli import output
from dsgspool.cli.context import server_now, usage, worker_ids

if TYPE_CHECKING:
    from dsgspool.cli.drafting import Command
    from dsgspool.spool import Spool
    from dsgspool.spool.submission import Draft, Submission


class Option(NamedTuple):
    """One option: its kind is flag, text, many (text, repeated) or an integer, which is the least that it may be."""

    name: str
    kind: str | int
    help: str
    metavar: str | None = None

    @property
    def flag(self) -> str:
        """How it is written."""
        return f"--{self.name.replace('_', '-')}"


OPTIONS = (
    Option("each_line", "flag", "One task for each line of stdin; {} in the command is the line."),
    Option("name", "text", "Name of the task (else a word and 8 random letters).", "NAME"),
    Option("batch", "text", "Batch: the sub-folder that the tasks go to.", "BATCH"),
    Option("hold", "flag", "Park it in hold/ instead of todo/."),
    Option("dry_run", "flag", "Print the task files, submit nothing."),
    Option("wait", "flag", "Wait until it is over; exit 1 unless it is done."),
    Option("cwd", "text", "Where it runs (else here).", "DIR"),
    Option("env", "many", "Environment variable; repeat.", "K=V"),
    Option("timeout", "text", "Such as 90s, 15m, 2h, 1d.", "TIME"),
    Option("retries", 0, "Tries after a first failure.", "N"),
    Option("cpus", 1, "Slots that it takes.", "N"),
    Option("memory", "text", "Memory that it takes, and its limit, such as 16G.", "SIZE"),
    Option("gpus", 0, "GPUs that it takes.", "N"),
    Option("resource", "many", "So much of a counted resource, such as licence=1; repeat.", "NAME=N"),
    Option("where", "text", "Conditions on its node, such as 'ram>=64G gpu~A100 has:samtools host!=n3'.", "TEXT"),
    Option("description", "text", "A line for people.", "TEXT"),
    Option("tag", "many", "A word to find it by (list --tag WORD); repeat.", "WORD"),
    Option("after", "many", "A task (or NAME:any, NAME:failure, BATCH/) that has to be over before; repeat.", "NAME"),
    Option("not_before", "text", "A delay (2h) or an ISO time with offset.", "TIME"),
    Option("expires", "text", "Until when it may begin: 2d from now, or an ISO time with offset.", "TIME"),
)


@dataclass(slots=True)
class Given:
    """The parsed command line: files, the words after `--`, options that were given."""

    files: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)


def parse(words: Sequence[str]) -> Given | None:
    """The arguments of `submit`; None for what typer shall look at."""
    known = {option.flag: option for option in OPTIONS}
    given, rest = Given(), iter(words)
    for word in rest:
        if word == "--":
            given.command = list(rest)
        elif word[:1] != "-" or word == "-":
            given.files.append(word)
        elif not _take(known, word, rest, given.options):
            return None
    return given


def _take(known: dict[str, Option], word: str, rest: Iterator[str], options: dict[str, Any]) -> bool:
    flag, equals, value = word.partition("=")
    option = known.get(flag)
    if option is None or (option.kind == "flag" and equals):
        return False
    if option.kind == "flag":
        options[option.name] = True
        return True
    following = value if equals else next(rest, None)
    if following is None:
        return False
    if option.kind == "many":
        options.setdefault(option.name, []).append(following)
    elif option.kind == "text":
        options[option.name] = following
    elif is_number(following) and int(following) >= int(option.kind):
        options[option.name] = int(following)
    else:
        return False
    return True


def is_number(word: str) -> bool:
    """True for one that Python reads: of 4,300 digits it does not."""
    return word.isascii() and word.isdigit() and len(word) < 100


@dataclass(slots=True)
class Order:
    """What to submit.  One of `files`, `lines` and `command` alone."""

    command: Command | None = None
    files: list[str] = field(default_factory=list)
    lines: list[str] | None = None
    keys: dict[str, object] = field(default_factory=dict)
    name: str = ""
    batch: str = ""

    @property
    def named(self) -> str:
        """The whole name that was chosen for it, '' when none was."""
        return f"{self.batch}/{self.name}" if self.batch and self.name else self.name


def submit(where: str | None, given: Given) -> None:
    """Check, read, submit, print."""
    from dsgspool.cli import drafting

    options = given.options
    command = drafting.as_command(given.command) if given.command else None
    order = Order(command, given.files, name=options.get("name", ""), batch=options.get("batch", ""))
    plain = ("timeout", "retries", "cpus", "description", "env", "expires")
    order.keys = {key: options[key] for key in plain if key in options}
    if "tag" in options:
        order.keys["tags"] = options["tag"]
    if "after" in options:
        order.keys["after"] = awaited(options["after"])
    order.keys |= drafting.requested(options)
    cwd, not_before, each_line = options.get("cwd"), options.get("not_before"), bool(options.get("each_line"))
    if options.get("hold") and options.get("wait"):
        raise usage("--hold parks it, so there is nothing to wait for: use one of --hold and --wait")
    _check(order, options=bool(order.keys or cwd or not_before), each_line=each_line)
    from dsgspool.spool import Spool

    spool = Spool.find(where)
    if not order.files:
        _complete(spool, order.keys, cwd, not_before)
    if each_line:
        order.lines = drafting.lines_of(sys.stdin.buffer)
        if not order.lines:
            raise usage("--each-line makes a task of each line of standard input, and there is none")
    if options.get("dry_run"):
        from dsgspool.cli.preview import show

        show(spool, order)
    else:
        _run(spool, order, hold=bool(options.get("hold")), wait=bool(options.get("wait")))


def awaited(words: list[str]) -> object:
    """What `--after` says, as a task file says it."""
    from dsgspool.cli.awaiting import entries

    return entries(words)


def _complete(spool: Spool, keys: dict[str, object], cwd: str | None, not_before: str | None) -> None:
    """Check the options as a task file would be checked, and put in what stands on no command line."""
    from dsgspool.cli import drafting

    for key in keys.keys() & {"timeout", "description", "expires", "retries", "cpus"}:
        drafting.checked(key, str(keys[key]))
    for word in cast("list[str]", keys.get("tags", [])):
        drafting.checked("description", word)
    if "env" in keys:
        keys["env"] = drafting.environment(cast("list[str]", keys["env"]))
    if not_before:
        keys["not_before"] = drafting.moment(not_before, lambda: server_now(spool))
    keys["cwd"] = drafting.plain_text("cwd", drafting.working_folder(cwd))


def _check(order: Order, *, options: bool, each_line: bool) -> None:
    """Raise for what does not go together."""
    from dsgspool.cli.drafting import has_place
    from dsgspool.spool.submission import valid_batch

    if order.batch:
        valid_batch(order.batch)
    if each_line and order.name:
        raise usage("--each-line numbers the tasks itself: use --batch instead of --name")
    if each_line and order.command is not None and not has_place(order.command):
        raise usage("the command has no {} where a line of standard input could stand")
    if order.files and (order.command or each_line):
        raise usage("submit either files or a command, not both")
    if not (order.files or order.command or each_line):
        raise usage("nothing to submit: write `submit -- COMMAND ...`, `submit FILE.yaml ...` or `submit --each-line`")
    if order.files:
        _check_files(order, options=options)


def _check_files(order: Order, *, options: bool) -> None:
    if wrong := [file for file in order.files if not file.endswith((".yaml", ".yml"))]:
        raise usage(
            f"{wrong[0]!r} is no .yaml file: write -- before a command, as in `submit -- {' '.join(order.files)}`"
        )
    if order.name and len(order.files) > 1:
        raise usage("--name is for one task, and these are several files")
    if options:
        raise usage("options for the task itself are for commands: write them into the files")


def _run(spool: Spool, order: Order, *, hold: bool, wait: bool) -> None:
    """Submit and print, then perhaps wait."""
    accepted: list[str] = []
    output.lines(_noted(_accept(spool, order, spool.hold if hold else spool.todo), accepted))
    sys.stdout.flush()
    if wait:
        from dsgspool.cli.wait import wait_for

        wait_for(spool, set(accepted))
    elif not hold:
        _hint(spool)


def _noted(accepted: Iterable[str], noted: list[str]) -> Iterator[str]:
    for identity in accepted:
        noted.append(identity)
        yield identity


def _accept(spool: Spool, order: Order, folder: str) -> Iterator[str]:
    """Submit; yields the names as they are accepted."""
    from dsgspool.cli import drafting
    from dsgspool.spool.submission import Submission

    files = drafting.read_files(spool, order.files, order.batch, order.named) if order.files else []
    if "after" in order.keys or any(b"after" in data for _, data in files):
        _examine(spool, order, files)
    with closing(Submission(spool)) as submission:
        if order.lines is not None:
            texts = drafting.texts_of_lines(order.command, order.lines, order.keys)
            batch = order.batch or submission.unique(drafting.stem_of(order.command or "lines")).identity
            # In hold/ there are no lanes: who claims a released task sees what it wants.
            lane = drafting.lane_of(drafting.text_of("true", order.keys)) if folder == spool.todo else ""
            yield from submission.put_bulk(texts, batch, folder, lane)
        else:
            drafts = _drafts(submission, order, files)
            if order.named:
                drafting.tell_what_is_done(spool, drafts[0])
            if folder == spool.todo:
                drafts = [drafting.addressed(draft) for draft in drafts]
            yield from submission.put(drafts, folder)


def _examine(spool: Spool, order: Order, files: list[tuple[str, bytes]]) -> None:
    """Raise for tasks that would wait for each other."""
    from dsgspool.cli import drafting
    from dsgspool.cli.awaiting import examine

    texts = files or [("", drafting.text_of("true", order.keys))]
    examine(spool, {order.named or name: data for name, data in texts}, order.batch)


def _drafts(submission: Submission, order: Order, files: list[tuple[str, bytes]]) -> list[Draft]:
    from dsgspool.cli import drafting
    from dsgspool.spool.submission import Draft

    if order.command is None:
        return [Draft(submission.named(name), data) for name, data in files]
    data = drafting.text_of(order.command, order.keys)
    name = (
        submission.named(order.named)
        if order.named
        else submission.unique(drafting.stem_of(order.command), order.batch)
    )
    return [Draft(name, data)]


def _hint(spool: Spool) -> None:
    """Say why nothing may happen now: the spool is paused, or no worker is there."""
    if spool.is_paused():
        output.hint("the spool is paused; `dsgspool resume` lets the workers go on")
    elif not worker_ids(spool):
        output.hint("no worker is running yet; `dsgspool worker` starts one, on any node")
