"""New tasks, from every node, as long as the faults last.

The rule: what a command printed is accepted; what a command that had no answer or an error left behind may be accepted
or not (`sure` is False); nothing else is ever assumed.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.grounds import Ground, Node, NodeError
from tests.nemesis.crew import line_to
from tests.nemesis.history import Accepted, Sweep
from tests.nemesis.kinds import ITEMS, MOST, RETRIES, is_item, lot, names_of
from tests.nemesis.snippets import DROP


@dataclass(frozen=True, slots=True)
class Mix:
    """Which shares of the tasks live for 0.2 to 5 s, and for one or two leases: only these show a take-over too soon."""

    long: float
    lasting: float
    lease: float


class Words:
    """What tasks are told to do: mostly nothing, some to live for a while, to fail first, to leave a process behind."""

    def __init__(self, seed: str, mix: Mix) -> None:
        self.random, self.mix = random.Random(seed), mix
        self.seed, self.count = seed, 0

    def next(self) -> tuple[str, str]:
        """(word, ID)"""
        self.count += 1
        chance, its_id = self.random, f"{self.seed}.{self.count}"
        life = later = fail = leave = 0
        kind = chance.random()
        if kind < self.mix.lasting:
            life, later = int(1000 * self.mix.lease * chance.uniform(1, 2)), 300
        elif kind < self.mix.lasting + self.mix.long:
            life, later = int(200 * 25 ** chance.random()), int(100 * 10 ** chance.random())
            leave = int(chance.random() < 0.1)
        if chance.random() < 0.02:
            fail = 1
        return f"{life}:{later}:{fail}:{leave}:{its_id}", its_id


class Feeder:
    """Hands in tasks until it has handed in `wanted`; never more than `ahead` that have not run."""

    def __init__(self, ground: Ground, root: str, program: str, seed: str, wanted: int, bulk: int, mix: Mix) -> None:
        self.ground, self.root, self.program = ground, root, program
        self.wanted, self.bulk = wanted, bulk
        self.accepted: dict[str, Accepted] = {}
        self.sweeps: list[Sweep] = []
        self.most: dict[str, int] = {}  #: batch -> how many of it may run at once
        self.submissions = self.unanswered = 0
        self._lock = threading.Lock()
        self._words = {node.number: Words(f"{seed}n{node.number}", mix) for node in ground.nodes[1:]}
        self.over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, ended: Callable[[], int]) -> None:
        """Begin; `ended` says how many have run so far."""
        for node in self.ground.nodes[1:]:
            self._threads.append(threading.Thread(target=self._feed, args=(line_to(node), ended)))
            self._threads[-1].start()

    def join(self) -> None:
        """End; what hangs on a share is waited for, so heal first."""
        self.over.set()
        for thread in self._threads:
            thread.join()

    def is_through(self) -> bool:
        """True when all that was wanted is handed in."""
        return len(self.accepted) >= self.wanted

    def _feed(self, node: Node, ended: Callable[[], int]) -> None:
        turn = 0
        while not self.over.is_set() and not self.is_through():
            if len(self.accepted) - ended() > 2 * self.bulk:
                self.over.wait(0.05)
                continue
            turn += 1
            is_whole = self._submit(node, turn)
            self._submit_one(node, turn, is_whole=is_whole)
            self._drop(node, turn)
            for lot_number in (2 * turn - 1, 2 * turn):
                self._drop_lot(node, lot_number)
        node.close()

    def _submit(self, node: Node, turn: int) -> bool:
        """`dsgspool submit --each-line`, up to a whole bulk; True when it printed every name."""
        words = [self._words[node.number].next() for _ in range(self.bulk)]
        lines = "\n".join(word for word, _ in words)
        batch = f"p{node.number}-{turn}"
        command = f"submit --batch {batch} --retries {RETRIES} --each-line -- {self.program} {{}}"
        script = f"{self.ground.python} -m dsgspool {command} <<'END'\n{lines}\nEND"
        self.submissions += 1
        try:
            answer = node.run(script, seconds=400, check=False, env={"DSGSPOOL_SPOOL": self.root})
            printed = set(answer.out.split())
        except NodeError:
            printed = set()
            self.unanswered += 1
        with self._lock:
            for number, (_, its_id) in enumerate(words):
                name = f"{batch}/{number // 1000:03d}/{number % 1000 + 1:05d}"
                self.accepted[name] = Accepted(name, its_id, name in printed)
            assert printed <= set(self.accepted), printed - set(self.accepted)
        return len(printed) == len(words)

    def _submit_one(self, node: Node, turn: int, *, is_whole: bool) -> None:
        """`dsgspool submit --name`; after a whole batch, when that was accepted."""
        word, its_id = self._words[node.number].next()
        name = f"one{node.number}-{turn}"
        after = ["--after", f"p{node.number}-{turn}/"] if is_whole else []
        words = ["submit", "--name", name, *after, "--retries", str(RETRIES), "--", self.program, word]
        try:
            command = [self.ground.python, "-m", "dsgspool", *words]
            answer = node.run(*command, seconds=400, check=False, env={"DSGSPOOL_SPOOL": self.root})
            sure = answer.out == f"{name}\n"
        except NodeError:
            sure, self.unanswered = False, self.unanswered + 1
        with self._lock:
            self.accepted[name] = Accepted(name, its_id, sure)

    def _drop(self, node: Node, turn: int) -> None:
        """A few files as other programs make them: renamed into place, or written there.  The last waits for the others."""
        words = {f"d{node.number}-{turn}/{number}": self._words[node.number].next() for number in range(3)}
        in_place = turn % 3 == 0
        ending = "" if turn % 2 else "...\n"
        *others, last = words
        after = {last: f"after: [{others[0]}, {{{others[1]}: any}}]\n"}
        files = {
            name: f"command: [{self.program}, '{word}']\nretries: {RETRIES}\n{after.get(name, '')}{ending}"
            for name, (word, _) in words.items()
        }
        try:
            node.python(DROP, 400, root=self.root, files=files, in_place=in_place)
            sure = True
        except NodeError:
            sure, self.unanswered = False, self.unanswered + 1
        with self._lock:
            self.accepted |= {
                name: Accepted(name, its_id, sure, sure or not in_place, tuple(others) if name in after else ())
                for name, (_, its_id) in words.items()
            }

    def _drop_lot(self, node: Node, turn: int) -> None:
        """Tasks of all kinds; now and then their texts are changed while they may be claimed."""
        words = {name: self._words[node.number].next() for name in names_of(node.number, turn)}
        made = lot(self.program, node.number, turn, {name: word for name, (word, _) in words.items()})
        self.most[made.policy] = MOST
        try:
            node.python(DROP, 400, root=self.root, files=made.files, in_place=False)
            sure = True
        except NodeError:
            sure, self.unanswered = False, self.unanswered + 1
        with self._lock:
            for name, (_, its_id) in words.items():
                if is_item(name):
                    self.sweeps.append(Sweep(name, its_id, ITEMS, sure))
                    continue
                # Of a batch that may be there in part nobody knows what its last task waits for.
                after = made.after.get(name, ()) if sure or not name.endswith(".finally") else ()
                tells = {"q": "done", "f": "failed"}.get(name[0], "")
                self.accepted[name] = Accepted(name, its_id, sure, True, after, name.startswith("f"), tells)
        if turn % 2 == 0:
            command = [
                self.ground.python,
                "-m",
                "dsgspool",
                "edit",
                f"{made.policy}/*",
                f"retries={RETRIES + 1}",
                "--yes",
            ]
            with contextlib.suppress(NodeError):  # a text that was changed, or not, is the task all the same
                node.run(*command, seconds=400, check=False, env={"DSGSPOOL_SPOOL": self.root})
