"""`dsgspool` and `python -m dsgspool`.

The rule: nothing here but the way in; `cli.app` knows the commands.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line and exit with its code."""
    from dsgspool.cli.app import program

    program()


if __name__ == "__main__":
    main()
