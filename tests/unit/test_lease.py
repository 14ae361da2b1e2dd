"""The rule: a worker is dead on proof only, and what is not known for certain is alive."""

import errno
import itertools
import os
import time
from dataclasses import replace

import pytest
from filelock import FileLock

from dsgspool import proc
from dsgspool.errors import NodeError
from dsgspool.fs import Fs
from dsgspool.lease import MIN_SAMPLES, Lease, Peers, Times, dump_identity, kill_leftovers, parse_facts, parse_identity
from dsgspool.mounts import Mount
from dsgspool.proc import Identity
from tests.support.doors import ClockedFs, FakeClock, FlakyFs, SlowFs

TIMES = Times(heartbeat=5, fence=25, kill=10, lease=47)
ME = Identity("n1", "machine-1", "boot-1", "pid:[1]", os.getpid(), proc.start_time(os.getpid()))
ELSEWHERE = Identity("n2", "machine-2", "boot-2", "pid:[1]", 10, 100)
A, B = "n1-aaaaaaaa", "n2-bbbbbbbb"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def fs(clock):
    return ClockedFs(clock)


@pytest.fixture
def workers(tmp_path):
    return str(tmp_path)


@pytest.fixture
def peers(fs, clock, workers):
    """What worker A knows of the others."""
    peers = Peers(fs, clock, workers, lambda: TIMES, ME, A)
    peers.refresh()
    return peers


@pytest.fixture
def announce(fs, workers, peers):
    """Makes a worker known: WID.yaml and WID.lock."""

    def make(identity=ELSEWHERE, wid=B):
        fs.create_whole(f"{workers}/{wid}.yaml", dump_identity(wid, identity, {"slots": 2}))
        fs.create_whole(f"{workers}/{wid}.lock", b"")
        peers.refresh()
        return wid

    return make


def put(workers, name, text=""):
    with open(f"{workers}/{name}", "w") as file:
        file.write(text)


TICKS = itertools.count(10**18, 10**9)


def look(peers, clock, seconds, times=1, wid=B):
    """Time passes, my own heartbeats go through, and I look at another's."""
    for _ in range(times):
        clock.advance(seconds)
        peers.refresh()
        peers.watch(wid)


# -- my own lease


def test_a_lease_is_held_by_a_lock_and_touched(fs, clock, workers):
    lease = Lease(fs, clock, workers, A)
    lease.acquire()
    assert not fs.lock_is_free(lease.path)
    first = os.stat(lease.path).st_mtime
    clock.advance(5)
    assert lease.beat() == clock.boot() == lease.beat_at
    assert os.stat(lease.path).st_mtime == pytest.approx(first + 5)
    lease.release()
    assert fs.lock_is_free(lease.path)
    assert os.path.exists(lease.path)


def test_the_servers_time_comes_from_the_heartbeat(fs, clock, workers):
    lease = Lease(fs, clock, workers, A)
    lease.acquire()
    assert lease.server.now() == pytest.approx(os.stat(lease.path).st_mtime)
    assert lease.uid == os.getuid()
    lease.release()


def test_where_this_machines_clock_is_wrong_the_heartbeat_tells_the_time(workers):
    clock = FakeClock(wall=time.time() + 3600)
    lease = Lease(Fs(), clock, workers, A)
    lease.acquire()
    assert lease.server.now() == pytest.approx(time.time(), abs=60)
    lease.release()


def test_a_name_that_exists_is_no_new_one(fs, clock, workers):
    put(workers, f"{A}.lock")
    with pytest.raises(FileExistsError):
        Lease(fs, clock, workers, A).acquire()


def test_a_heartbeat_that_does_not_go_through_is_not_counted(clock, workers):
    lease = Lease(FlakyFs(clock, {"touch": errno.EIO}, times=0), clock, workers, A)
    lease.acquire()
    before = lease.beat_at
    lease.fs.times = 1
    clock.advance(5)
    with pytest.raises(OSError, match="Input/output"):
        lease.beat()
    assert lease.beat_at == before
    lease.release()


def test_a_mount_without_locks_is_refused(fs, clock, workers, monkeypatch):
    def refuse(_lock):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with pytest.raises(NodeError, match="cannot be locked"):
        Lease(fs, clock, workers, A).acquire()


