"""What the doctor makes of made-up mount tables, figures, machines and names."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dsgspool.doctor import machine, mount
from dsgspool.doctor.child import Hung, watched
from dsgspool.doctor.files import spare_name
from dsgspool.doctor.measure import LIMIT, LOOKS
from dsgspool.doctor.peer import Figures, judge, verdict
from dsgspool.doctor.values import Finding, Fix, Status, finding_of, many, plain, quoted
from dsgspool.mounts import find_mount
from dsgspool.proc import Identity
from dsgspool.settings import Settings
from dsgspool.task import State

V4 = "rw,vers=4.2,rsize=1048576,wsize=1048576,namlen=255,hard,proto=tcp,timeo=600,retrans=2,sec=sys,local_lock=none,addr=10.0.0.1"
V3 = V4.replace("vers=4.2", "vers=3")
ROOT = "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro"


def table(options: str, kind: str = "nfs4", flags: str = "rw,relatime", point: str = "/mnt/lab") -> str:
    return f"{ROOT}\n99 21 0:52 / {point} {flags} shared:7 - {kind} n0:/export {options}\n"


def findings(options: str, kind: str = "nfs4", settings: Settings | None = None, **where: str) -> dict[str, Finding]:
    seen = find_mount(
        f"{where.get('point', '/mnt/lab')}/spool/todo".replace("\\040", " "), table(options, kind, **where)
    )
    return {finding.id.partition(".")[2]: finding for finding in mount.examine(seen, settings or Settings())}


def test_a_plain_v4_mount_is_well():
    found = findings(V4)
    assert {finding.status for finding in found.values()} == {Status.OK, Status.NOTE}
    assert found["kind"].text == "/mnt/lab is NFS v4.2 from n0:/export"
    assert found["export"].status is Status.NOTE


def test_v3_is_told_with_its_gap_and_is_no_warning():
    found = findings(V3, "nfs")
    assert (found["kind"].status, found["kind"].facts["version"]) == (Status.NOTE, "3")
    assert "may stay unseen" in found["kind"].text


@pytest.mark.parametrize("word", ["soft", "softerr"])
def test_a_soft_mount_is_a_failure_unless_the_spool_allows_it(word):
    options = V4.replace("hard", word)
    assert findings(options)["hard"].status is Status.FAIL
    assert f"`{word}`" in findings(options)["hard"].text
    assert findings(options, settings=Settings(allow_soft_mount=True))["hard"].status is Status.WARN


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (V3.replace("local_lock=none", "nolock,local_lock=all"), "`nolock,local_lock=all`"),
        (V3.replace("local_lock=none", "local_lock=flock"), "`local_lock=flock`"),
        (V3.replace("local_lock=none", "local_lock=posix"), "`local_lock=posix`"),
    ],
)
def test_locks_that_hold_on_one_machine_only_are_a_warning(options, named):
    found = findings(options, "nfs")["locks"]
    assert found.status is Status.WARN and named in found.text


@pytest.mark.parametrize(
    ("option", "status"),
    [
        ("nocto", Status.FAIL),
        ("noac", Status.NOTE),
        ("lookupcache=none", Status.NOTE),
        ("lookupcache=pos", Status.OK),
        ("acregmax=3600", Status.WARN),
        ("acregmin=1,acregmax=5", Status.OK),
    ],
)
def test_options_of_the_cache_are_judged_by_what_they_do_to_heartbeats(option, status):
    assert findings(f"{V4},{option}")["cache"].status is status


def test_a_read_only_mount_is_a_failure_wherever_the_table_says_so():
    assert findings(V4, flags="ro,relatime")["write"].status is Status.FAIL
    assert findings(V4.replace("rw", "ro", 1))["write"].status is Status.FAIL


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("ext4", Status.OK), ("xfs", Status.OK), ("btrfs", Status.OK), ("tmpfs", Status.WARN), ("cifs", Status.WARN),
        ("fuse.sshfs", Status.WARN), ("lustre", Status.WARN), ("newfs", Status.NOTE),
    ],
)  # fmt: skip
def test_other_file_systems_are_called_by_their_kind(kind, status):
    found = findings("rw", kind)
    assert (found["kind"].status, kind in found["kind"].text) == (status, True)
    assert "locks" not in found


def test_the_innermost_mount_counts_also_with_a_space_in_its_name_and_one_over_the_other():
    assert findings(V4, point="/mnt/my\\040lab")["kind"].facts["point"] == "/mnt/my lab"
    assert find_mount("/mnt/labor/x", table(V4)).kind == "ext4"
    twice = table(V4) + "100 99 0:53 / /mnt/lab rw - tmpfs none rw\n"
    assert find_mount("/mnt/lab", twice).kind == "tmpfs"


# -- machines --------------------------------------------------------------------------------------------------

ME = Identity("n1", "id-1", "boot-1", "pid:[1]", 1, 1)


@pytest.mark.parametrize(
    ("other", "status", "word"),
    [
        (replace(ME, boot_id="boot-2"), Status.FAIL, "name and machine-id"),
        (replace(ME, boot_id="boot-2", machine_id="id-2"), Status.WARN, "is called n1 too"),
        (replace(ME, boot_id="boot-2", host="n2"), Status.WARN, "machine-id"),
        (replace(ME, boot_id="boot-2", host="n2", machine_id="id-2"), Status.OK, "differ"),
        (replace(ME, pid=77), Status.OK, "differ"),
        (replace(ME, host="container", pid_namespace="pid:[2]"), Status.OK, "differ"),
    ],
)
def test_machines_that_others_cannot_tell_apart_are_named(other, status, word):
    found = machine.clashes(ME, {"n1-aaaaaaaa": other})
    assert found.status is status and word in found.text


# -- figures of two nodes --------------------------------------------------------------------------------------

GOOD = Figures(
    delays=dict.fromkeys(LOOKS, 0.05),
    pairs={"of": 20, "stale": 0, "after_touch": 0},
    creates={"of": 100, "mine": 40, "theirs": 60, "both": 0, "nobody": 0},
    renames={"of": 100, "mine": 40, "theirs": 60, "both": 0, "nobody": 0},
    locks={"excludes": True, "frees": True},
)


def judged(**changes: object) -> dict[str, Finding]:
    return {finding.id.partition(".")[2]: finding for finding in judge(replace(GOOD, **changes))}


def test_two_nodes_that_see_everything_at_once_are_well():
    found = judged()
    assert {finding.status for finding in found.values()} == {Status.OK}
    assert "lag by nothing, `tail -f` by nothing" in verdict(GOOD.delays, list(found.values())).text


def test_what_an_nfs_client_caches_is_a_note_with_seconds():
    delays = {**GOOD.delays, "stat": 29.6, "open": 60.2, "gone": 30.0, "tail": None}
    found = judged(delays=delays)
    assert found["names"].status is found["tail"].status is Status.NOTE
    assert "stat 29.6 s" in found["names"].text and f"more than {LIMIT:g} s" in found["tail"].text
    text = verdict(delays, list(found.values())).text
    assert "lag by up to 60 s" in text and f"`tail -f` by more than {LIMIT:g} s" in text


@pytest.mark.parametrize("look", ["listing", "heartbeat"])
@pytest.mark.parametrize("delay", [5.0, None])
def test_what_dsgspool_relies_on_must_be_seen_at_once(look, delay):
    found = judged(delays={**GOOD.delays, look: delay})
    assert found[look].status is Status.FAIL
    assert look in verdict(GOOD.delays, list(found.values())).text


def test_a_stale_listing_is_a_note_when_a_touch_cures_it_and_else_a_failure():
    assert judged(pairs={"of": 20, "stale": 9, "after_touch": 0})["tick"].status is Status.NOTE
    assert judged(pairs={"of": 20, "stale": 9, "after_touch": 1})["tick"].status is Status.FAIL


@pytest.mark.parametrize("contest", ["creates", "renames"])
@pytest.mark.parametrize("wrong", [{"both": 1}, {"nobody": 1}])
def test_a_contest_has_exactly_one_winner(contest, wrong):
    found = judged(**{contest: {**GOOD.creates, **wrong}})
    assert found[contest.removesuffix("s")].status is Status.FAIL


@pytest.mark.parametrize("wrong", [{"excludes": False, "frees": True}, {"excludes": True, "frees": False}])
def test_locks_of_one_machine_alone_are_a_warning(wrong):
    assert judged(locks=wrong)["lock"].status is Status.WARN


# -- the child -------------------------------------------------------------------------------------------------


def test_a_child_that_stands_still_is_named_by_its_last_word_and_killed():
    def work(tell) -> Iterator[dict[str, object]]:
        tell(f"list /mnt/lab {os.getpid()}")
        yield {"first": 1}
        signal.pause()

    began = time.monotonic()
    first, hung = watched(work, 1.5)
    assert first == {"first": 1} and isinstance(hung, Hung)
    path, pid = hung.call.rsplit(" ", 1)
    assert path == "list /mnt/lab" and time.monotonic() - began < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_a_child_that_goes_on_slowly_is_waited_for():
    def work(tell) -> Iterator[dict[str, object]]:
        for step in range(6):
            tell(f"step {step}")
            signal.sigtimedwait([], 0.1)
        yield {"after": 6}

    assert list(watched(work, 0.4)) == [{"after": 6}]


def test_a_child_that_breaks_says_so(capfd):
    def work(tell) -> Iterator[dict[str, object]]:
        yield {"first": 1}
        raise ZeroDivisionError("here")

    with pytest.raises(RuntimeError, match="broke off"):
        list(watched(work, 5))
    assert "ZeroDivisionError: here" in capfd.readouterr().err


# -- words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "state", "name"),
    [
        ("a@b.yaml", State.HOLD, "a-b~0.T.yaml"),
        ("sweep/.-x~y.yml", State.HOLD, "sweep/x-y~0.T.yaml"),
        ("until-20301121T210000Z/a\nb.yaml", State.WAITING, "a-b~0.T.yaml"),
        ("a\\b.yaml", State.FAILED, "a-b~invalid.T.yaml"),
        ("x~1.abcdefgh-1.yaml", State.HOLD, "x~1.T.yaml"),
        (f"{'ä' * 100}@.yaml", State.HOLD, "invalid-"),
        ("@@@.yaml", State.HOLD, "invalid-"),
    ],
)
def test_a_strange_name_becomes_the_nearest_one_that_is_a_tasks(path, state, name):
    made = spare_name(path, state, "abcdefgh-9").path.replace("abcdefgh-9", "T")
    assert made.startswith(name)


@pytest.mark.parametrize(
    "path", ["/a/b", "/a b/it's", "/a\nb", "/\x1b[31m", "/\udcff\\x", "/ä\u202e", "/a;rm -rf $HOME"]
)
def test_a_quoted_path_is_printable_and_a_shell_reads_it_back(path):
    import subprocess

    word = quoted(path)
    assert word.isprintable()
    read = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True).stdout
    assert os.fsdecode(read) == path


@pytest.mark.parametrize(
    ("number", "word", "text"), [(1, "task", "1 task"), (0, "task", "0 tasks"), (1200, "process", "1,200 processes")]
)
def test_one_is_one_and_more_are_many(number, word, text):
    assert many(number, word) == text


def test_a_finding_survives_the_way_through_json():
    finding = Finding("a.b", "a", Status.WARN, "text", "remedy", {"x": 1}, Fix(("mv a b",), True, False, "no"))
    assert finding_of(plain(finding)) == finding
    assert finding_of(plain(replace(finding, fix=None))).fix is None


@pytest.mark.parametrize(
    ("folder", "systemd", "is_told"),
    [("/sys/fs/cgroup/x", "/", True), ("/sys/fs/cgroup/x", "/none", False), ("", "/", False)],
)
def test_a_unit_of_its_own_is_a_remedy_only_where_systemd_could_make_one(monkeypatch, folder, systemd, is_told):
    monkeypatch.setattr(machine.cgroups, "place", lambda _ours: machine.cgroups.Place(folder, "it is not ours"))
    monkeypatch.setattr(machine.cgroups, "SYSTEMD", systemd)
    (found,) = [finding for finding in machine.examine({}) if finding.id == "machine.cgroup"]
    assert ("Delegate=yes" in found.remedy) == is_told
