"""`dataclass`, for classes that are made in a third of the time.

The rule: to a reader and to mypy it is `dataclasses.dataclass`, with the options that the package uses, and every class of
the package is made by it; `replace` is `dataclasses.replace`, for what every task goes through.  The standard one writes
and compiles up to six methods for each class, a millisecond and more that commands which people type all day would pay a
hundred times; here only `__init__` is compiled, and the others are closures.  The price: that nothing is assigned to what
is `frozen` is looked after by mypy, not at run time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import replace as replace
else:

    def dataclass(*, frozen: bool = False, slots: bool = False, eq: bool = True) -> Callable[[type], type]:
        """See there: `__init__`, `__repr__` and, unless `eq` is false, `__eq__` and `__hash__` (None when not `frozen`)."""
        return lambda cls: _made(cls, frozen, slots, eq)

    def replace(value: object, **changes: object) -> object:
        """See there, for classes whose fields are all arguments: a third of the time, as no field is asked what it is."""
        kept = {name: getattr(value, name) for name in type(value).__match_args__ if name not in changes}
        return type(value)(**kept, **changes)


def _made(cls: type, frozen: bool, slots: bool, eq: bool) -> type:
    cls.__doc__ = cls.__doc__ or cls.__name__  # else a signature is made up, for as long as all the rest takes
    own = set(vars(cls))
    made: type = dataclasses.dataclass(slots=slots, eq=False, repr=False)(cls)
    fields = dataclasses.fields(made)
    methods: dict[str, object] = {"__repr__": _repr([each.name for each in fields if each.repr])}
    if eq:
        compared = attrgetter(*names) if (names := [each.name for each in fields if each.compare]) else type
        methods |= {"__eq__": _eq(compared), "__hash__": (lambda self: hash(compared(self))) if frozen else None}
    for name in methods.keys() - own:
        setattr(made, name, methods[name])
    return made


def _repr(names: Sequence[str]) -> Callable[[object], str]:
    def represent(self: object) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return represent


def _eq(compared: Callable[[object], object]) -> Callable[[object, object], bool]:
    def equal(self: object, other: object) -> bool:
        return compared(self) == compared(other) if type(other) is type(self) else NotImplemented

    return equal
