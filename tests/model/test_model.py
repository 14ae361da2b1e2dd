"""The protocol of docs/spool-format.md in the model: intact it keeps its promises, without any one rule it does not.

The rule: what a search finds is compared with rules.py; a rule that nothing misses says there why it stays.
"""

import pytest

from tests.model.__main__ import main
from tests.model.bounds import Bounds
from tests.model.intact import INTACT
from tests.model.rules import RULES, WAITS
from tests.model.search import Search
from tests.model.setup import Model
from tests.model.table import search

SMALL = [intact for intact in INTACT if intact.size == "small"]


def name_of(each):
    return getattr(each, "name", None) or each.bounds


@pytest.mark.model
@pytest.mark.timeout(600)
@pytest.mark.parametrize("intact", SMALL, ids=name_of)
def test_the_whole_protocol_keeps_its_promises_at_this_bound(intact):
    result = search(intact.bounds, frozenset(), is_quiet=not intact.breaks)
    assert result.problem[:2] == intact.breaks, "\n".join([result.problem, *result.trace])
    assert result.is_whole


@pytest.mark.model
@pytest.mark.timeout(600)
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.size == "small"], ids=name_of)
def test_without_this_rule_a_promise_is_broken(rule):
    """... but for the rules that say in rules.py what catches their absence."""
    result = search(rule.bounds, rule.off, is_quiet=not rule.breaks)
    assert result.problem[:2] == rule.breaks, "\n".join([result.problem, *result.trace])
    assert rule.breaks or rule.why
    assert result.is_whole


@pytest.mark.parametrize("bounds", ["crash=1", "part=1", "late=1", "human=1", "files=AB", WAITS])
def test_a_small_bound_of_the_whole_protocol_finds_nothing(bounds):
    assert search(bounds, frozenset(), is_quiet=True).problem == ""


@pytest.mark.parametrize("off", [{"sweep"}, {"look-after", "wake"}])
def test_looks_or_the_round_alone_leave_nobody_waiting_where_nothing_fails(off):
    assert search(WAITS, frozenset(off), is_quiet=True).problem == ""


def test_the_reductions_change_no_answer():
    """The same searches with and without them: as whole, and as broken."""
    for bounds, off in (
        ("crash=1", ()),
        ("crash=1", ("tomb-last",)),
        ("human=1", ("strip-all",)),
        ("drops=A", ("mute",)),
    ):
        model = Model(Bounds.parse(bounds), frozenset(off))
        reduced, plain = Search(model, reduce=True).run(), Search(model).run()
        assert reduced.problem[:2] == plain.problem[:2]
        assert off or reduced.states < plain.states


def test_a_trace_is_told_in_words_of_the_format(capsys):
    assert main(["--without", "tomb-last"]) == 1
    told = capsys.readouterr().out
    assert "writes w1.dead before it has killed" in told
    assert "I2 at most one live attempt of a name" in told
    assert told.splitlines()[-1].endswith("(text A1)")


def test_the_intact_protocol_says_so(capsys):
    assert main(["--bounds", "crash=1"]) == 0
    assert "nothing is broken" in capsys.readouterr().out


def test_an_unknown_rule_or_bound_is_named():
    with pytest.raises(SystemExit, match="no rule is called tokenz"):
        main(["--without", "tokenz"])
    with pytest.raises(SystemExit, match="no bound is called 'crush'"):
        main(["--bounds", "crush=1"])


def test_a_search_that_was_stopped_does_not_say_that_all_is_well(capsys):
    assert main(["--bounds", "human=2,drops=A", "--seconds", "0"]) == 2
    assert "NOT ALL STATES WERE SEEN" in capsys.readouterr().out
