"""The failures, put together by cause: what failed tasks have in common once numbers, paths and names are masked.

The rule: pure.  A command that gave an exit code or died of a signal, and a chunk of a sweep whose items did, is judged by
the line of its log that says best what went wrong; everything else (timeout, lost, cancelled ...) by what its record says,
because a log's last line is no cause there.  What somebody reads first is the fact, though: the signal, or the exit code of a
command that wrote no errors.
"""

from __future__ import annotations

import hashlib
import re
import signal
from collections import Counter
from functools import lru_cache
from math import comb
from typing import TYPE_CHECKING

from dsgspool.classes import dataclass
from dsgspool.report.tally import GIVEN_BACK, NEVER_BEGAN
from dsgspool.report.words import enumeration
from dsgspool.spool.dependencies import BLAME
from dsgspool.task import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dsgspool.report.book import Failure

#: Words for a failure whose record has none.
PLAIN_REASONS = {
    "lost": "its worker died while it ran, as often as max_lost allows",
    "cancelled": "somebody took it away",
    "invalid": "the file cannot be run as it is",
    "timeout": "it ran longer than its timeout",
    "stopped": "its worker gave it back",
    "duplicate": "another file of this name was there",
}
UNKNOWN = "it failed, and no record says why"
SAYS_NO_MORE = ("exit code #", UNKNOWN)  #: patterns of commands that wrote nothing
_ITEM = re.compile(r"\b\d+ ((?:exit|signal)\d+|timeout)\b")
_OWN = "ItsOwnName"  #: goes through the masks as a part of a path does
MAX_PATTERN = 200  #: characters of a pattern
CERTAIN = 0.01  #: how improbable chance must be before a node is suspected

