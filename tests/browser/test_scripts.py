"""The pure parts of the pages' script, under node's own test runner."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent / "js"


def test_the_scripts_do_what_their_own_tests_say() -> None:
    node = shutil.which("node")
    if not node:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs node: apt-get install nodejs")
    files = sorted(map(str, HERE.glob("*.test.*js")))
    assert files, f"no tests in {HERE}"
    done = subprocess.run([node, "--test", *files], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
