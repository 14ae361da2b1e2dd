"""How a batch ended, and its `finally` task that is not there yet: what it waits for.

The rule: told of names that no file has, when the policy of their batch says that there will be one.  What cannot be read
of one batch is not known, and keeps nobody from the others.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping

from dsgspool.cli.batched import Batched
from dsgspool.cli.behind import Answer, Behind
from dsgspool.policy import ending
from dsgspool.spool import Spool
from dsgspool.spool.finals import OVER, facts_of, over_of, since_of, words_of
from dsgspool.spool.policies import path_of


def facts_seen(spool: Spool, batch: str) -> Mapping[str, object]:
    """What is known of the end of a batch; {} when that cannot be read."""
    with contextlib.suppress(OSError):
        return facts_of(spool, batch)
    return {}


def to_come(spool: Spool, behind: Behind, batched: Batched, identity: str) -> Answer | None:
    """The answer for a name that is nowhere, None for one that is of no batch with a `finally`."""
    batch = ending(identity)
    if not batch or not batched.policies.of(batch).final:
        return None
    answer = Answer(identity, "to come", f"it is made when the batch {batch} is over ({path_of(spool, batch)})")
    facts, folder = facts_seen(spool, batch), over_of(spool, batch)
    is_folder = dict(spool.fs.scan(f"{spool.root}/batches")).get(f"{batch}.{OVER}")
    if is_folder is False:
        answer.because += f", and {folder} is in the way: it is no folder"
        answer.remedies.append(f"rm {shlex.quote(folder)}")
        return answer
    if is_folder:
        answer.because = f"{batch} was over at {since_of(facts)} ({words_of(facts)}), and its file is in no folder"
        answer.more.append("somebody removed it; or the policy had no `finally` then")
        answer.more.append("without that folder it is made when the batch is over again")
        answer.remedies.append(f"rm -r {shlex.quote(folder)}")
        return answer
    words, remedies = behind.of(f"{batch}/", identity)
    answer.because += f", {words}" if words else ": it is, and the leading worker makes it within seconds"
    answer.remedies += [remedy for remedy in remedies if remedy.startswith("dsgspool release")]
    standing = batched.seen.policies.get(batch)
    if standing and standing.stops:
        answer.more.append(f"the batch is held back: {standing.why}")
        answer.remedies.append(f"dsgspool batch resume {shlex.quote(batch)}")
    if not batched.seen.alive:
        answer.more.append("no worker is alive")
        answer.remedies.append("dsgspool worker")
    return answer
