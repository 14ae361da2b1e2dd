"""`dsgspool doctor`: each thing that can be broken in a spool is named, and its command mends it, typed or by --fix."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from dsgspool.clock import iso
from dsgspool.doctor.rights import USED
from dsgspool.lease import dump_identity
from dsgspool.proc import identity
from dsgspool.spool import FOLDERS
from tests.support.seeded import Seeded

DEAD, LIVING = "n2-bbbbbbbb", "n1-aaaaaaaa"
OLD = 200_000  #: seconds


class Broken:
    """A spool on disk that a test breaks, and the doctor who looks at it."""

    def __init__(self, seeded: Seeded, run) -> None:
        self.seeded, self.root, self.run = seeded, Path(seeded.root), run
        self.write = seeded.write

    def age(self, path: str, seconds: float = OLD) -> None:
        moment = self.seeded.now - seconds
        os.utime(self.root / path, (moment, moment))

    def doctor(self, *words: str):
        return self.run("--spool", self.root, "doctor", *words)

    def findings(self, *words: str) -> list[dict]:
        """What is not well, by --json; that the tests' own folder may lie in memory is no news."""
        found = [
            finding for finding in json.loads(self.doctor("--json", *words).stdout) if finding["id"] != "mount.kind"
        ]
        return [finding for finding in found if finding["status"] in ("warn", "FAIL", "fixed") or finding["fix"]]

    def the(self, rule: str, *words: str) -> dict:
        """The one finding of that rule, and no other."""
        (finding,) = self.findings(*words)
        assert finding["id"] == f"spool.{rule}", finding
        return finding

    def files(self) -> set[str]:
        """Every file below the spool, without what is a program's own."""
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture
def broken(tmp_path, run, monkeypatch) -> Broken:
    monkeypatch.setattr("dsgspool.doctor.examine.PAUSE", 0.05)
    return Broken(Seeded(str(tmp_path / "a spool")), run)


def strange_name(b: Broken) -> str:
    b.write("hold/a@b; rm x.yaml")
    return "strange-name"


def strange_name_that_no_screen_can_show(b: Broken) -> str:
    b.write("hold/it's \n\x1b[31mred\\~.yaml")
    return "strange-name"


def strange_name_in_failed(b: Broken) -> str:
    b.write("failed/batch/a~b.yaml")
    return "strange-name"


def astray_in_running(b: Broken) -> str:
    b.write("running/x.yaml")
    return "astray"


def astray_in_waiting(b: Broken) -> str:
    b.write("waiting/sweep%x~1.abcdefgh-1.yaml")
    return "astray"


def ending_in_capitals(b: Broken) -> str:
    b.write("todo/@p10/sweep/X.YAML")
    b.age("todo/@p10/sweep/X.YAML")
    return "ending"


def ending_of_a_text(b: Broken) -> str:
    for name in ("it's.txt", "y"):
        b.write(f"todo/{name}")
        b.age(f"todo/{name}")
    return "ending"


def astray_and_held_by_a_dead_worker(b: Broken) -> str:
    b.seeded.worker(DEAD, ended=True)
    b.write(f"running/x@{DEAD}.1.yaml")
    return "astray"


def no_moment(b: Broken) -> str:
    b.write("waiting/tomorrow/x.yaml")
    b.write("waiting/tomorrow/y.yaml")
    return "no-moment"


def after_nothing(b: Broken) -> str:
    b.write("waiting/after-a/x.yaml", "command: x\nafter: a\n")
    return "after-unknown"


def after_what_is_on_hold(b: Broken) -> str:
    b.write("hold/a.yaml", "command: x\n")
    b.write("waiting/after-a/x.yaml", "command: x\nafter: a\n")
    return "after-hold"


def after_each_other(b: Broken) -> str:
    b.write("waiting/after-y/x.yaml", "command: x\nafter: y\n")
    b.write("waiting/after-x/y.yaml", "command: x\nafter: x\n")
    return "after-circle"


def no_worker(b: Broken) -> str:
    b.write("running/sweep/x.yaml")
    b.write("running/sweep/y~1.abcdefgh-1.yaml")
    return "no-worker"


def in_the_way(b: Broken) -> str:
    b.write("done/sweep/x.yaml/notes.txt")
    return "in-the-way"


