"""Counts of the crash sweep, printed at the end of the run."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest


@dataclass
class Tally:
    """How many points were tried: kind -> story -> (tried, invalid)."""

    counts: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)

    def add(self, kind: str, story: str, tried: int, invalid: int) -> None:
        self.counts.setdefault(kind, {})[story] = (tried, invalid)

    def lines(self) -> list[str]:
        """One line a kind, one with the stories below it."""
        found = []
        for kind, stories in self.counts.items():
            tried, invalid = (sum(each[n] for each in stories.values()) for n in (0, 1))
            found.append(f"{kind}: {tried} points of {len(stories)} stories tried, {invalid} invalid")
            found.append("  " + ", ".join(f"{story} {count}" for story, (count, _) in stories.items()))
        return found


TALLY: pytest.StashKey[Tally] = pytest.StashKey()


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Where a test counts its points."""
    return request.config.stash[TALLY]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY] = Tally()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash[TALLY].lines():
        terminalreporter.section("crash points")
        for line in lines:
            terminalreporter.line(line)
