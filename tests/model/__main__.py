"""`python -m tests.model`: one search, or all of them as a table for docs/model.md.

    python -m tests.model                                     the intact protocol at a small bound
    python -m tests.model --bounds crash=1,drops=A            ... at a bound of your own
    python -m tests.model --without tokens                    the shortest trace that forces a rule, at that rule's bound
    python -m tests.model --all [--hours]                     every variant at its bound, as markdown (--hours: large ones too)
    python -m tests.model --list                              the rules and the bounds

Exit code 0 = nothing is broken, 1 = something is, 2 = stopped before all was seen.
"""

from __future__ import annotations

import argparse
import sys

from tests.model.bounds import FAULTS, Bounds
from tests.model.intact import INTACT
from tests.model.rules import BY_NAME, RULES
from tests.model.search import Result, Search
from tests.model.setup import Model
from tests.model.table import print_tables


def main(arguments: list[str]) -> int:
    """Run what was asked for."""
    asked = _parser().parse_args(arguments)
    if asked.list:
        _list()
        return 0
    if asked.all:
        return print_tables(large=asked.hours, seconds=asked.seconds)
    off = frozenset(name for names in asked.without for name in names.split(",") if name)
    if unknown := sorted(off - BY_NAME.keys()):
        raise SystemExit(f"no rule is called {', '.join(unknown)}; see --list")
    bounds = Bounds.parse(asked.bounds if asked.bounds is not None else _usual_bounds(off))
    if len(off) == 1 and asked.bounds is None:
        off = BY_NAME[min(off)].off
    model = Model(bounds, off)
    result = Search(model, reduce=True, seconds=asked.seconds).run()
    if result.problem:
        result = Search(model, seconds=asked.seconds).run()  # once more, with names that stay: for the trace
    return _tell(model, result)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.model", description="Explicit-state model of the spool's protocol"
    )
    parser.add_argument("--without", action="append", default=[], metavar="RULE[,RULE]", help="take rules away")
    parser.add_argument("--bounds", metavar="NAME=N,...", help="who is there and what may happen, see --list")
    parser.add_argument("--seconds", type=float, default=1800.0, help="stop after so long (1800)")
    parser.add_argument("--all", action="store_true", help="every variant at its bound, as markdown")
    parser.add_argument("--hours", action="store_true", help="with --all: the large bounds too")
    parser.add_argument("--list", action="store_true", help="rules and bounds")
    return parser


def _usual_bounds(off: frozenset[str]) -> str:
    return BY_NAME[min(off)].bounds if off else INTACT[0].bounds


def _list() -> None:
    for rule in RULES:
        print(f"{rule.name:15} {rule.where:8} {rule.text}  [{rule.bounds}]")
    print(
        "\nbounds: workers=2 files=A old= drops= after= retries=1 max_lost=2 backoff=0 submit=0 hidden=0 away=0 leader=0"
    )
    print("        hosts=apart|same|clones|containers unseen=0")
    for fault, text in FAULTS.items():
        print(f"{fault:15} {text}")


def _tell(model: Model, result: Result) -> int:
    without = f" without {', '.join(sorted(model.off))}" if model.off else ""
    print(
        f"{model.bounds}{without}: {result.states:,} states, {result.transitions:,} transitions, {result.seconds:.1f} s"
    )
    if result.problem:
        print(f"BROKEN: {result.problem}; {len(result.trace)} lines:")
        for number, line in enumerate(result.trace, 1):
            print(f"{number:4}  {line}")
        return 1
    print("nothing is broken" if result.is_whole else "nothing was broken so far; NOT ALL STATES WERE SEEN")
    return 0 if result.is_whole else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
