"""The tracer itself: it kills, tears and refuses where it says, and it sees what strace sees."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable

import pytest

from tests.support import ptrace
from tests.support.ptrace import GO, KILL, TEAR, Call, Tracer

pytestmark = pytest.mark.skipif(bool(ptrace.missing()), reason=f"no tracer here: {ptrace.missing()}")


@pytest.fixture
def traced(tmp_path) -> Callable[[Callable[[Call], int]], ptrace.Trace]:
    """Traces a program that makes a file with ten bytes and renames it."""

    def program() -> int:
        descriptor = os.open(tmp_path / "a", os.O_CREAT | os.O_WRONLY)
        try:
            os.write(descriptor, b"0123456789")
        except OSError as error:
            return error.errno
        os.rename(tmp_path / "a", tmp_path / "b")
        return 0

    return lambda decide: Tracer(str(tmp_path), decide).run(program, 30)


def test_a_killed_call_is_not_executed(traced, tmp_path):
    trace = traced(lambda call: KILL if call.name == "rename" else GO)
    assert trace.status("command") == -9
    assert os.listdir(tmp_path) == ["a"]


def test_a_torn_write_leaves_half_of_its_bytes(traced, tmp_path):
    trace = traced(lambda call: TEAR if call.name == "write" else GO)
    assert trace.status("command") == -9
    assert (tmp_path / "a").read_bytes() == b"01234"


def test_a_refused_call_is_not_executed_and_answers_with_the_error(traced, tmp_path):
    trace = traced(lambda call: errno.ENOSPC if call.name == "write" else GO)
    assert trace.status("command") == errno.ENOSPC
    assert (tmp_path / "a").read_bytes() == b""


def test_the_tracer_sees_what_strace_sees(tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("needs strace to compare with")
    script = "import os; os.mkdir('m'); open('m/f', 'w').write('x'); os.rename('m/f', 'm/g'); os.unlink('m/g'); os.rmdir('m')"
    command = ["/usr/bin/env", "python3", "-ISc", script]
    place = tmp_path / "place"
    place.mkdir()
    told = subprocess.run(
        ["strace", "-f", "-y", *command], cwd=place, capture_output=True, text=True, check=True
    ).stderr
    seen: list[str] = []

    def program() -> int:
        os.chdir(place)
        os.execv(command[0], command)

    Tracer(str(place), lambda call: seen.append(str(call)) or GO).run(program, 30)
    changes = [line.split()[0] for line in seen if line.split()[0] in ptrace.CHANGES and line.split()[0] != "say"]
    by_strace = [line.partition("(")[0] for line in told.splitlines() if '"m' in line or f"{place}/m" in line]
    by_strace = [
        "create" if name == "openat" else name for name in by_strace if name in ptrace.CHANGES or name == "openat"
    ]
    assert changes == by_strace
    assert changes == ["mkdir", "create", "write", "rename", "unlink", "rmdir"]
