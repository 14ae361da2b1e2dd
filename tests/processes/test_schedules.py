"""Schedules and real workers: one task for each tick, also with several workers, and only of files that are obeyed."""

from __future__ import annotations

import os
import time

from tests.support.processes import Workers
from tests.support.spools import SpoolFolder

TEXT = 'cron: "*/30 * * * *"\ntask:\n  command: echo $DSGSPOOL_TASK\n...\n'


def test_the_leader_makes_what_is_due_once_and_tells_what_it_does_not_obey(
    folder: SpoolFolder, workers: Workers
) -> None:
    old = time.time() - 86400
    for name, text in (("good", TEXT), ("open", TEXT), ("wrong", TEXT.replace("command", "comand"))):
        os.utime(folder.overwrite(f"schedules/{name}.yaml", text), (old, old))
    os.chmod(folder / "schedules/open.yaml", 0o666)
    first, second = workers.ready(), workers.ready()
    workers.wait_until(lambda: folder.done())
    told = workers.wait_until(lambda: "".join(w.output() for w in (first, second) if "wrong.yaml" in w.output()))
    assert "schedules/wrong.yaml is not obeyed: line 3: unknown key `comand`" in told
    assert "schedules/open.yaml is not obeyed: everybody may write to it" in told
    ticks = os.listdir(folder / "schedules/ticks/good")
    workers.wait_until(lambda: folder.done() == {f"good-{tick}" for tick in ticks})
    assert os.listdir(folder / "schedules/ticks") == ["good"]
    assert [folder.out(f"good-{tick}") for tick in ticks] == [f"good-{tick}\n" for tick in ticks]
