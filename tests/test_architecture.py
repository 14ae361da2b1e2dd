"""The house: who may import whom, and which room has the door to what.  The reasons stand in docs and at each exception."""

from __future__ import annotations

import ast
import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "dsgspool"
MODULES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))

FILES = """
    open read write pread pwrite close rename replace renames link symlink unlink remove rmdir removedirs mkdir makedirs
    mkfifo listdir scandir walk stat lstat fstat access utime chmod fchmod chown fchown lchown truncate ftruncate fsync
    fdatasync lseek readlink dup dup2 chdir
"""
PROCESSES = """
    fork forkpty kill killpg execv execve execvp execl _exit system popen wait wait3 wait4 waitpid waitid posix_spawn
    setsid setpgid getsid setpriority sched_setaffinity sched_getaffinity
"""
#: module -> what it may do to files beside fs.py, and why
OTHER_FILES = {
    "census.py": "/proc, no shared file",
    "cgroups.py": "/sys/fs/cgroup",
    "machine.py": "/proc, /sys, /dev/pts",
    "proc.py": "/proc, and /dev/null for helpers",
    "spawning.py": "chdir, access: where a command begins, and where PATH has its program",
    "mounts.py": "/proc/self/mountinfo",
    "shared_fs.py": "the door where others may lay links",
    "permissions.py": "the part of the door that changes owners and modes",
    "listings.py": "the part of the door that looks into folders",
    "worker/guard.py": "stands alone, imports nothing of dsgspool",
    "worker/chunk.py": "stands alone: the logs and the index of a chunk, by their descriptors",
    "worker/reading.py": "a task's own process: the files that a sweep takes its values from, as its user",
    "worker/watch.py": "read, write: the bell's pipe, and the one that signals wake the loop by",
    "worker/station.py": "write: the pipe to the guard",
    "worker/journal.py": "write: the terminal, which must not be waited for",
    "spool/__init__.py": "listdir, stat: looks for the spool before there is a door",
    "doctor/raw.py": "what the protocol must never use (bare stat, link, statvfs), to see what it answers here",
    "doctor/child.py": "the pipe between the examination and its watcher",
    "cli/top/terminal.py": "read, write: keys, and the pipe that wakes it",
    "cli/exits.py": "/dev/null in the place of a closed terminal",
}
OTHER_PROCESSES = {
    "proc.py": "the door",
    "spawning.py": "the part of the door that starts commands",
    "census.py": "psutil: memory that is shared",
    "machine.py": "nvidia-smi and probes of software, with a time limit, before there is a worker",
    "worker/guard.py": "stands alone",
    "worker/chunk.py": "stands alone: starts items",
    "doctor/child.py": "a child that may hang for ever, which nobody may wait for",
}
OTHER_TIME = {"clock.py": "the door", "worker/guard.py": "stands alone", "worker/chunk.py": "stands alone"}
#: `os.path.isdir` and its kin believe an NFS cache (R6): only for what lies on this machine, or for a hint.
BARE_LOOKS = {
    "resources.py": "the package's own files",
    "census.py": "/proc, no shared file",
    "worker/provenance.py": "the scientist's .git",
    "spool/laying.py": "a spool that is not there yet",
}


@functools.cache
def trees() -> list[tuple[str, ast.Module]]:
    return [(module, ast.parse((PACKAGE / module).read_text())) for module in MODULES]


def calls(tree: ast.AST, owner: str) -> set[str]:
    """Names of what is taken from module `owner` (`os`, `os.path`), called or not."""
    attributes = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return {node.attr for node in attributes if _dotted(node.value) == owner}


