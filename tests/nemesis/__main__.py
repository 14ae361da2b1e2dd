"""`python -m tests.nemesis --on GROUND`: rounds of faults until the minutes or the tasks are used up.

The rule: exit code 0 = no promise was broken, 1 = one was, and its whole story is printed and its spool kept.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.grounds import Ground
from tests.nemesis.field import GROUNDS, PATIENT, PLANS, missing, up
from tests.nemesis.round import Plan, Result, Round
from tests.nemesis.table import summary, text

SHOWN = 25  #: violations of a round that are printed one by one


def rounds(ground: Ground, plan: Plan, *, minutes: float, tasks: int) -> Iterator[tuple[int, Result]]:
    """One after the other, each with the next seed."""
    began, done = time.monotonic(), 0
    while done < tasks if tasks else time.monotonic() < began + 60 * minutes:
        left = tasks - done if tasks else plan.tasks
        each = replace(plan, tasks=min(plan.tasks, left))
        result = Round(ground, each, f"round-{plan.seed}").run()
        done += round(result.figures["tasks"])
        yield plan.seed, result
        plan = replace(plan, seed=plan.seed + 1)


def tell(seed: int, result: Result) -> None:
    """One line a round, and every violation with its story."""
    figures = result.figures
    print(
        f"round {seed}: {figures['tasks']:.0f} tasks, {figures['executions']:.0f} executions, {result.faults.total()} faults, "
        f"{result.acts.total()} acts, {figures['seconds']:.0f} s, {len(result.violations)} violations", flush=True,
    )  # fmt: skip
    for violation in result.violations[:SHOWN]:
        print(f"VIOLATION {violation}")
    if len(result.violations) > SHOWN:
        print(f"and more: {dict(Counter(violation.rule for violation in result.violations))}")
    if result.kept:
        print(f"spool and proof: {result.kept}")
    for name, story in result.stories.items():
        print(f"--- {name}\n{story}", flush=True)


def parser() -> argparse.ArgumentParser:
    """The words that are understood."""
    words = argparse.ArgumentParser(prog="python -m tests.nemesis", description=__doc__.partition("\n")[0])
    words.add_argument("--on", required=True, choices=list(PLANS))
    words.add_argument("--minutes", type=float, default=3)
    words.add_argument("--tasks", type=int, default=0, help="instead of minutes")
    words.add_argument("--seed", type=int, default=random.randrange(1, 1_000_000), help="of the first round")
    words.add_argument("--times", choices=["quick", "default"], default="quick", help="heartbeat, fence, lease")
    words.add_argument("--seconds", type=float, help="of faults in one round")
    words.add_argument("--every", type=float, help="mean seconds between two faults")
    words.add_argument("--people-every", type=float, help="mean seconds between two acts of a person")
    words.add_argument(
        "--only", nargs="+", default=[], metavar="FAULT", help="these faults only (tests/nemesis/schedule.py)"
    )
    words.add_argument("--keep-going", action="store_true", help="go on after a round that broke a promise")
    words.add_argument("--schedule", action="store_true", help="print what the seed makes of one round, and do nothing")
    words.add_argument("--json", type=Path, help="write the figures here")
    return words


def main(given: argparse.Namespace) -> int:
    """The exit code."""
    plan = replace(PLANS[given.on], seed=given.seed, times=given.times, only=tuple(given.only))
    if given.times == "default":
        plan = replace(plan, **PATIENT)
    changes = {key: value for key in ("seconds", "every", "people_every") if (value := getattr(given, key))}
    plan = replace(plan, **changes)
    if given.schedule:
        print("\n".join(map(str, replace(plan, small_disk=True).steps(GROUNDS[given.on].kind))))
        return 0
    if reason := missing(given.on):
        print(f"no {given.on} here: {reason}", file=sys.stderr)
        return 2
    print(f"seed {given.seed} on {given.on}", flush=True)
    results: list[Result] = []
    with up(given.on) as (ground, is_small):
        for seed, result in rounds(
            ground, replace(plan, small_disk=is_small), minutes=given.minutes, tasks=given.tasks
        ):
            results.append(result)
            tell(seed, result)
            if result.violations and not given.keep_going:
                break
    figures = summary(given.on, [given.seed + number for number in range(len(results))], results)
    print(text(figures))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if figures["violations"] else 0


if __name__ == "__main__":
    sys.exit(main(parser().parse_args()))
