"""Tasks of every kind that somebody may hand in beside the plain ones: texts, and what must hold of them.

The rule: pure; a name tells the kind.  m: of a batch with a policy; q: with requests, which bring up lanes, and with dates;
c: of a schedule that ticks each minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

RETRIES = 40  #: killed commands cost one each; nobody's are used up
MOST = 2  #: `max_running` of each batch with a policy
#: What the workers of a node have: each request below is met on some of them only.
FLAGS = {1: ("--resource", "licence=2"), 2: ("--label", "rack=b")}
REQUESTS = ("resources: {licence: 1}", "where: rack=b", "resources: {memory: 16M, cpus: 2}", "where: rack!=b")
SCHEDULE = "c"
STAMP = "%Y%m%dT%H%MZ"


@dataclass(slots=True)
class Lot:
    """What is dropped at once."""

    policy: str = ""  #: of this batch, in `files` before its tasks
    files: dict[str, str] = field(default_factory=dict)  #: path below todo/, without .yaml -> text
    after: dict[str, tuple[str, ...]] = field(default_factory=dict)  #: task -> names that must have succeeded before


def task(program: str, word: str, *lines: str) -> str:
    """A whole task file."""
    return "\n".join([f"command: [{program}, '{word}']", f"retries: {RETRIES}", *lines, "...", ""])


def names_of(node: int, turn: int) -> list[str]:
    """Of one lot."""
    return [f"m{node}-{turn}/{n}" for n in range(5)] + [f"q{node}-{turn}/{n}" for n in range(len(REQUESTS))]


def lot(program: str, node: int, turn: int, words: dict[str, str]) -> Lot:
    """A batch with its policy, and tasks with requests, of which each waits for one of the batch.  `words`: by name."""
    policy = f"m{node}-{turn}"
    tried = "canary: 1\n" if turn % 2 else ""
    made = Lot(policy, {f"../batches/{policy}": f"max_running: {MOST}\npriority: {turn % 3 * 5}\n{tried}...\n"})
    requests = iter(REQUESTS)
    for number, (name, word) in enumerate(words.items()):
        lines: list[str] = []
        if name.startswith("q"):
            made.after[name] = (f"{policy}/{number % 5}",)
            lines = [next(requests), f"after: {made.after[name][0]}", "expires: 30d"]
        made.files[name] = task(program, word, *lines)
    return made


def schedule(program: str, its_id: str) -> str:
    """A file of schedules/: one task each minute, and those of the minutes before."""
    text = task(program, f"0:0:0:0:{its_id}").removesuffix("...\n").replace("\n", "\n  ").rstrip()
    return f'cron: "* * * * *"\ncatch_up: all\noverlap: allow\ntask:\n  {text}\n...\n'


def ticks(stamps: list[str]) -> Iterator[str]:
    """The tasks of every minute from the first tick that was made to the last: none is left out, since all are made up for."""
    if stamps:
        moment, last = (datetime.strptime(stamp, STAMP).replace(tzinfo=UTC) for stamp in (min(stamps), max(stamps)))
        while moment <= last:
            yield f"{SCHEDULE}-{moment:{STAMP}}"
            moment += timedelta(minutes=1)
