"""Bounds of the whole protocol, nothing taken away.

The rule: what is promised is kept at each of them.  One that breaks all the same says in `note` whether that is not promised,
or promised and not kept (docs/model.md tells how).
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.model.bounds import Bounds
from tests.model.rules import BATCH, KILLED, PRUNED, WAITS


@dataclass(frozen=True)
class Intact:
    """A bound at which nothing is taken away.  `breaks`: what is broken all the same, see `note`."""

    bounds: str
    note: str = ""
    breaks: str = ""
    size: str = "small"  #: small: part of `pytest -m model`; large: `--all --hours`

    @property
    def parsed(self) -> Bounds:
        """The bound itself."""
        return Bounds.parse(self.bounds)


INTACT = (
    Intact("crash=1,drops=A", "two files of one name"),
    Intact("human=1,crash=1", "people move, copy and remove"),
    Intact("human=2", "... twice"),
    Intact("human=2,moves=running>hold+hold>todo,crash=1", "a running task is parked and released"),
    Intact("human=2,moves=running+todo>hold,crash=1", "a copy of a running task is parked"),
    Intact("late=1,human=1", "people, and calls that come late"),
    Intact("part=1,human=1", "a cut-off node"),
    Intact("late=1,crash=1,restart=1", "calls that come late"),
    Intact("late=1,drops=A", "... with two files of one name"),
    Intact("guard=1,part=1", "a guard dies, its node is cut off"),
    Intact("power=1,restart=1", "power loss and a new start"),
    Intact("hosts=clones,part=1", "clones with one machine-id, one of them cut off"),
    Intact("hosts=same,crash=1,both=1,retries=0", "two workers on one machine, worker and guard killed"),
    Intact("hosts=same,guard=1,part=1,hidden=1", "... a lock that is lost, a guard that is killed"),
    Intact("hosts=same,both=1,reuse=1", "... a pid that is given again"),
    Intact("hosts=containers,crash=1,part=1", "two workers in containers of one machine"),
    Intact("hosts=same,unseen=1,crash=1", "two users on one machine, whose /proc hides the processes of others"),
    Intact("files=AB,crash=1", "two tasks"),
    Intact("files=AB,crash=1,late=1,retries=0", "two tasks, a late call"),
    Intact(f"{WAITS},crash=1,human=1", "a task that waits for another"),
    Intact(f"{WAITS},crash=1,late=1", "... with a late call"),
    Intact(f"{WAITS},human=2,moves=running+todo>after-A", "... and a copy of a running one, claim and all, beside it"),
    Intact(BATCH, "a task that waits for a batch, of which one fails once"),
    Intact("back=1,crash=1,backoff=1", "lanes, files given back, retries that wait"),
    Intact("submit=1,lost=1,late=1,crash=1", "submission with lost replies"),
    Intact("touch=1,drops=A", "an operator declares a living worker dead"),
    Intact("rmyaml=1,retime=1,crash=1", "WID.yaml removed, times changed"),
    Intact("dup=1", "a rename executed twice, no new file of that name"),
    Intact(PRUNED, "prune, two new files of the name"),
    Intact(KILLED, "prune is killed, a new file of the name, the next prune"),
    Intact(f"{BATCH},retries=2", "not promised (xxxvi): ... fails twice, each time within one of the two looks", "I7"),
    Intact("both=1", "not promised (13): worker and guard killed together, nobody else on the node", "I2"),
    Intact(
        "dup=1,drops=A", "not promised (13): a rename executed again after a new file of that plain name came", "I4"
    ),
    Intact("crash=1,restart=1,drops=A", "", size="large"),
    Intact("human=1,drops=A", "", size="large"),
    Intact("power=1,restart=1,drops=A", "", size="large"),
    Intact("guard=1,part=1,drops=A", "", size="large"),
    Intact("files=AB,crash=1,human=1", "", size="large"),
    Intact("crash=2,restart=1", "", size="large"),
    Intact("crash=1,human=1,back=1", "", size="large"),
    Intact("crash=1,human=1,prune=1,pcrash=1", "", size="large"),
    Intact(f"{PRUNED},pcrash=1", "", size="large"),
    Intact("old=A,files=,drops=AA,retries=0,prune=2,pcrash=1", "", size="large"),
    Intact("old=A,files=A,drops=A,prune=1", "", size="large"),
    Intact("hosts=same,crash=1,both=1,restart=1", "", size="large"),
    Intact("workers=3,crash=1,files=AA,retries=0", "three workers, two files of one name", size="large"),
)
