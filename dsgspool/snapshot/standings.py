"""How the policies of batches stand.

The rule: read once for a snapshot, as a worker of my user takes them; nothing is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsgspool.policy import batch_of
from dsgspool.snapshot.values import Standing

if TYPE_CHECKING:
    from dsgspool.spool import Spool
    from dsgspool.spool.policies import Policies


def standings(spool: Spool) -> dict[str, Standing]:
    """Of each batch that has a policy, by name."""
    try:
        if not any(map(batch_of, spool.fs.names(f"{spool.root}/batches"))):
            return {}
    except FileNotFoundError:
        return {}
    from dsgspool.spool.policies import read_policies  # a tenth of the start-up of `status`, which most need not pay

    policies = read_policies(spool)
    return {batch: _standing(policies, batch) for batch in sorted(policies.entries)}


def _standing(policies: Policies, batch: str) -> Standing:
    trial, why = policies.trial(batch), policies.why_not(batch)
    return Standing(
        policies.state(batch),
        why or trial.why,
        frozenset() if why else trial.only,
        bool(why) or trial.stops,
        policies.of(batch),
    )
