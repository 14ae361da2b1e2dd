"""Real NFS on one machine: a server and its clients, each with a Linux kernel of its own.

User-Mode Linux is a whole kernel that runs as a process, with the NFS client and server of Linux.  So a node is a
process here: killing it is a power loss, SIGSTOP is a freeze, taking its network interface off the bridge is a
partition.  Nothing is installed, no module is loaded and nothing is rebooted; it needs root and network namespaces.

    python -m tests.nfs.rig up 2 --vers 4.2        server n0 and clients n1, n2, with the export on /mnt/spool
    python -m tests.nfs.rig exec 1 -- ls /mnt/spool
    python -m tests.nfs.rig cut 1                  and kill, start, pause, resume, heal, server-restart, skew, disk, export
    python -m tests.nfs.rig down

| module | what it is |
|---|---|
| `places` | where everything lies, on this machine and in a node |
| `need` | which capability this machine lacks, in words |
| `fetch` | kernel and NFS tools: downloaded with apt on first use, unpacked, not installed |
| `stage` | dsgspool, what it imports, and the node's scripts, copied to where nodes see them |
| `network` | one namespace with two bridges: data (can be cut) and control (never) |
| `machine` | one kernel: boot, kill, pause, resume |
| `tests.grounds.node` | what a test asks of a node: run, spawn, evaluate; agent.py beside it answers there |
| `cluster` | `Rig`: all of them, and every fault |
| node/ | what runs inside: init.sh (process 1), xstate.c (mends the kernel on CPUs with AMX) |
"""

from tests.grounds.node import Answer, Node, NodeError
from tests.nfs.rig.cluster import Rig, Shape
from tests.nfs.rig.need import missing

__all__ = ["Answer", "Node", "NodeError", "Rig", "Shape", "missing"]
