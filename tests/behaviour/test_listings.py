"""Listings that lag: a node that has listed a folder in the middle of somebody's changes finds the rest all the same.

On NFS v3 a client that listed a folder between two changes of one clock tick would never see the second one, until the
folder changes again; nor would the worker on that client.  So somebody touches the folders now and then.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from dsgspool.worker.loop import BUMP_INTERVAL
from tests.grounds import Lab
from tests.grounds.fixtures import Figure

ROUNDS = 8

#: Lists as fast as it can, and so keeps the client's idea of the folder as old as it may be.
KEEP_LISTING = """
end = time.monotonic() + 0.2
while time.monotonic() < end:
    os.listdir(folder)
answer = 0
"""
#: Two changes of a folder at once: one that nobody looks at, and a task that arrives.
ARRIVE = """
Path(folder, ".draft").write_text(text)
Path(folder, ".other").touch()
time.sleep(0.1)
os.rename(f"{folder}/.other", f"{folder}/.another")
os.rename(f"{folder}/.draft", f"{folder}/x.yaml")
answer = 0
"""


def test_a_task_that_arrives_while_its_folder_is_listed_is_found(lab: Lab, figure: Figure) -> None:
    lab.ready(1, slots=4)
    names = [f"batch{n}" for n in range(ROUNDS)]
    lab.person(3, f"cd todo && mkdir {' '.join(names)}")
    lab.live_on()
    text = f"command: {lab.story.command()}\n...\n"
    with ThreadPoolExecutor(2) as pool:
        for name in names:
            folder = f"{lab.spool}/todo/{name}"
            both = [
                pool.submit(lab.ground.nodes[1].python, KEEP_LISTING, folder=folder),
                pool.submit(lab.ground.nodes[3].python, ARRIVE, folder=folder, text=text),
            ]
            for each in both:
                each.result()
    tasks = {f"{name}/x" for name in names}
    seconds = lab.wait_for_done(tasks, BUMP_INTERVAL + 10)
    figure(f"tasks that arrived while their folders were listed: all done {seconds:.1f} s after the last")
    lab.story.assert_each_once(tasks)
