"""The package's `dataclass` makes what the standard one makes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from dsgspool import classes


def of(decorator: Callable[..., Any], **options: bool) -> Any:
    @decorator(**options)
    class Point:
        """A place."""

        x: int
        name: str = "here"
        marks: list[int] = dataclasses.field(default_factory=list, compare=False)
        note: str = dataclasses.field(default="", repr=False)

    return Point


@pytest.mark.parametrize("options", [
    {"frozen": True, "slots": True}, {"slots": True}, {"frozen": True}, {}, {"slots": True, "eq": False},
], ids=str)  # fmt: skip
def test_it_makes_what_the_standard_one_makes(options: dict[str, bool]) -> None:
    mine, standard = of(classes.dataclass, **options), of(dataclasses.dataclass, **options)
    for made in (mine, standard):
        one, same, other = made(1), made(1, marks=[5]), made(1, note="no")
        assert repr(one).endswith("Point(x=1, name='here', marks=[])")
        assert [one == same, one == other, one != other, one == 1] == (
            [False, False, True, False] if options.get("eq") is False else [True, False, True, False]
        )
        assert dataclasses.replace(one, x=2).x == 2
        changed = classes.replace(one, x=2, note="now")
        assert (type(changed), dataclasses.asdict(changed)) == (
            made,
            {"x": 2, "name": "here", "marks": [], "note": "now"},
        )
        assert dataclasses.asdict(one) == {"x": 1, "name": "here", "marks": [], "note": ""}
        assert hasattr(one, "__dict__") is not options.get("slots", False)
        with pytest.raises(TypeError):
            made()
    assert mine(1) != standard(1)
    hashes = [made.__hash__ is not None for made in (mine, standard)]
    assert hashes[0] == hashes[1]
    if options.get("frozen"):
        assert hash(mine(1)) == hash(mine(1, marks=[5])) != hash(mine(2))


def test_what_a_class_says_itself_stays() -> None:
    @classes.dataclass(frozen=True)
    class Masked:
        secret: str

        def __repr__(self) -> str:
            return "Masked"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Masked)

        def __hash__(self) -> int:
            return 7

    assert repr(Masked("a")) == "Masked" and Masked("a") == Masked("b") and hash(Masked("a")) == 7


def test_values_without_fields_are_equal() -> None:
    @classes.dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    assert Nothing() == Nothing() and hash(Nothing()) == hash(Nothing()) and Nothing.__doc__ == "Nothing"
