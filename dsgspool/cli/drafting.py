"""From what stands on the command line to the texts of task files.

The rule: nothing is accepted before all of it is known to be valid, and a task says itself where it runs.  A command is
kept as a list, which no shell ever reads; only a single argument that holds a shell's own characters becomes a string.
No YAML parser is needed to write YAML: options are checked by the readers of the codec, one by one.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dsgspool import names
from dsgspool.errors import InvalidName, InvalidTask, StorageError
from dsgspool.expressions import expression
from dsgspool.spool import Spool
from dsgspool.yamlwriting import MAX_BYTES, dump

if TYPE_CHECKING:
    from dsgspool.items import Sweep
    from dsgspool.spool.policies import Policies
    from dsgspool.spool.submission import Draft
    from dsgspool.yamltext import Node

Command = str | list[str]
PLACE = "{}"  #: where --each-line puts the line

_SHELL = expression(r"[\s|&;<>()$`\"'*?\[\]#~\\]")
_SPLIT = expression(r"[\s|&;<>()]+")
_INTERPRETERS = expression(r"(?:python|pypy|bash|sh|zsh|dash|Rscript|julia|perl|ruby|node|octave|env|nice|time)[0-9.]*")
_NO_TEXT = expression("[\0\ud800-\udfff]")


def as_command(words: Sequence[str]) -> Command:
    """What to store for the words after `--`."""
    return words[0] if len(words) == 1 and _SHELL.search(words[0]) else list(words)


def stem_of(command: Command) -> str:
    """A word that tells people what a generated name is about: the script rather than its interpreter."""
    words = [word for word in (_SPLIT.split(command) if isinstance(command, str) else command) if word]
    for word in words:
        base = os.path.basename(word)
        if base and not word.startswith("-") and "=" not in word and not _INTERPRETERS.fullmatch(base):
            return re.sub(r"\.(py|sh|R|r|jl|pl|rb|js|m)$", "", base).replace(PLACE, "") or "task"
    return os.path.basename(words[0]) if words else "task"


def working_folder(given: str | None) -> str:
    """Absolute path of `given` or of this folder, by the name under which the user came here."""
    here, logical = os.getcwd(), os.environ.get("PWD", "")
    if logical.startswith("/") and os.path.realpath(logical) == here:
        here = os.path.normpath(logical)
    return os.path.normpath(os.path.join(here, given)) if given else here


def checked(key: str, value: str) -> str:
    """`value` when the codec takes it for that key of a task file, else InvalidTask."""
    from dsgspool.codec import READERS
    from dsgspool.yamltext import Node

    READERS[key](Node("scalar", 0, "str", plain_text(key, value)), key)
    return value


def requested(options: Mapping[str, Any]) -> dict[str, object]:
    """What options want of a node, as a task file says it; InvalidTask for what no task file could say."""
    wanted = {key: options[key] for key in ("memory", "gpus") if options.get(key)}
    wanted |= dict(map(_counted, options.get("resource", ())))
    if "cpus" in options and "cpus" in wanted:
        raise InvalidTask("--cpus and --resource cpus=N say the same", remedy="keep one of them")
    keys: dict[str, object] = {"resources": wanted} if wanted else {}
    if "where" in options:
        keys["where"] = options["where"]
    if keys:
        _check_request(wanted, options.get("where"))
    return keys


def _counted(word: str) -> tuple[str, int | str]:
    from dsgspool.cli.ordering import is_number

    name, _, amount = word.partition("=")
    if is_number(amount):
        return name, int(amount)
    if amount and name in ("memory", "gpu_memory", "scratch"):  # sizes, which the check below reads
        return name, amount
    raise InvalidTask(f"--resource: {word!r} says not how much", remedy="write NAME=N, such as licence=1")


def _check_request(wanted: Mapping[str, Any], where: str | None) -> None:
    from dsgspool import requesting
    from dsgspool.yamltext import Node

    texts = {key: Node("scalar", 0, "str", plain_text(key, str(value))) for key, value in wanted.items()}
    children = [node for key, value in texts.items() for node in (Node("scalar", 0, "str", key), value)]
    nodes = {"resources": Node("mapping", 0, children=children)}
    if where is not None:
        nodes["where"] = Node("scalar", 0, "str", plain_text("where", where))
    requesting.request(nodes)


def lane_of(data: bytes) -> str:
    """The lane of a task in todo/: workers that it is not for need not open it to know."""
    if b"cpus:" not in data and b"resources:" not in data and b"where:" not in data:
        return ""
    from dsgspool.worker.peek import peek

    hint = peek(data)
    return names.lane_for(0, hint.cpus, hint.request.on_rung(0))


def addressed(draft: Draft) -> Draft:
    """With what decides where in todo/ or waiting/ it goes."""
    name = replace(draft.name, lane=lane_of(draft.data))
    if b"after:" not in draft.data:
        return replace(draft, name=name)
    from dsgspool.worker.peek import peek

    return replace(draft, name=name, after=peek(draft.data).after)


def tell_what_is_done(spool: Spool, draft: Draft) -> None:
    """Of a finished task of that name nobody may think when its file is replaced; a sweep's lie elsewhere."""
    from dsgspool.cli import output
    from dsgspool.spool import lies

    path = draft.name.plain().path
    with contextlib.suppress(OSError):  # somebody's private folder
        if b"sweep:" not in draft.data and lies(spool.fs, f"{spool.done}/{path}"):
            output.hint(f"done/{path} is there: it is replaced when this one is done")


