"""`dsgspool` and `python -m dsgspool`.

The rule: nothing here but the way in; `cli.quick` and `cli.app` know the commands.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line and exit with its code."""
    from dsgspool.cli.quick import main as run

    run()


if __name__ == "__main__":
    main()
