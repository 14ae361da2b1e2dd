"""The doctor, crashed at its own calls: looking, and mending a spool that is broken in ten ways.

The rule: its examination is a process of its own, so both have a role.  However it ended, a second one mends what is
left, days later; then a third finds nothing, what was lost is there to its last byte, and no trial file of any lies about.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from tests.faults.crash_stories import DAYS_AGO, ONCE, Story, age
from tests.support.crashing import HEIR, VICTIM, Ground, command, dsgspool, fork, wait, worker_alone

ROLES = ("command", "examination")
LOST = "l1"  #: the task whose file was removed while its worker died
EXPECTED = {"mount.kind", "spool.workers"}  #: trials lie in memory, and nobody works there


def well(ground: Ground) -> None:
    """Nothing is broken."""
    ground.spool.configure(HEIR)
    ground.spool.drop("d1", command(), description="v-d1")
    assert wait(fork(worker_alone(ground, "--until-empty", kind="-before"))) == 0
    ground.spool.drop("h1", command(), state="hold", description="v-h1")
    ground.spool.configure(VICTIM)


def sick(ground: Ground) -> None:
    """Something for each kind of command that mends: mv, rm, rm -r, rmdir, touch, a stub, a text from a record."""
    drop, write = ground.spool.drop, ground.spool.overwrite
    ground.spool.configure(HEIR)
    drop("f1", command("exit 1"), description="v-f1")
    assert wait(fork(worker_alone(ground, "--until-empty", kind="-before"))) == 0
    for name in (LOST, "r1"):
        drop(name, command(ONCE.format(name, "kill -9 $PPID")), description=f"v-{name}")
        wait(fork(worker_alone(ground, kind="-before")))
        if name == LOST:
            ground.spool.mv(ground.spool.running(name), f"{ground.folder}/lost.yaml")
    dead = os.path.basename(os.path.dirname(ground.spool.running("r1")))
    write("logs/f1.4.yaml", "task: f1\nattempt: 4\noutcome: stopped\nreason: made by hand\n...\n")
    for number, path in enumerate(
        ("hold/s@1", "running/k", "waiting/tomorrow/m", f"waiting/until-21001231T000000Z/o@{dead}.9")
    ):
        write(f"{path}.yaml", f"command: {json.dumps(command())}\ndescription: v-x{number}\n...\n")
    write("hold/c.yaml", "description: v-c\ncommand: [echo\n")
    write("workers/.n1-aaaaaaaa.control.yaml.123.tmp", "")
    write("tmp/.doctor-aaaaaaaa/one", "")
    for path in ("hold/c.yaml", "workers/.n1-aaaaaaaa.control.yaml.123.tmp", "tmp/.doctor-aaaaaaaa"):
        then = os.stat(ground.spool / path).st_mtime - DAYS_AGO
        os.utime(ground.spool / path, (then, then))
    ground.spool.configure(VICTIM)


def doctor(ground: Ground, *words: str, kind: str = "") -> Callable[[], int]:
    """`dsgspool doctor WORDS...`, with a short pause between its two looks."""
    inner = dsgspool(ground, ("doctor", *words), kind=kind)

    def program() -> int:
        from dsgspool.doctor import examine

        examine.PAUSE = 0.01
        return inner()

    return program


def has_no_trace(ground: Ground) -> list[str]:
    """After a --fix the next doctor finds nothing to mend, and nothing that a doctor made is left."""
    if code := wait(fork(doctor(ground, "--fix", kind="-fix"))):
        return [f"--fix answers {code}: {ground.printed('out-fix')}{ground.printed('err-fix')}"]
    if os.path.exists(f"{ground.folder}/out-look.txt"):
        os.unlink(f"{ground.folder}/out-look.txt")
    wait(fork(doctor(ground, "--json", kind="-look")))
    wrong = [
        f"still there: {found['id']}: {found['text']}"
        for found in json.loads(ground.printed("out-look"))
        if found["id"] not in EXPECTED and (found["status"] in ("warn", "FAIL") or found["fix"])
    ]
    for folder, folders, files in os.walk(ground.root):
        wrong += [f"left: {folder}/{name}" for name in (*folders, *files) if name.startswith(".")]
    return wrong


def is_mended(ground: Ground) -> list[str]:
    """The same, and what was lost is back."""
    wrong = has_no_trace(ground)
    with open(f"{ground.folder}/lost.yaml") as file:
        lost = file.read()
    back = [(ground.spool / path).read_text() for path in ground.spool.where(LOST)]
    return wrong if back == [lost] else [*wrong, f"of the lost text came back: {back}"]


REPAIRS = (
    Story("doctor", well, doctor, roles=ROLES, again=has_no_trace, meanwhile=age, finds=True, looks=False),
    Story("doctor-fix", sick, lambda ground: doctor(ground, "--fix"), roles=ROLES, again=is_mended, meanwhile=age,
          finds=True, looks=False, broken=True),
)  # fmt: skip
