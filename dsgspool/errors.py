"""Every error a caller may want to catch, in one tree.

    SpoolError
    ├── NotASpool        the folder is no spool: create it with `dsgspool init`
    ├── SettingsError    spool.yaml or a control file is wrong (file, line, reason)
    ├── InvalidTask      a task file is wrong (file, line, reason, remedy)
    ├── InvalidName      a name that cannot be a task's
    ├── TaskNotFound     also LookupError
    ├── WrongState       the verb does not fit the task's state; says which verb would
    ├── StorageError     also OSError, keeps errno
    └── NodeError        this machine cannot be a node (mount, user, system)

The rule: a message states the fact, then the path or field, then the remedy.  A lost race is no error but a value
(None or False), and an attempt that fails is no error but an `Outcome`.
"""

from __future__ import annotations

import errno


class SpoolError(Exception):
    """Base of all errors that dsgspool raises on purpose."""


class NotASpool(SpoolError):
    """No spool.yaml where a spool was expected."""

    def __init__(self, path: str, hint: str = "") -> None:
        import shlex  # 1 ms of start-up that only a folder that is no spool needs

        self.path = path
        hint = hint or f"create one with: dsgspool init {shlex.quote(path)}"
        super().__init__(f"{path} is not a spool (it has no spool.yaml): {hint}")


class SettingsError(SpoolError):
    """spool.yaml or a worker's control file cannot be used."""

    def __init__(self, path: str, reason: str, line: int | None = None) -> None:
        self.path, self.reason, self.line = path, reason, line
        super().__init__(f"{path}{f', line {line}' if line else ''}: {reason}")


class InvalidTask(SpoolError):
    """A task file that cannot be run: `line` counts from 1, `remedy` says what to write instead."""

    def __init__(self, reason: str, *, line: int | None = None, remedy: str = "", path: str = "") -> None:
        self.reason, self.line, self.remedy, self.path = reason, line, remedy, path
        super().__init__(str(self))

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.path, f"line {self.line}" if self.line else "") if part)
        return f"{where + ': ' if where else ''}{self.reason}{f' ({self.remedy})' if self.remedy else ''}"


class InvalidName(SpoolError):
    """A name that cannot be a task's."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name!r} cannot be the name of a task: {reason}")


class TaskNotFound(SpoolError, LookupError):
    """No task of that name, or none that matches the pattern."""

    def __init__(self, pattern: str, remedy: str = "see the names with: dsgspool list", *, where: str = "") -> None:
        self.pattern = pattern
        super().__init__(f"no task{where and ' in '}{where} matches {pattern!r}: {remedy}")


class WrongState(SpoolError):
    """The verb does not fit the state that the task is in."""

    def __init__(self, task: str, state: str, verb: str, remedy: str, *, part: bool = False) -> None:
        self.task, self.state, self.verb = task, state, verb
        what = f"and `{verb}` does not apply to a part of it" if part else f"which `{verb}` does not apply to"
        super().__init__(f"{task} is {state}, {what}: {remedy}")


class NodeError(SpoolError):
    """This machine, mount or user cannot do what was asked."""


#: What to do about an errno of the file system, in words.
REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space, nothing is lost",
    errno.EDQUOT: "the quota is used up: free some space, nothing is lost",
    errno.EROFS: "the file system is mounted read-only: remount it read-write",
    errno.EACCES: "permission denied: check the owner and mode, and the Kerberos ticket (klist) if the mount uses one",
    errno.EPERM: "not permitted for this user: check the owner and mode",
    errno.EKEYEXPIRED: "the Kerberos ticket has run out: renew it with kinit",
    errno.ESTALE: "the server forgot this file or folder: is the share still mounted?",
    errno.EIO: "input/output error: is the share still reachable?",
    errno.ENOTCONN: "the share is not connected: is it still mounted?",
    errno.ENOENT: "it does not exist: is the share still mounted?",
    errno.EINVAL: "it is no regular file (a folder, fifo or device), or the file system cannot do this",
    errno.ELOOP: "it is a link that is not followed, or that leads round in a circle",
    errno.ENOTDIR: "a file is in the place of a folder",
    errno.EISDIR: "a folder is in the place of a file",
}


class StorageError(SpoolError, OSError):
    """The file system refused an operation; `errno` is kept."""

    def __init__(self, operation: str, path: str, number: int) -> None:
        self.operation, self.path = operation, path
        OSError.__init__(self, number, errno.errorcode.get(number, "unknown error"), path)

    @classmethod
    def of(cls, error: OSError, operation: str = "use") -> StorageError:
        """The same refusal with its remedy; a StorageError stays as it is."""
        if isinstance(error, StorageError):
            return error
        return cls(operation, str(error.filename or "the spool"), error.errno or 0)

    def __str__(self) -> str:
        remedy = REMEDIES.get(self.errno or 0, "see the error code")
        return f"cannot {self.operation} {self.path}: {errno.errorcode.get(self.errno or 0, 'error')}, {remedy}"
