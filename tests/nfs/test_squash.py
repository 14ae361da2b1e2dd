"""An export with root_squash, the default of NFS servers: the server takes root of a client for nobody.

The rule: a user's worker works there as anywhere, and root hears in a line why it does not; nothing half is left.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
import yaml

from tests.grounds.lab import Lab
from tests.grounds.node import Answer, Node
from tests.nfs.rig.places import EXPORT, MOUNT, PYTHON

pytestmark = pytest.mark.nfs

USER, NOBODY = 31337, 65534
#: Python and the code under test may lie below root's home.
AS_USER = (
    "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
)  # fmt: skip
DSGSPOOL = (PYTHON, "-m", "dsgspool")


@pytest.fixture
def squashed(lab: Lab) -> Iterator[Lab]:
    """The export of a lab's ground, turned; the lab's spool is root's from before."""
    lab.ground.rig.export(squash=True)
    yield lab
    lab.ground.rig.export()


@pytest.fixture
def theirs(squashed: Lab) -> str:
    """A user's spool on it."""
    spool = f"{MOUNT}/{squashed.name}-user"
    node = squashed.ground.nodes[1]
    node.run(*AS_USER, *DSGSPOOL, "init", spool)
    configure(node, spool, *AS_USER)
    return spool


def configure(node: Node, spool: str, *who: str, **settings: object) -> None:
    """A new spool.yaml, written by that user."""
    text = yaml.safe_dump({"format": 1, "default_cwd": "/", **settings})
    source = "import os, sys; open(sys.argv[1] + '.new', 'w').write(sys.argv[2]); os.rename(sys.argv[1] + '.new', sys.argv[1])"
    node.run(*who, PYTHON, "-c", source, f"{spool}/spool.yaml", text)


def work(node: Node, spool: str, *who: str) -> Answer:
    """A worker until nothing is left."""
    return node.run(*who, *DSGSPOOL, "--spool", spool, "worker", "--until-empty", check=False)


def on_server(lab: Lab, spool: str, folder: str) -> list[tuple[str, int]]:
    """(path, owner) of all below a folder, as they lie on the server's disk."""
    source = "[(str(p.relative_to(root)), p.stat().st_uid) for p in sorted(Path(root).rglob('*'))]"
    found = lab.ground.nodes[0].python(source, root=f"{EXPORT}{spool.removeprefix(MOUNT)}/{folder}")
    assert isinstance(found, list)
    return [(path, uid) for path, uid in found]


def test_the_server_takes_root_for_nobody(squashed: Lab) -> None:
    """The proof that the other tests are of what they say."""
    squashed.ground.nodes[2].run(f"echo > {MOUNT}/{squashed.name}-mark")
    assert (f"{squashed.name}-mark", NOBODY) in on_server(squashed, "", "")


def test_a_users_worker_works_there(squashed: Lab, theirs: str) -> None:
    one, two = squashed.ground.nodes[1:3]
    submit = (*AS_USER, *DSGSPOOL, "--spool", theirs, "submit", "--batch", "b", "--name")
    for name in ("x", "y"):
        two.run(*submit, name, "--", "sh", "-c", "id -u")
    answer = work(one, theirs, *AS_USER)
    assert answer.code == 0, answer
    assert on_server(squashed, theirs, "done") == [("b", USER), ("b/x.yaml", USER), ("b/y.yaml", USER)]
    read = functools.partial(two.run, *AS_USER, *DSGSPOOL, "--spool", theirs)
    assert read("logs", "b/x").out.strip() == f"{USER}"
    assert read("doctor", check=False).code == 0


def test_roots_worker_on_a_users_spool_is_refused_with_the_reason(squashed: Lab, theirs: str) -> None:
    node = squashed.ground.nodes[2]
    answer = work(node, theirs)
    assert (answer.code, f"root does not work the spool of uid {USER}" in answer.err) == (8, True), answer
    configure(squashed.ground.nodes[1], theirs, *AS_USER, run_as="owner")
    answer = work(node, theirs)
    assert answer.code != 0 and "root_squash" in answer.err, answer
    assert "Traceback" not in answer.err
    assert on_server(squashed, theirs, "running") == on_server(squashed, theirs, "workers") == []


def test_roots_worker_on_roots_own_spool_is_refused_with_the_reason(squashed: Lab) -> None:
    """One that root laid down on the server, or before root was squashed."""
    answer = work(squashed.ground.nodes[2], squashed.spool)
    assert answer.code != 0 and "root_squash" in answer.err, answer
    assert "Traceback" not in answer.err
    told = squashed.dsgspool(2, "doctor", check=False)
    assert told.code == 9 and "you may not write into" in told.out and "give it to a user, on the server" in told.out, (
        told
    )
    assert on_server(squashed, squashed.spool, "running") == on_server(squashed, squashed.spool, "workers") == []


def test_a_spool_that_root_lays_down_is_nobodys_and_root_hears_it(squashed: Lab) -> None:
    node, spool = squashed.ground.nodes[2], f"{MOUNT}/{squashed.name}-nobody"
    node.run(*DSGSPOOL, "init", spool)
    assert ("todo", NOBODY) in on_server(squashed, spool, "")
    answer = work(node, spool)
    assert answer.code == 8 and f"uid {NOBODY}" in answer.err and "root_squash" in answer.err, answer
