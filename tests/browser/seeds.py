"""Spools of which it is known what the report must say: each with the words of its verdict and of its first screen.

The rule: a seed is the real study (`work`) and then what a person's `mv`, `rm`, `touch` or a broken machine does to it; the
words expected were written by hand beside it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.browser.hand import PLAIN, Hand
from tests.browser.wishes import decided, nodes, policy, wants

Make = Callable[[Hand], None]


@dataclass(frozen=True)
class Seed:
    """`verdict`: the whole sentence; `screen`: what the text of the first screen must have too."""

    name: str
    make: Make
    verdict: str
    screen: tuple[str, ...]
    tone: str
    real: bool = True  #: begins with the real study
    later: float = 0.0  #: the page is looked at so many seconds after it was written


def plant(seed: Seed, worked: Path, folder: Path) -> Hand:
    """A fresh copy of the study with the seed's changes."""
    if seed.real:
        shutil.copytree(worked, folder, symlinks=True)
    hand = Hand(folder)
    hand.configure(PLAIN)
    seed.make(hand)
    return hand


def _rm(spool: Hand, *below: str) -> None:
    for path in below:
        for found in sorted(spool.root.glob(path)):
            shutil.rmtree(found) if found.is_dir() else found.unlink()


def all_well(spool: Hand) -> None:
    """rm -r failed/*: what failed is forgotten."""
    _rm(spool, "failed/*", "logs/align", "logs/crash*", "logs/slow*", "logs/missing*", "logs/wrong*", "logs/train/run*")


def empty(spool: Hand) -> None:
    """As `init` leaves it."""


def one_cause(spool: Hand) -> None:
    """rm of all failures but those of one cause, and many more of that kind."""
    _rm(
        spool,
        "failed/*.yaml",
        "failed/align",
        "logs/align",
        "logs/crash*",
        "logs/slow*",
        "logs/missing*",
        "logs/wrong*",
    )
    wid = spool.worker("n2-bbbbbbbb", ended=True)
    for n in range(60):
        row = f"ValueError: could not convert string to float: 'row {n} of 90' in /data/run-{n + 40}/measured_{n}.csv"
        trace = f'Traceback (most recent call last):\n  File "<stdin>", line 4, in <module>\n{row}\n'
        spool.failed(f"train/more-{n:03d}", wid, ago=900 - n, err=trace)


def several_causes(spool: Hand) -> None:
    """Nothing: the study itself failed in several ways."""


def silent_node(spool: Hand) -> None:
    """n4 was unplugged seven minutes ago, with two tasks in its hands; n1 goes on."""
    all_well(spool)
    spool.run("sweep/held-1", spool.worker("n4-dddddddd", silent=427), ago=600)
    spool.run("sweep/held-2", "n4-dddddddd", ago=500)
    spool.run("sweep/fine", spool.worker("n1-aaaaaaaa"), ago=30)


def paused(spool: Hand) -> None:
    """touch PAUSE while five tasks wait."""
    all_well(spool)
    spool.worker("n1-aaaaaaaa")
    for n in range(5):
        spool.drop(f"later/{n}")
    (spool / "PAUSE").touch()


def full_disk(spool: Hand) -> None:
    """More is asked to stay free than there is."""
    all_well(spool)
    spool.configure(PLAIN, min_free="100000T")
    spool.worker("n1-aaaaaaaa")
    spool.drop("later")


def stuck(spool: Hand) -> None:
    """mv of two tasks into a folder of waiting/ whose name is no moment."""
    all_well(spool)
    spool.worker("n1-aaaaaaaa")
    for n in (1, 2):
        spool.drop(f"until-the-cows-come-home/t{n}", state="waiting")


def out_of_reach(spool: Hand) -> None:
    """A task wants 64 slots, and the largest worker has 4."""
    all_well(spool)
    spool.worker("n1-aaaaaaaa", slots=4)
    spool.drop("@cpus64/huge", cpus=64)


def no_worker(spool: Hand) -> None:
    """Seven tasks and nobody to run them."""
    all_well(spool)
    for n in range(7):
        spool.drop(f"next/{n}")


def only_waiting(spool: Hand) -> None:
    """Three tasks are due in two hours."""
    all_well(spool)
    spool.worker("n1-aaaaaaaa")
    for n in range(3):
        spool.wait(f"night-{n}", due=7200)


def on_hold(spool: Hand) -> None:
    """mv of four tasks to hold/."""
    all_well(spool)
    spool.worker("n1-aaaaaaaa")
    for n in range(4):
        spool.drop(f"parked/{n}", state="hold")


