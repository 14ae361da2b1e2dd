"""How far a search goes: who is there, which faults may happen and how often.

The rule: a bound is a small number in a text like `crash=1,drop=A`; the same text gives the same search everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

#: fault -> what it is; each has a budget of its own
FAULTS = {
    "crash": "kill -9 of a worker, also while a call of it is on its way",
    "guard": "kill -9 of a guard",
    "both": "kill -9 of worker and guard together (section 13 excludes it where nobody else is on the node)",
    "power": "a node loses power: worker, guard and command are gone at once",
    "part": "a node is cut off from the share",
    "late": "a call of a living worker hangs, its caller goes on by the listing, the server executes it later",
    "lost": "the reply to a call that was executed is lost",
    "dup": "the server executes a rename a second time, later",
    "human": "a person moves, copies or removes a file",
    "back": "a worker gives a claimed file back: no free slot, or into a lane",
    "prune": "a person runs prune",
    "pcrash": "prune is killed",
    "restart": "a node starts its worker again: a new WID",
    "touch": "an operator makes WID.dead by hand",
    "rmyaml": "somebody removes workers/WID.yaml",
    "retime": "somebody shortens the times in spool.yaml",
    "reuse": "the pid of a dead worker or guard is given to another process",
}


@dataclass(frozen=True)
class Bounds:
    """Who is there.  `old`: names that are done already, with one record; `files`: names submitted; `drops`: names that a
    person drops into todo/ later.  Each letter is a file of its own."""

    workers: int = 2
    old: str = ""
    files: str = "A"
    drops: str = ""
    after: str = ""  #: BA: task B waits for the success of task A; B*: ... of all others
    retries: int = 1
    max_lost: int = 2
    backoff: int = 0  #: 1 = a retry waits in waiting/
    submit: int = 0  #: 1 = submission itself is modelled
    hosts: str = "apart"  #: apart; same (all workers on one machine); clones (machines with one name and machine-id);
    #: containers (on one machine, with one name and machine-id, each with a pid namespace of its own)
    hidden: int = 0  #: 1 = commands clear their environment: their claim cannot be read from /proc
    unseen: int = 0  #: 1 = /proc shows nobody the processes of others: one user for each worker, mounted with hidepid
    moves: str = ""  #: people make only these moves, such as running>todo+todo>hold
    away: int = 0  #: 1 = the last worker begins later (takes from `restart`)
    leader: int = 0  #: 1 = worker 1 leads, claims nothing and watches everybody; the others watch only it
    crash: int = 0
    guard: int = 0
    both: int = 0
    power: int = 0
    part: int = 0
    late: int = 0
    lost: int = 0
    dup: int = 0
    human: int = 0
    back: int = 0
    prune: int = 0
    pcrash: int = 0
    restart: int = 0
    touch: int = 0
    rmyaml: int = 0
    retime: int = 0
    reuse: int = 0

    @classmethod
    def parse(cls, text: str) -> Bounds:
        """Bounds from `crash=1,drops=A`."""
        kinds = {field.name: field.type for field in fields(cls)}
        values: dict[str, int | str] = {}
        for pair in filter(None, text.split(",")):
            key, _, value = pair.partition("=")
            if key not in kinds:
                raise SystemExit(f"no bound is called {key!r}; there are: {' '.join(kinds)}")
            values[key] = value if kinds[key] == "str" else int(value)
        return cls(**values)  # type: ignore[arg-type]

    def __str__(self) -> str:
        plain = Bounds()
        changed = [f.name for f in fields(self) if getattr(self, f.name) != getattr(plain, f.name)]
        return ",".join(f"{name}={getattr(self, name)}" for name in changed) or "(plain)"

    def allows(self, step: tuple) -> bool:
        """Whether people make this move at all: its label names the file and where it goes (nowhere: cp and rm)."""
        if not self.moves:
            return True
        _, file, *target = step[0]
        places = [path[0] if isinstance(path[0], str) else "running" for path in (file, *target)]
        return ">".join(places) in self.moves.split("+")

    def budget(self) -> tuple[int, ...]:
        """The budgets of all faults, and last the number of drops."""
        return (*(getattr(self, fault) for fault in FAULTS), len(self.drops))


INDEX = {fault: i for i, fault in enumerate([*FAULTS, "drop"])}
