"""The pages: what the digest says stands on them, text of others is text, and nothing comes from anywhere else."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

from dsgspool import resources
from dsgspool.clock import iso
from dsgspool.report import again, plots, render, text
from dsgspool.report.book import Failure, Load
from dsgspool.report.digest import digest
from dsgspool.report.site import write_site
from dsgspool.settings import parse_settings
from dsgspool.snapshot.standings import Standing
from dsgspool.spool.rest import Rest
from tests.support.books import NOW, Made
from tests.support.seeded import Seeded

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31mred\x1b[0m \u202eRTL\x00\u0085"
NAME = "\"'><img src=x onerror=alert(2)> $(reboot) `id` \u202e[a]*"
DATA = re.compile(r"data/(?:first|style|app|page)-[0-9a-f]{16}\.(?:css|js)")


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

    @property
    def copies(self) -> list[str | None]:
        return [attrs["data-copy"] for _, attrs in self.tags if "data-copy" in attrs]


def page(seeded: Seeded) -> str:
    return Path(write_site(seeded.spool)).read_text(encoding="utf-8")


def tags(html: str) -> _Tags:
    parser = _Tags()
    parser.feed(html)
    return parser


def hostile(seeded: Seeded) -> str:
    seeded.worker("n1-aaaaaaaa", ended=True)
    seeded.failed(NAME, "signal9", HOSTILE, host=HOSTILE)
    seeded.write(f"logs/{NAME}.1.err", HOSTILE.encode() + b"\x1b]0;title\xff\xfe\n50%\r100% done\n")
    seeded.write(f"todo/b@d {NAME}.yaml")
    seeded.running(f"<b>{NAME}")
    return page(seeded)


def sections(made: Made) -> dict[str, str]:
    whole = digest(made.book())
    return render.sections(whole, plots.series(whole))


def words(html: str) -> str:
    return " ".join(tags(html).text.split())


def rich() -> Made:
    """Something in every panel."""
    made = Made()
    made.worker("n1-aaaaaaaa", slots=3)
    made.worker("n2-bbbbbbbb")
    made.worker("n4-dddddddd", silent=420.0, how="silent")
    made.worker("n5-eeeeeeee", how="ended")
    made.task("todo", *(f"sweep/{each:03}" for each in range(50, 90)), "alone")
    made.task("hold", "maps/1")
    made.done(*(f"sweep/{each:03}" for each in range(30)), memory=10**9, cpu_seconds=50.0, memory_limit=2 * 10**9)
    made.done(*(f"maps/{each:03}" for each in range(10, 20)), wid="n2-bbbbbbbb", seconds=600.0, memory=3 * 10**8)
    for each in range(6):
        made.failed(f"sweep/9{each}", f"KeyError: 'column {each}'", wid="n4-dddddddd", ago=3000.0 - each)
    made.failed("maps/9", tag="timeout", reason="it ran longer than its timeout of 60 s", wid="n1-aaaaaaaa")
    made.running("sweep/100", "n1-aaaaaaaa", seconds=20.0, progress=0.37, line="epoch 37 of 100")
    made.running("maps/100", "n2-bbbbbbbb", seconds=200.0)
    made.loads["n1"] = [Load(NOW - 60.0 * each, 2.0, 0.5, 10**9, 4 * 10**9) for each in range(6, 0, -1)]
    made.problems.append("todo/x.txt: no YAML file")
    return made


# -- text of others ----------------------------------------------------------------------------------------------------


def test_hostile_names_and_logs_make_no_element(seeded: Seeded) -> None:
    found = tags(hostile(seeded))
    names = [tag for tag, _ in found.tags]
    assert names.count("script") == 3
    assert not {"img", "iframe", "object", "embed", "form", "base"} & set(names)
    assert not [attrs for _, attrs in found.tags if any(key.startswith("on") for key in attrs)]


def test_what_cannot_be_seen_is_shown_as_a_sign(seeded: Seeded) -> None:
    html = hostile(seeded)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", re.sub(r'data-[a-z]+="[^"]*"', "", html))
    for sign in (r"\x1b</i>]0;title", r"\u202e</i>RTL", r"\x00", r"\x85"):
        assert sign in html


def test_a_log_ends_as_a_terminal_would_show_it(seeded: Seeded) -> None:
    log = re.search(r"<pre[^>]*>(.*?)</pre>", hostile(seeded), re.DOTALL)
    assert log is not None
    assert log[1].endswith("100% done")
    assert "50%" not in log[1]
    assert "[31m" not in log[1]


def test_a_pattern_sets_its_masks_apart_and_stays_text() -> None:
    assert text.masked("open ‹path›: <b> #") == ("open <i class=mask>‹path›</i>: &lt;b&gt; <i class=mask>#</i>")


def test_a_command_in_a_sentence_can_be_copied_and_other_words_cannot() -> None:
    html = str(text.coded("Start one: `dsgspool --spool '/a b' worker`, or `rm PAUSE` <i>"))
    assert tags(html).copies == ["dsgspool --spool '/a b' worker"]
    assert "<code>rm PAUSE</code> &lt;i&gt;" in html


def test_a_name_leads_to_its_page_and_to_its_rows_whatever_it_is_made_of() -> None:
    assert text.page_of("a b/é#?%\udcff") == "#/task/a%20b/%C3%A9%23%3F%25%FF"
    assert text.search(host="n 1", batch="x") == "#/tasks?q=host%3A%22n+1%22+batch%3Ax"
    for name, told in (('q"', '"q"""'), ("st*r", '"st*r"'), ("=eq", '"=eq"'), ("a,b", '"a,b"')):
        assert unquote_plus(text.search(batch=name)) == f"#/tasks?q=batch:{told}"


