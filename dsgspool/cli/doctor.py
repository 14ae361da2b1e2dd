"""`dsgspool doctor`.

The rule: this process touches no file of the spool, so a file server that does not answer cannot hang it; and what it
prints as a command can be copied into a shell.
"""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from dsgspool.cli import exits, output
from dsgspool.cli.arguments import Json
from dsgspool.cli.pasting import pasted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dsgspool.doctor.child import Message
    from dsgspool.doctor.examine import Options
    from dsgspool.doctor.values import Finding

PATIENCE = 10.0  #: seconds that a call may take before its server counts as not answering
SHOWN = 5  #: findings of one kind that are printed; --json has all
TITLES = {
    "mount": "Mount", "semantics": "What the file system does", "machine": "This machine", "spool": "The spool",
    "peers": "Between two nodes",
}  # fmt: skip
INDENT = " " * 8


def doctor(
    context: typer.Context,
    peer: Annotated[
        bool, typer.Option("--peer", help="Measure together with a doctor --peer on another node.")
    ] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Carry out the repairs that are safe, and print them.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Do not read records and task files.")] = False,
    wait: Annotated[
        float, typer.Option("--wait", metavar="S", help="With --peer: wait so long for the other.")
    ] = 120.0,
    as_json: Json = False,
) -> None:
    """Examine mount, machine and spool.  Says what is wrong, what it means, and the command that mends it."""
    from dsgspool.doctor.examine import Options, here
    from dsgspool.spool import Spool

    where = context.obj or here()
    options = Options(lambda: Spool.find(context.obj), where, fix, quick, peer, wait)
    findings = []
    screen = Screen(silent=as_json)
    for finding in listen(options):
        findings.append(finding)
        screen.show(finding)
    if as_json:
        from dsgspool.doctor.values import plain

        output.json([plain(finding) for finding in findings])
    else:
        screen.close(findings)
    if any(finding.status == "FAIL" for finding in findings):
        raise typer.Exit(exits.UNHEALTHY)


def listen(options: Options) -> Iterator[Finding]:
    """What the child finds, and that it hangs."""
    from dsgspool.doctor.child import Hung, watched
    from dsgspool.doctor.examine import examination
    from dsgspool.doctor.values import finding_of

    root = options.where
    for message in watched(examination(options), PATIENCE):
        if isinstance(message, Hung):
            yield frozen(root, message.call)
        elif "finding" in message:
            yield finding_of(message["finding"])
        else:
            root = message.get("root", root)
            _aside(message)


def _aside(message: Message) -> None:
    if "say" in message:
        output.note(f"dsgspool: {message['say']}")
    if "absent" in message:
        from dsgspool.errors import NotASpool

        error = NotASpool(message["absent"])
        error.args = (message["text"],)
        raise error
    if "refused" in message:
        from dsgspool.errors import StorageError

        raise StorageError(*message["refused"])


def frozen(root: str, call: str) -> Finding:
    """The finding for a call that does not come back."""
    import os

    from dsgspool.doctor.values import Finding, Status
    from dsgspool.mounts import find_mount, mount_table

    mount = find_mount(os.path.abspath(root), mount_table())
    is_remote = mount.is_remote or mount.kind == "fuse"
    who = f"the file server of {mount.point}" if is_remote else f"the file system on {mount.point}"
    how = "soft mount: calls will fail, and may happen all the same" if mount.is_soft else (
        "hard mount: it will go on when the server is back" if mount.is_nfs else "it may go on later")  # fmt: skip
    path = call.partition(" ")[2] or root
    text = f"{who} does not answer (a call on {path} takes longer than {PATIENCE:g} s; {how})"
    source = mount.source.partition(":")[0]
    remedy = f"is the server up, and the network? ping {source}" if mount.is_nfs else "look at dmesg"
    facts = {"call": call, "point": mount.point, "kind": mount.kind, "source": mount.source}
    return Finding("mount.server", "mount", Status.FAIL, text, remedy, facts)


class Screen:
    """The list as people read it: one line a check, in groups, as it comes."""

    def __init__(self, *, silent: bool) -> None:
        self.silent, self.group = silent, ""
        self.seen: dict[tuple[str, str], int] = {}

    def show(self, finding: Finding) -> None:
        """Print a finding, unless there were enough of its kind."""
        kind = (finding.id, str(finding.status))
        self.seen[kind] = self.seen.get(kind, 0) + 1
        if self.silent or self.seen[kind] > SHOWN:
            return
        if finding.group != self.group:
            self.group = finding.group
            output.heading(TITLES[finding.group])
        mark = output.paint(f"{finding.status:<5}", str(finding.status))
        first, *rest = wrapped(output.clean_line(finding.text))
        output.painted(f"  {mark} {first}")
        for line in rest:
            output.painted(f"{INDENT}{line}")
        if finding.remedy:
            for number, line in enumerate(wrapped(output.clean_line(pasted(finding.remedy)), 3)):
                output.painted(f"{INDENT}{'-> ' if number == 0 else '   '}{line}")
        self._commands(finding)

    def _commands(self, finding: Finding) -> None:
        """Never broken into lines: they are to be copied."""
        if finding.fix is None:
            return
        for command in finding.fix.commands:
            output.painted(f"{INDENT}{'did' if finding.fix.done else '$'} {output.clean_line(command)}")
        if finding.fix.error:
            output.painted(f"{INDENT}{output.clean_line(finding.fix.error)}")

    def close(self, findings: list[Finding]) -> None:
        """What was left out, and the sum."""
        for (name, status), number in self.seen.items():
            if number > SHOWN:
                output.painted(f"  {status:<5} {name}: {number - SHOWN} more like these (all of them: --json)")
        from dsgspool.doctor.values import many

        count = {word: sum(finding.status == word for finding in findings) for word in ("ok", "warn", "FAIL", "fixed")}
        parts = [f"{count['ok']} ok", many(count["warn"], "warning"), many(count["FAIL"], "failure")]
        parts += [f"{count['fixed']} mended"] if count["fixed"] else []
        output.painted(f"{output.paint('Summary', 'bold')}  {', '.join(parts)}")
        safe = sum(1 for finding in findings if finding.fix and finding.fix.safe and not finding.fix.done)
        if safe:
            output.hint(f"`dsgspool doctor --fix` carries out {many(safe, 'repair')}, all safe")


def wrapped(text: str, less: int = 0) -> list[str]:
    """Lines as wide as the terminal; one line where there is none."""
    if not output.is_terminal():
        return [text]
    width = max(40, shutil.get_terminal_size().columns - len(INDENT) - less)
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
