"""The examination from two nodes at once, and what its figures mean for a spool.

The rule: the figures are `measure`'s; here is only judged.  What dsgspool needs and does not get is a failure; what only
people who use `ls` and `tail -f` will notice is a note that says how long they must expect to wait.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict

import dsgspool
from dsgspool import proc
from dsgspool.classes import dataclass
from dsgspool.doctor.child import Message
from dsgspool.doctor.machine import clashes
from dsgspool.doctor.measure import LIMIT, Measurement
from dsgspool.doctor.rendezvous import Letter, Line, Silence, meet
from dsgspool.doctor.semantics import SKEW, refused
from dsgspool.doctor.values import Finding, Status, plain
from dsgspool.proc import Identity
from dsgspool.spool import Spool

SOON = 1.0  #: seconds: nobody notices

Delays = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Figures:
    """What one side measured."""

    delays: Delays
    pairs: Mapping[str, int]
    creates: Mapping[str, int]
    renames: Mapping[str, int]
    locks: Mapping[str, bool]


def consult(spool: Spool, tell: Callable[[str], None], offset: float, seconds: float) -> Iterator[Message]:
    """Find the other doctor, measure, judge."""
    me = {
        "who": asdict(proc.identity()),
        "host": proc.identity().host,
        "offset": offset,
        "version": dsgspool.__version__,
    }
    other = f"dsgspool --spool {shlex.quote(spool.root)} doctor --peer"
    yield {"say": f"waiting up to {seconds:g} s for `{other}` on another node"}
    try:
        line = meet(spool, me, seconds)
        try:
            yield {"say": f"{line.other['host']} is there; measuring, which takes up to {LIMIT:g} s and a few more"}
            for finding in _judged(line, me, _measured(line, tell)):
                yield {"finding": plain(finding)}
        finally:
            line.close()
    except Silence as silence:
        yield {"finding": plain(_alone(silence, seconds))}
    except FileNotFoundError:  # the host's folder is gone, and so is the host
        yield {"finding": plain(_alone(Silence("the other doctor was stopped and has left"), seconds))}
    except OSError as error:
        yield {"finding": plain(refused("peers.measure", "peers", error))}


def _measured(line: Line, tell: Callable[[str], None]) -> Figures:
    measurement = Measurement(line, tell)
    figures = Figures(
        delays=measurement.delays(),
        pairs=measurement.same_tick(),
        creates=measurement.creates(),
        renames=measurement.renames(),
        locks=measurement.locks(),
    )
    line.part()
    return figures


def _alone(silence: Silence, seconds: float) -> Finding:
    if str(silence) != "nobody":
        return _found("who", Status.FAIL, str(silence), "run it again on both nodes")
    text = f"nobody joined within {seconds:g} s"
    return _found(
        "who", Status.FAIL, text, "run `dsgspool doctor --peer` on another node at the same time, with this spool"
    )


def _judged(line: Line, me: Letter, figures: Figures) -> Iterator[Finding]:
    other = Identity(**line.other["who"])
    found = [_who(other), _clash(other), _clocks(me["offset"], line.other), *judge(figures)]
    yield from found
    yield verdict(figures.delays, found)


def judge(figures: Figures) -> Iterator[Finding]:
    """What the figures mean."""
    yield from _seen(figures.delays)
    yield _pairs(figures.pairs)
    yield _contest("create", "O_EXCL creates", figures.creates)
    yield _contest("rename", "claims by rename", figures.renames)
    yield _locks(figures.locks)


def _who(other: Identity) -> Finding:
    me = proc.identity()
    facts = {"host": other.host, "machine_id": other.machine_id, "boot_id": other.boot_id}
    if me.boot_id and me.boot_id == other.boot_id:
        text = "both doctors run on this machine, so this says nothing about two nodes"
        return _found("who", Status.WARN, text, "start the other one on another node", facts)
    return _found("who", Status.OK, f"this is {me.host}, the other is {other.host}", "", facts)


def _clash(other: Identity) -> Finding:
    found = clashes(proc.identity(), {f"the other doctor's {other.host}": other})
    if found.status is Status.OK:
        return _found("clash", Status.OK, "the two have names and machine-ids of their own")
    return _found("clash", found.status, found.text, found.remedy, found.facts)


def _clocks(mine: float, other: Letter) -> Finding:
    theirs = float(other["offset"])
    facts = {"mine": round(mine, 3), "theirs": round(theirs, 3)}
    text = f"clocks against the file server's: here {mine:+.2f} s, {other['host']} {theirs:+.2f} s"
    if max(abs(mine), abs(theirs), abs(mine - theirs)) > SKEW:
        remedy = "dsgspool goes by the server's clock; make, rsync and people do not: chronyc makestep"
        return _found("clocks", Status.WARN, text, remedy, facts)
    return _found("clocks", Status.OK, text, "", facts)


def _seen(delays: Delays) -> Iterator[Finding]:
    facts = {"seconds": dict(delays), "limit": LIMIT}
    yield _needed("listing", delays["listing"], "a name that the other renamed into a folder shows in a listing", facts)
    yield _needed(
        "heartbeat", delays["heartbeat"], "a touch by the other shows by open and fstat, as heartbeats are read", facts
    )
    yield _names(delays, facts)
    yield _tail(delays, facts)


def _names(delays: Delays, facts: Mapping[str, object]) -> Finding:
    if not _is_slow(delays, "stat", "open", "gone"):
        text = "a new name, and one that is gone, are seen at once however one looks (ls, stat, open)"
        return _found("names", Status.OK, text, "", facts)
    stat, opened, gone = (_in(delays[look]) for look in ("stat", "open", "gone"))
    text = f"a name that was looked for in vain stays `not there`: for stat {stat}, for open {opened}; a gone one shows {gone}"
    remedy = "dsgspool lists the folder first, which is always fresh; so can you: `ls FOLDER`, then the file"
    return _found("names", Status.NOTE, text, remedy, facts)


def _tail(delays: Delays, facts: Mapping[str, object]) -> Finding:
    if not _is_slow(delays, "tail", "times"):
        return _found("tail", Status.OK, "what the other writes shows at once in `tail -f` and `ls -l`", "", facts)
    text = (
        f"what the other writes shows in `tail -f` after {_in(delays['tail'])}, in `ls -l` after {_in(delays['times'])}"
    )
    return _found("tail", Status.NOTE, text, "`dsgspool logs -f` opens the file anew at each look", facts)


def _needed(name: str, delay: float | None, text: str, facts: Mapping[str, object]) -> Finding:
    if delay is not None and delay <= SOON:
        return _found(name, Status.OK, f"{text} at once ({delay:.2f} s)", "", facts)
    remedy = "a mount option makes this client ask the server too seldom: mount without it (nocto, a FUSE cache)"
    return _found(name, Status.FAIL, f"{text} only after {_in(delay)}: dsgspool relies on it", remedy, facts)


def _pairs(pairs: Mapping[str, int]) -> Finding:
    stale, of, after = pairs["stale"], pairs["of"], pairs["after_touch"]
    if after:
        text = f"{after} of {of} listings stayed without a file even after the folder was touched"
        return _found("tick", Status.FAIL, text, "mount with NFS v4.1 or later", pairs)
    if stale:
        text = f"two changes within one tick of the server's clock: {stale} of {of} listings stayed without the second"
        remedy = "dsgspool touches todo/ after each submission, which cured all of them; v4.1 or later has no such gap"
        return _found("tick", Status.NOTE, text, remedy, pairs)
    return _found(
        "tick", Status.OK, f"two changes within one tick of the server's clock: all {of} listings show both", "", pairs
    )


def _contest(name: str, what: str, seen: Mapping[str, int]) -> Finding:
    text = f"{seen['of']} {what} from both at once: {seen['mine']} won here, {seen['theirs']} there"
    if seen["both"] or seen["nobody"]:
        text += f"; {seen['both']} were won by both, {seen['nobody']} by nobody"
        return _found(name, Status.FAIL, text, "this mount cannot hold a spool for several nodes", seen)
    return _found(name, Status.OK, text, "", seen)


def _locks(seen: Mapping[str, bool]) -> Finding:
    if seen["excludes"] and seen["frees"]:
        return _found(
            "lock", Status.OK, "a file that one has locked the other cannot lock, until it is let go", "", seen
        )
    text = (
        "a file that one has locked can be locked by the other: locks hold on each machine alone (nolock, local_lock)"
    )
    if seen["excludes"]:
        text = "a lock that was let go stays for the other"
    remedy = "dsgspool does not rely on locks between nodes, your own programs may: mount without nolock and local_lock"
    return _found("lock", Status.WARN, text, remedy, seen)


def verdict(delays: Delays, found: list[Finding]) -> Finding:
    """The sentence that people came for."""
    bad = [finding.id.partition(".")[2] for finding in found if finding.status is Status.FAIL]
    if bad:
        return _found("verdict", Status.FAIL, f"dsgspool is not safe between these two: {', '.join(bad)} (see above)")
    if found[0].status is not Status.OK:
        return _found("verdict", Status.NOTE, "no verdict on two nodes, since this is one")
    names, tail = _worst(delays, "stat", "open", "gone"), _worst(delays, "tail", "times")
    text = f"dsgspool is safe between these two; expect a plain `ls NAME` to lag by {names}, `tail -f` by {tail}"
    return _found("verdict", Status.OK, text, "", {"ls_lags": names, "tail_lags": tail})


def _worst(delays: Delays, *looks: str) -> str:
    seconds = [LIMIT + 1 if (delay := delays[look]) is None else delay for look in looks]
    if max(seconds) <= SOON:
        return "nothing"
    return f"more than {LIMIT:g} s" if max(seconds) > LIMIT else f"up to {max(seconds):.0f} s"


def _is_slow(delays: Delays, *looks: str) -> bool:
    return _worst(delays, *looks) != "nothing"


def _in(delay: float | None) -> str:
    return f"more than {LIMIT:g} s" if delay is None else f"{delay:.1f} s"


def _found(
    name: str, status: Status, text: str, remedy: str = "", facts: Mapping[str, object] | None = None
) -> Finding:
    return Finding(f"peers.{name}", "peers", status, text, remedy, facts or {})
