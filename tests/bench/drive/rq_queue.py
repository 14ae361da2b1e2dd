"""RQ with Redis: python rq_queue.py KIND TASKS FOLDER; two workers that run jobs without a fork (SimpleWorker)."""

import os
import sys
import time

from common import given, run, stop, tell, wait, workers
from redis import Redis
from redis_server import redis
from rq import Queue

if __name__ == "__main__":
    kind, tasks, folder = given()
    with redis(folder) as socket:
        queue, begun = Queue("bench", connection=Redis(unix_socket_path=socket)), time.time()
        queue.enqueue_many([Queue.prepare_data(run, (kind, number, folder)) for number in range(tasks)])
        submit = time.time() - begun
        here = os.path.dirname(os.path.abspath(__file__))
        env = {**os.environ, "PYTHONPATH": here}
        rq = os.path.join(os.path.dirname(sys.executable), "rq")
        words = [rq, "worker", "--url", f"unix://{socket}", "--worker-class", "rq.SimpleWorker", "--burst", "bench"]
        processes = workers([words, words], env)
        wait(folder, tasks)
        stop(processes)
        tell(folder, tasks, submit)
