"""Text of others on my page: every character is to be seen, and none does anything.

The rule: names, reasons and logs come from anybody.  What steers a terminal or a browser's text direction is shown as a
sign of its own, everything else is escaped; a command to copy quotes what a shell would read otherwise.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from urllib.parse import quote

from markupsafe import Markup, escape

from dsgspool.snapshot import TaskSeen
from dsgspool.task import State

MAX_LINE = 400  #: characters of a log's line
MAX_NAMES = 50  #: names in one command

_STRANGE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def sign(character: str) -> str:
    """What stands on the page for a character that would not be seen; letters, because few fonts have pictures."""
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:  # a byte that is not UTF-8
        number -= 0xDC00
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def plain(text: object) -> str:
    """The text with signs for what cannot be seen."""
    return _STRANGE.sub(lambda match: sign(match[0]), str(text))


def visible(text: object) -> Markup:
    """The same for the page: escaped, and the signs set apart."""
    parts, last, text = [], 0, str(text)
    for match in _STRANGE.finditer(text):
        parts += [escape(text[last : match.start()]), Markup("<i class=sign>{}</i>").format(sign(match[0]))]
        last = match.end()
    return Markup("").join([*parts, escape(text[last:])])


def visible_lines(text: str) -> Markup:
    """The same for several lines."""
    return Markup("\n").join(visible(line) for line in text.split("\n"))


def breakable(text: object) -> Markup:
    """A name that may go on in a new line after a slash."""
    return Markup("/<wbr>").join(visible(part) for part in str(text).split("/"))


def last_lines(data: bytes, number: int = 20) -> str:
    """The last lines of a log as a terminal would have left them: what a carriage return overwrote is not there."""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in data.decode(errors="replace").split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} ..." for line in lines[-number:])


def link(identity: str, attempt: int, suffix: str) -> str:
    """Address of a file in logs/, seen from reports/."""
    return quote(f"../logs/{identity}.{attempt}.{suffix}", errors="surrogateescape")


def worker_command(root: str) -> str:
    """The command that starts a worker."""
    return f"dsgspool --spool {shlex.quote(root)} worker"


def requeue_command(root: str, tasks: Sequence[TaskSeen]) -> str:
    """The command that runs failed tasks again; of very many it names the first."""
    patterns = [shlex.quote(_literal(task.identity)) for task in tasks[:MAX_NAMES]]
    return " ".join(["dsgspool --spool", shlex.quote(root), "requeue", *patterns])


def move_command(root: str, task: TaskSeen) -> str:
    """The same for one task without the program: a file in failed/ goes back to todo/."""
    folder = f"{State.TODO}/{task.name.batch}/" if task.name.batch else f"{State.TODO}/"
    make = f"mkdir -p {shlex.quote(folder)} && " if task.name.batch else ""
    return f"cd {shlex.quote(root)} && {make}mv {shlex.quote(f'{task.state}/{task.path}')} {shlex.quote(folder)}"


def _literal(identity: str) -> str:
    """A pattern that only this name matches."""
    return re.sub(r"[\[*?]", lambda match: f"[{match[0]}]", identity)
