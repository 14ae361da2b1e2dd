"""`dsgspool doctor` on real NFS: a healthy share is green, and each thing that is wrong with one is called by its name."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.grounds.fixtures import Figure
from tests.grounds.lab import Lab
from tests.nfs.rig.places import EXPORT, MOUNT, PYTHON
from tests.support.waiting import wait_until

pytestmark = pytest.mark.nfs

OTHER = "/mnt/other"  #: a second mount of the export on node 1, with options of its own


def doctor(lab: Lab, node: int, *words: str, spool: str = "") -> dict[str, dict]:
    """Findings of `doctor --json` by id."""
    command = [PYTHON, "-m", "dsgspool", "--spool", spool or lab.spool, "doctor", "--json", *words]
    answer = lab.ground.rig.nodes[node].run(*command, check=False, seconds=200)
    assert answer.out.startswith("["), answer
    return {finding["id"]: finding for finding in json.loads(answer.out)}


def bad(findings: dict[str, dict]) -> dict[str, str]:
    return {name: finding["text"] for name, finding in findings.items() if finding["status"] in ("warn", "FAIL")}


@pytest.fixture
def mounted(lab: Lab) -> Iterator:
    """Mounts the export a second time on node 1, with other options."""
    node = lab.ground.rig.nodes[1]
    # A mount of the same server shares the first one's options unless told otherwise.
    source = "10.77.0.10:/" if lab.ground.rig.shape.version.startswith("4") else f"10.77.0.10:{EXPORT}"

    def mount(options: str) -> str:
        version = lab.ground.rig.shape.version
        node.run(f"mkdir -p {OTHER} && mount -t nfs -o vers={version},nosharecache,{options} {source} {OTHER}")
        return f"{OTHER}/{lab.name}"

    yield mount
    node.run(f"umount -f {OTHER} || umount -l {OTHER}", check=False)


def test_a_healthy_share_is_green(lab: Lab, figure: Figure) -> None:
    began = time.monotonic()
    findings = doctor(lab, 1)
    seconds = time.monotonic() - began
    assert bad(findings) == {}
    kind = findings["mount.kind"]
    assert kind["facts"]["version"].startswith(lab.ground.rig.shape.version) and kind["facts"]["point"] == MOUNT
    assert findings["mount.hard"]["status"] == findings["semantics.lock"]["status"] == "ok"
    assert "cannot be seen" in findings["mount.export"]["text"]
    figure(f"doctor on a healthy spool: {seconds:.1f} s")


def test_it_is_green_while_workers_work(lab: Lab) -> None:
    lab.ready(1, 2)
    names = lab.drop(1, *(f"t{n:02d}" for n in range(40)), command=lab.story.command(0.3))
    lab.wait_for_lives(3)
    looks = 0
    while looks < 3 or (lab.done() < names and looks < 10):
        assert bad(doctor(lab, 3)) == {}
        looks += 1
    lab.wait_for_done(names, 60)
    lab.story.assert_each_once(names)


def test_a_soft_mount_is_named(lab: Lab, mounted) -> None:
    findings = doctor(lab, 1, spool=mounted("soft,timeo=50"))
    assert list(bad(findings)) == ["mount.hard"]
    assert findings["mount.hard"]["status"] == "FAIL" and "soft" in findings["mount.hard"]["text"]


def test_locks_that_are_not_shared_are_named(lab: Lab, mounted) -> None:
    options = "nolock" if lab.ground.rig.shape.version == "3" else "local_lock=flock"
    findings = doctor(lab, 1, spool=mounted(f"hard,{options}"))
    if lab.ground.rig.shape.version == "3":
        assert "nolock" in findings["mount.locks"]["text"]
        assert list(bad(findings)) == ["mount.locks"]
    else:  # v4 has no other locks than the server's, and the client ignores the option
        assert findings["mount.locks"]["facts"]["local_lock"] == "none"


def test_what_is_cached_is_told(lab: Lab, mounted) -> None:
    findings = doctor(lab, 1, spool=mounted("hard,lookupcache=none,acregmax=5"))
    assert findings["mount.cache"]["facts"]["lookupcache"] == "none"
    assert findings["mount.cache"]["facts"]["acregmax"] == 5
    assert bad(findings) == {}


def test_a_frozen_server_is_named_and_not_waited_for(lab: Lab, figure: Figure) -> None:
    doctor(lab, 1)
    lab.ground.rig.pause(0)
    began = time.monotonic()
    try:
        findings = doctor(lab, 1)
    finally:
        lab.ground.rig.resume(0)
    seconds = time.monotonic() - began
    (finding,) = bad(findings).values()
    assert f"the file server of {MOUNT} does not answer" in finding
    assert "hard mount: it will go on when the server is back" in finding
    assert seconds < 25
    figure(f"frozen server named after {seconds:.1f} s")
    wait_until(lambda: bad(doctor(lab, 1)) == {}, 60, lab.describe)


def test_a_read_only_export_is_named(lab: Lab) -> None:
    lab.ground.rig.export("ro")
    found = bad(doctor(lab, 1))
    assert "EROFS" in found["semantics.bench"]
    assert all("EROFS" in text or "may not write" in text for text in found.values()), found


def test_a_full_disk_is_named(lab: Lab) -> None:
    lab.ground.rig.fill_disk()
    findings = doctor(lab, 1)
    assert "ENOSPC" in " ".join(bad(findings).values())
    assert findings["mount.space"]["status"] in ("FAIL", "warn")


@pytest.mark.parametrize("skew", [120, -300])
def test_a_wrong_clock_is_told_with_its_amount(lab: Lab, skew: int) -> None:
    off = doctor(lab, 0, spool=lab.truth)["semantics.utime"]["facts"]["offset_seconds"]
    assert abs(off) < 2
    lab.ground.rig.skew(1, skew)
    findings = doctor(lab, 1)
    assert list(bad(findings)) == ["semantics.utime"]
    assert findings["semantics.utime"]["facts"]["offset_seconds"] == pytest.approx(skew, abs=5)


def test_two_nodes_measure_what_they_see_of_each_other(lab: Lab, figure: Figure) -> None:
    log = f"/tmp/{lab.name}-peer.json"
    other = lab.ground.rig.nodes[2]
    command = f"{PYTHON} -m dsgspool --spool {lab.spool} doctor --peer --json > {log}; echo done >> {log}"
    other.spawn(["bash", "-c", command], "/dev/null")
    findings = doctor(lab, 1, "--peer")
    assert bad(findings) == {}
    delays = findings["peers.listing"]["facts"]["seconds"]
    assert delays["listing"] < 1 and delays["heartbeat"] < 1
    assert delays["stat"] is None or delays["stat"] > 5, "the cached `not there` of an NFS client lasts half a minute"
    assert "n2" in findings["peers.who"]["text"] and "lag by" in findings["peers.verdict"]["text"]
    for contest in ("create", "rename"):
        facts = findings[f"peers.{contest}"]["facts"]
        assert facts["both"] == facts["nobody"] == 0 and facts["mine"] > 0 and facts["theirs"] > 0
    assert findings["peers.lock"]["status"] == "ok"
    theirs = wait_until(lambda: told(other.run("cat", log).out), 30, lab.describe)
    assert bad(theirs) == {} and "n1" in theirs["peers.who"]["text"]
    left = lab.ground.rig.server.python("os.listdir(path)", path=f"{lab.truth}/tmp")
    assert left == []
    figure(f"peers: {', '.join(f'{look} {seconds}' for look, seconds in delays.items())} s")
    figure(f"peers: {findings['peers.tick']['text']}")
    figure(f"peers: {findings['peers.verdict']['text']}")


def told(text: str) -> dict[str, dict]:
    return {f["id"]: f for f in json.loads(text.removesuffix("done\n"))} if text.endswith("done\n") else {}


def test_peers_with_locks_of_their_own_are_told_so(lab: Lab, mounted) -> None:
    if lab.ground.rig.shape.version != "3":
        pytest.skip("NFS v4 knows only the server's locks")
    mine = mounted("hard,nolock")
    other = lab.ground.rig.nodes[2]
    other.spawn([PYTHON, "-m", "dsgspool", "--spool", lab.spool, "doctor", "--peer", "--json"], "/dev/null")
    found = bad(doctor(lab, 1, "--peer", spool=mine))
    assert "locks hold on each machine alone" in found["peers.lock"]


def test_a_doctor_without_a_partner_says_so(lab: Lab) -> None:
    findings = doctor(lab, 1, "--peer", "--wait", "2")
    assert bad(findings) == {"peers.who": "nobody joined within 2 s"}
    assert lab.ground.rig.server.python("os.listdir(path)", path=f"{lab.truth}/tmp") == []
