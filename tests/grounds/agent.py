"""Runs in a node and does what `node.Node` asks; one JSON object a line, there and back.

    agent.py ADDRESS           listens at port 7000 of an internet address
    agent.py PATH --leash      listens at a path; when its stdin comes to an end it kills what it has spawned, and ends

    {"run": ARGV, "env": {...}}                  {"code": 0, "out": "...", "err": "..."}
    {"spawn": ARGV, "env": {...}, "log": FILE}   {"pid": 123}
    {"python": SOURCE, "values": {...}}          {"value": ...}

A thread a connection: one that hangs on a dead share hangs alone.  It needs nothing but Python itself.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

PORT = 7000
spawned = []


def run(request):
    done = subprocess.run(
        request["run"], stdin=subprocess.DEVNULL, capture_output=True, env=environment(request), cwd="/", check=False
    )
    return {
        "code": done.returncode,
        "out": done.stdout.decode(errors="replace"),
        "err": done.stderr.decode(errors="replace"),
    }


def spawn(request):
    with open(request["log"], "ab") as log:
        process = subprocess.Popen(
            request["spawn"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(request), cwd="/",
            start_new_session=True,
        )  # fmt: skip
    spawned.append(process)
    threading.Thread(target=process.wait, daemon=True).start()
    return {"pid": process.pid}


def python(request):
    names = {"os": os, "time": time, "shutil": shutil, "Path": Path, "json": json, **request["values"]}
    try:
        code = compile(request["python"], "test", "eval")
    except SyntaxError:
        exec(compile(request["python"], "test", "exec"), names)
        return {"value": names.get("answer")}
    return {"value": eval(code, names)}


def environment(request):
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", **request["env"]}


VERBS = {"run": run, "spawn": spawn, "python": python}


def serve(line):
    with line, line.makefile("rb") as requests:
        for text in requests:
            request = json.loads(text)
            verb = next(verb for name, verb in VERBS.items() if name in request)
            try:
                reply = json.dumps(verb(request))
            except Exception as error:  # noqa: BLE001 - whatever it was, the test shall see it
                reply = json.dumps({"error": f"{type(error).__name__}: {error}"})
            line.sendall(reply.encode() + b"\n")


def listen(address):
    if "/" not in address:
        return socket.create_server((address, PORT))
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    return listening


def keep_leash():
    while os.read(0, 1):
        pass
    for process in spawned:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    os._exit(0)


def main(address, *flags):
    listening = listen(address)
    if flags == ("--leash",):
        threading.Thread(target=keep_leash, daemon=True).start()
    while True:
        line, _ = listening.accept()
        if listening.family != socket.AF_UNIX:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(line,), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
