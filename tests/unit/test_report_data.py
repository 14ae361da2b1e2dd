"""The report's data: what is finished is read once, and the numbers are those of the folders, whatever people move."""

from __future__ import annotations

import json
import os
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dsgspool.clock import iso
from dsgspool.fs import Fs
from dsgspool.report import chunks, listing, site
from dsgspool.report.site import write_site
from tests.support.seeded import Seeded

HOSTILE = "</script><script>alert(1)</script>\x1b[31m\u2028\u202e\x00"
STATES = ("todo", "waiting", "hold", "running", "done", "failed")


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    made = Seeded(str(tmp_path / "spool"))
    made.worker("n1-aaaaaaaa")
    return made


class Pages:
    """What a browser would know after it loaded the newest page and all of its chunks."""

    def __init__(self, seeded: Seeded) -> None:
        self.folder = Path(write_site(seeded.spool)).parent
        self.latest = self._payload(self.folder / "latest.js", "latest")
        self.page = self._payload(self.folder / "data" / self.latest["page"], "page")
        self.attempts = self._rows(*chunks.PARTS)
        self.tasks = self._rows("tasks")
        self.details: dict[str, Any] = {}
        for (name,) in self.page["chunks"]["details"]:
            self.details |= chunks.parse(name, (self.folder / "data" / name).read_bytes())["tasks"]
        self.twin = json.loads((self.folder / "report.json").read_text())

    @staticmethod
    def _payload(path: Path, call: str) -> dict[str, Any]:
        match = re.fullmatch(rf"dsgspool\.{call}\((.*)\);\n", path.read_text(encoding="ascii"))
        assert match
        found = json.loads(match[1])
        assert isinstance(found, dict)
        return found

    def _rows(self, *parts: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for part in parts:
            whole = self._part(part)
            found = [one | other for one, other in zip(found, whole, strict=True)] if found else whole
        return found

    def _part(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for name, first, rows in self.page["chunks"][kind]:
            payload = chunks.parse(name, (self.folder / "data" / name).read_bytes())
            assert (payload["kind"], payload["first"], payload["rows"]) == (kind, first, rows)
            assert first == len(found)
            columns = {key.removesuffix("_w"): column for key, column in payload.items() if isinstance(column, list)}
            words = [*columns.pop("words"), ""]
            assert {len(column) for column in columns.values()} <= {rows}
            for row in range(rows):
                values = {key: column[row] for key, column in columns.items()}
                found.append({key: words[value] if f"{key}_w" in payload else value for key, value in values.items()})
                if kind == "tasks":
                    found[-1]["path"] = found[-1]["path"] or f"{found[-1]['task']}.yaml"
        return found

    def task(self, identity: str) -> dict[str, Any]:
        (found,) = [row for row in self.tasks if row["task"] == identity]
        return found

    def of(self, identity: str) -> list[dict[str, Any]]:
        return sorted((row for row in self.attempts if row["task"] == identity), key=lambda row: row["number"])


def counted(root: str) -> dict[str, int]:
    """The independent count: files in folders."""
    return {state: sum(len(files) for _, _, files in os.walk(f"{root}/{state}")) for state in STATES}


def agrees(seeded: Seeded, pages: Pages) -> None:
    """The page, its rows and its twins say what the folders say."""
    there = counted(seeded.root)
    assert pages.page["counts"] == pages.twin["counts"] == there
    states = Counter(row["state"] for row in pages.tasks)
    assert {state: states[state] for state in STATES} == there
    records = {str(path.relative_to(f"{seeded.root}/logs")) for path in Path(f"{seeded.root}/logs").rglob("*.yaml")}
    assert sorted(f"{row['task']}.{row['number']}.yaml" for row in pages.attempts) == sorted(records)
    for row in pages.tasks:
        mine = pages.of(row["task"])
        assert row["attempts"] == len(mine)
        assert (row["row"] == -1) == (not mine)
        if mine:
            assert pages.attempts[row["row"]] == mine[-1]
        assert Path(f"{seeded.root}/{row['state']}/{row['path']}").is_file()


def test_each_task_and_each_attempt_is_a_row(seeded: Seeded) -> None:
    seeded.done("a/1", "b")
    seeded.failed("a/9", "exit3", "exit code 3")
    seeded.record("a/9", 2, "exit3", reason="exit code 3", exit_code=3, host="n2")
    seeded.running("r")
    seeded.write("todo/a/2.yaml")
    seeded.write("waiting/until-20990101T000000Z/w.yaml")
    pages = Pages(seeded)
    agrees(seeded, pages)
    assert pages.task("a/9")["tag"] == "exit3"
    assert [row["outcome"] for row in pages.of("a/9")] == ["exit3", "exit3"]
    assert (pages.of("a/9")[1]["code"], pages.of("a/9")[1]["host"], pages.of("a/9")[1]["seconds"]) == (3, "n2", 1000)
    assert (pages.of("r")[0]["outcome"], pages.of("r")[0]["ended"]) == ("", None)
    assert pages.task("w")["until"] == 4070908800000


def test_the_tags_of_a_task_are_told_by_its_record_with_those_of_its_batch(seeded: Seeded) -> None:
    policy = "defaults:\n  tags: [night, 'a, b']\n  command: 'true'\n"
    texts: dict[str, dict[str, object]] = {
        "own": {"text": 'command: "true"\ntags:\n# of mine\n- long\n- "x  y"\ncwd: /tmp\n...\n', "policy": policy},
        "batch": {"text": "params: {a: 1}\n...\n", "policy": policy},
        "none": {"text": "command: 'true'\ntags: []\n...\n", "policy": policy},
        "flow": {"text": "{command: 'true', tags: [short]}\n"},
        "word": {"text": "command: |\n  cat <<E\n  tags: [no]\n  E\n...\n"},
        "broken": {"text": "command: 'true'\ntags: {a: 1}\n...\n"},
        "many": {"text": f"command: 'true'\ntags: [{', '.join(['t' * 90] * 5)}]\n...\n"},
    }
    for name, facts in texts.items():
        seeded.record(f"a/{name}", 1, "done", **facts)
        seeded.write(f"done/a/{name}.yaml")
    expected = {"own": "long\nx y", "batch": "night\na, b", "flow": "short", "many": "\n".join(["t" * 90] * 3)}
    for pages in (Pages(seeded), Pages(seeded)):  # read, and then from the ledger
        assert {row["task"].removeprefix("a/"): row["tags"] for row in pages.attempts if row["tags"]} == expected
    assert pages.twin["records_read"] == 0


def test_what_a_running_task_says_of_its_progress_is_on_the_page(seeded: Seeded) -> None:
    seeded.running("r")
    seeded.write("logs/r.1.err", "loading\n 37%|###7      | 37/100 [00:10<00:17,  3.60it/s]")
    seeded.write("logs/r.1.out", "")
    pages = Pages(seeded)
    assert pages.task("r")["progress"] == 0.37
    assert pages.task("r")["line"] == (line := "loading")
    assert (pages.twin["running"][0]["progress"], pages.twin["running"][0]["line"]) == (0.37, line)
    assert "37 %" in Path(f"{seeded.root}/reports/index.html").read_text()


def test_a_finished_attempt_is_read_once(seeded: Seeded) -> None:
    seeded.done(*(f"a/{number}" for number in range(30)))
    seeded.running("r")
    assert Pages(seeded).twin["records_read"] == 31
    assert Pages(seeded).twin["records_read"] == 1
    seeded.done("a/30")
    pages = Pages(seeded)
    assert pages.twin["records_read"] == 2
    agrees(seeded, pages)


def test_chunks_that_are_full_stay_as_they_are(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "ROWS", 10)
    monkeypatch.setattr("dsgspool.report.data.NEWEST", 5)
    seeded.done(*(f"{number:03d}" for number in range(57)))
    before = Pages(seeded).page["chunks"]
    seeded.done(*(f"{number:03d}" for number in range(57, 81)))
    pages = Pages(seeded)
    agrees(seeded, pages)
    for kind in (*chunks.PARTS, "tasks"):
        assert before[kind][:5] == pages.page["chunks"][kind][:5]
        assert len(pages.page["chunks"][kind]) > len(before[kind])


@pytest.mark.parametrize("seed", range(12))
def test_whatever_people_move_the_numbers_are_those_of_the_folders(
    seed: int, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small chunks, many renderings with moves between them; each like a first rendering."""
    monkeypatch.setattr(chunks, "ROWS", 4)
    monkeypatch.setattr("dsgspool.report.data.NEWEST", 3)
    monkeypatch.setattr(listing, "SETTLED", 0.03)  # a tick of a local disk is at most 10 ms
    people = _People(seeded, random.Random(seed))
    for _ in range(8):
        people.move(12)
        pages = Pages(seeded)
        agrees(seeded, pages)
    os.remove(f"{seeded.root}/reports/.ledger/ledger.json")
    before = _figures(pages)
    afresh = Pages(seeded)
    agrees(seeded, afresh)
    assert _told(afresh) == _told(pages)
    assert _figures(afresh) == before


def _told(pages: Pages) -> object:
    """All that is told, without the order of the rows."""
    attempts = sorted(tuple(sorted(row.items(), key=str)) for row in map(str_values, pages.attempts))
    tasks = [{**row, "row": None, "detail": None} for row in pages.tasks]
    return attempts, sorted(tuple(sorted(row.items(), key=str)) for row in map(str_values, tasks)), pages.details.keys()


def _figures(pages: Pages) -> object:
    """What is worked out of all attempts; tasks.csv.  Nothing that tells of the rendering itself or of earlier ones."""
    series = {key: plot for key, plot in pages.page["series"].items() if key != "queue"}
    for plot in series.values():
        plot["points"] = sorted(plot.get("points", []), key=str)
    metrics = (pages.folder / "metrics.prom").read_text().splitlines()
    rows = (pages.folder / "tasks.csv").read_text().splitlines()
    twin = {key: pages.twin[key] for key in ("counts", "batches", "attempts")}
    return series, [line for line in metrics if "report_" not in line and "_age_" not in line], sorted(rows), twin


def str_values(row: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in row.items()}


class _People:
    """Workers and people as the folders see them."""

    def __init__(self, seeded: Seeded, chance: random.Random) -> None:
        self.seeded, self.chance, self.made = seeded, chance, 0
        self.numbers: Counter[str] = Counter()

    def move(self, times: int) -> None:
        for _ in range(times):
            self.chance.choice((self.done, self.done, self.done, self.failed, self.requeue, self.prune, self.again))()

    def _new(self) -> str:
        self.made += 1
        return f"b{self.made % 3}/{self.made:04d}" if self.made % 4 else f"{self.made:04d}"

    def _ended(self, identity: str, outcome: str) -> None:
        self.numbers[identity] += 1
        self.seeded.record(identity, self.numbers[identity], outcome, reason="" if outcome == "done" else "it broke")

    def done(self) -> None:
        identity = self._new()
        self._ended(identity, "done")
        self.seeded.write(f"done/{identity}.yaml")

    def failed(self) -> None:
        identity = self._new()
        self._ended(identity, "exit1")
        self.seeded.write(f"failed/{identity}~exit1.yaml")

    def _any(self, *states: str) -> Path | None:
        found = sorted(path for state in states for path in Path(f"{self.seeded.root}/{state}").rglob("*.yaml"))
        return self.chance.choice(found) if found else None

    def _identity(self, path: Path) -> str:
        parts = path.relative_to(self.seeded.root).parts[1:]
        return "/".join(parts).removesuffix(".yaml").removesuffix("~exit1")

    def requeue(self) -> None:
        if path := self._any("failed", "done"):
            self.seeded.write(f"todo/{self._identity(path)}.yaml")
            path.unlink()

    def prune(self) -> None:
        if path := self._any("done", "failed"):
            identity = self._identity(path)
            path.unlink()
            for record in Path(f"{self.seeded.root}/logs").rglob(f"{identity.rpartition('/')[2]}.*.yaml"):
                record.unlink()
            self.numbers[identity] = 0

    def again(self) -> None:
        """What lies in todo/ runs and ends: a name that was known gets another attempt."""
        if path := self._any("todo"):
            identity = self._identity(path)
            path.unlink()
            self._ended(identity, outcome := self.chance.choice(("done", "exit1")))
            where = f"done/{identity}.yaml" if outcome == "done" else f"failed/{identity}~exit1.yaml"
            self.seeded.write(where)


def test_what_no_attempt_sent_to_failed_came_there_when_its_name_did(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled in todo/, in waiting/ after an attempt of yesterday; and one of yesterday that failed by itself."""
    yesterday = {"started": iso(seeded.now - 90000), "ended": iso(seeded.now - 86400)}
    seeded.failed("a/old", **yesterday)
    seeded.record("b/again", 1, "exit1", reason="exit code 1", **yesterday)
    for name in ("a/1", "b/again"):
        os.utime(seeded.write(f"failed/{name}~cancelled.abcdefgh-1.yaml"), (1.0, 1.0))
    asked: list[str] = []
    look = seeded.spool.fs.status_of_entry
    monkeypatch.setattr(seeded.spool.fs, "status_of_entry", lambda path: asked.append(path) or look(path))  # type: ignore[func-returns-value]
    for _ in range(2):
        pages = Pages(seeded)
        moments = {each["task"]: each["unix_s"] for each in pages.twin["failed"]}
        assert abs(moments["a/1"] - seeded.now) < 60 and abs(moments["b/again"] - seeded.now) < 60
        assert abs(moments["a/old"] - (seeded.now - 86400)) < 1
        (told,) = re.findall(r"cancelled by people</dt><dd[^>]*>(\d+)", str(pages.page["sections"]))
        assert told == "2"
    assert len(asked) == 2, "asked for once"


def test_another_attempt_under_a_known_name_is_read(seeded: Seeded) -> None:
    seeded.done("x")
    seeded.failed("keep")
    Pages(seeded)
    old = f"{seeded.root}/logs/x.1.yaml"
    os.rename(old, f"{seeded.root}/tmp/kept-so-that-its-inode-is-not-given-again")
    seeded.record("x", 1, "done", host="n7")
    assert Pages(seeded).of("x")[0]["host"] == "n7"


def test_an_attempt_lost_with_its_worker_appears_as_lost_and_one_that_a_silent_worker_holds_as_silent(
    seeded: Seeded,
) -> None:
    seeded.worker("n2-bbbbbbbb", ended=True)
    seeded.worker("n3-cccccccc", silent=400)
    seeded.record("x", 1, worker="n2-bbbbbbbb")
    seeded.record("y", 1, worker="n3-cccccccc")
    seeded.record("z", 1, worker="n9-zzzzzzzz")
    seeded.running("r")
    seeded.running("s", "n3-cccccccc")
    pages = Pages(seeded)
    assert [pages.of(name)[0]["outcome"] for name in "xyzrs"] == ["lost", "lost", "lost", "", "silent"]
    assert pages.of("y")[0]["ended"] == pages.of("s")[0]["ended"] == pytest.approx((seeded.now - 400) * 1000, abs=2000)
    assert pages.of("z")[0]["ended"] is None
    assert Pages(seeded).twin["records_read"] == 4  # that of a worker with a tombstone stays as it is


def test_a_record_that_gets_its_end_is_read_again(seeded: Seeded) -> None:
    seeded.running("r")
    Pages(seeded)
    os.remove(f"{seeded.root}/logs/r.1.yaml")
    seeded.record("r", 1, "done")
    os.remove(f"{seeded.root}/running/n1-aaaaaaaa/r@n1-aaaaaaaa.500.yaml")
    seeded.write("done/r.yaml")
    pages = Pages(seeded)
    agrees(seeded, pages)
    assert pages.of("r")[0]["outcome"] == "done"


@pytest.mark.parametrize("damage", [
    b"", b"{", b"[]", b"null", b'{"version": "0"}', b"\xff\xfe", b'{"version": "1 0.1.0", "attempts": 7}', b"[" * 100000,
])  # fmt: skip
def test_a_ledger_that_is_broken_is_made_anew(damage: bytes, seeded: Seeded) -> None:
    seeded.done("a/1", "a/2")
    Pages(seeded)
    Path(f"{seeded.root}/reports/.ledger/ledger.json").write_bytes(damage)
    pages = Pages(seeded)
    agrees(seeded, pages)
    assert pages.twin["records_read"] == 2
    assert Pages(seeded).twin["records_read"] == 0


@pytest.mark.parametrize(
    "change", [lambda text: text.replace("a/1", "a/7"), lambda text: text[:-9], lambda text: text[:0]]
)
def test_a_chunk_that_is_not_what_its_name_says_is_not_believed(change: Any, seeded: Seeded) -> None:
    seeded.done("a/1", "a/2")
    (name, _, _), *_ = Pages(seeded).page["chunks"]["names"]
    path = Path(f"{seeded.root}/reports/data/{name}")
    path.write_text(change(path.read_text()))
    pages = Pages(seeded)
    agrees(seeded, pages)
    assert pages.twin["records_read"] == 2


@pytest.fixture
def full(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> Pages:
    """A rendering whose chunks are full with four rows: 22 attempts."""
    monkeypatch.setattr(chunks, "ROWS", 4)
    monkeypatch.setattr("dsgspool.report.data.NEWEST", 2)
    seeded.done(*(f"{number:03d}" for number in range(21)))
    seeded.failed("x", host="\u2028\x00\udcff")
    return Pages(seeded)


@pytest.mark.parametrize("damage", ["", "{}", "0" * 64 + '{"rows": 4}\n', "removed", "another's"])
def test_the_copy_of_a_chunk_is_not_believed_when_it_is_damaged(damage: str, seeded: Seeded, full: Pages) -> None:
    before = _figures(full)
    copies = sorted(Path(f"{seeded.root}/reports/.ledger").glob("*.columns"))
    assert Counter(copy.name.partition("-")[0] for copy in copies) == {"runs": 5, "tasks": 4}
    for copy in copies:
        if damage == "another's":
            copy.write_bytes(copies[0 if copy.name.startswith("runs") else -1].read_bytes())
        else:
            copy.unlink() if damage == "removed" else copy.write_text(damage)
    pages = Pages(seeded)
    agrees(seeded, pages)
    assert pages.attempts == full.attempts
    assert pages.twin["records_read"] == 0
    assert _figures(pages) == before


@pytest.mark.parametrize("kind", [*chunks.PARTS, "tasks"])
def test_a_part_of_a_full_chunk_that_is_gone_makes_all_of_it_be_read_anew(
    kind: str, seeded: Seeded, full: Pages
) -> None:
    os.remove(full.folder / "data" / full.page["chunks"][kind][1][0])
    pages = Pages(seeded)
    agrees(seeded, pages)
    assert pages.twin["records_read"] == 22
    assert _told(pages) == _told(full)


def test_what_an_earlier_version_kept_is_neither_believed_nor_left(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.done("a/1", "a/2")
    page = Pages(seeded)
    kept = json.loads(Path(ledger := f"{seeded.root}/reports/.ledger/ledger.json").read_text())
    kept["version"] = f"3 {kept['version'].partition(' ')[2]}"
    kept["attempts"] = [["attempts-0123456789abcdef.js", 0, 2, True]]
    Path(ledger).write_text(json.dumps(kept))
    copy = seeded.write("reports/.ledger/attempts-0123456789abcdef.columns.json", "{}")
    chunk = seeded.write("reports/data/attempts-0123456789abcdef.js", "dsgspool.chunk('', '');")
    pages = Pages(seeded)
    agrees(seeded, pages)
    assert pages.attempts == page.attempts
    assert pages.twin["records_read"] == 2
    assert not os.path.exists(copy)
    assert os.path.exists(chunk), "a page that is open may need it still"
    monkeypatch.setattr(site, "KEEP", 0.0)
    assert Pages(seeded).attempts == page.attempts
    assert not os.path.exists(chunk)


def test_the_reports_folder_may_be_removed_at_any_time(seeded: Seeded) -> None:
    import shutil

    seeded.done("a/1")
    Pages(seeded)
    shutil.rmtree(f"{seeded.root}/reports")
    agrees(seeded, Pages(seeded))


def test_what_is_hostile_is_text_in_ascii(seeded: Seeded) -> None:
    name = "\"'><img src=x onerror=alert(2)> $(reboot) \u202e[a]*"
    seeded.failed(name, "signal9", HOSTILE, host=HOSTILE)
    seeded.write(f"logs/{name}.1.err", HOSTILE.encode() + b"\xff\xfe\n50%\r100% broken\n")
    pages = Pages(seeded)
    agrees(seeded, pages)
    (row,) = pages.attempts
    assert row["reason"] == row["host"] == HOSTILE
    assert row["error"] == "100% broken"
    assert pages.details[name]["attempts"][0]["err"]["tail"].startswith(HOSTILE)
    for file in (pages.folder / "data").glob("*-*.js"):
        if not file.name.startswith("app-"):
            data = file.read_bytes()
            assert data.isascii()
            assert b"<" not in data
            assert not re.search(rb"[\x00-\x09\x0b-\x1f]", data)


STRANGE = {
    "empty": b"", "binary": bytes(range(256)), "half": b"format: 1\ntask: x\noutco", "alias": b"a: &a [*a, *a]\n...\n",
    "numbers": b"seconds: .inf\nexit_code: 1e300\nstdout_bytes: -4\nstarted: nonsense\nended: 9999-99-99\noutcome: done\n...\n",
    "deep": b"text: " + b"[" * 3000 + b"\n...\n", "huge reason": b"outcome: exit1\nreason: " + b"x" * 200_000 + b"\n...\n",
}  # fmt: skip


@pytest.mark.parametrize("case", STRANGE)
def test_a_strange_record_is_a_row_and_stops_nothing(case: str, seeded: Seeded) -> None:
    seeded.write("failed/x~exit1.yaml")
    seeded.write("logs/x.1.yaml", STRANGE[case])
    seeded.done("y")
    pages = Pages(seeded)
    agrees(seeded, pages)
    (row,) = pages.of("x")
    assert len(row["reason"]) <= 300
    assert row["out"] is None
    assert row["code"] is None


def test_what_cannot_be_read_is_told_each_time_and_passed_over(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "SETTLED", -1.0)
    os.symlink("/etc/passwd", seeded.write("logs/x.1.yaml", "") + "2.yaml")
    os.remove(f"{seeded.root}/logs/x.1.yaml")
    os.mkfifo(f"{seeded.root}/logs/pipe.1.yaml")
    Path(os.fsdecode(os.fsencode(f"{seeded.root}/logs/") + b"\xff.1.yaml")).write_text("outcome: done\n...\n")
    seeded.done("y")
    seeded.write("done/no~thing%~.yaml")
    for _ in range(3):  # the second one lists what it knows, the third one could leave it out
        pages = Pages(seeded)
        told = "\n".join(pages.twin["problems"])
        assert "logs/pipe.1.yaml" in told
        assert "not UTF-8" in told
        assert "no~thing%~" in told
        assert [row["task"] for row in pages.attempts] == ["y"]


def test_a_private_folder_is_told_and_passed_over(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded.done("mine/x", "y")
    content = Fs.content

    def refuse(fs: Fs, path: str, part: str) -> list[tuple[str, int, bool]]:
        if path.endswith("/mine"):
            raise PermissionError(13, "Permission denied", path)
        return content(fs, path, part)

    monkeypatch.setattr(Fs, "content", refuse)  # root, who runs tests in CI, is never refused
    pages = Pages(seeded)
    assert [row["task"] for row in pages.tasks] == ["y"]
    assert [problem.split(" ")[0] for problem in pages.twin["problems"]] == ["done/mine/", "logs/mine/"]


def test_of_a_log_of_any_size_only_the_end_is_kept(seeded: Seeded) -> None:
    seeded.failed("big")
    with open(seeded.write("logs/big.1.err", ""), "r+b") as file:
        file.truncate(100 << 20)
        file.seek(0, 2)
        file.write(b"\nthe last line\n")
    pages = Pages(seeded)
    log = pages.details["big"]["attempts"][0]["err"]
    assert log["tail"] == "the last line\n"
    assert log["bytes"] == (100 << 20) + 15
    assert pages.of("big")[0]["error"] == "the last line"


def test_a_log_is_as_long_as_it_is_whatever_its_record_says(seeded: Seeded) -> None:
    """It grew after its attempt had ended, was cut by a person, or its record lies."""
    seeded.failed("grew", stderr_bytes=0, stdout_bytes=3)
    seeded.write("logs/grew.1.err", "what a process in the background wrote\n")
    seeded.write("logs/grew.1.out", "x" * 9000)
    seeded.failed("cut", stderr_bytes=1_000_000, stdout_bytes=77)
    seeded.write("logs/cut.1.err", "the rest\n")
    seeded.write("logs/cut.1.out", "")
    pages = Pages(seeded)
    (grew,), (cut,) = (pages.details[name]["attempts"] for name in ("grew", "cut"))
    assert grew["err"] == {"bytes": 39, "tail": "what a process in the background wrote\n"}
    assert (grew["out"]["bytes"], len(grew["out"]["tail"])) == (9000, 8192)
    assert cut["err"] == {"bytes": 9, "tail": "the rest\n"}
    assert cut["out"] == {"bytes": 0, "tail": ""}


def test_a_log_that_is_a_link_or_a_pipe_is_not_followed(seeded: Seeded) -> None:
    seeded.failed("x")
    secret = seeded.write("secret", "password")
    os.symlink(secret, f"{seeded.root}/logs/x.1.err")
    os.mkfifo(f"{seeded.root}/logs/x.1.out")
    Pages(seeded)
    assert not [path for path in Path(f"{seeded.root}/reports").rglob("*.js") if "password" in path.read_text()]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read other people's logs")
def test_root_tells_nobody_what_a_user_keeps_private(seeded: Seeded) -> None:
    seeded.failed("x")
    log = seeded.write("logs/x.1.err", "my salary\n")
    os.chown(log, 1234, 1234)
    os.chmod(log, 0o600)
    pages = Pages(seeded)
    assert pages.of("x")[0]["error"] == "exit code 1"
    assert pages.details["x"]["attempts"][0]["err"]["tail"] == ""


def test_details_are_of_the_running_the_failed_and_the_newest(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "MOST_DONE", 2)
    monkeypatch.setattr(site, "MOST_FAILED", 2)
    seeded.done("d1", "d2", "d3")
    for number in (1, 2, 3):
        seeded.failed(f"f{number}", ended=f"2026-11-21T21:00:0{number}.000Z")
    seeded.running("r")
    pages = Pages(seeded)
    assert set(pages.details) == {"d2", "d3", "f2", "f3", "r"}
    for row in pages.tasks:
        assert (row["detail"] >= 0) == (row["task"] in pages.details)
        if row["detail"] >= 0:
            (name,) = pages.page["chunks"]["details"][row["detail"]]
            assert row["task"] in chunks.parse(name, (pages.folder / "data" / name).read_bytes())["tasks"]


def test_details_hold_record_text_environment_and_logs(seeded: Seeded) -> None:
    environment = {"A": "1", "B": "x: y"}
    seeded.failed("x", command=["sh", "-c", "echo hi"], cwd="/data", environment=environment)
    seeded.write("logs/x.1.out", "hi\n")
    (attempt,) = Pages(seeded).details["x"]["attempts"]
    assert attempt["text"] == "command: true\n...\n"
    assert attempt["environment"] == environment
    assert (attempt["command"], attempt["cwd"], attempt["n"]) == (["sh", "-c", "echo hi"], "/data", 1)
    assert attempt["out"] == {"bytes": 3, "tail": "hi\n"}
    assert "outcome: exit1" in attempt["record"]
    assert "text:" not in attempt["record"]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("command: a\nafter: prep\n...\n", [["prep", "success"]]),
        ("command: a\nafter: [prep, sweep/: any]\n...\n", [["prep", "success"], ["sweep/", "any"]]),
        ("command: a\nafter:\n  - 'x/*': failure\n...\n", [["x/*", "failure"]]),
        ("command: look after it\n...\n", None),
        ("command: a\nafter: {a: never}\n...\n", None),
        ("after: [", None),
    ],
)
def test_details_hold_what_a_task_comes_after(seeded: Seeded, text: str, after: list[list[str]] | None) -> None:
    seeded.failed("x", text=text)
    (attempt,) = Pages(seeded).details["x"]["attempts"]
    assert attempt.get("after") == after
