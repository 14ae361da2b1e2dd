"""Workers without processes: the real folder, claims, records, janitor and lease; a command is an entry in a set.

The rule: an `Actor` takes the same steps as the worker, one at a time, so that a test can put anything between two of
them: another worker, a person, a crash.  `World` knows what was accepted, what runs, what ended, and what must hold.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from dsgspool import names
from dsgspool.errors import InvalidName
from dsgspool.janitor import Janitor
from dsgspool.lease import Lease, Peers, Times, dump_identity
from dsgspool.proc import Identity
from dsgspool.records import record_is_over
from dsgspool.spool import FOLDERS, Spool
from dsgspool.spool.chain import Begun, Busy, Chain, next_line, next_of
from dsgspool.spool.moves import Moves, Place, park, target_of
from dsgspool.spool.own import Held, OwnFolder, Text
from dsgspool.spool.scan import Look
from dsgspool.task import Decision, Kind, Outcome, Retry, State, decide
from tests.support.doors import ClockedFs, Crash, FakeClock, LossyFs, files_below

TIMES = Times(heartbeat=5.0, fence=25.0, kill=10.0, lease=47.0)
STATES = ("todo", "waiting", "hold", "running", "done", "failed")
_VERSION = re.compile(r"# (v[0-9]+)")


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass
class Work:
    """One file of an actor.  stage: claimed, made (its record is empty), begun, running, leaving."""

    held: Held
    version: str
    stage: str = "claimed"
    begun: Begun | None = None
    decision: Decision | None = None
    target: str = ""

    @property
    def key(self) -> tuple[str, int, str]:
        assert self.begun is not None
        return self.held.name.identity, self.begun.attempt, self.held.claim


class World:
    """A spool, its clock, and what is known of every version of every task."""

    def __init__(self, root: str, retries: int = 1) -> None:
        self.root, self.retries = root, retries
        self.clock = FakeClock()
        for folder in FOLDERS:
            os.makedirs(f"{root}/{folder}")
        with open(f"{root}/spool.yaml", "w") as file:
            file.write("format: 1\n")
        self.fs = LossyFs(self.clock, on_rename=self.on_rename)
        self.spool = Spool(root, self.fs, self.clock)
        self.accepted: set[str] = set()
        self.gone: set[str] = set()
        self.ran: set[str] = set()
        self.succeeded: set[str] = set()
        self.finished: set[str] = set()  #: ended for good, and nobody asked for it since
        self.running: set[tuple[str, int, str]] = set()
        self.begun: set[tuple[str, int]] = set()
        self.actors: list[Actor] = []
        self._versions = self._incarnations = self._words = 0

    def word(self, _length: int = 8) -> str:
        """What stands in for random characters, so that a failed example fails again."""
        self._words += 1
        return letters(32**7 + self._words)  # never those of a worker

    # -- tasks ---------------------------------------------------------------------------------------------------

    def text(self) -> bytes:
        """A new version of a task."""
        self._versions += 1
        return f"command: 'true' # v{self._versions}\n...\n".encode()

    def accept(self, text: bytes) -> None:
        self.accepted.add(version_of(text.decode()))

    def version(self, path: str) -> str:
        with open(path) as file:
            return version_of(file.read())

    def where(self) -> dict[str, list[str]]:
        """Version -> the places where it lies."""
        found: dict[str, list[str]] = {}
        for path in [*files_below(self.root, STATES), *self.taken_out()]:
            found.setdefault(self.version(f"{self.root}/{path}"), []).append(path)
        return found

    def taken_out(self) -> list[str]:
        """What an `edit` has taken out, or has to put back in the place of what it took out."""
        folders = [folder for folder in files_below(self.root, ["edits"]) if ".open/" in folder]
        replaced = {path.replace("/old/", f"/{s}/") for path in folders if "/old/" in path for s in ("new", "afresh")}
        return [path for path in folders if "/out/" in path or path in replaced]

    def drop(self, name: str) -> None:
        """A person's cp: it may replace an unclaimed file of that very name."""
        text, target = self.text(), f"{self.root}/todo/{name}.yaml"
        if os.path.exists(target):
            self.gone.add(self.version(target))
        with open(f"{self.root}/tmp/.drop", "wb") as file:
            file.write(text)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.rename(f"{self.root}/tmp/.drop", target)
        self.accept(text)

    # -- actors --------------------------------------------------------------------------------------------------

    def worker(self, fs: ClockedFs | None = None) -> Actor:
        """A new incarnation."""
        self._incarnations += 1
        actor = Actor(self, f"n{self._incarnations % 3}-{letters(self._incarnations)}", fs or self.fs)
        self.actors.append(actor)
        return actor

    @property
    def living(self) -> list[Actor]:
        return [actor for actor in self.actors if actor.alive]

    def crash(self, actor: Actor, *, tombstone: bool = True) -> None:
        """The worker is gone, its guard has killed what it ran, and says so."""
        actor.alive = False
        actor.lease.release()
        self.running = {key for key in self.running if not key[2].startswith(f"{actor.wid}.")}
        for work in actor.work.values():
            if work.begun is not None and work.stage != "leaving":
                close_quietly(work.begun.descriptor)
        actor.work.clear()
        if tombstone:
            self.bury(actor)

    def bury(self, actor: Actor) -> None:
        path = f"{self.root}/workers/{actor.wid}.dead"
        if os.path.exists(f"{self.root}/workers/{actor.wid}.yaml") and not os.path.exists(path):
            with open(path, "x"):
                pass

    def pass_time(self, seconds: float) -> None:
        """Time in which the living beat and look at each other."""
        while seconds > 0:
            self.clock.advance(min(4.0, seconds))
            seconds -= 4.0
            for actor in self.living:
                actor.beat()
                if self.clock.boot() - actor.lease.beat_at > TIMES.fence:
                    self.crash(actor)  # its guard

    # -- what must hold ------------------------------------------------------------------------------------------

    def on_rename(self, source: str, target: str) -> None:
        """I4: no rename may replace what is still wanted."""
        if os.path.isdir(source) or not os.path.exists(source) or source == target:
            return
        mine = self.version(source)
        if (
            source.startswith(f"{self.root}/edits/") and "/old/" in target
        ):  # an edit: the new text stands for the old one
            self.gone.add(mine)
            drafts = [target.replace("/old/", f"/{stage}/") for stage in ("new", "afresh")]
            self.accepted.update(self.version(draft) for draft in drafts if os.path.exists(draft))
        if target.startswith(f"{self.root}/done/") and mine not in self.succeeded:
            raise Violation(f"{mine} goes to done/ although no attempt of it succeeded: {source} -> {target}")
        if os.path.exists(target):
            other = self.version(target)
            if not target.startswith((f"{self.root}/done/", f"{self.root}/failed/")) or other not in self.ran:
                raise Violation(f"I4: {other} in {target} is overwritten by {mine} from {source}")
            self.gone.add(other)

    def starts(self, work: Work) -> None:
        """I2, I3: a command starts."""
        identity = work.held.name.identity
        if others := [key for key in self.running if key[0] == identity]:
            raise Violation(f"I2: {work.key} starts while {others} runs")
        if work.version in self.finished:
            raise Violation(f"I3: {work.version} of {identity} had ended for good, nobody asked, and it runs again")
        self.running.add(work.key)
        self.ran.add(work.version)

    def begins(self, identity: str, attempt: int) -> None:
        """I5: a record is made."""
        if (identity, attempt) in self.begun:
            raise Violation(f"I5: attempt {attempt} of {identity} began twice")
        self.begun.add((identity, attempt))

    def check(self) -> None:
        """I1: nothing accepted is lost, nothing is doubled."""
        where = self.where()
        if lost := self.accepted - self.gone - set(where):
            raise Violation(f"I1: lost {sorted(lost)}; there is {where}")
        if twice := {version: paths for version, paths in where.items() if len(paths) > 1}:
            raise Violation(f"doubled {twice}")

    # -- to the end ----------------------------------------------------------------------------------------------

    def settle_down(self, rounds: int = 40) -> None:
        """Everything comes to rest by the work of the living and time alone (I6); at least one must live."""
        for _ in range(rounds):
            for actor in list(self.living):
                actor.do_everything()
            self.check()
            if self.is_at_rest():
                return
            self.pass_time(32.0)
        raise Violation(f"I6: it does not come to rest: {files_below(self.root, STATES)}, running {self.running}")

    def is_at_rest(self) -> bool:
        """Nothing to do, and every name is bare; only a copy that a person made may carry a living owner's claim on."""
        left = files_below(self.root, STATES)
        busy = self.running or any(actor.work for actor in self.living) or self.taken_out()
        bare = [path for path in left if not any(f"@{actor.wid}." in path for actor in self.living)]
        bare += [path for path in left if not path.startswith(("hold/", "failed/"))]
        return not busy and all(path.startswith(("done/", "failed/", "hold/")) and "@" not in path for path in bare)


