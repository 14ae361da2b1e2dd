"""Random persons: one on each node, with tasks of their own that they move, copy, remove, edit and command about.

The rule: a person first looks, then chooses, then acts, so that it is known which task an act was about even when it
never had an answer; and only on names that begin with k (moved, copied, removed) or e (edited), which nobody else touches.
"""

from __future__ import annotations

import contextlib
import random
import re
import threading
from collections import Counter

from tests.grounds import Ground, Node, NodeError
from tests.nemesis.crew import line_to
from tests.nemesis.history import Toy
from tests.nemesis.proof import now
from tests.nemesis.snippets import COPY, DROP, LOOK, MOVE, REMOVE, SAVE

FAMILY = re.compile(r"(?:^|[/%])([ke]\d+x\d+)")
#: Where a file lies -> what a person may do to it, and how often.
HABITS = {
    "todo": {
        "mv to hold": 5, "mv into a worker's folder": 3, "mv into a lane": 3, "cp to hold": 2, "rm": 1, "cancel": 2,
        "hold": 3, "edit by command": 6,
    },
    "hold": {"mv to todo": 6, "release": 4, "edit": 6, "edit in place": 4, "edit by command": 4, "rm": 1},
    "running": {"mv to todo": 4, "mv to hold": 4, "mv to failed": 2, "cp to todo": 3, "rm": 1, "cancel": 2, "hold": 3},
    "done": {"mv to todo": 5, "requeue": 4},
    "failed": {"mv to todo": 5, "requeue": 4, "edit": 3},
}  # fmt: skip
RARELY = {"a new task": 30, "mv of a batch": 8}
COMMANDS = ("cancel", "hold", "release", "requeue")


