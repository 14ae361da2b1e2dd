"""The guard: the worker's parent, the one that kills.

The rule: no task of a worker runs on when the worker is dead or has been silent for `fence` seconds.  The guard touches
no spool file while the worker lives, so a hung share cannot hang it.  It is a child subreaper: when the worker dies,
all that the worker left behind become the guard's children; it kills until no child is left, looks twice, and only then
writes the tombstone workers/WID.dead.  It imports nothing of dsgspool: it is started with `python -I -S` and stays tiny.

    guard.py COMMAND [ARG ...]      starts COMMAND ARG ... --guard-fd N; the worker tells through N, one JSON a line:
        {"tombstone": PATH, "fence": SECONDS, "shared": BOOLEAN}     who I am, and whether the spool is a group's
        {"beat": BOOTTIME}     after every heartbeat; taken before it began
"""

import _thread
import ctypes
import json
import os
import select
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
NODE_TROUBLE, START_PAUSE = 8, 5.0  # exit code of a worker that cannot start here; seconds before it is tried again
RESTART = 75  # EX_TEMPFAIL: what a worker exits with that others took for dead
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
libc = ctypes.CDLL(None, use_errno=True)
told_to_end = False


def boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def start_worker(argv: list[str], speak: int) -> int:
    """Fork and exec the worker in a process group of its own: the terminal's Ctrl-C reaches the guard alone."""
    guard = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    os.setpgid(0, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    os.set_inheritable(speak, True)
    try:
        os.execv(argv[0], [*argv, "--guard-fd", str(speak), "--guard-pid", str(guard)])
    except OSError as error:
        os.write(2, f"dsgspool: cannot start {argv[0]}: {error}\n".encode())
        os._exit(127)


class Guard:
    """What the guard knows: its worker, and when that was last seen to reach the spool."""

    def __init__(self, worker: int, listen: int) -> None:
        self.worker, self.listen = worker, listen
        self.tombstone, self.fence, self.shared = "", 0.0, False
        self.was_interrupted = False  #: before it had introduced itself
        self.beat = boot()
        self.rest = b""

    def hear(self) -> bool:
        """Take in what the worker said; False at the end of the pipe."""
        data = os.read(self.listen, 65536)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            said = json.loads(line)
            self.beat = max(self.beat, said.get("beat", 0.0))
            self.tombstone = said.get("tombstone", self.tombstone)
            self.fence = said.get("fence", self.fence)
            self.shared = said.get("shared", self.shared)
        return bool(data)

    def left(self) -> float:
        """Seconds until the worker counts as cut off."""
        return self.beat + self.fence - boot() if self.fence else 3600.0

    def watch(self) -> None:
        """Return when the worker has closed the pipe, ended, or been silent for `fence` seconds."""
        poll = select.poll()
        poll.register(self.listen, select.POLLIN)
        while (left := self.left()) > 0:
            if poll.poll(min(left, 3600.0) * 1000) and not self.hear():
                return
        say(f"no heartbeat went through for {self.fence:.0f} s: killing worker and tasks")

    def bury(self) -> int:
        """Kill the worker and all that is below, wait for the last, leave the tombstone; the worker's exit code."""
        code = self.end_worker()
        kill_children()
        if self.tombstone:
            self.write_tombstone(code)
        return code

    def end_worker(self) -> int:
        """The worker's exit code; kill it unless it has closed the pipe by ending."""
        pid, status = os.waitpid(self.worker, os.WNOHANG)
        if not pid:
            # RACE: the pipe closes a moment before the process can be waited for, so give it that moment.
            for _ in range(20 if self.left() > 0 else 0):
                time.sleep(0.01)
                pid, status = os.waitpid(self.worker, os.WNOHANG)
                if pid:
                    break
            else:
                status = self.kill_worker()
        return os.waitstatus_to_exitcode(status)

    def kill_worker(self) -> int:
        """Kill the worker and all that is below, until the worker is gone; its wait status."""
        os.kill(self.worker, signal.SIGKILL)
        pause = 0.005
        while True:
            # RACE: on a share that hangs, a killed worker does not end before the share is back: its exit closes files
            # there.  Until then its tasks stay ITS children: who waits for the worker first leaves them running [m].
            kill(descendants())
            pid, status = os.waitpid(self.worker, os.WNOHANG)
            if pid:
                return status
            time.sleep(pause)
            pause = min(pause * 2, 0.5)

    def write_tombstone(self, code: int) -> None:
        text = json.dumps({"exit": code, "silent_seconds": round(boot() - self.beat, 1)})
        try:
            descriptor = os.open(self.tombstone, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            if self.shared:
                os.fchmod(descriptor, 0o640)
            os.write(descriptor, text.encode() + b"\n")
            os.fsync(descriptor)
            os.close(descriptor)
        except OSError as error:
            say(f"no tombstone {self.tombstone}: {error}")


def say(text: str) -> None:
    """Tell whoever started me, and wait for no pipe and no log file on a share that hangs: killing comes first."""
    told = _thread.allocate_lock()
    told.acquire()

    def tell() -> None:
        try:
            os.write(2, f"dsgspool: {text}\n".encode())
        except OSError:  # nobody reads any more
            return
        finally:
            told.release()

    try:
        _thread.start_new_thread(tell, ())
    except RuntimeError:  # no thread to spare (a fork bomb): what is to be killed matters more than the telling
        return
    told.acquire(timeout=0.2)


def children() -> list[int]:
    """My children, adopted ones included."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:
            return [int(pid) for pid in file.read().split()]
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and parent(int(name)) == os.getpid()]


def parent(pid: int) -> int:
    """Parent of a process, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def descendants() -> list[int]:
    """All processes below me, whoever their parents are."""
    parents = {int(name): parent(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    found = [os.getpid()]
    for pid in found:
        found += [child for child, its_parent in parents.items() if its_parent == pid]
    return found[1:]


def kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def kill_groups(pids: list[int]) -> None:
    """SIGKILL their process groups: all of a group at once, where a fork bomb would outrun one signal after another.

    Each task has a session, and so groups, of its own; mine is left out.
    """
    for pid in pids:
        try:
            if (group := os.getpgid(pid)) != os.getpgrp():
                os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def kill_children() -> None:
    """SIGKILL every child until the kernel says twice that there is none; their orphans become my children too."""
    quiet = 0
    while quiet < 2:
        kill_groups(mine := children())
        kill(mine)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                quiet = 0
            time.sleep(0.005)
        except ChildProcessError:
            quiet += 1


def main(argv: list[str]) -> int:
    """Start the worker, and a new incarnation after each that was fenced, until one ends of itself."""
    open_standard_streams()
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.chdir("/")  # a working folder on the share could hang the guard
    see_to_signals()
    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heeded = [number for number in FORWARDED if not (nohup and number == signal.SIGHUP)]
    # RACE: a signal that comes while no worker is there to be told stays pending, and is heeded before the next begins.
    signal.pthread_sigmask(signal.SIG_BLOCK, heeded)
    code = one_life(argv, heeded)
    was_fenced = code == RESTART
    while code == RESTART or (was_fenced and code == NODE_TROUBLE):
        # The share may still be away or read-only: it worked before, so it is waited for.
        if told_to_end or signal.sigtimedwait(heeded, 0.2 if code == RESTART else START_PAUSE):
            break
        code = one_life(argv, heeded)
    return code if code >= 0 else 128 - code


def see_to_signals() -> None:
    """None of a terminal or a batch system may stop the one that kills, or the worker."""
    signal.signal(
        signal.SIGCHLD, signal.SIG_DFL
    )  # a starter that ignores it hands that down: no child could be waited for
    signal.signal(signal.SIGUSR1, lambda *_: None)  # a batch system's warning; SIG_IGN would be handed down to commands
    signal.signal(signal.SIGTSTP, lambda *_: None)  # Ctrl-Z
    signal.signal(
        signal.SIGTTOU, signal.SIG_IGN
    )  # with `tostop` it would stop a worker, never in front, at its first line


def open_standard_streams() -> None:
    """A closed one leads nowhere from now on; else the pipe or a file of the spool would get its number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free


def one_life(argv: list[str], heeded: list[signal.Signals]) -> int:
    """One incarnation of the worker, from its start to its tombstone; its exit code, RESTART when it was fenced.

    The signals `heeded` are blocked when it begins and when it returns: they are passed on while the worker is watched.
    """
    listen, speak = os.pipe()
    os.set_blocking(listen, False)
    try:
        worker = start_worker(argv, speak)
    except OSError as error:  # no process to spare
        os.close(listen)
        say(f"cannot start {argv[0]}: {error}")
        return NODE_TROUBLE
    finally:
        os.close(speak)
    guard = Guard(worker, listen)
    for number in heeded:
        signal.signal(number, lambda number, _frame: forward(guard, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, heeded)
    guard.watch()
    signal.pthread_sigmask(signal.SIG_BLOCK, heeded)
    silent = guard.left() <= 0
    code = guard.bury()
    os.close(listen)
    if guard.was_interrupted and code == -signal.SIGTERM:
        return -signal.SIGINT
    return RESTART if silent and not told_to_end else code


def forward(guard: Guard, number: int) -> None:
    """Pass a signal on; a worker that is then found silent is not started anew."""
    global told_to_end
    told_to_end = True
    if number == signal.SIGINT and not guard.tombstone:  # RACE: it may not listen yet: that would be a traceback
        guard.was_interrupted, number = True, signal.SIGTERM
    try:
        os.kill(guard.worker, number)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
