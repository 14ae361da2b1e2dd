"""`python -m tests.bench.placement`: what it costs to decide where a task runs, beside one rename of the same minute.

The rule: as the worker does it: peek at a file's text, look up what its lane wants, ask whether that fits now, take it.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from types import SimpleNamespace

from dsgspool.conditions import Gpu, Inventory
from dsgspool.names import TaskName, lane_for
from dsgspool.requests import NOTHING
from dsgspool.settings import Settings
from dsgspool.worker.counted import Counted
from dsgspool.worker.packing import Packing
from dsgspool.worker.peek import peek

G, TASKS, ROUNDS = 1 << 30, 2000, 5
NODE = Inventory(
    "n1", 64, 512 * G, 1024 * G, tuple(Gpu(n, 40 * G, "A100") for n in range(8)), {"samtools": ""}, {}, {"licence": 99}
)
PLAIN = b'command: ["true"]\ncwd: /tmp\n...\n'
WISHES = (
    b"resources: {cpus: 2, memory: 16G}\n",
    b"resources: {memory: 4G, gpus: 1, gpu_memory: 20G}\nwhere: gpu~A100 has:samtools host!=n3\n",
    b"resources: {memory: 4G, licence: 1, scratch: 10G}\nwhere: ram>=64G\n",
    b"resources: {memory: 300G, gpus: 8}\n",
)  # fmt: skip


def per_task(what: Callable[[], None]) -> float:
    """Microseconds of CPU time a task, the median of some rounds: other programs of this machine are not counted."""
    found = []
    for _ in range(ROUNDS):
        before = time.process_time()
        what()
        found.append((time.process_time() - before) / TASKS * 1e6)
    return statistics.median(found)


def packing() -> Packing:
    mount = SimpleNamespace(is_remote=False)
    spool = SimpleNamespace(
        clock=SimpleNamespace(boot=lambda: -1.0), fs=SimpleNamespace(mount=lambda _: mount), root="", todo=""
    )
    settings = Settings()
    turnstile = SimpleNamespace(limits=lambda _: {})
    counted = Counted(spool, "n1-abcdefgh", lambda: settings, None, None, turnstile)  # type: ignore[arg-type]
    return Packing(spool, NODE, print, counted)  # type: ignore[arg-type]


def claimed(texts: list[bytes]) -> Callable[[], None]:
    """What is decided of a file that was claimed."""
    node, name = packing(), TaskName("x")

    def decide() -> None:
        for number in range(TASKS):
            hint = peek.__wrapped__(texts[number % len(texts)])
            request = node.wanted(name, hint)
            if node.fits(request):
                node.left(64).takes(hint.cpus, request)

    return decide


def chosen(texts: list[bytes]) -> Callable[[], None]:
    """What is decided of a candidate in a lane, before it is claimed; what fits runs and ends at once."""
    node, hints = packing(), [peek(text) for text in texts]
    paths = [f"@{lane_for(0, hint.cpus, hint.request)}/x.yaml" if hint.request else "x.yaml" for hint in hints]
    name = TaskName("x")
    requests = [node.wanted(name, hint) for hint in hints]

    def decide() -> None:
        for number in range(TASKS):
            at = number % len(texts)
            if node.admits(paths[at], node.left(64)):
                held = SimpleNamespace(request=requests[at], gpus=node.take(requests[at]), name=name)
                node.give(held)  # type: ignore[arg-type]

    return decide


def renames(folder: str) -> Callable[[], None]:
    """The reference: one rename there and back for two tasks, on this disk."""
    with open(f"{folder}/a", "w"):
        pass

    def rename() -> None:
        for _ in range(TASKS // 2):
            os.rename(f"{folder}/a", f"{folder}/b")
            os.rename(f"{folder}/b", f"{folder}/a")

    return rename


def main() -> None:
    wishes = [PLAIN.replace(b"...\n", wish + b"...\n") for wish in WISHES]
    assert all(peek(text).request is not NOTHING for text in wishes)
    with tempfile.TemporaryDirectory() as folder:
        rows = {
            "one rename (reference)": renames(folder),
            "claimed, wants nothing": claimed([PLAIN]),
            "claimed, with requests": claimed(wishes),
            "in todo/, wants nothing": chosen([PLAIN]),
            "in a lane, with requests": chosen(wishes),
        }
        print(f"us of CPU time a task, median of {ROUNDS} x {TASKS}; load {os.getloadavg()[0]:.1f}")
        for name, what in rows.items():
            print(f"{name:28} {per_task(what):8.2f}")


if __name__ == "__main__":
    main()
