"""Sweeps with real workers: every item once, whoever is killed; what failed runs again, and nothing else."""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest

from dsgspool import snapshot
from dsgspool.cli import choosing
from dsgspool.errors import WrongState
from dsgspool.snapshot.items import swept
from dsgspool.spool import Spool
from dsgspool.spool.moves import Moves
from tests.support.processes import Workers, kill
from tests.support.spools import CALM, SpoolFolder

LARGE = 10_000


def ran(folder: SpoolFolder) -> Counter[int]:
    """How often each value was run."""
    path = folder / "ran"
    return Counter(map(int, path.read_text().split())) if path.exists() else Counter()


def finished(folder: SpoolFolder) -> Counter[int]:
    """How often an index says that an item is done."""
    found: Counter[int] = Counter()
    for path in (folder / "logs").rglob("*.items"):
        lines = (line.split() for line in path.read_text().splitlines() if not line.startswith("#"))
        found.update(int(fields[0]) for fields in lines if fields[1] == "done")
    return found


def counting(folder: SpoolFolder, count: int, and_then: str = "true") -> dict[str, object]:
    """A sweep whose items write down their values."""
    return {
        "command": f"echo {{n}} >> {folder / 'ran'}; {and_then}",
        "sweep": {"product": {"n": f"0..{count - 1}"}},
    }


@pytest.mark.load
def test_every_item_of_a_large_sweep_runs_once_though_a_worker_is_killed_in_the_middle(
    folder: SpoolFolder, workers: Workers
) -> None:
    folder.configure(CALM)
    folder.drop("s", **counting(folder, LARGE))
    first, _ = workers.ready(slots=2), workers.ready(slots=2)
    workers.wait_until(lambda: sum(ran(folder).values()) > LARGE // 4, 120)
    kill(first.pid)
    workers.wait_until(lambda: len(finished(folder)) == LARGE and not folder.ls("todo") and not running(folder), 240)
    assert set(ran(folder)) == set(range(LARGE))
    assert set(finished(folder).values()) == {1}
    again = [value for value, times in ran(folder).items() if times > 1]
    assert len(again) <= 2, "only what each slot of the killed worker was at"
    assert max(ran(folder).values()) <= 2
    done = sum(int(str(folder.record(name, attempt)["items_done"])) for name, attempt in last_attempts(folder).items())
    assert done == LARGE and not folder.ls("failed")
    assert snapshot.check(Spool.open(str(folder))) == []


def running(folder: SpoolFolder) -> list[str]:
    return [str(path) for path in (folder / "running").rglob("*.yaml")]


def last_attempts(folder: SpoolFolder) -> dict[str, int]:
    """Chunk -> the number of its newest record."""
    found: dict[str, int] = {}
    for path in (folder / "logs/s").glob("*.yaml"):
        name, number, _ = path.name.rsplit(".", 2)
        found[f"s/{name}"] = max(found.get(f"s/{name}", 0), int(number))
    return found


def test_failed_items_and_no_others_run_again_when_their_chunks_are_requeued(
    folder: SpoolFolder, workers: Workers
) -> None:
    flag = folder / "mended"
    folder.drop("s", **counting(folder, 300, f"test -e {flag} || test $(({{n}} % 50)) != 49"))
    workers.run_until_empty(60, slots=2)
    assert sum(int(name.partition("~items")[2].removesuffix(".yaml")) for name in folder.ls("failed/s")) == 6
    assert set(ran(folder).values()) == {1} and len(finished(folder)) == 294
    flag.touch()
    for name in folder.ls("failed/s"):
        (folder / f"failed/s/{name}").rename(folder / f"todo/s/{name}")
    workers.run_until_empty(60, slots=2)
    assert {value for value, times in ran(folder).items() if times == 2} == {49, 99, 149, 199, 249, 299}
    assert max(ran(folder).values()) == 2 and not folder.ls("failed/s") and len(finished(folder)) == 300


def test_a_sweep_is_held_as_a_whole_and_goes_on(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("s", **counting(folder, 200, "sleep 0.02"))
    workers.ready(slots=2)
    workers.wait_until(lambda: sum(ran(folder).values()) > 20)
    (folder / "todo/s").rename(folder / "hold/s")
    workers.wait_until(lambda: not running(folder), 60)
    before = sum(ran(folder).values())
    assert before < 200
    (folder / "hold/s").rename(folder / "todo/s")
    workers.wait_until(lambda: len(finished(folder)) == 200 and not folder.ls("todo/s"), 60)
    assert set(ran(folder).values()) == {1}


def test_rows_of_a_file_run_once_though_it_changes_and_workers_are_killed(
    folder: SpoolFolder, workers: Workers
) -> None:
    """Two workers, one of them killed while the rows are written down, another in the middle of a chunk."""
    samples, count = folder.root.parent / "samples.tsv", 200_000
    samples.write_text("n\tname\n" + "".join(f"{number}\tsample {number}\n" for number in range(count)))
    folder.configure(CALM)
    command = f"echo {{n}} >> {folder / 'ran'}; test {{name}} = 'sample {{n}}'"
    sweep = {"rows": str(samples), "exclude": [{"n": "7"}]}
    folder.drop("s", command, sweep={**sweep, "rows": str(samples)})
    first = workers.ready(slots=2)
    workers.wait_until(lambda: any((folder / "tmp").iterdir()) or (folder / "sweeps/s/table").exists(), 60)
    kill(first.pid)
    second, _ = workers.ready(slots=2), workers.ready(slots=2)
    workers.wait_until(lambda: sum(ran(folder).values()) > 500, 120)
    samples.write_text("n\tname\n" + "".join(f"{number}\tother\n" for number in range(count)))
    kill(second.pid)
    workers.wait_until(lambda: sum(ran(folder).values()) > 3000, 120)
    (folder / "todo/s").rename(folder / "hold/s")
    workers.wait_until(lambda: not running(folder), 60)
    assert not folder.ls("failed") and set(finished(folder).values()) == {1}
    assert 7 not in finished(folder) and set(finished(folder)) <= set(ran(folder)) and max(ran(folder).values()) <= 2
    assert snapshot.check(Spool.open(str(folder))) == []


def test_items_that_are_cancelled_while_workers_divide_do_not_run_and_all_others_do(
    folder: SpoolFolder, workers: Workers
) -> None:
    folder.configure(CALM)
    folder.drop("s", **counting(folder, 2000, "sleep 0.004"))
    workers.ready(slots=2)
    workers.ready(slots=2)
    workers.wait_until(lambda: sum(ran(folder).values()) > 20, 60)
    spool = Spool.open(str(folder))
    with contextlib.suppress(WrongState):  # a chunk that runs may lie across the border: then nothing of it is touched
        for place in choosing.move(Moves(spool), "cancel", ["s/1500-1899"]):
            Moves(spool).cancel(place)
    workers.wait_until(lambda: not folder.ls("todo") and not running(folder), 120)
    items = swept(snapshot.take(spool).tasks)["s"]
    meant, begun = set(range(1500, 1900)), set(ran(folder))
    cancelled, cut_off = meant - begun, begun - set(finished(folder))
    assert len(cancelled) >= 300 and begun == set(range(2000)) - cancelled and max(ran(folder).values()) == 1
    assert cut_off <= meant and len(cut_off) <= 4  # of a chunk among them that ran: what it had done stays done
    assert len(cancelled) + len(cut_off) <= items.failed <= 400 and items.done == 2000 - items.failed
    assert snapshot.check(spool) == []
