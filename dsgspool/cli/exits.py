"""Which error ends the program with which exit code.

The rule: one table.  An error is one line `dsgspool: fact, path, remedy` on stderr and never a traceback, unless
DSGSPOOL_DEBUG is set; a reader that closed the pipe early is no error at all.

    0  done as asked                     5  no such task
    1  a task failed (wait), or other    6  the task is in a state that the verb does not apply to
    2  wrong usage of the command line   7  storage: disk, quota, permission, share
    3  not a spool, or its settings      8  this machine or a worker cannot do it
    4  invalid task or name              9  doctor found a failure
                                       130  interrupted with Ctrl-C
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from dsgspool import errors

OK, FAILED, USAGE, SPOOL, INVALID, NOT_FOUND, STATE, STORAGE, NODE, UNHEALTHY, INTERRUPTED = (*range(10), 130)


class UsageError(Exception):
    """Options and arguments that do not go together."""


class ReaderGoneError(Exception):
    """The reader of stdout closed the pipe (not an OSError: typer would turn that into exit 1)."""


#: The most special class of an error decides.
CODES: dict[type[BaseException], int] = {
    errors.NotASpool: SPOOL,
    errors.SettingsError: SPOOL,
    errors.InvalidTask: INVALID,
    errors.InvalidName: INVALID,
    errors.TaskNotFound: NOT_FOUND,
    errors.WrongState: STATE,
    errors.StorageError: STORAGE,
    errors.NodeError: NODE,
    errors.SpoolError: FAILED,
    UsageError: USAGE,
    KeyboardInterrupt: INTERRUPTED,
}


def code_of(error: BaseException) -> int:
    """Exit code for an error."""
    return next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), FAILED)


def guarded(run: Callable[[], object]) -> int:
    """Run a command and answer with its exit code; what it raises is told in one line."""
    try:
        result = run()
        _flush()
    except (BrokenPipeError, ReaderGoneError):
        _forget_stdout()
        return OK
    except BaseException as error:  # noqa: BLE001 - the last line of defence: every error becomes a line and a code
        is_written = _is_written()
        return _told(error if is_written and not _is_printing(error) else _of_stdout(error))
    return result if isinstance(result, int) else OK


def _told(error: BaseException) -> int:
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else FAILED
    if os.environ.get("DSGSPOOL_DEBUG"):
        import traceback

        traceback.print_exception(error)
    return _usage(error) if hasattr(error, "format_message") else _failed(error)


def _usage(error: BaseException) -> int:
    """An error of typer's parser (its classes are private): it knows its message and its code."""
    from dsgspool.cli import output

    text = str(error.format_message())  # type: ignore[attr-defined]
    if type(error).__name__ == "NoArgsIsHelpError":
        output.note(text)
        return USAGE
    where = getattr(getattr(error, "ctx", None), "command_path", "dsgspool")
    output.error(f"{text.rstrip('.')} (see: {where} --help)")
    return USAGE


def _failed(error: BaseException) -> int:
    from dsgspool.cli import output
    from dsgspool.cli.pasting import pasted

    if isinstance(error, OSError) and not isinstance(error, errors.StorageError):
        error = errors.StorageError.of(error)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    known = isinstance(error, errors.SpoolError | UsageError)
    text = str(error) if known else f"{type(error).__name__}: {error} (a bug; DSGSPOOL_DEBUG=1 shows where)"
    output.error(pasted(text))
    return code_of(error)


def _flush() -> None:
    sys.stdout.flush()


def _is_written() -> bool:
    """False when what was printed cannot go where it shall; the interpreter would try once more, and end with 120."""
    try:
        _flush()
    except OSError:
        _forget_stdout()
        return False
    return True


def _is_printing(error: BaseException) -> bool:
    """True for what was raised while something was printed: then the stream has dropped it, and seems to be written."""
    step = error.__traceback__
    while step and step.tb_next:
        step = step.tb_next
    return step is not None and step.tb_frame.f_globals.get("__name__") == "dsgspool.cli.output"


def _of_stdout(error: BaseException) -> BaseException:
    """An error that names no file is that of standard output, when that is broken, and not the spool's."""
    if isinstance(error, OSError) and error.filename is None and not isinstance(error, errors.StorageError):
        return errors.StorageError("write", "standard output", error.errno or 0)
    return error


def open_what_is_closed() -> None:
    """A closed stdin, stdout or stderr goes nowhere: else the first file that is opened would get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - open until the end


def _forget_stdout() -> None:
    """Let the interpreter's own flush at exit go nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
