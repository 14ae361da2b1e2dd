"""Two clients of one export, as the findings see them.

The rule: `Client.do` is the only thing that a simulated and a real client do not share: it runs one piece of Python
there, with `os`, so both are asked in the same words.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Client:
    """One client.  `do(source, **values)` runs statements there, with `os`, `fcntl` and `errno`, and returns their `answer`."""

    def do(self, source: str, **values: object) -> Any:
        """In the simulation, or on a node."""
        raise NotImplementedError

    def call(self, expression: str, **values: object) -> Any:
        """What an expression gives, or the name of the errno that it ends with."""
        source = f"try:\n    answer = {expression}\nexcept OSError as error:\n    answer = errno.errorcode[error.errno]"
        return self.do(source, **values)

    def mkdir(self, path: str) -> Any:
        return self.call("os.mkdir(path)", path=path)

    def rmdir(self, path: str) -> Any:
        return self.call("os.rmdir(path)", path=path)

    def rename(self, source: str, target: str) -> Any:
        return self.call("os.rename(path, target)", path=source, target=target)

    def unlink(self, path: str) -> Any:
        return self.call("os.unlink(path)", path=path)

    def utime(self, path: str) -> Any:
        return self.call("os.utime(path)", path=path)

    def stat(self, path: str) -> Any:
        return self.call("os.stat(path) and None", path=path)

    def list(self, path: str) -> set[str]:
        """Names in a folder."""
        return set(self.call("os.listdir(path)", path=path))

    def look(self, path: str) -> set[str]:
        """The same, for who waits for a change: one of the tick of an earlier listing would be overlooked for ever on v3."""
        self.utime(path)
        return self.list(path)

    def inodes(self, path: str) -> dict[str, int]:
        """Names and inode numbers, by scandir."""
        return dict(self.call("[(entry.name, entry.inode()) for entry in os.scandir(path)]", path=path))

    def open(self, path: str, flags: str) -> Any:
        """A descriptor."""
        return self.call(f"os.open(path, {flags}, 0o644)", path=path)

    def close(self, descriptor: int) -> Any:
        return self.call("os.close(descriptor)", descriptor=descriptor)

    def fsync(self, descriptor: int) -> Any:
        return self.call("os.fsync(descriptor)", descriptor=descriptor)

    def write(self, descriptor: int, text: str) -> Any:
        return self.call("os.write(descriptor, text.encode())", descriptor=descriptor, text=text)

    def lock(self, descriptor: int) -> Any:
        """flock, held until the descriptor is closed; the errno when another has it."""
        return self.call("fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)", descriptor=descriptor)

    def see(self, path: str) -> Any:
        """Open a folder and close it."""
        return self.close(self.open(path, "os.O_RDONLY | os.O_DIRECTORY"))

    def create(self, path: str, text: str = "") -> Any:
        """A new file, whole; None when this client made it."""
        descriptor = self.open(path, "os.O_WRONLY | os.O_CREAT | os.O_EXCL")
        if isinstance(descriptor, str):
            return descriptor
        if text:
            self.write(descriptor, text)
        return self.close(descriptor)

    def read(self, path: str) -> Any:
        """A file's text."""
        descriptor = self.open(path, "os.O_RDONLY")
        if isinstance(descriptor, str):
            return descriptor
        text = self.call("os.read(descriptor, 4096).decode()", descriptor=descriptor)
        self.close(descriptor)
        return text

    def fstat(self, path: str) -> tuple[int, float, int]:
        """Inode number, mtime and size, by open and fstat."""
        descriptor = self.open(path, "os.O_RDONLY")
        fields = ", ".join(f"os.fstat(descriptor).{name}" for name in ("st_ino", "st_mtime", "st_size"))
        found = self.call(f"[{fields}]", descriptor=descriptor)
        self.close(descriptor)
        return tuple(found)


class Pair(Protocol):
    """Two clients, time, and faults."""

    version: str
    a: Client
    b: Client

    def wait(self, seconds: float) -> None:
        """Let time pass."""

    def lost_reply(self, operation: Callable[[], Any], happened: Callable[[], bool]) -> Any:
        """What A hears of an operation when the server restarts after it was carried out and before A was told."""

    def unanswered(self, operation: Callable[[], Any], look: Callable[[], bool]) -> Any:
        """What A hears of an operation whose answers cannot pass until `look` is true."""

    def cut_off(self, operation: Callable[[], Any], meanwhile: Callable[[], None]) -> Any:
        """What A hears of an operation that it begins while cut off, after the heal; `meanwhile` happens in between."""

    def still_clock(self) -> AbstractContextManager[None]:
        """All that happens inside happens within one tick of the server's clock."""

    def full_disk(self) -> AbstractContextManager[None]:
        """No block is free."""
