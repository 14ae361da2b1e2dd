"""All mutants, a module for each room of the product."""

from tests.mutation.mutants import (
    after,
    alerts,
    batches,
    chain,
    check,
    doctor,
    editing,
    guard,
    janitor,
    lease,
    moves,
    nodes,
    packing,
    spool,
    ticks,
    worker,
)

MUTANTS = (
    *spool.MUTANTS,
    *chain.MUTANTS,
    *moves.MUTANTS,
    *lease.MUTANTS,
    *janitor.MUTANTS,
    *guard.MUTANTS,
    *worker.MUTANTS,
    *packing.MUTANTS,
    *nodes.MUTANTS,
    *after.MUTANTS,
    *alerts.MUTANTS,
    *batches.MUTANTS,
    *check.MUTANTS,
    *doctor.MUTANTS,
    *editing.MUTANTS,
    *ticks.MUTANTS,
)
