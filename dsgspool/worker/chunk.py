"""The process that runs a chunk of a sweep: one item after the other, and a line for each that ended.

The rule: an item has ended when its line stands whole in the index; whoever comes after a crash runs the others, and last of
them the one at which the chunk broke off: it may be what killed it.  What an item writes goes straight into the chunk's logs,
and the line says which bytes are its own.  It begins with `python -I -S`, and imports next to nothing: a chunk may be short, and
between two items there is nothing but what an item needs.

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
BEGINS = b"# begins "  #: before each item of an attempt that is not the first
_BETWEEN = b"# stopped\n"  #: told to end while no item ran
_HEAD = b"# item outcome started seconds out bytes err bytes\n"


class Chunk:
    """The items of one attempt."""

    def __init__(self, plan: dict, index: int) -> None:  # type: ignore[type-arg] # typing is not imported here
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
        self.suspects = self.broke_off() if plan["earlier"] else set()
        self.failed: list[str] = []
        self.failures = self.ran = 0
        self.seconds = 0.0
        self.is_stopping = self.is_late = self.is_cut = False
        self.is_at_item = False  #: from before its start until its line is written
        self.pid = 0

    def run(self) -> int:
        """Run what has not succeeded; the exit code."""
        signal.signal(signal.SIGTERM, self.on_term)
        signal.signal(signal.SIGALRM, self.on_alarm)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores these two; an item must not
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.write(self.index, _HEAD)
        only = None if self.plan["only"] is None else set(self.plan["only"])
        if only is None and self.plan["again"] is not None:
            only = set(self.plan["again"]) - self.finished
        self.run_all([number for number in self.numbers() if number not in self.suspects], only)
        self.run_all(sorted(self.suspects), only)
        if only is not None:  # of the others some may have failed before
            self.failures = self.total() - len(self.finished)
        named = f"; failed: {', '.join(self.failed)}" if self.failed else ""
        counts = f"# {len(self.finished)} done, {self.failures} failed, {self.ran} run in {self.seconds:.4f} s{named}\n"
        os.write(self.index, counts.encode())
        if self.is_cut:  # whoever sent the signal: what has not run is not done
            return 128 + signal.SIGTERM
        return SOME_FAILED if self.failures else 0

    def numbers(self) -> range:
        """The numbers of the chunk."""
        return range(self.plan["first"], self.plan["last"] + 1)

    def run_all(self, numbers: list[int], only: set[int] | None) -> None:
        """Run those that are wanted, until it has to stop."""
        for number in numbers:
            if number in self.finished if only is None else number not in only:
                continue
            if (values := self.sweep.values(number)) is not None:
                self.is_cut = self.is_stopping
                if self.is_cut:
                    return
                self.run_one(number, values)

    def broke_off(self) -> set[int]:
        """The items that ran when earlier attempts were killed."""
        found: set[int] = set()
        done: set[int] = set()
        for chosen, path, may_be_killed in self.plan["earlier"]:
            done.difference_update(chosen)
            ended, begun, was_between = {}, None, False
            for line in lines_of(path):
                number, _, rest = line.partition(b" ")
                if line.startswith(b"#"):
                    begun, was_between = line if line.startswith(BEGINS) else begun, line == _BETWEEN
                elif number.isdigit():
                    ended[int(number)] = rest.startswith(b"done ")
            if may_be_killed and not was_between:  # the last line may be there: whoever is told to end still counts
                found.update(
                    {self.first_of(chosen, done | ended.keys()) if begun is None else int(begun.split()[-1])}
                    - ended.keys()
                )
            done.update(number for number, is_done in ended.items() if is_done)
        return {number for number in found if number in self.numbers()}

    def first_of(self, chosen: list[int], over: set[int]) -> int:
        """The first item of an attempt that is not among those; -1 for none."""
        numbers = sorted(chosen) or self.numbers()
        return next((each for each in numbers if each not in over and self.sweep.values(each) is not None), -1)

    def total(self) -> int:
        """Items that are not excluded."""
        return sum(self.sweep.values(number) is not None for number in self.numbers())

    def run_one(self, number: int, values: dict[str, str]) -> None:
        """Run an item and write its line."""
        if self.plan["earlier"]:
            os.write(self.index, b"%s%d\n" % (BEGINS, number))
        out, err = end_of(1), end_of(2)
        began = boot()
        self.is_at_item = True
        outcome = self.outcome(number, values)
        if self.is_stopping and outcome != "done":
            self.is_cut = True
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
        line = f"{number} {outcome} {self.moment(began)} {seconds:.4f} {part_of(1, out)} {part_of(2, err)}\n"
        data = line.encode()
        if os.write(self.index, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.is_at_item = False

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
            # A group of its own: `kill 0` in a script means what that one started, not the chunk.
            self.pid = os.posix_spawnp(argv[0], argv, self.environment, setpgroup=0)
            if self.is_stopping:
                self.tell(signal.SIGTERM)  # RACE: told to end while it began: whoever told me has not seen it
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
        what, folder = getattr(error, "filename", None) or argv[0], self.plan["cwd"]
        is_folder = bool(folder) and what != argv[0]
        why = f"{'its folder cannot be entered: cwd ' if is_folder else ''}{what}: {getattr(error, 'strerror', '') or error}"
        os.write(2, f"dsgspool: item {number} cannot be started: {why}\n".encode(errors="replace"))
        return "exit127" if isinstance(error, FileNotFoundError) and not is_folder else "exit126"

    def moment(self, at: float) -> str:
        """ISO 8601 in UTC with milliseconds, by the file server's clock."""
        second, rest = divmod(at + self.offset, 1)
        if second != self.second:
            self.second, self.stamp = int(second), time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self.stamp}.{int(rest * 1000):03d}Z"

    def on_term(self, *_: object) -> None:
        """The worker wants this to end; the item has been told too."""
        self.is_stopping = True
        if not self.is_at_item:
            os.write(self.index, _BETWEEN)
            os._exit(128 + signal.SIGTERM)

    def on_alarm(self, *_: object) -> None:
        """The item's time is over: TERM, and after the grace KILL, again and again."""
        if not self.pid:  # RACE: it ended as its time did; group 0 would be the chunk's own
            return
        number = signal.SIGKILL if self.is_late or not self.plan["grace"] else signal.SIGTERM
        self.is_late = True
        if self.tell(number):
            signal.setitimer(signal.ITIMER_REAL, self.plan["grace"] or 1.0)

    def tell(self, number: int) -> bool:
        """A signal to all that the item began in its group; False when it may not be sent, or nobody is left."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True


def boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def end_of(log: int) -> int:
    """Bytes in a log.  fstat would make an NFS client write everything to the server before it answers."""
    return os.lseek(log, 0, os.SEEK_END)


def part_of(log: int, begin: int) -> str:
    """Where in a log an item's part begins, and its bytes.  It may have emptied the log, as `> /dev/stderr` does."""
    end = end_of(log)
    return f"{begin} {end - begin}" if end >= begin else f"0 {end}"