def half_written_in_hold(b: Broken) -> str:
    b.write("hold/x.yaml", "")
    b.age("hold/x.yaml")
    return "half-written"


def half_written_and_cut_in_hold(b: Broken) -> str:
    b.write("hold/x.yaml", "command: echo 1\nenv: {A: 1, B")
    b.age("hold/x.yaml")
    return "half-written"


def half_written_before_its_command(b: Broken) -> str:
    b.write("hold/x.yaml", "description: the first of two lines\n")
    b.age("hold/x.yaml")
    return "half-written"


def half_written_and_cut_in_todo(b: Broken) -> str:
    b.write("todo/@p5/sweep/x.yaml", "command: [echo, 1\n")
    b.age("todo/@p5/sweep/x.yaml")
    return "half-written"


def half_written_and_young(b: Broken) -> str:
    half_written_and_cut_in_hold(b)
    b.age("hold/x.yaml", 600)
    return "half-written"


def invalid_in_hold(b: Broken) -> str:
    b.write("hold/x~changed.abcdefgh-1.yaml", "command: echo 1\ntimout: 5m\n...\n")
    b.age("hold/x~changed.abcdefgh-1.yaml")
    return "invalid"


def half_written_in_todo(b: Broken) -> str:
    b.write("todo/sweep/x.yaml", "")
    b.age("todo/sweep/x.yaml")
    return "half-written"


def draft(b: Broken) -> str:
    b.write(f"workers/.{DEAD}.control.yaml.123.tmp", "")
    b.age(f"workers/.{DEAD}.control.yaml.123.tmp")
    return "draft"


def draft_of_a_doctor(b: Broken) -> str:
    b.write("done/.doctor-abcdefgh-1", "")
    b.age("done/.doctor-abcdefgh-1", 2 * 3600)
    b.write("hold/.doctor-abcdefgh-2", "")
    return "draft"


def rubbish(b: Broken) -> str:
    b.write("tmp/abcdefgh/x.yaml")
    b.age("tmp/abcdefgh/x.yaml")
    b.age("tmp/abcdefgh")
    return "rubbish"


def rubbish_swept(b: Broken) -> str:
    b.write("tmp/.abcdefgh.swept/x.yaml")
    b.age("tmp/.abcdefgh.swept/x.yaml")
    b.age("tmp/.abcdefgh.swept")
    return "rubbish"


def stale_lease(b: Broken) -> str:
    b.seeded.worker(DEAD, ended=True)
    b.seeded.running("sweep/x", DEAD)
    b.write(f"running/{DEAD}/y@{DEAD}.2.yaml")
    return "stale-lease"


def stale_lease_of_a_process_that_is_gone(b: Broken) -> str:
    me = identity()
    gone = dump_identity(DEAD, replace(me, pid=4_000_000, start=7), {"lease": 47})
    b.write(f"workers/{DEAD}.yaml", gone)
    b.write(f"workers/{DEAD}.lock", "")
    b.write(f"running/{DEAD}/y@{DEAD}.2.yaml")
    return "stale-lease"


def stale_lease_of_nobody(b: Broken) -> str:
    b.write(f"running/{DEAD}/y@{DEAD}.2.yaml")
    b.age(f"running/{DEAD}")
    return "stale-lease"


def ownerless(b: Broken) -> str:
    b.seeded.worker(DEAD, ended=True)
    b.write(f"waiting/until-20301121T210000Z/x@{DEAD}.1.yaml")
    return "ownerless"


def ownerless_in_failed(b: Broken) -> str:
    b.seeded.worker(DEAD, ended=True)
    b.write(f"failed/sweep/x@{DEAD}.1.yaml")
    return "ownerless"


def ownerless_in_done(b: Broken) -> str:
    b.seeded.worker(DEAD, ended=True)
    b.write(f"done/x@{DEAD}.1.yaml")
    return "ownerless"


def empty_folder(b: Broken) -> str:
    b.seeded.worker(DEAD, ended=True)
    (b.root / "running" / DEAD).mkdir()
    b.age(f"running/{DEAD}")
    return "empty-folder"


def stale_mark(b: Broken) -> str:
    b.seeded.worker(DEAD, ended=True)
    b.write(f"taken/licence=2@{DEAD}.1", "")
    return "stale-mark"