class Person:
    """One person and what belongs to it."""

    def __init__(self, node: Node, root: str, python: str, program: str, seed: str) -> None:
        self.node, self.root, self.python, self.program, self.seed = node, root, python, program, seed
        self.random = random.Random(f"{seed}-{node.number}")
        self.batch = f"toys-{node.number}"
        self.toys: dict[str, Toy] = {}
        self.acts: Counter[str] = Counter()
        self.log: list[str] = []  #: every act, for the story of a broken promise
        self._ids = 0

    def act(self) -> None:
        """Look, choose, do one thing."""
        try:
            seen = self.node.python(LOOK, 400, root=self.root, batches=[self.batch])
        except NodeError:
            return
        assert isinstance(seen, list)
        mine = [path for path in seen if (found := FAMILY.search(path)) and found[1] in self.toys]
        kinds = [*RARELY, "a file of mine"]
        kind = self.random.choices(kinds, [*RARELY.values(), 100 if mine else 0])[0]
        if kind == "a new task":
            self.make()
        elif kind == "mv of a batch":
            self.move_batch()
        else:
            self.play(self.random.choice(sorted(mine)))

    def _word(self) -> tuple[str, str]:
        self._ids += 1
        its_id = f"{self.seed}.t{self.node.number}.{self._ids}"
        return f"{int(self.random.choice([0, 0, 300, 2000]))}:100:0:0:{its_id}", its_id

    def _text(self, word: str) -> str:
        return f"command: [{self.program}, '{word}']\nretries: 5\n...\n"

    def make(self) -> None:
        """A new task."""
        letter = self.random.choice("ke")
        name = f"{letter}{self.node.number}x{len(self.toys)}"
        word, its_id = self._word()
        self.toys[name] = Toy([its_id])
        self._do("new", self.toys[name], DROP, files={f"{self.batch}/{name}": self._text(word)}, in_place=False)

    def move_batch(self) -> None:
        """A whole batch folder to hold/ or back; never onto one that is there."""
        source, target = self.random.choice([("todo", "hold"), ("hold", "todo")])
        for toy in self.toys.values():
            toy.touched += 1
        self._do("mv of a batch", None, MOVE, old=f"{source}/{self.batch}", new=f"{target}/{self.batch}")

    def play(self, path: str) -> None:
        """One of the things that people do to a file where it lies."""
        found = FAMILY.search(path)
        assert found
        name, state = found[1], path.partition("/")[0]
        unfit = ("cp to todo", "cp to hold", "rm") if name[0] == "e" else ("edit", "edit in place", "edit by command")
        habits = {what: weight for what, weight in HABITS[state].items() if what not in unfit}
        what = self.random.choices(list(habits), list(habits.values()))[0]
        toy = self.toys[name]
        toy.touched += 1
        file = path.rpartition("/")[2]
        if what in COMMANDS:
            self._command(what, name)
        elif what == "rm":
            toy.excused = True
            self._do(what, toy, REMOVE, old=path)
        elif what == "edit by command":
            self._edit_by_command(name)
        elif what.startswith("edit"):
            self._edit(what, toy, path)
        else:
            self._do(what, toy, COPY if what[:2] == "cp" else MOVE, old=path, new=self._target(what, state, file))

    def _target(self, what: str, state: str, file: str) -> str:
        if what == "mv into a worker's folder":
            workers = self.node.python("os.listdir(f'{root}/running')", 400, root=self.root)
            assert isinstance(workers, list)
            return f"running/{self.random.choice(sorted(workers) or ['nobody'])}/{file}"
        if what == "mv into a lane":
            return f"todo/@p{self.random.choice([-5, 10])}/{self.batch}/{file}"
        where = what.rpartition(" ")[2]
        return f"{where}/{file}" if state == "running" else f"{where}/{self.batch}/{file}"

    def _edit(self, what: str, toy: Toy, path: str) -> None:
        word, its_id = self._word()
        toy.ids.append(its_id)
        in_place = what == "edit in place"
        self._do(what, toy, SAVE, old=path, text=self._text(word), in_place=in_place)

    def _edit_by_command(self, name: str) -> None:
        """`dsgspool edit`: the new text is the task's when its name is printed; without an answer it may be or not."""
        toy = self.toys[name]
        _, its_id = self._word()
        outcome = self._command("edit", name, "--sed", f"s/:{re.escape(toy.ids[-1])}'/:{its_id}'/", "--yes")
        is_known = outcome.startswith("exit code 0:")
        if not is_known or f"\n{self.batch}/{name}\n" in outcome:
            toy.ids.append(its_id)
            toy.excused |= not is_known

    def _do(self, what: str, toy: Toy | None, program: str, **values: object) -> None:
        """What has no answer, or an error, may have happened or not; an editor's save may have left anything."""
        self.acts[what] += 1
        began, outcome = now(), "ok"
        try:
            outcome = str(self.node.python(program, 400, root=self.root, **values))
        except NodeError as error:
            outcome = str(error)
            if toy and what in ("new", "edit", "edit in place"):
                toy.excused = True
        told = {key: value for key, value in values.items() if key in ("old", "new", "text", "in_place")}
        self.log.append(f"{began:.3f} to {now():.3f}  {what} {told or values.get('files')}: {outcome}")

    def _command(self, what: str, name: str, *more: str) -> str:
        """What came of it: `exit code N:`, and what was printed."""
        self.acts[" ".join([what, *more[:1]])] += 1
        began = now()
        words = [self.python, "-m", "dsgspool", what, f"{self.batch}/{name}", *more]
        try:
            answer = self.node.run(*words, seconds=400, check=False, env={"DSGSPOOL_SPOOL": self.root})
            outcome = f"exit code {answer.code}:\n{answer.out}{answer.err}"
        except NodeError as error:
            outcome = str(error)
        self.log.append(f"{began:.3f} to {now():.3f}  {what} {self.batch}/{name}: {outcome}")
        return outcome


class People:
    """A person on every node."""

    def __init__(self, ground: Ground, root: str, program: str, seed: str, every: float) -> None:
        self.every = every
        self.everyone = [Person(line_to(node), root, ground.python, program, seed) for node in ground.nodes[1:]]
        self.over = threading.Event()
        self._threads = [threading.Thread(target=self._live, args=(person,)) for person in self.everyone]

    def start(self) -> None:
        """From now on."""
        for thread in self._threads:
            thread.start()

    def _live(self, person: Person) -> None:
        while not self.over.wait(person.random.expovariate(1 / self.every)):
            with contextlib.suppress(NodeError):  # the node is off just then
                person.act()
        person.node.close()

    def join(self) -> None:
        """End; what hangs on a share is waited for, so heal first."""
        self.over.set()
        for thread in self._threads:
            thread.join()

    @property
    def toys(self) -> dict[str, Toy]:
        """All that they played with."""
        return {name: toy for person in self.everyone for name, toy in person.toys.items()}

    def log(self, name: str) -> list[str]:
        """What was done to a task, by what its name begins with everywhere."""
        return [line for person in self.everyone for line in person.log if name in line or " mv of a batch " in line]

    @property
    def acts(self) -> Counter[str]:
        """How often who did what."""
        return sum((person.acts for person in self.everyone), Counter())
