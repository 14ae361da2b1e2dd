"""Sweeps over rows of a file, lines and file names: read once, written down once, and the same for everybody from then on."""

import marshal
import os
import shutil
import subprocess
import sys

import pytest

from dsgspool import snapshot
from dsgspool.spool.divisions import Divisions
from dsgspool.spool.moves import Moves
from dsgspool.spool.written import Tables, facts_of
from dsgspool.tables import ROWS
from dsgspool.worker import freezing, reading
from tests.support.doors import Crash, CrashingFs, files_below
from tests.unit.test_chunk import index

ROWS_OF_THREE = "sample\treads\nS1\ta.fq\nS2\tb.fq\nS3\tc.fq\n"


@pytest.fixture
def data(tmp_path):
    """A folder of the scientist's."""
    (folder := tmp_path / "data").mkdir()
    (folder / "samples.tsv").write_text(ROWS_OF_THREE)
    return folder


def all_items(worker, sweep="s"):
    """What each item wrote, in the order of their numbers."""
    found = {}
    for path in files_below(worker.root, [f"logs/{sweep}"]):
        if path.endswith(".items"):
            items = index(worker, path[len("logs/") : -len(".1.items")])
            found.update({number: out for number, (_, out, _) in items.items()})
    return [found[number] for number in sorted(found)]


def run(worker, command, sweep, **keys):
    worker.drop("s", command, sweep=sweep, **keys)
    worker.until(lambda: worker.lies("done", "failed") and not worker.lies("todo", "running"))


def refused(worker):
    """The reason of the sweep `s`, which could not be run."""
    worker.until(lambda: worker.lies("failed"))
    assert worker.lies() == ["failed/s~invalid"]
    newest = max(int(path.split(".")[1]) for path in files_below(worker.root, ["logs"]) if path.endswith(".yaml"))
    return worker.record("s", newest)["reason"]


def again(worker):
    os.rename(f"{worker.root}/failed/s~invalid.yaml", f"{worker.root}/todo/s.yaml")


def test_rows_of_a_file_are_items_and_its_header_names_the_params(inside, data, world):
    (data / "samples.tsv").write_text('sample\treads\r\nS 1\ta.fq\r\n\r\nS2\t"it\'s\t""x"""\r\n')
    worker = inside()
    run(worker, "echo {sample} {reads} {seed}", {"rows": "samples.tsv", "product": {"seed": [1, 2]}}, cwd=str(data))
    assert all_items(worker) == ["S 1 a.fq 1\n", "S 1 a.fq 2\n", 'S2 it\'s\t"x" 1\n', 'S2 it\'s\t"x" 2\n']
    assert worker.lies("failed") == [] and snapshot.check(world.spool) == [] and os.listdir(f"{world.root}/tmp") == []
    assert worker.record("s")["reason"] == "4 items, now in todo/s/"


def test_lines_and_file_names_are_factors_as_others_are(inside, data):
    (data / "seeds.txt").write_text("\ufeff7\n\n8 9\r\n")
    for name in ("b 2.gz", "a.gz", "c.txt"):
        (data / name).touch()
    sweep = {
        "lines": {"seed": "seeds.txt"}, "glob": {"file": "*.gz"}, "zip": {"x": ["u", "v"]},
        "exclude": [{"seed": "7", "file": "a.gz"}], "include": [{"seed": 0, "file": "none", "x": "w"}],
    }  # fmt: skip
    worker = inside()
    run(worker, ["printf", "%s|", "{seed}", "{file}", "{x}"], sweep, cwd=str(data))
    assert all_items(worker) == [
        "7|b 2.gz|u|", "7|b 2.gz|v|", "8 9|a.gz|u|", "8 9|a.gz|v|", "8 9|b 2.gz|u|", "8 9|b 2.gz|v|", "0|none|w|",
    ]  # fmt: skip


