"""Sweeps on nodes whose clients believe old listings: every item runs once, whoever divides and whoever is killed."""

from __future__ import annotations

from collections import Counter

from tests.grounds import Ground, Lab
from tests.grounds.fixtures import Figure, MakeLab

ITEMS = 300
NODES = (1, 2, 3)
#: Item -> how often an index on the server's disk says that it is done.
DONE = """
answer = {}
for path in Path(root, 'logs/s').glob('*.items'):
    for line in path.read_text().splitlines():
        if not line.startswith('#') and line.split()[1:2] == ['done']:
            answer[line.split()[0]] = answer.get(line.split()[0], 0) + 1
"""


def done(lab: Lab) -> dict[str, int]:
    found = lab.ground.nodes[0].python(DONE, root=lab.truth)
    assert isinstance(found, dict)
    return found


def ran(lab: Lab) -> Counter[str]:
    """Item -> how often it was begun, by what items themselves leave on the host."""
    return Counter(path.name.split(".")[1] for path in lab.story.folder.glob("item.*"))


def drop(lab: Lab, node: int, seconds: float) -> None:
    command = f": > {lab.story._act.rpartition('/')[0]}/item.$DSGSPOOL_ITEM.$$; sleep {seconds} # {{n}}"
    lab.drop(node, "s", command=command, sweep={"product": {"n": f"1..{ITEMS}"}})


def is_over(lab: Lab) -> bool:
    return len(done(lab)) == ITEMS and not lab.files("todo", "running", "waiting")


def assert_covered_once(lab: Lab) -> None:
    parts = [path.rpartition("/")[2].removesuffix(".yaml").split("-") for path in lab.files("done")]
    assert sorted(item for first, last in parts for item in range(int(first), int(last) + 1)) == list(range(ITEMS))
    assert lab.violations() == ""


def test_three_nodes_divide_a_sweep_and_run_every_item_once(lab: Lab, figure: Figure) -> None:
    lab.ready(*NODES)
    drop(lab, 1, 0.05)
    lab.wait_until(lambda: is_over(lab), 120)
    assert set(ran(lab).values()) == {1} and set(done(lab).values()) == {1}
    assert_covered_once(lab)
    figure(f"{ITEMS} items of 50 ms on three nodes with two slots each: {len(lab.files('done'))} chunks")


def test_a_node_that_is_killed_in_the_middle_costs_what_it_was_at_and_no_more(
    make_lab: MakeLab, ground: Ground
) -> None:
    lab = make_lab(ground.fast)
    first, *_ = lab.ready(*NODES)
    drop(lab, 2, 0.1)
    lab.wait_until(lambda: len(done(lab)) > ITEMS // 4, 60)
    first.kill_both()
    lab.wait_until(lambda: is_over(lab), 180)
    again = {item: times for item, times in ran(lab).items() if times > 1}
    assert set(done(lab).values()) == {1} and len(ran(lab)) == ITEMS
    assert len(again) <= 2 and set(again.values()) <= {2}
    assert_covered_once(lab)


#: Puts a file of values beside the spool; the second time with others.
LINES = """
Path(path).write_text(''.join(f'{kind}{number}\\n' for number in range(count)))
Path(path).chmod(0o644)
answer = 0
"""


def test_lines_of_a_file_are_the_same_for_all_nodes_though_it_changes(lab: Lab) -> None:
    """Two nodes meet the sweep at the same moment, and the file is another one for who comes later."""
    path = f"{lab.spool}.lines"
    lab.ground.nodes[1].python(LINES, path=path, kind="old", count=ITEMS)
    command = f": > {lab.story._act.rpartition('/')[0]}/item.$DSGSPOOL_ITEM.{{n}}; sleep 0.05"
    lab.ready(*NODES)
    lab.drop(1, "s", command=command, sweep={"lines": {"n": path}})
    lab.wait_until(lambda: len(done(lab)) > 5, 60)
    lab.ground.nodes[2].python(LINES, path=path, kind="new", count=ITEMS + 50)
    lab.wait_until(lambda: is_over(lab), 120)
    values = {path.name.split(".")[2] for path in lab.story.folder.glob("item.*")}
    assert values == {f"old{number}" for number in range(ITEMS)}
    assert set(ran(lab).values()) == {1} and set(done(lab).values()) == {1}
    assert_covered_once(lab)