_TOKEN = re.compile(
    r"""(?P<address>\b[a-z][a-z0-9+.-]{1,9}://[^\s'"<>)\]]+)"""
    r"""|(?P<quoted>'[^']{0,200}'|"[^"]{0,200}"|`[^`]{0,200}`|‘[^’]{0,200}’|“[^”]{0,200}”)"""
    r"""|(?P<name>(?:(?<=KeyError: )|(?<=NameError: name ))[^\s'"()\[\]{}]+)"""
    r"""|(?P<path>(?:\b[A-Za-z]:\\|(?:[\w.~+@%=-]*/)(?=[\w.~+@%=-]))[\w.~+@%=\\/-]*)"""
    r"""|(?P<file>\b[\w-]+(?:\.[\w-]+)*\.(?:csv|tsv|txt|json|ya?ml|xml|h5|hdf5?|nc|fits|fastq|fq|fasta|fa|bam|sam|vcf|gz|bz2|xz"""
    r"""|zst|zip|tar|npy|npz|pkl|parquet|root|dat|bin|log|out|png|jpe?g|tiff?|pdf|nii|xlsx?)\b)"""
    r"""|(?P<uuid>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)"""
    r"""|(?P<hex>\b0x[0-9a-fA-F]+|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,}\b)"""
    r"""|(?P<number>[-+]?\d+(?:[.,:]\d+)*(?:[eE][-+]?\d+)?(?: [KMGT]iB\b)?)"""
)
_SIGNS = {
    "address": "‹address›",
    "quoted": "‹…›",
    "name": "‹…›",
    "path": "‹path›",
    "file": "‹file›",
    "uuid": "#",
    "hex": "#",
    "number": "#",
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Failures that have the same line in common.  `tasks`: newest first."""

    key: str  #: the same from rendering to rendering
    pattern: str  #: the line with masks
    line: str  #: as it was in the newest failure
    tasks: tuple[Failure, ...]
    hosts: Mapping[str, int]  #: where their commands ran, the most frequent first
    tags: Mapping[str, int]
    batches: Mapping[str, int]
    suspicion: str = ""  #: `node`, `task` or '' while too little is known
    words: str = ""  #: the reason of that suspicion

    @property
    def count(self) -> int:
        """How many tasks."""
        return len(self.tasks)

    @property
    def newest(self) -> Failure:
        """The failure to look at."""
        return self.tasks[0]

    @property
    def last(self) -> float | None:
        """When the newest one failed."""
        return max((task.moment for task in self.tasks if task.moment is not None), default=None)

    @property
    def first(self) -> float | None:
        """When the oldest one failed."""
        return min((task.moment for task in self.tasks if task.moment is not None), default=None)

    @property
    def title(self) -> str:
        """How it ended, where that says more than a line of its log; else the line, as far as they have it in common."""
        return self._fact or self._common

    @property
    def beside(self) -> str:
        """The line beside the title, where that is another; '' when there is none."""
        if not self._fact or self.line == reason_of(self.newest):
            return ""
        log = "output" if self.is_quiet else "log"
        return f"last line of its {log}: {self._common}"

    @property
    def is_quiet(self) -> bool:
        """True when none of them wrote errors."""
        return all(task.is_quiet for task in self.tasks)

    @property
    def _common(self) -> str:
        return self.line if self.count == 1 else self.pattern

    @property
    def _fact(self) -> str:
        """Killed by a signal, or ended with exit codes and without a word on stderr; '' for all else."""
        tag = self.newest.tag
        if tag.startswith("signal"):
            _, _, limit = self.newest.reason.partition(": ")
            return f"killed by {_signal(int(tag.removeprefix('signal')))}{f': {limit}' if limit else ''}"
        if not tag.startswith("exit") or not self.is_quiet:
            return ""
        codes = sorted((each.removeprefix("exit") for each in self.tags), key=int)
        return f"exit code{'s' if len(codes) > 1 else ''} {enumeration(codes, 4)}"


def _signal(number: int) -> str:
    """`signal 11 (SIGSEGV)`"""
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def reason_of(failure: Failure) -> str:
    """Why a task failed, in words that its record or its tag gives."""
    if failure.tag == "cancelled":  # by whom and how is told by no record alike
        return PLAIN_REASONS["cancelled"]
    return failure.reason or PLAIN_REASONS.get(failure.tag, UNKNOWN)


def line_of(failure: Failure) -> str:
    """The line that tells the cause."""
    by_itself = failure.tag.startswith(("exit", "signal")) or (_is_chunk(failure) and not failure.is_quiet)
    return (failure.error if by_itself else "") or reason_of(failure)


def _is_chunk(failure: Failure) -> bool:
    return failure.tag.startswith(Kind.ITEMS)


@lru_cache(maxsize=65536)
def mask(text: str) -> str:
    """A line without what differs from task to task: numbers, paths, addresses, quoted names, hexadecimals."""
    masked = _TOKEN.sub(lambda match: _SIGNS[match.lastgroup or "number"], text)
    return " ".join(masked.split())[:MAX_PATTERN]


def pattern_of(failure: Failure) -> str:
    """The masked line; the task's own name is masked too, unless it is a number as any other."""
    line = line_of(failure)
    if failure.tag == "dependency" and (blame := BLAME.fullmatch(line)):
        return f"‹task› has {blame[3]}"  # one fault is one cause, whatever it was that waited for whatever
    if _is_chunk(failure) and (ended := _ITEM.findall(line)):
        return f"# of # items failed: {enumeration(sorted(set(ended)), 4)}"  # how many did is no other cause
    for name in (failure.identity, failure.identity.rpartition("/")[2]):
        if len(name) >= 3 and name in line and not name.isdecimal():
            line = _without(line, name)
    return mask(line).replace(_OWN, "‹task›")


def _without(line: str, name: str) -> str:
    """The line with the name masked where it stands as a word; a pattern for each name would be compiled each time."""
    before, found, after = line.partition(name)
    if not found:
        return line
    inside = before[-1:].isalnum() or after[:1].isalnum()
    return f"{before}{name if inside else _OWN}{_without(after, name)}"


def causes(failed: Iterable[Failure], attempts: Mapping[str, Mapping[str, int]] | None = None) -> list[Cause]:
    """The failures by cause, the largest group first.  `attempts`: batch -> node -> how many ended, to judge nodes by."""
    groups: dict[tuple[str, str], list[Failure]] = {}
    for failure in failed:
        pattern = pattern_of(failure)
        groups.setdefault((_kind(failure, pattern), pattern), []).append(failure)
    found = [_cause(kind, pattern, tasks, attempts or {}) for (kind, pattern), tasks in groups.items()]
    return sorted(found, key=lambda cause: (-cause.count, -(cause.last or 0.0), cause.key))


def _kind(failure: Failure, pattern: str) -> str:
    """Exit codes are one kind: programs give any of them for one thing; and so are chunks, however many items failed.

    Of commands that said nothing the exit code of a batch is all that they have in common."""
    tag = failure.tag
    if tag.startswith(Kind.EXIT) and pattern in SAYS_NO_MORE:
        return f"{tag} {failure.batch}"
    return next((kind for kind in (Kind.EXIT, Kind.ITEMS) if tag.startswith(kind)), tag)


def _cause(kind: str, pattern: str, tasks: list[Failure], attempts: Mapping[str, Mapping[str, int]]) -> Cause:
    key = hashlib.sha256(f"{kind}\0{pattern}".encode(errors="replace")).hexdigest()[:10]
    # Else the node only wrote that down, or a person took it away: neither says anything of the node.
    ran = [task for task in tasks if task.host and task.tag not in (*NEVER_BEGAN, *GIVEN_BACK)]
    hosts = dict(Counter(task.host for task in ran).most_common())
    tags = dict(Counter(task.tag for task in tasks).most_common())
    batches = dict(Counter(task.batch for task in tasks).most_common())
    # A batch that ran on one node only says nothing about nodes: only its own attempts are compared.
    compared: Counter[str] = Counter()
    for batch in batches:
        compared.update(attempts.get(batch, {}))
    suspicion, words = suspect(hosts, compared)
    return Cause(key, pattern, line_of(tasks[0]), tuple(tasks), hosts, tags, batches, suspicion, words)


# -- bad node or bad task? -------------------------------------------------------------------------------------------


def suspect(hosts: Mapping[str, int], attempts: Mapping[str, int]) -> tuple[str, str]:
    """(`node`, `task` or '', why).  A node is suspected when chance alone would hardly put so many failures there."""
    number, ran = sum(hosts.values()), sum(attempts.values())
    if number < 3 or len(attempts) < 2 or not ran:
        return "", ""
    host, here = max(hosts.items(), key=lambda item: item[1])
    share = attempts.get(host, 0) / ran
    if here >= 0.6 * number and chance(here, number, share) < CERTAIN:
        which = "all" if here == number else f"{here:,} of {number:,}"
        return "node", f"{which} on {host}, which ran {share * 100:.0f} % of the attempts"
    if len(hosts) > 1:
        return "task", f"it happened on {len(hosts)} nodes"
    return "", ""


def chance(least: int, number: int, share: float) -> float:
    """Probability of at least so many hits in `number` trials."""
    if share <= 0 or share >= 1:
        return 0.0 if share <= 0 < least else 1.0
    if number > 400:  # the normal approximation is good enough there
        return (
            0.0 if (least - number * share) ** 2 > 9 * number * share * (1 - share) and least > number * share else 1.0
        )
    return sum(comb(number, k) * share**k * (1 - share) ** (number - k) for k in range(least, number + 1))


@dataclass(frozen=True, slots=True)
class Matrix:
    """Causes x nodes.  `cells[i][j]`: failures of cause i on node j."""

    causes: tuple[Cause, ...]
    hosts: tuple[str, ...]
    cells: tuple[tuple[int, ...], ...]
    totals: tuple[int, ...]  #: failures of each node
    attempts: tuple[int, ...]  #: that ended on each node
    hidden_causes: int = 0
    hidden_hosts: int = 0

    @property
    def most(self) -> int:
        """The largest cell."""
        return max((cell for row in self.cells for cell in row), default=0)


def matrix(found: list[Cause], attempts: Mapping[str, int], most: tuple[int, int] = (12, 10)) -> Matrix | None:
    """The failures by cause and node, None when no node is known or there is only one."""
    failed: Counter[str] = Counter()
    for cause in found:
        failed.update(cause.hosts)
    hosts = sorted({*failed, *attempts}, key=lambda host: (-failed[host], -attempts.get(host, 0), host))
    if len(hosts) < 2 or not failed:
        return None
    shown, rows = sorted(hosts[: most[1]]), [cause for cause in found if cause.hosts][: most[0]]
    return Matrix(
        tuple(rows),
        tuple(shown),
        tuple(tuple(cause.hosts.get(host, 0) for host in shown) for cause in rows),
        tuple(failed[host] for host in shown),
        tuple(attempts.get(host, 0) for host in shown),
        len([cause for cause in found if cause.hosts]) - len(rows),
        len(hosts) - len(shown),
    )


def signatures(found: Iterable[Cause]) -> list[list[str | int]]:
    """[key, count] of each cause: what a browser remembers to tell what is new."""
    return [[cause.key, cause.count] for cause in found]
