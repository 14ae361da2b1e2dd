"""huey: python huey_queue.py KIND TASKS FOLDER file|sqlite.  Its consumer imports this module."""

import os
import sys
import time

from common import given, run, stop, tell, wait, workers
from huey import FileHuey, SqliteHuey

FOLDER, STORE = os.environ.get("BENCH_FOLDER", ""), os.environ.get("BENCH_STORE", "")
huey = SqliteHuey(filename=f"{FOLDER}/huey.db") if STORE == "sqlite" else FileHuey(path=f"{FOLDER}/huey")


@huey.task()
def task(kind, number, folder):
    """One task."""
    return run(kind, number, folder)


if __name__ == "__main__":
    if not FOLDER:  # once more, with the settings that the consumer needs too
        env = {**os.environ, "BENCH_FOLDER": sys.argv[3], "BENCH_STORE": sys.argv[4]}
        os.execve(sys.executable, [sys.executable, *sys.argv], env)
    from huey_queue import task as queued

    kind, tasks, folder = given()
    begun = time.time()
    for number in range(tasks):
        queued(kind, number, folder)
    submit = time.time() - begun
    consumer = os.path.join(os.path.dirname(sys.executable), "huey_consumer")
    env = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.abspath(__file__))}
    processes = workers([[consumer, "huey_queue.huey", "-w", "2", "-k", "process"]], env)
    wait(folder, tasks)
    stop(processes)
    tell(folder, tasks, submit)
