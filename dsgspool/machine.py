"""The door to what this machine has: CPUs, memory, GPUs, programs.

The rule: measured once, when a worker starts, and within a time limit; what cannot be measured is not there.  What a cgroup
or CUDA_VISIBLE_DEVICES leaves to this process is all that counts.  Who uses it besides is looked for again and again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence

from dsgspool import proc
from dsgspool.cgroups import path_in, text
from dsgspool.clock import Clock, SystemClock
from dsgspool.conditions import Gpu, Inventory
from dsgspool.fs import Fs

PATIENCE = 10.0  #: seconds that all probes have together
LOOK = 3.0  #: seconds for a look at GPUs while a worker works: less than a heartbeat
USED_WITHIN = 900.0  #: seconds: who typed that long ago may come back, as other schedulers of idle desktops have it
DEATH = 1.0  #: seconds that a killed probe is waited for
QUERY = ("--query-gpu=index,uuid,memory.total,name", "--format=csv,noheader,nounits")
PROCESSES = ("--query-compute-apps=gpu_uuid", "--format=csv,noheader")
VISIBLE = "CUDA_VISIBLE_DEVICES"

unkilled: set[int] = set()  #: probes that hang in a driver; who reaps all children of this process takes them out again


def measure(scratch: str, software: Mapping[str, str], clock: Clock) -> Inventory:
    """What tasks of this process may use.  `scratch`: a folder; `software`: program -> the command that tells its version."""
    cpu_limit, memory_limit = limits()
    smi = shutil.which("nvidia-smi")
    commands = {name: ["/bin/sh", "-c", command] for name, command in software.items()}
    said = probe({**commands, "": [smi, *QUERY]} if smi else commands, clock)
    total = proc.node_look().memory_total
    return Inventory(
        host=os.uname().nodename,
        cpus=max(1, min(proc.usable_cpus(), int(cpu_limit or proc.usable_cpus()))),
        memory=min(total, memory_limit or total),
        scratch=_free(scratch),
        gpus=visible(parse_gpus(said.pop("", "")), os.environ.get(VISIBLE)),
        software={name: text.strip().partition("\n")[0][:200] for name, text in said.items()},
    )


def probe(commands: Mapping[str, Sequence[str]], clock: Clock, patience: float = PATIENCE) -> dict[str, str]:
    """What those commands print that can be started and end well within `patience` seconds; all run at once."""
    if not commands:
        return {}
    import subprocess  # 10 ms that most workers need not wait for

    running = {}
    for name, argv in commands.items():
        with contextlib.suppress(OSError):  # no program of this machine
            running[name] = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
            )
    said, deadline = {}, clock.boot() + patience
    for name, process in running.items():
        try:
            text, _ = process.communicate(timeout=max(0.01, deadline - clock.boot()))
        except subprocess.TimeoutExpired:
            proc.send_group(process.pid, 9)
            try:
                process.wait(DEATH)
            except subprocess.TimeoutExpired:
                process.returncode = -9
                unkilled.add(process.pid)
            if process.stdout:
                process.stdout.close()  # not read to its end: what left the session may hold the other end for ever
        else:
            if process.returncode == 0:
                said[name] = text.decode(errors="replace")
    return said


def parse_gpus(text: str) -> list[Gpu]:
    """The GPU of each line that nvidia-smi printed; memory comes in MiB."""
    found = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.split(",", 3)]
        if len(parts) == 4 and parts[0].isdecimal() and parts[2].isdecimal():
            found.append(Gpu(int(parts[0]), int(parts[2]) << 20, parts[3], parts[1]))
    return found


def busy_gpus() -> frozenset[str]:
    """UUIDs of the GPUs on which some process computes, of whomever; none when nvidia-smi does not say so in time."""
    smi = shutil.which("nvidia-smi") if not unkilled else None  # one that hangs is enough
    said = probe({"": [smi, *PROCESSES]}, SystemClock(), LOOK) if smi else {}
    return frozenset(line.strip() for line in said.get("", "").splitlines())


def visible(gpus: Sequence[Gpu], chosen: str | None) -> tuple[Gpu, ...]:
    """Those that CUDA_VISIBLE_DEVICES leaves to this process; CUDA stops at the first entry that means none."""
    if chosen is None:
        return tuple(gpus)
    found: list[Gpu] = []
    for word in filter(None, map(str.strip, chosen.split(","))):
        meant = [g for g in gpus if word == str(g.index) or (word[:3] == "GPU" and g.uuid.startswith(word))]
        if len(meant) != 1:
            break
        found += meant
    return tuple(found)


def limits(root: str = "/sys/fs/cgroup", own: str = "/proc/self/cgroup") -> tuple[float, int]:
    """(CPUs, bytes) that the cgroups (v2) of this process leave to it, 0 = no limit: the least of all on the way up."""
    path = path_in(own)
    cpus, memory = 0.0, 0
    while True:
        quota, _, period = text(f"{root}{path}/cpu.max").partition(" ")
        if quota.isdecimal() and period.strip().isdecimal():
            cpus = min(cpus or float("inf"), int(quota) / int(period))
        if (most := text(f"{root}{path}/memory.max").strip()).isdecimal():
            memory = min(memory or int(most), int(most))
        if path in ("", "/"):
            return cpus, memory
        path = os.path.dirname(path)


def in_use(now: float) -> str:
    """How somebody uses this machine, '' when nobody does.  `now`: Unix time by this machine's own clock.

    Whoever is logged in at the screen counts until he logs out: what he types there no file tells.
    """
    import psutil

    if any(not (user.terminal or "pts/").startswith("pts/") for user in psutil.users()):
        return "somebody is logged in at its screen"
    is_new = any(now - moment < USED_WITHIN for moment in _last_reads())
    return f"somebody used a terminal in the last {USED_WITHIN // 60:g} minutes" if is_new else ""


def _last_reads() -> Iterator[float]:
    """When a program last read what was typed, for each terminal (tty(4): its atime, in steps of 8 s)."""
    for path in [f"/dev/pts/{name}" for name in _names("/dev/pts") if name.isdecimal()]:
        with contextlib.suppress(OSError):  # closed meanwhile
            yield os.stat(path).st_atime


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def cpus() -> tuple[int, ...]:
    """CPUs that this process may use, the threads of a core side by side, and the cores of a socket."""
    return tuple(sorted(os.sched_getaffinity(0), key=_place))


def _place(cpu: int) -> tuple[int, int, int]:
    words = [
        text(f"/sys/devices/system/cpu/cpu{cpu}/topology/{of}").strip() for of in ("physical_package_id", "core_id")
    ]
    socket, core = (int(word) if word.isdecimal() else 0 for word in words)
    return socket, core, cpu


def _free(folder: str) -> int:
    try:
        return Fs().space(folder)[0]
    except OSError:
        return 0
