"""`dsgspool doctor`: is this mount, this machine and this spool as the promises need it, and how is it mended.

The rule: looking changes nothing that is anybody's; every finding says what was found and what to do, as a command that
works when it is copied into a shell.  Whatever may hang runs in a child process (`child`), because a file server that
does not answer must be named and not waited for.
"""
