"""A rename as its caller sees it: done, hung and executed later, executed twice, or its reply lost.

The rule (R1): whatever the answer is, the caller looks into its own folder and goes on by what it sees there; `after`
is that look.  A lost reply is therefore no case of its own, unless R1 is taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.model.server import Op, execute
from tests.model.setup import Model, Step
from tests.model.world import World

After = Callable[[World], World]


def call(
    model: Model, world: World, label: tuple, op: Op, after: After, on_error: After | None = None
) -> Iterator[Step]:
    """Every way that one call can go."""
    text, *words = label
    done, problem = execute(model, world, op)
    yield label, after(done), False, problem
    if on_error is not None and not model.has("R1") and model.can(world, "lost"):
        lost = on_error(model.spend(done, "lost"))
        yield (f"{text}; the reply is lost, and the error is believed", *words), lost, True, problem
    if model.can(world, "late") and op not in world.net:
        late = model.spend(world, "late", net=world.net | {op})
        yield (f"{text}; the call hangs, it is not there yet", *words), after(late), True, ""
    if model.can(world, "dup") and op not in done.net:
        twice = model.spend(done, "dup", net=done.net | {op})
        yield (f"{text}; the call is still on the wire a second time", *words), after(twice), True, problem


def wire(model: Model, world: World) -> Iterator[Step]:
    """What is on the wire arrives, or never does."""
    for op in world.net:
        rest = world._replace(net=world.net - {op})
        done, problem = execute(model, rest, op)
        yield ("a late call is executed: {}", op), done, False, problem
        yield ("a late call never arrives: {}", op), rest, False, ""
