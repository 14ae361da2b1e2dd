"""Several nodes and one spool: each task once."""

from __future__ import annotations

from tests.grounds import Lab


def test_smoke(lab: Lab) -> None:
    lab.ready(1, 2)
    names = lab.drop(3, *(f"a{n:03d}" for n in range(10)), command=lab.story.command())
    lab.wait_for_done(names, 30)
    lab.story.assert_each_once(names)
    assert lab.violations(*names) == ""
