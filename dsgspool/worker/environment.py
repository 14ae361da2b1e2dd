"""What a command gets beyond the worker's environment, and what of it may be written down.

The rule: a secret lives in a file of its owner's alone (`env_file`), is read when an attempt begins, and goes nowhere but
into the command's environment.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Mapping, Sequence

from dsgspool import redaction
from dsgspool.accounts import Account, acting_as
from dsgspool.classes import dataclass
from dsgspool.conditions import Gpu
from dsgspool.errors import InvalidTask
from dsgspool.expressions import expression
from dsgspool.fs import Fs
from dsgspool.task import Task
from dsgspool.worker import launch

MAX_BYTES = 64 * 1024
_LINE = expression(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_WRONG = frozenset({
    errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EISDIR,
    errno.ENAMETOOLONG, errno.ENODEV,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Environment:
    """`added` to the worker's own; `shown` is what may be read of it; `secrets` are values to be hidden anywhere."""

    added: Mapping[str, str]
    shown: Mapping[str, str]
    secrets: tuple[str, ...] = ()

    def hide(self, text: str) -> str:
        """A text without those values."""
        return redaction.hide(text, self.secrets) if self.secrets else text


def environment(
    task: Task,
    cwd: str,
    inherited: Mapping[str, str],
    fs: Fs,
    owner: Account | Collection[int],
    gpus: Sequence[Gpu] | None = None,
) -> Environment:
    """What a task adds.  `owner`: as whom it runs, or the uids that are the worker's own.  InvalidTask, OSError."""
    own = launch.added_environment(task, inherited, gpus)
    if not (task.env or task.env_file or task.params):
        return Environment(own, own)  # how many threads is nobody's secret
    private = load(fs, os.path.join(cwd, task.env_file), owner) if task.env_file else {}
    added = {**private, **own}
    secrets = redaction.worth_hiding({*private.values(), *redaction.secret_values(task.env, task.params)})
    return Environment(added, redaction.mask_mapping(added, private.keys() - own.keys()), secrets)


def load(fs: Fs, path: str, owner: Account | Collection[int]) -> dict[str, str]:
    """The variables in a file of KEY=VALUE lines that nobody but its owner may read."""
    user, uids = (owner, {owner.uid}) if isinstance(owner, Account) else (None, owner)
    try:
        with acting_as(user):
            data, status = fs.read(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in _WRONG:
            raise
        why = "it is no regular file" if isinstance(error, OSError) and error.errno == errno.EINVAL else str(error)
        raise InvalidTask(f"its env_file {path} cannot be read: {why}", remedy="write the whole path") from None
    if status.st_uid not in uids:
        raise InvalidTask(
            f"its env_file {path} belongs to uid {status.st_uid}, not to the user who runs it",
            remedy="make a copy of your own",
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        mode = f"{stat.S_IMODE(status.st_mode):03o}"
        raise InvalidTask(
            f"its env_file {path} can be read or written by others (mode {mode})", remedy=f"chmod 600 {path}"
        )
    if len(data) > MAX_BYTES:
        raise InvalidTask(f"its env_file {path} is longer than {MAX_BYTES} bytes", remedy="keep data in other files")
    return parse(os.fsdecode(data), path)


def parse(text: str, path: str) -> dict[str, str]:
    """KEY=VALUE lines: a value is everything up to the end of its line; empty lines and those with # in front are skipped."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if not match or "\0" in line:
            why = "is no KEY=VALUE"
            remedy = "without `export`, without spaces around =; a line that begins with # is a comment"
        elif len(match[2]) > 1 and match[2][0] == match[2][-1] and match[2][0] in "\"'":
            why, remedy = "has quotes around its value", "remove them: they would be part of the value"
        else:
            found[match[1]] = match[2]
            continue
        raise InvalidTask(f"its env_file {path}: line {number} {why}", remedy=remedy)
    return found
