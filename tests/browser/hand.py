"""A spool by hand: what people, crashed machines and full disks leave, written file by file.

The rule: only what docs/spool-format.md says, only by plain file operations; moments are told in seconds before now, so
that a page made from it says the same on every day.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from tests.support.spools import SpoolFolder

PLAIN = {"format": 1, "min_free": 0}
GB = 1 << 30


def iso(moment: float) -> str:
    """A moment as records tell it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Hand(SpoolFolder):
    """Each method adds one thing; `ago` is in seconds."""

    def __init__(self, root: Path, settings: dict[str, object] = PLAIN) -> None:
        super().__init__(root, settings)
        self.now = time.time()
        self.alive: list[str] = []
        self._claims = 5000
        self._records: dict[str, int] = {}

    def worker(
        self,
        wid: str,
        *,
        slots: int = 4,
        started: float = 3600.0,
        silent: float = 0.0,
        ended: bool = False,
        **facts: object,
    ) -> str:
        """A worker that was last heard of `silent` seconds ago."""
        host = wid.rpartition("-")[0]
        known = {
            "worker": wid, "host": host, "machine_id": f"m-{host}", "boot_id": f"b-{host}", "pid_namespace": "p", "pid": 11,
            "start": 1, "guard_pid": 10, "guard_start": 1, "started": iso(self.now - started), "lease": 47.0, "slots": slots,
            "cpus": 8, "user": 0, "version": "0.1.0", "python": "3.11.2", "memory_bytes": 32 * GB, **facts,
        }  # fmt: skip
        lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in known.items())
        self.overwrite(f"workers/{wid}.yaml", f"{lines}...\n")
        lock = self.overwrite(f"workers/{wid}.lock", "")
        os.utime(lock, (self.now - silent, self.now - silent))
        (self.root / f"running/{wid}").mkdir(exist_ok=True)
        if not silent and not ended:
            self.alive.append(wid)
        if ended:
            self.overwrite(f"workers/{wid}.dead", '{"exit": 0, "silent_seconds": 0.1}\n')
            (self.root / f"running/{wid}").rmdir()
        return wid

    def journal(self, wid: str, events: Iterable[tuple[float, dict[str, object]]]) -> None:
        """WID.jsonl: (seconds ago, facts)."""
        ordered = sorted(events, key=lambda event: -event[0])
        lines = (json.dumps({"at": iso(self.now - ago), **facts}) for ago, facts in ordered)
        self.overwrite(f"workers/{wid}.jsonl", "".join(f"{line}\n" for line in lines))

    def beat(self) -> None:
        """Let those beat once more that are alive."""
        for wid in self.alive:
            os.utime(self.root / f"workers/{wid}.lock")

    def record(
        self,
        name: str,
        wid: str,
        *,
        ago: float,
        seconds: float | None = None,
        outcome: str = "",
        out: str | bytes = "",
        err: str | bytes = "",
        text: str = "command: 'true'\n...\n",
        **facts: object,
    ) -> int:
        """The next record of a task, begun `ago` seconds ago; without an outcome it has no end.  Its number."""
        number = self._records[name] = self._records.get(name, 0) + 1
        self._claims += 1
        claim = str(facts.pop("claim", f"{wid}.{self._claims}"))
        first = {
            "format": 1, "task": name, "attempt": number, "worker": wid, "claim": claim, "host": wid.rpartition("-")[0],
            "pid": 11, "started": iso(self.now - ago), "file": f"{name.rpartition('/')[2]}.yaml",
            "submitted": iso(self.now - ago - facts.pop("waited", 12.0)), "digest": "0" * 64, "cpus": facts.pop("cpus", 1),
            "command": ["/bin/sh", "-c", "true"], "cwd": "/lab/study",
            "environment": facts.pop("environment", {"OMP_NUM_THREADS": "1"}),
        }  # fmt: skip
        asked = ("resources", "gpus", "memory_limit_bytes")
        first |= {key: value for key in asked if (value := facts.pop(key, None))}
        out, err = (each.encode() if isinstance(each, str) else each for each in (out, err))
        end: dict[str, object] = {}
        if outcome:
            taken = 1.0 if seconds is None else seconds
            end = {"ended": iso(self.now - ago + taken), "seconds": round(taken, 3), "outcome": outcome}
            end |= {"cpu_seconds": round(taken * 0.8, 3), **facts, "stdout_bytes": len(out), "stderr_bytes": len(err)}
        self.overwrite(f"logs/{name}.{number}.yaml", _dump(first, text, end))
        self.overwrite(f"logs/{name}.{number}.out", out)
        self.overwrite(f"logs/{name}.{number}.err", err)
        return number

    def done(self, name: str, wid: str, *, ago: float, seconds: float = 1.0, **facts: object) -> None:
        """A task that ended well."""
        self.record(name, wid, ago=ago, seconds=seconds, outcome="done", exit_code=0, next="done", **facts)
        self.overwrite(f"done/{name}.yaml", "command: 'true'\n...\n")

    def failed(
        self, name: str, wid: str, *, ago: float, seconds: float = 1.0, code: int = 1, err: str = "", **facts: object
    ) -> None:
        """A task whose command gave a code."""
        last = err.strip().rpartition("\n")[2]
        reason = f"exit code {code}: {last}" if last else f"exit code {code}"
        end = {"exit_code": code, "reason": reason, "next": f"failed~exit{code}", **facts}
        self.record(name, wid, ago=ago, seconds=seconds, outcome=f"exit{code}", err=err, **end)
        self.overwrite(f"failed/{name}~exit{code}.yaml", "command: 'true'\n...\n")

    def unstarted(self, name: str, wid: str, *, ago: float, culprit: str, after: str) -> None:
        """A task that failed before its command was started, as what it waits for has failed."""
        reason = f"{culprit} has failed, and `after` wants its success"
        first = {
            "format": 1, "task": name, "attempt": 1, "worker": wid, "claim": f"{wid}.9", "host": wid.rpartition("-")[0],
            "pid": 11, "started": iso(self.now - ago), "file": f"{name.rpartition('/')[2]}~0.yaml",
        }  # fmt: skip
        end = {"ended": iso(self.now - ago + 0.2), "seconds": 0.0, "outcome": "dependency", "reason": reason}
        text = f"command: 'true'\nafter: {after}\n...\n"
        self.overwrite(f"logs/{name}.1.yaml", _dump(first, text, {**end, "next": "failed~dependency"}))
        self.overwrite(f"failed/{name}~dependency.yaml", text)

    def run(self, name: str, wid: str, *, ago: float, out: str = "", err: str = "", **facts: object) -> None:
        """A task that runs since `ago` seconds."""
        self._claims += 1
        claim = f"{wid}.{self._claims}"
        self.record(name, wid, ago=ago, out=out, err=err, claim=claim, **facts)
        self.overwrite(f"running/{wid}/{name.replace('/', '%')}@{claim}.yaml", "command: 'true'\n...\n")

    def wait(self, name: str, *, due: float, **keys: object) -> None:
        """A task that waits for a moment `due` seconds from now."""
        moment = datetime.fromtimestamp(self.now + due, UTC)
        self.drop(f"until-{moment:%Y%m%dT%H%M%SZ}/{name}", state="waiting", **keys)


def _dump(first: dict[str, object], text: str, end: dict[str, object]) -> str:
    """As records are written: short facts on a line of their own, the text as a block when it can be one."""
    plain = all(character.isprintable() or character == "\n" for character in text)
    block = "|\n" + "".join(f"  {line}\n" for line in text.split("\n")[:-1]) if plain else f"{json.dumps(text)}\n"
    parts = [_lines(first), f"text: {block}"]
    if end:
        parts += [_lines(end), "...\n"]
    return "".join(parts)


def _lines(facts: dict[str, object]) -> str:
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in facts.items())
