"""A lab's afternoon: four nodes, four batches, six hours, three kinds of failures, a node that died and one that is silent.

The rule: always the same afternoon (one seed), told by the files of `hand` and in real proportions, so that pictures of its pages
show every panel with something in it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.browser.hand import GB, PLAIN, Hand

HOURS = 6
NODES = {"n1-aaaaaaaa": 6, "n2-bbbbbbbb": 6, "n4-dddddddd": 4, "gpu1-gggggggg": 2}
MEMORY_LIMIT = 6 * GB
TEXT = """description: "{title}"
command: ["python3", "{script}.py", "--input", "/lab/raw/{n:04d}.h5", "--seed", "{n}"]
cwd: /lab/study
env:
  OMP_NUM_THREADS: "4"
timeout: 2h
retries: 1
...
"""
_TRACE = """Traceback (most recent call last):
  File "/lab/study/align.py", line 88, in <module>
    main(parse(sys.argv))
  File "/lab/study/align.py", line 41, in read
    return float(cell)
"""


@dataclass
class Afternoon:
    """Fills every slot of every worker from the morning on."""

    spool: Hand
    dice: random.Random = field(default_factory=lambda: random.Random(4))
    numbers: dict[str, Iterator[int]] = field(
        default_factory=lambda: {batch: count() for batch in ("sweep-a", "align", "train", "maps/europe")}
    )
    events: dict[str, list[tuple[float, dict[str, object]]]] = field(default_factory=dict)

    def make(self) -> None:
        for wid, slots in NODES.items():
            silent = 427.0 if wid.startswith("n4") else 0.0
            self.worker(wid, slots, started=HOURS * 3600.0 - 240 * len(self.events), until=silent)
        self.died()
        self.rest()
        for wid, events in self.events.items():
            self.spool.journal(wid, events)

    def worker(self, wid: str, slots: int, *, started: float, until: float) -> None:
        self.spool.worker(wid, slots=slots, started=started, silent=until, cpus=slots * 4, memory_bytes=slots * 8 * GB)
        self.events[wid] = [(started, {"event": "start", "slots": slots})]
        for slot in range(slots):
            self.lane(wid, started - slot * 7, until, last=slot < slots - (1 if wid.startswith("n2") else 0))
        ago = started
        while ago > until:
            load = slots * self.dice.uniform(0.7, 1.1)
            used = int(slots * 8 * GB * self.dice.uniform(0.35, 0.6))
            facts = {
                "load": round(load, 2),
                "memory_used": used,
                "memory_total": slots * 8 * GB,
                "cpu": round(load / slots / 1.2, 2),
            }
            self.events[wid].append((ago, {"event": "node", **facts}))
            ago -= 120

    def lane(self, wid: str, ago: float, until: float, *, last: bool) -> None:
        """One slot: task after task, the last of which runs still."""
        while True:
            batch = (
                "train"
                if wid.startswith("gpu")
                else self.dice.choices(["sweep-a", "align", "maps/europe"], [6, 3, 2])[0]
            )
            median = {"train": 1500, "sweep-a": 190, "align": 420, "maps/europe": 90}[batch]
            seconds = median * self.dice.lognormvariate(0, 0.45)
            name = f"{batch}/{next(self.numbers[batch]):04d}"
            if ago - seconds <= until + 5:
                if last:
                    self.runs(name, wid, ago, min(0.97, (ago - until) / seconds))
                return
            self.ends(name, batch, wid, ago, seconds)
            ago -= seconds + self.dice.uniform(0.5, 6)

    def ends(self, name: str, batch: str, wid: str, ago: float, seconds: float) -> None:
        fails = self.dice.random()
        n = int(name.rpartition("/")[2])
        memory = int({"align": 3.4, "train": 5.1}.get(batch, 0.9) * GB * self.dice.lognormvariate(0, 0.25))
        script = batch.partition("/")[0].partition("-")[0]
        cpus = 4 if batch in ("align", "train") else 1
        facts: dict[str, object] = {
            "waited": self.dice.uniform(20, 2400), "peak_memory_bytes": memory, "cpus": cpus,
            "cpu_seconds": round(seconds * cpus * self.dice.betavariate(6, 3), 1),
            "text": TEXT.format(title=f"{script} of sample {n}", script=script, n=n),
            "out": f"reading /lab/raw/{n:04d}.h5\n\033[32mdone\033[0m: chi2 = {self.dice.uniform(0.8, 1.4):.4f}\n",
        }  # fmt: skip
        if batch == "align":
            facts["memory_limit_bytes"] = MEMORY_LIMIT
        self.sample(name, wid, ago, seconds, memory)
        if batch == "align" and fails < 0.08:
            row = f"ValueError: could not convert string to float: 'n/a' in /lab/raw/{n:04d}.h5, row {n * 37}"
            self.spool.failed(name, wid, ago=ago, seconds=seconds * 0.2, err=f"{_TRACE}{row}\n", **facts)
        elif wid.startswith("n4") and fails < 0.2:
            line = f"OSError: [Errno 28] No space left on device: '/scratch/{name}.tmp'"
            self.spool.failed(
                name,
                wid,
                ago=ago,
                seconds=seconds * 0.4,
                code=4,
                err=f"writing part {n}\n\033[31m{line}\033[0m\n",
                **facts,
            )
        elif batch == "train" and fails < 0.3:
            reason = f"ran longer than its timeout of {seconds:.0f} s"
            self.spool.record(
                name, wid, ago=ago, seconds=seconds, outcome="timeout", reason=reason, next="failed~timeout", **facts
            )
            self.spool.overwrite(f"failed/{name}~timeout.yaml", "command: 'true'\n...\n")
        elif batch == "maps/europe" and fails < 0.1:
            first = {
                **facts,
                "out": "",
                "err": "curl: (28) Connection timed out after 30001 milliseconds\n",
                "reason": "exit code 28",
            }
            self.spool.record(
                name, wid, ago=ago, seconds=seconds / 3, outcome="exit28", exit_code=28, next="todo~1", **first
            )
            slower = {"OMP_NUM_THREADS": "1", "TILE_SERVER": "mirror.lab"}
            self.spool.done(name, wid, ago=ago - seconds / 3 - 2, seconds=seconds / 3, environment=slower, **facts)
        else:
            self.spool.done(name, wid, ago=ago, seconds=seconds, **facts)

    def runs(self, name: str, wid: str, ago: float, part: float) -> None:
        bars = (
            f"epoch: {part * 100:3.0f}%|{'#' * int(part * 20):20}| {part * 40:.0f}/40 [{ago / 60:.0f}:12<03:40, 3.1s/it]",
            f"##progress {part * 100:.0f}/100\n",
            "step: residual 0.0031, still going\n",
        )
        self.spool.run(
            name,
            wid,
            ago=ago,
            out=f"fold {len(name) % 4 + 1} of 5: loss 0.0{int(ago) % 90 + 10}\n",
            err=self.dice.choice(bars),
            waited=90.0,
            text=TEXT.format(title=name, script="fit", n=3),
        )
        self.sample(name, wid, ago, ago, int(2 * GB * self.dice.uniform(0.5, 1.5)))

    def sample(self, name: str, wid: str, ago: float, seconds: float, memory: int) -> None:
        first = {"task": name, "attempt": 1}
        self.events[wid].append((ago, {"event": "start", **first}))
        for k in range(1, 13):
            used = int(memory * min(1.0, 0.25 + k / 10))
            facts = {"memory": used, "cpu": round(self.dice.uniform(0.7, 3.6), 2)}
            self.events[wid].append((ago - seconds * k / 13, {"event": "sample", **first, **facts}))

    def died(self) -> None:
        """n3 lost its power three hours ago; what it ran was begun again elsewhere."""
        wid = "n3-cccccccc"
        self.spool.worker(wid, slots=4, started=HOURS * 3600, silent=10900)
        self.spool.overwrite(f"workers/{wid}.fenced", '{"by": "n1-aaaaaaaa", "why": "no heartbeat for 47 s"}\n')
        self.spool.root.joinpath(f"running/{wid}").rmdir()
        self.events[wid] = [(HOURS * 3600, {"event": "start", "slots": 4})]
        for n in range(4):
            name = f"sweep-a/9{n:03d}"
            self.spool.record(name, wid, ago=11300 - 20 * n)
            self.spool.done(name, "n1-aaaaaaaa", ago=10000 - 200 * n, seconds=180 + n)

    def rest(self) -> None:
        for n in range(140):
            batch, moment = "sweep-a" if n % 3 else "align", self.spool.now - 9000 + 60 * n
            name = self.spool.drop(f"{batch}/{next(self.numbers[batch]):04d}")
            os.utime(self.spool.root / f"todo/{name}.yaml", (moment, moment))
        for n in range(6):
            self.spool.wait(f"nightly/{n}", due=5400 + 60 * n)
        for n in range(3):
            self.spool.drop(f"maps/asia/{n}", state="hold")
        self.spool.drop("report-figures")


def rich(spool: Hand) -> None:
    """The afternoon, in an empty spool."""
    spool.configure(PLAIN, report_every="30s")
    Afternoon(spool).make()
