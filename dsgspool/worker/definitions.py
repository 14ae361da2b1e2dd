"""What a task's text comes to on this node: the task, its command line, what it adds to the environment, its record's lines.

The rule: worked out once for all tasks that have the same text, as thousands may have.  Kept is only what nothing but the text
decides, and only while spool.yaml and the policy of its batch stay as they are; a script's file, what an `env_file` holds and
what an attempt got of this node are each attempt's own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence

from dsgspool.classes import dataclass
from dsgspool.policy import Policy
from dsgspool.redaction import mask_text
from dsgspool.settings import Settings
from dsgspool.spool import Spool
from dsgspool.spool.moves import Moves
from dsgspool.spool.own import Text
from dsgspool.spool.written import Tables
from dsgspool.task import Task
from dsgspool.worker import freezing, launch, sweeping
from dsgspool.worker.attempt import Attempt
from dsgspool.worker.environment import Environment, environment
from dsgspool.worker.scripts import Scripts
from dsgspool.yamlwriting import dump

MOST, LONGEST = 256, 4096  #: texts that are kept, bytes of each


@dataclass(frozen=True, slots=True)
class Definition:
    """What a text comes to; `lines` stand in the record of each attempt."""

    task: Task
    cwd: str
    argv: Sequence[str]
    environment: Environment
    lines: str


class Definitions:
    """Those of one worker; `inherited` is the environment that it was started with."""

    def __init__(self, spool: Spool, inherited: Mapping[str, str], scripts: Scripts) -> None:
        self.spool, self.fs, self.inherited, self.scripts = spool, spool.fs, inherited, scripts
        self._kept: dict[bytes, tuple[Policy, Definition]] = {}
        self._settings: Settings | None = None  #: that they were made by

    def apply(self, attempt: Attempt, text: Text, settings: Settings, policy: Policy) -> str:
        """Set in an attempt what its text comes to; the lines for its record.  InvalidTask, OSError."""
        if settings is not self._settings or len(self._kept) >= MOST:
            self._kept.clear()
            self._settings = settings
        is_like_others = attempt.gpus is None and not attempt.request and not attempt.user
        known = self._kept.get(text.data) if is_like_others else None
        if known and known[0] is policy:
            found = known[1]
            attempt.task, attempt.cwd, attempt.argv = found.task, found.cwd, found.argv
            attempt.environment = found.environment
            return found.lines
        lines = self._work_out(attempt, text, settings, policy)
        task = attempt.task
        if is_like_others and len(text.data) <= LONGEST and not (task.script or task.env_file or task.sweep):
            found = Definition(task, attempt.cwd, attempt.argv, attempt.environment, lines)
            self._kept[text.data] = policy, found
        return lines

    def _work_out(self, attempt: Attempt, text: Text, settings: Settings, policy: Policy) -> str:
        parsed = freezing.parsed(attempt, text, settings, policy, lambda: Tables(Moves(self.spool)))
        attempt.task = task = launch.held_to(parsed, attempt.request)
        attempt.cwd = launch.folder(task, self.spool.default_cwd(settings))
        attempt.script = self.scripts.write(attempt.held.claim, task.script, attempt.user) if task.script else ""
        attempt.argv = launch.argv(task, attempt.script)
        owner = attempt.user or {os.geteuid(), text.uid}
        attempt.environment = environment(task, attempt.cwd, self.inherited, self.fs, owner, attempt.gpus)
        if task.sweep:
            sweeping.lay_out(attempt, self.fs, self.spool.logs, self.spool.default_cwd(settings))
        known = attempt.environment
        facts = {
            "digest": hashlib.sha256(text.data).hexdigest(), "cpus": task.cpus, "resources": str(attempt.request) or None,
            "memory_limit_bytes": task.limits.get("memory"),
            "command": [known.hide(word) for word in attempt.argv], "cwd": known.hide(attempt.cwd),
            "environment": known.shown, "text": mask_text(text.data.decode("utf-8-sig"), known.secrets),
            "policy": mask_text(policy.text, known.secrets) if policy.defaults else None,
        }  # fmt: skip
        return dump((key, value) for key, value in facts.items() if value is not None)