# -- the frame ---------------------------------------------------------------------------------------------------------


def test_no_script_and_no_style_comes_from_anywhere_but_the_data(seeded: Seeded) -> None:
    seeded.done("a/1")
    html = hostile(seeded)
    found = tags(html)
    assert not re.search(r"https?://|url\(|@import|//cdn", html)
    loaded = [attrs.get("src") or attrs["href"] for tag, attrs in found.tags if tag == "link" or "src" in attrs]
    assert len(loaded) == 4
    assert all(DATA.fullmatch(address or "") for address in loaded)
    assert not re.search(r"<script(?! src=)", html)
    links = [attrs["href"] or "" for tag, attrs in found.tags if tag == "a"]
    twins = {"report.txt", "report.json", "tasks.csv", "metrics.prom"}
    assert all(link.startswith(("#/", "../logs/")) or link in twins for link in links), links


def test_the_policy_forbids_all_but_files_and_styles(seeded: Seeded) -> None:
    policy = next(attrs["content"] for _, attrs in tags(page(seeded)).tags if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-inline" not in policy.partition("script-src")[2]


def test_the_verdict_is_the_title_and_the_first_heading(seeded: Seeded) -> None:
    seeded.done("1")
    seeded.failed("2")
    html = page(seeded)
    assert "<title>Finished: 1 of 2 done; 1 failure</title>" in html
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", html)
    assert heading is not None
    assert re.sub("<[^>]*>", "", heading[1]) == "Finished: 1 of 2 done; 1 failure"
    assert 'data-tone="attention"' in html


def test_without_script_every_section_can_be_read(seeded: Seeded) -> None:
    html = page(seeded)
    assert "<noscript><style>main > section[hidden] { display: block" in html
    for name in render.SECTIONS:
        assert f'<section data-page="{name}"' in html


def test_a_root_that_is_not_utf_8_can_be_written_about(tmp_path: Path) -> None:
    seeded = Seeded(f"{tmp_path}/sp\udcff")
    assert r"\xff" in page(seeded)


def test_the_resources_are_where_the_program_looks_for_them() -> None:
    assert {"index.html.j2", "macros.html.j2", "style.css", "first.js", "sections", "js"} <= set(
        os.listdir(resources.reports())
    )
    assert os.path.isdir(resources.spool_template())


# -- what the sections say ---------------------------------------------------------------------------------------------


def test_every_section_says_what_it_is_for() -> None:
    html = {name: words(part) for name, part in sections(rich()).items()}
    for sentence in ("7 failures, 2 causes", "Running now 2 tasks", "37 %", "epoch 37 of 100", "eight in ten"):
        assert sentence in html["overview"]
    for sentence in ("Bad node or bad task?", "KeyError: ‹…›", "all on n4", "timeout"):
        assert sentence in html["failures"]
    for sentence in ("sweep", "outside of a batch", "How long they run", "Requested and used", "50 %"):
        assert sentence in html["batches"]
    for sentence in ("2 alive of 4", "silent for 7 min", "its workers have ended", "1 of 3"):
        assert sentence in html["nodes"]
    for sentence in ("/lab/spool", "report.json", "todo/x.txt: no YAML file"):
        assert sentence in html["about"]


def test_what_people_cancelled_is_told_apart_closed_and_last() -> None:
    made = rich()
    for n in range(20):
        made.failed(f"sweep/c{n}", tag="cancelled", reason="SIGTERM by a person")
    found = sections(made)
    for html in (found["overview"], found["failures"]):
        causes, _, last = html.partition('data-key="cancelled"')
        assert causes.count('<details class="cause"') == 2 and "somebody took it away" not in causes
        assert "Cancelled 20 tasks, by people" in words(last)
        assert '<details class="cause" data-cause=' in last and " open>" not in last.partition("</details>")[0]
    assert "7 failures, 2 causes" in words(found["overview"])
    assert "27 in failed/, 20 of them cancelled, 2 causes" in words(found["failures"])
    made = Made()
    made.failed("c", tag="cancelled")
    assert "Nothing has failed" in words(sections(made)["failures"])
    assert "What went wrong" not in sections(made)["overview"]


def test_a_forecast_for_another_day_keeps_the_capital_of_the_day() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    made.done(*(f"a/{n}" for n in range(20)), seconds=90_000.0)
    made.running("a/now", seconds=10.0)
    assert re.search(r"Done about [A-Z]\w\w ", words(sections(made)["overview"]))


def test_a_node_that_is_not_to_be_had_says_until_when_unless_one_of_its_workers_takes_tasks() -> None:
    made = Made()
    for wid in ("n1-aaaaaaaa", "n1-bbbbbbbb"):
        made.rest(made.worker(wid), Rest("only_when_idle", "others' load is above 1"))
    told = "No new tasks: it takes tasks again when that is over (only_when_idle: others&#39; load is above 1)"
    assert told in sections(made)["nodes"]
    made.worker("n1-bbbbbbbb")
    assert "No new tasks" not in sections(made)["nodes"]


def test_a_node_whose_workers_are_paused_says_so_and_each_of_them() -> None:
    made = Made()
    made.rest(made.worker("n1-aaaaaaaa"), Rest("paused", "true"))
    html = words(sections(made)["nodes"])
    assert "n1 paused No new tasks: it takes tasks again after: dsgspool workers set n1-aaaaaaaa paused=false" in html
    assert "n1-aaaaaaaapaused, seen" in html
    made.rest(made.worker("n1-bbbbbbbb"), Rest("only_when_idle", "others' load is above 1"))
    html = words(sections(made)["nodes"])
    assert "n1 alive No new tasks: it takes tasks again when that is over" in html
    assert "n1-aaaaaaaapaused, seen" in html


def test_a_node_whose_workers_drain_says_so_and_each_of_them() -> None:
    made = Made()
    made.rest(made.worker("n1-aaaaaaaa"), Rest("drain", "SIGINT"))
    html = words(sections(made)["nodes"])
    assert "n1 draining No new tasks: it ends when what it runs is over (drain: SIGINT)" in html
    assert "n1-aaaaaaaadraining, seen" in html
    made.rest(made.worker("n1-bbbbbbbb"), Rest("paused", "true"))
    assert "n1 paused No new tasks: it takes tasks again after" in words(sections(made)["nodes"])


def test_every_state_has_its_number_in_all_and_in_each_batch() -> None:
    html = sections(rich())
    whole = re.findall(r'data-count="(\w+)">([\d,]+)<', html["overview"])
    assert dict(whole) == {"done": "40", "failed": "7", "running": "2", "todo": "41", "hold": "1"}
    sweep = html["batches"].partition('data-batch="sweep"')[2].partition("</article>")[0]
    assert dict(re.findall(r'data-count="(\w+)">([\d,]+)<', sweep)) == {
        "done": "30", "failed": "6", "running": "1", "todo": "40",
    }  # fmt: skip


def test_every_plot_has_numbers_behind_it_and_a_picture_without_script() -> None:
    whole = digest(rich().book())
    series = plots.series(whole)
    html = "".join(render.sections(whole, series).values())
    drawn = re.findall(r'data-plot="(\w+)" data-series="([^"]+)"', html)
    assert {"run:sweep", "wait:sweep", "load:n1", "cpu-used"} <= {name for _, name in drawn}
    assert all(series[name]["kind"] == kind for kind, name in drawn)
    assert html.count('<div class="sketch"') == len(drawn)


def test_a_panel_without_data_is_not_there() -> None:
    html = "".join(sections(Made()).values())
    assert "<figure" not in html
    assert "<table" not in html
    for title in ("What went wrong", "Running now", "What changed", "Bad node", "How long", "What the workers told"):
        assert title not in html


def test_an_empty_spool_says_what_to_do(seeded: Seeded) -> None:
    found = tags(page(seeded))
    assert "Nothing to do: the spool is empty" in found.text
    assert f"dsgspool --spool {seeded.root} worker" in found.copies


def test_no_two_elements_of_a_page_have_one_id() -> None:
    ids = re.findall(r'\sid="([^"]+)"', "".join(sections(rich()).values()))
    assert len(ids) == len(set(ids))


def test_settings_that_differ_are_told_and_values_of_an_environment_are_not() -> None:
    settings = parse_settings(
        b"lease: 90s\nmin_free: 5 %\ndefaults:\n  env: {TOKEN: sesame}\n  cpus: 2\n", "spool.yaml"
    )
    told = dict(render.differing(settings))
    assert told == {"lease": "1 min 30 s", "min_free": "5 %", "env": "TOKEN", "cpus": "2"}


def test_a_task_of_a_silent_worker_ran_until_that_was_last_heard_of() -> None:
    made = rich()
    made.running("sweep/200", "n4-dddddddd", seconds=720.0)
    assert "n4 silent5 min" in words(sections(made)["overview"])


def test_moments_are_short_to_read_and_exact_for_machines() -> None:
    html = sections(rich())["failures"]
    assert re.search(r'<time datetime="20\d\d-\d\d-\d\dT[\d:.]+Z" title="20\d\d-[^"]+">', html)


# -- failures and what to do -------------------------------------------------------------------------------------------


def test_a_failure_comes_with_reason_log_and_the_command_that_runs_it_again(seeded: Seeded) -> None:
    seeded.failed("sweep/7", "exit3", "exit code 3: out of paper")
    seeded.write("logs/sweep/7.1.out", "printing\nout of paper\n")
    html = page(seeded)
    assert f"dsgspool --spool {seeded.root} requeue sweep/7" in tags(html).copies
    by_hand = f"cd {seeded.root} && mkdir -p todo/sweep/ && mv -n 'failed/sweep/7~exit3.yaml' todo/sweep/"
    assert by_hand in tags(html).copies
    assert "printing\nout of paper</pre>" in html


def test_what_failed_without_a_word_on_stderr_is_called_by_its_exit_code(seeded: Seeded) -> None:
    seeded.failed("quiet", "exit3", "exit code 3", stderr_bytes=0)
    seeded.write("logs/quiet.1.out", "printing page 1\n")
    seeded.failed("loud", "exit3", "exit code 3: out of paper", stderr_bytes=13)
    seeded.write("logs/loud.1.err", "out of paper\n")
    html = page(seeded)
    titles = set(re.findall(r'class="cause-title">([^<]+)', html))
    assert titles == {"exit code 3", "out of paper"}
    assert set(re.findall(r'class="cause-beside">([^<]+)', html)) == {"last line of its output: printing page 1"}


def test_links_lead_to_the_files_of_the_attempt(seeded: Seeded) -> None:
    seeded.failed("a b/100 ü?#.x")
    seeded.write("logs/a b/100 ü?#.x.1.err", "no\n")
    links = [attrs["href"] for tag, attrs in tags(page(seeded)).tags if tag == "a"]
    assert "../logs/a%20b/100%20%C3%BC%3F%23.x.1.err" in links


def failure(identity: str) -> Failure:
    return Failure(identity, f"{identity}~exit1.yaml", "exit1", "exit code 1", "")


def test_a_command_to_copy_is_quoted_for_the_shell_and_matches_one_name_only() -> None:
    command = again.requeue_command("/my spool", [failure(NAME)])
    assert command.startswith("dsgspool --spool '/my spool' requeue '")
    assert "[[]a][*]" in command
    assert " requeue -- -rf" in again.requeue_command("/s", [failure("-rf")])


def test_files_of_several_batches_are_moved_each_to_its_own() -> None:
    command = again.move_command("/s", [failure("a/1"), failure("2"), failure("a/3")])
    assert command == (
        "cd /s && mkdir -p todo/a/ && mv -n 'failed/a/1~exit1.yaml' 'failed/a/3~exit1.yaml' todo/a/"
        " && mv -n 'failed/2~exit1.yaml' todo/"
    )


def test_many_failures_are_run_again_by_a_reason_that_is_theirs_alone() -> None:
    made = Made()
    for each in range(60):
        made.failed(f"a/{each}", "no space", tag="exit4")
    made.failed("b/1", "bad input", tag="exit1")
    for each in range(60):
        made.failed(f"c/{each}", "other input", tag="exit1")
    whole = digest(made.book())
    commands = [again.again(whole, cause) for cause in whole.causes]
    assert [label for label, _ in commands] == ["Run all again", "Run all again", "Run it again"]
    by_name, by_reason = sorted((command for _, command in commands[:2]), key=lambda command: "--reason" in command)
    assert by_reason.endswith(" requeue --failed --reason exit4")
    assert commands[2][1].endswith(" requeue b/1")
    ((name, names),) = again.lists(whole)
    assert by_name.endswith(f" requeue --failed --from /lab/spool/reports/data/{name}")
    assert sorted(names.decode().splitlines()) == sorted(f"c/{each}" for each in range(60))


def test_what_failed_by_a_limit_is_run_again_with_twice_as_much() -> None:
    made = Made()
    for name, seconds in (("a/1", 60), ("b[1]", 3600)):
        made.failed(name, "folding", tag="timeout", reason=f"still running after {seconds} s")
    made.failed(
        "c", "MemoryError", tag="oom", reason="its processes had 9 bytes of memory; limits.memory is 1073741824"
    )
    whole = digest(made.book())
    commands = dict(again.again(whole, cause) for cause in whole.causes)
    program, names = "dsgspool --spool /lab/spool", "a/1 'b[[]1]'"
    more = f"{program} requeue --hold c && {program} edit c limits.memory=2G --yes && {program} release c"
    assert commands["Run it again with more memory"] == more
    told = commands["Run all again with more time"]
    assert sorted(told.split(" && ")[1].split()) == sorted(f"{program} edit {names} timeout=2h --yes".split())
    assert [each.split()[3] for each in told.split(" && ")] == ["requeue", "edit", "release"]


def test_what_came_too_late_or_cannot_be_read_is_not_just_run_again() -> None:
    made = Made()
    for name in ("a/1", "a/2"):
        made.failed(name, tag="expired", reason="it had not begun when it expired")
    made.failed("b", tag="invalid", reason="line 2: unknown key")
    whole = digest(made.book())
    commands = dict(again.again(whole, cause) for cause in whole.causes)
    late = commands["Run all again without expires"]
    assert [each.split()[3] for each in late.split(" && ")] == ["requeue", "edit", "release"] and " expires= " in late
    assert commands["Run it again, once mended"].endswith(" requeue b")
    assert {again.by_hand(whole, cause)[0] for cause in whole.causes} == {
        "By hand, with another expires", "By hand, once mended",
    }  # fmt: skip
    for each in range(60):
        made.failed(f"a/more{each}", tag="expired", reason="it had not begun when it expired")
    whole = digest(made.book())
    commands = dict(again.again(whole, cause) for cause in whole.causes)
    assert commands["To hold/, to be given another expires"].endswith(" requeue --failed --reason expired --hold")


def test_names_that_a_command_cannot_hold_lie_in_a_file() -> None:
    """A sign on the page is no name, and the name of a task that is a batch's too would mean all of that."""
    made = Made()
    made.failed("a\u202eb", "one")
    made.failed("s", "two")
    made.failed("s/1", "three", tag="exit2")
    whole = digest(made.book())
    assert sorted(names.decode() for _, names in again.lists(whole)) == ["a\u202eb\n", "s\n"]


def test_the_command_by_hand_says_when_it_names_some_of_them_only() -> None:
    for number, said in ((1060, "By hand, the newest 50 of 1,060"), (50, "By hand")):
        made = Made()
        for each in range(number):
            made.failed(f"a/{each}", "no", tag="exit1")
        whole = digest(made.book())
        label, command = again.by_hand(whole, whole.causes[0])
        assert (label, command.count("~exit1")) == (said, 50)


def test_what_failed_for_the_sake_of_others_is_run_again_behind_those() -> None:
    """Down to the first of them, all that failed of a batch, and nothing else."""
    made = Made()
    made.failed("prep", "out of paper", tag="exit1")
    made.failed("other", "out of ink", tag="exit2")
    for each in (1, 2):
        made.failed(f"s/{each}", "bad input", tag="exit3")
    why = "{} has failed, and `after` wants its success"
    made.failed("mid", tag="dependency", reason=why.format("prep"))
    made.failed("end", tag="dependency", reason=why.format("mid"))
    made.failed("sum", tag="dependency", reason=why.format("s/2 (of s/)"))
    whole = digest(made.book())
    (cause,) = [cause for cause in whole.causes if "dependency" in cause.tags]
    _, command = again.again(whole, cause)
    words = command.partition(" requeue ")[2].split()
    assert sorted(words) == ["end", "mid", "prep", "s/1", "s/2", "sum"]
    _, moves = again.by_hand(whole, cause)
    assert moves.index("prep~exit1") < moves.index("mid~dependency") and "other" not in moves


def test_of_thousands_of_causes_batches_and_nodes_the_page_shows_the_first_and_says_so() -> None:
    made = Made()
    for each in range(150):
        made.worker(f"m{each:03}-aaaaaaaa")
        made.task("todo", f"batch{each:03}/1")
        made.failed(f"batch{each:03}/2", f"word{chr(97 + each % 26)}{chr(97 + each // 26)} is wrong")
    html = sections(made)
    assert html["failures"].count('<details class="cause"') == render.MOST["all_causes"]
    assert "90 more causes" in html["failures"]
    assert "50 more batches" in html["batches"]
    assert "90 more nodes" in html["nodes"]
    assert "145 more causes" in words(html["overview"])


def test_of_one_more_the_page_says_one() -> None:
    made = Made()
    for each in range(render.MOST["batches"] + 1):
        made.task("todo", f"batch{each:02}/1")
    for each in range(render.MOST["causes"] + 1):
        made.failed(f"batch00/{each}x", f"word{chr(97 + each)} is wrong")
    html = words(sections(made)["overview"])
    assert "1 more batch " in html and "1 more cause " in html


def test_notes_for_which_the_overview_has_no_room_are_in_about() -> None:
    made = Made()
    made.worker("n1-aaaaaaaa")
    number = render.MOST["notes"] + 2
    for each in range(number):
        made.task("todo", f"b{each}/1")
        made.policies[f"b{each}"] = Standing("paused", f"batches/b{each}.yaml says `paused: true`", stops=True)
    made.problems.append("todo/x.txt: no YAML file")
    html = sections(made)
    assert "and 3 more, in About" in words(html["overview"])
    assert "What else keeps tasks from running 2 " in words(html["about"])
    for each in (number - 2, number - 1):
        assert f"batch resume b{each}<" in html["about"] and f"batch resume b{each}<" not in html["overview"]


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


def test_the_day_of_the_books_is_the_one_that_the_pages_tell_of() -> None:
    assert f'datetime="{iso(NOW)}"' in sections(rich())["about"]
