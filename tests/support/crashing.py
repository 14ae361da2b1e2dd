"""Crash points of real processes: find them, strike at one, recover, judge.

The rule: a run is traced once without a fault, which gives the list of its points; then each point has a trial of its own
in a fresh spool: the same run, killed (or refused) at exactly that call, then fresh real processes that bring everything
to rest.  A trial that did not strike at its point is no trial: it says so and is counted as invalid.

A point is a call of one process, known by what it does (`rename todo/a.yaml running/HOST-R/a@HOST-R.1.yaml`), by the last
change of the spool before it, and by its count since then.  A kill before call k + 1 is the kill after call k: between two
points a process does nothing that anybody else can see.

The processes are forked from one that has imported everything, which saves 0.4 s a trial; nothing else is different.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from dsgspool.proc import PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, prctl
from dsgspool.spool import Spool
from dsgspool.spool.editing import opened, owed
from tests.support.processes import command_line
from tests.support.ptrace import GO, KILL, TEAR, Call, Trace
from tests.support.spools import STATES, SpoolFolder

SECONDS = 100.0  #: what one run may take on a busy machine
#: The victim's times: no heartbeat, fence or lease falls into its short life.
VICTIM: Mapping[str, object] = {
    "format": 1, "heartbeat": "20s", "fence": "60s", "kill": "20s", "lease": "2m5s", "settle": "20ms", "poll_min": "9s",
    "poll_max": "9s", "defaults": {"grace": "200ms"},
}  # fmt: skip
#: The times of who recovers: a lease passes at once.
HEIR: Mapping[str, object] = {
    **VICTIM,
    "heartbeat": "50ms",
    "fence": "150ms",
    "kill": "100ms",
    "lease": "400ms",
    "poll_min": "10ms",
    "poll_max": "30ms",
}

EDITOR_IS_DEAD = 30.0  #: seconds; more than the heir's lease

_WORD = re.compile(r"(?<![a-z0-9])[a-z2-7]{8}(?![a-z0-9])")
_VERSION = re.compile(r"\bv-[a-z0-9]+")
_NORMAL = (
    (_WORD, "R"),
    (re.compile(r"\d{8}T\d{6}Z"), "T"),
    (re.compile(r"\.\d+\.tmp\b"), ".PID.tmp"),
    (
        re.compile(r"-[0-9a-f]{16}(?=\.(?:js|css)\b)"),
        "-HASH",
    ),  # of what a report's data file holds: moments, among others
)


def normal(call: Call) -> str:
    """A call as text, without what differs from run to run."""
    text = " ".join(call.paths)
    for pattern, word in _NORMAL:
        text = pattern.sub(word, text)
    return f"{call.name} {text}".rstrip()


@dataclass(frozen=True, slots=True)
class Point:
    """The `nth` call `what` of `role` since its change `after` (which had happened `times` before)."""

    role: str
    after: str
    times: int
    what: str
    nth: int
    can_tear: bool = False
    #: a look, a beat, a line of the journal, an empty folder: how often and when depends on the time
    by_clock: bool = False

    def __str__(self) -> str:
        return f"{self.role}: {self.what} #{self.nth} after {self.after or 'nothing'} #{self.times}"


@dataclass(frozen=True, slots=True)
class Strike:
    """What to do at a point: kill these roles there, tear its write, or refuse its call with an errno."""

    point: Point
    fault: int = KILL
    victims: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = {KILL: f"kill {'+'.join(self.victims) or 'it'}", TEAR: "tear"}.get(self.fault, f"errno {self.fault}")
        return f"{what} at {self.point}"


class Watch:
    """Gives each call its point; strikes at one of them."""

    def __init__(self, strike: Strike | None = None, *, every: bool = True) -> None:
        self.strike, self.every = strike, every
        self.struck: Call | None = None
        self.points: list[Point] = []
        self.trace = Trace()
        self._after: dict[str, tuple[str, int]] = {}
        self._changes: dict[tuple[str, str], int] = {}
        self._seen: dict[tuple[str, str], int] = {}

    def __call__(self, call: Call) -> int:
        if call.role == "below" and call.name != "execve":
            return GO  # a command on its way to its program, still with the worker's descriptors
        point = self._point(call)
        if self.every or point.nth == 1:
            self.points.append(point)
        if self.strike is None or self.struck is not None or point != self.strike.point:
            return GO
        self.struck = call
        return self._strike(self.strike, call)

    def _point(self, call: Call) -> Point:
        what = normal(call)
        after, times = self._after.get(call.role, ("", 0))
        nth = self._seen[call.role, what] = self._seen.get((call.role, what), 0) + 1
        # A line of the journal, or an empty folder that goes, comes a turn sooner or later.
        is_aside = call.is_change and (call.paths[0].endswith(".jsonl") or what.startswith("rmdir waiting/"))
        # Between its start and its first claim a worker beats once; from then on the clock says when.
        is_beat = call.name == "utimensat" or (what == "say guard" and ("logs/" in after or "running/" in after))
        by_clock = is_aside or call.is_look or is_beat
        point = Point(call.role, after, times, what, nth, call.name == "write", by_clock)
        if call.is_change and not is_aside:
            count = self._changes[call.role, what] = self._changes.get((call.role, what), 0) + 1
            self._after[call.role] = (what, count)
            self._seen = {key: number for key, number in self._seen.items() if key[0] != call.role}
        return point

    def _strike(self, strike: Strike, call: Call) -> int:
        if strike.fault != KILL or not strike.victims:
            return strike.fault
        for role in strike.victims:
            for pid in [pid for pid, its_role in self.trace.roles.items() if its_role == role]:
                if pid not in self.trace.ended and role != call.role:
                    os.kill(pid, signal.SIGKILL)
        return KILL if call.role in strike.victims else GO


# -- the ground of a trial ------------------------------------------------------------------------------------------


class Ground:
    """A folder with a spool and, beside it, what its tasks tell of themselves (`history`) and what processes print."""

    def __init__(self, folder: str, *, bare: bool = False) -> None:
        self.folder, self.root = folder, f"{folder}/spool"
        os.makedirs(folder, exist_ok=True)
        self.history = f"{folder}/history"
        self.tasks: SpoolFolder | None = None if bare else SpoolFolder(Path(self.root), self._settings())

    def _settings(self) -> Mapping[str, object]:
        """Those that the story has set, else the victim's."""
        try:
            with open(f"{self.root}/spool.yaml") as file:
                return dict(yaml.safe_load(file))
        except FileNotFoundError:
            return VICTIM

    @property
    def spool(self) -> SpoolFolder:
        assert self.tasks is not None
        return self.tasks

    def change_settings(self, **changes: object) -> None:
        """Some others than the story's."""
        self.spool.configure(self._settings(), **changes)

    def printed(self, kind: str = "out") -> str:
        """What the traced process and its children printed."""
        with open(f"{self.folder}/{kind}.txt", errors="replace") as file:
            return file.read()

    def versions(self) -> dict[str, list[str]]:
        """Version -> every path at which its text lies."""
        found: dict[str, list[str]] = {}
        paths = [f"{state}/{path}" for state in STATES for path in self.spool.ls(state)]
        spool = Spool(self.root)
        for folder in opened(spool):  # an editor took them out and was killed
            paths += [f"{os.path.relpath(folder, self.root)}/{path}" for path in owed(spool, folder)]
        for path in paths:
            text = (self.spool / path).read_text(errors="replace")
            version = found_version[0] if (found_version := _VERSION.search(text)) else f"? {path}"
            if "\nsweep:" in text:  # one text, and each file of it stands for other items
                version += f":{os.path.basename(path).partition('@')[0].partition('~')[0].rpartition('%')[2]}"
            found.setdefault(version, []).append(path)
        return found

    def first_life_is_over(self) -> None:
        """From now on no command does what only the victim is to suffer."""
        for name in ("r1", "z", "l", "h", "k", "t", "n"):
            with open(f"{self.history}.once-{name}", "w"):
                pass

    def age_edits(self) -> None:
        """A lease passes: an editor that was killed is taken for dead at the first look, and not at the one a minute later."""
        for folder in opened(Spool(self.root)):
            for path, _, _ in os.walk(folder):
                then = os.stat(path).st_mtime - EDITOR_IS_DEAD
                os.utime(path, (then, then))

    def told(self, word: str) -> list[str]:
        """Names of the tasks that told this word, in order."""
        try:
            with open(self.history) as file:
                return [line.split()[1] for line in file if line.split()[0] == word]
        except FileNotFoundError:
            return []