def test_lines_that_end_with_carriage_returns_alone_are_lines(inside, data):
    (data / "seeds.txt").write_bytes(b"7\r\r8 9\r1")
    (data / "mixed.txt").write_bytes(b"x\ry\r\nz\n")
    worker = inside()
    run(worker, ["printf", "%s|", "{s}", "{t}"], {"lines": {"s": "seeds.txt", "t": "mixed.txt"}}, cwd=str(data))
    assert all_items(worker) == ["7|x\ry|", "7|z|", "8 9|x\ry|", "8 9|z|", "1|x\ry|", "1|z|"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("**/*.gz", ["[1]/2/w.gz", "a/b/x.gz", "a/y.gz", "z.gz"]),
        ("a/**", ["a/", "a/b", "a/b/x.gz", "a/loop", "a/y.gz"]),
        ("**/**/b/**//*.gz", ["a/b/x.gz"]),
        ("a/**/", ["a/", "a/b/"]),
        ("a/loop/**/y.gz", ["a/loop/a/y.gz"]),
        ("**/[[]1[]]/**/*.gz", ["[1]/2/w.gz"]),
    ],
)
@pytest.mark.parametrize("begin", ["", "/"])
def test_two_stars_go_through_folders_and_through_no_link(data, pattern, found, begin, monkeypatch):
    (data / "a" / "b").mkdir(parents=True)
    (data / "[1]" / "2").mkdir(parents=True)
    (data / ".hidden").mkdir()
    for path in ("z.gz", "a/y.gz", "a/b/x.gz", "[1]/2/w.gz", ".hidden/v.gz", "a/.u.gz"):
        (data / path).touch()
    (data / "a" / "loop").symlink_to("..")  # of two that lead back 2 to the 40th paths came, so here is one
    begin = begin and f"{data}/"
    monkeypatch.chdir(data)
    for folder in (str(data), ""):
        rows = reading.read(("glob", ["file"], begin + pattern, ""), folder, reading.Trust([]))[1]
        assert list(rows) == [[begin + path] for path in found]


def test_a_script_gets_the_columns_as_variables(inside, data):
    worker = inside()
    worker.drop("s", None, script="#!/bin/sh\necho $sample\n", sweep={"rows": "samples.tsv"}, cwd=str(data))
    worker.until(lambda: worker.lies("done") and not worker.lies("todo", "running"))
    assert all_items(worker) == ["S1\n", "S2\n", "S3\n"]


def test_a_number_keeps_its_values_though_the_file_changes_and_goes(inside, data, world):
    worker = inside(slots=1)
    command = "echo {n}; test {n} != l1 || { echo l0 > lines; for i in 1 2 3 4 5 6; do echo l$i; done >> lines; rm -f lines; }"
    (data / "lines").write_text("".join(f"l{n}\n" for n in range(1, 401)))
    run(worker, command, {"lines": {"n": "lines"}}, cwd=str(data))
    assert not (data / "lines").exists()
    assert all_items(worker) == [f"l{n}\n" for n in range(1, 401)]
    table = (f"{world.root}/sweeps/s/table/{ROWS}",)
    with open(*table) as file:
        assert file.read().startswith("0\tl1\n1\tl2\n")


