"""What one task costs the worker itself: its CPU time without that of commands, and how many functions of Python it calls.

The rule: between the first claim and the end, so that start-up is no part of it; two checkouts by turns, in the same minutes.

    python -m tests.bench.cost --against ../before --tasks 3000 --rounds 5 --dir /dev/shm
    python -m tests.bench.cost --against ../before --tasks 2000 --after two --dir /dev/shm
    python -m tests.bench.cost --calls
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

RESULT = "DSGSPOOL_COST"  #: environment: the file that the worker's figures are written to
HERE = Path(__file__).parents[2]


def inside(arguments: list[str]) -> int:
    """Be the worker, whichever dsgspool is on the path, and write down what it took from its first claim on."""
    from dsgspool.spool.own import OwnFolder
    from dsgspool.worker.__main__ import main

    claim, calls = OwnFolder.claim, [0]
    began: list[tuple[float, float]] = []

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        calls[0] += event == "call"

    def first_claim(own: OwnFolder, path: str) -> Any:
        OwnFolder.claim = claim  # type: ignore[method-assign]
        began.append(_used())
        if "DSGSPOOL_CALLS" in os.environ:
            sys.setprofile(count)
        return claim(own, path)

    OwnFolder.claim = first_claim  # type: ignore[method-assign]
    code = main(arguments)
    sys.setprofile(None)
    spent = [after - before for before, after in zip(began[0], _used(), strict=True)]
    Path(os.environ[RESULT]).write_text(json.dumps({"user": spent[0], "system": spent[1], "calls": calls[0]}))
    return code


def _used() -> tuple[float, float]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime, usage.ru_stime


def measure(checkout: Path, options: argparse.Namespace, base: Path, *, calls: bool = False) -> dict[str, float]:
    """One new spool, drained by the worker of that checkout; microseconds and calls for each task."""
    from tests.bench.edges import Graph, submit
    from tests.bench.spools import TEXTS, new_spool

    result = base / "cost.json"
    spool = new_spool(base, TEXTS[options.only], 0 if options.after else options.tasks)
    if options.after:
        submit(spool, Graph(options.tasks, 0.0, options.slots), edges=options.after == "two")
    elif options.distinct:
        for path in (spool / "todo").iterdir():
            path.write_text(f"description: {path.stem}\n{TEXTS[options.only]}")
    environment = {**os.environ, "PYTHONPATH": str(checkout), RESULT: str(result)}
    words = ["--spool", str(spool), "--slots", str(options.slots), "--quiet", "--until-empty"]
    argv = [options.python, __file__, "inside", *words]
    subprocess.run(argv, env={**environment, **({"DSGSPOOL_CALLS": "1"} if calls else {})}, check=True)
    assert len(os.listdir(spool / "done")) == options.tasks
    found = json.loads(result.read_text())
    scales = {"user": 1e6, "system": 1e6, "calls": 1}
    return {key: value * scales[key] / options.tasks for key, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cost")
    parser.add_argument("--against", type=Path, action="append", default=[], help="another checkout, measured by turns")
    parser.add_argument("--tasks", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--only", choices=("true", "shell"), default="true")
    parser.add_argument("--distinct", action="store_true", help="no two tasks have one text")
    parser.add_argument(
        "--after",
        choices=("nothing", "two"),
        help="submitted, no two of one text, each after so many others (edges.py)",
    )
    parser.add_argument("--dir", default=None, help="where the spools lie")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--calls", action="store_true", help="count calls of functions too; nothing is timed then")
    options = parser.parse_args()
    found: dict[Path, list[dict[str, float]]] = {path.resolve(): [] for path in [*options.against, HERE]}
    with tempfile.TemporaryDirectory(dir=options.dir, prefix="cost-") as base:
        for _ in range(1 if options.calls else options.rounds):
            for checkout, runs in found.items():
                runs.append(measure(checkout, options, Path(base), calls=options.calls))
    for checkout, runs in found.items():
        if options.calls:
            print(f"{checkout}: {runs[0]['calls']:.0f} calls of Python functions a task")
            continue
        user, system = (statistics.median(run[key] for run in runs) for key in ("user", "system"))
        each = " ".join(f"{run['user'] + run['system']:.0f}" for run in runs)
        print(f"{checkout}: {user:.0f} us user, {system:.0f} us system, {user + system:.0f} a task ({each})")


if __name__ == "__main__":
    if sys.argv[1:2] == ["inside"]:
        sys.path.remove(str(Path(__file__).parent))
        sys.exit(inside(sys.argv[2:]))
    main()
