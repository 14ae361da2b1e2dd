"""Causes: what makes failures alike, what keeps them apart, and whether the node or the task is bad."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dsgspool.report import failures
from dsgspool.report.book import Failure
from dsgspool.report.digest import digest
from dsgspool.report.failures import Cause, mask, suspect
from tests.support.books import NOW, Made


def failure(
    identity: str, error: str = "", tag: str = "exit1", reason: str = "", host: str = "n1", ago: float = 0.0
) -> Failure:
    return Failure(identity, f"{identity}~{tag}.yaml", tag, reason, error, -1, host, 1, NOW - ago)


def causes(*found: Failure) -> list[Cause]:
    return failures.causes(found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "ValueError: could not convert string to float: 'row 3'",
            "ValueError: could not convert string to float: 'N/A'",
        ),
        ("cannot open /data/r1/x.csv", "cannot open /scratch/u7/deep/y.csv"),
        ("cannot open C:\\data\\x.csv", "cannot open D:\\other\\y.csv"),
        ("cannot open measured_A.csv", "cannot open other-b.csv"),
        ("at 0x7f3a is None", "at 0xdeadbeef is None"),
        ("commit 3f2a9c1 is gone", "commit 99ab01ce is gone"),
        ("id 123e4567-e89b-12d3-a456-426614174000 unknown", "id 00000000-0000-0000-0000-000000000001 unknown"),
        ("GET https://lab.example/a?x=1 failed", "GET http://other.example:8080/b failed"),
        ("2026-11-28 17:04:11,233 lost 3 of 40", "2025-01-02 03:04:05,001 lost 12 of 9"),
        ("loss is -1.5e-3", "loss is 22"),
        ("no  such   thing", "no such thing"),
        ("key “a” is missing", "key “b c” is missing"),
        ("KeyError: gene_XBC", "KeyError: geneQ4"),
        ("NameError: name foo is not defined", "NameError: name bar_2 is not defined"),
    ],
)
def test_what_differs_from_task_to_task_makes_no_new_cause(one: str, other: str) -> None:
    assert mask(one) == mask(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KeyError: 'a'", "IndexError: 'a'"),
        ("ValueError: gene_XBC", "ValueError: gene_YBC"),
        ("No space left on device: '/a'", "Disk quota exceeded: '/a'"),
        ("numpy.linalg.LinAlgError: Singular matrix", "scipy.LinAlgError: Singular matrix"),
    ],
)
def test_what_says_something_else_is_another_cause(one: str, other: str) -> None:
    assert mask(one) != mask(other)


def test_the_words_of_a_pattern_are_still_to_be_read() -> None:
    line = "OSError: [Errno 28] No space left on device: '/scratch/x.tmp'"
    assert mask(line) == "OSError: [Errno #] No space left on device: ‹…›"


def test_a_task_that_is_named_in_its_own_error_is_masked_but_not_inside_a_word() -> None:
    found = causes(failure("b/alpha", "alpha: no data for alphabet"), failure("b/gamma", "gamma: no data for alphabet"))
    assert [(cause.pattern, cause.count) for cause in found] == [("‹task›: no data for alphabet", 2)]


def test_a_task_called_by_a_number_does_not_take_numbers_out_of_a_cause() -> None:
    assert len(causes(failure("b/123", "row 123 of 500"), failure("b/124", "row 7 of 500"))) == 1


def test_sizes_of_any_unit_are_one_cause() -> None:
    reason = "its processes had {} of memory; resources.memory is {}"
    sizes = (("194.5 MiB", "50.0 MiB"), ("1.2 GiB", "1.0 GiB"), ("2.0 MiB", "900.0 KiB"))
    found = causes(*(failure(f"x/{n}", "", "oom", reason.format(*each)) for n, each in enumerate(sizes)))
    assert [(cause.title, cause.count) for cause in found] == [(reason.format("#", "#"), 3)]


def test_what_wrote_nothing_is_a_cause_for_each_batch_and_exit_code() -> None:
    def silent(name: str, code: int) -> Failure:
        reason = f"exit code {code}"
        return replace(failure(name, reason, f"exit{code}", reason), is_quiet=True)

    found = causes(
        *(silent(f"qa/{n}", 1) for n in range(3)), *(silent(f"qb/{n}", 2) for n in range(2)), silent("qa/x", 2)
    )
    told = [(cause.title, list(cause.batches), cause.count) for cause in found]
    assert sorted(told) == [("exit code 1", ["qa"], 3), ("exit code 2", ["qa"], 1), ("exit code 2", ["qb"], 2)]
    assert len({cause.key for cause in found}) == 3
    missing = "command not found: samtools (in /lab, PATH=/bin)"
    assert len(causes(*(failure(f"{batch}/1", missing, "exit127", missing) for batch in "ab"))) == 1


def test_any_exit_code_may_be_one_cause_but_a_signal_or_a_timeout_is_another() -> None:
    found = causes(
        failure("a", "bad row 1"),
        failure("b", "bad row 2", "exit3"),
        failure("c", "bad row 3", "signal9"),
        failure("d", "bad row 4", "timeout", "still running after 60 s"),
    )
    assert {tuple(cause.tags): cause.count for cause in found} == {
        ("exit1", "exit3"): 2,
        ("signal9",): 1,
        ("timeout",): 1,
    }
    assert next(cause for cause in found if "timeout" in cause.tags).pattern == "still running after # s"


@pytest.mark.parametrize(
    ("tag", "reason", "said"),
    [
        ("lost", "", "its worker died"),
        ("cancelled", "SIGTERM by a person", "somebody took it away"),
        ("exit4", "", "no record says why"),
        ("exit4", "exit code 4", "exit code 4"),
    ],
)
def test_a_failure_without_a_line_of_log_has_words(tag: str, reason: str, said: str) -> None:
    assert said in causes(failure("a", "", tag, reason))[0].title


@pytest.mark.parametrize(
    ("tag", "error", "reason", "is_quiet", "title", "beside"),
    [
        (
            "signal11", "loaded 7 rows", "killed by SIGSEGV", False,
            "killed by signal 11 (SIGSEGV)", "last line of its log: loaded 7 rows",
        ),
        ("signal11", "killed by SIGSEGV", "killed by SIGSEGV", True, "killed by signal 11 (SIGSEGV)", ""),
        (
            "signal24", "step 3", "killed by SIGXCPU: more than limits.cpu_time (5 s)", True,
            "killed by signal 24 (SIGXCPU): more than limits.cpu_time (5 s)", "last line of its output: step 3",
        ),
        ("signal99", "", "killed by signal 99", True, "killed by signal 99", ""),
        ("exit3", "all fine so far", "exit code 3", True, "exit code 3", "last line of its output: all fine so far"),
        ("exit3", "exit code 3", "exit code 3", True, "exit code 3", ""),
        ("exit3", "no such file", "exit code 3: no such file", False, "no such file", ""),
        ("timeout", "step 3", "still running after 2 s", True, "still running after 2 s", ""),
    ],
)  # fmt: skip
def test_a_cause_is_called_by_the_fact_and_the_line_stands_beside_it(
    tag: str, error: str, reason: str, is_quiet: bool, title: str, beside: str
) -> None:
    (cause,) = causes(replace(failure("a", error, tag, reason), is_quiet=is_quiet))
    assert (cause.title, cause.beside) == (title, beside)


def test_several_exit_codes_without_a_word_are_told_together() -> None:
    quiet = [replace(failure(f"a/{n}", f"row {n}", f"exit{n}"), is_quiet=True) for n in (10, 2)]
    (cause,) = causes(*quiet)
    assert (cause.title, cause.beside) == ("exit codes 2 and 10", "last line of its output: row #")
    (spoken,) = causes(quiet[0], failure("b", "row 5"))
    assert (spoken.title, spoken.beside) == ("row #", "")


def test_one_fault_of_a_sweep_is_one_cause_however_many_items_of_its_chunks_it_hit() -> None:
    said = [
        failure("fold/0001-0008", "no such rate", "items1", "1 of 8 items failed: 2 exit1"),
        failure("fold/0009-0656", "no such rate", "items31", "31 of 648 items failed: 23 exit1, 44 exit1, ..."),
    ]
    assert [(cause.title, cause.count) for cause in causes(*said)] == [("no such rate", 2)]
    silent = [replace(each, error="some output", is_quiet=True) for each in said]
    assert [(cause.title, cause.count) for cause in causes(*silent)] == [("# of # items failed: exit1", 2)]
    assert causes(silent[1])[0].title == "31 of 648 items failed: 23 exit1, 44 exit1, ..."
    other = replace(silent[0], reason="1 of 8 items failed: 2 timeout")
    assert len(causes(*silent, other)) == 2


def test_one_upstream_fault_is_one_cause_whatever_is_called_how() -> None:
    why = "{} has failed, and `after` wants its success"
    names = ("collect", "collect2", "plain/000/00019 (of plain/)", "it has failed, and more")
    found = causes(*(failure(f"x/{n}", "", "dependency", why.format(name)) for n, name in enumerate(names)))
    assert [(each.pattern, each.count) for each in found] == [("‹task› has failed, and `after` wants its success", 4)]
    (alone,) = causes(failure("x", "", "dependency", why.format("collect2")))
    assert alone.title == why.format("collect2")


def test_the_largest_cause_comes_first_with_hosts_times_and_its_newest_failure() -> None:
    found = causes(
        failure("a/1", "x", ago=50, host="n2"),
        failure("b/1", "bad 1", ago=10, host="n1"),
        failure("b/2", "bad 2", ago=30, host="n1"),
        failure("c/3", "bad 3", ago=90, host="n2"),
    )
    first = found[0]
    assert (first.count, first.newest.identity, first.line) == (3, "b/1", "bad 1")
    assert (first.first, first.last) == (NOW - 90, NOW - 10)
    assert list(first.hosts.items()) == [("n1", 2), ("n2", 1)]
    assert dict(first.batches) == {"b": 2, "c": 1}
    assert first.title == "bad #"
    assert found[1].title == "x"


def test_a_cause_has_the_same_key_tomorrow_and_no_other_has_it() -> None:
    keys = [
        causes(failure("a", line, tag))[0].key
        for line, tag in (("x 1", "exit1"), ("x 22", "exit1"), ("x", "exit1"), ("x 1", "oom"))
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert failures.signatures(causes(failure("a", "x 1"))) == [[keys[0], 1]]


@pytest.mark.parametrize(
    ("hosts", "attempts", "suspicion"),
    [
        ({"n4": 12}, {"n1": 100, "n4": 30}, "node"),
        ({"n4": 12, "n1": 1}, {"n1": 100, "n4": 30}, "node"),
        ({"n1": 10, "n4": 3}, {"n1": 100, "n4": 30}, "task"),
        ({"n4": 2}, {"n1": 100, "n4": 30}, ""),
        ({"n1": 10}, {"n1": 100}, ""),
        ({"n1": 6}, {"n1": 1000, "n4": 1}, ""),
        ({}, {"n1": 1000, "n4": 1}, ""),
    ],
)
def test_a_node_is_suspected_when_chance_would_hardly_put_so_much_there(
    hosts: dict[str, int], attempts: dict[str, int], suspicion: str
) -> None:
    assert suspect(hosts, attempts)[0] == suspicion


def test_a_batch_that_ran_on_one_node_only_accuses_no_node() -> None:
    failed = [failure(f"train/{n}", "ran too long", host="gpu1") for n in range(7)]
    elsewhere = {"sweep": {"n1": 500, "n2": 500}}
    assert failures.causes(failed, {"train": {"gpu1": 25}, **elsewhere})[0].suspicion == ""
    assert failures.causes(failed, {"train": {"gpu1": 25, "gpu2": 25}, **elsewhere})[0].suspicion == "node"


def test_chance_is_the_binomial_one_and_large_numbers_do_no_harm() -> None:
    assert failures.chance(3, 3, 0.5) == pytest.approx(0.125)
    assert failures.chance(1, 2, 0.5) == pytest.approx(0.75)
    assert failures.chance(5000, 10000, 0.5) == 1.0
    assert failures.chance(9000, 10000, 0.5) == 0.0


def test_the_matrix_counts_each_failure_once() -> None:
    made = Made()
    for wid in ("n1-aaaaaaaa", "n2-bbbbbbbb"):
        made.worker(wid)
        made.done(*(f"ok/{wid}{n}" for n in range(5)), wid=wid)
    for n in range(4):
        made.failed(f"x/{n}", f"bad {n}", wid="n1-aaaaaaaa" if n else "n2-bbbbbbbb")
    made.failed("y", "worse", wid="n2-bbbbbbbb")
    matrix = digest(made.book()).matrix
    assert matrix is not None
    assert (matrix.hosts, matrix.cells) == (("n1", "n2"), ((3, 1), (0, 1)))
    assert (matrix.totals, matrix.attempts, matrix.most) == ((3, 2), (8, 7), 3)


def test_there_is_no_matrix_of_one_node() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    made.failed("x", "bad")
    assert digest(made.book()).matrix is None


def test_a_hundred_thousand_characters_of_quotes_cost_nothing() -> None:
    assert len(mask("'" * 300 + "/" * 300 + "1" * 300)) <= 200
