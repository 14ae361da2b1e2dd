"""The page: complete in itself, deaf to hostile names and logs, written in one step by one writer."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from filelock import FileLock

from dsgspool import resources
from dsgspool.report import text
from dsgspool.report.site import write_site
from dsgspool.snapshot import take
from tests.support.seeded import Seeded

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31mred\x1b[0m \u202eRTL\x00\u0085"
NAME = "\"'><img src=x onerror=alert(2)> $(reboot) `id` \u202e[a]*"


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    return Seeded(str(tmp_path / "spool"))


class _Tags(HTMLParser):
    """Every tag with its attributes, and the text of the body."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page(seeded: Seeded) -> str:
    return Path(write_site(seeded.spool)).read_text(encoding="utf-8")


def tags(html: str) -> _Tags:
    parser = _Tags()
    parser.feed(html)
    return parser


def hostile(seeded: Seeded) -> str:
    seeded.worker("n1-aaaaaaaa", ended=True)
    seeded.failed(NAME, "signal9", HOSTILE, host=HOSTILE)
    seeded.write(f"logs/{NAME}.1.err", HOSTILE.encode() + b"\xff\xfe\n50%\r100% done\n")
    seeded.write(f"todo/b@d {NAME}.yaml")
    seeded.running(f"<b>{NAME}")
    return page(seeded)


def test_hostile_names_and_logs_make_no_element(seeded: Seeded) -> None:
    found = tags(hostile(seeded))
    names = [tag for tag, _ in found.tags]
    assert names.count("script") == 1
    assert not {"img", "iframe", "object", "svg", "b onerror"} & set(names)
    assert not [attrs for _, attrs in found.tags if any(key.startswith("on") for key in attrs)]


