"""Pure name arithmetic: what a file's name says, and which name says what.

    [@LANE%][BATCH%]NAME[~TAG[.TOKEN]][@WID.C].yaml

The rule: a task's identity is BATCH/NAME from birth to death; its state is its folder; everything that others must know
without opening the file stands in its name.  Nothing here touches a disk.

    in a shared folder   sweep-a/0001~1.k3f7x2ma-7.yaml      (BATCH is a sub-folder)
    in running/WID       sweep-a%0001~1.k3f7x2ma-7@n1-k3f7x2ma.8.yaml   (flat, so that one listing tells all)
"""

from __future__ import annotations

import functools
import re
from datetime import datetime

from dsgspool.classes import dataclass
from dsgspool.errors import InvalidName
from dsgspool.expressions import expression
from dsgspool.requests import NOTHING, Request
from dsgspool.task import REASONS, SETTLING, Budget

MAX_IDENTITY = 150  #: bytes of BATCH/NAME, so that every name made from it stays under 255
MAX_LANE = 26
SUFFIXES = (".yaml", ".yml")
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  #: base32, lower case: safe on every file system

_WID = r"[a-z0-9][a-z0-9-]{0,23}-[a-z2-7]{8}"
_OWNER = expression(rf"@({_WID})\.(0|[1-9][0-9]{{0,17}})\Z")
_TAG = expression(r"~([0-9]+(?:l[0-9]+)?(?:o[0-9]+)?|[a-z-]+[0-9]*)(?:\.([a-z2-7]{8}-[0-9]+))?\Z")
_BUDGET = expression(r"([0-9]+)(?:l([0-9]+))?(?:o([0-9]+))?\Z")
_NUMBERED = expression(r"(?:exit|signal|items)[0-9]+\Z")
_WHOLE_WID = expression(_WID)
_RECORD = expression(r"(.+)\.([1-9][0-9]*)\.(yaml|out|err|items|only)\Z")
_UNTIL = expression(r"until-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\Z", re.ASCII)
_PRIORITY = expression(r"p(-?[0-9]{1,6})\Z")
_FORBIDDEN = expression("[~@%\\\\\0-\x1f\x7f-\x9f\ud800-\udfff]")
_CPUS = expression(r"cpus([0-9]{1,5})\Z")
_WANTS = expression(r"[A-Za-z0-9.-]*=([a-z2-7]{6})\Z")


@dataclass(frozen=True, slots=True)
class Claim:
    """`@WID.C`: the worker that holds a file, and which of its claims this is."""

    wid: str
    count: int

    def __str__(self) -> str:
        return f"{self.wid}.{self.count}"


@dataclass(frozen=True, slots=True)
class TaskName:
    """The parts of a task file's name.  `tag` without `token` in failed/ only (`~exit1`)."""

    identity: str
    tag: str = ""
    token: str = ""
    claim: Claim | None = None
    lane: str = ""

    @property
    def batch(self) -> str:
        """The batch folder, '' outside of one."""
        return self.identity.rpartition("/")[0]

    @property
    def budget(self) -> Budget:
        """Attempts already used; a reason tag gives a fresh budget."""
        return _budget(self.tag)

    @property
    def is_whole(self) -> bool:
        """True when a program says by this name that all of the file is there."""
        return self.token != "" and self.tag != SETTLING

    @property
    def stem(self) -> str:
        """The name without claim and suffix, slashes as they are."""
        return self.identity + (f"~{self.tag}" if self.tag else "") + (f".{self.token}" if self.token else "")

    @property
    def path(self) -> str:
        """Path below a shared folder that has no lanes; a claim stays in the name."""
        return f"{self.stem}{f'@{self.claim}' if self.claim else ''}.yaml"

    @property
    def lane_path(self) -> str:
        """Path below todo/, in its lane."""
        return f"@{self.lane}/{self.path}" if self.lane else self.path

    @property
    def flat(self) -> str:
        """File name in running/WID: slashes of lane and batch written as %."""
        return self.lane_path.replace("/", "%")

    def claimed(self, claim: Claim) -> TaskName:
        """The same task, held by `claim`."""
        return TaskName(self.identity, self.tag, self.token, claim, self.lane)

    def plain(self) -> TaskName:
        """The bare identity: how it is called in done/."""
        return TaskName(self.identity)

    def failed(self, reason: str, token: str = "") -> TaskName:
        """How it is called in failed/."""
        return TaskName(self.identity, reason, token)

    def returned(self, budget: Budget, token: str) -> TaskName:
        """How a program gives it back: counts and a token that is unique for ever, so it can overwrite nothing."""
        return TaskName(self.identity, str(budget), token, lane=self.lane)


