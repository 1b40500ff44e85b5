"""JSON scalars as values of expression types.

What comes in: a value from a definition and the type it must have. What goes out: the Python value, exact. Who calls
it: decision tables (cells) and approval processes (bounds).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from fieldstone.platform.kernel.metadata import MetadataError
from fieldstone.rules.expressions.types import BOOL, DATE, DECIMAL, INT, STRING, TIME, TIMESTAMP, Type

ORDERED: Final = frozenset({INT, DECIMAL, DATE, TIME, TIMESTAMP})
"""Types whose values have ranges in decision tables."""


def exact(value: Any) -> Decimal:
    """An exact decimal from its text, or from a JSON number. Raises `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(value)
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise ValueError(value) from error
    if not number.is_finite():
        raise ValueError(value)
    return number


def _whole(value: Any) -> int:
    number = exact(value)
    if number != number.to_integral_value():
        raise ValueError(value)
    return int(number)


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_string(value))
    if moment.tzinfo is None:
        raise ValueError(value)
    return moment.astimezone(UTC)


_READERS: Mapping[Type, Callable[[Any], Hashable]] = {
    BOOL: _truth,
    INT: _whole,
    DECIMAL: exact,
    STRING: _string,
    DATE: lambda value: date.fromisoformat(_string(value)),
    TIME: lambda value: time.fromisoformat(_string(value)),
    TIMESTAMP: _moment,
}


def scalar(value: Any, kind: Type, path: str) -> Hashable:
    """The Python value. Raises `MetadataError` at `path` when `value` is no `kind`, or no scalar can be one."""
    if value is None:
        return None
    reader = _READERS.get(kind)
    if reader is None:
        raise MetadataError(
            "Values of type {type} cannot be compared here.", path=path, code="no_scalar", type=str(kind)
        )
    try:
        return reader(value)
    except ValueError as error:
        raise MetadataError(
            "{value} is not a value of type {type}.", path=path, code="wrong_scalar", value=str(value), type=str(kind)
        ) from error
