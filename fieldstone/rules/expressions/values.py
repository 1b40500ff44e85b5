"""Values at run time: what represents each type in Python, and how values compare.

| type | in Python | | type | in Python |
|---|---|---|---|---|
| bool | bool | | timestamp | aware `datetime` in UTC |
| int | int | | date, time | `date`, `time` |
| uint | `UInt` | | duration | `timedelta` |
| double | float | | money | `Money` |
| decimal | `Decimal` | | list | list or tuple |
| string, bytes | str, bytes | | map, record | dict; a record has its "id" |

Pure. Who calls it: the functions, the operators, the generated code; field types make `Money`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from enum import Enum
from operator import attrgetter
from typing import Any, Final

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
UINT_MAX: Final = 2**64 - 1
DURATION_MAX: Final = timedelta(seconds=315_576_000_000)
"""About 10,000 years, either way."""

DECIMALS: Final = Context(
    prec=38, rounding=ROUND_HALF_UP, Emin=-6143, Emax=6144, traps=[InvalidOperation, DivisionByZero, Overflow]
)
"""Decimal arithmetic of the language: 38 significant digits, halves away from zero. A division that does not end is
rounded to 38 digits; everything shorter is exact."""


class UInt(int):
    """A value of type uint, told apart from int."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency, by its ISO 4217 code."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"


@dataclass(frozen=True, slots=True)
class TypeName:
    """A value of type type: what `type(x)` gives."""

    name: str


class BoolKey(Enum):
    """A bool as the key of a map; as a plain dict key `True` could not be told from 1."""

    TRUE = True
    FALSE = False


_KINDS: dict[type, str] = {
    bool: "bool",
    int: "int",
    UInt: "uint",
    float: "double",
    Decimal: "decimal",
    str: "string",
    bytes: "bytes",
    type(None): "null",
    datetime: "timestamp",
    timedelta: "duration",
    date: "date",
    time: "time",
    Money: "money",
    TypeName: "type",
    list: "list",
    tuple: "list",
    dict: "map",
}


def kind_of(value: object) -> str:
    """The name of the type of a run-time value; "dyn" for what is no value of the language."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    if isinstance(value, Mapping):
        return "map"
    for python_type, name in _KINDS.items():
        if isinstance(value, python_type):
            return name
    return "dyn"


def key_of(key: object) -> Any:
    """`key` as the key of a Python dict, such that keys are equal where the language says so."""
    if isinstance(key, bool):
        return BoolKey(key)
    if isinstance(key, float) and key.is_integer():
        return int(key)
    return key


def key_back(key: object) -> Any:
    """The value of the language for a key of a Python dict."""
    return key.value if isinstance(key, BoolKey) else key


def equal(left: Any, right: Any) -> bool:
    """Equality of the language: numbers by value across their types, other types never equal to one another."""
    left_kind, right_kind = kind_of(left), kind_of(right)
    if left_kind == right_kind:
        if left_kind == "list":
            return len(left) == len(right) and all(map(equal, left, right))
        if left_kind == "map":
            return _equal_maps(left, right)
        return bool(left == right)
    if left_kind in _NUMBERS and right_kind in _NUMBERS:
        return compare_numbers(left, right) == 0
    if left_kind == "money" and right_kind in _NUMBERS:
        return bool(left.amount == right)
    if right_kind == "money" and left_kind in _NUMBERS:
        return bool(left == right.amount)
    return False


_NUMBERS = frozenset({"int", "uint", "double", "decimal"})


def compare_numbers(left: Any, right: Any) -> int | None:
    """-1, 0 or 1; None when one is not a number. An int beside a double is compared as a double."""
    if isinstance(left, float) and not isinstance(right, Decimal):
        right = float(right)
    elif isinstance(right, float) and not isinstance(left, Decimal):
        left = float(left)
    if (isinstance(left, float) and math.isnan(left)) or (isinstance(right, float) and math.isnan(right)):
        return None
    return int(left > right) - int(left < right)


def _equal_maps(left: Mapping[Any, Any], right: Mapping[Any, Any]) -> bool:
    if len(left) != len(right):
        return False
    return all(key in right and equal(value, right[key]) for key, value in left.items())


def contains(items: Sequence[Any], wanted: Any) -> bool:
    """Whether `wanted` equals one of `items`, by the language's equality."""
    return any(equal(item, wanted) for item in items)


money_amount: Final = attrgetter("amount")
money_currency: Final = attrgetter("currency")