def running(spool: Hand) -> None:
    """Three nodes at work, two slots each, a hundred tasks of a minute done, thirty to go: about five minutes."""
    all_well(spool)
    wids = [spool.worker(f"n{n}-aaaaaaa{n + 1}", slots=2, started=2400) for n in range(1, 4)]
    for n in range(100):
        spool.done(
            f"fit/{n:04d}",
            wids[n % 3],
            ago=2300 - 20 * (n // 2),
            seconds=50 + 4 * (n % 6),
            peak_memory_bytes=(2 + n % 5) << 28,
        )
    for n in range(6):
        bar = f"step: {n * 15}%|###   | {n * 6}/40\r" if n % 2 else f"##progress {n * 6}/40\n"
        spool.run(f"fit/now-{n}", wids[n % 3], ago=20 + 5 * n, err=bar)
    for n in range(30):
        spool.drop(f"fit/todo-{n:02d}")


def stale(spool: Hand) -> None:
    """The page of a running spool, looked at two days later: its writer is gone."""
    running(spool)
    spool.configure(PLAIN, report_every="1m")


def lost(spool: Hand) -> None:
    """A worker died three times under one task."""
    all_well(spool)
    wid = spool.worker("n5-eeeeeeee", started=9000, ended=True)
    for n in range(3):
        spool.record("eats-all", wid, ago=3000 - 300 * n)
    spool.overwrite("failed/eats-all~lost.abcdefgh-9.yaml", "command: 'true'\n...\n")


def broken_settings(spool: Hand) -> None:
    """vi spool.yaml, and a typing error."""
    all_well(spool)
    spool.worker("n1-aaaaaaaa")
    spool.drop("later")
    spool.overwrite("spool.yaml", "format: 1\nheartbaet: 5s\n")


def nobody_has(spool: Hand) -> None:
    """Three tasks want more memory than any node has; another one can start."""
    all_well(spool)
    nodes(spool)
    for n in range(3):
        wants(spool, f"huge/{n}", memory=900)
    wants(spool, "soon", memory=64, gpus=1)


def paused_batch(spool: Hand) -> None:
    """dsgspool batch pause later, with five tasks in it."""
    all_well(spool)
    spool.worker("n1-aaaaaaaa")
    policy(spool, "later", paused=True)
    for n in range(5):
        spool.drop(f"later/{n}")


def breaker_open(spool: Hand) -> None:
    """Three of the first three tasks of a batch failed; a dozen others wait."""
    all_well(spool)
    wid = spool.worker("n1-aaaaaaaa")
    policy(spool, "probe", breaker={"of": 20, "failures": 3})
    for n in range(3):
        spool.failed(f"probe/{n}", wid, ago=300 - n, err="Bus error\n")
    decided(spool, "probe", "tripped", why="3 of the first 3 tasks that ended have failed")
    for n in range(3, 15):
        spool.drop(f"probe/{n}")


def circle(spool: Hand) -> None:
    """Two tasks that wait for each other."""
    all_well(spool)
    spool.worker("n1-aaaaaaaa")
    spool.drop("after-egg/hen", state="waiting")
    spool.drop("after-hen/egg", state="waiting")


CLOCK = r"(\w{3} )?\d\d:\d\d"
SEEDS = (
    Seed("all well", all_well, r"All done: 17 tasks", (r"17",), "good"),
    Seed("nothing to do", empty, r"Nothing to do: the spool is empty", (r"Drop a YAML file into todo/",), "idle", real=False),
    Seed("one cause of many failures", one_cause, r"Finished: 17 of 83 done; 66 failures have 1 cause",
         (r"66 tasks ValueError: could not convert string to float: ‹…› in ‹path›",), "attention"),
    Seed("several causes", several_causes, r"Finished: 17 of 32 done; 15 failures have 6 causes",
         (r"could not convert", r"[Qq]uota"), "attention"),
    Seed("silent node", silent_node,
         r"Node n4 has been silent for 7 min and holds 2 tasks; running on 1 node, done in about \d+ s",
         (r"sweep/held-1 n4 silent",), "attention"),
    Seed("paused", paused, r"Paused: 5 tasks wait", (r"dsgspool --spool /\S+ resume",), "attention"),
    Seed("full disk", full_disk,
         r"The disk is too full: only .* are free, less than `?min_free`? \(.*\): workers take no new tasks",
         (r"1 task waits",), "bad"),
    Seed("stuck waiting task", stuck, r"2 tasks wait where nobody takes them: waiting/until-the-cows-come-home names no moment",
         (r"mv \S*/waiting/until-the-cows-come-home/\* \S*/todo/",), "attention"),
    Seed("waits in a circle", circle, r"2 tasks wait for each other: egg waits for hen waits for egg", (), "attention"),
    Seed("out of reach", out_of_reach, r"1 task wants 64 slots, and the largest worker has 4", (), "attention"),
    Seed("what no node has", nobody_has,
         r"No node can run 3 tasks: no living one has memory=900G; about to start: 1 task for 2 workers",
         (r"Nearest to memory=900G is gpu1: has 128G of memory, it wants 900G; dsgspool --spool \S+ why huge/0 Copy says more",),
         "attention"),
    Seed("paused batch", paused_batch, r"Batch later is paused, and 5 tasks wait",
         (r"says paused: true; dsgspool --spool \S+ batch resume later Copy lets it go on",
          r"later 0 % 0 of 5 paused"), "attention"),
    Seed("breaker tripped", breaker_open, r"Batch probe is stopped by its breaker, and 12 tasks wait",
         (r"3 of the first 3 tasks that ended have failed", r"3 failed breaker tripped"), "attention"),
    Seed("no worker alive", no_worker, r"No worker is alive, and 7 tasks wait",
         (r"Start one on any node: dsgspool --spool \S+ worker",), "bad"),
    Seed("only waiting", only_waiting, rf"Waiting: 3 tasks are not due yet, the next at {CLOCK}", (), "idle"),
    Seed("on hold", on_hold, r"Nothing runs: 4 tasks are on hold, 17 of 21 done", (), "attention"),
    Seed("running with a forecast", running, rf"Running on 3 nodes, done about {CLOCK}",
         (r"\b30\b", r"\b117\b", rf"Done about {CLOCK}, eight in ten (at )?{CLOCK}"), "busy"),
    Seed("stale page", stale,
         rf"Running on 3 nodes, done about {CLOCK}", (r"written 2 d 0 h ago", r"its writer seems to be gone"),
         "busy", later=2 * 86400),
    Seed("lost with its worker", lost, r"Finished: 17 of 18 done; 1 failure", (r"lost|died",), "attention"),
    Seed("broken settings", broken_settings, r"spool\.yaml cannot be understood, so no new task is taken",
         (r"line 2: unknown key heartbaet", r"1 task waits"), "bad"),
)  # fmt: skip
