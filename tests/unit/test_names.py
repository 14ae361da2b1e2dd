"""The rule: a name says identity, tag, token, claim and lane, and what fits no valid form is refused with the reason."""

import pytest

from dsgspool import names
from dsgspool.errors import InvalidName
from dsgspool.names import Claim, Lane, TaskName
from dsgspool.task import Budget

WID = "n1-k3f2x2ma"

VALID = {
    "fold-0017.yaml": TaskName("fold-0017"),
    "sweep-a/0001.yaml": TaskName("sweep-a/0001"),
    "a b'c\"ü.yaml": TaskName("a b'c\"ü"),
    "v1.2.yaml": TaskName("v1.2"),
    "x~1.k3f2x2ma-7.yaml": TaskName("x", "1", "k3f2x2ma-7"),
    "x~1l2.k3f2x2ma-7.yaml": TaskName("x", "1l2", "k3f2x2ma-7"),
    "x~exit1.yaml": TaskName("x", "exit1"),
    "x~log-limit.yaml": TaskName("x", "log-limit"),
    "x~lost.k3f2x2ma-7.yaml": TaskName("x", "lost", "k3f2x2ma-7"),
    f"x@{WID}.7.yaml": TaskName("x", claim=Claim(WID, 7)),
    f"x~0.k3f2x2ma-7@{WID}.8.yaml": TaskName("x", "0", "k3f2x2ma-7", Claim(WID, 8)),
    "@p10/s/x.yaml": TaskName("s/x", lane="p10"),
    f"@p5,cpus8/x@{WID}.1.yaml": TaskName("x", claim=Claim(WID, 1), lane="p5,cpus8"),
}

INVALID = {
    "x.txt": "does not end with .yaml",
    ".yaml": "a part of it is empty",
    "a//b.yaml": "a part of it is empty",
    "-x.yaml": "begins with '-'",
    "a.yaml/c.yaml": "a task file's ending",
    "a/b.yml/c.yaml": "a task file's ending",
    "s/.x.yaml": "begins with '.'",
    "#x.yaml": "begins with '#'",
    "a@b.yaml": "the character '@'",
    "a~b.yaml": "the character '~'",
    "50%.yaml": "the character '%'",
    "a\nb.yaml": "the character '\\n'",
    "a\x85b.yaml": "the character '\\x85'",
    "a\\b.yaml": "the character '\\\\'",
    "x\udcff.yaml": "not UTF-8",
    "y\U0000d800.yaml": "not UTF-8",
    "@\udcff/x.yaml": "not UTF-8",
    "@a%b/x.yaml": "the character '%'",
    "@/x.yaml": "a part of it is empty",
    "@" + "p" * 27 + "/x.yaml": "its lane is longer than 26 bytes",
    "x~1\n.yaml": "the character '~'",
    f"x@{WID}.1\n.yaml": "the character '@'",
    f"x@{WID}.007.yaml": "the character '@'",
    f"x@{WID}.1@{WID}.2.yaml": "the character '@'",
    "x@Host-k3f2x2ma.1.yaml": "the character '@'",
    "x~1.short-7.yaml": "the character '~'",
}


@pytest.mark.parametrize(("path", "name"), VALID.items())
def test_a_valid_name_is_read_and_written_alike(path, name):
    assert names.parse(path) == name
    assert name.lane_path == path
    assert names.parse_flat(name.flat) == name
    assert "/" not in name.flat


@pytest.mark.parametrize(("path", "reason"), INVALID.items())
def test_an_invalid_name_is_refused_with_its_reason(path, reason):
    with pytest.raises(InvalidName) as caught:
        names.parse(path)
    assert reason in caught.value.reason


def test_yml_means_the_same_task():
    assert names.parse("x.yml") == names.parse("x.yaml")


def test_an_identity_has_at_most_150_bytes():
    assert names.check_identity("ü" * 75)
    with pytest.raises(InvalidName, match="longer than 150 bytes"):
        names.check_identity("ü" * 75 + "x")


@pytest.mark.parametrize(
    ("tag", "budget"),
    [("", Budget()), ("2", Budget(2)), ("1l2", Budget(1, 2)), ("exit1", Budget()), ("timeout", Budget())],
)
def test_counts_are_a_budget_and_reasons_a_fresh_one(tag, budget):
    assert TaskName("x", tag).budget == budget


