"""Lanes under kill -9: who cannot run a task files it once, who can takes it, and a priority is honoured within a look.

The rule: nobody is idle for a fence here: a worker that was killed with its guard has an heir on its own node, which proves
its death at once.
"""

from __future__ import annotations

import re
import time
from collections import Counter

import pytest

from tests.grounds import Lab
from tests.grounds.fixtures import Figure
from tests.grounds.lab import identity
from tests.grounds.story import most_at_once

HALF = 5
PLAIN, FIRST = 32, 8
#: A worker that takes tasks looks every 0.2 s at most; without a priority the last of what was there would begin after 3 s.
ONE_LOOK = 2.0
LICENCE = ("--resource", "licence=1")
LANE, TOKEN = r"todo/@licence-1=[a-z2-7]{6}/", r"~0\.[a-z2-7]{8}-[0-9]+"


def assert_each_in_one_place(lab: Lab, names: set[str]) -> None:
    """Whoever was killed in the middle of what."""
    assert Counter(map(identity, lab.files_at_once())) == Counter(dict.fromkeys(names, 1))


def test_what_a_worker_cannot_run_is_filed_once_and_runs_where_it_can_through_kills_of_both(lab: Lab) -> None:
    (poor,) = lab.ready(1)
    wanted = [f"{letter}{n:02d}" for letter in "xy" for n in range(HALF)]
    names = lab.drop(3, *wanted, command=lab.story.command(0.1), resources={"licence": 1})
    poor.kill_both(when="any(name.startswith('@') for name in os.listdir(f'{root}/todo'))")
    assert_each_in_one_place(lab, names)
    lab.ready(1)
    lab.wait_until(lambda: all(re.match(LANE, path) for path in lab.files()), 40)
    filed = lab.files()
    assert all(re.fullmatch(rf"{LANE}[xy]\d\d{TOKEN}\.yaml", path) for path in filed)
    assert_each_in_one_place(lab, names)
    lab.live_on()
    assert lab.files() == filed, "somebody opened again what its lane tells"
    # A person moves half of it to the front while the other half is being taken.
    lane = filed[0].split("/")[1]
    front = f"todo/@p10,{lane[1:]}"
    rich = lab.start(2, *LICENCE)
    lab.wait_for_lives(1)
    lab.person(3, f"mkdir {front} && mv todo/{lane}/y* {front}/", check=False)  # mv tells of what was taken meanwhile
    lab.wait_until(lambda: any(life.task >= "y" for life in lab.story.lives()), 20)
    rich.kill_both()
    assert_each_in_one_place(lab, names)
    lab.start(2, *LICENCE)
    lab.wait_for_done(names, 60)
    lives = lab.story.lives()
    assert {life.node for life in lives} == {"n2"}, "it ran where there is no licence"
    assert most_at_once(lives) == 1, "two had the one licence"
    assert len(lives) <= len(names) + 1, "more ran again than was lost"
    assert lab.violations(*names) == ""


@pytest.mark.grounds(
    "local", "stale"
)  # between two looks lies twenty times what one costs: seconds on a slow node of NFS
def test_a_priority_is_honoured_at_the_next_look_also_while_a_worker_is_killed(lab: Lab, figure: Figure) -> None:
    command = lab.story.command(0.3)
    names = lab.drop(3, *(f"a{n:02d}" for n in range(PLAIN)), command=command)
    victim, _ = lab.ready(1, 2)
    lab.wait_for_lives(4)
    names |= {name[5:] for name in lab.drop(3, *(f"@p10/z{n:02d}" for n in range(FIRST)), command=command)}
    visible = time.time()
    victim.kill_both()
    lab.start(1)
    lab.wait_for_done(names, 60)
    starts = [(life.start, life.task) for life in lab.story.lives() if life.attempt == 1]
    # What the killed one had claimed comes back when it is taken over, with a token in its name.
    last = max(start for start, task in starts if task.startswith("z") and "~" not in str(lab.record(task)["file"]))
    late = max(0.0, *(start - visible for start, task in starts if task.startswith("a") and start < last))
    figure(f"tasks without a priority began until {late:.2f} s after others with one could be seen")
    assert late < ONE_LOOK
    lab.story.assert_never_together()
    assert lab.violations(*names) == ""
