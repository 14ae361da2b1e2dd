"""The rule: a look gives candidates in order of priority, and never a name that somebody still holds."""

import errno
import os
import random

import pytest

from dsgspool.spool.scan import Look
from tests.support.actors import World
from tests.support.doors import FlakyFs

CLAIM = "@n1-aaaaaaaa.1"


@pytest.fixture
def see(world: World):
    """What a look at these files sees."""

    def look(*paths, slots=4, alone=True, **options):
        for path in paths:
            target = f"{world.root}/todo/{path}"
            os.makedirs(target if path.endswith("/") else os.path.dirname(target), exist_ok=True)
            if not path.endswith("/"):
                with open(target, "w"):
                    pass
        return Look(world.spool, slots, alone=alone, **options).take()

    return look


def test_candidates_come_in_the_order_of_their_names_folders_in_their_place(see):
    assert see("c.yaml", "b/2.yaml", "b/1.yaml", "a.yml").candidates == ["a.yml", "b/1.yaml", "b/2.yaml", "c.yaml"]


def test_lanes_come_by_priority_and_the_plain_folder_between_them(see):
    sight = see("x.yaml", "@p-5/x.yaml", "@p10/s/x.yaml", "@p2/x.yaml", "@p100/x.yaml")
    assert sight.candidates == ["@p100/x.yaml", "@p10/s/x.yaml", "@p2/x.yaml", "x.yaml", "@p-5/x.yaml"]


def test_wide_tasks_come_before_narrow_ones_of_their_priority(see):
    assert see("x.yaml", "@cpus2/x.yaml", "@cpus4/x.yaml").candidates == ["@cpus4/x.yaml", "@cpus2/x.yaml", "x.yaml"]


def test_of_lanes_with_requests_the_heaviest_comes_first_within_its_priority(see):
    weights = {"aaaaaa": 1, "bbbbbb": 3, "cccccc": 2, "dddddd": 9}
    lanes = ["@=aaaaaa", "@=bbbbbb", "@=cccccc", "@p-1,=dddddd"]
    sight = see(
        "x.yaml", *(f"{lane}/x.yaml" for lane in lanes), most=lambda *_: 9, weight=lambda lane: weights[lane.wants]
    )
    assert [path.partition("/")[0] for path in sight.candidates] == [
        *(lanes[at] for at in (1, 2, 0)),
        "x.yaml",
        lanes[3],
    ]


def test_lanes_that_cannot_be_served_are_not_even_listed(see, world):
    world.spool.fs = FlakyFs(world.clock, {"scan": errno.EIO, "walk": errno.EIO}, path="todo/@")
    assert see("@gpu/a.yaml", "@cpus8/a.yaml", "@format2/a.yaml", "x.yaml", slots=4).candidates == ["x.yaml"]


def test_a_name_with_a_claim_is_never_a_candidate(see):
    sight = see(f"x{CLAIM}.yaml", f"s/y~1.cccccccc-1{CLAIM}.yaml", f"@p10/z{CLAIM}.yaml", f"s%q{CLAIM}.yaml")
    assert sight.candidates == []
    assert {(path, name.identity) for path, name in sight.held} == {
        (f"x{CLAIM}.yaml", "x"),
        (f"s/y~1.cccccccc-1{CLAIM}.yaml", "y"),
        (f"@p10/z{CLAIM}.yaml", "z"),
        (f"s%q{CLAIM}.yaml", "s/q"),
    }


def test_a_name_that_is_no_claim_but_has_an_at_is_tried_so_that_somebody_is_told(see):
    assert see("a@b.yaml", "a~b.yaml").candidates == ["a@b.yaml", "a~b.yaml"]


def test_what_editors_are_at_is_left_until_they_are_done(see):
    assert see("a.yaml", ".a.yaml.swp", "b.yaml", "b.yaml~", "#b.yaml#", "c.tmp", ".d.yaml").candidates == ["b.yaml"]


def test_a_swap_file_counts_in_its_own_folder_only(see):
    assert see("a.yaml", "s/.a.yaml.swp", "s/a.yaml").candidates == ["a.yaml"]


def test_hidden_folders_are_not_entered(see):
    assert see(".git/x.yaml", "a.yaml").candidates == ["a.yaml"]


def test_a_folder_that_is_called_like_a_task_is_tried_so_that_somebody_is_told(see):
    assert see("x.yaml/", "y.yaml/inside.yaml").candidates == ["x.yaml", "y.yaml"]


def test_no_more_is_kept_than_was_asked_for(see):
    sight = see(*[f"{number:03d}.yaml" for number in range(50)], *[f"s/{n}.yaml" for n in range(9)], limit=20)
    assert sight.candidates == [f"{number:03d}.yaml" for number in range(20)]


def test_with_others_about_a_look_begins_anywhere_and_misses_nothing(see):
    names = [f"{number:03d}.yaml" for number in range(300)]
    looks = [see(*names, alone=False).candidates for _ in range(3)]
    assert all(sorted(look) == names for look in looks)
    assert all(look == names[names.index(look[0]) :] + names[: names.index(look[0])] for look in looks)
    assert len({look[0] for look in looks}) > 1 or see(alone=False).candidates[0] != looks[0][0]


def test_with_others_about_batches_are_begun_anywhere_too(see):
    paths = [f"{letter}/1.yaml" for letter in "abcdefghijklmnop"]
    assert len({see(*paths, alone=False).candidates[0] for _ in range(30)}) > 1


def test_a_todo_that_is_away_is_not_an_empty_one(see, world):
    os.rename(f"{world.root}/todo", f"{world.root}/away")
    with pytest.raises(FileNotFoundError):
        Look(world.spool, 4, alone=True).take()


@pytest.mark.parametrize("folder", ["private", "@p10/private", "@p10"])
def test_somebodys_private_folder_stops_nobody(see, world, folder):
    world.spool.fs = FlakyFs(world.clock, {"scan": 13}, path=f"todo/{folder}")
    assert see(f"{folder}/x.yaml", "y.yaml").candidates == ["y.yaml"]


def test_a_todo_that_may_not_be_read_is_an_outage(see, world):
    world.spool.fs = FlakyFs(world.clock, {"scan": 13})
    with pytest.raises(PermissionError):
        see("y.yaml")


def test_folders_deeper_than_any_task_are_not_entered(see):
    assert see(f"{'d/' * 300}x.yaml", f"{'e/' * 70}x.yaml").candidates == [f"{'e/' * 70}x.yaml"]


def test_what_could_not_be_taken_is_left_for_a_while(see):
    assert see("s/x.yaml", "y.yaml", refused={"s/x.yaml"}).candidates == ["y.yaml"]


def test_a_worker_that_is_alone_begins_at_the_head_whatever_chance_says(see, monkeypatch):
    monkeypatch.setattr(random, "choice", max)
    assert see("a.yaml", "b.yaml", "c.yaml").candidates == ["a.yaml", "b.yaml", "c.yaml"]
    assert see(alone=False).candidates == ["c.yaml", "a.yaml", "b.yaml"]