# -- rule 0: who is known


def test_i_am_never_dead_to_myself(peers, workers):
    put(workers, f"{A}.dead")
    peers.refresh()
    assert peers.verdict(A) == ""


def test_a_worker_that_is_not_in_workers_is_dead(peers):
    assert peers.verdict("n9-zzzzzzzz") == "it is not in workers/"


def test_a_worker_is_not_taken_for_unknown_because_a_fuse_client_believes_that_its_files_do_not_exist(clock, workers):
    class BelievingFs(ClockedFs):
        def read_fresh(self, path):  # noqa: ARG002
            return None

    peers = Peers(BelievingFs(clock), clock, workers, lambda: TIMES, ME, A)
    peers.refresh()
    put(workers, f"{B}.lock")
    assert peers.verdict(B) == ""


def test_a_worker_is_not_taken_for_unknown_because_an_nfs_client_believes_an_old_listing(clock, workers):
    class BelievingFs(ClockedFs):
        def names(self, folder):  # noqa: ARG002
            return []

    peers = Peers(BelievingFs(clock), clock, workers, lambda: TIMES, ME, A)
    peers.refresh()
    put(workers, f"{B}.lock")
    assert peers.verdict(B) == ""


def test_a_worker_that_came_after_the_last_listing_is_alive(peers, fs, workers):
    assert peers.is_dead(B)
    fs.create_whole(f"{workers}/{B}.yaml", dump_identity(B, ELSEWHERE, {}))
    assert not peers.is_dead(B)


def test_an_inventory_or_a_lock_makes_a_worker_known(peers, announce, workers):
    announce()
    for name in ("n3-cccccccc.lock", f"{B}.control.yaml", "README.yaml", "janitor.1", "n4-dddddddd.dead"):
        put(workers, name)
    peers.refresh()
    assert peers.known == {B, "n3-cccccccc"}


def test_a_worker_is_silent_only_after_the_lease_that_it_started_with(peers, announce, workers, clock):
    announce()
    with open(f"{workers}/{B}.yaml", "a") as file:
        file.write("lease: 500.0\n")
    look(peers, clock, 5.0, times=40)
    assert not peers.is_dead(B)
    look(peers, clock, 5.0, times=80)
    assert "no heartbeat" in peers.verdict(B)


# -- rule 1: tombstones and fences


@pytest.mark.parametrize(("mark", "why"), [("dead", "tombstone"), ("fenced", "fenced")])
def test_a_tombstone_or_a_fence_is_proof(peers, announce, workers, mark, why):
    announce()
    assert peers.living() == [B]
    put(workers, f"{B}.{mark}")
    peers.refresh()
    assert why in peers.verdict(B)
    assert peers.living() == []


def test_a_tombstone_since_the_last_listing_counts_before_somebody_is_taken_for_alive(peers, announce, workers):
    announce()
    peers.refresh()
    put(workers, f"{B}.dead")
    assert not peers.is_dead(B)
    assert peers.is_dead_by_now(B)


def test_death_is_for_ever(peers, announce, workers):
    announce()
    put(workers, f"{B}.dead")
    peers.refresh()
    assert peers.is_dead(B)
    os.unlink(f"{workers}/{B}.dead")
    peers.refresh()
    assert peers.is_dead(B)


# -- rule 2: the same machine


def gone(**changes):
    """A worker of my machine and boot whose process is not there."""
    return replace(ME, pid=2**22 + 1, start=1, **changes)


def test_a_process_of_my_boot_that_is_gone_is_dead(peers, announce):
    announce(gone())
    assert "on this machine is gone" in peers.verdict(B)


def test_where_proc_hides_processes_nothing_is_proven_of_another_user_before_the_lease(
    peers, announce, clock, monkeypatch
):
    """Its guard may be there and still kill."""
    monkeypatch.setattr(proc, "mount_of", lambda _path: Mount("/proc", "proc", frozenset({"rw", "hidepid=invisible"})))
    announce(gone())
    assert "on this machine is gone" in peers.verdict(B)
    announce(gone(), wid="n2-cccccccc")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    look(peers, clock, 5.0, times=9, wid="n2-cccccccc")
    assert not peers.is_dead("n2-cccccccc")
    look(peers, clock, 5.0, times=3, wid="n2-cccccccc")
    assert "no heartbeat" in peers.verdict("n2-cccccccc")


