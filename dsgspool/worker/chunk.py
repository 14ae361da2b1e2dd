"""The process that runs a chunk of a sweep: one item after the other, and a line for each that ended.

The rule: an item has ended when its line stands whole in the index; whoever comes after a crash runs the others.  What an
item writes goes straight into the chunk's logs, and the line says which bytes are its own.  It begins with `python -I -S`, and
imports next to nothing: a chunk may be short, and between two items there is nothing but what an item needs.

    chunk.py PLAN INDEX     a file of `marshal` with what is to be run; the descriptor of the index
"""

import errno
import marshal
import os
import signal
import sys
import time

SOME_FAILED, TROUBLE = 1, 75  #: exit codes: items failed; this node could not go on (EX_TEMPFAIL)
NAMED = 5  #: failed items that the last line names
_NODE_TROUBLE = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ESTALE)
_HEAD = b"# item outcome started seconds out bytes err bytes\n"


class Chunk:
    """The items of one attempt."""

    def __init__(self, plan: dict, index: int) -> None:  # type: ignore[type-arg] # no typing here
        from dsgspool.items import MARK, Sweep, filled
        from dsgspool.tables import TextTable

        self.plan, self.index, self.filled = plan, index, filled
        self.sweep = Sweep(*plan["sweep"])
        if (table := plan["table"]) is not None:
            os.set_inheritable(table, False)
            self.sweep.table = TextTable(lambda offset, limit: os.pread(table, limit, offset), end_of(table))
        self.argv: list[str] = plan["argv"]
        self.is_plain = not any(MARK in word for word in self.argv)
        self.environment = {**os.environb}
        self.offset = plan["now"] - boot()
        self.second, self.stamp = -1, ""
        self.finished = finished(plan["earlier"])
        self.failed: list[str] = []
        self.failures = self.ran = 0
        self.seconds = 0.0
        self.is_stopping = self.is_late = False
        self.pid = 0

    def run(self) -> int:
        """Run what has not succeeded; the exit code."""
        signal.signal(signal.SIGTERM, self.on_term)
        signal.signal(signal.SIGALRM, self.on_alarm)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores these two; an item must not
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.write(self.index, _HEAD)
        only = self.plan["only"]
        for number in range(self.plan["first"], self.plan["last"] + 1):
            if number in self.finished if only is None else number not in only:
                continue
            if (values := self.sweep.values(number)) is not None:
                self.run_one(number, values)
                if self.is_stopping:
                    break
        if only is not None:  # of the others some may have failed before
            self.failures = self.total() - len(self.finished)
        named = f"; failed: {', '.join(self.failed)}" if self.failed else ""
        counts = f"# {len(self.finished)} done, {self.failures} failed, {self.ran} run in {self.seconds:.4f} s{named}\n"
        os.write(self.index, counts.encode())
        return SOME_FAILED if self.failures else 0

    def total(self) -> int:
        """Items that are not excluded."""
        numbers = range(self.plan["first"], self.plan["last"] + 1)
        return sum(self.sweep.values(number) is not None for number in numbers)

    def run_one(self, number: int, values: dict[str, str]) -> None:
        """Run an item and write its line."""
        out, err = end_of(1), end_of(2)
        began = boot()
        outcome = self.outcome(number, values)
        if self.is_stopping and outcome != "done":
            return  # it was stopped, and did not fail
        seconds = boot() - began
        self.ran += 1
        self.seconds += seconds
        if outcome == "done":
            self.finished.add(number)
        else:
            self.finished.discard(number)
            self.failures += 1
            if len(self.failed) < NAMED:
                self.failed.append(f"{number} {outcome}")
        line = (
            f"{number} {outcome} {self.moment(began)} {seconds:.4f} {out} {end_of(1) - out} {err} {end_of(2) - err}\n"
        )
        data = line.encode()
        if os.write(self.index, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def outcome(self, number: int, values: dict[str, str]) -> str:
        """Start it, wait for it, and say how it ended."""
        argv = self.argv if self.is_plain else [self.filled(word, values) for word in self.argv]
        self.environment[b"DSGSPOOL_ITEM"] = b"%d" % number
        for name, text in self.plan["env"].items():
            self.environment[os.fsencode(name)] = os.fsencode(self.filled(text, values))
        try:
            if self.plan["cwd"]:
                os.chdir(self.filled(self.plan["cwd"], values))
            if self.plan["stdin"]:
                os.lseek(0, 0, os.SEEK_SET)
            if self.plan["timeout"] is None:
                self.pid = os.posix_spawnp(argv[0], argv, self.environment)
            else:
                self.pid = os.posix_spawnp(argv[0], argv, self.environment, setpgroup=0)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in _NODE_TROUBLE:
                raise
            return self.not_started(number, argv, error)
        return self.waited()

    def waited(self) -> str:
        """How the item ended that runs."""
        timeout = self.plan["timeout"]
        if timeout is not None:
            self.is_late = False
            signal.setitimer(signal.ITIMER_REAL, timeout)
        status = os.waitpid(self.pid, 0)[1]
        self.pid = 0
        if timeout is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if self.is_late:
                return "timeout"
        code = os.waitstatus_to_exitcode(status)
        return f"signal{-code}" if code < 0 else "done" if code in self.plan["codes"] else f"exit{code}"

    def not_started(self, number: int, argv: list[str], error: Exception) -> str:
        """Say in the error log, as a shell would, why an item could not be started."""
        is_missing = isinstance(error, FileNotFoundError)
        why = f"{argv[0]}: {getattr(error, 'strerror', '') or error}"
        os.write(2, f"dsgspool: item {number} cannot be started: {why}\n".encode(errors="replace"))
        return "exit127" if is_missing else "exit126"

    def moment(self, at: float) -> str:
        """ISO 8601 in UTC with milliseconds, by the file server's clock."""
        second, rest = divmod(at + self.offset, 1)
        if second != self.second:
            self.second, self.stamp = int(second), time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self.stamp}.{int(rest * 1000):03d}Z"

    def on_term(self, *_: object) -> None:
        """The worker wants this to end; the item has been told too."""
        self.is_stopping = True
        if not self.pid:
            os.write(self.index, b"# stopped\n")
            os._exit(128 + signal.SIGTERM)

    def on_alarm(self, *_: object) -> None:
        """The item's time is over: TERM, and after the grace KILL, again and again."""
        number = signal.SIGKILL if self.is_late or not self.plan["grace"] else signal.SIGTERM
        self.is_late = True
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return
        signal.setitimer(signal.ITIMER_REAL, self.plan["grace"] or 1.0)


def boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def end_of(log: int) -> int:
    """Bytes in a log.  fstat would make an NFS client write everything to the server before it answers."""
    return os.lseek(log, 0, os.SEEK_END)


def finished(earlier: list[tuple[list[int], str]]) -> set[int]:
    """Items whose newest end was a success, by the indexes of earlier attempts, oldest first; before each the items that were
    chosen to run again.  A line without its end is not there."""
    found: set[int] = set()
    for chosen, path in earlier:
        found.difference_update(chosen)
        try:
            with open(path, "rb") as file:
                for line in file:
                    if line.endswith(b"\n") and len(fields := line.split(None, 2)) == 3 and fields[0].isdigit():
                        (found.add if fields[1] == b"done" else found.discard)(int(fields[0]))
        except FileNotFoundError:
            continue
    return found


def main(plan: str, index: str) -> int:
    """Run a chunk."""
    os.set_inheritable(int(index), False)
    with open(plan, "rb") as file:
        chunk = Chunk(marshal.load(file), int(index))  # noqa: S302 - its worker wrote it, into a folder of its own
    try:
        return chunk.run()
    except OSError as error:
        os.write(2, f"dsgspool: this node cannot go on with the chunk: {error}\n".encode(errors="replace"))
        return TROUBLE


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    code = main(*sys.argv[1:])
    os._exit(code)
