"""Listings that lag: a node that has listed a folder in the middle of somebody's changes finds the rest all the same.

On NFS v3 a client that listed a folder between two changes of one clock tick would never see the second one, until the
folder changes again; nor would the worker on that client.  So somebody touches the folders now and then.
"""

from __future__ import annotations

from dsgspool.worker.loop import BUMP_INTERVAL
from tests.grounds import Lab
from tests.grounds.fixtures import Figure

ROUNDS = 40
PREPARE = """
for folder in folders:
    os.mkdir(folder)
    Path(folder, ".draft").write_text(text)
    Path(folder, ".other").touch()
time.sleep(0.1)
answer = 0
"""
RENAME = "os.rename(f'{folder}/{old}', f'{folder}/{new}')"


def arrive_between(lab: Lab, folder: str) -> bool:
    """A task arrives in a folder right after another change and a listing by n1; False when n1 does not see it."""
    lister, person = lab.ground.nodes[1], lab.ground.nodes[3]
    person.python(RENAME, folder=folder, old=".other", new=".another")
    lister.python("len(os.listdir(folder))", folder=folder)
    person.python(RENAME, folder=folder, old=".draft", new="x.yaml")
    return bool(lister.python("'.draft' not in os.listdir(folder)", folder=folder))


def test_a_task_that_arrives_while_its_folder_is_listed_is_found(lab: Lab, figure: Figure) -> None:
    names = [f"batch{n}" for n in range(ROUNDS)]
    folders = [f"{lab.spool}/todo/{name}" for name in names]
    lab.ground.nodes[3].python(PREPARE, folders=folders, text=f"command: {lab.story.command()}\n...\n")
    lab.ready(1, slots=4)
    seen = [arrive_between(lab, folder) for folder in folders]
    tasks = {f"{name}/x" for name in names}
    seconds = lab.wait_for_done(tasks, BUMP_INTERVAL + 30)
    figure(f"{seen.count(False)} of {ROUNDS} tasks were hidden by an old listing; all done after {seconds:.1f} s")
    lab.story.assert_each_once(tasks)