def test_a_return_carries_counts_and_token_and_keeps_its_lane():
    name = names.parse(f"@p10/s/x~timeout@{WID}.4.yaml")
    assert name.returned(Budget(1), "k3f2x2ma-9").lane_path == "@p10/s/x~1.k3f2x2ma-9.yaml"
    assert name.returned(Budget(0, 2), "k3f2x2ma-9").stem == "s/x~0l2.k3f2x2ma-9"


def test_done_is_the_bare_identity_and_failed_says_why():
    name = names.parse(f"@p10/s/x~1.k3f2x2ma-7@{WID}.4.yaml")
    assert name.plain().path == "s/x.yaml"
    assert name.failed("exit1").path == "s/x~exit1.yaml"
    assert name.batch == "s"


@pytest.mark.parametrize(
    "name", [".x.yaml", "#x.yaml", "x.yaml~", "x.tmp", "x.yaml.part", ".x.yaml.swp", "._x.yaml", "x"]
)
def test_what_editors_and_copies_leave_is_ignored(name):
    assert names.is_ignored(name)


def test_an_unusable_name_gets_one_made_from_its_hash():
    name = names.invalid_name("a\nb\udcff.yaml", "k3f2x2ma-1")
    assert names.parse(name.path) == name
    assert name != names.invalid_name("a\nb.yaml", "k3f2x2ma-1")


@pytest.mark.parametrize(
    ("host", "wid"),
    [
        ("n1", "n1-aaaaaaaa"),
        ("N1.lab.example", "n1-aaaaaaaa"),
        ("node_7", "node-7-aaaaaaaa"),
        ("ü", "node-aaaaaaaa"),
        ("x" * 40, "x" * 24 + "-aaaaaaaa"),
    ],
)
def test_a_worker_is_called_after_its_host(host, wid):
    assert names.worker_id(host, "aaaaaaaa") == wid
    assert names.is_wid(wid)


@pytest.mark.parametrize("text", ["n1", "n1-aaaaaaa1", "n1-aaaaaaaa.1", "n1-aaaaaaaa\n", "", "-aaaaaaaa"])
def test_what_is_no_worker_id(text):
    assert not names.is_wid(text)


def test_records_are_found_by_their_paths():
    assert names.record_path("s/x", 3) == "s/x.3.yaml"
    assert names.parse_record("s/x.1.3.err") == ("s/x.1", 3, "err")
    assert [names.parse_record(p) for p in ("x.yaml", "x.0.yaml", "x.01.yaml", "x.1.txt", "x.1.yaml\n")] == [None] * 5


def test_a_folder_of_waiting_that_is_no_date_says_no_moment():
    assert names.parse_until("until-20269999T000000Z") is None


def test_a_folder_of_waiting_is_read_back():
    assert names.parse_until(names.until_folder("20261121T210000Z")) == (2026, 11, 21, 21, 0, 0)
    assert names.parse_until("after-x") is None
    assert names.parse_until("until-٢0261121T210000Z") is None


@pytest.mark.parametrize(
    ("lane", "meaning"),
    [
        ("p10", Lane(10)),
        ("p-5", Lane(-5)),
        ("cpus8", Lane(0, 8)),
        ("p5,cpus8", Lane(5, 8)),
        ("gpu", Lane(known=False)),
        ("p5,mem64G", Lane(5, known=False)),
        ("p10\n", Lane(known=False)),
    ],
)
def test_what_a_lane_asks_for(lane, meaning):
    assert names.parse_lane(lane) == meaning


@pytest.mark.parametrize(("need", "lane"), [((0, 1), ""), ((10, 1), "p10"), ((0, 8), "cpus8"), ((-5, 8), "p-5,cpus8")])
def test_the_lane_for_a_need(need, lane):
    assert names.lane_for(*need) == lane


def test_the_longest_name_there_can_be_fits_a_file_system():
    name = TaskName(
        "x" * 150,
        "999l999o99",
        "k3f2x2ma-99999999",
        Claim("n" * 24 + "-k3f2x2ma", 99999999),
        "p-999999,cpus99999,=k3f2x2",
    )
    assert len(name.lane) == names.MAX_LANE
    assert len(name.flat.encode()) <= 255
