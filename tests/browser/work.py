"""A real study: real workers run real commands, some of which fail as scientists' commands fail.

The rule: made once a session and only copied afterwards, so that every seed begins with records and logs that the program
itself wrote.  What comes out of it is known beforehand: `DONE`, `FAILED`.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.processes import Workers
from tests.support.spools import CALM, SpoolFolder

#: What `work` leaves, counted by hand: done and failed by batch.
DONE = {"sweep": 12, "train": 4, "": 1}
FAILED = {"train": 6, "align": 4, "": 5}

_PYTHON = """python3 - <<'END' 2>&1 1>/dev/null | cat >&2; exit 1
import sys
def load(path, row):
    raise ValueError(f"could not convert string to float: {row!r} in {path}")
load("/data/run-%(n)02d/measured_%(n)d.csv", "row %(n)d of 1200")
END
"""
_TQDM = r"""printf 'epoch:   0%%%%|          | 0/40 [00:00<?, ?it/s]' >&2
printf '\repoch:  50%%%%|=====     | 20/40 [00:01<00:01, 19.8it/s]' >&2
printf '\repoch: 100%%%%|==========| 40/40 [00:02<00:00, 20.1it/s]\n' >&2
echo 'loss=0.01%(n)d'
"""
_COLOURS = r"""printf '\033[1;32mok\033[0m value \033[38;5;208m%(n)d\033[0m of \033[4m12\033[0m\n'"""
_NO_SPACE = "echo 'OSError: [Errno 122] Disk quota exceeded: /scratch/u%(n)d/part-%(n)d.bam' >&2; exit 3"


def work(folder: Path, workers_of: Path) -> SpoolFolder:
    """The spool after two workers went through the study."""
    spool = SpoolFolder(folder, CALM)
    for n in range(12):
        spool.drop(f"sweep/{n:04d}", _COLOURS % {"n": n})
    for n in range(4):
        spool.drop(f"train/good-{n}", _TQDM % {"n": n}, description="learns well")
    for n in range(6):
        spool.drop(f"train/run-{n:02d}", _PYTHON % {"n": n + 11})
    for n in range(4):
        spool.drop(f"align/s{n}", _NO_SPACE % {"n": n + 7}, params={"sample": f"S{n}"})
    spool.drop(
        "flaky",
        'test "$DSGSPOOL_ATTEMPT" = 3 || { echo "lost contact, try $DSGSPOOL_ATTEMPT" >&2; exit 9; }',
        retries=2,
    )
    spool.drop("crash", "kill -SEGV $$")
    for name in ("slow-1", "slow-2"):
        spool.drop(name, f"echo waiting for {name}; sleep 60", timeout="300ms")
    spool.drop("missing", ["no-such-program", "--of", "mine"])
    spool.overwrite("todo/wrong.yaml", "comand: echo hi\n...\n")
    workers = Workers(spool, workers_of)
    try:
        workers.start("--until-empty", slots=3)
        workers.start("--until-empty", slots=3)
        for worker in workers.all:
            assert worker.ends(60) == 0, worker.output()
    finally:
        workers.bury()
    return spool