def test_a_process_of_my_boot_that_is_there_is_alive(peers, announce):
    announce(ME)
    assert not peers.is_dead(B)


def test_as_long_as_its_guard_is_there_it_is_alive(peers, announce):
    announce(gone(guard_pid=ME.pid, guard_start=ME.start))
    assert not peers.is_dead(B)


def test_as_long_as_its_lock_is_held_it_is_alive(peers, announce, workers):
    announce(gone())
    with FileLock(f"{workers}/{B}.lock"):
        assert not peers.is_dead(B)
    assert peers.is_dead(B)


def test_another_boot_of_my_machine_is_no_proof_before_the_lease(peers, announce, clock):
    """It may be a machine cloned from the same image, which hangs in one call and will go on."""
    announce(replace(ME, boot_id="an earlier one, or a clone's"))
    look(peers, clock, 5.0, times=9)
    assert not peers.is_dead(B)
    look(peers, clock, 5.0, times=3)
    assert "no heartbeat" in peers.verdict(B)


def test_a_machine_of_my_name_and_machine_id_whose_heart_beats_is_another_machine(peers, announce, clock):
    announce(replace(ME, boot_id="of a clone"))
    for _ in range(4):
        os.utime(f"{peers.folder}/{B}.lock", ns=(time_ns := next(TICKS), time_ns))
        look(peers, clock, 5.0)
    assert not peers.is_dead(B)


def test_of_another_boot_no_process_number_says_anything(peers, announce):
    announce(gone(boot_id="an earlier one, or a clone's"))
    assert not peers.is_dead(B)


@pytest.mark.parametrize("change", [{"pid_namespace": "pid:[2]"}, {"machine_id": "other"}, {"host": "other"}])
def test_of_another_namespace_or_machine_no_process_number_says_anything(peers, announce, change):
    announce(gone(**change))
    assert not peers.is_dead(B)


def test_what_it_left_is_killed_first(peers, announce, monkeypatch):
    announce(gone())
    left, killed = [[], [4711], [], []], []
    monkeypatch.setattr(proc, "marked", lambda _wid: left.pop(0))
    monkeypatch.setattr(proc, "send", lambda pids, number: killed.append((list(pids), number)))
    assert not peers.is_dead(B)
    assert peers.is_dead(B)
    assert killed[0] == ([4711], 9)


def test_what_has_not_shown_yet_whose_it_is_may_be_its(monkeypatch):
    """Its exec is under way, and the machine so busy that it has had no CPU since."""
    looks = [[4711], []]
    monkeypatch.setattr(proc, "nascent", lambda: looks.pop(0))
    assert kill_leftovers(B)
    assert not kill_leftovers(B)


def test_what_may_not_be_killed_is_still_there(monkeypatch):
    def refuse(_pids, _number):
        raise PermissionError

    monkeypatch.setattr(proc, "marked", lambda _wid: [4711])
    monkeypatch.setattr(proc, "send", refuse)
    assert kill_leftovers(B)


def test_an_inventory_that_was_half_written_is_read_again(peers, workers):
    put(workers, f"{B}.yaml", 'worker: "n2-bbb')
    peers.refresh()
    assert peers.identity(B) is None
    put(workers, f"{B}.yaml", dump_identity(B, ELSEWHERE, {}).decode())
    assert peers.identity(B) == ELSEWHERE


# -- rule 3: silence


def test_a_heartbeat_that_changes_is_life(peers, announce, fs, clock, workers):
    announce()
    for _ in range(20):
        look(peers, clock, 5)
        fs.touch(f"{workers}/{B}.lock")
    assert not peers.is_dead(B)


def test_silence_for_a_whole_lease_is_death(peers, announce, clock):
    announce()
    look(peers, clock, 5, 10)
    assert not peers.is_dead(B)
    look(peers, clock, 5)
    assert peers.verdict(B) == "no heartbeat for 50 s"


