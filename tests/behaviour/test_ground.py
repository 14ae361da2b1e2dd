"""The grounds are what they claim to be: else the tests on them prove nothing."""

from __future__ import annotations

import pytest

from tests.grounds import Ground, Lab
from tests.grounds.stale import CACHE_SECONDS

STAT = "os.path.exists(path)"
POLL = """
deadline = time.monotonic() + 12
while not os.path.exists(path) and time.monotonic() < deadline:
    time.sleep(0.05)
answer = time.monotonic()
"""


def seconds_hidden(ground: Ground, name: str) -> float:
    """How long a stat on n2 does not see a file that n1 made after n2 had looked for it."""
    path = f"{ground.share}/{name}"
    assert not ground.nodes[2].python(STAT, path=path)
    ground.nodes[1].python("Path(path).touch(); answer = 0", path=path)
    began = ground.nodes[2].python("time.monotonic()")
    seen = ground.nodes[2].python(POLL, path=path)
    return float(str(seen)) - float(str(began))


@pytest.mark.grounds("stale", "v4.2", "v3")
def test_a_name_that_was_looked_for_in_vain_stays_hidden_from_that_node(ground: Ground) -> None:
    # A client may ask again earlier than it has to, when it learns by chance that the folder has changed.
    assert any(seconds_hidden(ground, f"hidden-{trial}") > CACHE_SECONDS - 1 for trial in range(4))


@pytest.mark.grounds("stale", "v4.2", "v3")
def test_a_name_that_was_moved_away_is_still_there_for_a_node_that_knew_it(ground: Ground) -> None:
    source, target = f"{ground.share}/known", f"{ground.share}/moved"
    ground.nodes[2].python("Path(path).touch(); answer = 0", path=source)
    assert ground.nodes[2].python(STAT, path=source)
    ground.nodes[1].python("os.rename(old, new)", old=source, new=target)
    assert ground.nodes[2].python(STAT, path=source)
    assert "known" not in str(ground.nodes[0].python("os.listdir(path)", path=ground.truth))


@pytest.mark.grounds("stale", "v4.2", "v3")
def test_nodes_are_machines_of_their_own(ground: Ground) -> None:
    def identity(number: int) -> object:
        files = ["/proc/sys/kernel/hostname", "/etc/machine-id", "/proc/sys/kernel/random/boot_id"]
        return ground.nodes[number].python("[Path(file).read_text().strip() for file in files]", files=files)

    facts = [identity(number) for number in (1, 2, 3)]
    for column in zip(*facts, strict=True):
        assert len(set(column)) == 3
    assert [row[0] for row in facts] == ["n1", "n2", "n3"]


@pytest.mark.grounds("stale")
def test_a_stale_node_loses_its_power_and_boots_as_the_same_machine(lab: Lab) -> None:
    node = lab.ground.nodes[1]
    before = node.boot_id()
    pid = node.spawn(["sleep", "60"], f"{lab.ground.scratch}/sleep.log")
    lab.ground.kill(1)
    lab.ground.start(1)
    assert node.boot_id() != before
    assert node.host == "n1"
    assert not node.python("os.path.exists(f'/proc/{pid}')", pid=pid)
    assert "spool.yaml" in lab.person(1, "ls").out


@pytest.mark.grounds("stale")
def test_a_share_that_was_cut_off_hangs_for_that_node_until_it_is_healed(lab: Lab) -> None:
    lab.ground.cut(1)
    touch = f"timeout -s KILL 1 touch {lab.spool}"
    assert lab.ground.nodes[1].run(f"{touch}/first", check=False).code != 0
    lab.ground.nodes[2].run(f"{touch}/second")
    lab.ground.heal(1)
    lab.ground.nodes[1].run(f"{touch}/third")
    assert {"second", "third"} == set(lab.person(2, "ls").out.split()) & {"first", "second", "third"}


@pytest.mark.grounds("stale")
def test_a_frozen_node_stands_still_and_goes_on(lab: Lab) -> None:
    worker = lab.ready(1)[0]
    lab.ground.pause(1)
    beat = lab.beat(worker.wid)
    lab.ready(2)
    assert lab.beat(worker.wid) == beat
    lab.ground.resume(1)
    lab.wait_until(lambda: lab.beat(worker.wid) != beat, 5)
