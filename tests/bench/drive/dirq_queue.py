"""dirq: python dirq_queue.py KIND TASKS FOLDER; two consumers, which keep no record."""

import sys
import time

from common import given, run, stop, tell, wait, workers
from dirq.QueueSimple import QueueSimple


def consume(kind, folder):
    """Take and run until killed."""
    queue = QueueSimple(f"{folder}/dirq")
    while True:
        for name in queue:
            if queue.lock(name):
                run(kind, int(queue.get(name)), folder)
                queue.remove(name)
        time.sleep(0.05)


if __name__ == "__main__":
    kind, tasks, folder = given()
    if sys.argv[-1] == "consume":
        consume(kind, folder)  # for ever
    queue, begun = QueueSimple(f"{folder}/dirq"), time.time()
    for number in range(tasks):
        queue.add(str(number))
    submit = time.time() - begun
    processes = workers([[sys.executable, *sys.argv, "consume"]] * 2)
    wait(folder, tasks)
    stop(processes)
    tell(folder, tasks, submit)