def strange_mark(b: Broken) -> str:
    b.write("taken/notes.txt", "")
    (b.root / "taken/mine").mkdir()
    return "strange-mark"


def lost_attempt(b: Broken) -> str:
    b.seeded.worker(DEAD, ended=True)
    b.seeded.record("sweep/x", 1, worker=DEAD, text="command: |\n  echo 'it''s'\n\n  true\n...\n")
    return "lost-attempt"


def lost_attempt_with_a_text_that_is_no_plain_block(b: Broken) -> str:
    b.seeded.worker(DEAD, ended=True)
    b.seeded.record("x", 1, worker=DEAD, text="  command: 'a\\b'\n\t\n  $HOME `x`")
    return "lost-attempt"


def token_twice(b: Broken) -> str:
    b.write("hold/x~1.abcdefgh-1.yaml")
    b.write("hold/again/x~1.abcdefgh-1.yaml")
    return "token-twice"


def claim_twice(b: Broken) -> str:
    b.seeded.worker(LIVING)
    b.seeded.worker(DEAD, ended=True)
    b.write(f"running/{DEAD}/x@{DEAD}.1.yaml")
    b.write(f"running/{LIVING}/x@{DEAD}.1.yaml")
    return "claim-twice"


def chain_gap(b: Broken) -> str:
    b.seeded.record("sweep/x", 1, "exit1")
    b.seeded.record("sweep/x", 4, "exit1")
    b.write("failed/sweep/x~exit1.yaml")
    return "chain-gap"


def missing_folder(b: Broken) -> str:
    (b.root / "waiting").rmdir()
    return "missing-folder"


def group_mode(b: Broken) -> str:
    for folder in USED:
        (b.root / folder).chmod(0o2770)
    (b.root / "batches").chmod(0o755)
    return "group-mode"


def failed_without_record(b: Broken) -> str:
    b.write("failed/sweep/x~exit1.yaml")
    return "failed-without-record"


def done_without_record(b: Broken) -> str:
    b.write("done/sweep/x.yaml")
    return "done-without-record"


def done_but_failed(b: Broken) -> str:
    b.seeded.done("x")
    b.seeded.record("x", 2, "exit1")
    return "done-but-failed"


def open_to_all(b: Broken) -> str:
    (b.root / "schedules").chmod(0o777)
    return "open-to-all"


def sticky(b: Broken) -> str:
    (b.root / "todo").chmod(0o1755)
    return "sticky"


def silent_worker(b: Broken) -> str:
    b.seeded.worker(DEAD, silent=500)
    b.write(f"running/{DEAD}/x@{DEAD}.1.yaml")
    return "silent-worker"


MENDED_BY_FIX = [
    strange_name, strange_name_that_no_screen_can_show, strange_name_in_failed, astray_in_running, astray_in_waiting,
    astray_and_held_by_a_dead_worker, no_moment, in_the_way, no_worker, half_written_in_hold, half_written_in_todo,
    half_written_and_cut_in_hold, half_written_before_its_command, half_written_and_cut_in_todo, draft, draft_of_a_doctor,
    rubbish,
    rubbish_swept, stale_lease, stale_lease_of_a_process_that_is_gone, stale_lease_of_nobody, ownerless,
    ownerless_in_failed, ownerless_in_done, empty_folder, stale_mark, lost_attempt,
    lost_attempt_with_a_text_that_is_no_plain_block, token_twice, chain_gap, missing_folder, group_mode,
]  # fmt: skip
FOR_A_PERSON = [
    failed_without_record, done_without_record, done_but_failed, open_to_all, sticky, half_written_and_young, invalid_in_hold,
    ending_in_capitals, ending_of_a_text,
]  # fmt: skip
#: What a mended task may wait for: that a worker is started.
IDLE = "no worker lives"


def is_well(findings: list[dict]) -> bool:
    return all(finding["id"] == "spool.workers" and IDLE in finding["text"] for finding in findings)


def only(findings: list[dict]) -> dict:
    """The finding that is not about nobody working."""
    (finding,) = [finding for finding in findings if finding["id"] != "spool.workers"]
    return finding


