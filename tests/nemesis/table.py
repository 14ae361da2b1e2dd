"""The figures of a run, for people and as JSON."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from tests.nemesis.round import Result

SUMMED = (
    "tasks", "executions", "executions without end", "completed", "submissions", "without answer", "workers started",
    "incarnations", "excused overlaps", "sweeps", "last tasks", "alerts",
)  # fmt: skip


def summary(ground: str, seeds: Sequence[int], results: Sequence[Result]) -> dict[str, object]:
    """All rounds together; plain values."""
    figures = {key: round(sum(result.figures[key] for result in results)) for key in SUMMED}
    seconds = sum(result.figures["seconds"] for result in results)
    rough = sum(result.figures["rough seconds"] for result in results)
    faults = sum((result.faults for result in results), Counter())
    return {
        "ground": ground, "seeds": list(seeds), "rounds": len(results), **figures,
        "faults": dict(sorted(faults.items())), "faults in all": faults.total(),
        "missed": dict(sum((result.missed for result in results), Counter())),
        "people": dict(sorted(sum((result.acts for result in results), Counter()).items())),
        "seconds": round(seconds), "tasks a second": round(figures["tasks"] / seconds, 1),
        "faults a minute": round(faults.total() / rough * 60, 1),
        "clock error ms": round(max(result.figures["clock error ms"] for result in results), 2),
        "tasks handed out again, seconds since the fault (count, median, most)": {
            kind: (len(each), round(statistics.median(each), 1), round(max(each), 1))
            for kind, each in _merged(result.rescued for result in results).items()
        },
        "started again, seconds since the last sign of life (count, least)": {
            kind: (len(each), round(min(each), 2))
            for kind, each in _merged(result.margins for result in results).items()
        },
        "all nodes at work after a thaw of the server (seconds)": [
            round(each, 1) for result in results for each in result.resumed
        ],
        "violations": sum(len(result.violations) for result in results),
    }  # fmt: skip


def _merged(every: Iterable[dict[str, list[float]]]) -> dict[str, list[float]]:
    merged: dict[str, list[float]] = {}
    for each in every:
        for kind, values in each.items():
            merged.setdefault(kind, []).extend(values)
    return {kind: values for kind, values in sorted(merged.items()) if values}


def text(figures: dict[str, object]) -> str:
    """One line a figure, one a kind of fault."""
    lines = []
    for key, value in figures.items():
        if isinstance(value, dict):
            lines += [f"{key}:", *(f"    {each:28} {number}" for each, number in value.items())]
        else:
            lines.append(f"{key:32} {value}")
    return "\n".join(lines)
