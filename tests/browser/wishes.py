"""A spool in which much has been asked for: GPUs, memory, programs, other tasks, and policies of batches in every state.

The rule: what workers and commands write for these wishes, file by file (`hand`), each wish once as it can be met and once
as it cannot.
"""

from __future__ import annotations

import json

from dsgspool.conditions import parse_where
from dsgspool.names import lane_for
from dsgspool.requests import Request
from tests.browser.hand import GB, PLAIN, Hand

GPUS = [
    {"index": 0, "memory_bytes": 40 * GB, "model": "NVIDIA A100-SXM4-40GB"},
    {"index": 1, "memory_bytes": 40 * GB, "model": "NVIDIA A100-SXM4-40GB"},
    {"index": 2, "memory_bytes": 16 * GB, "model": "Tesla T4"},
]
PLAIN_NODE: dict[str, object] = {"scratch_bytes": 900 * GB, "gpus": [], "software": {}, "labels": {}, "resources": {}}
GPU_NODE = {
    **PLAIN_NODE, "gpus": GPUS, "software": {"samtools": "samtools 1.17"}, "labels": {"rack": "b"},
    "resources": {"licence": 2},
}  # fmt: skip


def wants(spool: Hand, name: str, where: str = "", memory: int = 0, gpus: int = 0, scratch: int = 0) -> None:
    """A task in todo/, filed in the lane of what it wants as a worker or `submit` does."""
    request = Request(
        memory=(memory * GB,) if memory else (),
        gpus=gpus,
        scratch=scratch * GB,
        where=parse_where(where) if where else (),
    )
    asked = {
        "memory": f"{memory}G" if memory else None,
        "gpus": gpus or None,
        "scratch": f"{scratch}G" if scratch else None,
    }
    resources = {key: value for key, value in asked.items() if value}
    keys = ({"resources": resources} if resources else {}) | ({"where": where} if where else {})
    spool.drop(f"@{lane_for(0, 1, request)}/{name}", **keys)


def policy(spool: Hand, batch: str, **facts: object) -> None:
    """batches/NAME.yaml"""
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in facts.items())
    spool.overwrite(f"batches/{batch}.yaml", f"{lines}...\n")


def decided(spool: Hand, batch: str, what: str, **facts: object) -> None:
    """What a worker decided about a batch: batches/NAME.canary, NAME.tripped."""
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in facts.items())
    spool.overwrite(f"batches/{batch}.{what}", f"{lines}...\n")


def nodes(spool: Hand) -> tuple[str, str]:
    """One with GPUs, one without."""
    plain = spool.worker("n1-aaaaaaaa", slots=4, **PLAIN_NODE)
    return plain, spool.worker("gpu1-gggggggg", slots=8, memory_bytes=128 * GB, **GPU_NODE)


def wishes(spool: Hand) -> None:
    """All of them in one spool."""
    spool.configure(PLAIN, report_every="30s", resources={"bandwidth": 8, "matlab": 2})
    plain, gpu = nodes(spool)
    for amount, wid in ((3, gpu), (2, gpu), (1, plain)):
        spool.write(f"taken/bandwidth={amount}@{wid}.{amount}", "")
    for n in range(40):
        limit = (4, 8, 16)[n % 3] * GB
        spool.done(
            f"fit/{n:03d}", gpu if n % 3 == 2 else plain, ago=5000 - 100 * n, seconds=20 + 11 * (n % 9),
            waited=5 * 2.0 ** (n % 10), cpus=1 + n % 4, memory_limit_bytes=limit, peak_memory_bytes=int(limit * (0.2 + 0.02 * n)),
            resources=f"memory={limit // GB}G", gpus=[0] if n % 3 == 2 else [],
        )  # fmt: skip
    spool.run("fit/040", gpu, ago=90, err="epoch 3: loss 0.1204\n##progress 20/100\n", resources="gpus=1", gpus=[0])
    spool.run("fit/041", plain, ago=30, err=" 37%|###7      | 37/100 [00:10<00:17,  3.60it/s]\r")
    policy(spool, "fit", max_running=8, priority=5)
    for n in range(3):
        wants(spool, f"fit/big-{n}", memory=900)
    wants(spool, "fit/soon", memory=64, gpus=1)
    wants(spool, "align/all", where="has:samtools host=n1")
    policy(spool, "sweep-b", paused=True)
    for n in range(30):
        spool.drop(f"sweep-b/{n:03d}")
    policy(spool, "probe", breaker={"of": 20, "failures": 3})
    for n in range(3):
        spool.failed(f"probe/{n}", plain, ago=800 - n, err="Bus error (core dumped)\n")
    for n in range(3, 20):
        spool.drop(f"probe/{n}")
    decided(spool, "probe", "tripped", why="3 of the first 3 tasks that ended have failed")
    policy(spool, "maps", canary=2)
    decided(spool, "maps", "canary", tasks=["maps/0", "maps/1"])
    for n in range(12):
        spool.drop(f"maps/{n}")
    spool.overwrite("batches/typo.yaml", "max_runing: 3\n...\n")
    spool.drop("typo/1")
    for name, what in (
        ("collect", "fit%"),
        ("plot", "collect"),
        ("paper", "plot"),
        ("egg", "hen"),
        ("hen", "egg"),
        ("late", "parked"),
    ):
        spool.drop(f"after-{what}/{name}", state="waiting")
    spool.drop("parked", state="hold")