@pytest.mark.parametrize("breakage", MENDED_BY_FIX + FOR_A_PERSON, ids=lambda breakage: breakage.__name__)
def test_the_command_that_is_shown_mends_it(broken, breakage):
    rule = breakage(broken)
    finding = only(broken.findings())
    assert finding["id"] == f"spool.{rule}"
    assert finding["fix"]["commands"]
    shown = [line[10:] for line in broken.doctor().stdout.splitlines() if line.startswith("        $ ")]
    assert len(shown) == len(finding["fix"]["commands"])
    for line in shown:
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, cwd="/")
        assert (done.returncode, done.stderr) == (0, ""), line
    assert is_well(broken.findings())


@pytest.mark.parametrize("breakage", MENDED_BY_FIX, ids=lambda breakage: breakage.__name__)
def test_fix_mends_it_and_prints_what_it_did(broken, breakage):
    rule = breakage(broken)
    result = broken.doctor("--fix")
    assert f"spool.{rule}" not in result.stdout
    assert "        did " in result.stdout and "1 mended" in result.stdout, result.stdout
    assert is_well(broken.findings())


def test_what_is_no_task_by_its_ending_is_named_when_it_is_at_rest_and_stays_what_it_is(broken):
    for name in ("a.txt", "b.txt", "c.txt", "d.txt", "X.YAML", "X.yaml", "e.yaml~", ".x.swp", "#e.yaml#"):
        broken.write(f"todo/{name}")
        broken.age(f"todo/{name}")
    broken.write("todo/young.txt")
    found = {finding["status"]: finding for finding in broken.findings("--fix") if finding["id"] == "spool.ending"}
    assert found["note"]["text"].startswith(
        "todo/a.txt, todo/b.txt, todo/c.txt and 1 more: no worker takes what does not"
    )
    assert found["warn"]["text"] == "todo/X.YAML: no worker takes it: the ending is .yaml, in small letters"
    (command,) = found["warn"]["fix"]["commands"]
    subprocess.run(["bash", "-c", command], check=True)
    assert (broken.root / "todo/X.yaml").exists() and len(list(broken.root.glob("todo/X~0.*.yaml"))) == 1
    assert (broken.root / "todo/a.txt").exists()


def test_a_command_for_a_file_in_a_lane_leaves_it_there(broken):
    ending_in_capitals(broken)
    (command,) = only(broken.findings())["fix"]["commands"]
    subprocess.run(["bash", "-c", command], check=True)
    assert len(list(broken.root.glob("todo/@p10/sweep/X~0.*.yaml"))) == 1


def test_a_link_that_another_member_laid_in_the_place_of_a_folder_is_named_and_nothing_goes_through_it(
    broken, tmp_path
):
    home = tmp_path / "home"
    (home / "thesis").mkdir(parents=True)
    (home / "thesis/data.txt").write_text("precious")
    (home / "notes.txt").write_text("precious")
    for path in ("thesis", "notes.txt"):
        os.utime(home / path, (1, 1))
    for folder in ("", *FOLDERS):
        (broken.root / folder).chmod(0o2770)
    (broken.root / "tmp").rename(broken.root / "tmp.away")
    (broken.root / "tmp").symlink_to(home)
    found = {finding["id"]: finding for finding in broken.findings("--fix")}
    assert "tmp is a link" in found["spool.no-folder"]["text"]
    assert (home / "thesis/data.txt").read_text() == (home / "notes.txt").read_text() == "precious"
    assert sorted(os.listdir(home)) == ["notes.txt", "thesis"]


def test_a_lost_task_comes_back_with_its_very_text_by_both_ways(broken):
    text = "command: |\n  echo 'it''s'\n\n  true\n...\n"
    for number, words in enumerate((["--fix"], [])):
        broken.seeded.worker(DEAD, ended=True)
        broken.seeded.record(f"x{number}", 1, worker=DEAD, text=text)
        for command in only(broken.findings(*words))["fix"]["commands"] if not words else ():
            subprocess.run(["bash", "-c", command], check=True)
        if words:
            broken.doctor(*words)
        (file,) = (broken.root / "hold").glob(f"x{number}~0.*.yaml")
        assert file.read_text() == text


