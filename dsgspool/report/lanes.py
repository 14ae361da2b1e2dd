"""What the tasks in a lane want of a node.

The rule: a lane's name is for people; one file of it is read at each rendering, as a worker does that comes across it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsgspool.names import parse_lane
from dsgspool.requesting import written_plainly
from dsgspool.spool.own import MAX_TASK_BYTES
from dsgspool.task import State

if TYPE_CHECKING:
    from dsgspool.requests import Request
    from dsgspool.snapshot.values import Snapshot
    from dsgspool.spool import Spool

TRIED = 3  #: files of a lane, when a person has put others into it
MOST = 200  #: lanes


def requests_of(spool: Spool, snapshot: Snapshot) -> dict[str, Request]:
    """Lane -> what its tasks want besides slots, of lanes that say so; without those of which no file tells."""
    found: dict[str, Request] = {}
    tried: dict[str, int] = {}
    for task in snapshot.in_state(State.TODO):
        lane = task.name.lane
        if not lane or lane in found or tried.get(lane, 0) >= TRIED or not (wants := parse_lane(lane).wants):
            continue
        if lane not in tried and len(tried) >= MOST:
            continue
        tried[lane] = tried.get(lane, 0) + 1
        try:
            data = spool.fs.read(f"{spool.todo}/{task.path}", MAX_TASK_BYTES)[0]
        except OSError:  # it has moved on, or is somebody's private one
            continue
        request = written_plainly(data)[1].on_rung(task.name.budget.ooms)
        if request.digest == wants:
            found[lane] = request
    return found
