"""What is crashed: each command that changes a spool.  The lives of workers are in crash_lives.

The rule: a story says how its ground looks before, which real program runs, and what must hold besides the general
rules of `crash_trials`: what the program told its user, and what repeating it must bring.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from dsgspool.ranges import parse_range
from tests.support.crashing import (
    HEIR,
    VICTIM,
    Ground,
    command,
    dsgspool,
    fork,
    wait,
    worker_alone,
)

DAYS_AGO = 10 * 86400.0
ONCE = '[ -e "$H.once-{0}" ] || {{ : >"$H.once-{0}"; {1}; }}'  #: shell words that do something in the first life only


@dataclass(frozen=True)
class Story:
    """One thing to be crashed."""

    name: str
    prepare: Callable[[Ground], None]
    program: Callable[[Ground], Callable[[], int]]
    roles: tuple[str, ...] = ("command",)
    promise: Callable[[Ground, list[str]], list[str]] = lambda _ground, _printed: []
    #: what else must hold once the program was run again, whole; None = it is not run again
    again: Callable[[Ground], list[str]] | None = None
    rests: Callable[[Ground], list[str]] = lambda _ground: []  #: what else must hold when all is at rest
    meanwhile: Callable[[Ground], None] = lambda _ground: None  #: before it is run again
    vanishes: bool = False  #: it removes tasks
    bare: bool = False  #: there is no spool before
    is_life: bool = False
    only: str = ""  #: the role whose calls are struck, '' = everybody's
    broken: bool = False  #: promises are broken before, and kept only once the program was run again
    finds: bool = False  #: what is refused is a finding of its own, with an exit code of its own
    looks: bool = (
        True  #: each of its looks has trials of its own; else of equal ones between two changes only the first
    )

    @property
    def is_short(self) -> bool:
        """True when nothing of it is left out."""
        return self.looks and not self.is_life

    def __str__(self) -> str:
        return self.name


# -- the ground of the commands -------------------------------------------------------------------------------------


def lab(ground: Ground) -> None:
    """Tasks in every state, with true records, and one that a worker died with."""
    drop = ground.spool.drop
    ground.spool.configure(HEIR)
    drop("d1", command(), description="v-d1")
    drop("s/d2", command(), description="v-d2")
    drop("f1", command("exit 1"), description="v-f1")
    drop("s/f2", command("exit 3"), description="v-f2")
    assert wait(fork(worker_alone(ground, "--until-empty", kind="-before"))) == 0
    drop("r1", command(ONCE.format("r1", "kill -9 $PPID")), description="v-r1")
    wait(fork(worker_alone(ground, "--until-empty", kind="-before")))
    for name, state in (("q1", "todo"), ("s/q2", "todo"), ("h1", "hold"), ("s/h2", "hold")):
        drop(name, command(), state=state, description=f"v-{os.path.basename(name)}")
    drop("w1", command(), state="waiting/until-21001231T000000Z", description="v-w1")
    ground.spool.configure(VICTIM)


def aged(ground: Ground) -> None:
    """The same, long ago."""
    lab(ground)
    age(ground)


def age(ground: Ground) -> None:
    """Days go by."""
    for folder, _, files in os.walk(ground.root):
        for path in [folder, *(f"{folder}/{file}" for file in files)]:
            then = os.stat(path).st_mtime - DAYS_AGO
            os.utime(path, (then, then))


def nothing(_ground: Ground) -> None:
    """Nothing but a spool."""


# -- what commands promise ------------------------------------------------------------------------------------------


def lies_in(*states: str) -> Callable[[Ground, list[str]], list[str]]:
    """A printed name lies there now, once."""

    def promise(ground: Ground, printed: list[str]) -> list[str]:
        wrong = []
        for name in printed:
            places = [path.partition("/")[0] for path in ground.spool.where(name)]
            if len(places) != 1 or places[0] not in states:
                wrong.append(f"it printed {name}, which lies in {ground.spool.where(name)}")
        return wrong

    return promise


def are_gone(ground: Ground, printed: list[str]) -> list[str]:
    """A printed task is gone, with all that was kept of it."""
    wrong = [f"it printed {name}, which lies in {where}" for name in printed if (where := ground.spool.where(name))]
    for folder, _, files in os.walk(f"{ground.root}/logs"):
        for file in files:
            identity = os.path.relpath(f"{folder}/{file}", f"{ground.root}/logs").rsplit(".", 2)[0]
            if identity in printed:
                wrong.append(f"it printed {identity}, and kept logs/{identity}")
    return wrong


def all_old_are_gone(ground: Ground) -> list[str]:
    """Repeated, prune has removed every finished task, and nothing of it is left."""
    return are_gone(ground, ["d1", "s/d2", "f1", "s/f2"])


def is_paused(ground: Ground) -> list[str]:
    return [] if os.path.exists(f"{ground.root}/PAUSE") else ["it is not paused"]


def is_not_paused(ground: Ground) -> list[str]:
    return ["it is paused"] if os.path.exists(f"{ground.root}/PAUSE") else []


def says_paused(ground: Ground, _printed: list[str]) -> list[str]:
    return is_paused(ground) if "paused:" in ground.printed() else []


def says_resumed(ground: Ground, _printed: list[str]) -> list[str]:
    return is_not_paused(ground) if "resumed" in ground.printed() else []


def paused(ground: Ground) -> None:
    lab(ground)
    ground.spool.write("PAUSE", "")


def has_report(ground: Ground) -> list[str]:
    """The page is whole."""
    page = (ground.spool / "reports/index.html").read_text()
    return [] if page.rstrip().endswith("</html>") else ["reports/index.html is cut off"]


def page_is_whole(ground: Ground, _printed: list[str]) -> list[str]:
    return has_report(ground) if os.path.exists(f"{ground.root}/reports/index.html") else []


def with_old_report(ground: Ground) -> None:
    lab(ground)
    assert wait(fork(dsgspool(ground, ("report",), kind="-before"))) == 0


def is_drained(ground: Ground) -> list[str]:
    texts = [path.read_text() for path in (ground.spool / "workers").glob("*.control.yaml")]
    return (
        [] if texts and all("drain: true" in text and "slots: 3" in text for text in texts) else [f"control: {texts}"]
    )


def edited(ground: Ground) -> None:
    lab(ground)
    assert wait(fork(dsgspool(ground, EDIT, kind="-before"))) == 0


def names_are_right(ground: Ground, printed: list[str]) -> list[str]:
    """A printed name, among the diffs, lies where it can be run."""
    return lies_in("todo", "hold", "waiting")(ground, [line for line in printed if line in EDITED])


def have_retries(ground: Ground) -> list[str]:
    """Repeated, and after the leftovers of the killed one are old, the edit has changed every task."""
    texts = [(ground.spool / path).read_text() for name in EDITED for path in ground.spool.where(name)]
    found = [text.count("\nretries: 3\n") for text in texts]
    return [] if found == [1] * len(EDITED) else [f"lines with retries in {EDITED}: {found}"]


def with_paused_batch(ground: Ground) -> None:
    lab(ground)
    assert wait(fork(dsgspool(ground, ("batch", "pause", "s"), kind="-before"))) == 0


ITEMS = 4
#: Words of the first item: the worker, two above it, drains, and leaves the rest of the sweep to others.
DRAIN = ONCE.format("z", "read -r _ _ _ P _ </proc/$PPID/stat; kill -TERM $P")


def divided(ground: Ground) -> None:
    """A sweep of which the first item has run."""
    ground.spool.configure(HEIR)
    values = {"product": {"n": [f"{number}" for number in range(ITEMS)]}}
    ground.spool.drop(
        "w", command(f": {{n}}; {DRAIN.replace('{', '{{').replace('}', '}}')}"), description="v-w", sweep=values
    )
    assert wait(fork(worker_alone(ground, "--until-empty", kind="-before"))) == 0
    assert [path.partition("~")[0] for path in ground.spool.ls("todo")] == ["w/rest-1-3"], ground.spool.states()
    ground.spool.configure(VICTIM)


def each_item_is_in_one_part(ground: Ground) -> list[str]:
    """Of what is done and what was cancelled, whichever that is."""
    names = [
        path.removesuffix(".yaml").partition("~")[0] for state in ("done", "failed") for path in ground.spool.ls(state)
    ]
    parts = [parse_range(name.replace("rest-", "")) for name in names if name.startswith("w/")]
    covered = Counter(item for part in parts if part for item in range(part.first, part.last + 1))
    return [] if covered == Counter(range(ITEMS)) else [f"items {dict(covered)} in {sorted(names)}"]


def was_cut_out(ground: Ground, printed: list[str]) -> list[str]:
    """What it printed lies in failed/."""
    if "w/2" not in printed:
        return []
    found = [path for path in ground.spool.ls("failed") if path.startswith("w/rest-2-2~cancelled.")]
    return [] if len(found) == 1 else [f"it printed w/2, and failed/ holds {ground.spool.ls('failed')}"]


POLICY = "batches/s.yaml"


def policy_has(line: str) -> Callable[[Ground], list[str]]:
    """Repeated, it is in the policy of the batch."""
    return lambda ground: [] if line in (ground.spool / POLICY).read_text() else [f"{POLICY} lacks {line}"]


def policy_is_whole(ground: Ground, _printed: list[str]) -> list[str]:
    """Old or new, and never a part."""
    policy = ground.spool / POLICY
    whole = not policy.exists() or policy.read_text().endswith("...\n")
    return [] if whole else [f"{POLICY} is cut off: {policy.read_text()}"]


def _submit(*words: str) -> Callable[[Ground], Callable[[], int]]:
    return lambda ground: dsgspool(ground, ("submit", *words))


def _run(*words: str) -> Callable[[Ground], Callable[[], int]]:
    return lambda ground: dsgspool(ground, words)


def _bulk(ground: Ground) -> Callable[[], int]:
    """Five lines in sub-folders of two."""
    inner = dsgspool(ground, ("submit", "--each-line", "--batch", "s", "--", "sh", "-c", f"{command()}\n: {{}}"),
                     stdin="".join(f"v-l{n}\n" for n in range(5)))  # fmt: skip

    def program() -> int:
        from dsgspool.spool import submission

        submission.FOLDER_SIZE = 2
        return inner()

    return program


SH = ("sh", "-c", command())
AS_PRINTED = lies_in("todo")
EDITED = ("q1", "s/q2", "h1", "s/h2", "w1")
EDIT = ("edit", *EDITED, "retries=3", "--yes")
COMMANDS = (
    Story("submit", lab, _submit("--description", "v-new", "--", *SH), promise=AS_PRINTED),
    Story("submit-named", lab, _submit("--name", "n", "--batch", "t", "--description", "v-new", "--", *SH), promise=AS_PRINTED),
    Story("submit-held", lab, _submit("--hold", "--description", "v-new", "--", *SH), promise=lies_in("hold")),
    Story("submit-after", lab, _submit("--after", "q1", "--after", "f1:any", "--description", "v-new", "--", *SH),
          promise=AS_PRINTED),
    Story("submit-files", lab, _submit("x.yaml", "y.yaml"), promise=AS_PRINTED),
    Story("submit-each-line", lab, _bulk, promise=AS_PRINTED),
    Story("hold", lab, _run("hold", "q1", "s/q2", "w1", "r1"), promise=lies_in("hold")),
    Story("release", lab, _run("release", "h1", "s/h2", "w1"), promise=AS_PRINTED),
    Story("requeue", lab, _run("requeue", "d1", "s/d2", "f1"), promise=AS_PRINTED),
    Story("requeue-failed", lab, _run("requeue", "--failed"), promise=AS_PRINTED),
    Story("requeue-hold", lab, _run("requeue", "--hold", "d1", "s/d2", "f1"), promise=lies_in("hold")),
    Story("cancel", lab, _run("cancel", "q1", "s/h2", "w1", "r1"), promise=lies_in("failed")),
    Story("cancel-items", divided, _run("cancel", "w/2"), promise=was_cut_out, rests=each_item_is_in_one_part),
    Story("prune", aged, _run("prune", "--older-than", "1d"), promise=are_gone, again=all_old_are_gone,
          meanwhile=age, vanishes=True),
    Story("prune-workers", aged, _run("prune", "--older-than", "1d", "--workers"), promise=are_gone, vanishes=True),
    Story("pause", lab, _run("pause"), promise=says_paused, again=is_paused),
    Story("resume", paused, _run("resume"), promise=says_resumed, again=is_not_paused),
    Story("workers-set", lab, _run("workers", "set", "*", "slots=3", "drain=true"), again=is_drained),
    Story("edit", lab, _run(*EDIT), promise=names_are_right),
    Story("edit-again", lab, _run(*EDIT), promise=names_are_right, again=have_retries, meanwhile=age),
    Story("edit-undo", edited, _run("edit", "--undo", "--yes"), promise=names_are_right),
    Story("batch-set", lab, _run("batch", "set", "s", "priority=5"), promise=policy_is_whole, again=policy_has("priority: 5")),
    Story("batch-resume", with_paused_batch, _run("batch", "resume", "s"), promise=policy_is_whole,
          again=policy_has("paused: false")),
    Story("report", with_old_report, _run("report"), promise=page_is_whole, again=has_report),
    Story("status", lab, _run("status")),
    Story("list", lab, _run("list")),
    Story("why", lab, _run("why", "q1", "f1", "w1")),
    Story("graph", lab, _run("graph")),
    Story("schedule-list", lab, _run("schedule", "list")),
)  # fmt: skip
