"""All mutants, a module for each room of the product."""

from tests.mutation.mutants import after, batches, chain, check, doctor, guard, janitor, lease, moves, spool, worker

MUTANTS = (
    *spool.MUTANTS,
    *chain.MUTANTS,
    *moves.MUTANTS,
    *lease.MUTANTS,
    *janitor.MUTANTS,
    *guard.MUTANTS,
    *worker.MUTANTS,
    *after.MUTANTS,
    *batches.MUTANTS,
    *check.MUTANTS,
    *doctor.MUTANTS,
)
