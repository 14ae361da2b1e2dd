"""Files that another node is still writing when a worker first sees them: no half of one ever runs."""

from __future__ import annotations

from tests.grounds import Lab

LINES = 20
PAUSE = 0.1  #: seconds between two lines of a slow writer
SETTLE = "1500ms"
STALL = 4.0  #: seconds
WHOLE = "".join(f"{n}\n" for n in range(LINES))

#: Each line goes to the server before the next is written: the hardest kind of `cat >`, any part of it is valid YAML.
SLOW = """
with open(path, "xb", buffering=0) as file:
    file.write(b"command: |\\n")
    for line in range(lines):
        file.write(b"  echo %d\\n" % line)
        os.fsync(file.fileno())
        time.sleep(pause)
answer = 0
"""
#: As a client writes back a copy while the server has much else to do: whole pages, each part of them valid YAML.
STALLING = """
lines = ["script: |", "  #!/bin/sh", *(f"  : {'x' * 90} {n}" for n in range(200)), "  echo whole", ""]
data = "\\n".join(lines).encode()
with open(path, "xb", buffering=0) as file:
    for start in range(0, len(data), 8192):
        file.write(data[start : start + 8192])
        os.fsync(file.fileno())
        time.sleep(pause)
answer = 0
"""
#: Nearly as big as a task file may be.
BIG = """
lines = ["script: |", "  #!/bin/sh", *(f"  : {'x' * 90} {n}" for n in range(2400)), "  echo whole", ""]
Path(path).write_text("\\n".join(lines))
answer = 0
"""


def out(lab: Lab, name: str) -> str:
    """What the first attempt of a task wrote, once it is done."""
    lab.settles(name, rf"done/{name}\.yaml", 30)
    return lab.read(f"logs/{name}.1.out")


def test_files_that_another_node_writes_slowly_run_when_they_are_whole(lab: Lab) -> None:
    lab.change(settle=SETTLE)
    lab.ready(1, 2)
    lines = f"echo 'command: |'; for n in $(seq 0 {LINES - 1}); do echo \"  echo $n\"; sleep {PAUSE}; done"
    cat = f"( {lines} ) | cat > {lab.spool}/todo/cat.yaml"  # here the file grows when the writer's kernel likes it
    lab.ground.nodes[3].spawn(["sh", "-c", cat], f"{lab.ground.scratch}/{lab.name}-cat.log")
    path = f"{lab.spool}/todo/slow.yaml"
    lab.ground.nodes[3].python(SLOW, path=path, lines=LINES, pause=PAUSE)
    assert [out(lab, name) for name in ("slow", "cat")] == [WHOLE] * 2


def test_big_files_that_another_node_copies_run_when_they_are_whole(lab: Lab) -> None:
    lab.ready(1, 2)
    draft = f"{lab.ground.scratch}/{lab.name}.yaml"
    lab.ground.nodes[3].python(BIG, path=draft)
    names = [f"big{n}" for n in range(6)]
    for name in names:
        lab.person(3, f"cp {draft} todo/{name}.yaml")
    assert [out(lab, name) for name in names] == ["whole\n"] * 6


def test_a_copy_that_stands_still_for_longer_than_settle_runs_when_it_is_whole(lab: Lab) -> None:
    lab.change(settle=SETTLE)
    lab.ready(1, 2)
    lab.ground.nodes[3].python(STALLING, path=f"{lab.spool}/todo/stalling.yaml", pause=STALL)
    assert out(lab, "stalling") == "whole\n"


def test_a_copy_whose_worker_is_killed_in_the_middle_of_it_runs_when_it_is_whole(lab: Lab) -> None:
    lab.change(settle=SETTLE)
    (victim,) = lab.ready(1)
    path = f"{lab.spool}/todo/orphan.yaml"
    lines = f"echo 'command: |'; for n in $(seq 0 {LINES - 1}); do sleep {4 * PAUSE}; echo \"  echo $n\"; done"
    lab.ground.nodes[3].spawn(["sh", "-c", f"( {lines} ) > {path}"], f"{lab.ground.scratch}/{lab.name}-orphan.log")
    lab.wait_until(lambda: lab.running("orphan"), 20)
    victim.kill_worker()
    lab.ready(2)
    assert out(lab, "orphan") == WHOLE
    assert str(lab.record("orphan")["file"]).startswith("orphan~settling.")


def test_a_file_open_in_vi_is_left_alone_until_the_swap_file_is_gone(lab: Lab) -> None:
    lab.ready(1, 2)
    half, whole = "command: |\\n  echo half\\n", f"command: |\\n  {lab.story.command()}\\n  echo whole\\n"
    lab.person(3, f"touch todo/.vi.yaml.swp; printf '{half}' > todo/vi.yaml")
    lab.drop(3, "marker", command="true")
    lab.settles("marker", r"done/marker\.yaml")
    lab.live_on()
    assert lab.where("vi") == ["todo/vi.yaml"]
    # The second :w, as vi does it: the old one aside, a new one in its place; and :q.
    lab.person(3, f"cd todo; mv vi.yaml vi.yaml~; printf '{whole}' > vi.yaml; rm vi.yaml~; rm .vi.yaml.swp")
    assert out(lab, "vi") == "whole\n"
    lab.story.assert_each_once({"vi"})


def test_a_file_that_is_renamed_over_another_of_its_name_is_the_one_that_runs(busy_lab: Lab) -> None:
    lab = busy_lab
    lab.person(3, "touch PAUSE")
    lab.live_on()
    lab.drop(1, "over", command="exit 1")
    lab.person(2, "cat todo/over.yaml")
    lab.drop(3, "over", command=lab.story.command())
    lab.person(3, "rm PAUSE")
    lab.settles("over", r"done/over\.yaml")
    lab.story.assert_each_once({"over"})
