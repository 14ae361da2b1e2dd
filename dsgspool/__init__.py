"""dsgspool: the queue you can `ls`.

A shared folder is the queue.  The folder that a task file is in is its state; one rename changes it; workers on any
node claim, run and publish.  No server, no database, no root.  `docs/spool-format.md` says every rule.
"""

__version__ = "0.1.0"
