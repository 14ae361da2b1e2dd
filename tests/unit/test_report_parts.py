"""Parts of the report's data: ends of logs, journals, chunks, the table, what is done."""

from __future__ import annotations

import json
import math
import re
from array import array
from pathlib import Path

import pytest

import dsgspool
from dsgspool.clock import iso
from dsgspool.report import chunks, details, logs
from dsgspool.report.book import Book, Past
from dsgspool.report.data import Data, ranges
from dsgspool.report.finished import Finished
from dsgspool.report.journals import MAX_LOADS, QUIET, WORDS, Journals, happened, thinned
from dsgspool.report.ledger import MOST_BATCHES, Block, remember
from dsgspool.report.table import COLUMNS, NONE, Attempts
from dsgspool.snapshot import Counts, Snapshot, WorkerSeen
from dsgspool.yamlwriting import dump
from tests.support.seeded import Seeded

WID = "n1-aaaaaaaa"


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    return Seeded(str(tmp_path / "spool"))


# -- logs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("log", "line"), [
    (b"", ""),
    (b"\n \n---\n", ""),
    (b"Traceback:\n  File x\nValueError: no\n\n", "ValueError: no"),
    (b"\x1b[31;1merror\x1b[0m: \x1b]0;title\x07bad\n", "error: bad"),
    (b"lost 3 of 4\n 37%|###     | 37/100 [00:01<00:02]\n", "lost 3 of 4"),
    (b"broken\n##progress 3/4\n::progress:: 0.75\n", "broken"),
    (b"10%\r50%\rfailed at 50%\r\n", "failed at 50%"),
    (b"caf\xe9 \xff\n", "caf\ufffd \ufffd"),
    (b"a\x00b\x07c\xe2\x80\xa8d\n", "a b c d"),
    (b"x" * 4000, "x" * 300),
])  # fmt: skip
def test_one_line_of_a_log_says_what_went_wrong(log: bytes, line: str) -> None:
    assert logs.telling_line(log) == line


def test_the_error_is_that_of_stderr_else_of_stdout(seeded: Seeded) -> None:
    stem = f"{seeded.root}/logs/x.1"
    seeded.write("logs/x.1.out", "from out\n")
    seeded.write("logs/x.1.err", "\n")
    assert logs.error_of(seeded.spool.fs, stem, (None, None)) == "from out"
    assert logs.error_of(seeded.spool.fs, stem, (0, None)) == "from out"
    assert logs.error_of(seeded.spool.fs, stem, (None, 0)) == ""
    seeded.write("logs/x.1.err", "from err\n")
    assert logs.error_of(seeded.spool.fs, stem, (None, None)) == "from err"
    assert logs.log_of(seeded.spool.fs, stem).suffix == "err"


# -- chunks ----------------------------------------------------------------------------------------------------------


def _table() -> Attempts:
    table = Attempts()
    table.append(task="a/1", number=1, outcome="done", started=1_000, ended=2_500, seconds=1.5, out=0, inode=7)
    table.append(task="</script>\u2028\udcff", number=2, outcome="exit1", reason='"\\', cpus=4, inode=8)
    table.append(task="r", number=1)
    return table


def test_a_table_comes_back_from_its_chunk(seeded: Seeded) -> None:
    table, again = _table(), Attempts()
    for part in chunks.attempts(table, 0, 3):
        name, content = chunks.script("chunk", part["kind"], part)
        chunks.extend(again, chunks.parse(name, content), 3, {})
        assert content.isascii()
        assert b"<" not in content
    for column in COLUMNS:
        if column in ("seconds", "cpu_seconds"):
            assert list(map(str, getattr(again, column))) == list(map(str, getattr(table, column)))
        else:
            assert getattr(again, column) == getattr(table, column)


def test_what_is_not_known_is_none_in_a_row_and_null_in_a_chunk() -> None:
    table = _table()
    row = table.row(2)
    assert (row.started, row.seconds, row.cpus, row.waited, row.batch) == (None, None, None, None, "")
    assert (table.row(0).started, table.row(0).out, table.row(0).batch) == (1.0, 0, "a")
    payload = {name: column for part in chunks.attempts(table, 2, 3) for name, column in chunks.whole(part).items()}
    assert (payload["started"], payload["seconds"], payload["outcome_w"], payload["cpus"]) == (
        [None],
        [None],
        [-1],
        [None],
    )


