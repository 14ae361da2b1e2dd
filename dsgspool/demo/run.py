"""Setting the demo up: a spool, the study's files, its tasks, two workers.

The rule: nothing that a user could not type.  The workers are started by the command line, the tasks are submitted as
`submit` does it, and the folder stays, so that the user can go on in it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing

from dsgspool import proc
from dsgspool.classes import dataclass
from dsgspool.codec import dump_task
from dsgspool.demo import study
from dsgspool.errors import NodeError
from dsgspool.fs import Fs
from dsgspool.names import TaskName
from dsgspool.spawning import Launch
from dsgspool.spool import Spool
from dsgspool.spool.submission import Draft, Submission

#: What the study is meant to show: these two fail, everything else ends well.
DESIGN: Mapping[str, str] = {"describe/adelie-torgersen": "exit1", "permutation/exhaustive": "timeout"}
STUDY = "study"  #: the folder in the spool that the tasks run in


def new_folder(wanted: str) -> str:
    """Make that folder, or the first of NAME-2, NAME-3 ... that is free."""
    fs, wanted = Fs(), os.path.abspath(wanted)
    for number in range(1, 1000):
        path = wanted if number == 1 else f"{wanted}-{number}"
        try:
            fs.make_folder(path, exclusive=True)
        except FileExistsError:
            continue
        return path
    raise NodeError(f"there are a thousand folders {wanted}-N already: remove some, or choose another with --dir")


def lay_study(root: str) -> str:
    """Copy the study's files into the spool's folder; where they are."""
    fs, target = Fs(), f"{root}/{STUDY}"
    for file in study.files():
        path = f"{target}/{file}"
        fs.make_folder(os.path.dirname(path))
        fs.create_whole(path, fs.read(f"{os.path.dirname(study.__file__)}/{file}")[0], sync=False)
    return target


def submit_study(spool: Spool, cwd: str) -> list[str]:
    """Submit the study's tasks; their names."""
    with closing(Submission(spool)) as submission:
        drafts = [Draft(TaskName(name), dump_task({**keys, "cwd": cwd})) for name, keys in study.tasks(sys.executable)]
        return list(submission.put(drafts, spool.todo))


@dataclass(slots=True)
class Workers:
    """The workers of the demo, as processes of this one."""

    spool: Spool
    pids: list[int]

    @classmethod
    def start(cls, spool: Spool, count: int) -> Workers:
        """Start them, each with one slot and its own log beside the spool's folders."""
        argv = [sys.executable, "-m", "dsgspool", "--spool", spool.root, "worker", "--slots", "1", "--until-empty"]
        return cls(spool, [_start(spool, argv, f"{spool.root}/worker-{n}.log") for n in range(1, count + 1)])

    def alive(self) -> bool:
        """True while one of them runs."""
        for ended in proc.reap():
            if ended.pid in self.pids:
                self.pids.remove(ended.pid)
        return bool(self.pids)

    def stop(self) -> None:
        """Let them give back what they run, and wait for that."""
        proc.send(self.pids, 15)
        proc.send(self.pids, 15)
        for _ in self.until_over():
            pass

    def until_over(self, limit: float = 30.0) -> Iterator[None]:
        """Yield until all have ended, or for `limit` seconds."""
        began = self.spool.clock.boot()
        while self.alive() and self.spool.clock.boot() - began < limit:
            yield
            self.spool.clock.sleep(0.1)


def _start(spool: Spool, argv: list[str], log: str) -> int:
    output = spool.fs.open_log(log)
    null = spool.fs.open_input(os.devnull)
    try:
        return proc.spawn(Launch(argv, spool.root, dict(os.environ), null, output, output))
    finally:
        spool.fs.close(output)
        spool.fs.close(null)
