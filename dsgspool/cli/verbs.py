"""`dsgspool hold`, `release`, `requeue`, `cancel`: the command twins of `mv`.

The rule: one rename a task, to a name with a fresh token, which can overwrite nothing.  What moved is printed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import output
from dsgspool.cli.arguments import Patterns
from dsgspool.cli.context import open_spool, to_come_told, usage

if TYPE_CHECKING:
    from dsgspool.spool.moves import Moves, Place


def hold(context: typer.Context, patterns: Patterns) -> None:
    """Park tasks in hold/.  A running one is stopped by its worker first."""
    moves = _moves(context)
    with to_come_told(moves.spool):
        _move(_picked(moves, "hold", patterns), moves.hold)


def release(context: typer.Context, patterns: Patterns) -> None:
    """Let parked or delayed tasks run."""
    moves = _moves(context)
    places = _picked(moves, "release", patterns)
    _move([place for place in places if not _waits_of_itself(moves, place)], moves.release)


def cancel(context: typer.Context, patterns: Patterns) -> None:
    """Take tasks out, to failed/.  A running one is killed by its worker at the next heartbeat."""
    moves = _moves(context)
    with to_come_told(moves.spool):
        _move(_picked(moves, "cancel", patterns), moves.cancel)


def requeue(
    context: typer.Context,
    patterns: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Names or patterns.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="What failed, all of it without NAME; not what was cancelled.")
    ] = False,
    reason: Annotated[
        str,
        typer.Option("--reason", metavar="REASON", help="Only those that failed so: timeout, 'exit*', cancelled ..."),
    ] = "",
    listed: Annotated[
        str, typer.Option("--from", metavar="FILE", help="Those whose names are in a file, one a line; - is stdin.")
    ] = "",
    park: Annotated[bool, typer.Option("--hold", help="Into hold/, to be changed before they run again.")] = False,
) -> None:
    """Run finished tasks again, with a fresh budget of retries."""
    from dsgspool.cli import choosing

    moves = _moves(context)
    if listed and patterns:
        raise usage("either names, or --from and a file of names")
    if listed:
        places = _listed(moves, listed, reason, only_failed=failed or bool(reason))
    elif failed or reason:
        places = _failed(moves, patterns or ["*"], reason)
    elif patterns:
        if park and (some := choosing.named(moves, patterns)[1]):
            raise usage(f"--hold parks whole tasks, and {some[0]} is an item of a sweep: requeue it without --hold")
        tasks, items, rests = choosing.apart(moves, patterns)
        places = [*moves.pick("requeue", tasks), *rests]
        choosing.requeue(moves, items)
    else:
        raise usage("say which: names, or --failed, or --reason timeout")
    places, every = moves.newest(places), len(places)
    _say_older(every - len(places))
    # What failed for another's sake comes last: else it would meet that one still in failed/, and fail again.
    places.sort(key=lambda place: place.name.tag == "dependency")
    _move(places, choosing.whole(moves, moves.set_aside if park else None))
    if not park:
        _say_what_stays(moves, places)


def _say_what_stays(moves: Moves, places: list[Place]) -> None:
    """Of batches that are not started: what went back to todo/ stays there."""
    from dsgspool.spool.policies import read_policies, top_batch

    batches = {top_batch(place.identity): place.identity for place in places if place.name.batch}
    if not batches:
        return
    policies = read_policies(moves.spool)
    for batch, identity in sorted(batches.items()):
        if why := policies.why_not_task(identity):
            remedy = "mend that" if policies.why_unread(batch) else f"dsgspool batch resume {shlex.quote(batch)}"
            output.hint(f"the batch {batch} is not started: {why.replace(f'{moves.spool.root}/', '')}; {remedy}")


def _picked(moves: Moves, verb: str, patterns: list[str]) -> list[Place]:
    """What patterns mean; items of a sweep are cut out of its rests first."""
    from dsgspool.cli import choosing

    tasks, items = choosing.named(moves, patterns)
    return list(dict.fromkeys([*moves.pick(verb, tasks), *choosing.move(moves, verb, items)]))


def _waits_of_itself(moves: Moves, place: Place) -> bool:
    """Say so of a task whose own file says not_before: a worker would only put it back."""
    from dsgspool.clock import local
    from dsgspool.task import State
    from dsgspool.worker.peek import peek

    if place.state is not State.WAITING:
        return False
    moment = peek(moves.fs.read(f"{moves.spool.waiting}/{place.path}")[0]).not_before
    if moment is None or moment <= moves.spool.clock.wall():
        return False
    output.note(f"{place.identity} says not_before: {local(moment)}; to run it earlier: hold it, edit that, release it")
    return True


def _moves(context: typer.Context) -> Moves:
    from dsgspool.spool.moves import Moves

    return Moves(open_spool(context))


def _failed(moves: Moves, patterns: list[str], reason: str) -> list[Place]:
    """Failed tasks that match, without what was cancelled when no reason is asked for; TaskNotFound when there are none."""
    from dsgspool.errors import TaskNotFound
    from dsgspool.task import State

    found = list({place: None for pattern in patterns for place in moves.find(pattern, [State.FAILED])})
    places = _that_ended_so(moves, " ".join(patterns), found, reason, but_cancelled=not reason)
    left = len({place.identity for place in moves.newest(found) if not reason and _is_cancelled(place)})
    again = f"dsgspool requeue --reason cancelled{'' if patterns == ['*'] else ' ' + shlex.join(patterns)}"
    if not places:
        what = f"failed task with reason {reason!r}" if reason else "failed task"
        see = f"what was cancelled ({left:,}) runs with: {again}" if left else "see them with: dsgspool list failed"
        raise TaskNotFound(" ".join(patterns), f"there is no such {what}; {see}")
    if left:
        output.hint(f"left alone, as cancelled: {left:,}; to run these too: {again}")
    return places


def _is_cancelled(place: Place) -> bool:
    """Somebody took it out; its worker stops it first where a claim is still in its name."""
    from dsgspool.task import Kind

    return place.name.tag == Kind.CANCELLED or place.name.claim is not None


def _that_ended_so(
    moves: Moves, asked: str, failed: Iterable[Place], reason: str, *, but_cancelled: bool = False
) -> list[Place]:
    """Of files in failed/ those with that reason that are their tasks' last ends: what was done when it ran again, or failed
    otherwise, stays.  TaskNotFound when all of them ended otherwise since."""
    from fnmatch import fnmatchcase

    from dsgspool.errors import TaskNotFound
    from dsgspool.task import State

    failed = list(failed)
    so = [place for place in failed if not reason or fnmatchcase(place.name.tag, reason)]
    so = [place for place in so if not (but_cancelled and _is_cancelled(place))]
    done = moves.named({place.identity for place in so}, [State.DONE]) if so else []
    last = set(moves.newest([*failed, *done]))
    places = [place for place in so if place in last]
    if so and not places:
        why = f"what failed so, {len(so):,} of them, ended otherwise since; it runs all the same with: dsgspool requeue NAME"
        raise TaskNotFound(asked, why)
    _say_older(len(so) - len(places))
    return places


def _say_older(number: int) -> None:
    if number:
        output.note(f"dsgspool: older files of the same names stay where they are: {number:,}")


def _listed(moves: Moves, file: str, reason: str, *, only_failed: bool) -> list[Place]:
    """Finished tasks whose names are in a file; that others of it are not finished any more is told."""
    from dsgspool.errors import TaskNotFound
    from dsgspool.task import TRANSITIONS, State

    names = frozenset(_names_in(moves, file))
    states = [State.FAILED] if only_failed else sorted(TRANSITIONS["requeue"][0])
    places = moves.named(names, states)
    if only_failed:
        places = _that_ended_so(moves, file, places, reason)
    if not places:
        where = " or ".join(f"{state}/" for state in states)
        raise TaskNotFound(file, f"none of the {len(names):,} names in it lies in {where}, or none any more")
    if left := len(names - {place.identity for place in places}):
        why = "they have not failed, or not so, when they last ran" if only_failed else "they do not lie there any more"
        output.note(f"dsgspool: {left:,} of the {len(names):,} names are left as they are: {why}")
    return places


def _names_in(moves: Moves, file: str) -> list[str]:
    """The lines of a file, or of standard input."""
    import os
    import sys

    try:
        data = sys.stdin.buffer.read() if file == "-" else moves.fs.read(os.path.realpath(file))[0]
    except OSError as error:
        raise usage(f"cannot read names from {file}: {error.strerror}") from error
    return [line.removesuffix("\r") for line in data.decode(errors="replace").split("\n") if line.strip()]


def _move(places: list[Place], verb: Callable[[Place], bool]) -> None:
    """Move each and print its name; say what must be known beside it."""
    running = 0
    for place in places:
        if verb(place):
            output.line(place.identity)
            running += place.state == "running"
        else:
            output.note(f"dsgspool: {place.identity} is not in {place.state}/ any more: somebody moved it meanwhile")
    if running:
        who = "it ran" if len(places) == 1 else f"{running:,} of them ran"
        output.hint(f"{who}: the worker stops {'it' if running == 1 else 'them'} at its next heartbeat, within seconds")
