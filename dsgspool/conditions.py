"""What a node has, and the conditions of `where` that ask for it: `ram>=64G gpu~A100 has:samtools host!=n3`.

The rule: one small grammar, read once; all conditions of a `where` have to be met.  A key that is none of those of a node
names a label.  A word that cannot be meant is an error that says at which character, and what to write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import Any

from dsgspool.classes import dataclass
from dsgspool.errors import InvalidTask
from dsgspool.expressions import expression

SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
}
NUMBERS = ("ram", "cpus", "gpus", "gpu_memory", "scratch")  #: keys of `where` that are compared as numbers
ELSEWHERE = {
    **dict.fromkeys(("memory", "mem", "rss"), "ram"), **dict.fromkeys(("cpu", "cores", "slots"), "cpus"),
    **dict.fromkeys(("node", "hostname", "name"), "host"), **dict.fromkeys(("disk", "tmp"), "scratch"),
    **dict.fromkeys(("vram", "gpumem", "gpu_mem"), "gpu_memory"), "gpu_model": "gpu",
}  # fmt: skip
GRAMMAR = "such as `ram>=64G gpu~A100 has:samtools host!=n3`"

_CONDITION = expression(r"([A-Za-z][A-Za-z0-9_-]*)(>=|<=|!=|==|=~|>|<|=|~|:)([A-Za-z0-9_.:/+-]+)")
_NUMBER = expression(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)([KMGTP]?)")
_NAME = expression(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


def number_of(text: str) -> float | None:
    """The number that a text is, with K, M, G, T or P behind it if wanted; None when it is none."""
    match = _NUMBER.fullmatch(text)
    return float(match[1]) * 1024 ** " KMGTP".index(match[2] or " ") if match else None


def is_name(text: str) -> bool:
    """True for what a label, a program or a counted resource may be called."""
    return _NAME.fullmatch(text) is not None


def size(number: int) -> str:
    """Bytes, exactly: in the largest unit that they are a multiple of."""
    for power, unit in ((4, "T"), (3, "G"), (2, "M"), (1, "K")):
        if number and not number % 1024**power:
            return f"{number // 1024**power}{unit}"
    return str(number)


def in_words(number: float) -> str:
    """`512 B`, `3.4 MiB`: bytes for people, as reasons in records and all screens tell them."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def digits(number: float) -> str:
    """`90`, `0.75`, `1209600`: seconds and other numbers for people, never with an exponent."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


def about(number: int) -> str:
    """Bytes, for people."""
    gib = number / 2**30
    if gib >= 1000:
        return f"{gib:.0f}G"
    return f"{gib:.4g}G" if gib >= 1 or not number else f"{number / 2**20:.4g}M"


@dataclass(frozen=True, slots=True)
class Gpu:
    """One of a node's GPUs: the number by which CUDA knows it in the order of the bus, bytes, model."""

    index: int
    memory: int
    model: str = ""
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a node has.  `memory` and `scratch` in bytes; `software`: name -> the line that its probe printed."""

    host: str = ""
    cpus: int = 1
    memory: int = 0
    scratch: int = 0
    gpus: tuple[Gpu, ...] = ()
    software: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, int] = field(default_factory=dict)

    def within(self, shared: Mapping[str, int]) -> Inventory:
        """The same with what the whole spool has; of a resource that both have the smaller number counts."""
        least = {name: min(self.resources.get(name, most), most) for name, most in shared.items()}
        return replace(self, resources={**self.resources, **least}) if shared else self

    def facts(self) -> dict[str, object]:
        """What WID.yaml says of it beyond host and cpus."""
        return {
            "memory_bytes": self.memory, "scratch_bytes": self.scratch,
            "gpus": [{"index": gpu.index, "memory_bytes": gpu.memory, "model": gpu.model} for gpu in self.gpus],
            "software": dict(self.software), "labels": dict(self.labels), "resources": dict(self.resources),
        }  # fmt: skip


def inventory_of(facts: Mapping[str, Any]) -> Inventory:
    """What a worker has, by its WID.yaml; nothing of what is not there or makes no sense."""
    try:
        return Inventory(
            str(facts.get("host", "")), int(facts["cpus"]), int(facts["memory_bytes"]), int(facts["scratch_bytes"]),
            tuple(Gpu(int(gpu["index"]), int(gpu["memory_bytes"]), str(gpu["model"])) for gpu in facts["gpus"]),
            {str(name): str(text) for name, text in facts["software"].items()},
            {str(name): str(text) for name, text in facts["labels"].items()},
            {str(name): int(amount) for name, amount in facts["resources"].items()},
        )  # fmt: skip
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return Inventory(str(facts.get("host", "")))


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of `where`; `has:NAME` has the sign `:`."""

    key: str
    sign: str
    value: str

    def __str__(self) -> str:
        return f"{self.key}{self.sign}{self.value}"

    @property
    def chooses_gpus(self) -> bool:
        """True when only some of a node's GPUs may meet it."""
        return self.key in ("gpu", "gpu_memory")

    def meets(self, gpu: Gpu) -> bool:
        """True for a GPU that the condition means."""
        if self.key == "gpu":
            return self.value.lower() in gpu.model.lower()
        return SIGNS[self.sign](gpu.memory, number_of(self.value) or 0.0)

    def why_not(self, node: Inventory) -> str:
        """What the node is instead, '' when it meets the condition."""
        if self.sign == ":":
            return "" if self.value in node.software else f"has no {self.value} (spool.yaml, `software`)"
        if self.chooses_gpus:
            models = ", ".join(sorted({f"{gpu.model} {about(gpu.memory)}" for gpu in node.gpus})) or "none"
            return "" if any(map(self.meets, node.gpus)) else f"of its GPUs ({models}) no one meets {self}"
        if self.key in NUMBERS:
            have = {"ram": node.memory, "cpus": node.cpus, "gpus": len(node.gpus), "scratch": node.scratch}[self.key]
            shown = about(have) if self.key in ("ram", "scratch") else str(have)
            is_met = SIGNS[self.sign](have, number_of(self.value) or 0.0)
            return "" if is_met else f"has {self.key} {shown}, it wants {self}"
        if self.key == "host":
            is_met = any(self._compares(name) for name in {node.host, node.host.partition(".")[0]})
            is_met = is_met if self.sign != "!=" else self.value not in (node.host, node.host.partition(".")[0])
            return "" if is_met else f"has the name {node.host}, it wants {self}"
        if (label := node.labels.get(self.key)) is None:
            return "" if self.sign == "!=" else f"has no label {self.key}, it wants {self}"
        return "" if self._compares(label) else f"has the label {self.key}={label}, it wants {self}"

    def _compares(self, text: str) -> bool:
        if self.sign == "~":
            return self.value.lower() in text.lower()
        mine, its = number_of(self.value), number_of(text)
        if mine is not None and its is not None:
            return SIGNS[self.sign](its, mine)
        return {"=": text == self.value, "!=": text != self.value}.get(self.sign, False)


