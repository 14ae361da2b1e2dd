"""All searches as two tables in markdown, for docs/model.md.

The rule: a row is what a search just found, never what was expected; what differs from the expectation is marked.
"""

from __future__ import annotations

from tests.model.bounds import Bounds
from tests.model.intact import INTACT
from tests.model.rules import RULES
from tests.model.search import Result, Search
from tests.model.setup import Model


def search(bounds: str, off: frozenset[str], *, is_quiet: bool, seconds: float = 1800.0) -> Result:
    """One search.  `is_quiet`: nothing is expected to break, so the states may be reduced; a trace needs them whole."""
    model = Model(Bounds.parse(bounds), off)
    result = Search(model, reduce=is_quiet, seconds=seconds).run()
    return Search(model, seconds=seconds).run() if is_quiet and result.problem else result


def print_tables(*, large: bool, seconds: float) -> int:
    """The tables; 1 when something differs from what is expected."""
    odd = 0
    print("| bound | what it is | states | transitions | seconds | found |\n|---|---|---|---|---|---|")
    for intact in INTACT:
        if large or intact.size == "small":
            result = search(intact.bounds, frozenset(), is_quiet=not intact.breaks, seconds=seconds)
            odd += _is_odd(result, intact.breaks)
            print(
                f"| `{intact.bounds}` | {intact.note} | {_figures(result)} | {_found(result, intact.breaks)} |",
                flush=True,
            )
    print(
        "\n| without | rule (section) | bound | states | transitions | seconds | found |\n|---|---|---|---|---|---|---|"
    )
    for rule in [rule for rule in RULES if large or rule.size == "small"]:
        result = search(rule.bounds, rule.off, is_quiet=not rule.breaks, seconds=seconds)
        odd += _is_odd(result, rule.breaks)
        found = _found(result, rule.breaks) + (f": {rule.why}" if rule.why else "")
        print(
            f"| `{rule.name}` | {rule.text} ({rule.where}) | `{rule.bounds}` | {_figures(result)} | {found} |",
            flush=True,
        )
    return 1 if odd else 0


def _figures(result: Result) -> str:
    return f"{result.states:,} | {result.transitions:,} | {result.seconds:.0f}"


def _is_odd(result: Result, breaks: str) -> bool:
    return result.problem[:2] != breaks


def _found(result: Result, breaks: str) -> str:
    mark = " **(not expected)**" if _is_odd(result, breaks) else ""
    if result.problem:
        steps = f" in {result.steps} steps" if result.steps else ""
        return f"{result.problem}{steps}{mark}"
    return f"{'nothing' if result.is_whole else 'nothing so far; not all states were seen'}{mark}"