# -- what is wrong


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"", "samples.tsv: it is empty"),
        (b"\n\n", "samples.tsv: it is empty"),
        (b"a\tb\n", "samples.tsv: it has a header and no rows"),
        (b"a\ta\n1\t2\n", "samples.tsv, line 1: its header has `a` twice"),
        (b"a\tmy b\n1\t2\n", "samples.tsv, line 1: its header has 'my b', which cannot be a param's name"),
        (b"a,b\n1,2\n", "is there another delimiter?"),
        (b"a\tb\n1\t2\n\n3\n", "samples.tsv, line 4: it has 1 value, and the header has 2"),
        (b"a\tb\n1\t2\t3\n", "samples.tsv, line 2: it has 3 values, and the header has 2"),
        (b"a\tb\n1\t2\na\tb\n", "samples.tsv, line 3: the header is there twice"),
        (b'a\tb\n1\t"x\n2\t3\n', "samples.tsv, line 2: unexpected end of data"),
        (b'a\tb\n1\t"x\ny"\n2\t"3\n\n4\t5\n', "line 4: unexpected end of data (close the quote"),
        (b'a\tb\n1\t"x\ny"\n2\t"3"3\n', "line 4: '\t' expected after '\"' (write \"\" for a quote"),
        (b"a\tb\n1\t\xff\n", "samples.tsv, line 2: it is not UTF-8 (recode it"),
        ("a\tb\n".encode("utf-16"), "samples.tsv, line 1: it is not UTF-8"),
        (b"a\tb\n1\t2\n3\t\0\n", "samples.tsv, line 3: it has a NUL character"),
        (None, "samples.tsv: there is no such file (its path begins at "),
        ("fifo", "samples.tsv: it is no regular file"),
        ("folder", "samples.tsv: it is no regular file"),
        ("link", "samples.tsv: it is a link (write the path that it leads to)"),
        ("writable", "samples.tsv: everybody may write to it, and it says what is run (chmod go-w it"),
        ("long", "samples.tsv: it is longer than 64 MiB"),
    ],
)
def test_a_file_that_is_not_as_it_has_to_be_is_told_with_its_line_and_can_be_mended(inside, data, world, text, what):
    path = data / "samples.tsv"
    path.unlink()
    match text:
        case bytes():
            path.write_bytes(text)
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "link":
            (data / "other.tsv").write_text(ROWS_OF_THREE)
            path.symlink_to("other.tsv")
        case "writable" | "long":
            path.write_text(ROWS_OF_THREE)
            path.chmod(0o666) if text == "writable" else os.truncate(path, (64 << 20) + 1)
    worker = inside()
    worker.drop("s", "true {sample}", sweep={"rows": "samples.tsv"}, cwd=str(data))
    assert what in refused(worker) and refused(worker).startswith("s.yaml: ")
    assert not os.path.exists(f"{world.root}/sweeps/s") and os.listdir(f"{world.root}/tmp") == []
    os.rename(path, data / "away") if path.exists() or path.is_symlink() else None
    path.write_text(ROWS_OF_THREE)
    again(worker)
    worker.until(
        lambda: sum(path.startswith("done/s/") for path in worker.lies()) and not worker.lies("todo", "running")
    )
    assert worker.lies("failed") == [] and len(all_items(worker)) == 3


@pytest.mark.parametrize(
    ("sweep", "what"),
    [
        ({"lines": {"sample": "none"}}, "none: there is no such file"),
        ({"lines": {"sample": "empty"}}, "empty: it is empty (put a value on each line)"),
        ({"glob": {"sample": "x/*.gz"}}, "no file matches 'x/*.gz'"),
        ({"glob": {"sample": "odd*"}}, "its name is not UTF-8"),
        (
            {"rows": "samples.tsv", "product": {"reads": [1]}},
            "line 5: `sweep.product` has a param that `sweep.rows` has too: reads",
        ),
        ({"rows": "samples.tsv", "include": [{"sample": "x"}]}, "line 5: an entry of `sweep.include` has other params"),
        ({"rows": "samples.tsv", "exclude": [{"smaple": "x"}]}, "there is no `smaple` in"),
        ({"rows": "samples.tsv", "product": {"n": "1..4000000"}}, "`sweep` has 12,000,000 items, more than 10,000,000"),
        ({"lines": {"other": "samples.tsv"}}, "there is no param `sample`"),
    ],
)
def test_what_does_not_fit_together_is_told(inside, data, world, sweep, what):
    (data / "empty").touch()
    open(os.fsencode(f"{data}/odd") + b"\xff", "w").close()
    worker = inside()
    worker.drop("s", "true {sample}", sweep=sweep, cwd=str(data))
    assert what in refused(worker)
    assert not os.path.exists(f"{world.root}/sweeps/s") and os.listdir(f"{world.root}/tmp") == []


@pytest.mark.parametrize(
    ("at", "what"),
    [(at, "fifo") for at in ("whole/sweep.json", "whole", "table/rows", "table", "")]
    + [(at, "link") for at in ("whole/sweep.json", "whole", "table/rows", "table", "")],
)
def test_what_lies_in_the_place_of_its_files_stops_a_sweep_and_nothing_else(inside, data, world, at, what):
    worker = inside()
    path = f"{world.root}/sweeps/s/{at}".rstrip("/")
    os.makedirs(os.path.dirname(path))
    os.mkfifo(path) if what == "fifo" else os.symlink("/nowhere/x", path)
    worker.drop("s", "true {sample}", sweep={"rows": "samples.tsv"}, cwd=str(data))
    assert f"something that dsgspool did not make lies at {world.root}/sweeps/s" in refused(worker)
    worker.drop("other")
    worker.until(lambda: "done/other" in worker.lies())
    os.unlink(path)
    if at == "table/rows":
        os.rmdir(os.path.dirname(path))
    again(worker)
    worker.until(lambda: worker.lies("done") and not worker.lies("todo", "running"))
    assert worker.lies("failed") == [] and len(all_items(worker)) == 3 and os.listdir(f"{world.root}/tmp") == []


