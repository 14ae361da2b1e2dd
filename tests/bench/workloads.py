"""What is measured: each workload gives lines of a table, the product and its peers side by side.

The rule: contestants of one round run one after the other with the reference between them, and a ratio is against the
mean of the reference before and after; of several rounds the median is told.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import psutil

from dsgspool.mounts import mount_of
from tests.bench.peers import Peer, new_folder
from tests.bench.reference import KINDS, Run, call, spawner, timed, xargs
from tests.bench.spools import TEXTS, command, drain, drain_sweep, new_spool, worker


@dataclass(frozen=True)
class Row:
    """One line: `figure` in `unit`, and what it is as a ratio to the reference of the same minutes."""

    workload: str
    who: str
    figure: float
    unit: str
    ratio: float | None = None
    cpu_ms: float | None = None
    note: str = ""


def throughput(base: Path, kind: str, tasks: int, rounds: int, peers: Iterable[Peer], cache: Path) -> Iterator[Row]:
    """`true` or shell lines with both logs, two slots, as many a second as xargs -P2 does."""
    contestants: dict[str, Callable[[], Run]] = {
        "dsgspool": lambda: _dropped_and_drained(base, TEXTS[kind], tasks),
        "dsgspool sweep": lambda: drain_sweep(base, TEXTS[kind], tasks),
    }
    if (program := spawner(cache)) and kind == "true":
        words = [str(program), "2", str(tasks), *KINDS[kind]]
        contestants["C posix_spawn"] = lambda: timed(tasks, lambda: call(words))
    for peer in peers:
        contestants[peer.name] = lambda peer=peer: peer.run(kind, min(tasks, peer.most), new_folder(base))
    rates: dict[str, list[Run]] = {}
    ratios: dict[str, list[float]] = {}
    references: list[Run] = []
    failed: dict[str, str] = {}
    for _ in range(rounds):
        before = xargs(kind, tasks, new_folder(base))
        for who in [who for who in contestants if who not in failed]:
            try:
                run = contestants[who]()
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                failed[who] = f"failed: {error}"
                continue
            after = xargs(kind, tasks, new_folder(base))
            rates.setdefault(who, []).append(run)
            ratios.setdefault(who, []).append(run.rate / statistics.mean([before.rate, after.rate]))
            references += [before, after]
            before = after
    yield _row(kind, "xargs -P2", references, 1.0)
    for who, runs in rates.items():
        yield _row(kind, who, runs, statistics.median(ratios[who]))
    for who, why in failed.items():
        yield Row(kind, who, 0.0, "/s", note=why)


def _dropped_and_drained(base: Path, text: str, tasks: int) -> Run:
    """Files that a loop writes into todo/, then a worker."""
    begun = time.perf_counter()
    spool = new_spool(base, text, tasks)
    submit = time.perf_counter() - begun
    return replace(drain(spool)[0], submit=submit)


def _row(kind: str, who: str, runs: list[Run], ratio: float) -> Row:
    cpu = [run.cpu / run.tasks * 1000 for run in runs if run.cpu is not None]
    rate = statistics.median(run.rate for run in runs)
    queued = [run.tasks / run.submit for run in runs if run.submit]
    note = ""
    if queued:  # somebody has to wait for that too
        both = statistics.median(run.tasks / (run.submit + run.seconds) for run in runs if run.submit)
        note = (
            f"queued before, at {statistics.median(queued):.0f}/s; both {both:.0f}/s, ratio {ratio * both / rate:.2f}"
        )
    return Row(kind, who, rate, "/s", ratio, statistics.median(cpu) if cpu else None, note)


def durability(base: Path, tasks: int, rounds: int) -> Iterator[Row]:
    """`true` with `durability: strict`, where each record, each log's folder and each move is on the disk before the next step."""
    runs: dict[str, list[Run]] = {"process": [], "strict": []}
    for _ in range(rounds):
        for kind, done in runs.items():
            spool = new_spool(base, TEXTS["true"], tasks)
            (spool / "spool.yaml").write_text(f"format: 1\ndurability: {kind}\n")
            done.append(drain(spool)[0])
    rates = {kind: [run.rate for run in done] for kind, done in runs.items()}
    ratio = statistics.median(s / p for s, p in zip(rates["strict"], rates["process"], strict=True))
    for kind, found in rates.items():
        note = f"on {mount_of(str(base)).kind}"
        yield Row("durability", kind, statistics.median(found), "/s", 1.0 if kind == "process" else ratio, note=note)


def sleeps(base: Path, tasks: int, rounds: int) -> Iterator[Row]:
    """Tasks of 100 ms on 64 slots: what the queue adds to the waiting."""
    mine, theirs = [], []
    for _ in range(rounds):
        theirs.append(xargs("sleep 0.1", tasks, base, slots=64).rate)
        spool = new_spool(base, 'command: [sleep, "0.1"]\n...\n', tasks)
        mine.append(drain(spool, slots=64)[0].rate)
    ratio = statistics.median(m / t for m, t in zip(mine, theirs, strict=True))
    yield Row("sleep 0.1, 64 slots", "xargs -P64", statistics.median(theirs), "/s", 1.0)
    yield Row("sleep 0.1, 64 slots", "dsgspool", statistics.median(mine), "/s", ratio)