def plain_text(what: str, value: str) -> str:
    """`value` when every byte of it can stand in a task file."""
    if _NO_TEXT.search(value):
        raise InvalidTask(
            f"`{what}` has a NUL character or bytes that are not UTF-8 in it", remedy="rename or recode it"
        )
    return value


def moment(text: str, now: Callable[[], float]) -> str:
    """`not_before` for a delay such as `2h`, counted from the server's now, or for a time with its offset."""
    from dsgspool import fields
    from dsgspool.clock import iso
    from dsgspool.yamltext import Node

    found = fields.expiry(Node("scalar", 0, "str", text), "--not-before")
    return iso(now() + found.age if found.moment is None else found.moment)


def environment(pairs: Iterable[str]) -> dict[str, str]:
    """The mapping of `K=V` words; `K` alone takes the value from here."""
    result = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not (equals or key in os.environ):
            raise InvalidTask(f"{pair!r} is no K=V, and no variable of that name is set here", remedy="write --env K=V")
        result[key] = value if equals else os.environ[key]
        plain_text(f"--env {key}", result[key])
    return result


def text_of(command: Command, keys: Mapping[str, object]) -> bytes:
    """The task file for one command."""
    words = [command] if isinstance(command, str) else command
    if not words or not words[0].strip():
        raise InvalidTask("the command is empty", remedy="write it after --")
    plain_text("command", " ".join(words))
    # As codec.dump_task writes it, which costs the import of all that reads task files (a test holds them together).
    data = f"{dump([('command', command), *keys.items()])}...\n".encode()
    if len(data) > MAX_BYTES:
        raise InvalidTask(f"the task has {len(data)} bytes, more than {MAX_BYTES}", remedy="keep data in a file")
    return data


def lines_of(stream: Iterable[bytes]) -> list[str]:
    """The lines of standard input without their ends; empty ones are passed over."""
    lines = []
    for number, data in enumerate(stream, 1):
        try:
            line = data.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise InvalidTask("it is not UTF-8", line=number, path="standard input", remedy="recode it") from None
        if "\0" in line or len(data) > MAX_BYTES // 8:
            reason = "it has a NUL character" if "\0" in line else f"it is longer than {MAX_BYTES // 8} bytes"
            raise InvalidTask(reason, line=number, path="standard input", remedy="put one short line for each task")
        if line.strip():
            lines.append(line)
    return lines


def texts_of_lines(command: Command | None, lines: Iterable[str], keys: Mapping[str, object]) -> Iterator[bytes]:
    """A task file for each line: put in for `{}`, or the command itself when there is no other."""
    for line in lines:
        yield text_of(with_line(command, line), keys)


def with_line(command: Command | None, line: str) -> Command:
    """The command for one line: quoted where a shell will read it, as it is in a list."""
    if command is None:
        return line
    if isinstance(command, str):
        return command.replace(PLACE, shlex.quote(line))
    return [word.replace(PLACE, line) for word in command]


def has_place(command: Command) -> bool:
    """True when a line can be put into the command."""
    return any(PLACE in word for word in ([command] if isinstance(command, str) else command))


# -- files -------------------------------------------------------------------------------------------------------


def read_files(spool: Spool, paths: Sequence[str], batch: str, named: str = "") -> list[tuple[str, bytes]]:
    """(identity, text) of task files anywhere on this machine; InvalidTask that tells every one that is wrong.

    `named`: what the only one shall be called.  How many items a sweep has is said when nothing is wrong."""
    from functools import partial

    from dsgspool.cli.sources import check_free, items_of, told
    from dsgspool.codec import parse_task
    from dsgspool.spool.policies import read_policies
    from dsgspool.worker.peek import is_sweep

    settings, policies = spool.settings(), read_policies(spool)
    found: dict[str, bytes] = {}
    wrong: list[str] = []
    sweeps: list[tuple[str, Sweep]] = []
    for path in paths:
        try:
            data = _content(spool, path)
            identity = names.check_identity(named) if named else _identity(path, batch)
            template = _template(policies, identity)
            parse = partial(parse_task, data, settings.task, template, timezone=settings.timezone)
            if sweep := items_of(spool, settings, parse):
                sweeps.append((identity, sweep))
            if is_sweep(data):
                check_free(spool, identity)
        except InvalidTask as error:
            error.path = path
            wrong.append(str(error))
        except InvalidName as error:
            wrong.append(str(error))
        else:
            if identity in found:
                wrong.append(f"{path}: another of these files is called {identity} too")
            found[identity] = data
    if wrong:
        summary = [f"nothing was submitted: {len(wrong)} of {len(paths)} files are wrong"] if len(paths) > 1 else []
        raise InvalidTask("\n".join([*wrong, *summary]))
    for each in sweeps:
        told(*each)
    return list(found.items())


def _template(policies: Policies, identity: str) -> Mapping[str, Node]:
    """What the task gets from its batch; InvalidTask when that cannot be known."""
    from dsgspool.spool.policies import top_batch

    if why := policies.why_unread(top_batch(identity)):
        raise InvalidTask(f"what its batch says cannot be used: {why}")
    return policies.template(identity)


def _content(spool: Spool, path: str) -> bytes:
    try:
        return spool.fs.read(os.path.realpath(path), MAX_BYTES)[0]
    except FileNotFoundError:
        raise InvalidTask("there is no such file") from None
    except OSError as error:
        raise StorageError("read", path, error.errno or 0) from error


def _identity(path: str, batch: str) -> str:
    name = names.parse(os.path.basename(path)).identity
    return f"{batch}/{name}" if batch else name