def parse_where(text: str) -> tuple[Condition, ...]:
    """The conditions of a `where`, in one order; InvalidTask says at which character something is wrong."""
    found, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        match = _CONDITION.fullmatch(word)
        if match is None:
            raise _wrong(
                at, word, "is no condition", f"write KEY, one of >= <= > < = != ~, VALUE without spaces, {GRAMMAR}"
            )
        if why := _complaint(*match.groups()):
            raise _wrong(at, word, *why)
        found.append(Condition(*match.groups()))
        at += len(word)
    if not found:
        raise InvalidTask("it is empty", remedy=f"remove it, or write conditions {GRAMMAR}")
    return tuple(sorted(set(found), key=str))


def _wrong(at: int, word: str, why: str, remedy: str) -> InvalidTask:
    return InvalidTask(f"`{word}` at character {at + 1} {why}", remedy=remedy)


def _complaint(key: str, sign: str, value: str) -> tuple[str, str] | None:
    """What is wrong with a condition, and what to write."""
    if sign in ("==", "=~"):
        return f"has the sign {sign}, which there is not", f"write {key}{'=' if sign == '==' else '~'}{value}"
    if (key == "has") != (sign == ":"):
        return "mixes up `has:PROGRAM` and a comparison", "write has:samtools, or a comparison such as ram>=64G"
    if instead := ELSEWHERE.get(key):
        return f"asks for {key}, which is called {instead} here", f"write {instead}{sign}{value}"
    if key in NUMBERS and (sign == "~" or number_of(value) is None):
        return f"compares the number {key} with {value!r}", f"write such as {key}>=4, or {key}>=64G for a size"
    if key == "gpu" and sign != "~":
        return "compares a GPU's model, which holds spaces", "write gpu~A100: a part of the model's name"
    if (key == "host" or not value[0].isdigit()) and key not in NUMBERS and sign in (">=", "<=", ">", "<"):
        return f"compares {value!r} as a number", "use = != or ~ for texts"
    return None
