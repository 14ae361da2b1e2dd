"""The key `sweep`: which items there are, what each stands for, and what is refused with its line."""

from __future__ import annotations

import itertools
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsgspool.codec import parse_task
from dsgspool.errors import InvalidTask
from dsgspool.items import Sweep, filled, readable, shell
from dsgspool.ranges import Range, parse_range, whole

COMMAND = b"command: ./fold --seed {seed}\n"


def sweep_of(text: str) -> Sweep:
    task = parse_task(COMMAND + text.encode())
    assert task.sweep is not None
    return task.sweep


def values(sweep: Sweep) -> list[dict[str, str] | None]:
    return [sweep.values(number) for number in range(sweep.count)]


def test_a_product_goes_through_all_combinations_and_the_last_one_turns_fastest():
    sweep = sweep_of("sweep:\n  product:\n    seed: 1..3\n    rate: [0.10, fast]\n")
    found = [(each["seed"], each["rate"]) for each in values(sweep) if each]
    assert found == [("1", "0.10"), ("1", "fast"), ("2", "0.10"), ("2", "fast"), ("3", "0.10"), ("3", "fast")]


def test_zipped_params_go_side_by_side_and_turn_fastest():
    sweep = sweep_of("sweep:\n  product:\n    seed: [1, 2]\n  zip:\n    name: [a, b]\n    size: 10..20 step 10\n")
    found = [tuple(each.values()) for each in values(sweep) if each]
    assert sorted(found) == [("a", "10", "1"), ("a", "10", "2"), ("b", "20", "1"), ("b", "20", "2")]


def test_what_is_excluded_keeps_its_number_and_what_is_included_comes_last():
    sweep = sweep_of("sweep:\n  product: {seed: 1..4}\n  exclude: [{seed: 2}]\n  include: [{seed: 9}]\n")
    assert values(sweep) == [{"seed": "1"}, None, {"seed": "3"}, {"seed": "4"}, {"seed": "9"}]


def test_ranges_keep_the_zeros_in_front_and_go_by_steps():
    assert [each["seed"] for each in values(sweep_of("sweep: {product: {seed: 08..14 step 3}}\n")) if each] == [
        "08", "11", "14",
    ]  # fmt: skip
    assert [each["seed"] for each in values(sweep_of("sweep: {product: {seed: -1..1}}\n")) if each] == ["-1", "0", "1"]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_every_number_stands_for_one_combination_and_every_combination_for_one_number(sizes, data):
    columns = [[f"{column}.{row}" for row in range(size)] for column, size in enumerate(sizes)]
    sweep = Sweep([([f"k{column}"], [[value] for value in values]) for column, values in enumerate(columns)])
    expected = list(itertools.product(*columns))
    assert sweep.count == len(expected)
    found = [sweep.values(number) for number in range(sweep.count)]
    assert [tuple(each[f"k{column}"] for column in range(len(sizes))) for each in found if each] == expected


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_value_is_quoted_for_the_shell_as_params_are(value):
    assert shell(value) == shlex.quote(value)


def test_the_command_is_filled_in_as_with_params():
    task = parse_task(
        b"command: ./fold {seed} ${HOME} {{x}} {kind}\nparams: {kind: a b}\nenv: {SEED: 's {seed}'}\ncwd: /d/{seed}\n"
        b"sweep: {include: [{seed: it's}]}\n"
    )
    assert task.sweep is not None
    known = task.sweep.values(0)
    assert known is not None
    assert filled(str(task.command), known) == "./fold " + shlex.quote("it's") + " ${HOME} {x} 'a b'"
    assert readable(str(task.command)) == "./fold {seed} ${HOME} {x} 'a b'"
    assert filled(task.env["SEED"], known) == "s it's"
    assert filled(str(task.cwd), known) == "/d/it's"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("sweep: 5\n", 2, "must be a mapping"),
        ("sweep: {}\n", 2, "has no items"),
        ("sweep:\n  product:\n    seed: 5\n", 4, "neither a list nor a range"),
        ("sweep:\n  product:\n    seed: []\n", 4, "is empty"),
        ("sweep:\n  product:\n    seed: 5..1\n", 4, "ends before it begins"),
        ("sweep:\n  product:\n    seed: 1..10000001\n", 3, "more than 10,000,000"),
        ("sweep:\n  produkt:\n    seed: 1..2\n", 3, "did you mean `product`?"),
        ("sweep:\n  seed: 1..2\n", 3, "unknown key `seed` in `sweep` (params stand below `product:`"),
        ("sweep:\n  zip:\n    seed: [1, 2]\n    b: [1]\n", 4, "not of one length: seed 2, b 1"),
        ("sweep:\n  product: {seed: 1..2}\n  exclude:\n    - {sed: 1}\n", 5, "there is no `sed`"),
        ("sweep:\n  product: {seed: 1..2}\n  include:\n    - {seed: 1, b: 2}\n", 5, "has other params: seed, b"),
        ("params: {seed: 1}\nsweep: {product: {seed: 1..2}}\n", 3, "is in `params` and in `sweep`"),
        ("sweep: {product: {other: 1..2}}\n", 1, "there is no param `seed`"),
        ("sweep: {product: {seed: 1..2}}\nexpires: 2h\n", 3, "no age tells"),
        ("sweep: {product: {seed: [yes]}}\n", 2, "YAML reads"),
        ("cwd: /d/{seed}\nstdin: in.txt\nsweep: {product: {seed: [1]}}\n", 3, "`stdin` is relative, and `cwd` differs"),
        (
            "cwd: /d/{seed}\nenv_file: s.env\nsweep: {product: {seed: [1]}}\n",
            3,
            "`env_file` is relative, and `cwd` differs",
        ),
    ],
)
def test_what_is_wrong_with_a_sweep_is_told_with_its_line(text, line, what):
    with pytest.raises(InvalidTask) as caught:
        parse_task(COMMAND + text.encode())
    assert what in str(caught.value)
    assert caught.value.line == line


def test_names_of_parts_are_read_back():
    rest = whole("lab/s", 10_000)
    assert rest.identity == "lab/s/rest-0000-9999"
    assert parse_range(rest.identity) == rest
    chunk = rest.part(0, 99, is_rest=False)
    assert chunk.identity == "lab/s/0000-0099"
    assert parse_range(chunk.identity) == Range("lab/s", 0, 99, 4)
    for name in ("0-9", "s/9-0", "s/00-1", "s/a-b", "s/rest-0", "s/000000000-000000001"):
        assert parse_range(name) is None, name
