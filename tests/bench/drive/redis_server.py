"""A Redis of its own, without persistence, on a socket in the bench's folder."""

import contextlib
import os
import subprocess
import time


@contextlib.contextmanager
def redis(folder):
    """The path of its socket."""
    path = f"{folder}/redis.sock"
    words = ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", folder]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        end = time.time() + 10
        while not os.path.exists(path) and time.time() < end:
            time.sleep(0.02)
        yield path
    finally:
        server.terminate()
        server.wait()