@pytest.mark.parametrize("written", [0, 20])
def test_half_of_a_lost_text_never_lies_under_a_tasks_name(broken, monkeypatch, written):
    """A name with a token says that the file is whole, and the next doctor would find the task there."""
    lost_attempt(broken)

    def torn(fs, descriptor, data, *, sync=False):
        if b"echo" in data:
            os.write(descriptor, data[:written])
            raise OSError(errno.EIO, "Input/output error")
        os.write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr("dsgspool.fs.Fs.append", torn)
        finding = only(broken.findings("--fix"))
    assert "EIO" in finding["fix"]["error"] or "Input/output" in finding["fix"]["error"]
    assert [path for path in broken.files() if path.startswith("hold/")] == []
    assert only(broken.findings("--fix"))["status"] == "fixed"
    ((path),) = [path for path in broken.files() if path.startswith("hold/")]
    assert (broken.root / path).read_text() == "command: |\n  echo 'it''s'\n\n  true\n...\n"


def test_what_a_dead_worker_held_goes_where_its_record_says(broken):
    b = broken
    b.seeded.worker(DEAD, ended=True)
    for number, (name, following) in enumerate(
        {"d": "done", "f": "failed~exit1", "n": "nothing", "w": "waiting~1l0+9.0"}.items()
    ):
        b.write(f"running/{DEAD}/{name}@{DEAD}.{number}.yaml")
        b.seeded.record(
            name, 1, "done" if name == "d" else "exit1", worker=DEAD, claim=f"{DEAD}.{number}", next=following
        )
    b.write(f"running/{DEAD}/l@{DEAD}.8.yaml")
    b.seeded.record("l", 1, worker=DEAD, claim=f"{DEAD}.8")
    b.write(f"running/{DEAD}/sweep%u~1.abcdefgh-1@{DEAD}.9.yaml")
    b.write(f"running/{DEAD}/what is that@.yaml")
    b.doctor("--fix")
    shape = {
        re.sub(r"[a-z2-7]{8}-[0-9]+|[0-9a-f]{12}|until-[0-9TZ]+", "T", file) for file in b.files() if "yaml" in file
    }
    expected = (
        "done/d failed/f~exit1 todo/n~0.T waiting/T/w~1.T todo/l~0l1.T todo/sweep/u~1.T failed/invalid-T~invalid.T"
    )
    assert {f"{path}.yaml" for path in expected.split()} <= shape, shape


def test_a_task_file_that_breaks_off_is_told_with_its_line_and_two_ways_out(broken):
    broken.write("hold/sweep/x.yaml", "command: echo 1\nenv: {A: 1, B")
    broken.age("hold/sweep/x.yaml")
    finding = only(broken.findings())
    assert finding["text"].startswith("hold/sweep/x.yaml, line 2: it is not YAML:")
    assert "no last line `...`" in finding["text"]
    assert finding["remedy"].startswith("write what is missing") and "dsgspool release sweep/x" in finding["remedy"]
    (command,) = finding["fix"]["commands"]
    assert f"mv '{broken.root}/hold/sweep/x.yaml' '{broken.root}/failed/sweep/x~invalid." in command


def test_a_task_file_on_hold_with_a_mistake_is_told_with_its_line(broken):
    invalid_in_hold(broken)
    finding = only(broken.findings())
    assert finding["text"] == "hold/x~changed.abcdefgh-1.yaml, line 2: unknown key `timout`"
    assert finding["remedy"].startswith("did you mean `timeout`?, then: dsgspool release x")


def test_the_fix_of_a_half_written_file_keeps_every_byte(broken):
    half_written_and_cut_in_hold(broken)
    text = (broken.root / "hold/x.yaml").read_bytes()
    broken.doctor("--fix")
    (file,) = (broken.root / "failed").iterdir()
    assert file.name.startswith("x~invalid.") and file.read_bytes() == text


@pytest.mark.parametrize(
    ("path", "text", "age"),
    [
        ("hold/x.yaml", "command: [echo", 5),
        ("hold/x.yaml", "", 5),
        ("hold/x.yaml", "command: echo 1", OLD),
        ("hold/x.yaml", "format: 2\ncommands: [echo 1]\n", OLD),
        ("hold/.x.yaml.swp", "command: [echo", OLD),
        ("hold/notes.txt", "not: [a task", OLD),
        ("waiting/until-20301121T210000Z/x.yaml", "command: [echo", OLD),
        ("failed/x~invalid.abcdefgh-1.yaml", "command: [echo", OLD),
    ],
)
def test_what_is_just_being_written_or_whole_or_elsewhere_is_not_half_written(broken, path, text, age):
    broken.write(path, text)
    broken.age(path, age)
    assert [finding for finding in broken.findings() if finding["id"] in ("spool.half-written", "spool.invalid")] == []


