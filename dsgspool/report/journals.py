"""What the workers' journals tell beside the records: the load of nodes, samples of running attempts, events.

The rule: telemetry, never truth.  A journal is read on from where the last rendering stopped; of one seen for the first
time, and of one that grew by very much, only the end.  Everything is bounded and thinned; a broken line is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from dsgspool.classes import dataclass
from dsgspool.report.book import Event, Load
from dsgspool.snapshot.attempts import moment

if TYPE_CHECKING:
    from dsgspool.fs import Fs
    from dsgspool.snapshot import WorkerSeen

MAX_NEW = 4 << 20  #: bytes read of one journal at one rendering
MAX_ALL = 64 << 20  #: bytes read of all together
MAX_LOADS = 1440  #: points of one node
MAX_SAMPLED = 2000  #: attempts whose samples are kept
MAX_SAMPLES = 120  #: of one attempt
MAX_EVENTS = 500
MAX_TEXT = 300
LOOK_BACK = 2 * 86400.0  #: a worker that was silent for longer tells nothing new

QUIET = frozenset({"start", "end", "sample", "node", "busy", "delay", "after", "unfit", "strip", "turns"})
#: event -> what happened, in words; any other is told by its name
WORDS = {
    "alert": "an alert was not sent",
    "control": "was told other settings",
    "deaf": "looks at folders more often, as it hears of no change",
    "drain": "takes no new tasks, ends with those it has",
    "fence": "took over from a dead worker",
    "final": "the last task of a batch",
    "foreign": "a GPU is used by somebody else",
    "invalid": "a task cannot be run",
    "left": "tasks were left in todo/",
    "policy": "the policy of a batch cannot be obeyed",
    "rescue": "moved a task of a dead worker on",
    "rest": "takes no new tasks, as its node is not to be had",
    "revoke": "stopped a task, its file was taken away",
    "schedule": "a schedule",
    "settings": "spool.yaml cannot be understood: takes no new tasks",
    "space": "too little space: takes no new tasks",
    "stop": "ended",
    "stop-now": "was told to stop at once",
    "stuck": "a file cannot be moved",
    "traceback": "an error of its own",
    "trouble": "takes no new tasks for now",
    "wake": "cannot look into waiting/",
    "well": "goes on",
    "work": "takes tasks again",
}
#: names of an event's facts -> these as a sentence; any others are told one by one
SENTENCES = {
    frozenset(("task", "to", "why", "worker")): "{task} is in {to}/ now: worker {worker} is dead, {why}",
    frozenset(("why", "worker")): "worker {worker}: {why}",
    frozenset(("batch", "why")): "batch {batch}: {why}",
    frozenset(("task", "why")): "{task}: {why}",
    frozenset(("what", "why")): "{what}: {why}",
}
PLAIN = {"its guard left a tombstone": "its guard saw it end"}  #: words of the protocol -> those for people
_MARK = b'"event": "'


@dataclass(slots=True)
class Journals:
    """What is remembered; plain lists, because it lies in the ledger as JSON."""

    offsets: dict[str, int] = field(default_factory=dict)  #: journal -> bytes read; -1 = all, for ever
    loads: dict[str, list[list[float | None]]] = field(default_factory=dict)  #: host -> moment, load, cpu, used, total
    samples: dict[str, list[list[float | None]]] = field(default_factory=dict)  #: TASK N -> ms, bytes, cores
    events: list[list[Any]] = field(default_factory=list)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Journals:
        """From the ledger; anything strange begins anew."""
        names = ("offsets", "loads", "samples", "events")
        kinds = (dict, dict, dict, list)
        if all(isinstance(kept.get(name), kind) for name, kind in zip(names, kinds, strict=True)):
            return cls(*(kept[name] for name in names))
        return cls()

    def as_json(self) -> dict[str, Any]:
        """For the ledger."""
        return {"offsets": self.offsets, "loads": self.loads, "samples": self.samples, "events": self.events}

    # -- reading -------------------------------------------------------------------------------------------------

    def update(self, fs: Fs, folder: str, files: Iterable[str], workers: Mapping[str, WorkerSeen]) -> None:
        """Read on in all journals."""
        left = MAX_ALL
        self.offsets = {file: offset for file, offset in self.offsets.items() if file in set(files)}
        for file in sorted(files):
            worker = workers.get(file.partition(".")[0])
            if worker is None or not file.endswith(".jsonl") or self.offsets.get(file) == -1 or left <= 0:
                continue
            age = worker.heartbeat_age
            if age is not None and age > LOOK_BACK:
                continue
            left -= self._read(fs, folder, file, worker)
        self._forget()

    def _read(self, fs: Fs, folder: str, file: str, worker: WorkerSeen) -> int:
        offset = self.offsets.get(file, 0)
        try:
            size = fs.status(f"{folder}/{file}").st_size
            start = max(offset if offset <= size else 0, size - MAX_NEW)
            data = fs.read_at(f"{folder}/{file}", start, MAX_NEW) if size > start else b""
        except OSError:
            return 0
        end = start + len(data)
        if start > offset:
            data = data.partition(b"\n")[2]
        whole = data.rpartition(b"\n")[0]
        for line in whole.split(b"\n"):
            self._line(line, worker)
        # A worker that has ended writes no more; its last line may lack its end for ever.
        self.offsets[file] = -1 if worker.ended else end - (len(data) - len(whole) - 1 if whole else len(data))
        return len(data)

    def _line(self, line: bytes, worker: WorkerSeen) -> None:
        begin = line.find(_MARK) + len(_MARK)
        kind = line[begin : line.find(b'"', begin)].decode(errors="replace") if begin >= len(_MARK) else ""
        if not kind or (kind in QUIET and kind not in ("sample", "node")):
            return
        try:
            facts = json.loads(line)
            at = moment(str(facts["at"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            return
        if at is not None:
            self._take(kind, at, facts, worker)

    def _take(self, kind: str, at: float, facts: Mapping[str, Any], worker: WorkerSeen) -> None:
        if kind == "node":
            values = [_number(facts.get(name)) for name in ("load", "cpu", "memory_used", "memory_total")]
            self.loads.setdefault(worker.host, []).append([at, *values])
        elif kind == "sample":
            key = f"{facts.get('task')} {facts.get('attempt')}"
            sample = [at * 1000, _number(facts.get("memory")), _number(facts.get("cpu"))]
            self.samples.setdefault(key, []).append(sample)
        else:
            other = {name: value for name, value in facts.items() if name not in ("at", "event")}
            self.events.append([at, worker.wid, worker.host, kind[:40], _sentence(other)[:MAX_TEXT]])

    def _forget(self) -> None:
        self.events = sorted(self.events, key=lambda event: float(event[0]))[-MAX_EVENTS:]
        self.loads = {host: thinned(points, MAX_LOADS) for host, points in self.loads.items()}
        for key in list(self.samples)[:-MAX_SAMPLED]:
            del self.samples[key]
        self.samples = {key: thinned(points, MAX_SAMPLES) for key, points in self.samples.items()}

    # -- telling -------------------------------------------------------------------------------------------------

    def curve(self, task: str, number: int) -> list[list[float | None]]:
        """Samples of one attempt: [ms, bytes, cores]."""
        return self.samples.get(f"{task} {number}", [])

    def of_host(self, host: str) -> tuple[Load, ...]:
        """The load of a node, oldest first."""
        points = (point for point in self.loads.get(host, ()) if point[0] is not None)
        return tuple(
            Load(point[0] or 0.0, point[1], point[2], _whole(point[3]), _whole(point[4]))
            for point in sorted(points, key=lambda point: point[0] or 0.0)
        )

    def told(self) -> Iterator[Event]:
        """Events, newest first."""
        for at, wid, host, kind, text in reversed(self.events):
            yield Event(float(at), str(wid), str(host), str(kind), str(text))


def _sentence(facts: Mapping[str, Any]) -> str:
    if form := SENTENCES.get(frozenset(facts)):
        return form.format_map({name: PLAIN.get(str(value), str(value)) for name, value in facts.items()})
    return ", ".join(str(value) if len(facts) == 1 else f"{name}: {value}" for name, value in facts.items())


def happened(kind: str) -> str:
    """An event in words."""
    return WORDS.get(kind, kind)


def thinned(points: list[list[float | None]], most: int) -> list[list[float | None]]:
    """At most so many: when there are too many, every second one of the older half goes."""
    while len(points) > most:
        middle = len(points) // 2
        points = points[:middle:2] + points[middle:]
    return points


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and -1e18 < value < 1e18 else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
