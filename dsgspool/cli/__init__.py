"""The command line.

The rule: a command is about fifteen lines: parse, one call of the core, one print.  `app` holds the table of commands
and imports only the one that was asked for, `exits` the table error -> exit code, `output` everything that is printed.
"""
