"""How many tasks are in which state, as a person would count them: `ls` and nothing else.

The rule: ten lines that know only the folders; nothing of dsgspool is imported.
By hand: `python tests/browser/count.py SPOOL`.
"""

import collections
import os
import sys


def count(spool):
    """{state: {batch: number of task files}}; '' = outside of a batch."""
    found = {state: collections.Counter() for state in ("todo", "waiting", "hold", "running", "done", "failed")}
    for state, batches in found.items():
        for folder, _, files in os.walk(f"{spool}/{state}"):
            parts = [] if (below := os.path.relpath(folder, f"{spool}/{state}")) == "." else below.split("/")
            for file in (file for file in files if file.endswith((".yaml", ".yml")) and not file.startswith(".")):
                name = [*parts, *file.split("%")][1 if state in ("waiting", "running") else 0 :]
                name = name[1:] if name[0].startswith("@") else name
                batches[name[0] if len(name) > 1 else ""] += 1
    return found


if __name__ == "__main__":
    for state, batches in count(sys.argv[1]).items():
        print(f"{state:8} {sum(batches.values()):7}  {dict(sorted(batches.items()))}")