def finished(earlier: list[tuple[list[int], str, bool]]) -> set[int]:
    """Items whose newest end was a success, by the indexes of earlier attempts, oldest first; before each the items that were
    chosen to run again.  A line without its end is not there."""
    found: set[int] = set()
    for chosen, path, *_ in earlier:
        found.difference_update(chosen)
        for line in lines_of(path):
            if len(fields := line.split(None, 2)) == 3 and fields[0].isdigit():
                (found.add if fields[1] == b"done" else found.discard)(int(fields[0]))
    return found


def lines_of(path: str) -> list[bytes]:
    """The whole lines of an index, none if there is no such file."""
    try:
        # What lies there may be a fifo, whose open would wait for a writer.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            return [line for line in file if line.endswith(b"\n")]
    except FileNotFoundError:
        return []


def main(plan: str, index: str) -> int:
    """Run a chunk."""
    os.set_inheritable(int(index), False)
    try:
        with open(plan, "rb") as file:
            chunk = Chunk(marshal.load(file), int(index))  # noqa: S302 - its worker wrote it, into a folder of its own
        return chunk.run()
    except OSError as error:
        try:
            os.write(2, f"dsgspool: this node cannot go on with the chunk: {error}\n".encode(errors="replace"))
        except OSError:  # the disk may be full for that too
            return TROUBLE
        return TROUBLE


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    code = main(*sys.argv[1:])
    os._exit(code)
