"""Decision (lvi) in a model of its own: a rest of a sweep is divided once, whoever is killed or comes late."""

import pytest

from tests.model.dividing import RULES, search


@pytest.mark.model
@pytest.mark.timeout(600)
def test_each_item_belongs_to_one_task_in_every_world():
    worlds, way = search()
    assert way == []
    assert worlds > 100_000


@pytest.mark.parametrize("rule", RULES)
def test_without_this_rule_an_item_belongs_to_two_tasks_or_to_none(rule):
    _, way = search(frozenset({rule}))
    assert "belongs to" in way[-1]