def test_what_cannot_be_seen_is_shown_as_a_sign(seeded: Seeded) -> None:
    html = hostile(seeded)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", re.sub(r'data-copy="[^"]*"', "", html))
    for sign in (r"\x1b</i>[31mred", r"\u202e</i>RTL", r"\x00", r"\x85"):
        assert sign in html


def test_a_log_ends_as_a_terminal_would_show_it(seeded: Seeded) -> None:
    log = re.search(r"<pre[^>]*>(.*?)</pre>", hostile(seeded), re.DOTALL)
    assert log is not None
    assert log[1].endswith("100% done")
    assert "50%" not in log[1]


def test_the_only_script_is_the_one_that_the_policy_allows(seeded: Seeded) -> None:
    html = hostile(seeded)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(attrs["content"] for _, attrs in tags(html).tags if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    assert f"'sha256-{digest}'" in policy


def test_nothing_is_loaded_from_anywhere(seeded: Seeded) -> None:
    seeded.done("a/1")
    html = hostile(seeded)
    assert not re.search(r"https?://|url\(|@import|//cdn", html)
    assert not [tag for tag, attrs in tags(html).tags if tag == "link" or "src" in attrs]
    links = [attrs["href"] or "" for tag, attrs in tags(html).tags if tag == "a"]
    assert all(link.startswith(("#", "../logs/")) for link in links)


def test_links_lead_to_the_files_of_the_attempt(seeded: Seeded) -> None:
    seeded.failed("a b/100 ü?#.x")
    links = [attrs["href"] for tag, attrs in tags(page(seeded)).tags if tag == "a"]
    assert "../logs/a%20b/100%20%C3%BC%3F%23.x.1.err" in links


def test_the_verdict_is_the_title_and_the_first_heading(seeded: Seeded) -> None:
    seeded.done("1")
    seeded.failed("2")
    html = page(seeded)
    assert "<title>Finished: 1 of 2 done; 1 failure</title>" in html
    heading = re.search(r"<h1>(.*?)</h1>", html)
    assert heading is not None
    assert re.sub("<[^>]*>", "", heading[1]) == "Finished: 1 of 2 done; 1 failure"


def test_a_failure_comes_with_reason_log_and_the_command_that_runs_it_again(seeded: Seeded) -> None:
    seeded.failed("sweep/7", "exit3", "exit code 3: out of paper")
    seeded.write("logs/sweep/7.1.out", "printing\nout of paper\n")
    html = page(seeded)
    copies = [attrs["data-copy"] for _, attrs in tags(html).tags if "data-copy" in attrs]
    assert f"dsgspool --spool {seeded.root} requeue sweep/7" in copies
    assert f"cd {seeded.root} && mkdir -p todo/sweep/ && mv 'failed/sweep/7~exit3.yaml' todo/sweep/" in copies
    assert "end of .out" in html
    assert "printing\nout of paper</pre>" in html


def test_a_command_to_copy_is_quoted_for_the_shell_and_matches_one_name_only(seeded: Seeded) -> None:
    seeded.failed(NAME, "signal9")
    (task,) = take(seeded.spool).tasks
    command = text.requeue_command("/my spool", [task])
    assert command.startswith("dsgspool --spool '/my spool' requeue '")
    assert "[[]a][*]" in command


@pytest.mark.parametrize(("number", "rows", "said"), [(3, 3, ">3</small>"), (2050, 2000, "the first 2,000 of 2,050")])
def test_the_table_is_capped_and_says_so(seeded: Seeded, number: int, rows: int, said: str) -> None:
    for each in range(number):
        seeded.write(f"todo/{each}.yaml")
    html = page(seeded)
    assert html.count('<tr class="todo">') == rows
    assert said in html


def test_counts_batches_and_workers_are_on_the_page(seeded: Seeded) -> None:
    seeded.worker("n1-aaaaaaaa", slots=4)
    seeded.done("a/1", "a/2", "b/1")
    seeded.running("a/3")
    found = tags(page(seeded)).text
    for words in ("2 of 3 done", "1 of 1 done", "n1-aaaaaaaa", "1 of 4", "Running: 3 of 4 done, 1 running on 1 worker"):
        assert words in found


def test_an_empty_spool_says_what_to_do(seeded: Seeded) -> None:
    found = tags(page(seeded)).text
    assert "Nothing to do: the spool is empty" in found
    assert f"dsgspool --spool {seeded.root} worker" in found


def test_the_page_is_there_whole_and_nothing_else_stays(seeded: Seeded) -> None:
    assert page(seeded).endswith("</html>")
    assert set(os.listdir(f"{seeded.root}/reports")) <= {"index.html", ".lock"}


def test_a_second_writer_leaves_quietly(seeded: Seeded) -> None:
    path = f"{seeded.root}/reports/index.html"
    with FileLock(f"{seeded.root}/reports/.lock"):
        assert write_site(seeded.spool) == path
    assert not os.path.exists(path)
    assert page(seeded)


def test_a_log_of_a_hundred_megabytes_costs_its_end_only(seeded: Seeded) -> None:
    seeded.failed("big")
    with open(seeded.write("logs/big.1.err", ""), "wb") as file:
        file.truncate(100 << 20)
        file.seek(0, 2)
        file.write(b"\nthe last line\n")
    html = page(seeded)
    assert "the last line</pre>" in html
    assert len(html) < 200_000


def test_a_log_that_is_a_link_or_a_pipe_is_not_followed(seeded: Seeded) -> None:
    seeded.failed("x")
    secret = seeded.write("secret", "password")
    os.symlink(secret, f"{seeded.root}/logs/x.1.err")
    os.mkfifo(f"{seeded.root}/logs/x.1.out")
    assert "password" not in page(seeded)


def test_a_root_that_is_not_utf_8_can_be_written_about(tmp_path: Path) -> None:
    seeded = Seeded(f"{tmp_path}/sp\udcff")
    assert r"\xff" in page(seeded)


def test_the_resources_are_where_the_program_looks_for_them() -> None:
    assert {"index.html.j2", "style.css", "page.js"} <= set(os.listdir(resources.reports()))
    assert os.path.isdir(resources.spool_template())