@pytest.mark.parametrize(("column", "form"), [
    ([None, None, None], None),
    ([4, 4, 4], 4),
    ([5, 6, 7], {"from": 5}),
    ([1, 2, 1], {"from": 0, "bytes": 1, "data": "AQIB"}),
    ([7_000, None, 9_000], {"from": 6_999, "bytes": 2, "data": "AQAAANEH"}),
    ([None, -1, 253], {"from": -2, "bytes": 1, "data": "AAH/"}),
    ([0, 254, 255], {"from": -1, "bytes": 2, "data": "AQD/AAAB"}),
    ([0, 1 << 31, 7], {"from": -1, "bytes": 4, "data": "AQAAAAEAAIAIAAAA"}),
    ([1 << 62, 0, -1], {"from": -2, "bytes": 8, "data": "AgAAAAAAAEACAAAAAAAAAAEAAAAAAAAA"}),
    ([1 << 200, 0, -1], [1 << 200, 0, -1]),
    ([0.5, None, 1], [0.5, None, 1]),
])  # fmt: skip
def test_a_column_is_written_in_few_bytes_and_comes_back(column: list[float | None], form: object) -> None:
    assert chunks.packed(column) == form
    assert chunks.unpacked(json.loads(chunks.dump(form)), 3) == column


@pytest.mark.parametrize("column", [[1, 2], {"from": 0, "bytes": 4, "data": "AQAAAAEAAIA="}, {"bytes": 1, "data": "AQIB"},
    {"from": 0, "bytes": 3, "data": "AQIB"}, {"from": 0, "bytes": 4, "data": "AQIB"}, {"from": None}])  # fmt: skip