def _dotted(node: ast.AST) -> str:
    """`os.path` as it is written, '' for what is no such name (ast.unparse takes a hundred times as long)."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{_dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def imported(tree: ast.AST) -> set[str]:
    """Top-level modules imported anywhere in a file."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for module, tree in trees():
        yield from ((module, node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_imports_keep_to_their_floors(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0


def test_only_fs_touches_files():
    found = {module for module, tree in trees() if calls(tree, "os") & set(FILES.split()) or _opens(tree)}
    assert found == {"fs.py", *OTHER_FILES}


def _opens(tree: ast.AST) -> bool:
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return any(isinstance(function, ast.Name) and function.id == "open" for function in called)


def test_nobody_has_other_ways_to_files():
    """Path.rename(), shutil.move() and their kin would be doors beside the door; the demo's analysis is a scientist's,
    and the files that a sweep takes its values from are read by the task's own process."""
    found = {module for module, tree in trees() if imported(tree) & {"pathlib", "io", "glob", "fileinput", "sqlite3"}}
    shutil = {module: calls(tree, "shutil") for module, tree in trees() if "shutil" in imported(tree)}
    assert found <= {"demo/analyse.py", "worker/reading.py"}
    assert set().union(*shutil.values()) <= {"get_terminal_size", "which"}, shutil


def test_nobody_looks_at_a_shared_file_without_opening_its_folder():
    looks = {"exists", "lexists", "isfile", "isdir", "islink", "getmtime", "getsize", "samefile"}
    assert {module for module, tree in trees() if calls(tree, "os.path") & looks} <= set(BARE_LOOKS)


def test_only_proc_touches_processes():
    found = {module for module, tree in trees() if calls(tree, "os") & set(PROCESSES.split())}
    found |= {module for module, tree in trees() if imported(tree) & {"subprocess", "psutil", "multiprocessing"}}
    assert found == set(OTHER_PROCESSES)


def test_only_clock_touches_time():
    assert {module for module, tree in trees() if "time" in imported(tree)} == set(OTHER_TIME)
    now = {module for module, tree in trees() if calls(tree, "datetime") & {"now", "utcnow", "today"}}
    assert now == set()


def test_the_guard_imports_the_standard_library_and_nothing_else():
    tree = ast.parse((PACKAGE / "worker/guard.py").read_text())
    assert imported(tree) <= {"_thread", "ctypes", "json", "os", "select", "signal", "sys", "time"}


def test_the_guard_starts_without_the_package(tmp_path):
    command = [sys.executable, "-I", "-S", str(PACKAGE / "worker/guard.py"), "/no/worker"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=20, check=False)
    assert b"cannot start /no/worker" in done.stderr


def test_a_chunk_begins_with_next_to_nothing():
    """It may be short: nothing is imported that takes longer than an item."""
    allowed = {"errno", "marshal", "os", "signal", "sys", "time", "dsgspool", "__future__"}
    assert imported(ast.parse((PACKAGE / "worker/chunk.py").read_text())) <= allowed
    assert imported(ast.parse((PACKAGE / "items.py").read_text())) == {"__future__"}
    assert imported(ast.parse((PACKAGE / "tables.py").read_text())) == {"__future__", "collections", "dsgspool"}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_small_and_says_what_it_is_for(module):
    text = (PACKAGE / module).read_text()
    assert text.count("\n") <= 300
    assert ast.get_docstring(ast.parse(text)) or not text


def test_functions_are_short():
    length = {f"{module}:{f.name}": (f.end_lineno or 0) - f.lineno + 1 for module, f in functions()}
    assert {name: lines for name, lines in length.items() if lines > 40} == {}
    assert sorted(length.values())[len(length) * 9 // 10] <= 22


def test_nothing_catches_everything_but_the_two_boundaries():
    broad = {
        module
        for module, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) == "Exception")
    }
    assert broad <= {"worker/loop.py", "cli/exits.py"}


def test_there_is_no_room_for_odds_and_ends():
    names = {os.path.splitext(os.path.basename(module))[0] for module in MODULES}
    assert not names & {"utils", "util", "common", "helpers", "types", "models", "misc"}


def test_every_exception_that_is_made_here_is_still_needed():
    for table in (OTHER_FILES, OTHER_PROCESSES, OTHER_TIME, BARE_LOOKS):
        assert set(table) <= set(MODULES)


def test_tests_do_not_sleep():
    mine = [
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if "processes" not in path.parts and "nfs" not in path.parts
    ]
    assert [path.name for path in mine if "sleep" in calls(ast.parse(path.read_text()), "time")] == []


def test_every_class_of_values_is_made_by_the_packages_own_decorator() -> None:
    """The standard one costs each command a millisecond a class (classes.py)."""
    wrong = [
        module
        for module in MODULES
        if module != "classes.py"
        and re.search(r"^\s*from dataclasses import .*\bdataclass\b", (PACKAGE / module).read_text(), re.MULTILINE)
    ]
    assert wrong == []
