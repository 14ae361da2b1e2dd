"""`python -m tests.bench.edges`: what it costs that tasks come after others, beside the same tasks without.

The rule: CPU time of the worker alone, since a busy machine takes longer but computes no more; each size by turns with and
without edges, in layers of a hundred whose names sort at random, each task after two of the layer before.  The cost of a
task must not grow with their number.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from dsgspool.spool import Spool
from dsgspool.spool.submission import Draft, Submission
from dsgspool.worker.peek import peek
from tests.bench import spools

LAYER = 100


def texts(tasks: int, *, edges: bool) -> Iterator[tuple[str, str]]:
    """(name, text) of all tasks, those that come first in front."""
    chance = random.Random(1)
    names = [f"t{number:07d}" for number in range(tasks)]
    chance.shuffle(names)
    for number, name in enumerate(names):
        before = number // LAYER * LAYER
        after = chance.sample(names[before - LAYER : before], 2) if edges and before else []
        yield name, spools.TEXTS["true"].replace("...\n", f"after: [{', '.join(after)}]\n...\n" if after else "...\n")


def drop(spool: Path, tasks: int, *, edges: bool) -> None:
    """As files that somebody copied into todo/."""
    for name, text in texts(tasks, edges=edges):
        (spool / "todo" / f"{name}.yaml").write_text(text)


def submit(spool: Path, tasks: int, *, edges: bool) -> None:
    """As `dsgspool submit` does, which files in waiting/ what comes after something that is not over."""
    opened = Spool.open(str(spool))
    with closing(Submission(opened)) as submission:
        for name, text in texts(tasks, edges=edges):
            data = text.encode()
            list(submission.put([Draft(submission.named(name), data, peek(data).after)], opened.todo))


def cost(base: Path, tasks: int, fill: Callable[..., None], *, edges: bool) -> float:
    """Microseconds of CPU time a task, of a worker and of what it starts."""
    spool = spools.new_spool(base)
    fill(spool, tasks, edges=edges)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert spools.worker(spool, "--until-empty").wait() == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert len(os.listdir(spool / "done")) == tasks
    shutil.rmtree(spool)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used / tasks * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.edges")
    parser.add_argument("--tasks", type=int, action="append", help="how many; repeat (default 1000 and 4000)")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print(f"us of CPU time a task, median of {given.rounds}; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="dsgspool-bench-") as folder:
        for tasks in given.tasks or [1000, 4000]:
            for fill in (drop, submit):
                found: dict[bool, list[float]] = {False: [], True: []}
                for edges in (False, True) * given.rounds:
                    found[edges].append(cost(Path(folder), tasks, fill, edges=edges))
                ratio = statistics.median(b / a for a, b in zip(found[False], found[True], strict=True))
                without, with_ = (statistics.median(found[edges]) for edges in (False, True))
                words = f"{without:6.0f} without edges, {with_:6.0f} with: {ratio:.2f} times"
                print(f"{tasks:>8,} tasks, {'dropped' if fill is drop else 'submitted':9}  {words}", flush=True)


if __name__ == "__main__":
    main()
