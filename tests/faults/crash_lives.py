"""Lives of a worker under its guard, to be crashed at any of their calls; for each role alone and for both at once.

The rule: a life is as long as its tasks: the last one, z, tells its worker to drain, so that every life also comes to its
clean end.  No heartbeat is due before (but for the lives in which a person takes a running task away).
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import yaml

from dsgspool.ranges import parse_range
from tests.faults.crash_stories import ONCE, Story, lies_in
from tests.support.crashing import (
    HEIR,
    VICTIM,
    Ground,
    command,
    fork,
    guard_and_worker,
    normal,
    redirect,
    wait,
    worker_alone,
)
from tests.support.processes import CODE
from tests.support.ptrace import GO, KILL, Call, Tracer

ROLES = ("guard", "worker")
#: A person's move shows at a heartbeat.
BEATING = {**VICTIM, "heartbeat": "300ms"}

YEARS = 700 * 86400.0  #: seconds; more than one


def last(ground: Ground) -> None:
    """The task that ends its worker."""
    ground.spool.drop("z", command(ONCE.format("z", "kill -TERM $PPID")), description="v-z")


def everything(ground: Ground) -> None:
    """A task for every way that a file can take; durability is strict, which only adds calls."""
    ground.spool.configure(VICTIM, durability="strict")
    drop, fails_first = ground.spool.drop, command("[ $DSGSPOOL_ATTEMPT -gt 1 ] || exit 1")
    drop("a", command(), description="v-a")
    drop("b", command("exit 1"), description="v-b")
    drop("c", fails_first, description="v-c", retries=1)
    drop("d", fails_first, description="v-d", retries=1, backoff={"base": "1h"})
    ground.spool.overwrite("todo/e.yaml", "command: [\n# v-e\n...\n")
    drop("s/f", command(), description="v-f")
    drop("g", command(), description="v-g", cpus=9)
    drop("@p5/p", command(), description="v-p")
    drop("y", command(), state="waiting/until-20200101T000000Z", description="v-y")
    last(ground)


def dies_at(what: str) -> Callable[[Call], int]:
    """A worker that is killed where a call begins so."""
    return lambda call: KILL if normal(call).startswith(what) else GO


def inheritance(ground: Ground) -> None:
    """What five dead workers left: ended, lost, claimed, without a record, and moved away by a person."""
    drop, spool = ground.spool.drop, ground.spool
    spool.configure(HEIR)
    for name, what in (
        ("ended", "rename running/vm-R/ended@"), ("failed", "rename running/vm-R/failed@"), ("lost", "wait"),
        ("claimed", "create logs/claimed.1.yaml"), ("stray", "create logs/stray.1.yaml"), ("signed", "write logs/signed.1.yaml"),
    ):  # fmt: skip
        body = {"failed": "exit 1", "lost": ONCE.format("lost", "kill -9 $PPID")}.get(name, "")
        drop(name, command(body), description=f"v-{name}")
        what = what.replace("vm-R", f"{_host()}-R")
        Tracer(ground.root, dies_at(what)).run(worker_alone(ground, kind=f"-{name}"), 30)
        for held in [path for path in spool.ls("running") if "/stray@" in path]:
            spool.mv(f"running/{held}", "hold/")
        for path in spool.ls("running"):  # kept from the next one, which would take it over at once
            spool.mv(f"running/{path}", f"tmp/{path.replace('/', ' ')}")
    for path in [path for path in spool.ls("tmp") if " " in path]:
        spool.mv(f"tmp/{path}", f"running/{path.replace(' ', '/')}")
    drop("stray", command(), state="hold", description="v-twin")
    spool.configure(VICTIM)
    last(ground)


def _host() -> str:
    return os.uname().nodename.split(".")[0].lower()


def taken_away(ground: Ground) -> None:
    """Running tasks that a person parks, cancels, and puts back into the queue."""
    ground.spool.configure(BEATING)
    for name, state in (("h", "hold"), ("k", "failed"), ("t", "todo")):
        move = f'mv "$DSGSPOOL_SPOOL/running/$DSGSPOOL_WORKER/{name}@"* "$DSGSPOOL_SPOOL/{state}/"; exec sleep 20'
        ground.spool.drop(name, command(ONCE.format(name, move)), description=f"v-{name}")
    last(ground)


def stopped(ground: Ground) -> None:
    """A second signal kills what runs; it is given back uncounted."""
    signals = "kill -TERM $PPID; sleep 0.1; kill -TERM $PPID; exec sleep 20"
    ground.spool.drop("l", command(ONCE.format("l", signals)), description="v-l")
    ground.spool.drop("m", command(), description="v-m")


def fenced(ground: Ground) -> None:
    """A worker that others took for dead: it publishes nothing, and its guard starts a new incarnation."""
    ground.spool.configure(BEATING)
    mark = 'echo "{}" >"$DSGSPOOL_SPOOL/workers/$DSGSPOOL_WORKER.fenced"; exec sleep 20'
    ground.spool.drop("n", command(ONCE.format("n", mark)), description="v-n")
    last(ground)


def waiting(ground: Ground) -> None:
    """Tasks that wait for others, one behind the other: for a name, for a batch, for what fails; one is filed twice."""
    drop = ground.spool.drop
    ground.spool.configure(VICTIM)
    drop("a", command(), description="v-a", after=["c"])
    drop("b", command("exit 1"), description="v-b")
    drop("c", command(), description="v-c", after=[{"b": "failure"}])
    drop("d", command(), description="v-d", after=["b"])
    drop("e", command(), description="v-e", after=["s/", {"d": "any"}])
    drop("s/f", command(), description="v-f", after=["a"])
    drop("z", command(ONCE.format("z", "kill -TERM $PPID")), description="v-z", after=["e"])


def over(ground: Ground) -> None:
    """A batch that is over, whose last task is to be made; that one ends its worker."""
    ground.spool.configure(HEIR)
    ground.spool.drop("s/f", command(), description="v-f")
    ground.spool.drop("s/g", command("exit 1"), description="v-g")
    assert wait(fork(worker_alone(ground, "--until-empty", kind="-before"))) == 0
    for file in ground.spool.ls("workers"):
        (ground.spool / f"workers/{file}").unlink()
    final = {"description": "v-final", "command": command(ONCE.format("z", "kill -TERM $PPID"))}
    ground.spool.overwrite("batches/s.yaml", f"{yaml.safe_dump({'finally': final})}...\n")
    ground.spool.configure(VICTIM)


def in_one_turn(ground: Ground) -> Callable[[], int]:
    """A traced worker is slow: what it does bit by bit would be interrupted by the clock, each time elsewhere."""
    inner = guard_and_worker(ground)

    def program() -> int:
        from dsgspool.worker import finishing

        finishing.SLICE = 60.0
        return inner()

    return program


def last_one_ran(ground: Ground) -> list[str]:
    """It was made and run once, and what says so is there once."""
    marks = ground.spool.ls("batches")
    wrong = [] if marks == ["s.over/over.json", "s.yaml"] else [f"batches/ holds {marks}"]
    return wrong + lies_in("done")(ground, ["s.finally"])


def arranged(ground: Ground) -> None:
    """What schedules, policies, requests and dates say: a tick that is due, a batch that is tried first, a lane, an end."""
    drop, spool = ground.spool.drop, ground.spool
    spool.configure(VICTIM)
    long_ago = time.time() - YEARS
    task = yaml.safe_dump({"task": {"command": command(), "description": "v-n"}}, width=10_000)
    os.utime(spool.overwrite("schedules/n.yaml", f'cron: "0 0 1 1 *"\n{task}...\n'), (long_ago, long_ago))
    spool.overwrite("batches/s.yaml", "priority: 5\ncanary: 1\nmax_running: 1\n...\n")
    for number in (1, 2):
        drop(f"s/{number}", command(), description=f"v-s{number}")
    drop("t", command(), description="v-t", resources={"memory": "1M"})
    drop("u", command(), description="v-u", resources={"licence": 1})
    drop("x", command(), description="v-x", expires="2020-01-01T00:00:00Z")
    drop("z", command(ONCE.format("z", "kill -TERM $PPID")), description="v-z", after=["s/2"])


ITEMS = 3


def swept(ground: Ground) -> None:
    """A sweep that is expanded, divided and run to its end."""
    ground.spool.configure(VICTIM)
    values = {"product": {"n": [f"{number}" for number in range(ITEMS)]}}
    ground.spool.drop("s", command(": {n}"), description="v-s", sweep=values)
    ground.spool.drop("z", command(ONCE.format("z", "kill -TERM $PPID")), description="v-z", after=["s/"])


def read(ground: Ground) -> None:
    """The same, of the lines of a file, which are written down first."""
    swept(ground)
    with open(path := f"{ground.root}.lines", "w") as file:
        file.write("".join(f"{number}\n" for number in range(ITEMS)))
    os.chmod(path, 0o644)
    ground.spool.drop("s", command(": {n}"), description="v-s", sweep={"lines": {"n": path}})


def each_item_is_done_once(ground: Ground) -> list[str]:
    """By the indexes of all attempts, and by the names in done/."""
    done = Counter(
        int(line.split()[0])
        for path in ground.spool.ls("logs")
        if path.endswith(".items")
        for line in (ground.spool / f"logs/{path}").read_text().splitlines(keepends=True)
        if line.endswith("\n") and line.split()[1] == "done" and line[0] != "#"
    )
    parts = [parse_range(path.removesuffix(".yaml")) for path in ground.spool.ls("done") if path.startswith("s/")]
    covered = Counter(item for part in parts if part for item in range(part.first, part.last + 1))
    once = Counter(range(ITEMS))
    return [f"{what}: {dict(found)}" for what, found in (("done", done), ("done/s", covered)) if found != once]


def as_typed(ground: Ground) -> Callable[[], int]:
    """`dsgspool worker` as a user starts it: it becomes the isolated guard, which starts the worker by exec."""

    def program() -> int:
        redirect(ground)
        words = ["-m", "dsgspool", "--spool", ground.root, "worker", "--slots", "1"]
        os.execve(sys.executable, [sys.executable, *words], {**os.environ, "PYTHONPATH": str(CODE)})

    return program


def short(ground: Ground) -> None:
    """One task and the end."""
    ground.spool.drop("a", command(), description="v-a")
    last(ground)


def _life(name: str, prepare: Callable[[Ground], None]) -> Story:
    return Story(name, prepare, guard_and_worker, roles=ROLES, is_life=True)


LIVES = (
    _life("life", everything),
    _life("take-over", inheritance),
    _life("taken-away", taken_away),
    _life("stopped", stopped),
    _life("fenced", fenced),
    _life("waiting", waiting),
    _life("arranged", arranged),
    _life("brief", short),
    replace(_life("swept", swept), rests=each_item_is_done_once),
    replace(_life("read", read), rests=each_item_is_done_once),
    replace(_life("over", over), program=in_one_turn, rests=last_one_ran),
    Story("as-typed", short, as_typed, roles=ROLES, is_life=True, only="guard"),
)
