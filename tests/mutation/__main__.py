"""`python -m tests.mutation [WORD ...] [--all-tests]`: prints a table for docs/reliability.md.

The rule: exit code 0 says that the intact product passes the tests and that every rule asked for is missed by one.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.mutation.mutants import MUTANTS
from tests.mutation.trial import Result, trials

ALL_TESTS = ("unit", "faults", "property", "cli", "processes")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("words", nargs="*", help="rules (R1), or words of titles, sections or files; none = all")
    parser.add_argument(
        "--all-tests", action="store_true", help="run all tests against each mutant, not the named ones"
    )
    parser.add_argument("--at-once", type=int, default=2, help="trials at a time (2)")
    parser.add_argument("--details", action="store_true", help="print what each test said")
    options = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if mutant.is_meant(options.words)]
    tests = ALL_TESTS if options.all_tests else ()
    results: list[Result] = []
    with trials() as folder, ThreadPoolExecutor(options.at_once) as pool:
        jobs = [] if tests else [pool.submit(folder.intact, [test for mutant in chosen for test in mutant.tests])]
        jobs += [pool.submit(folder.mutate, mutant, tests) for mutant in chosen]
        for job in as_completed(jobs):
            results.append(job.result())
            print(results[-1], file=sys.stderr)
            if options.details or results[-1].word not in ("killed", "passed"):
                print(results[-1].detail, file=sys.stderr)
    found = [result for result in results if result.mutant]
    print(table(found), summary(found), sep="\n\n")
    wrong = [result for result in results if result.word not in ("killed", "passed")]
    print(f"{len(chosen)} rules taken away, {sum(result.is_killed for result in results)} missed by a test", end="; ")
    print(f"not in order: {len(wrong)}" if wrong else "all in order")
    return 1 if wrong else 0


def table(results: list[Result]) -> str:
    """Markdown, in the order of the list."""
    order = {mutant: number for number, mutant in enumerate(MUTANTS)}
    lines = ["| rule | section | taken away | test that fails | s |", "|---|---|---|---|---|"]
    for result in sorted(results, key=lambda result: order[result.mutant]):
        mutant = result.mutant
        assert mutant is not None
        missed = f"`{result.test}`" if result.is_killed else f"**{result.word}**"
        lines.append(f"| {mutant.rule} | {mutant.section} | {mutant.taken} | {missed} | {result.seconds:.1f} |")
    return "\n".join(lines)


def summary(results: list[Result]) -> str:
    """How many ways there were to break each rule, and how many of them a test misses."""
    rules = dict.fromkeys(mutant.rule for mutant in MUTANTS)
    lines = ["| rule | taken away | missed by a test |", "|---|---|---|"]
    for rule in rules:
        if mine := [result for result in results if result.mutant and result.mutant.rule == rule]:
            lines.append(f"| {rule} | {len(mine)} | {sum(result.is_killed for result in mine)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
