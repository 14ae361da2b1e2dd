"""`dsgspool top`: the spool on a live screen, with keys that act on it.

The rule: each part does one thing.  `look` reads the spool, `values` is what it found, `model` is what the screen shows
and what keys do to it, `draw` paints, `terminal` has the door to the terminal, `acts` moves tasks, `command` ties them.
"""
