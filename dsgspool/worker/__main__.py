"""The process that the guard starts: `python -m dsgspool.worker --spool DIR --slots N ... --guard-fd F --guard-pid P`."""

from __future__ import annotations

import argparse
import sys

from dsgspool.errors import NodeError, SpoolError, StorageError
from dsgspool.hours import parse_hours
from dsgspool.nodes import KEYS, Idle, Rules
from dsgspool.spool import Spool
from dsgspool.worker.journal import clean
from dsgspool.worker.loop import Worker
from dsgspool.worker.station import Options

NODE_TROUBLE = 8


def main(arguments: list[str]) -> int:
    """Run one worker; errors at the start are one line."""
    parser = argparse.ArgumentParser(prog="dsgspool worker")
    parser.add_argument("--spool", required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--until-empty", action="store_true")
    parser.add_argument("--paused", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--scratch", default="")
    parser.add_argument("--label", action="append", default=[])
    parser.add_argument("--resource", action="append", default=[])
    parser.add_argument("--run-between", type=parse_hours)
    parser.add_argument("--pin", action="store_true", default=None)
    parser.add_argument("--only-when-idle", action="store_const", const=Idle())
    parser.add_argument("--guard-fd", type=int, default=-1)
    parser.add_argument("--guard-pid", type=int, default=0)
    given = vars(parser.parse_args(arguments))
    given["labels"] = dict(word.split("=", 1) for word in given.pop("label"))
    given["rules"] = Rules(**{key: given.pop(key) for key in KEYS})
    given["resources"] = {
        name: int(count) for name, _, count in (word.partition("=") for word in given.pop("resource"))
    }
    try:
        spool = Spool.open(given.pop("spool"))
        return Worker(spool, Options(**given)).run()
    except (SpoolError, OSError) as error:
        text = StorageError.of(error) if isinstance(error, OSError) else error
        sys.stderr.write(f"dsgspool: {clean(str(text))}\n")
        return NODE_TROUBLE if isinstance(error, NodeError | OSError) else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
