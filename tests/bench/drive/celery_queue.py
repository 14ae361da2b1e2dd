"""Celery with Redis: python celery_queue.py KIND TASKS FOLDER; two prefork processes.  Its worker imports this module."""

import os
import sys
import time

from celery import Celery
from common import given, run, stop, tell, wait, workers
from redis_server import redis

SOCKET = os.environ.get("BENCH_SOCKET", "")
app = Celery("celery_queue", broker=f"redis+socket://{SOCKET}", backend=f"redis+socket://{SOCKET}")


@app.task(name="run")
def task(kind, number, folder):
    """One task."""
    return run(kind, number, folder)


if __name__ == "__main__":
    kind, tasks, folder = given()
    with redis(folder) as socket:
        os.environ["BENCH_SOCKET"] = socket
        os.environ["PYTHONPATH"] = os.path.dirname(os.path.abspath(__file__))
        from celery_queue import task as queued

        begun = time.time()
        for number in range(tasks):
            queued.delay(kind, number, folder)
        submit = time.time() - begun
        words = [sys.executable, "-m", "celery", "-A", "celery_queue", "worker", "-c", "2", "--without-gossip"]
        processes = workers([[*words, "--without-mingle", "-P", "prefork"]])
        wait(folder, tasks)
        stop(processes)
        tell(folder, tasks, submit)
