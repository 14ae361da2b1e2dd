"""What a task of a Python queue does, and how its driver tells what it measured.

The rule: this folder runs in the peer's own environment, so it imports the standard library and that peer only.  Each
task runs its command, keeps its outputs where that is asked for, and leaves one line with the time, so that a rate is
counted from the first end to the last, without the start of the peer's workers.
"""

import json
import os
import subprocess
import sys
import time

KIND = {"true": ["true"], "shell": ["sh", "-c", "echo hello; echo err >&2"]}


def run(kind, number, folder):
    """One task."""
    if kind == "shell":
        with open(f"{folder}/{number}.out", "wb") as out, open(f"{folder}/{number}.err", "wb") as err:
            code = subprocess.run(KIND[kind], stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=False).returncode
    else:
        code = subprocess.run(KIND[kind], stdin=subprocess.DEVNULL, check=False).returncode
    ticks = os.open(f"{folder}/ticks", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(ticks, f"{number} {time.time():.6f}\n".encode())
    os.close(ticks)
    return code


def given():
    """(kind, number of tasks, folder) from the command line."""
    return sys.argv[1], int(sys.argv[2]), sys.argv[3]


def ticks(folder):
    """Lines that the tasks left."""
    try:
        with open(f"{folder}/ticks") as file:
            return [line.split() for line in file]
    except FileNotFoundError:
        return []


def wait(folder, tasks, patience=120):
    """Until all have ended."""
    end = time.time() + patience
    while len(ticks(folder)) < tasks:
        if time.time() > end:
            sys.exit(f"only {len(ticks(folder))} of {tasks} tasks ended in {patience} s")
        time.sleep(0.05)


def tell(folder, tasks, submit):
    """Print what was measured; every task must have run exactly once."""
    lines = ticks(folder)
    assert sorted(int(number) for number, _ in lines) == list(range(tasks))
    moments = sorted(float(moment) for _, moment in lines)
    print(json.dumps({"seconds": moments[-1] - moments[0], "tasks": tasks - 1, "submit": submit}))


def workers(commands, env=None):
    """Start processes; whoever calls ends them."""
    return [subprocess.Popen(c, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for c in commands]


def stop(processes):
    """End them, and wait."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait()
