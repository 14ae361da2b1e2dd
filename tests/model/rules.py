"""Every rule of the protocol that the model can take away, and the smallest bound at which its absence shows.

The rule: a rule is a word that the model asks for (`has`); `breaks` is the promise that is broken without it, '' when the
model finds nothing at that bound, and then `why` says what catches it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.model.bounds import Bounds


@dataclass(frozen=True)
class Rule:
    """A rule, where docs/spool-format.md states it, and what happens without it."""

    name: str
    where: str
    text: str
    bounds: str
    breaks: str
    with_also: str = ""  #: other rules to be taken away with it
    why: str = ""
    size: str = "small"  #: small: part of `pytest -m model`; large: `--all --hours`

    @property
    def off(self) -> frozenset[str]:
        """What is taken away."""
        return frozenset({self.name, *filter(None, self.with_also.split(","))})


PRUNED = "old=A,files=,drops=AA,retries=0,prune=1"  #: a finished task is pruned while two new files of its name come
KILLED = "old=A,files=,drops=A,retries=0,prune=2,pcrash=1"  #: a prune is killed; a new file of the name; the next prune
RULES = (
    Rule("R1", "R1", "a submitter lists its folder instead of believing an error", "submit=1,lost=1", "I1"),
    Rule(
        "R2",
        "R2",
        "the own folder is the truth: what it lists and memory does not know is a late claim",
        "late=1",
        "I6",
    ),
    Rule("R3", "R3", "claimers leave names with `@`", "human=1", "I3"),
    Rule("excl", "7 Start", "record N is made with O_EXCL", "drops=A", "I2"),
    Rule(
        "alive",
        "7 Start",
        "a record is alive until it has its end or its writer is dead; folders say nothing",
        "drops=A,human=1",
        "I2",
    ),
    Rule(
        "sequence",
        "7 Start",
        "before N > 1, record N-1 must be there and over (with `count` away too)",
        "drops=A,crash=1,restart=1",
        "I5",
        with_also="count",
    ),
    Rule(
        "count",
        "11",
        "a claim that was lost before it made a record counts nothing",
        "drops=A,crash=1",
        "",
        why="`sequence` catches it: a name whose counts are too high starts at the first free record all the same",
    ),
    Rule(
        "kill-first", "7 Start", "who gives an attempt up kills first and then writes the end", "drops=A,human=1", "I2"
    ),
    Rule("mute", "xv", "a record that names no writer is alive for a while", "drops=A", "I2"),
    Rule("mute-lease", "xv", "... until it was unchanged for a lease", "drops=A,human=1", "I2"),
    Rule(
        "one-turn",
        "xv",
        "making a record and signing it are one turn, with no heartbeat between",
        "drops=A,human=1",
        "I2",
    ),
    Rule(
        "mute-claims",
        "xv",
        "... and no claim of the first look is held any more",
        "files=AA,human=1,retries=0",
        "",
        why="a maker that stands still between making and signing for a lease is killed by its guard before that",
    ),
    Rule(
        "mute-any",
        "xv",
        "only claims of the first look count, not any file of the name",
        "files=AA,crash=1,retries=0",
        "",
        why="two files can always wait for each other once more, but need not: I6 asks for a way out, not for an end",
    ),
    Rule("tokens", "3", "names that a program gives back carry a fresh token", "drops=A", "I4"),
    Rule(
        "strip-token", "11", "taking `@` off gives a name with a token, never the plain name", "drops=A,human=1", "I4"
    ),
    Rule("strip-all", "11", "`@` is taken off in failed/ and done/ too", "human=1", "I6"),
    Rule("lost-token", "3", "`~lost` and `~cancelled` carry a token", "drops=A,human=2", "I4"),
    Rule(
        "read-record", "i, 11", "who takes over reads the record of that claim and goes by its `next`", "crash=1", "I3"
    ),
    Rule("resweep", "11", "a dead worker's folder is swept again and again", "crash=1", "I6"),
    Rule("self-fence", "8", "the guard kills a silent worker and its command before the lease is over", "part=1", "I2"),
    Rule(
        "kill-all",
        "xix",
        "the guard kills all that is below it, not only its child, until the worker is gone",
        "part=1",
        "I2",
    ),
    Rule("subreaper", "8", "the guard is a child subreaper: what leaves its session is found", "crash=1", "I2"),
    Rule("tomb-last", "8", "the tombstone is written when nothing is left", "crash=1", "I2"),
    Rule("pdeathsig", "8", "a worker whose guard dies kills its command and ends", "guard=1,part=1", "I2"),
    Rule(
        "guard-proof",
        "vi",
        "proof on the same machine asks for the guard's death too",
        "hosts=same,crash=1,hidden=1",
        "I2",
    ),
    Rule("kill-left", "9.2", "what carries the claim of the dead is killed first", "hosts=same,both=1", "I2"),
    Rule(
        "look-again",
        "9.2, xxx",
        "... and it is dead when the next look finds nothing more of it, not when the signal was sent",
        "hosts=same,both=1",
        "I2",
    ),
    Rule(
        "worker-proof",
        "9.2",
        "proof on the same machine asks for the worker's own death too, not only for its guard's",
        "hosts=same,guard=1,part=1,hidden=1",
        "I2",
    ),
    Rule("lock-free", "9.2", "... and for a free lock", "hosts=same,unseen=1", "I2"),
    Rule("same-namespace", "9.2", "... and for the same pid namespace", "hosts=containers,crash=1", "I2"),
    Rule("same-boot", "9.2", "... and for the same boot id", "hosts=clones,crash=1", "I2"),
    Rule(
        "same-machine",
        "9.2",
        "... and for the same host name and machine-id",
        "crash=1",
        "",
        why="`same-boot` catches it: no two machines have one boot id",
    ),
    Rule("start-time", "9.2, vi", "a process is known by pid and start time", "hosts=same,both=1,reuse=1", "I2"),
    Rule("boot-no-proof", "xiii", "another boot id proves no death", "hosts=clones", "I2"),
    Rule("boot-still", "xiii", "... not even when the heart has stood still for 2 H", "hosts=clones,part=1", "I2"),
    Rule("fresh-look", "x", "who is not in workers/ is dead only after a fresh look", "away=1,restart=1", "I2"),
    Rule("lock-known", "xviii", "a WID with a lock file is known", "rmyaml=1", "I2"),
    Rule("promised-lease", "xvii", "nobody is silent sooner than the lease that it started with", "retime=1", "I2"),
    Rule("fence-proof", "xiv", "WID.fenced proves a death to everybody", "workers=3,leader=1,power=1", "I6"),
    Rule("heed", "xiv", "a worker that finds its own WID.dead or WID.fenced stops", "touch=1", "I2"),
    Rule(
        "prune-lock",
        "iii",
        "prune makes the next record of the name first",
        "old=A,files=,drops=AA,retries=0,prune=1",
        "I2",
    ),
    Rule(
        "look-back",
        "ix",
        "who made record N > 1 looks once more at N-1",
        "old=A,files=,drops=AA,retries=0,prune=1",
        "I2",
    ),
    Rule(
        "look-back-over",
        "xxi",
        "... and asks whether it is over, not only whether it is there",
        "old=A,files=,drops=AA,retries=0,prune=1",
        "I2",
        with_also="look-back-all",
    ),
    Rule(
        "look-back-all",
        "xxi",
        "... and looks at all records before it, not only at N-1",
        "old=A,files=,drops=AA,retries=0,prune=1",
        "I2",
    ),
    Rule(
        "prune-order",
        "iii",
        "prune removes records from 1 upwards, its own last",
        "old=A,files=,drops=AA,retries=0,prune=1",
        "I2",
    ),
    Rule(
        "prune-fresh",
        "x",
        "prune too takes nobody for dead by an old listing of workers/",
        f"{PRUNED},human=1,moves=running>todo,away=1,restart=1",
        "I2",
        size="large",
    ),
    Rule("prune-mute", "xxiii", "to prune, a record that names no writer is over when it is old", KILLED, "I6"),
    Rule("prune-resume", "xxiii", "prune picks what a killed one began, though no file of it is left", KILLED, "I6"),
    Rule(
        "prune-recheck",
        "iii, xxii",
        "with the name locked, prune looks once more whether the file is the old one",
        "old=A,files=,drops=A,retries=0,prune=1",
        "I4",
    ),
)
BY_NAME = {rule.name: rule for rule in RULES}


@dataclass(frozen=True)
class Intact:
    """A bound at which nothing is taken away.  `breaks`: what is broken all the same, because `note` is not promised."""

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
    Intact("files=AB,crash=1", "two tasks"),
    Intact("files=AB,crash=1,late=1,retries=0", "two tasks, a late call"),
    Intact("back=1,crash=1,backoff=1", "lanes, files given back, retries that wait"),
    Intact("submit=1,lost=1,late=1,crash=1", "submission with lost replies"),
    Intact("touch=1,drops=A", "an operator declares a living worker dead"),
    Intact("rmyaml=1,retime=1,crash=1", "WID.yaml removed, times changed"),
    Intact("dup=1", "a rename executed twice, no new file of that name"),
    Intact(PRUNED, "prune, two new files of the name"),
    Intact(KILLED, "prune is killed, a new file of the name, the next prune"),
    Intact(
        "hosts=same,unseen=1,crash=1",
        "not kept: users who cannot see each other's processes, and whose locks the other may open",
        "I2",
    ),
    Intact("both=1", "not promised (13): worker and guard killed together, nobody else on the node", "I2"),
    Intact(
        "dup=1,drops=A", "not promised (13): a rename executed again after a new file of that plain name came", "I4"
    ),
    Intact("crash=1,restart=1,drops=A", "", size="large"),
    Intact("human=1,drops=A", "", size="large"),
    Intact("human=2", "", size="large"),
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
