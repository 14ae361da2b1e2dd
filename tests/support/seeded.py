"""A spool made by hand, file by file, in any state that a test wants to look at.

The rule: it writes what the format says and uses none of the verbs, so a test of the readers proves nothing by the
writers' own mistakes.
"""

from __future__ import annotations

import json
import os
import time

from dsgspool.clock import iso
from dsgspool.spool import FOLDERS, Spool
from dsgspool.yamlwriting import dump

TEXT = "command: true\n...\n"


class Seeded:
    """`seeded.spool` is the spool; each method adds one thing."""

    def __init__(self, root: str) -> None:
        for folder in FOLDERS:
            os.makedirs(f"{root}/{folder}")
        self.root = root
        self.now = time.time()
        self.write("spool.yaml", "format: 1\n")
        self.spool = Spool.open(root)
        self._claims = 0

    def write(self, path: str, text: str | bytes = TEXT) -> str:
        """Any file."""
        whole = f"{self.root}/{path}"
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return whole

    def worker(self, wid: str, *, slots: int = 2, silent: float = 0.0, ended: bool = False) -> str:
        """A worker whose last heartbeat is `silent` seconds old."""
        facts = {
            "worker": wid,
            "host": wid.rpartition("-")[0],
            "pid": 1,
            "slots": slots,
            "started": iso(self.now - 900),
        }
        self.write(f"workers/{wid}.yaml", "".join(f"{key}: {json.dumps(facts[key])}\n" for key in facts) + "...\n")
        lock = self.write(f"workers/{wid}.lock", "")
        os.utime(lock, (self.now - silent, self.now - silent))
        if ended:
            self.write(f"workers/{wid}.dead", "")
        return wid

    def record(self, identity: str, number: int = 1, outcome: str = "", **facts: object) -> None:
        """A record; with an outcome it has its end."""
        self._claims += 1
        wid = str(facts.pop("worker", "n1-aaaaaaaa"))
        first = {"format": 1, "task": identity, "attempt": number, "worker": wid, "claim": f"{wid}.{self._claims}"}
        first |= {"host": wid.rpartition("-")[0], "pid": 7, "started": iso(self.now - 1000 + 10 * number), "text": TEXT}
        if outcome:
            first |= {"ended": iso(self.now - 999 + 10 * number), "seconds": 1.0, "outcome": outcome}
        self.write(f"logs/{identity}.{number}.yaml", dump((first | facts).items()) + ("...\n" if outcome else ""))

    def done(self, *identities: str) -> None:
        """Tasks that ended well at the first attempt."""
        for identity in identities:
            self.write(f"done/{identity}.yaml")
            self.record(identity, 1, "done")

    def failed(self, identity: str, tag: str = "exit1", reason: str = "exit code 1", **facts: object) -> None:
        """A task that failed at the first attempt."""
        self.write(f"failed/{identity}~{tag}.yaml")
        self.record(identity, 1, tag, reason=reason, **facts)

    def running(self, identity: str, wid: str = "n1-aaaaaaaa", count: int = 500) -> None:
        """A task in a worker's hands, its attempt begun."""
        self.write(f"running/{wid}/{identity.replace('/', '%')}@{wid}.{count}.yaml")
        self.record(identity, 1, worker=wid, claim=f"{wid}.{count}", started=iso(self.now - 60))
