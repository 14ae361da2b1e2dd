"""The worker: the guard and the loop, and what the loop does at each turn."""
