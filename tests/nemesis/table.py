"""The figures of a run, for people and as JSON."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

from tests.nemesis.figures import Takeover
from tests.nemesis.round import Result

SUMMED = (
    "tasks", "executions", "executions without end", "completed", "submissions", "without answer", "workers started",
    "incarnations", "excused overlaps",
)  # fmt: skip


def summary(ground: str, seeds: Sequence[int], results: Sequence[Result]) -> dict[str, object]:
    """All rounds together; plain values."""
    figures = {key: round(sum(result.figures[key] for result in results)) for key in SUMMED}
    seconds = sum(result.figures["seconds"] for result in results)
    rough = sum(result.figures["rough seconds"] for result in results)
    faults = sum((result.faults for result in results), Counter())
    takeovers: dict[str, list[Takeover]] = {}
    for result in results:
        for kind, each in result.takeovers.items():
            takeovers.setdefault(kind, []).extend(each)
    return {
        "ground": ground, "seeds": list(seeds), "rounds": len(results), **figures,
        "faults": dict(sorted(faults.items())), "faults in all": faults.total(),
        "missed": dict(sum((result.missed for result in results), Counter())),
        "people": dict(sorted(sum((result.acts for result in results), Counter()).items())),
        "seconds": round(seconds), "tasks a second": round(figures["tasks"] / seconds, 1),
        "faults a minute": round(faults.total() / rough * 60, 1),
        "clock error ms": round(max(result.figures["clock error ms"] for result in results), 2),
        "started again (count; seconds since the fault: median, most; since the last sign of life: least)": {
            kind: _takeovers(each) for kind, each in sorted(takeovers.items())
        },
        "all nodes at work after a thaw of the server (seconds)": [
            round(each, 1) for result in results for each in result.resumed
        ],
        "violations": sum(len(result.violations) for result in results),
    }  # fmt: skip


def _takeovers(each: list[Takeover]) -> tuple[int, float, float, float]:
    since = [took.since_fault for took in each]
    return (
        len(each),
        round(statistics.median(since), 1),
        round(max(since), 1),
        round(min(took.since_life for took in each), 2),
    )


def text(figures: dict[str, object]) -> str:
    """One line a figure, one a kind of fault."""
    lines = []
    for key, value in figures.items():
        if isinstance(value, dict):
            lines += [f"{key}:", *(f"    {each:28} {number}" for each, number in value.items())]
        else:
            lines.append(f"{key:32} {value}")
    return "\n".join(lines)
