"""Tasks of every kind that somebody may hand in beside the plain ones: texts, and what must hold of them.

The rule: pure; a name tells the kind.  m: of a batch with a policy, which has a last task, m.finally; q: with requests, which
bring up lanes, with dates, and with a command that is told of their success; f: fails, and a command is told; w: a sweep; c: of
a schedule that ticks each minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

RETRIES = 40  #: killed commands cost one each; nobody's are used up
MOST = 2  #: `max_running` of each batch with a policy
ITEMS = 12  #: of each sweep
NEVER = "1000"  #: attempts that fail: all
LABEL = "rack"  #: that of the workers which start something at some hours only
OPEN, EVERY = 2, 3  #: minutes of so many
HOURS = ", ".join(
    f"{minute // 60:02d}:{minute % 60:02d}-{(minute + OPEN) // 60:02d}:{(minute + OPEN) % 60:02d}"
    for minute in range(0, 24 * 60, EVERY)
)
#: What the workers of a node have: each request below is met on some of them only.
FLAGS = {1: ("--resource", "licence=2"), 2: ("--label", f"{LABEL}=b", "--run-between", HOURS)}
REQUESTS = ("resources: {licence: 1}", "where: rack=b", "resources: {memory: 16M, cpus: 2}", "where: rack!=b")
SCHEDULE = "c"
STAMP = "%Y%m%dT%H%MZ"


@dataclass(slots=True)
class Lot:
    """What is dropped at once."""

    policy: str = ""  #: of this batch, in `files` before its tasks
    files: dict[str, str] = field(default_factory=dict)  #: path below todo/, without .yaml -> text
    after: dict[str, tuple[str, ...]] = field(default_factory=dict)  #: task -> names that must have succeeded before


def is_item(name: str) -> bool:
    """True for what an item of a sweep is called."""
    return name.startswith("w")


def is_open(moment: float, slack: float) -> bool:
    """Whether workers with hours may start something then, by the server's clock, or nearly."""
    into = moment % (60 * EVERY)
    return into < 60 * OPEN + slack or into > 60 * EVERY - slack


def telling(program: str, event: str) -> str:
    """The line by which a command is told of each such event."""
    return f"on_{event}: cat >> {program.rpartition('/')[0]}/told/$DSGSPOOL_WORKER"


def task(program: str, word: str, *lines: str) -> str:
    """A whole task file."""
    return "\n".join([f"command: [{program}, '{word}']", f"retries: {RETRIES}", *lines, "...", ""])


def names_of(node: int, turn: int) -> list[str]:
    """Of one lot."""
    last = [f"m{node}-{turn}.finally", f"f{node}-{turn}", f"w{node}-{turn}"]
    return [f"m{node}-{turn}/{n}" for n in range(5)] + [f"q{node}-{turn}/{n}" for n in range(len(REQUESTS))] + last


def lot(program: str, node: int, turn: int, words: dict[str, str]) -> Lot:
    """A batch with its policy, and tasks with requests, of which each waits for one of the batch.  `words`: by name."""
    policy = f"m{node}-{turn}"
    tried = "canary: 1\n" if turn % 2 else ""
    final = f"finally:\n  command: [{program}, '{words[f'{policy}.finally']}']\n  retries: {RETRIES}\n"
    made = Lot(policy, {f"../batches/{policy}": f"max_running: {MOST}\npriority: {turn % 3 * 5}\n{tried}{final}...\n"})
    made.after[f"{policy}.finally"] = tuple(name for name in words if name.startswith(f"{policy}/"))
    requests = iter(REQUESTS)
    for number, (name, word) in enumerate(words.items()):
        lines: list[str] = []
        if name.endswith(".finally"):
            continue
        if name.startswith("q"):
            made.after[name] = (f"{policy}/{number % 5}",)
            lines = [next(requests), f"after: {made.after[name][0]}", "expires: 30d", telling(program, "done")]
        made.files[name] = task(program, word, *lines)
        if name.startswith("f"):
            made.files[name] = f"command: [{program}, '{failing(word)}']\n{telling(program, 'failed')}\n...\n"
        if name.startswith("w"):
            made.files[name] = task(program, "{word}", "sweep:", "  zip:", f"    word: {items(word)}")
    return made


def failing(word: str) -> str:
    """The same, but that it fails whenever it is tried."""
    life, later, _, leave, its_id = word.split(":")
    return f"{life}:{later}:{NEVER}:{leave}:{its_id}"


def items(word: str) -> str:
    """What the items of a sweep are told: the first is like any task, the others are short, and one fails first."""
    its_id = word.rpartition(":")[2]
    return str([word, *(f"{30 * n}:0:{n // 7 % 2 * (n % 2)}:0:{its_id}" for n in range(1, ITEMS))])


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
