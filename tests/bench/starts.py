"""`python -m tests.bench.starts`: how long a start keeps who starts, by the clock, and how much of that it computes.

The rule: as a worker does it (spawning.py), with some work between two starts, so that caches are as cold and the other CPU as busy.
"""

from __future__ import annotations

import os
import time

from dsgspool.spawning import Launch, start

STARTS, WORK = 2000, 0.0005  #: seconds of other work between two starts


def main() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    launch = Launch(["true"], os.getcwd(), dict(os.environ), null, null, null)
    clock = cpu = 0.0
    for _ in range(STARTS):
        began, computed = time.perf_counter(), time.thread_time()
        start(launch)
        cpu += time.thread_time() - computed
        ended = time.perf_counter()
        clock += ended - began
        while time.perf_counter() < ended + WORK:
            os.stat(".")
        os.wait()
    print(f"a start of `true`: {clock / STARTS * 1000:.2f} ms by the clock, {cpu / STARTS * 1000:.2f} ms of CPU time")


if __name__ == "__main__":
    main()
