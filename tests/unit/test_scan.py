"""The rule: a look gives candidates in order of priority, and never a name that somebody still holds."""

import errno
import itertools
import os
import random

import pytest

from dsgspool.spool import scan
from dsgspool.spool.scan import Look, Part
from tests.support.actors import World
from tests.support.doors import FlakyFs

CLAIM = "@n1-aaaaaaaa.1"
first = Part.first


@pytest.fixture
def see(world: World):
    """What a look at these files sees."""

    def look(*paths, slots=4, **options):
        for path in paths:
            target = f"{world.root}/todo/{path}"
            os.makedirs(target if path.endswith("/") else os.path.dirname(target), exist_ok=True)
            if not path.endswith("/"):
                with open(target, "w"):
                    pass
        return Look(world.spool, slots, **options).take()

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


@pytest.mark.parametrize("made", ["{}.yaml", "{}/1.yaml"], ids=["files", "batches"])
def test_with_others_about_each_begins_where_no_other_one_does_and_misses_nothing(see, made):
    paths = [made.format(f"{number:03d}") for number in range(300)]
    see(*paths)
    looks = [see(part=Part(number, 3)).candidates for number in range(3)]
    assert [paths.index(look[0]) for look in looks] == [0, 100, 200]
    assert all(look == paths[paths.index(look[0]) :] + paths[: paths.index(look[0])] for look in looks)


def test_of_more_names_than_can_be_kept_each_keeps_others(see):
    """In the order of names, and nearly none that another one keeps too, however a file system lists them."""
    names = [f"{number:03d}.yaml" for number in range(1000)]
    see(*names)
    looks = [see(part=Part(number, 3), limit=100).candidates for number in range(3)]
    assert all(len(look) == 100 for look in looks)
    assert len({name for look in looks for name in look}) == 300
    assert all(sum(later < sooner for sooner, later in itertools.pairwise(look)) <= 1 for look in looks)


def test_of_very_many_names_only_the_first_are_kept_whatever_order_they_come_in(see, world, monkeypatch):
    """At most twice what is asked for, and a block, is in memory; a heart may beat after each block."""
    names, breaths, most = [f"{number:05d}.yaml" for number in range(5000)], [], []
    monkeypatch.setattr(scan, "BLOCK", 100)
    monkeypatch.setattr(Part, "first", lambda part, kept, limit: most.append(len(kept)) or first(part, kept, limit))
    for order in (names, names[::-1], random.Random(1).sample(names, len(names))):
        monkeypatch.setattr(world.spool.fs, "scan", lambda *_, order=order, **__: iter((name, False) for name in order))
        assert see(limit=200, breathe=lambda: breaths.append(1)).candidates == names[:200]
        assert set(see(limit=200, part=Part(1, 8)).candidates) == set(sorted(names, key=Part(1, 8).key)[:200])
    assert max(most) < 2 * 200 + 100
    assert len(breaths) == 3 * 50


def test_names_that_are_no_utf_8_have_a_part_too(see, world):
    with open(os.fsencode(f"{world.root}/todo/") + b"\xff.yaml", "w"):
        pass
    assert see(part=Part(1, 2)).candidates == [os.fsdecode(b"\xff.yaml")]


def test_a_todo_that_is_away_is_not_an_empty_one(see, world):
    os.rename(f"{world.root}/todo", f"{world.root}/away")
    with pytest.raises(FileNotFoundError):
        Look(world.spool, 4).take()


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


def test_a_worker_that_is_alone_goes_by_the_names_only(see):
    names = [f"{number:03d}.yaml" for number in range(100)]
    assert see(*names).candidates == see(part=Part(0, 1)).candidates == names
