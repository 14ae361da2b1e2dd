"""Text of others on my page: every character is to be seen, and none does anything.

The rule: names, reasons and logs come from anybody.  What steers a terminal or a browser's text direction is shown as a
sign of its own, everything else is escaped; a command to copy quotes what a shell would read otherwise.
"""

from __future__ import annotations

import re
import shlex
from urllib.parse import quote, quote_plus

from markupsafe import Markup, escape

MAX_LINE = 400  #: characters of a log's line

_STRANGE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)

_BUTTON = Markup(' <button type="button" class="copy" data-copy="{}" aria-label="Copy this command">Copy</button>')
_COLOUR = re.compile("\x1b\\[[0-9;:]*m")
_MASK = re.compile(r"(‹[a-z]{4,7}›|‹…›|#)")


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
    """The same for several lines of a log, without the colours that a program gave them."""
    return Markup("\n").join(visible(line) for line in _COLOUR.sub("", text).split("\n"))


def breakable(text: object) -> Markup:
    """A name that may go on in a new line after a slash."""
    return Markup("/<wbr>").join(visible(part) for part in str(text).split("/"))


def masked(text: object) -> Markup:
    """A pattern; what stands for something that differs from task to task is set apart."""
    parts = _MASK.split(str(text))
    whole = [Markup("<i class=mask>{}</i>").format(part) if at % 2 else visible(part) for at, part in enumerate(parts)]
    return Markup("").join(whole)


def coded(text: object) -> Markup:
    """A sentence with words `as code`; a command among them gets a button that copies it."""
    whole = []
    for at, part in enumerate(str(text).split("`")):
        if at % 2 == 0:
            whole.append(visible(part))
            continue
        whole.append(Markup("<code>{}</code>").format(visible(part)))
        if part.startswith("dsgspool --spool"):
            whole.append(_BUTTON.format(part))
    return Markup("").join(whole)


def last_lines(data: bytes, number: int = 20) -> str:
    """The last lines of a log as a terminal would have left them: what a carriage return overwrote is not there."""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in data.decode(errors="replace").split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} ..." for line in lines[-number:])


def link(identity: str, attempt: int, suffix: str) -> str:
    """Address of a file in logs/, seen from reports/."""
    return quote(f"../logs/{identity}.{attempt}.{suffix}", errors="surrogateescape")


def page_of(identity: str) -> str:
    """Address of the page of a task."""
    return f"#/task/{quote(identity, errors='surrogateescape')}"


def search(**words: str) -> str:
    """Address of the table of tasks with a search for `key:value` each."""
    terms = (f"{key}:{_term(value)}" for key, value in words.items())
    return f"#/tasks?q={quote_plus(' '.join(terms), errors='surrogateescape')}"


def _term(value: str) -> str:
    """In quotes where it would be other words; there all is meant as it is, and two of them are one."""
    return '"{}"'.format(value.replace('"', '""')) if re.search(r'[\s,"*]|^[<>=]', value) else value


def resume_command(root: str, batch: str) -> str:
    """The command that lets a batch go on which its policy holds back."""
    return f"dsgspool --spool {shlex.quote(root)} batch resume {shlex.quote(batch)}"