def test_a_column_of_another_length_or_form_is_refused(column: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        chunks.unpacked(column, 3)


def test_rows_that_are_taken_out_leave_whole_columns() -> None:
    table = _table()
    table.settled = 2
    table.drop({0})
    assert (table.task, table.settled, list(table.number)) == (["</script>\u2028\udcff", "r"], 1, [2, 1])
    assert {len(column) for column in table.columns()} == {2}
    assert table.cpus.typecode == "q"
    assert table.seconds.typecode == "d"


def test_a_chunk_that_would_be_too_long_is_halved(seeded: Seeded) -> None:
    table = Attempts()
    for number in range(1, 1001):
        table.append(task=f"{number:04d}", number=1, reason=f"{number}" + "\u2028" * 2999)
    data = Data(seeded.spool.fs, f"{seeded.root}/reports/data")
    blocks = data.blocks([(0, 1000, True)], lambda first, stop: chunks.attempts(table, first, stop))
    assert len(blocks) > 4
    assert [block.first for block in blocks] == [sum(b.rows for b in blocks[:place]) for place in range(len(blocks))]
    assert sum(block.rows for block in blocks) == 1000
    assert max(path.stat().st_size for path in Path(data.folder).iterdir()) <= 2 * chunks.AIM
    assert all(block.full for block in blocks)


def test_rows_are_portioned_and_the_last_ones_stay_open() -> None:
    rows = chunks.ROWS
    assert ranges(0, 0, 0) == []
    assert ranges(0, rows, rows + 1) == [(0, rows, True), (rows, rows + 1, False)]
    assert ranges(rows, rows + 5, rows + 9) == [(rows, rows + 9, False)]


# -- done/ -----------------------------------------------------------------------------------------------------------


def test_paths_keep_their_place_and_what_went_away_moves_the_rest_up() -> None:
    done = Finished()
    done.update(["b/1.yaml", "a.yaml", "c~1.k3f2x2ma-7.yaml", ".draft.yaml", "no~thing%~.yaml"])
    assert done.task == ["b/1", "a", "c"]
    assert len(done.problems) == 1
    done.row = array("q", [5, 6, 7])
    done.update(["z.yaml", "c~1.k3f2x2ma-7.yaml", "b/1.yaml"])
    assert (done.task, list(done.row), done.kept) == (["b/1", "c", "z"], [5, 7, -1], 1)
    assert done.batches == {"b": 1, "": 2}


# -- journals --------------------------------------------------------------------------------------------------------


def _worker(*, ended: bool = False) -> dict[str, WorkerSeen]:
    return {WID: WorkerSeen(WID, "n1", 2, "", 1.0, (), ended=ended)}


def _line(second: int, event: str, **facts: object) -> str:
    return json.dumps({"at": iso(1_795_884_000 + second), "event": event, **facts}) + "\n"


def _read(seeded: Seeded, journals: Journals, *, ended: bool = False) -> Journals:
    journals.update(seeded.spool.fs, f"{seeded.root}/workers", [f"{WID}.jsonl"], _worker(ended=ended))
    return Journals.of(json.loads(json.dumps(journals.as_json())))


def test_a_journal_is_read_on_from_where_it_was(seeded: Seeded) -> None:
    path = Path(
        seeded.write(f"workers/{WID}.jsonl", _line(0, "node", load=1.5, cpu=0.25, memory_used=5, memory_total=9))
    )
    journals = _read(seeded, Journals())
    with path.open("a") as file:
        file.write(_line(30, "node", load=2.5) + _line(31, "sample", task="a/1", attempt=1, memory=77, cpu=0.5)[:-9])
    journals = _read(seeded, journals)
    assert [(load.load, load.memory_total) for load in journals.of_host("n1")] == [(1.5, 9), (2.5, None)]
    assert journals.curve("a/1", 1) == []
    with path.open("a") as file:
        file.write(_line(31, "sample", task="a/1", attempt=1, memory=77, cpu=0.5)[-9:])
    journals = _read(seeded, journals)
    assert journals.curve("a/1", 1) == [[1_795_884_031_000, 77, 0.5]]
    assert len(journals.of_host("n1")) == 2


def test_events_are_told_newest_first_and_broken_lines_are_passed_over(seeded: Seeded) -> None:
    text = (
        _line(5, "fence", worker="n2-bbbbbbbb", why="no heartbeat")
        + '{"event": "x", nonsense\n{"at": 1, "event": "y"}\n'
    )
    text += (
        "\x00\xff\n" + _line(1, "start", task="t", attempt=1) + _line(9, "space", why="disk") + '{"event": "unfinished'
    )
    seeded.write(f"workers/{WID}.jsonl", text.encode("latin-1"))
    journals = _read(seeded, Journals())
    assert [(event.kind, event.host) for event in journals.told()] == [("space", "n1"), ("fence", "n1")]
    assert "no heartbeat" in list(journals.told())[1].text


def test_events_are_told_in_words_and_those_of_every_task_are_not() -> None:
    assert happened("drain") == "takes no new tasks, ends with those it has"
    assert happened("of-a-later-version") == "of-a-later-version"
    assert not QUIET & set(WORDS)


def test_what_a_task_waits_for_is_no_event_and_one_fact_needs_no_name(seeded: Seeded) -> None:
    seeded.write(f"workers/{WID}.jsonl", _line(1, "after", task="plot2") + _line(2, "revoke", task="long/4"))
    assert [(each.kind, each.text) for each in _read(seeded, Journals()).told()] == [("revoke", "long/4")]


def test_what_became_of_a_dead_workers_task_is_a_sentence(seeded: Seeded) -> None:
    rescue = {"task": "long/{to}", "worker": "n1-bbbbbbbb", "to": "todo", "why": "its guard left a tombstone"}
    seeded.write(
        f"workers/{WID}.jsonl",
        _line(1, "rescue", **rescue)
        + _line(2, "policy", batch="fit", why="no")
        + _line(3, "of-a-later-version", a=1, b=2),
    )
    told = [each.text for each in _read(seeded, Journals()).told()]
    dead = "long/{to} is in todo/ now: worker n1-bbbbbbbb is dead, its guard saw it end"
    assert told == ["a: 1, b: 2", "batch fit: no", dead]


def test_every_event_that_a_worker_tells_has_words_or_is_no_news() -> None:
    """Read off the code, so that a new event is thought of."""
    package = Path(dsgspool.__file__).parent
    sources = [*(package / "worker").glob("*.py"), *(package / "spool").glob("*.py"), package / "janitor.py"]
    told = {
        name for source in sources for name in re.findall(r'\btell\(\s*"([a-z-]+)"', source.read_text(encoding="utf-8"))
    }
    assert len(told) > 15
    assert told <= QUIET | set(WORDS)


def test_of_a_long_journal_only_the_end_is_read_and_of_an_ended_worker_once(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsgspool.report.journals.MAX_NEW", 500)
    lines = "".join(_line(second, "node", load=second) for second in range(100))
    seeded.write(f"workers/{WID}.jsonl", lines)
    journals = _read(seeded, Journals(), ended=True)
    loads = [load.load for load in journals.of_host("n1")]
    assert loads == list(range(100 - len(loads), 100))
    assert 4 < len(loads) < 10
    assert journals.offsets == {f"{WID}.jsonl": -1}


def test_curves_are_thinned_and_keep_the_newest_points_whole() -> None:
    points: list[list[float | None]] = [[float(number), 1.0] for number in range(10_000)]
    kept = thinned(points, MAX_LOADS)
    assert len(kept) <= MAX_LOADS
    assert kept[-1] == points[-1]
    assert [point[0] for point in kept] == sorted(float(point[0] or 0) for point in kept)


@pytest.mark.parametrize("kept", [{}, {"offsets": 1}, {"offsets": {}, "loads": [], "samples": {}, "events": []}])
def test_a_strange_memory_of_journals_begins_anew(kept: dict[str, object]) -> None:
    assert Journals.of(kept) == Journals()


# -- details ---------------------------------------------------------------------------------------------------------

RECORDS = [
    {"command": ["sh", "-c", "echo a, b"], "cwd": "/data", "environment": {}, "text": "command: true\n...\n"},
    {
        "command": ["x" * 90, "y z", "--k=1"],
        "cwd": "/d/e.f",
        "environment": {"A": "1", "B": "x: y"},
        "text": "a: 1\n\nb: 2\n",
    },
    {
        "command": ["true"],
        "cwd": "/d",
        "environment": {"Y1": "yes", "N1": "null", "E": ""},
        "text": "text: |\n  x\nb: 2\n",
    },
    {"command": ["ü", "\u2028", "a\nb", "\x1b"], "cwd": "/a b", "environment": {"A": "\n"}, "text": "\ttab\n"},
    {"command": "true", "cwd": "/d", "environment": {"A B": "x"}, "text": "no line end"},
]


@pytest.mark.parametrize("number", range(len(RECORDS)))
def test_a_record_read_quickly_says_what_yaml_says(number: int) -> None:
    from dsgspool.records import parse_record

    text = dump({"task": "x", **RECORDS[number], "outcome": "done"}.items()) + "...\n"
    slow = parse_record(text.encode())
    quick = details._quick(text)
    assert (quick is None) == (number > 2)
    for key in RECORDS[number] if quick else ():
        assert getattr(quick, key) == getattr(slow, key)


def test_a_record_is_shown_without_its_text() -> None:
    record = "task: x\ntext: |\n  a: 1\n\n  text: 2\noutcome: done\n...\n"
    assert details.without_text(record) == "task: x\noutcome: done\n...\n"


def test_details_are_packed_in_portions() -> None:
    entries = [(f"t{number}", "m", {"attempts": ["x" * 400_000]}) for number in range(7)]
    packs = list(details.pack_up(entries))
    assert [sorted(json.loads(text)["tasks"]) for _, text in packs] == [
        ["t0", "t1"],
        ["t2", "t3"],
        ["t4", "t5"],
        ["t6"],
    ]
    assert packs[0][0] == {"t0": "m", "t1": "m"}


# -- the past --------------------------------------------------------------------------------------------------------


BATCHES = {f"b{number:04d}": Counts(done=1) for number in range(300)}


def _book(moment: float, done: int) -> Book:
    return Book(Snapshot("/s", moment, False, Counts(done=done), BATCHES, (), (), (), ()))


def test_the_past_is_thinned_and_ends_after_a_day() -> None:
    past: list[Past] = []
    for minute in range(0, 3000, 1):
        past = remember(past, _book(minute * 60.0, minute))
    now = 2999 * 60.0
    assert 120 <= sum(now - each.moment < 7200 for each in past) <= 121
    assert len(past) < 230
    assert now - past[0].moment < 26 * 3600
    assert len(past[-1].batches) == MOST_BATCHES
    book = Book(_book(now, 2999).snapshot, previous=tuple(past))
    hour, day = book.past(3600), book.past(86400)
    assert hour is not None
    assert day is not None
    assert hour.counts.done == 2939
    assert 1540 <= day.counts.done <= 1559
    assert book.past(1e9) is None


def test_a_clock_that_was_set_back_makes_no_future() -> None:
    past = remember([], _book(1e6, 1))
    assert [each.moment for each in remember(past, _book(5e5, 2))] == [5e5]


def test_missing_numbers_are_told_apart_from_zero() -> None:
    table = _table()
    assert (table.out[0], table.out[1]) == (0, NONE)
    assert math.isnan(table.seconds[1])
    assert Block(["f"], 0, 3) == Block(["f"], 0, 3, full=False)
