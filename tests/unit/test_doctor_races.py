"""The rule: a doctor works beside living workers and other doctors, and what these do meanwhile comes first."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from dsgspool.clock import SystemClock
from dsgspool.doctor.bench import clear
from dsgspool.doctor.child import _interrupt
from dsgspool.doctor.measure import FOLDERS, Measurement
from dsgspool.doctor.owners import Owners
from dsgspool.doctor.rendezvous import Line, Silence, _Door
from dsgspool.doctor.tasks import Tasks
from dsgspool.fs import Fs
from dsgspool.spool import Spool
from tests.support.seeded import Seeded

WID = "n1-aaaaaaaa"


@pytest.fixture
def seeded(tmp_path):
    return Seeded(str(tmp_path / "spool"))


def test_a_worker_that_is_just_starting_is_not_dead(seeded):
    """It makes running/WID before its files in workers/."""
    folder = f"{seeded.root}/running/{WID}"
    os.mkdir(folder)
    settings = seeded.spool.settings()
    for age, proof in ((0.0, ""), (settings.lease + 1, "it is not in workers/")):
        os.utime(folder, (seeded.now - age, seeded.now - age))
        assert Owners(seeded.spool, seeded.now, settings).proof(WID) == proof


def test_a_text_that_may_be_somebody_elses_is_not_made_a_task_of_mine(seeded, monkeypatch):
    """Who may write into logs/ could else have anything run as the doctor's user."""
    seeded.worker(WID, ended=True)
    seeded.record("x")
    record, settings = f"{seeded.root}/logs/x.1.yaml", seeded.spool.settings()

    def lost(settings=settings):
        (fault,) = Tasks(seeded.spool, Owners(seeded.spool, seeded.now, settings))._lost()
        return [action.verb for action in fault.actions], fault.remedy

    assert lost()[0] == ["text"]
    assert lost(replace(settings, run_as="owner"))[0] == []
    os.chmod(record, 0o666)
    actions, remedy = lost()
    assert (actions, "everybody may write to it" in remedy) == ([], True)
    os.chmod(record, 0o640)
    assert lost()[0] == ["text"]
    os.link(record, f"{seeded.root}/tmp/second")
    assert lost()[0] == []
    os.unlink(f"{seeded.root}/tmp/second")
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    actions, remedy = lost()
    assert (actions, "not by you" in remedy) == ([], True)


def test_missing_records_are_made_from_below(seeded):
    """Whoever starts the name meanwhile makes the lowest one; the first stub then fails, and no other is written."""
    seeded.record("x", 4, "exit1")
    (gap,) = Tasks(seeded.spool, Owners(seeded.spool, seeded.now, seeded.spool.settings())).faults()
    assert [os.path.basename(action.path) for action in gap.actions] == ["x.1.yaml", "x.2.yaml", "x.3.yaml"]


def test_below_an_attempt_that_may_be_alive_no_record_is_made(seeded):
    seeded.worker(WID)
    seeded.record("x", 2, worker=WID)
    faults = list(Tasks(seeded.spool, Owners(seeded.spool, seeded.now, seeded.spool.settings())).faults())
    assert [(fault.rule, fault.actions) for fault in faults] == [("chain-gap", ())]


@pytest.mark.parametrize(("age", "made"), [(3600.0, ["x.2.yaml", "x.3.yaml"]), (1.0, [])])
def test_a_stub_that_a_killed_doctor_left_empty_is_over_a_lease_later(seeded, age, made):
    """Until then somebody may be about to sign it; for ever it would keep every doctor from mending the rest."""
    seeded.record("x", 4, "exit1")
    stub = seeded.write("logs/x.1.yaml", "")
    os.utime(stub, (seeded.now - age, seeded.now - age))
    faults = Tasks(seeded.spool, Owners(seeded.spool, seeded.now, seeded.spool.settings())).faults()
    (gap,) = [fault for fault in faults if fault.rule == "chain-gap"]
    assert [os.path.basename(action.path) for action in gap.actions] == made


@pytest.fixture
def doors(seeded):
    """Two doctors who wait."""
    found = [_Door(seeded.spool, {"host": host}) for host in ("n1", "n2")]
    for door in found:
        door.open()
    return found


