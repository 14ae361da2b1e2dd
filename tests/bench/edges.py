"""`python -m tests.bench.edges`: what it costs that tasks come after others, beside the same tasks without.

The rule: each size by turns with and without edges, in layers of a hundred whose names sort at random, each task after two
of the layer before; all texts differ, as those of real graphs do.  Told are CPU time of the worker and of what it starts, since a
busy machine takes longer but computes no more, and the time from the first start to the last end, which is what one waits
for.  The cost of a task must not grow with their number.
"""

from __future__ import annotations

import argparse
import functools
import os
import random
import resource
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from dsgspool.spool import Spool
from dsgspool.spool.submission import Draft, Submission
from dsgspool.worker.peek import peek
from tests.bench import spools

LAYER = 100


class Cost(NamedTuple):
    """Of one task, in microseconds."""

    cpu: float
    wait: float  #: from the first start to the last end, divided by the number of tasks


class Graph(NamedTuple):
    """Many tasks."""

    tasks: int
    seconds: float  #: that each of them sleeps; 0 = they run `true`
    slots: int

    def texts(self, *, edges: bool) -> Iterator[tuple[str, str]]:
        """(name, text) of all, those that come first in front."""
        chance = random.Random(1)
        names = [f"t{number:07d}" for number in range(self.tasks)]
        chance.shuffle(names)
        command = f"[sleep, '{self.seconds}']" if self.seconds else "['true']"
        for number, name in enumerate(names):
            before = number // LAYER * LAYER
            after = chance.sample(names[before - LAYER : before], 2) if edges and before else []
            lines = [f"command: {command}", f"description: {name}", f"after: [{', '.join(after)}]", "..."]
            yield name, "".join(f"{line}\n" for line in lines if after or not line.startswith("after"))


def drop(spool: Path, graph: Graph, *, edges: bool) -> None:
    """As files that somebody copied into todo/."""
    for name, text in graph.texts(edges=edges):
        (spool / "todo" / f"{name}.yaml").write_text(text)


def submit(spool: Path, graph: Graph, *, edges: bool) -> None:
    """As `dsgspool submit` does, which files in waiting/ what comes after something that is not over."""
    opened = Spool.open(str(spool))
    with closing(Submission(opened)) as submission:
        for name, text in graph.texts(edges=edges):
            data = text.encode()
            list(submission.put([Draft(submission.named(name), data, peek(data).after)], opened.todo))


def cost(base: Path, graph: Graph, fill: Callable[..., None], *, edges: bool) -> Cost:
    """Let a worker run them."""
    spool = spools.new_spool(base)
    fill(spool, graph, edges=edges)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert spools.worker(spool, "--until-empty", slots=graph.slots).wait() == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert len(os.listdir(spool / "done")) == graph.tasks
    wait = spools.span(spool)
    shutil.rmtree(spool)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(used / graph.tasks * 1e6, wait / graph.tasks * 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.edges")
    parser.add_argument("--tasks", type=int, action="append", help="how many; repeat (default 1000 and 4000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--sleep", type=float, default=0.0, help="seconds that each task sleeps (default: they run `true`)"
    )
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--only", choices=["dropped", "submitted"])
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print(f"us a task, median of {given.rounds}, {given.slots} slots; load {os.getloadavg()[0]:.1f}")
    fills = {"dropped": drop, "submitted": submit}
    with tempfile.TemporaryDirectory(prefix="dsgspool-bench-") as folder:
        for tasks in given.tasks or [1000, 4000]:
            for name in [given.only] if given.only else fills:
                measure = functools.partial(cost, Path(folder), Graph(tasks, given.sleep, given.slots), fills[name])
                pairs = [(measure(edges=False), measure(edges=True)) for _ in range(given.rounds)]
                print(
                    f"{tasks:>8,} tasks, {name:9}  {_line('CPU', pairs, 0)};  {_line('first start to last end', pairs, 1)}",
                    flush=True,
                )


def _line(what: str, pairs: list[tuple[Cost, Cost]], field: int) -> str:
    without, with_ = (statistics.median(pair[edges][field] for pair in pairs) for edges in (0, 1))
    ratio = statistics.median(pair[1][field] / pair[0][field] for pair in pairs)
    return f"{what} {without:.0f} without edges, {with_:.0f} with: {ratio:.2f} times"


if __name__ == "__main__":
    main()