def command(body: str = "") -> str:
    """A shell command that tells its start, its end and another live attempt of its own name, all with builtins."""
    return "\n".join(
        [
            'H="${DSGSPOOL_SPOOL%/*}/history"; N="$DSGSPOOL_TASK"; P="$H.${N##*/}"',
            'if read -r O 2>/dev/null <"$P" && read -r _ _ S _ 2>/dev/null <"/proc/$O/stat" && [ "$S" != Z ]; then',
            'echo "together $N $DSGSPOOL_ATTEMPT" >>"$H"; fi',
            'echo $$ >"$P"; echo "start $N $DSGSPOOL_ATTEMPT" >>"$H"',
            *([body] if body else []),
            ': >"$P"; echo "end $N $DSGSPOOL_ATTEMPT" >>"$H"',
        ]
    )


# -- processes ------------------------------------------------------------------------------------------------------


def settle_in() -> None:
    """What a process that makes trials does once: orphans of its trials become its children, so none can hide."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # RACE: a command whose worker and guard are killed before its shell starts has me for its parent, and z signals that.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    for name in [name for name in os.environ if name.startswith("DSGSPOOL_")]:
        del os.environ[name]


def redirect(ground: Ground, kind: str = "", stdin: str = "") -> None:
    """In a forked child: stdin from a text, stdout and stderr to files of the ground."""
    source = os.open(f"{ground.folder}/stdin{kind}", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(source, stdin.encode())
    os.lseek(source, 0, os.SEEK_SET)
    os.dup2(source, 0)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it lives as long as this child
    for number, name in ((1, "out"), (2, "err")):
        target = os.open(f"{ground.folder}/{name}{kind}.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(target, number)
        os.close(target)
    os.close(source)
    os.chdir(ground.folder)


def dsgspool(ground: Ground, words: tuple[str, ...], stdin: str = "", kind: str = "") -> Callable[[], int]:
    """The program `dsgspool --spool ROOT WORDS...`, to be run in a forked child."""

    def program() -> int:
        from dsgspool.cli.quick import main

        redirect(ground, kind, stdin)
        sys.argv = ["dsgspool", "--spool", ground.root, *words]
        try:
            main()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 0
        return 0

    return program


def worker_alone(ground: Ground, *flags: str, kind: str = "") -> Callable[[], int]:
    """A worker without a guard."""

    def program() -> int:
        from dsgspool.worker.__main__ import main

        redirect(ground, kind)
        return main(["--spool", ground.root, "--slots", "1", *flags])

    return program


def guard_and_worker(ground: Ground, *flags: str) -> Callable[[], int]:
    """A guard that starts its worker: by fork alone, where `execv` would import everything anew."""

    def program() -> int:
        from dsgspool.worker import guard

        redirect(ground)
        os.execv = _enter
        return guard.main([sys.executable, "-m", "dsgspool.worker", "--spool", ground.root, "--slots", "1", *flags])

    return program


def _enter(_path: str, argv: list[str]) -> None:
    """In place of execv: what it does to descriptors and signals, and then the worker's `main`."""
    from dsgspool.worker.__main__ import main

    kept = int(argv[argv.index("--guard-fd") + 1])
    os.closerange(3, kept)
    os.closerange(kept + 1, 64)
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    code = main(argv[3:])
    sys.stderr.flush()
    os._exit(code)


def fork(program: Callable[[], int]) -> int:
    """Run it in a child that nobody traces."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        code = program()
    except BaseException:  # noqa: BLE001 - a forked child must never return into its parent's code
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        os._exit(code)


def wait(pid: int, meanwhile: Callable[[], None] = lambda: None) -> int:
    """Exit code of a child, orphans reaped on the way."""
    deadline = time.monotonic() + SECONDS
    while True:
        meanwhile()
        gone, status = os.waitpid(-1, os.WNOHANG)
        if gone == pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            raise TimeoutError(f"process {pid} was not over within {SECONDS:g} s")
        if not gone:
            time.sleep(0.003)


def leftovers() -> list[str]:
    """Command lines of what is still below this process after a moment; they are killed."""
    deadline = time.monotonic() + 2.0
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if not os.waitpid(-1, os.WNOHANG)[0]:
                time.sleep(0.005)
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            left = [int(pid) for pid in file.read().split()]
        told = [f"{pid} {command_line(pid)}" for pid in left]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return told
    return []