def test_a_living_worker_judges_what_lies_in_todo(broken):
    broken.seeded.worker(LIVING)
    half_written_and_cut_in_todo(broken)
    half_written_in_todo(broken)
    assert broken.findings() == []


def test_quick_looks_into_no_task_file(broken):
    half_written_and_cut_in_hold(broken)
    assert broken.findings("--quick") == []


def test_broken_settings_make_no_task_file_wrong(broken):
    """What its moments mean stands there."""
    broken.write("hold/x.yaml", "command: x\nnot_before: 2030-11-21T21:00\n")
    broken.age("hold/x.yaml")
    broken.write("spool.yaml", "format: 1\ntimezone: Europe/Berlin\n")
    assert broken.findings() == []
    broken.write("spool.yaml", "format: 1\ntimezone: [Europe\n")
    assert [finding["id"] for finding in broken.findings()] == ["spool.settings"]


def torn_record(b: Broken, cut: int, *, age: float = OLD, worker: str = DEAD) -> None:
    """The record of x, of which only the first `cut` bytes were written."""
    b.seeded.record("x", 1, worker=worker)
    path = b.root / "logs/x.1.yaml"
    data = path.read_bytes()
    path.write_bytes(data[:cut])
    b.age("logs/x.1.yaml", age)


def notes(b: Broken) -> list[tuple[str, str]]:
    found = json.loads(b.doctor("--json").stdout)
    return [(finding["text"], finding["remedy"]) for finding in found if finding["id"] == "spool.torn-record"]


def test_a_record_that_breaks_off_is_told_and_left_alone(broken):
    broken.seeded.worker(DEAD, ended=True)
    broken.write("todo/x~0l1.abcdefgh-1.yaml")
    torn_record(broken, -9)
    before = broken.files()
    broken.doctor("--fix")
    ((text, remedy),) = notes(broken)
    line = (broken.root / "logs/x.1.yaml").read_bytes().count(b"\n") + 1
    assert text.startswith(f"logs/x.1.yaml, line {line}: it breaks off there") and f"{DEAD}: it has ended" in text
    assert "nothing to do" in remedy and "prune" in remedy
    assert broken.files() == before


@pytest.mark.parametrize(("cut", "words"), [(0, "is empty"), (30, "breaks off before it says whose it is")])
def test_a_record_that_names_nobody_is_told(broken, cut, words):
    broken.write("todo/x.yaml")
    torn_record(broken, cut)
    ((text, remedy),) = notes(broken)
    assert text.startswith(f"logs/x.1.yaml {words}") and "next number" in remedy


@pytest.mark.parametrize("cut", [0, 30, -9])
def test_the_record_of_an_attempt_that_may_be_alive_is_not_told(broken, cut):
    broken.seeded.worker(LIVING)
    broken.write(f"running/{LIVING}/x@{LIVING}.1.yaml")
    torn_record(broken, cut, worker=LIVING)
    assert notes(broken) == []
    broken.age(f"workers/{LIVING}.lock")  # silent: no proof
    assert notes(broken) == []


def test_records_that_are_just_made_or_only_lack_their_end_are_not_told(broken):
    broken.seeded.worker(DEAD, ended=True)
    torn_record(broken, 0, age=5)
    assert notes(broken) == []
    broken.seeded.record("x", 1, worker=DEAD)
    broken.seeded.record("y", 1, "exit1", worker=DEAD)
    broken.write("logs/z.1.yaml", "task: z\noutcome: pruned\n")
    broken.age("logs/z.1.yaml")
    assert notes(broken) == []


