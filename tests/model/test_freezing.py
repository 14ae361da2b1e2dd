"""Decision (lxiv) in a model of its own: the rows of a sweep are written down once, whoever is killed or comes late."""

import pytest

from tests.model.freezing import RULES, search


@pytest.mark.model
def test_in_every_world_a_number_stands_for_the_same_values():
    worlds, way = search()
    assert way == []
    assert worlds > 20_000


@pytest.mark.parametrize("rule", RULES)
def test_without_this_rule_a_number_stands_for_other_values_or_for_none(rule):
    _, way = search(frozenset({rule}))
    assert "go by" in way[-1]
