"""`dsgspool` and `python -m dsgspool`.

The rule: nothing here but the way in; `cli.quick` and `cli.app` know the commands.  Nothing is imported that Python does not have
at its start: until `main` runs, Ctrl-C prints a traceback.
"""

import _signal  # type: ignore[import-not-found]  # what `signal` wraps, after importing 2 ms of others

INTERRUPTED = 130  #: as in cli.exits, which may not be there yet


def main() -> None:
    """Run the command line and exit with its code."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:  # a shell's `&` may have it ignored
        _signal.signal(_signal.SIGINT, interrupt)
    try:
        from dsgspool.cli.quick import main as run

        run()
    except KeyboardInterrupt:  # while modules are imported
        raise SystemExit(INTERRUPTED) from None


def interrupt(number: int, frame: object) -> None:
    """Ctrl-C.

    RACE: what is raised while a module is imported may be lost in a callback of the import, which tells it and goes on, or
    come out as a RuntimeError of a class that was being made.  So Ctrl-C ends the program there and then, as `kill -9` may.
    """
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):  # type: ignore[attr-defined]
            _signal.signal(number, _signal.SIG_DFL)
            _signal.raise_signal(number)
        frame = frame.f_back  # type: ignore[attr-defined]
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
