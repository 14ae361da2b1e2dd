"""The study that `dsgspool demo` queues: real data (data/), an ordinary script (analyse.py), its tasks (study.py).

The rule: nothing here knows the spool.  `study.files()` are copied into a folder as they are and `study.tasks()` run
there; analyse.py is never imported, needs the standard library alone, and fails and recovers for reasons of its own.
"""