def test_a_doctor_at_whose_door_somebody_is_does_not_go_to_be_a_guest(doors):
    """While it knocks there, somebody knocks here."""
    here, there = doors
    with open(f"{here.folder}/taken", "w"), open(f"{here.folder}/to-host/guest.json", "w") as letter:
        json.dump({"host": "n3"}, letter)
    line = here._visit(there.folder)
    assert (line.is_host, line.folder, line.other) == (True, here.folder, {"host": "n3"})
    assert not os.path.exists(f"{there.folder}/taken")


def test_at_one_door_one_guest_is_let_in(doors, seeded):
    host, guest = doors
    late = _Door(seeded.spool, {"host": "n3"})
    late.open()
    assert guest._visit(host.folder).other == {"host": "n1"}
    assert late._visit(host.folder) is None


def test_who_waits_has_its_door_seen_by_clients_that_listed_the_folder_within_the_same_tick(doors, seeded):
    here, there = doors
    clear(seeded.spool.fs, there.folder)
    os.utime(seeded.spool.tmp, (1, 1))
    with pytest.raises(Silence):
        here.wait(seeded.spool.clock.boot() + 0.2)
    assert os.stat(seeded.spool.tmp).st_mtime > 1


class OneTick(Fs):
    """A client that has listed each pair of files between the two, within one tick, and sees the second after a touch."""

    def __init__(self, touched: set[str]) -> None:
        super().__init__()
        self.touched = touched

    def names(self, folder: str) -> list[str]:
        found = super().names(folder)
        return found if "/pair" not in folder or folder in self.touched else [name for name in found if name != "b"]

    def touch(self, path: str) -> None:
        if "/pair" in path:
            SystemClock().sleep(0.01)  # a server that takes its time: longer for all pairs than a letter takes
        super().touch(path)
        self.touched.add(path)


def test_the_one_who_lists_waits_for_the_touch_in_both_directions(seeded):
    """A letter of the first round must not be taken for one of the second."""
    for name in ("", "/to-host", "/to-guest", "/host", "/guest"):
        os.mkdir(f"{seeded.root}/tmp/door{name}")
    touched: set[str] = set()

    def measure(is_host: bool) -> dict[str, int]:
        spool = Spool(seeded.root, OneTick(touched))
        line = Line(spool, f"{seeded.root}/tmp/door", is_host, {"host": "n2"})
        return Measurement(line, lambda _: None).same_tick()

    with ThreadPoolExecutor(2) as both:
        assert list(both.map(measure, (True, False))) == 2 * [{"of": FOLDERS, "stale": FOLDERS, "after_touch": 0}]


class Late(Line):
    """Hears long after the other that both may begin."""

    def together(self, subject: str, *seconds: float, **letter: object) -> dict:
        found = super().together(subject, *seconds, **letter)
        if not self.is_host and subject.startswith("start-"):
            SystemClock().sleep(0.3)
        return found


@pytest.mark.parametrize("contest", [Measurement.creates, Measurement.renames])
def test_who_hears_late_that_the_contests_begin_is_in_time_for_some(seeded, contest):
    """Else one side wins all, and nothing was measured."""
    for name in ("", "/to-host", "/to-guest", "/host", "/guest"):
        os.mkdir(f"{seeded.root}/tmp/door{name}")

    def measure(is_host: bool) -> dict[str, int]:
        line = Late(Spool(seeded.root), f"{seeded.root}/tmp/door", is_host, {"host": "n2"})
        return contest(Measurement(line, lambda _: None))

    with ThreadPoolExecutor(2) as both:
        for facts in both.map(measure, (True, False)):
            assert facts["both"] == facts["nobody"] == 0 and facts["mine"] > 0 and facts["theirs"] > 0


def test_a_subject_is_used_once(seeded):
    os.makedirs(f"{seeded.root}/tmp/door/to-guest")
    line = Line(seeded.spool, f"{seeded.root}/tmp/door", True, {"host": "n2"})
    line.say("ready")
    with pytest.raises(ValueError, match="a second letter 'ready'"):
        line.say("ready")


def test_a_second_interrupt_does_not_disturb_the_tidying_up():
    """Ctrl-C comes from the terminal and from the parent."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with pytest.raises(KeyboardInterrupt):
            _interrupt(signal.SIGINT, None)
        assert {signal.getsignal(number) for number in before} == {signal.SIG_IGN}
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
