"""The rule: below priority each owner and each batch gets its part of the candidates, whatever the names are."""

import os
import random

import pytest

from dsgspool.spool import owners as owners_module
from dsgspool.spool.owners import Owners
from dsgspool.spool.scan import Look
from dsgspool.spool.turns import FairLook
from tests.support.actors import World
from tests.support.doors import ClockedFs

ALICE, BOB = 1001, 1002


class OwnedFs(ClockedFs):
    """Files belong to whom their names say: `bob` in the last part makes it Bob's.  Counts the questions."""

    asked = 0
    seconds = 0.0

    def owner(self, path):
        self.asked += 1
        self.clock.advance(self.seconds)
        os.stat(path, follow_symlinks=False)
        return BOB if "bob" in os.path.basename(path) else ALICE


@pytest.fixture
def fs(world: World):
    world.spool.fs = OwnedFs(world.clock)
    return world.spool.fs


@pytest.fixture
def lay(world: World):
    def make(*paths):
        for path in paths:
            target = f"{world.root}/todo/{path}.yaml"
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w"):
                pass

    return make


@pytest.fixture
def memory(world: World, fs: OwnedFs):
    """Of owners, kept from look to look."""
    return Owners(world.spool)


@pytest.fixture
def see(world: World, memory: Owners):
    """What a fair look sees."""

    def look(*turns, use=lambda _: (0.0, 0.0), **options):
        return FairLook(world.spool, 4, turns=turns, use=use, owners=memory, **options).take()

    return look


def of(sight, who):
    return [path for path in sight.candidates if sight.shares[path][1][0] == who]


def test_the_few_of_one_owner_are_among_the_candidates_although_their_names_sort_last(see, lay):
    lay(*[f"a{number:04d}" for number in range(300)], *[f"z-bob{number}" for number in range(3)])
    sight = see("owners", limit=40)
    assert of(sight, BOB) == ["z-bob0.yaml", "z-bob1.yaml", "z-bob2.yaml"]
    assert of(sight, ALICE) == [f"a{number:04d}.yaml" for number in range(20)]


def test_the_few_in_a_batch_are_found_behind_many_batches_of_another(see, lay):
    lay(*[f"a{number:03d}/{n}" for number in range(30) for n in range(9)], "z-bob/x-bob")
    assert of(see("owners", limit=40), BOB) == ["z-bob/x-bob.yaml"]


def test_each_batch_has_its_part_and_the_order_inside_is_that_of_names(see, lay):
    lay(*[f"a/{number:03d}" for number in range(100)], "b/1", "b/2", "c")
    sight = see("batches", limit=30)
    assert [path for path in sight.candidates if path.startswith("a/")] == [f"a/{n:03d}.yaml" for n in range(10)]
    assert {path: sight.shares[path][1][1] for path in ("b/1.yaml", "c.yaml")} == {"b/1.yaml": "b", "c.yaml": ""}


def test_wide_tasks_take_turns_with_narrow_ones_and_come_first_inside_of_their_share(see, lay):
    lay("@cpus3/a/wide", "a/narrow", "b/1")
    sight = see("batches")
    assert [path for path in sight.candidates if "a/" in path] == ["@cpus3/a/wide.yaml", "a/narrow.yaml"]
    assert {priority for priority, _ in sight.shares.values()} == {0}


def test_a_file_takes_the_turn_of_its_own_owner_whoevers_folder_it_lies_in(see, lay):
    lay("s/x-bob", "s/y")
    sight = see("owners")
    assert (of(sight, BOB), of(sight, ALICE)) == (["s/x-bob.yaml"], ["s/y.yaml"])


def test_priority_stays_above_turns(see, lay):
    lay("@p5/a/1", "b/1")
    assert see("batches").shares == {"@p5/a/1.yaml": (5, (-1, "a")), "b/1.yaml": (0, (-1, "b"))}


def test_of_very_many_batches_those_that_had_least_are_listed_and_some_by_chance(see, lay):
    lay(*[f"b{number:03d}/1" for number in range(200)])
    random.seed(7)
    looks = [see("batches", use=lambda share: (0.0, float(share[1][1:]))) for _ in range(30)]
    assert all(len(look.candidates) == 64 for look in looks)
    assert all(look.candidates[:48] == [f"b{number:03d}/1.yaml" for number in range(48)] for look in looks)
    assert len({path for look in looks for path in look.candidates}) > 150


def test_of_many_batches_of_two_owners_both_have_half(see, lay, world):
    lay(*[f"b{number:03d}/1" for number in range(80)], *[f"c{number:03d}-bob/1-bob" for number in range(80)])
    sight = see("owners", "batches", use=lambda share: (float(share[0] == BOB), 0.0))
    assert 24 <= len(of(sight, BOB)) <= 40


def test_each_file_is_asked_about_once_and_single_owner_spools_ask_nothing(see, lay, fs, world):
    lay(*[f"a{number}" for number in range(100)], *[f"s/{number}" for number in range(50)])
    see("owners")
    assert fs.asked == 151
    see("owners")
    assert fs.asked == 151
    lay("new-bob")
    assert "new-bob.yaml" in see("owners").candidates
    assert fs.asked == 152
    Look(world.spool, 4).take()
    see("batches")
    assert fs.asked == 152


def test_a_look_asks_no_more_than_a_bit_when_that_is_slow_and_soon_knows_all(see, lay, fs, monkeypatch):
    monkeypatch.setattr(owners_module, "LEAST", 20)
    fs.seconds = 0.01
    lay(*[f"a{number:03d}" for number in range(100)], "z-bob")
    see("owners", limit=10)
    assert fs.asked <= 20 + 256
    for _ in range(5):
        found = of(see("owners", limit=10), BOB)
    assert found == ["z-bob.yaml"]


def test_what_is_gone_before_it_was_asked_about_is_tried_all_the_same(see, lay, fs, world, monkeypatch):
    lay("a", "b")
    ask = fs.owner

    def gone(path):
        if path.endswith("a.yaml"):
            raise FileNotFoundError(2, "gone", path)
        return ask(path)

    monkeypatch.setattr(fs, "owner", gone)
    assert sorted(see("owners").candidates) == ["a.yaml", "b.yaml"]


def test_the_memory_of_owners_is_bounded(see, lay, memory, monkeypatch):
    monkeypatch.setattr(owners_module, "MOST", 50)
    lay(*[f"a{number:03d}" for number in range(90)], "z-bob")
    sight = see("owners")
    assert of(sight, BOB) == ["z-bob.yaml"]
    assert len(of(sight, ALICE)) == 90
    assert len(memory._known) == 50
