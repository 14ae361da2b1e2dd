"""`dsgspool` and `python -m dsgspool`.

The rule: nothing here but the way in; `cli.quick` and `cli.app` know the commands.
"""

from __future__ import annotations

INTERRUPTED = 130  #: as in cli.exits, which may not be there yet


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from dsgspool.cli.quick import main as run

        run()
    except KeyboardInterrupt:  # while modules are imported
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