def test_silence_is_counted_from_look_to_look_and_not_to_now(peers, announce, clock):
    """RACE: between my last look and now I may have stood still, and it may have beaten."""
    announce()
    look(peers, clock, 5, 4)
    clock.advance(100)
    assert not peers.is_dead(B)


def test_two_looks_are_not_enough(fs, clock, workers, announce):
    announce()
    slow = Peers(fs, clock, workers, lambda: replace(TIMES, heartbeat=30), ME, A)
    look(slow, clock, 50, MIN_SAMPLES - 1)
    assert not slow.is_dead(B)
    look(slow, clock, 1)
    assert slow.is_dead(B)


def test_after_a_gap_of_my_own_silence_is_counted_anew(peers, announce, clock):
    announce()
    look(peers, clock, 5, 10)
    look(peers, clock, 11)
    assert not peers.is_dead(B)
    look(peers, clock, 5, 10)
    assert peers.is_dead(B)


def test_while_my_heartbeats_fail_nobodys_silence_counts(peers, announce, clock):
    announce()
    look(peers, clock, 5, 10)
    peers.start_over()
    look(peers, clock, 5)
    assert not peers.is_dead(B)


def test_a_lock_file_that_is_gone_is_silent_too(peers, announce, clock, workers):
    announce()
    os.unlink(f"{workers}/{B}.lock")
    look(peers, clock, 5, 11)
    assert peers.is_dead(B)


def test_a_free_lock_alone_proves_nothing(peers, announce, fs, workers):
    announce()
    assert fs.lock_is_free(f"{workers}/{B}.lock")
    assert not peers.is_dead(B)


# -- WID.yaml


def test_an_identity_is_read_as_it_was_written():
    data = dump_identity(B, ELSEWHERE, {"slots": 2, "user": 1000})
    assert parse_identity(data) == ELSEWHERE
    assert parse_facts(data)["slots"] == 2


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b'worker: "n2-bbb', b"host: n2\n", b"..."])
def test_a_broken_inventory_names_nobody(data):
    assert parse_identity(data) is None


@pytest.mark.parametrize(
    "value", ['"x"', "null", "true", "1.5", "[1]", "NaN", "1e999", "9" * 400, "9" * 5000, "[" * 30000]
)
def test_an_inventory_that_somebody_wrote_to_stops_no_look_at_its_worker(peers, fs, workers, value):
    written = dump_identity(B, replace(ME, pid=1 << 22), {}).decode()
    fs.create_whole(f"{workers}/{B}.yaml", written.replace(f"pid: {1 << 22}\n", f"pid: {value}\n", 1).encode())
    fs.create_whole(f"{workers}/{B}.lock", b"")
    peers.refresh()
    assert not peers.is_dead(B)
    assert peers.identity(B) is None


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "9" * 400])
def test_a_number_that_cannot_be_counted_with_is_no_fact(value):
    assert parse_facts(f"lease: {value}\n...\n".encode()) == {}


# -- calls that take long: a time is taken before the call that is measured (R5)


def test_a_slow_heartbeat_counts_from_before_it_began(clock, workers):
    lease = Lease(SlowFs(clock, {"touch": 3.0, "status": 2.0}), clock, workers, A)
    lease.acquire()
    before = clock.boot()
    assert lease.beat() == lease.beat_at == before < clock.boot()
    lease.release()


def test_a_look_that_takes_long_adds_nothing_to_a_silence(clock, workers, peers, announce):
    """It is silent from after my first look to before my last one: 42 s here, and not the 47 of the lease."""
    announce()
    peers.fs = SlowFs(clock, {"status": 5.0})
    for pause in (0.0, 20.0, 17.0):
        clock.advance(pause)
        peers.watch(B)
    assert not peers.is_dead(B)
    clock.advance(5.0)
    peers.watch(B)
    assert peers.is_dead(B)


def test_a_wall_clock_that_is_an_hour_ahead_kills_nobody(workers, announce):
    announce()
    clock = FakeClock(wall=time.time() + 3600)
    peers = Peers(ClockedFs(clock), clock, workers, lambda: TIMES, ME, A)
    look(peers, clock, 5, 4)
    assert not peers.is_dead(B)
