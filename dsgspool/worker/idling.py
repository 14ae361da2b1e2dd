"""Whether somebody else uses this node (`only_when_idle`): CPU time of others' processes, terminals, the screen.

The rule: what this worker's own tasks take is not counted, or it would stop itself.  One look every few seconds, and only
where it is asked for; who was there counts as there until nobody was for a minute, so that no short pause lets tasks in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsgspool import census, machine, proc

if TYPE_CHECKING:
    from dsgspool.clock import Clock
    from dsgspool.nodes import Idle

INTERVAL = 10.0  #: seconds between two looks
CALM = 60.0  #: seconds for which nobody may be seen before tasks are taken again


class Idling:
    """Looks for one worker."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._idle: Idle | None = None
        self._why = ""
        self._looked = self._seen = 0.0  #: BOOTTIME of the last look, and of the last one that saw somebody
        self._before: float | None = None  #: CPU seconds of others at the last look

    def why(self, idle: Idle | None, own: int) -> str:
        """Who uses this node, '' when nobody does.  `own`: CPUs that tasks of this worker have."""
        now = self.clock.boot()
        if idle != self._idle:
            self._idle, self._why, self._before = idle, "", None
        elif now - self._looked < INTERVAL:
            return self._why
        if idle is None:
            return ""
        load = self._load(own, now - self._looked) if idle.load is not None else 0.0
        self._looked = now
        found = f"others' load is above {idle.load:g}" if idle.load is not None and load > idle.load else ""
        found = found or (machine.in_use(self.clock.wall()) if idle.users else "")
        if found:
            self._why, self._seen = found, now
        elif now - self._seen >= CALM:
            self._why = ""
        return self._why

    def _load(self, own: int, passed: float) -> float:
        """CPUs that others kept busy since the last look; at a first one the load average has to do."""
        before, self._before = self._before, census.cpu_of_others()
        if before is None or passed > 3 * INTERVAL:  # asleep meanwhile, or at rest for another reason
            return proc.node_look().load - own
        return (self._before - before) / passed
