"""`python -m tests.bench.fairness`: how near to half two users, or two batches, come to with two workers.

The rule: real workers and tasks; judged are the first attempts that ended while both had work, by slots times seconds and
by number.  As root the users are two real ones, who share the spool of a group; else two batches take turns.
"""

from __future__ import annotations

import argparse
import grp
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dsgspool.spool import Spool
from dsgspool.spool.owners import Owners
from dsgspool.spool.scan import Look
from dsgspool.spool.turns import FairLook
from tests.bench import spools
from tests.processes.test_users import ALICE, BOB, as_user
from tests.support.shares import counted, of_first

SETTINGS = "format: 1\nheartbeat: 1s\npoll_min: 100ms\n"
CALM_TIMES = "fence: 60s\nkill: 5s\nlease: 80s\n"


def who(name: str) -> str:
    """The first letter of a task tells."""
    return name[0]


def lay(spool: Path, prefix: str, tasks: int, text: str, uid: int, gid: int) -> None:
    """Tasks of one of the two."""
    for number in range(tasks):
        path = spool / "todo" / f"{prefix}{number:05d}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o640)
        os.chown(path, uid, gid)


def give(spool: Path, uid: int, gid: int) -> None:
    """The folders of a group's spool."""
    for folder, _, _ in os.walk(spool):
        os.chown(folder, uid, gid)
        os.chmod(folder, 0o2770)
    os.chown(spool / "spool.yaml", uid, gid)


def run(spool: Path, slots: int, prefix: list[str]) -> None:
    """Two workers begin at the same moment and work it off."""
    (spool / "PAUSE").touch()
    command = spools.proc.worker_command(["--spool", str(spool), "--slots", str(slots), "--quiet", "--until-empty"])
    started = [subprocess.Popen([*prefix, *command]) for _ in range(2)]
    (spool / "PAUSE").unlink()
    for process in started:
        process.wait()


def cases(tasks: int) -> Iterator[tuple[str, str, dict[str, tuple[int, str]], int]]:
    """What is asked, commands of the first and of the second, slots of each worker."""
    many = tasks * 3 // 5
    plain = 'command: ["true"]\n...\n'
    yield "equal tasks", "", {"a": (many, plain), "z": (many, plain)}, 2
    short, long = (f"command: sleep {seconds}\n...\n" for seconds in ("0.05", "0.15"))
    yield "tasks of 0.05 s and of 0.15 s", "", {"a": (many, short), "z": (many // 2, long)}, 4
    wide = "command: sleep 0.05\ncpus: 3\n...\n"
    yield "tasks of 1 slot and of 3 slots", "@cpus3/", {"a": (many, short), "z": (many // 2, wide)}, 6


def measure(base: Path, tasks: int) -> Iterator[str]:
    """A line for each case."""
    root = os.geteuid() == 0
    gid = next(group.gr_gid for group in grp.getgrall() if group.gr_gid >= 100) if root else os.getgid()
    for title, lane, texts, slots in cases(tasks):
        spool = spools.new_spool(base)
        fair = f"group: {grp.getgrgid(gid).gr_name}" if root else "fair: batches"
        (spool / "spool.yaml").write_text(f"{SETTINGS}{CALM_TIMES}default_cwd: /\n{fair}\n")
        (spool / "spool.yaml").chmod(0o640)
        for name, (number, text) in texts.items():
            prefix = name if root else f"{name}/"
            uid = (ALICE if name == "a" else BOB) if root else os.getuid()
            lay(spool, f"{lane if 'cpus' in text else ''}{prefix}", number, text, uid, gid)
        if root:
            give(spool, ALICE, gid)
        run(spool, slots, as_user(ALICE, ALICE, gid) if root else [])
        first = tasks if not lane and len(set(texts.values())) == 1 else tasks // 2
        width = {"z": 3} if lane else {}
        used = of_first(spool, first, who, lambda name, width=width: width.get(name[0], 1))
        yield f"{title}, {'two users' if root else 'two batches'}: {told(used, counted(spool, first, who))}"


def looks(base: Path, flat: int, batches: int) -> Iterator[str]:
    """What a look at that many files, and batches of 100, costs: CPU time, and how many files are asked for their owner."""
    folder = spools.new_spool(base, "", flat)
    for number in range(batches):
        (folder / f"todo/s{number:03d}").mkdir()
        for task in range(100):
            (folder / f"todo/s{number:03d}/{task:03d}.yaml").touch()
    spool = Spool(str(folder))
    owners, asked = Owners(spool), Counter[str]()
    ask = spool.fs.owner

    def counting(path: str) -> int:
        asked["files"] += 1
        return ask(path)

    spool.fs.owner = counting  # type: ignore[method-assign]

    def take(turns: tuple[str, ...]) -> str:
        before, asked["files"] = time.process_time(), 0
        fair = {"turns": turns, "use": lambda _: (0.0, 0.0), "owners": owners}
        look = FairLook(spool, 4, **fair) if turns else Look(spool, 4, alone=True)
        found = len(look.take().candidates)
        return f"{(time.process_time() - before) * 1e3:.0f} ms, {asked['files']:,} asked, {found:,} found"

    title = f"a look at {flat:,} files and {batches} batches of 100"
    for kind, turns in (
        ("nobody", ()),
        ("batches", ("batches",)),
        ("owners", ("owners",)),
        ("both", ("owners", "batches")),
    ):
        rounds = [take(turns) for _ in range(4)]
        yield f"{title}, {kind} in turn: first {rounds[0]}; fourth {rounds[-1]}"


def told(used: Counter[str], number: Counter[str]) -> str:
    """Shares and how far they are from half, in percent of the half."""
    part = used["a"] / used.total()
    return (
        f"of the first {number.total():,}: {number['a']:,} and {number['z']:,} tasks, {used['a']:.1f} and {used['z']:.1f} "
        f"slot-seconds, {abs(2 * part - 1):.1%} from half"
    )


def main() -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fairness", description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1000)
    given = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="dsgspool-fair-"))
    base.chmod(0o755)
    try:
        for line in itertools.chain(measure(base, given.tasks), looks(base, 5000, 0), looks(base, 0, 100)):
            print(line, flush=True)
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
