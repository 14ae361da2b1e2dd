"""Nemesis runs: thousands of tasks under every fault we can make, then a checker that looks for one broken promise.

In the spirit of Jepsen: tasks prove each execution outside of the spool, faults and people follow a seeded schedule, and
a pure function judges the history and what lies in the folders when everything is healed and at rest.

    python -m tests.nemesis --on local|stale|nfs4.2|nfs3 [--minutes M | --tasks N] [--seed S] [--times quick|default]
                            [--json FILE]
    python -m pytest -m nemesis tests/nemesis       short runs, fixed seeds and a fresh one

| module | what it is |
|---|---|
| `act.c` | what the tasks run: 1 ms, one O_APPEND write for each sign of life |
| `proof` | those lines, of all nodes, on one clock |
| `history` | the values that the checker judges: what was accepted, executions, what lies there at the end |
| `checker` | history -> violations; pure |
| `schedule` | seed -> what happens when; pure |
| `faults` | one method for each fault, with its end |
| `crew` | the workers of all nodes: started again when they die |
| `kinds` | tasks of all kinds: batches with policies, requests, what waits for others, a schedule; pure |
| `feeder` | bulk submissions and single drops while all this goes on |
| `people` | random persons with mv, cp, rm, an editor and the commands |
| `clocks` | what makes one clock of all nodes' clocks |
| `field` | the grounds (tests/grounds) with a disk that may be filled up, and the plan for each |
| `round` | one spool from its making to the verdict |
| `verdict` | what lies there at the end, read for the checker |
| `figures` | how long it took until work went on; pure |
| `table` | figures, for people and as JSON |
"""
