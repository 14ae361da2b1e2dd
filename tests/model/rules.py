"""Every rule of the protocol that the model can take away, and the smallest bound at which its absence shows.

The rule: a rule is a word that the model asks for (`has`); `breaks` is the promise that is broken without it, '' when the
model finds nothing at that bound, and then `why` says what catches it.
"""

from __future__ import annotations

from dataclasses import dataclass


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
WAITS = "files=AB,after=BA,retries=0"  #: B waits for the success of A, which has one attempt
BATCH = "files=AB,old=C,after=B*"  #: B waits for all others: C is done, A fails once and is tried again
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
    Rule(
        "own-look",
        "xxxii",
        "who makes a higher record than the file's name tells of lists its own folder once more",
        "human=2,moves=running>hold+hold>todo",
        "I3",
    ),
    Rule(
        "strip-ended",
        "xxxiii",
        "in hold/ `@` is taken off what has ended, though its owner lives and misses nothing",
        "human=2,moves=running+todo>hold",
        "I6",
    ),
    Rule(
        "claim-looked",
        "xxxix",
        "a claim that may have been carried out and that the own folder does not list is looked for",
        "late=1,human=1,moves=running>failed",
        "I6",
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
    Rule(
        "hidden-user",
        "9.2, xl",
        "... and for a /proc that shows the other's processes",
        "hosts=same,unseen=1,crash=1",
        "I2",
    ),
    Rule(
        "lock-free",
        "9.2",
        "... and for a free lock (with `hidden-user` away too)",
        "hosts=same,unseen=1",
        "I2",
        with_also="hidden-user",
    ),
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
    Rule("judge", "7 After", "who claims a task judges what it waits for", WAITS, "I7"),
    Rule("judge-again", "7 After, xxxv", "... also one that was woken, released or given back", WAITS, "I7"),
    Rule(
        "wake-claimed",
        "xli",
        "who wakes a name with a claim leaves it the claim",
        f"{WAITS},human=2,moves=running+todo>after-A",
        "I3",
    ),
    Rule(
        "look-after",
        "xxxiv",
        "who files a task behind another looks at that one afterwards (with `sweep` away too)",
        WAITS,
        "I6",
        with_also="sweep",
    ),
    Rule(
        "wake",
        "xxxiv",
        "who publishes a task looks who waits for it afterwards (with `sweep` away too)",
        WAITS,
        "I6",
        with_also="sweep",
    ),
    Rule(
        "look-fresh",
        "xxxiv",
        "both looks open the folder above first (with `sweep` away too)",
        WAITS,
        "I6",
        with_also="sweep",
    ),
    Rule("sweep", "11", "the leader goes through all of waiting/after-*/ again and again", f"{WAITS},crash=1", "I6"),
    Rule("two-looks", "xxxvi", "a batch is over only after two looks", BATCH, "I7"),
    Rule("running-last", "xxxvi", "... each of which lists running/ at its end", BATCH, "I7"),
    Rule(
        "running-first",
        "xxxvi",
        "... and at its beginning",
        BATCH,
        "",
        why="the listing that ends the first look stands before the second; two retries get past it, and past all of this",
    ),
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
