"""What is no task, or a broken one, goes to failed/NAME~invalid with the reason in its record; the worker goes on."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.history import History
from tests.support.processes import Gate, Workers
from tests.support.spools import SpoolFolder

TOKEN = r"(\.[a-z2-7]{8}-[0-9]+)?"


def check_refused(folder: SpoolFolder, workers: Workers, name: str, reason: str) -> dict[str, object]:
    """All that lies in todo/ is refused, and a good task beside it runs; the record of the refusal."""
    folder.drop("good")
    workers.run_until_empty()
    assert folder.done() == {"good"}
    assert not folder.ls("todo")
    (thing,) = os.listdir(folder / "failed")
    assert re.fullmatch(rf"{name}~invalid{TOKEN}\.yaml", thing)
    record = folder.record(thing.partition("~")[0])
    assert record["outcome"] == "invalid"
    assert re.search(reason, str(record["reason"])), record["reason"]
    return record


def symlink(place: Path) -> None:
    (place.parent.parent / "elsewhere").write_text("command: echo oops\n...\n")
    (place / "x.yaml").symlink_to(place.parent.parent / "elsewhere")


def hard_link(place: Path) -> None:
    (place.parent.parent / "elsewhere").write_text("command: echo oops\n...\n")
    os.link(place.parent.parent / "elsewhere", place / "x.yaml")


def folder_with_a_file(place: Path) -> None:
    (place / "x.yaml").mkdir()
    (place / "x.yaml/inside.yaml").write_text("command: echo oops\n...\n")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (symlink, "symbolic link"),
        (lambda place: (place / "x.yaml").symlink_to("/nowhere"), "symbolic link"),
        (lambda place: os.mkfifo(place / "x.yaml"), "no regular file"),
        (folder_with_a_file, "folder"),
        (hard_link, "hard link"),
    ],
    ids=["symlink", "dangling", "fifo", "folder", "hard-link"],
)
def test_what_is_no_file_of_its_own_is_refused(
    make: Callable[[Path], None], reason: str, folder: SpoolFolder, workers: Workers
) -> None:
    make(folder / "todo")
    check_refused(folder, workers, "x", reason)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_refused(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("x")
    (folder / "todo/x.yaml").chmod(0)
    check_refused(folder, workers, "x", "may not read it")


BAD_TEXTS = {
    "long": (b"command: 'true'\n#" + b"x" * 256 * 1024 + b"\n...\n", "bytes, more than 262144"),
    "not-utf8": (b"command: echo \xff\n...\n", "line 1: it is not UTF-8"),
    "not-yaml": (b"command: [a\n...\n", "it is not YAML"),
    "unknown-key": (b"comand: a\n...\n", "did you mean `?command"),
    "sexagesimal": (b"command: a\ntimeout: 12:30\n...\n", "line 2.*12:30"),
    "list": (b"- a\n...\n", "not a mapping"),
    "nothing": (b"# nothing\n", "it is empty"),
    "alias": (b"a: &a [x]\ncommand: *a\n...\n", "alias|anchor"),
    "deep": (b"[" * 5000 + b"\n...\n", "nested deeper"),
    "twice": (b"command: a\ncommand: b\n...\n", "second time"),
}


def test_texts_that_cannot_be_run_are_refused_with_line_and_reason(folder: SpoolFolder, workers: Workers) -> None:
    for name, (text, _) in BAD_TEXTS.items():
        folder.overwrite(f"todo/{name}.yaml", text)
    folder.drop("good")
    workers.run_until_empty()
    assert folder.done() == {"good"}
    assert {path.partition("~invalid")[0] for path in folder.ls("failed")} == set(BAD_TEXTS)
    reasons = {name: str(folder.record(name)["reason"]) for name in BAD_TEXTS}
    assert not {name: reason for name, reason in reasons.items() if not re.search(BAD_TEXTS[name][1], reason)}


BAD_NAMES = ["new\nline", "-rf", "a@b", "a~b", "a%b", "n" * 250, "bell\a", "\udcff\udcfe", "back\\slash", "@"]


def test_names_that_cannot_be_used_are_refused_and_kept_in_the_record(folder: SpoolFolder, workers: Workers) -> None:
    for name in BAD_NAMES:
        (folder / f"todo/{name}.yaml").write_text("command: echo oops\n...\n")
    folder.drop("good")
    workers.run_until_empty()
    assert folder.done() == {"good"}
    failed = [
        re.fullmatch(r"(invalid-[0-9a-f]{12})~invalid\.[a-z2-7]{8}-\d+\.yaml", path) for path in folder.ls("failed")
    ]
    records = [folder.record(found[1]) for found in failed if found]
    assert all("cannot be the name of a task" in str(record["reason"]) for record in records)
    kept = {str(record["file"]).removesuffix(".yaml") for record in records}
    assert kept >= {name for name in BAD_NAMES if name.isprintable() or name.isascii()}
    assert len(kept) == len(BAD_NAMES)


def test_spaces_quotes_and_unicode_are_fine(folder: SpoolFolder, workers: Workers) -> None:
    names = ["with space", 'it\'s "quoted"', "größe-日本", "a;b&c$(d)", "x" * 150, "deep/er/still", "*?", "dot."]
    for name in names:
        folder.drop(name)
    workers.run_until_empty()
    assert folder.states() == {"done": sorted(f"{name}.yaml" for name in names)}
    assert [folder.outcome(name) for name in names] == ["done"] * len(names)


def test_editors_and_copy_programs_files_are_left_alone(folder: SpoolFolder, workers: Workers) -> None:
    kept = [
        ".hidden.yaml",
        "#x.yaml#",
        "x.yaml~",
        "x.yaml.part",
        "x.tmp",
        "._x.yaml",
        "notes.txt",
        "v.yaml",
        ".v.yaml.swp",
    ]
    for name in kept:
        (folder / "todo" / name).write_text("command: echo oops\n...\n")
    folder.drop("good")
    workers.run_until_empty()
    assert set(os.listdir(folder / "todo")) == set(kept)
    assert folder.done() == {"good"}


def write_slowly(path: Path, *lines: str) -> None:
    """A writer that needs longer than `settle` in all, but never pauses for so long."""
    with path.open("w") as file:
        for line in lines:
            file.write(line)
            file.flush()
            time.sleep(0.12)


@pytest.mark.parametrize(("place", "end"), [("todo/x.yaml", ""), ("todo/y.yaml", "...\n"), ("todo/new/x.yaml", "")])
def test_a_file_that_is_still_being_written_is_not_run_before_it_is_whole(
    end: str, place: str, folder: SpoolFolder, workers: Workers
) -> None:
    workers.ready()
    (folder / place).parent.mkdir(exist_ok=True)
    write_slowly(folder / place, "command: |\n", *(f"  echo {n}\n" for n in range(4)), end)
    workers.wait_until(folder.done)
    (name,) = folder.done()
    assert folder.out(name) == "0\n1\n2\n3\n"


def test_a_file_that_is_empty_for_a_while_waits_without_a_slot(
    folder: SpoolFolder, workers: Workers, history: History
) -> None:
    worker = workers.ready(slots=1)
    file = folder.write("todo/x.yaml", "").open("a")
    workers.wait_until(lambda: folder.running("x"))
    folder.drop("good", history.command())
    workers.wait_until(lambda: folder.done() == {"good"})
    worker.lives_on()
    with file:
        file.write("command: echo late\n")
    workers.wait_until(lambda: folder.done() == {"good", "x"})
    assert folder.out("x") == "late\n"


def test_a_file_that_vanishes_harms_nobody(folder: SpoolFolder, workers: Workers, history: History, gate: Gate) -> None:
    worker = workers.ready(slots=1)
    names = {folder.drop(f"{n:02d}", history.command(gate.wait)) for n in range(9)}
    workers.wait_until(lambda: history.lines("start"))
    gone = folder.ls("todo")[:5]
    for path in gone:
        (folder / "todo" / path).unlink()
    gate.open()
    left = names - {path.removesuffix(".yaml") for path in gone}
    workers.wait_until(lambda: folder.done() == left)
    worker.lives_on()
    assert "trouble" not in worker.output()
    history.assert_each_once(left)


@pytest.mark.parametrize(
    ("text", "says"),
    [("heartbeat: soon\n", "line 1"), ("format: 99\n", "format 99"), ("lease: 1s\n", "lease")],
    ids=["broken", "newer-format", "times-that-contradict"],
)
def test_while_spool_yaml_cannot_be_used_nothing_is_claimed_and_what_runs_goes_on(
    text: str, says: str, folder: SpoolFolder, workers: Workers, gate: Gate
) -> None:
    worker = workers.ready()
    folder.drop("a", gate.wait)
    workers.wait_until(lambda: folder.has_begun("a"))
    folder.overwrite("spool.yaml", text)
    worker.says(says)
    folder.drop("b")
    gate.open()
    workers.wait_until(lambda: folder.done() == {"a"})
    worker.lives_on()
    assert folder.ls("todo") == ["b.yaml"]
    folder.configure()
    workers.wait_until(lambda: folder.done() == {"a", "b"})


def test_a_worker_does_not_start_on_a_spool_of_a_newer_format(folder: SpoolFolder, workers: Workers) -> None:
    folder.overwrite("spool.yaml", "format: 99\n")
    worker = workers.start()
    assert worker.ends() == 3
    assert "format 99" in worker.output()


def test_a_task_of_a_newer_format_is_left_for_a_newer_worker_and_told(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("new", format=2, hyperdrive="on")
    folder.drop("good")
    worker = workers.run_until_empty()
    assert folder.done() == {"good"}
    assert [path.partition("~")[0] for path in folder.ls("todo")] == ["@format2/new"]
    assert "format 2" in worker.output()


def test_a_file_that_everybody_may_write_to_is_refused(folder: SpoolFolder, workers: Workers) -> None:
    folder.drop("x")
    (folder / "todo/x.yaml").chmod(0o666)
    check_refused(folder, workers, "x", "everybody may write to it.*chmod o-w")