def test_a_param_that_no_column_has_is_told_with_the_line_of_the_command(inside, data):
    worker = inside()
    worker.drop("s", "true {smaple}", sweep={"rows": "samples.tsv"}, cwd=str(data))
    assert "line 1: there is no param `smaple` (did you mean `sample`?" in refused(worker)


# -- one table


def put(world, text, rows):
    """A table of other rows lies there, of a task file with that text and time."""
    tables = Tables(Moves(world.spool))
    staged, descriptor = tables.stage(-1)
    body = "".join(f"{number}\t{row}\n" for number, row in enumerate(rows))
    facts = {**facts_of(*text), "parts": [[["n"], len(rows)]]}
    world.fs.append(descriptor, f"{body}# {__import__('json').dumps(facts)}\n".encode())
    world.fs.close(descriptor)
    tables.put(staged, "s")


def text_of(worker, data, mtime=None):
    path = f"{worker.root}/hold/s.yaml"
    with open(path, "w") as file:
        file.write(f"command: echo {{n}}\ncwd: {data}\nsweep:\n  lines: {{n: lines}}\n...\n")
    with open(path, "rb") as file:
        return file.read(), os.stat(path).st_mtime


def test_who_finds_the_table_of_the_same_file_reads_nothing_more(inside, data, world):
    """Its worker died between the two renames."""
    worker = inside()
    put(world, text_of(worker, data), ["old1", "old2"])
    (data / "lines").write_text("new\n")
    os.rename(f"{world.root}/hold/s.yaml", f"{world.root}/todo/s.yaml")
    worker.until(lambda: worker.lies("done") and not worker.lies("todo", "running"))
    assert all_items(worker) == ["old1\n", "old2\n"]


def test_the_table_of_another_file_of_that_name_is_not_taken(inside, data, world):
    worker = inside()
    text, mtime = text_of(worker, data)
    put(world, (text, mtime - 1), ["old"])
    (data / "lines").write_text("new\n")
    os.rename(f"{world.root}/hold/s.yaml", f"{world.root}/todo/s.yaml")
    assert "are of another file" in refused(worker)


def test_who_comes_second_goes_by_the_table_that_is_there(inside, data, world, monkeypatch):
    worker = inside()
    text = text_of(worker, data)
    (data / "lines").write_text("".join(f"mine{n}\n" for n in range(20)))
    first = Tables.put

    def slow(self, staged, sweep):
        monkeypatch.setattr(Tables, "put", first)
        put(world, text, ["theirs1", "theirs2"])
        self.put(staged, sweep)

    monkeypatch.setattr(Tables, "put", slow)
    os.rename(f"{world.root}/hold/s.yaml", f"{world.root}/todo/s.yaml")
    worker.until(lambda: worker.lies("done") and not worker.lies("todo", "running"))
    assert all_items(worker) == ["theirs1\n", "theirs2\n"] and os.listdir(f"{world.root}/tmp") == []


def test_rows_that_somebody_else_could_have_written_are_not_run(inside, data, world):
    worker = inside(slots=1)
    (data / "lines").write_text("".join(f"{n}\n" for n in range(300)))
    command = f"test {{n}} != 0 || chmod 666 {world.root}/sweeps/s/table/rows"
    worker.drop("s", command, sweep={"lines": {"n": "lines"}}, cwd=str(data))
    worker.until(lambda: worker.lies("failed") and not worker.lies("todo", "running"))
    [name] = [path for path in worker.lies("failed") if "rest" not in path][:1]
    assert (
        "sweeps/s/table: everybody may write to it" in worker.record(name.partition("/")[2].partition("~")[0])["reason"]
    )


def test_a_chunk_without_its_table_is_invalid(inside, data):
    worker = inside()
    worker.drop("s/0-2", "echo {sample}", sweep={"rows": "samples.tsv"}, cwd=str(data))
    worker.until(lambda: worker.lies("failed"))
    assert "its rows are not written down" in worker.record("s/0-2")["reason"]


