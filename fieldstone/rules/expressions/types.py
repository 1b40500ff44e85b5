"""The types of the expression language and the place where names get their types.

What comes in: nothing. What goes out: `Type` constants, constructors (`list_of`, `map_of`, `record_of`) and the
`TypeEnvironment` protocol through which the checker asks what a name means. Who calls it: the checker, the SQL
compiler, field types (each says the type of its values) and whoever compiles an expression.

Every type is nullable: a field of any type may be empty, so `null` belongs to every type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class Type:
    """One type. `parameters` are those of a list (element) or map (key, value); `record` names an object."""

    name: str
    parameters: tuple[Type, ...] = ()
    record: str = ""

    @property
    def is_list(self) -> bool:
        """Whether values are lists."""
        return self.name == "list"

    @property
    def is_map(self) -> bool:
        """Whether values are maps."""
        return self.name == "map"

    @property
    def is_record(self) -> bool:
        """Whether values are records of an object."""
        return self.name == "record"

    @property
    def element(self) -> Type:
        """What one walks over: the element of a list, the key of a map, otherwise `DYN`."""
        return self.parameters[0] if self.parameters else DYN

    @property
    def value(self) -> Type:
        """The value type of a map, otherwise `DYN`."""
        return self.parameters[1] if len(self.parameters) > 1 else DYN

    def __str__(self) -> str:
        if self.record:
            return f"record({self.record})"
        if self.parameters:
            return f"{self.name}({', '.join(map(str, self.parameters))})"
        return self.name


BOOL: Final = Type("bool")
INT: Final = Type("int")
UINT: Final = Type("uint")
DOUBLE: Final = Type("double")
DECIMAL: Final = Type("decimal")
STRING: Final = Type("string")
BYTES: Final = Type("bytes")
NULL: Final = Type("null")
TIMESTAMP: Final = Type("timestamp")
DURATION: Final = Type("duration")
DATE: Final = Type("date")
TIME: Final = Type("time")
MONEY: Final = Type("money")
TYPE: Final = Type("type")
DYN: Final = Type("dyn")
ERROR: Final = Type("error")

ALL: Final[tuple[Type, ...]] = (
    BOOL, INT, UINT, DOUBLE, DECIMAL, MONEY, STRING, BYTES, NULL, TIMESTAMP, DURATION, DATE, TIME, TYPE, DYN,
)  # fmt: skip
"""The simple types, in the order in which the reference shows them."""

T: Final = Type("T")
"""Stands in signatures for any one type, the same wherever it appears: `first(list(T)) -> T`."""


@lru_cache(maxsize=1024)
def list_of(element: Type) -> Type:
    """A list whose elements have the type `element`."""
    return Type("list", (element,))


@lru_cache(maxsize=1024)
def map_of(key: Type, value: Type) -> Type:
    """A map from `key` to `value`."""
    return Type("map", (key, value))


@lru_cache(maxsize=4096)
def record_of(name: str) -> Type:
    """A record of the object called `name`."""
    return Type("record", (), name)


class TypeEnvironment(Protocol):
    """What the names of an expression mean: usually one object's fields, with `previous` and `user`."""

    def variable(self, name: str) -> Type | None:
        """The type of a name at the root, or None when there is no such name."""
        ...

    def member(self, record: str, field: str) -> Type | None:
        """The type of a field of the object called `record`, or None when it has no such field."""
        ...

    def names(self) -> Sequence[str]:
        """All names at the root, for suggestions and completion."""
        ...

    def members(self, record: str) -> Sequence[str]:
        """All field names of the object called `record`, for suggestions and completion."""
        ...
