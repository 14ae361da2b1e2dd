"""The rule: what was written down of the rows of a file is read back as it was, row by row, in any order."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dsgspool import tables
from dsgspool.errors import InvalidTask
from dsgspool.tables import TextTable, line_of, values_of
from dsgspool.worker import reading
from dsgspool.worker.reading import Trust, read, write

VALUE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
ROWS = st.lists(st.lists(VALUE, min_size=2, max_size=2), min_size=1, max_size=60)


@given(st.lists(VALUE, min_size=1, max_size=4))
@example(["\\t", "\t\\", "\\\\n", "\r\n"])
def test_a_line_is_read_back_as_its_values(values):
    line = line_of(7, values)
    assert line.count("\n") == 1 and values_of(line.encode()) == values


@given(ROWS, st.data())
def test_any_row_is_found_in_any_order_with_blocks_of_any_size(rows, data):
    body = "".join(line_of(number, row) for number, row in enumerate(rows)).encode()
    whole = body + b'# {"parts": []}\n'
    block = data.draw(st.integers(16, 64))
    asked = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "BLOCK", block)
        table = TextTable(lambda offset, limit: whole[offset : offset + limit], len(whole))
        assert [table.row(number) for number in asked] == [rows[number] for number in asked]
        with pytest.raises(ValueError, match="has no row"):
            table.row(len(rows))


@given(ROWS, st.sampled_from([",", "\t", ";", "|"]), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_a_table_that_a_spreadsheet_wrote_is_written_down_as_its_rows(tmp_path_factory, rows, delimiter, end, quoted):
    quoted = quoted or any("\r" in value for row in rows for value in row)  # csv.writer forgets that
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    )
    writer.writerows([["a", "b"], *rows])
    folder = tmp_path_factory.mktemp("rows")
    (folder / "x").write_bytes(text.getvalue().encode())
    params, found = read(("rows", [], "x", delimiter), str(folder), Trust({0}))
    if ["a", "b"] in rows:
        with pytest.raises(InvalidTask, match="the header is there twice"):
            list(found)
        return
    assert params == ["a", "b"] and list(found) == rows


@given(ROWS)
def test_the_last_line_says_how_many_rows_each_source_has(rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "read", lambda *_: (["a", "b"], iter(rows)))
        out = io.StringIO(newline="")
        write([("rows", [], "x", ","), ("rows", [], "y", ",")], Trust(()), {"digest": "d"}, out)
    *lines, last = out.getvalue().rstrip("\n").split("\n")
    assert json.loads(last[2:]) == {"digest": "d", "parts": [[["a", "b"], len(rows)]] * 2}
    assert [values_of(line.encode()) for line in lines] == rows * 2


def test_one_of_a_million_rows_costs_a_few_small_reads():
    body = "".join(line_of(number, [str(number * 7)]) for number in range(1_000_000)).encode()
    asked = []

    def part(offset, limit):
        asked.append(limit)
        return body[offset : offset + limit]

    assert TextTable(part, len(body)).row(765_432) == [str(765_432 * 7)]
    assert len(asked) < 30 and sum(asked) < 300_000


@given(st.binary(max_size=200))
@example(b'a\n"')
@example(b"\xef\xbb\xbfa\nb\n")
def test_any_bytes_are_rows_or_told_as_wrong(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("rows")
    (folder / "x").write_bytes(data)
    for source in (("rows", [], "x", ","), ("lines", ["n"], "x", "")):
        try:
            params, rows = read(source, str(folder), Trust({0}))
            assert all(len(row) == len(params) for row in rows)
        except InvalidTask as error:
            assert error.path == "x"
