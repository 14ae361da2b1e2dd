"""A trial: a copy of the product, one mutant in it, its tests.

The rule: a kill counts only when a named test fails on a fact.  An error of the mutant itself (it cannot be imported, a
name is missing) proves nothing, nor does a kill when the intact product does not pass the same tests.  Workers and their
guards run the mutated code too: they are started from the copy.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.mutation.mutant import Mutant, TextNotFound

ROOT = Path(__file__).parents[2]
COPIED = ("dsgspool", "tests", "docs", "spool_template", "reports", "pyproject.toml", "README.md")
TEST_SECONDS = 30  #: for one test of a mutant, after which it counts as failed: a rule may keep something from hanging
TRIAL_SECONDS = 150.0
BROKEN = ("SyntaxError", "ImportError", "NameError", "AttributeError", "TypeError")
_BROKEN_ELSEWHERE = re.compile(rf"internal error, please report it|^(?:{'|'.join(BROKEN)}): ", re.MULTILINE)


@dataclass(frozen=True)
class Result:
    """What came of a trial: `killed`, `SURVIVED`, `BROKEN` (the mutant itself) or `GONE` (its text was not found)."""

    mutant: Mutant | None  #: None = the intact product
    word: str
    seconds: float
    test: str = ""
    detail: str = ""

    @property
    def is_killed(self) -> bool:
        return self.word == "killed"

    def __str__(self) -> str:
        title = self.mutant.title if self.mutant else "the intact product"
        return f"{self.word:8} {self.seconds:5.1f} s  {title}{f'  <- {self.test}' if self.test else ''}"


class Trials:
    """Copies of the product in one folder, which is removed at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = iter(range(10**6))

    def mutate(self, mutant: Mutant, tests: Sequence[str] = ()) -> Result:
        """Take one rule away and run its tests (or these)."""
        began = time.monotonic()
        with self._copy() as tree:
            try:
                for edit in mutant.edits:
                    edit.apply(tree)
            except (TextNotFound, SyntaxError) as error:
                return Result(mutant, "GONE" if isinstance(error, TextNotFound) else "BROKEN", 0.0, detail=str(error))
            code, output, failures = self._run(tree, tests or mutant.tests, "-x", f"--timeout={TEST_SECONDS}")
        word, detail = _judge(code, output, failures)
        test = str(failures[0]["test"]).removeprefix("tests/") if failures else ""
        return Result(mutant, word, time.monotonic() - began, test, detail)

    def intact(self, tests: Iterable[str]) -> Result:
        """The same tests on the product as it is: all of them must pass."""
        began = time.monotonic()
        with self._copy() as tree:
            code, output, _ = self._run(tree, sorted(set(tests)), limit=600.0)
        word = "passed" if code == 0 else "FAILED"
        return Result(None, word, time.monotonic() - began, detail="" if code == 0 else output[-8000:])

    @contextmanager
    def _copy(self) -> Iterator[Path]:
        tree = self.folder / str(next(self._count))
        tree.mkdir()
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns(".cache", "*.tmp"))
            else:
                shutil.copy2(ROOT / name, tree / name)
        try:
            yield tree
        finally:
            _end_all(tree)
            shutil.rmtree(tree, ignore_errors=True)

    def _run(
        self, tree: Path, tests: Sequence[str], *options: str, limit: float = TRIAL_SECONDS
    ) -> tuple[int, str, list[dict[str, object]]]:
        """Exit code of pytest, what it printed, and the failures in their order."""
        witness = tree / "witness"
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "pytest_timeout", "-p", "no:cacheprovider", "-p",
            "tests.mutation.witness", "-m", "not nfs and not mutation", "--basetemp", str(tree / "t"), *options,
            *(f"tests/{test}" for test in tests),
        ]  # fmt: skip
        env = {name: value for name, value in os.environ.items() if not name.startswith(("DSGSPOOL_", "PYTEST_"))}
        env |= {"PYTHONPATH": str(tree), "MUTATION_WITNESS": str(witness), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        process = subprocess.Popen(
            command, cwd=tree, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace",
        )  # fmt: skip
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            output += f"\nit was killed after {limit:.0f} s"
        lines = witness.read_text().splitlines() if witness.exists() else []
        return process.returncode, output, [json.loads(line) for line in lines]


def _judge(code: int, output: str, failures: Sequence[dict[str, object]]) -> tuple[str, str]:
    """(word, detail) of a run of the tests of a mutant."""
    if code == 0:
        return "SURVIVED", ""
    if code != 1 or not failures:  # collection failed, a test is not there, or pytest itself was killed
        return "BROKEN", output[-3000:]
    first = failures[0]
    kinds, text = first["kinds"], str(first["text"])
    assert isinstance(kinds, list)
    if first["when"] == "setup" or set(BROKEN) & set(kinds) or _BROKEN_ELSEWHERE.search(text):
        return "BROKEN", f"{kinds[0]} in {first['when']}: {text[-3000:]}"
    return "killed", f"{kinds[0]}: {text}"


def _end_all(tree: Path) -> None:
    """End what a trial left: a mutant may have taken away the very rule that ends it."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("PYTHONPATH") == str(tree):
                process.kill()
        except (psutil.Error, OSError):
            continue


@contextmanager
def trials() -> Iterator[Trials]:
    """Trials in a folder of their own, in memory where that is possible."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # thousands of fsyncs, which nobody needs here
    with tempfile.TemporaryDirectory(prefix="mutants-", dir=base) as folder:
        yield Trials(Path(folder))