@functools.lru_cache(maxsize=256)  # asked for five times an attempt, mostly of the same few tags
def _budget(tag: str) -> Budget:
    counts = _BUDGET.match(tag)
    return Budget(int(counts[1]), int(counts[2] or 0), int(counts[3] or 0)) if counts else Budget()


def is_ignored(name: str) -> bool:
    """True for names that are nobody's task: editors' and copy programs' temporary files, and what is not YAML."""
    return name[:1] in ".#" or not name.endswith(SUFFIXES)


def check_part(part: str, whole: str) -> None:
    """Raise InvalidName unless `part` may be one component of an identity."""
    if not part:
        raise InvalidName(whole, "a part of it is empty")
    if part[0] in ".-#":
        raise InvalidName(whole, f"{part!r} begins with {part[0]!r}")
    if wrong := _FORBIDDEN.search(part):
        if wrong[0] >= "\ud800":
            raise InvalidName(whole, "it is not UTF-8")
        raise InvalidName(whole, f"the character {wrong[0]!r} has a meaning of its own or cannot be typed")


def check_identity(identity: str) -> str:
    """The identity itself when it may be a task's, else InvalidName with the reason."""
    *folders, name = identity.split("/")
    for part in (*folders, name):
        check_part(part, identity)
    if wrong := [folder for folder in folders if folder.endswith(SUFFIXES)]:
        raise InvalidName(identity, f"the folder {wrong[0]!r} has a task file's ending")
    if len(identity.encode()) > MAX_IDENTITY:
        raise InvalidName(identity, f"it is longer than {MAX_IDENTITY} bytes")
    return identity


def parse(path: str) -> TaskName:
    """The parts of a path below a shared folder (`@LANE/BATCH/NAME~TAG.TOKEN@WID.C.yaml`), else InvalidName."""
    stem, dot, suffix = path.rpartition(".")
    if f"{dot}{suffix}" not in SUFFIXES:
        raise InvalidName(path, "it does not end with .yaml")
    lane, stem = split_lane(stem)
    if lane is not None:
        check_part(lane, path)
        if len(lane.encode()) > MAX_LANE:
            raise InvalidName(path, f"its lane is longer than {MAX_LANE} bytes")
    claim = None
    if owner := _OWNER.search(stem):
        claim, stem = Claim(owner[1], int(owner[2])), stem[: owner.start()]
    tag = token = ""
    if (tagged := _TAG.search(stem)) and is_tag(tagged[1]):
        tag, token, stem = tagged[1], tagged[2] or "", stem[: tagged.start()]
    return TaskName(check_identity(stem), tag, token, claim, lane or "")


def split_lane(path: str) -> tuple[str | None, str]:
    """(lane, what lies in it) of a path below todo/; None outside of any, as for a file that somebody called `@.yaml`."""
    folder, is_inside, below = path.partition("/")
    return (folder[1:], below) if is_inside and folder[:1] == "@" else (None, path)


def parse_flat(name: str) -> TaskName:
    """The parts of a file name in running/WID."""
    return parse(name.replace("%", "/"))


def is_tag(tag: str) -> bool:
    """True for counts (`1`, `1l2`) and for the reasons that a name may carry."""
    return tag in REASONS or bool(_BUDGET.match(tag) or _NUMBERED.match(tag))


def parse_claim(text: str) -> Claim | None:
    """The parts of `WID.C`, None when it is no claim."""
    owner = _OWNER.fullmatch(f"@{text}")
    return Claim(owner[1], int(owner[2])) if owner else None


