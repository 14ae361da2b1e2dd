"""The rig by hand: `python -m tests.nfs.rig COMMAND`.

up [CLIENTS] [--vers 4.2|3] [--options O] [--lease S] [--skew N=SECONDS ...]
exec N -- COMMAND ...         its exit code is the command's; dsgspool is `$PYTHON -m dsgspool` there
kill N, start N               power loss, power on (node 0 is the server; its disk stays)
pause N, resume N             freeze, thaw
cut N [--replies], heal N     partition, of both ways or of what is sent to N
server-restart [--hard]       nfsd, or the whole server
skew N SECONDS                set a clock wrong
disk full|free, export ro|rw
log N, status, mend, down
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.nfs.rig import Rig, Shape, missing


def parser() -> argparse.ArgumentParser:
    """The words that are understood."""
    top = argparse.ArgumentParser(
        prog="python -m tests.nfs.rig", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("--name", default="byhand", help="which rig, when there are several")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    up = verbs.add_parser("up")
    up.add_argument("clients", type=int, nargs="?", default=2)
    up.add_argument("--vers", default="4.2", choices=["4.2", "3"])
    up.add_argument("--options", default="hard")
    up.add_argument("--lease", type=int, default=10)
    up.add_argument("--skew", nargs="*", default=[])
    for verb in ("exec", "kill", "start", "pause", "resume", "cut", "heal", "log", "skew"):
        verbs.add_parser(verb).add_argument("node", type=int)
    verbs.choices["exec"].add_argument("command", nargs=argparse.REMAINDER)
    verbs.choices["cut"].add_argument("--replies", action="store_true")
    verbs.choices["skew"].add_argument("seconds", type=float)
    verbs.add_parser("server-restart").add_argument("--hard", action="store_true")
    verbs.add_parser("disk").add_argument("how", choices=["full", "free"])
    verbs.add_parser("export").add_argument("how", choices=["ro", "rw"])
    for verb in ("status", "mend", "down"):
        verbs.add_parser(verb)
    return top


def boot(given: argparse.Namespace) -> int:
    """`up`"""
    if reason := missing():
        print(f"no rig here: {reason}", file=sys.stderr)
        return 1
    skew = {int(number): float(seconds) for number, _, seconds in (word.partition("=") for word in given.skew)}
    began = time.monotonic()
    rig = Rig.up(given.name, Shape(given.clients, given.vers, given.options, given.lease, skew=skew))
    print(f"{len(rig.nodes)} nodes up after {time.monotonic() - began:.1f} s", file=sys.stderr)
    return 0


def run(rig: Rig, given: argparse.Namespace) -> int:
    """`exec`"""
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    answer = rig.nodes[given.node].run(*command, seconds=3600, check=False)
    sys.stdout.write(answer.out)
    sys.stderr.write(answer.err)
    return answer.code


def show(rig: Rig, given: argparse.Namespace) -> None:
    """`status`, `log`"""
    if given.verb == "log":
        sys.stdout.write(rig.folders.log(given.node).read_text(errors="replace"))
    else:
        print("\n".join(f"{node}  {state}" for node, state in rig.status().items()))


def main(words: list[str]) -> int:
    """Do one thing; the exit code."""
    given = parser().parse_args(words)
    if given.verb == "up":
        return boot(given)
    rig = Rig(given.name)
    match given.verb:
        case "exec":
            return run(rig, given)
        case "log" | "status":
            show(rig, given)
        case "cut":
            rig.cut(given.node, replies_only=given.replies)
        case "skew":
            rig.skew(given.node, given.seconds)
        case "server-restart":
            rig.restart_server(hard=given.hard)
        case "disk":
            (rig.fill_disk if given.how == "full" else rig.empty_disk)()
        case "export":
            rig.export(given.how)
        case "mend" | "down":
            getattr(rig, given.verb)()
        case _:
            getattr(rig, given.verb)(given.node)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
