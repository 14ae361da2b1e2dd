"""The same as the page for other readers: report.txt, report.json, tasks.csv, metrics.prom.

The rule: each is put in place by a rename, and each says the same as the page, because it is made of the same book.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dsgspool.report import csvrows, metrics
from dsgspool.report.failures import signatures

if TYPE_CHECKING:
    from dsgspool.report.book import Book, Failure, Node, RunningNow
    from dsgspool.report.data import Tasks
    from dsgspool.report.ledger import Block
    from dsgspool.report.shell import Face
    from dsgspool.snapshot import WorkerSeen
    from dsgspool.snapshot.standings import Standing
    from dsgspool.spool import Spool

SCHEMA = 1  #: of report.json; raised when a key goes or changes its meaning, not when one is added


def worker_state(worker: WorkerSeen) -> str:
    """`alive`, `silent`, `ended` or `dead`, in one word."""
    if worker.alive:
        return "alive"
    if worker.ended:
        return "ended"
    return "silent" if worker.heartbeat_age is not None else "dead"


def write(spool: Spool, folder: str, book: Book, rows: tuple[Tasks, list[Block]], face: Face) -> None:
    """All of them."""
    fs = spool.fs
    fs.replace(f"{folder}/report.txt", face.text.encode(errors="replace"))
    csvrows.write(fs, folder, *rows, book.attempts)
    fs.replace(f"{folder}/report.json", json.dumps(document(book, face), separators=(",", ":")).encode() + b"\n")
    fs.replace(f"{folder}/metrics.prom", metrics.prom(book, face.digest.groups).encode())


def document(book: Book, face: Face) -> dict[str, Any]:
    """report.json; docs/report.md says what its keys mean."""
    snapshot = book.snapshot
    return {
        "schema": SCHEMA,
        "version": book.version,
        "spool": book.root,
        "taken_unix_s": book.taken,
        "writes_every_s": book.writes_every,
        "verdict": {"text": face.title, "tone": face.tone},
        "paused": snapshot.paused,
        "counts": asdict(snapshot.counts),
        "batches": {name: asdict(counts) for name, counts in snapshot.batches.items() if name},
        "policies": {name: _policy(standing) for name, standing in snapshot.policies.items()},
        "unmet": [asdict(unmet) for unmet in book.kept.unmet],
        "resources": {each.name: each.facts for each in book.snapshot.stock},
        "attempts": {"number": len(book.attempts), "by_outcome": _outcomes(face)},
        "causes": [{"signature": signature, "tasks": count} for signature, count in _causes(face)],
        "failed": [_failed(failure) for failure in book.failed],
        "running": [_running(run) for run in book.running],
        "nodes": [_node(node) for node in book.nodes],
        "workers": [_worker(worker) for worker in snapshot.workers],
        "earlier": [{"unix_s": past.moment, "counts": asdict(past.counts)} for past in book.previous],
        "next_due_unix_s": snapshot.next_due,
        "problems": list(snapshot.problems),
        "records_read": book.read,
        "took_s": round(book.took(), 3),
    }


def _policy(standing: Standing) -> dict[str, Any]:
    policy = standing.policy
    return {
        "state": standing.state, "why": standing.why, "priority": policy.priority, "max_running": policy.max_running,
        "canary": policy.canary, "breaker": asdict(policy.breaker) if policy.breaker else None,
    }  # fmt: skip


def _causes(face: Face) -> list[list[str | int]]:
    return [*face.failures, *signatures(face.digest.cancelled)]


def _outcomes(face: Face) -> dict[str, int]:
    return {outcome or "running": number for outcome, number in face.digest.groups.outcomes().items()}


def _failed(failure: Failure) -> dict[str, Any]:
    return {
        "task": failure.identity, "path": failure.path, "tag": failure.tag, "reason": failure.reason, "error": failure.error,
        "host": failure.host, "attempt": failure.number, "unix_s": failure.moment,
    }  # fmt: skip


def _running(run: RunningNow) -> dict[str, Any]:
    return {
        "task": run.identity, "worker": run.worker, "host": run.host, "attempt": run.number, "started_unix_s": run.started,
        "seconds": run.seconds, "progress": run.progress, "line": run.line, "memory_bytes": run.memory, "cpu_cores": run.cpu,
    }  # fmt: skip


def _node(node: Node) -> dict[str, Any]:
    last = asdict(node.loads[-1]) if node.loads else None
    return {
        "host": node.host, "alive": node.alive, "silent": node.silent, "slots": node.slots, "cpus": node.cpus,
        "memory_bytes": node.memory, "running": sum(len(worker.running) for worker in node.workers), "last": last,
        "has": node.workers[0].inventory.facts(),
    }  # fmt: skip


def _worker(worker: WorkerSeen) -> dict[str, Any]:
    return {
        "worker": worker.wid, "host": worker.host, "state": worker_state(worker), "slots": worker.slots,
        "started_unix_s": worker.started, "heartbeat_age_s": worker.heartbeat_age, "running": len(worker.running),
        "version": worker.version, "why": worker.verdict, "rest": worker.rest and worker.rest.facts,
    }  # fmt: skip
