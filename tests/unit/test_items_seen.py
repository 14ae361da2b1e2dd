"""How far a sweep is, told by the names of its files."""

import pytest

from dsgspool.names import parse
from dsgspool.snapshot.items import swept
from dsgspool.snapshot.values import Counts, TaskSeen
from dsgspool.task import State


def seen(*paths):
    tasks = []
    for path in paths:
        state, _, below = path.partition("/")
        name = parse(f"{below.rpartition('/')[2].replace('%', '/') if '@' in below else below}.yaml")
        tasks.append(TaskSeen(name.identity, State(state), f"{below}.yaml", name))
    return tasks


def test_items_count_where_their_file_lies_and_of_a_failed_chunk_as_its_name_says():
    tasks = seen(
        "done/s/00-09", "failed/s/10-19~items3", "failed/s/20-29~oom", "todo/s/rest-30-49~0.aaaaaaaa-1", "hold/s/50-99",
        "done/lab/t/0-3", "done/other",
    )  # fmt: skip
    assert swept(tasks) == {"lab/t": Counts(done=4), "s": Counts(todo=20, hold=50, done=17, failed=13)}


def test_a_name_in_which_a_person_wrote_more_failures_than_items_takes_none_away():
    assert swept(seen("failed/s/0-3~items9")) == {"s": Counts(failed=4)}


@pytest.mark.parametrize("paths", [["done/s/1-3"], ["done/s/0-3", "todo/s/5-9"], ["done/s/0-3", "todo/s/rest-2-9"]])
def test_a_batch_whose_files_do_not_cover_all_numbers_once_is_no_sweep(paths):
    assert swept(seen(*paths)) == {}


def test_a_rest_whose_parts_were_taken_out_stands_for_what_comes_before_them():
    tasks = seen(
        "running/n1-abcdefgh/s%rest-00-99@n1-abcdefgh.1", "hold/s/rest-10-20~0.aaaaaaaa-1", "todo/s/rest-21-99"
    )
    assert swept(tasks) == {"s": Counts(running=10, hold=11, todo=79)}
