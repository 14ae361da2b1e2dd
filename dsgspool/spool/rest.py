"""Why a worker takes no new tasks now, and until when: workers/WID.rest, or that it was paused or told to drain; until when
it takes some: workers/WID.hours.

The rule: both files are telemetry, never truth; written by its worker alone, which removes the one when it takes tasks
again, and the other when it does not.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from dsgspool.classes import dataclass
from dsgspool.clock import local
from dsgspool.errors import SettingsError
from dsgspool.lease import parse_facts
from dsgspool.settings import Control, parse_control
from dsgspool.spool import Spool

PAUSED = "paused"  #: the key of a rest that a person asked for: of WID.control.yaml, or `--paused`
DRAIN = "drain"  #: the key of one that ends with the worker: Ctrl-C, a signal, or WID.control.yaml


@dataclass(frozen=True, slots=True)
class Rest:
    """`key` is the setting that asks for it, `why` what that says; `until`: Unix time of the file server, None = not known."""

    key: str
    why: str
    until: float | None = None

    def of(self, wid: str) -> str:
        """For people, of a worker: `takes tasks again at Mon 30 Nov 19:00:00 (run_between: 19:00-08:00)`."""
        if self.is_drain:
            return f"ends when what it runs is over ({self.key}: {self.why})"
        if self.is_pause:
            return f"takes tasks again after: dsgspool workers set {wid} {self.remedy}"
        when = f"at {local(self.until)}" if self.until is not None else "when that is over"
        return f"takes tasks again {when} ({self.key}: {self.why})"

    @property
    def remedy(self) -> str:
        """What `dsgspool workers set WID` is told to have it take tasks all the same."""
        remedies = {PAUSED: "paused=false", "only_when_idle": "only_when_idle=false"}
        return remedies.get(self.key, "run_between=always")

    @property
    def facts(self) -> dict[str, object]:
        """For files and programs."""
        return {"key": self.key, "why": self.why, "until_unix_s": self.until}

    @property
    def is_pause(self) -> bool:
        """True when it lasts until a person says otherwise."""
        return self.key == PAUSED

    @property
    def is_drain(self) -> bool:
        """True when the worker takes nothing any more and ends."""
        return self.key == DRAIN


def told(control: Control) -> Rest | None:
    """What a person asked for in WID.control.yaml, or with `--paused`."""
    if control.drain:
        return Rest(DRAIN, "control file")
    return Rest(PAUSED, "true") if control.paused else None


def path_of(spool: Spool, wid: str) -> str:
    """Where it lies."""
    return f"{spool.workers}/{wid}.rest"


def dump_rest(rest: Rest) -> bytes:
    """One line a key, JSON values, as WID.yaml is written."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in rest.facts.items()).encode() + b"...\n"


def rest_of(spool: Spool, wid: str, files: Collection[str]) -> Rest | None:
    """What a worker says of itself, None when it takes tasks or nothing whole is there; `files` is a listing of workers/."""
    if f"{wid}.rest" not in files:
        return None
    try:
        facts = parse_facts(spool.fs.read(path_of(spool, wid))[0])
    except OSError:
        return None
    key, why, until = (facts.get(name) for name in ("key", "why", "until_unix_s"))
    if not isinstance(key, str) or not isinstance(why, str):
        return None
    return Rest(key, why, float(until) if isinstance(until, int | float) else None)


def control_of(spool: Spool, wid: str, files: Collection[str], facts: Mapping[str, object]) -> Control:
    """What a worker is told now; as it was started (`facts`: its WID.yaml) when that cannot be read."""
    path, paused = f"{spool.workers}/{wid}.control.yaml", facts.get("paused") is True
    try:
        data = spool.fs.read(path)[0] if f"{wid}.control.yaml" in files else b""
        return parse_control(data, path, paused=paused) if data else Control(paused=paused)
    except (OSError, SettingsError):
        return Control(paused=paused)


def hours_path_of(spool: Spool, wid: str) -> str:
    """Where it lies until when a worker takes tasks."""
    return f"{spool.workers}/{wid}.hours"


def dump_hours(until: float) -> bytes:
    """As WID.yaml is written."""
    return f"until_unix_s: {json.dumps(until)}\n...\n".encode()


def closes_of(spool: Spool, wid: str, files: Collection[str]) -> float | None:
    """When a worker will take nothing more, Unix time of the file server; None when nobody knows of such a moment."""
    if f"{wid}.hours" not in files:
        return None
    try:
        until = parse_facts(spool.fs.read(hours_path_of(spool, wid))[0]).get("until_unix_s")
    except OSError:
        return None
    return float(until) if isinstance(until, int | float) else None