class Actor:
    """One worker incarnation, step by step."""

    def __init__(self, world: World, wid: str, fs: ClockedFs) -> None:
        self.world, self.wid, self.alive = world, wid, True
        self.spool = Spool(world.root, fs, world.clock)
        self.fs = fs
        self.own = OwnFolder(self.spool, wid)
        fs.make_folder(self.own.path, exclusive=True)
        self.lease = Lease(fs, world.clock, self.spool.workers, wid)
        self.lease.acquire()
        me = Identity(wid.partition("-")[0], wid, "boot", "pid", 1, 1)
        fs.create_whole(f"{self.spool.workers}/{wid}.yaml", dump_identity(wid, me, {}))
        self.peers = Peers(fs, world.clock, self.spool.workers, lambda: TIMES, me, wid)
        self.peers.refresh()
        self.told: list[tuple[str, str]] = []
        self.janitor = Janitor(self.spool, self.peers, wid, self.lease.server, self.tell)
        self.moves: Moves = self.janitor.moves
        self.chain = Chain(self.spool, self.peers.is_dead, lambda: TIMES.lease)
        self.work: dict[str, Work] = {}

    def tell(self, event: str, text: str = "", **_facts: object) -> None:
        self.told.append((event, text))

    def beat(self) -> None:
        """Not between making a record and signing it: that is one step of one thread, and the guard watches it."""
        if any(work.stage == "made" for work in self.work.values()):
            return
        self.lease.beat()
        self.peers.refresh()
        for wid in self.peers.living():
            if wid != self.wid:
                self.peers.watch(wid)

    # -- one task ------------------------------------------------------------------------------------------------

    def candidates(self) -> list[str]:
        return Look(self.spool, 4).take().candidates

    def claim(self, path: str) -> Work | None:
        """Rename, list, read."""
        return self.take_in(self.own.claim(path))

    def take_in(self, held: Held) -> Work | None:
        inode = self.own.listing().get(held.file)
        text = self.own.read(held, inode) if inode is not None else None
        if not isinstance(text, Text):
            return None
        work = self.work[held.file] = Work(held, version_of(text.data.decode()))
        return work

    def make(self, work: Work) -> Begun | Busy:
        """The record that is the lock on the name."""
        got = self.chain.begin(work.held.name)
        if isinstance(got, Busy):
            self.send(work, Decision(State.WAITING, budget=work.held.name.budget, delay=30.0))
            return got
        work.stage, work.begun = "made", got
        self.world.begins(work.held.name.identity, got.attempt)
        return got

    def sign(self, work: Work) -> None:
        """Who made it."""
        assert work.begun is not None
        head = f"task: {work.held.name.identity}\nclaim: {work.held.claim}\n"
        self.fs.append(work.begun.descriptor, head.encode())
        work.stage = "begun"

    def begin(self, work: Work) -> Begun | Busy:
        got = self.make(work)
        if isinstance(got, Begun):
            self.sign(work)
        return got

    def start(self, work: Work) -> None:
        work.stage = "running"
        self.world.starts(work)

    def end(self, work: Work, outcome: Outcome) -> None:
        """The command is over: what follows, then the end of the record."""
        self.world.running.discard(work.key)
        if outcome.kind is Kind.DONE:
            self.world.succeeded.add(work.version)
        decision = decide(outcome, work.held.name.budget, Retry(self.world.retries))
        decision = decision and park(self.spool, work.held.name, decision)
        assert work.begun is not None
        end = f"outcome: {outcome.tag}\nnext: {next_line(decision)}\n...\n"
        self.fs.append(work.begun.descriptor, end.encode())
        is_mine = os.path.exists(f"{self.own.path}/{work.held.file}")  # else a person has asked for something else
        if is_mine and decision is not None and decision.state in (State.DONE, State.FAILED):
            self.world.finished.add(work.version)
        self.fs.close(work.begun.descriptor)
        if decision is None:
            del self.work[work.held.file]
            self.strip(work.held)
        else:
            self.send(work, decision)

    def send(self, work: Work, decision: Decision) -> None:
        work.stage, work.decision = "leaving", decision
        work.target = target_of(self.spool, work.held.name, decision, self.own.token(), self.lease.server.now())

    def publish(self, work: Work) -> bool:
        """R1: rename, list; absent = out."""
        number = self.own.give(work.held, work.target)
        if work.held.file in self.own.listing():
            return False
        del self.work[work.held.file]
        if number:
            self.strip(work.held)
        self.tell_waiters(work)
        return True

    def tell_waiters(self, work: Work) -> None:
        """Who waits for it, or what it waits for, is to be looked at (worker/sorting.py)."""
        assert work.decision is not None
        if work.decision.after:
            self.janitor.waiters.filed(work.decision.after)
        elif work.decision.state in (State.DONE, State.FAILED):
            self.janitor.waiters.published(work.held.name.identity)

    def wake(self, *, leading: bool = False) -> None:
        """All turns that a worker's loop gives to what waits for tasks."""
        self.janitor.waiters.turn(leading=leading)
        while self.janitor.waiters.next_moment() <= self.world.clock.boot():
            self.janitor.waiters.turn(leading=leading)

    # -- agreement with the folders (worker/agreement.py, step by step) ------------------------------------------

    def strip(self, held: Held) -> None:
        self.janitor.strays.want(held.claim)
        self.walk()

    def walk(self) -> None:
        """All turns that a worker's loop gives to names with a claim that is over."""
        while self.janitor.strays.next_moment() <= self.world.clock.boot():
            self.janitor.strays.turn()

    def react(self) -> None:
        """R2: what I know and the folder does not list was taken away; what it lists and I do not know came late."""
        listed = set(self.own.listing())
        for file, work in list(self.work.items()):
            if file not in listed and work.stage == "running":
                self.end(work, Outcome(Kind.REVOKED))
            elif file not in listed and work.stage == "claimed":
                del self.work[file]
                self.strip(work.held)
        for file in sorted(listed - set(self.work)):
            if not names.is_ignored(file):
                self.meet(file)

    def meet(self, file: str) -> None:
        """An unknown file in my folder."""
        try:
            name = names.parse_flat(file)
        except InvalidName:
            return
        if name.claim and name.claim.wid != self.wid and not self.peers.is_dead(name.claim.wid):
            return
        found = self.chain.of_claim(name) if name.claim else None
        decision = next_of(found[1]) if found and record_is_over(found[1]) else None
        if decision is None:
            self.take_in(self.own.adopt(file))
        else:
            work = self.work[file] = Work(Held(name), self.world.version(f"{self.own.path}/{file}"))
            self.send(work, decision)

    def heed(self) -> None:
        """My claims that lie in todo/."""
        for path, name in Look(self.spool, 4).take().held:
            if name.claim is None or name.claim.wid != self.wid:
                continue
            place = Place(State.TODO, path, name)
            if name.flat in self.own.listing():
                self.moves.park_copy(place)
            elif name.flat not in self.work:
                self.moves.strip(place)

    def sweep(self) -> None:
        """A janitor's round."""
        self.peers.refresh()
        self.janitor.leadership.leads()
        self.janitor.due()
        self.janitor.bury()
        self.janitor.sweep()
        self.janitor.strays.patrol()
        self.walk()
        self.wake(leading=True)

    # -- all of it -----------------------------------------------------------------------------------------------

    def advance(self, work: Work, outcome: Outcome) -> None:
        """The next step of one file."""
        match work.stage:
            case "claimed":
                self.make(work)
            case "made":
                self.sign(work)
            case "begun":
                self.start(work)
            case "running":
                self.end(work, outcome)
            case _:
                self.publish(work)

    def do_everything(self) -> None:
        """Work until there is nothing to do just now."""
        self.react()
        self.heed()
        self.sweep()
        for path in self.candidates():
            self.claim(path)
        for _ in range(6):
            for work in list(self.work.values()):
                self.advance(work, Outcome(Kind.DONE, 0))
            self.react()


def letters(number: int) -> str:
    """A number as 8 base32 characters."""
    word = ""
    for _ in range(8):
        number, rest = divmod(number, 32)
        word = names.ALPHABET[rest] + word
    return word


def version_of(text: str) -> str:
    found = _VERSION.search(text)
    return found[1] if found else "?"


def close_quietly(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        return


__all__ = ["STATES", "TIMES", "Actor", "Crash", "Violation", "Work", "World"]