def test_a_living_worker_takes_over_and_the_doctor_leaves_it_that(broken):
    broken.seeded.worker(LIVING)
    broken.seeded.worker(DEAD, ended=True)
    broken.write(f"running/{DEAD}/y@{DEAD}.2.yaml")
    before = broken.files()
    assert broken.findings("--fix") == []
    found = json.loads(broken.doctor("--json").stdout)
    (note,) = [finding for finding in found if finding["id"] == "spool.take-over"]
    assert (note["status"], note["fix"]) == ("note", None)
    assert broken.files() == before


@pytest.mark.parametrize("breakage", [*FOR_A_PERSON, silent_worker], ids=lambda breakage: breakage.__name__)
def test_fix_leaves_alone_what_only_a_person_can_decide(broken, breakage):
    rule = breakage(broken)
    before = broken.files()
    finding = only(broken.findings("--fix"))
    assert finding["id"] == f"spool.{rule}"
    assert (finding["fix"]["safe"], finding["fix"]["done"]) == (False, False)
    assert broken.files() == before


def test_a_file_in_the_place_of_a_folder_is_a_failure_that_a_person_mends(broken):
    (broken.root / "taken").rmdir()
    broken.write("taken", "")
    finding = only(broken.findings("--fix"))
    assert (finding["id"], finding["status"], finding["text"]) == ("spool.no-folder", "FAIL", "taken is no folder")
    assert "mv " in finding["remedy"] and (broken.root / "taken").is_file()


def test_a_finding_that_is_gone_at_the_second_look_is_none(broken, monkeypatch):
    """What is on its way at the first look has arrived at the second."""
    broken.write("running/x.yaml")
    sleep = "dsgspool.clock.SystemClock.sleep"
    monkeypatch.setattr(sleep, lambda *_: (broken.root / "running/x.yaml").unlink(missing_ok=True))
    assert broken.findings() == []


def test_a_healthy_spool_ends_with_0_and_only_looks(broken):
    broken.seeded.done("a/1", "2")
    broken.seeded.failed("3")
    before = {path: path.stat().st_mtime_ns for path in broken.root.rglob("*") if path.is_file()}
    result = broken.doctor()
    assert result.exit_code == 0, result.stdout
    assert " 0 failures" in result.stdout and result.stderr == "" and broken.findings() == []
    assert {path: path.stat().st_mtime_ns for path in broken.root.rglob("*") if path.is_file()} == before


def test_warnings_end_with_0_and_failures_with_9(broken):
    astray_in_running(broken)
    assert broken.doctor().exit_code == 0
    open_to_all(broken)
    result = broken.doctor()
    assert (result.exit_code, "  FAIL  schedules/ may be written by everybody" in result.stdout) == (9, True)


