"""The small models: counted resources (li), (lxi), and schedules with `overlap: skip` (lxii)."""

import pytest

from tests.model import counting, ticking

MODELS = {"counting": counting, "ticking": ticking}


@pytest.mark.parametrize(("name", "least"), [("counting", 2000), ("ticking", 900)])
def test_nothing_is_broken_in_any_world(name, least):
    worlds, way = MODELS[name].search()
    assert way == []
    assert worlds > least


@pytest.mark.parametrize(("name", "rule"), [(name, rule) for name, model in MODELS.items() for rule in model.RULES])
def test_without_this_rule_something_is_broken(name, rule):
    _, way = MODELS[name].search(frozenset({rule}))
    assert way
