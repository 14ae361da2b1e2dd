"""Schedules under kill -9 and freezes of who leads: one instance for each tick that is due, and none for any other.

The rule: the spool is paused meanwhile, so that each instance can be counted where it was put; then each runs once.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.grounds import Lab, LabWorker
from tests.grounds.lab import identity

COPIES = 2
#: kind -> keys, and whether the tick of 40 minutes ago was made before all workers went away.
KINDS = {
    "all": ("catch_up: all\noverlap: allow", False),
    "last": ("catch_up: last", False),
    "none": ("catch_up: none", False),
    "away": ("catch_up: all\noverlap: allow", True),
    "skip": ("catch_up: all", False),
}
#: Files with an mtime of long ago, seen all at once by whoever looks; and a tick that was made before.
LAY = """
for name, (text, stamp, mtime) in files.items():
    path = f"{root}/schedules/.{name}"
    Path(path).write_text(text)
    os.utime(path, (mtime, mtime))
    if stamp:
        os.makedirs(f"{root}/schedules/ticks/{name}/{stamp}")
        Path(f"{root}/schedules/ticks/{name}/{stamp}/tick.json").write_text("{}")
for name in files:
    os.rename(f"{root}/schedules/.{name}", f"{root}/schedules/{name}.yaml")
answer = 0
"""
TICKS = """
top = f"{root}/schedules/ticks"
answer = {name: sorted(os.listdir(f"{top}/{name}")) for name in os.listdir(top)}
"""


def lay(lab: Lab) -> dict[str, list[str]]:
    """Several of each kind, with ticks 40 and 10 minutes ago and none to come soon: name -> the ticks that are there then."""
    now = datetime.now(UTC)
    earlier, later = now - timedelta(minutes=40), now - timedelta(minutes=10)
    stamps = [f"{moment:%Y%m%dT%H%MZ}" for moment in (earlier, later)]
    files, there = {}, {}
    for kind, (keys, is_made) in KINDS.items():
        for name in (f"{number}-{kind}" for number in range(COPIES)):
            task = f"task:\n  command: {lab.story.command()}\n...\n"
            text = f'cron: "{earlier.minute},{later.minute} * * * *"\n{keys}\n{task}'
            files[name] = (text, stamps[0] if is_made else "", (now - timedelta(minutes=65)).timestamp())
            there[name] = {"last": stamps[1:], "none": []}.get(kind, stamps)
    lab.ground.nodes[3].python(LAY, root=lab.spool, files=files)
    return {name: ticks for name, ticks in there.items() if ticks}


def made(ticks: dict[str, list[str]]) -> set[str]:
    """The instances that these ticks brought."""
    first = {"skip": slice(1), "away": slice(1, None)}
    chosen = {name: stamps[first.get(name[2:], slice(None))] for name, stamps in ticks.items()}
    return {f"{name}-{stamp}" for name, stamps in chosen.items() for stamp in stamps}


def leader_and_other(lab: Lab) -> tuple[LabWorker, LabWorker]:
    lab.person(3, "touch PAUSE")
    workers = lab.ready(1, 2)
    first = lab.wait_until(lab.leader, 20)
    return (workers[0], workers[1]) if workers[0].wid == first else (workers[1], workers[0])


#: In the middle of a look: of ten schedules it has come to the third.
IN_A_LOOK = "os.path.isdir(f'{root}/schedules/ticks/0-last')"


def assert_one_instance_for_each(ticks: dict[str, list[str]], lab: Lab) -> None:
    """Put into todo/ once, and run once."""
    lab.wait_until(lambda: lab.ground.nodes[0].python(TICKS, root=lab.truth) == ticks, 30)
    lab.live_on()
    names = made(ticks)
    assert Counter(map(identity, lab.files_at_once())) == Counter(dict.fromkeys(names, 1))
    lab.person(3, "rm PAUSE")
    lab.wait_for_done(names, 30)
    lab.story.assert_each_once(names)
    assert lab.ground.nodes[0].python(TICKS, root=lab.truth) == ticks
    assert lab.violations(*names) == ""


@pytest.mark.grounds("local", "stale")  # half a minute on real NFS, which has the harder one below
def test_each_tick_is_one_task_although_who_makes_them_is_killed_with_its_guard(lab: Lab) -> None:
    leader, _ = leader_and_other(lab)
    ticks = lay(lab)
    leader.kill_both(when=IN_A_LOOK)
    lab.start(leader.node.number)
    assert_one_instance_for_each(ticks, lab)


def test_each_tick_is_one_task_although_two_make_them_because_one_stood_still(lab: Lab) -> None:
    leader, other = leader_and_other(lab)
    before, ticks = leader.wid, lay(lab)
    leader.freeze_both(when=IN_A_LOOK)
    pid = str(leader.facts()["pid"])
    lab.person(3, f"touch workers/{before}.dead")  # an operator believes so, and saves us a lease
    lab.wait_until(lambda: lab.leader() == other.wid, 30)
    lab.wait_until(lambda: lab.ground.nodes[0].python(TICKS, root=lab.truth) == ticks, 30)
    leader.node.run("kill", "-CONT", pid)  # it still believes that it leads, and its guard stands still
    lab.wait_until(lambda: not leader.node.python("os.path.exists(f'/proc/{pid}/exe')", pid=pid), 20)
    leader.signal("CONT")
    lab.wait_until(lambda: leader.wid_or_none() not in {None, before}, 20)
    assert_one_instance_for_each(ticks, lab)
