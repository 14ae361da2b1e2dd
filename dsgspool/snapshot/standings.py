"""How the policies of batches stand.

The rule: read once for a snapshot, as a worker of my user takes them; nothing is decided here.  Who finds no policy need
not import this: it is a tenth of the start-up of `status`.
"""

from __future__ import annotations

from dataclasses import field

from dsgspool.classes import dataclass
from dsgspool.policy import Policy
from dsgspool.spool import Spool
from dsgspool.spool.policies import Policies, read_policies


@dataclass(frozen=True, slots=True)
class Standing:
    """How the policy of a batch stands.  `why` nothing of it, or only what is tried first, may be started; '' = all may."""

    state: str  #: open, paused, canary, tripped, or stopped: it cannot be obeyed
    why: str = ""
    only: frozenset[str] = frozenset()  #: these may be started all the same
    stops: bool = False  #: it goes on only when a person does something
    policy: Policy = field(default_factory=Policy)


def standings(spool: Spool) -> dict[str, Standing]:
    """Of each batch that has a policy, by name."""
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
