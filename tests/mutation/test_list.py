"""The list of mutants is whole: every text is found once, every named test is there, no rule of the protocol is missing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutation.mutant import Mutant
from tests.mutation.mutants import MUTANTS
from tests.mutation.trial import ROOT

ROOMS = (
    "spool/*.py", "janitor.py", "lease.py", "worker/intake.py", "worker/agreement.py", "worker/attempts.py",
    "worker/endings.py", "worker/runner.py", "worker/admission.py", "worker/guard.py", "worker/desk.py", "worker/loop.py",
    "worker/watch.py", "worker/turnstile.py", "worker/counted.py", "worker/starting.py", "doctor/*.py",
)  # fmt: skip
RULES = {"R1", "R2", "R3", "R4", "R5", "R6"}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.title)
def test_the_text_that_keeps_a_rule_is_there_once_can_be_exchanged_and_its_tests_are_there(mutant: Mutant) -> None:
    for edit in mutant.edits:
        assert edit.changed(ROOT) != (ROOT / edit.file).read_text()
    assert mutant.tests
    for test in mutant.tests:
        file, _, name = test.partition("::")
        text = (ROOT / "tests" / file).read_text()
        assert f"def {name.partition('[')[0]}(" in text or (not name and text), test


def test_no_two_mutants_have_one_title() -> None:
    titles = [mutant.title for mutant in MUTANTS]
    assert sorted(set(titles)) == sorted(titles)


def test_every_rule_and_every_decision_of_the_format_has_a_mutant() -> None:
    text = (ROOT / "docs/spool-format.md").read_text()
    decisions = {f"16 {number}" for number in re.findall(r"^\*\*(\([ivxl]+\)) ", text, re.MULTILINE)}
    assert len(decisions) >= 20
    assert RULES - {mutant.rule for mutant in MUTANTS} == set()
    assert decisions - {mutant.section for mutant in MUTANTS} == set()


def races() -> Iterator[tuple[str, str]]:
    """(file, text of the function) for each comment that names a race."""
    for pattern in ROOMS:
        for path in sorted((ROOT / "dsgspool").glob(pattern)):
            lines = path.read_text().splitlines(keepends=True)
            for number, line in enumerate(lines, 1):
                if "RACE:" in line:
                    yield str(path.relative_to(ROOT)), "".join(lines[slice(*_function(path, number))])


def _function(path: Path, line: int) -> tuple[int, int]:
    """First and last line of the smallest function around a line."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    around = [node for node in nodes if node.end_lineno and node.lineno <= line <= node.end_lineno]
    inner = max(around, key=lambda node: node.lineno)
    return inner.lineno - 1, inner.end_lineno or line


def test_every_race_that_a_comment_names_has_a_mutant() -> None:
    found = list(races())
    assert len(found) >= 20
    edits = [edit for mutant in MUTANTS for edit in mutant.edits]
    missing = [
        (file, text) for file, text in found if not any(e.file == file and e.old.strip("\n") in text for e in edits)
    ]
    assert not missing, "\n".join(f"{file}: {text[:200]}" for file, text in missing)
