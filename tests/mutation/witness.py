"""A plugin for pytest inside of a trial: writes down which test failed, and on what.

The rule: it only tells; whether that is a kill is decided outside (trial.py).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """One JSON line for each failure, skips excepted."""
    if call.excinfo is None or call.excinfo.errisinstance(pytest.skip.Exception):
        return
    kinds = [kind.__name__ for kind in call.excinfo.type.__mro__]
    told = {
        "test": item.nodeid, "when": call.when, "kinds": kinds, "text": str(call.excinfo.value)[-8000:],
        "seconds": call.duration,
    }  # fmt: skip
    with Path(os.environ["MUTATION_WITNESS"]).open("a") as file:
        file.write(json.dumps(told) + "\n")