def test_no_spool_is_told_as_by_every_command(run, tmp_path, monkeypatch):
    result = run("--spool", tmp_path, "doctor")
    assert (result.exit_code, "is not a spool" in result.stderr) == (3, True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DSGSPOOL_SPOOL", raising=False)
    result = run("doctor", "--json")
    assert (result.exit_code, "name one with: dsgspool --spool DIR" in result.stderr) == (3, True)


def test_broken_settings_are_a_failure_with_their_line_and_the_rest_is_looked_at(broken):
    broken.write("spool.yaml", "format: 1\nheartbeat: never\n")
    astray_in_running(broken)
    found = {finding["id"]: finding for finding in broken.findings()}
    assert "line 2" in found["spool.settings"]["text"]
    assert "spool.astray" in found


def test_many_of_a_kind_are_counted_and_json_has_all(broken):
    for number in range(12):
        broken.write(f"hold/a{number:02d}@.yaml")
    result = broken.doctor()
    assert result.stdout.count("no command finds it") == 5
    assert "7 more like these" in result.stdout and "12 repairs, all safe" in result.stderr
    assert len(broken.findings()) == 12


def test_quick_leaves_the_records_alone(broken):
    broken.seeded.record("x", 3, "exit1")
    assert broken.findings("--quick") == []
    assert broken.the("chain-gap")


def test_a_name_that_looks_like_that_of_a_very_late_record_is_told_at_once(broken):
    broken.seeded.write("logs/x.99999999999999999999.yaml", "some notes\n")
    gap = broken.the("chain-gap")
    assert gap["fix"] is None and "move it out of logs/" in gap["remedy"]


def test_a_gap_below_a_living_attempt_is_left_alone(broken):
    """A stub would let a file whose name says `2 used` pass the attempt that is alive at 1."""
    broken.seeded.worker(LIVING)
    broken.seeded.record("x", 1, worker=LIVING)
    broken.seeded.record("x", 4, "stopped")
    before = broken.files()
    gap = next(finding for finding in broken.findings("--fix") if finding["id"] == "spool.chain-gap")
    assert gap["fix"] is None and "alive" in gap["remedy"]
    assert broken.files() == before


def test_a_second_stub_is_not_written_when_somebody_made_the_first_record(broken):
    broken.seeded.record("x", 4, "exit1")
    broken.write("failed/x~exit1.yaml")
    (command,) = broken.the("chain-gap")["fix"]["commands"]
    broken.seeded.record("x", 1, worker=LIVING)
    before = broken.files()
    assert subprocess.run(["bash", "-c", command], check=False, capture_output=True).returncode == 1
    assert broken.files() == before


def test_a_promise_that_was_broken_is_told_and_cannot_be_mended(broken):
    broken.seeded.record("x", 1, "exit1", started=iso(broken.seeded.now - 100), ended=iso(broken.seeded.now - 50))
    broken.seeded.record("x", 2, "exit1", started=iso(broken.seeded.now - 90), ended=iso(broken.seeded.now - 80))
    finding = broken.the("overlap", "--fix")
    assert (finding["status"], finding["fix"]) == ("FAIL", None)
    assert "report it" in finding["remedy"]


def test_tasks_that_nobody_works_on_are_told(broken):
    broken.write("todo/x.yaml")
    (finding,) = broken.findings()
    assert (finding["id"], finding["remedy"]) == ("spool.workers", "start one: dsgspool worker")
    broken.seeded.worker(LIVING)
    assert broken.findings() == []


def test_a_paused_spool_is_a_note(broken):
    broken.write("PAUSE", "")
    assert "  note  the spool is paused" in broken.doctor().stdout


def test_living_machines_of_one_name_are_told(broken):
    me = identity()
    clone = dump_identity(LIVING, replace(me, boot_id="another", pid=7), {"lease": 47})
    broken.seeded.worker(LIVING)
    broken.write(f"workers/{LIVING}.yaml", clone)
    (finding,) = broken.findings()
    assert (finding["id"], finding["status"]) == ("machine.clash", "FAIL")
    moment = broken.seeded.now - 40
    os.utime(broken.root / f"workers/{LIVING}.lock", (moment, moment))
    assert broken.findings() == []


def test_colours_are_for_terminals_only_and_words_always_there(broken, monkeypatch):
    astray_in_running(broken)
    assert "\x1b" not in broken.doctor().stdout
    monkeypatch.setattr("dsgspool.cli.output.is_terminal", lambda *_: True)
    assert "\x1b[33mwarn \x1b[0m" in broken.doctor().stdout
    monkeypatch.setenv("NO_COLOR", "1")
    plain = broken.doctor().stdout
    assert "\x1b" not in plain and "  warn  " in plain


def test_a_strange_name_cannot_play_with_the_terminal(broken):
    strange_name_that_no_screen_can_show(broken)
    result = broken.doctor()
    assert "\x1b" not in result.stdout and "\\x1b[31mred" in result.stdout


def test_every_finding_has_the_keys_that_the_page_promises(broken):
    astray_in_running(broken)
    for finding in json.loads(broken.doctor("--json").stdout):
        assert list(finding) == ["id", "group", "status", "text", "remedy", "facts", "fix"]
        assert finding["status"] in ("ok", "note", "warn", "FAIL", "fixed")
        assert finding["fix"] is None or list(finding["fix"]) == ["commands", "safe", "done", "error"]


@pytest.mark.parametrize(
    ("breakage", "words"),
    [
        (after_nothing, "nowhere"),
        (after_what_is_on_hold, "on hold"),
        (after_each_other, "x waits for y waits for x"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_who_waits_for_ever_is_told_with_a_remedy_and_left_alone(broken, breakage, words):
    rule = breakage(broken)
    before = broken.files()
    finding = only(broken.findings("--fix"))
    assert finding["id"] == f"spool.{rule}"
    assert words in finding["text"]
    assert "release" in finding["remedy"]
    assert broken.files() == before
