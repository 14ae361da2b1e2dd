"""HyperQueue: python hyperqueue_queue.py KIND TASKS FOLDER; a server and a worker with two CPUs, one array of tasks."""

import json
import os
import time

from common import KIND, given
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig

if __name__ == "__main__":
    kind, tasks, folder = given()
    with LocalCluster(server_dir=folder) as cluster:
        cluster.start_worker(WorkerConfig(cores=2))
        client, job, begun = cluster.client(), Job(), time.time()
        for number in range(tasks):
            logs = {}
            if kind == "shell":
                logs = {"stdout": f"{folder}/{number}.out", "stderr": f"{folder}/{number}.err"}
            job.program(KIND[kind], env={"N": str(number)}, cwd=folder, **logs)
        submitted = client.submit(job)
        accepted = time.time()
        client.wait_for_jobs([submitted])
        print(json.dumps({"seconds": time.time() - accepted, "tasks": tasks, "submit": accepted - begun}), flush=True)
    os._exit(0)