def is_wid(text: str) -> bool:
    """True when `text` has the form of a worker's id."""
    return _WHOLE_WID.fullmatch(text) is not None


def worker_id(host: str, chance: str) -> str:
    """WID of a new incarnation: the host's first 24 characters of a-z0-9- and 8 random ones."""
    short = re.sub(r"[^a-z0-9-]+", "-", host.lower().partition(".")[0])[:24].strip("-")
    return f"{short or 'node'}-{chance}"


def invalid_name(original: str, token: str) -> TaskName:
    """The name in failed/ of a thing whose own name cannot be used."""
    import hashlib  # 1 ms of start-up that only a bad name needs

    digest = hashlib.sha256(original.encode(errors="surrogateescape")).hexdigest()[:12]
    return TaskName(f"invalid-{digest}", "invalid", token)


def record_path(identity: str, attempt: int) -> str:
    """Path of an attempt's record below logs/; its logs end with .out and .err instead of .yaml."""
    return f"{identity}.{attempt}.yaml"


def parse_record(path: str) -> tuple[str, int, str] | None:
    """(identity, attempt, 'yaml' | 'out' | 'err' | 'items' | 'only') of a path below logs/, None for what is not ours."""
    match = _RECORD.match(path)
    return (match[1], int(match[2]), match[3]) if match else None


def until_folder(stamp: str) -> str:
    """Folder in waiting/ for a moment written as 20261121T210000Z."""
    return f"until-{stamp}"


def parse_until(folder: str) -> tuple[int, int, int, int, int, int] | None:
    """UTC (year, month, day, hour, minute, second) of a folder in waiting/, None when it says no moment that there is."""
    match = _UNTIL.match(folder)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups())
    try:
        datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - only whether there is such a moment
    except ValueError:
        return None
    return year, month, day, hour, minute, second


@functools.lru_cache(maxsize=4096)  # the same few names stand in file after file
def check_after(what: str) -> str:
    """What a task may wait for: an identity, a batch with a slash behind it, or a shell pattern."""
    check_identity(what.removesuffix("/"))
    return what


def after_folder(what: str) -> str:
    """Folder in waiting/ for what a task waits for: slashes are written % as in running/, so `sweep-a/` ends with one."""
    return f"after-{what.replace('/', '%')}"


@functools.lru_cache(maxsize=1024)
def parse_after(folder: str) -> str:
    """What the tasks in a folder of waiting/ wait for, '' when it is no such folder."""
    if not folder.startswith("after-"):
        return ""
    try:
        return check_after(folder.removeprefix("after-").replace("%", "/"))
    except InvalidName:
        return ""


@dataclass(frozen=True, slots=True)
class Lane:
    """What a lane's name asks for: `@p10` priority 10, `@cpus8` a worker with 8 slots, `@p5,cpus8` both.

    `wants`: the digest of the requests (requests.py) of what lies in it, '' for none.
    """

    priority: int = 0
    cpus: int = 1
    known: bool = True
    wants: str = ""


@functools.lru_cache(maxsize=1024)
def parse_lane(lane: str) -> Lane:
    """Meaning of a lane's name (without its `@`); a word of a later version makes it unknown, so nobody takes from it."""
    priority, cpus, known, wants = 0, 1, True, ""
    for word in filter(None, lane.split(",")):
        if match := _PRIORITY.match(word):
            priority = int(match[1])
        elif match := _CPUS.match(word):
            cpus = int(match[1])
        elif (match := _WANTS.match(word)) and not wants:
            wants = match[1]
        else:
            known = False
    return Lane(priority, cpus, known, wants)


def lane_for(priority: int, cpus: int, request: Request = NOTHING) -> str:
    """The name of the lane for that need, '' for plain todo/."""
    words = ([f"p{priority}"] if priority else []) + ([f"cpus{cpus}"] if cpus > 1 else [])
    if request:
        room = MAX_LANE - len(",".join([*words, f"={request.digest}"]))
        words.append(f"{request.slug[:room].rstrip('-')}={request.digest}")
    return ",".join(words)