@pytest.mark.parametrize("how", ["before", "torn", "after"])
def test_a_worker_that_dies_anywhere_while_it_writes_them_down_leaves_one_table(world, inside, data, how, monkeypatch):
    at = died = 0
    (data / "lines").write_text("x\n")
    while at == died:
        at += 1
        fs = CrashingFs(world.clock, at, how)
        for verb in ("begin", "ended"):
            monkeypatch.setattr(freezing, verb, armed(fs, getattr(freezing, verb)))
        assert all_items_of(inside, world, f"s{at}", data, fs) == ["x\n"]
        monkeypatch.undo()
        died += f"s{at}" in world.died
    assert died > 10


def all_items_of(inside, world, name, data, fs):
    """Of a sweep whose worker may die, and of its heir."""
    worker, world.died = inside(fs), []
    worker.drop(name, "echo {n}", sweep={"lines": {"n": "lines"}}, cwd=str(data))
    try:
        worker.until(lambda: worker.lies("done"))
    except Crash:
        world.died.append(name)
        worker.worker.attempts.kill_now()
    open(f"{world.root}/workers/{worker.wid}.dead", "w").close()
    heir = inside()
    heir.until(lambda: f"done/{name}/0-0" in heir.lies())
    open(f"{world.root}/workers/{heir.wid}.dead", "w").close()
    os.unlink(f"{world.root}/done/{name}/0-0.yaml")
    return all_items(heir, name)


def armed(fs, verb):
    """The verb; when it is done for the first time the door may crash."""

    def act(*arguments):
        fs.armed = True
        try:
            return verb(*arguments)
        finally:
            fs.armed = False

    return act


def test_the_table_goes_with_the_rest_when_nothing_of_it_is_left(world, inside, data):
    worker = inside()
    (data / "lines").write_text("x\n")
    put(world, text_of(worker, data), ["x"])
    then = os.stat(f"{world.root}/sweeps/s/table").st_mtime - 3 * 86400
    os.utime(f"{world.root}/sweeps/s/table", (then, then))
    divisions, now = Divisions(Moves(world.spool)), world.clock.wall()
    assert divisions.old(now, now) == []  # hold/s.yaml would go by it
    os.unlink(f"{world.root}/hold/s.yaml")
    assert divisions.old(now, now) == ["s"]
    divisions.remove("s")
    assert not os.path.exists(f"{world.root}/sweeps/s")


def test_files_that_a_full_disk_keeps_from_being_written_down_are_the_nodes_trouble(data, tmp_path):
    plan = tmp_path / "plan"
    source = ("rows", [], str(data / "samples.tsv"), "\t")
    plan.write_bytes(marshal.dumps({"sources": [source], "uids": [os.geteuid()], "gid": -1, "facts": {}}))
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-I", "-S", reading.__file__, str(plan), str(full.fileno())]
        for log in (full, subprocess.DEVNULL):  # the disk may be full for what it says, too
            ended = subprocess.run(command, stderr=log, pass_fds=[full.fileno()], check=False, timeout=30)
            assert ended.returncode == reading.TROUBLE


@pytest.mark.parametrize("part", ["0-8", "rest-0-8"])
def test_rows_of_which_somebody_took_one_out_are_not_run_as_others_and_stop_no_worker(inside, data, world, part):
    worker = inside()
    (data / "n.txt").write_text("".join(f"{n}\n" for n in range(1, 10)))
    run(worker, "echo {n}", {"lines": {"n": "n.txt"}, "exclude": [{"n": "9"}]}, cwd=str(data))
    table = f"{world.root}/sweeps/s/table/rows"
    with open(table) as file:
        lines = [line for line in file if not line.startswith("5\t")]
    with open(table, "w") as file:
        file.writelines(lines)
    worker.worker.intake.starting.dividing.paces.ran("s", 100, 1.0)
    os.rename(f"{world.root}/done/s/0-0.yaml", f"{world.root}/todo/s/{part}.yaml")
    shutil.rmtree(f"{world.root}/sweeps/s/0-8")  # how it was divided
    worker.until(lambda: "failed/s/0-8~exit1" in worker.lies())
    assert [out for _, out, _ in index(worker, "s/0-8").values()] == ["1\n", "2\n", "3\n", "4\n", "5\n"]
    assert worker.record("s/0-8")["reason"].endswith("ValueError: the table has no row 5 in its place")