def submit(base: Path, rounds: int, tasks: int) -> Iterator[Row]:
    """`submit --each-line`, against a loop that writes, closes and renames such files."""
    ratios, rates, lines = [], [], "\n".join(f"input{n}.fa" for n in range(tasks))
    for _ in range(rounds):
        plain, spool = Path(tempfile.mkdtemp(dir=base)), new_spool(base)
        reference = timed(tasks, lambda plain=plain: _write_plainly(plain, tasks))
        words = command(spool, "submit", "--each-line", "--", "fold", "{}")
        run = timed(tasks, lambda words=words: call(words, lines))
        assert sum(len(files) for _, _, files in os.walk(spool / "todo")) == tasks
        ratios.append(run.rate / reference.rate)
        rates.append(run.rate)
    yield Row("submit", f"submit --each-line, {tasks}", statistics.median(rates), "/s", statistics.median(ratios))


def _write_plainly(folder: Path, tasks: int) -> None:
    (folder / "tmp").mkdir()
    (folder / "todo").mkdir()
    for number in range(tasks):
        with open(f"{folder}/tmp/{number}", "w") as file:
            file.write(f"command: [fold, input{number}.fa]\n...\n")
        os.rename(f"{folder}/tmp/{number}", f"{folder}/todo/{number}.yaml")


def pickup(base: Path, files: int = 9) -> Iterator[Row]:
    """From just before the close of a file in todo/ to what its command, `date`, says that it is, on an idle worker."""
    spool, delays = new_spool(base), []
    process = worker(spool)
    try:
        time.sleep(2)
        for number in range(files):
            with open(spool / "todo" / f"p{number}.yaml", "w") as file:
                file.write('command: [date, "+%s.%N"]\n')
                file.flush()
                closed = time.time()
            while not (spool / "done" / f"p{number}.yaml").exists():
                time.sleep(0.005)
            delays.append((float((spool / "logs" / f"p{number}.1.out").read_text()) - closed) * 1000)
            time.sleep(0.7)
    finally:
        process.terminate()
        process.wait()
    note = f"worst {max(delays):.0f} ms"
    yield Row("pickup", "dsgspool, idle worker", statistics.median(delays), "ms", note=note)


def start_up(base: Path, rounds: int) -> Iterator[Row]:
    """Whole processes, against an interpreter that does nothing; and a worker, until its first claim."""
    spool = new_spool(base)
    nothing = [sys.executable, "-c", "pass"]
    calls = {
        "submit -- true": command(spool, "submit", "--", "true"),
        "status": command(spool, "status"),
        "--help": [sys.executable, "-m", "dsgspool", "--help"],
    }
    times: dict[str, list[Run]] = {name: [] for name in ("pass", *calls)}
    for _ in range(5 * rounds):
        times["pass"].append(timed(1, lambda: call(nothing)))
        for name, words in calls.items():
            times[name].append(timed(1, lambda words=words: call(words)))
    reference = statistics.median(run.cpu or 0.0 for run in times["pass"])
    yield Row("start-up", "python3 -c pass", reference * 1000, "ms of CPU", 1.0)
    for name in calls:
        cpu = statistics.median(run.cpu or 0.0 for run in times[name])
        wall = statistics.median(r.seconds / p.seconds for r, p in zip(times[name], times["pass"], strict=True))
        yield Row("start-up", name, cpu * 1000, "ms of CPU", cpu / reference, note=f"{wall:.1f} x as wall time")
    yield _first_claim(base, rounds)


def _first_claim(base: Path, rounds: int) -> Row:
    delays = []
    for _ in range(rounds):
        spool = new_spool(base, TEXTS["true"], 1)
        begun = time.time()
        worker(spool, "--until-empty").wait()
        started = (spool / "logs/t0000000.1.yaml").read_text().split('started: "')[1].split('"')[0]
        delays.append((datetime.fromisoformat(started).timestamp() - begun) * 1000)
    return Row("start-up", "worker, to its first claim", statistics.median(delays), "ms")


def memory(base: Path, tasks: int) -> Iterator[Row]:
    """Resident set of worker and guard together, in the first tenth of the tasks and at its largest."""
    spool = new_spool(base, TEXTS["true"], tasks)
    process, samples = worker(spool, "--until-empty"), []
    while process.poll() is None:
        try:
            guard = psutil.Process(process.pid)
            inner = [p for p in guard.children() if "dsgspool.worker" in p.cmdline()]
            resident = guard.memory_info().rss + sum(p.memory_info().rss for p in inner)
            samples.append((len(os.listdir(spool / "done")), resident / 1e6))
        except psutil.Error:
            continue
        time.sleep(0.5)
    early = max(mb for done, mb in samples if done <= tasks / 10)
    yield Row(
        "memory",
        f"worker and guard, {tasks} tasks",
        max(mb for _, mb in samples),
        "MB",
        note=f"{early:.0f} MB at first",
    )
