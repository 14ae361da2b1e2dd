"""All mutants, a module for each room of the product."""

from tests.mutation.mutants import (
    after,
    alerts,
    chain,
    check,
    doctor,
    guard,
    janitor,
    lease,
    moves,
    packing,
    spool,
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
    *after.MUTANTS,
    *alerts.MUTANTS,
    *check.MUTANTS,
    *doctor.MUTANTS,
)
