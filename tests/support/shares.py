"""Who got how much of the workers' time, as their journals tell it.

The rule: what counts is slots times seconds of the attempts that ended first, while everybody had work.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path


def told(spool: Path, event: str) -> list[dict[str, object]]:
    """What all journals say of attempts that began or ended, in order."""
    lines = [json.loads(line) for file in (spool / "workers").glob("*.jsonl") for line in file.read_text().splitlines()]
    return sorted((line for line in lines if line["event"] == event and "task" in line), key=lambda line: line["at"])


def of_first(
    spool: Path, most: int, who: Callable[[str], str], slots: Callable[[str], int] = lambda _: 1
) -> Counter[str]:
    """Slot-seconds of everybody's among the first attempts that ended."""
    found: Counter[str] = Counter()
    for line in told(spool, "end")[:most]:
        name = str(line["task"])
        found[who(name)] += slots(name) * line["seconds"]
    return found


def counted(spool: Path, most: int, who: Callable[[str], str]) -> Counter[str]:
    """How many of the first attempts that ended were whose."""
    return Counter(who(str(line["task"])) for line in told(spool, "end")[:most])
