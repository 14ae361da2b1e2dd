"""Grounds: the file systems that the same tests run on.  A ground is one shared folder and the nodes that have it.

| ground | nodes | the share |
|---|---|---|
| `local` | plain processes of this host, no root needed: one machine to dsgspool | a folder on a local disk |
| `stale` | Linux namespaces of this host, each a machine of its own to dsgspool | a FUSE mount a node, with caches of 5 s |
| `v4.2`, `v3` | Linux kernels of their own (tests/nfs/rig) | real NFS |

What a test may rely on, whatever the ground (`ground.Ground`):

    ground.kind                      local, stale, v4.2 or v3
    ground.nodes[0]                  sees what really lies there, past every cache; runs no worker
    ground.nodes[1], [2], [3]        where workers and people are
    ground.share, ground.truth       the shared folder, as nodes 1 to 3 see it and as node 0 sees it
    ground.stories, .stories_there   a folder beside the share, for this process and for a node
    ground.scratch, .python, .fast   a node's folder for logs; its interpreter; settings with short times
    ground.can                       which of these faults it has:
        "power"    kill(n), start(n)       a node loses its power; boots again with another boot id
        "freeze"   pause(n), resume(n)     all of a node stands still
        "cut"      cut(n), heal(n)         the share hangs for a node
    ground.mend()                    takes every fault back

    node.run(*argv or "shell line", seconds=, check=, env=) -> Answer(code, out, err)
    node.python(source, seconds=, **values)    evaluate in the node; statements leave their result in `answer`
    node.spawn(argv, log, env=) -> pid         in a session of its own
    node.boot_id(), node.host, str(node)       str(node) is n1; on `local` all nodes have one host name
    Real NFS has more faults: `ground.rig`, see tests/nfs/rig.

`lab.Lab(ground, name, settings)` is one spool with workers and people on it, `story.Story` what its tasks really did.
`fixtures` makes grounds for tests: who asks for `ground`, `lab` or `figure` runs on all of them, by parameter; the marker
`nfs` on a test means real NFS only, `grounds("stale", "v3")` these only.
"""

from tests.grounds.ground import Ground
from tests.grounds.lab import Lab, LabWorker
from tests.grounds.node import Answer, Node, NodeError
from tests.grounds.story import Life, Story

__all__ = ["Answer", "Ground", "Lab", "LabWorker", "Life", "Node", "NodeError", "Story"]
