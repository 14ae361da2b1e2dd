"""`dsgspool doctor`: each thing that can be broken in a spool is named, and its command mends it, typed or by --fix."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from dsgspool.lease import dump_identity
from dsgspool.proc import identity
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
        """What is not well, by --json."""
        found = json.loads(self.doctor("--json", *words).stdout)
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


def astray_and_held_by_a_dead_worker(b: Broken) -> str:
    b.seeded.worker(DEAD, ended=True)
    b.write(f"running/x@{DEAD}.1.yaml")
    return "astray"


def no_moment(b: Broken) -> str:
    b.write("waiting/tomorrow/x.yaml")
    b.write("waiting/tomorrow/y.yaml")
    return "no-moment"


def half_written_in_hold(b: Broken) -> str:
    b.write("hold/x.yaml", "")
    b.age("hold/x.yaml")
    return "half-written"


def half_written_in_todo(b: Broken) -> str:
    b.write("todo/sweep/x.yaml", "")
    b.age("todo/sweep/x.yaml")
    return "half-written"


def draft(b: Broken) -> str:
    b.write(f"workers/.{DEAD}.control.yaml.123.tmp", "")
    b.age(f"workers/.{DEAD}.control.yaml.123.tmp")
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
    gone = dump_identity(
        DEAD, type(me)(me.host, me.machine_id, me.boot_id, me.pid_namespace, 4_000_000, 7), {"lease": 47}
    )
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


def lost_attempt(b: Broken) -> str:
    b.seeded.worker(DEAD, ended=True)
    b.seeded.record("sweep/x", 1, worker=DEAD, text="command: |\n  echo 'it''s'\n\n  true\n...\n")
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
    for folder in ("todo", "waiting", "hold", "running", "done", "failed", "logs", "workers", "tmp"):
        (b.root / folder).chmod(0o2770)
    (b.root / "hold").chmod(0o755)
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
    (b.root / "todo").chmod(0o777)
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
    astray_and_held_by_a_dead_worker, no_moment, half_written_in_hold, half_written_in_todo, draft, rubbish,
    rubbish_swept, stale_lease, stale_lease_of_a_process_that_is_gone, stale_lease_of_nobody, ownerless,
    ownerless_in_failed, ownerless_in_done, empty_folder, lost_attempt, token_twice, chain_gap, missing_folder, group_mode,
]  # fmt: skip
FOR_A_PERSON = [failed_without_record, done_without_record, done_but_failed, open_to_all, sticky]
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


@pytest.mark.parametrize("breakage", [*FOR_A_PERSON, silent_worker], ids=lambda breakage: breakage.__name__)
def test_fix_leaves_alone_what_only_a_person_can_decide(broken, breakage):
    rule = breakage(broken)
    before = broken.files()
    finding = only(broken.findings("--fix"))
    assert finding["id"] == f"spool.{rule}"
    assert (finding["fix"]["safe"], finding["fix"]["done"]) == (False, False)
    assert broken.files() == before
