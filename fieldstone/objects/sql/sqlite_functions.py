"""Functions that SQLite lacks, in Python, so that both databases answer alike.

What goes out: `FUNCTIONS`, which whoever opens a SQLite connection registers on it. They take and give text, numbers or
None, never raise for bad values (the answer is then None), and are the language's own arithmetic, so that a filter on
SQLite decides as the same expression does in Python.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from fieldstone.rules.expressions.arithmetic import (
    decimal_add,
    decimal_divide,
    decimal_multiply,
    decimal_remainder,
    decimal_subtract,
)
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.rules.expressions.values import DECIMALS


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteFunction:
    """One function: its name in SQL, how many arguments it takes, and what it does with them."""

    name: str
    arguments: int
    call: Callable[..., Any]


def register(connection: sqlite3.Connection) -> None:
    """Make all functions known to a connection."""
    for function in FUNCTIONS:
        connection.create_function(function.name, function.arguments, function.call, deterministic=True)


def _decimal(units: int | None, scale: int) -> str | None:
    return None if units is None else format(Decimal(units).scaleb(-scale, DECIMALS), "f")


def _binary(calculate: Callable[[Decimal, Decimal], Decimal | None]) -> Callable[[Any, Any], str | None]:
    def calculated(left: Any, right: Any) -> str | None:
        if left is None or right is None:
            return None
        try:
            result = calculate(Decimal(left), Decimal(right))
        except EvaluationError:
            return None
        return None if result is None else format(result, "f")

    return calculated


def _compare(left: str | None, right: str | None) -> int | None:
    if left is None or right is None:
        return None
    one, other = Decimal(left), Decimal(right)
    return (one > other) - (one < other)


def _same(left: str | None, right: str | None) -> int:
    if left is None or right is None:
        return int(left is None and right is None)
    return int(Decimal(left) == Decimal(right))


def _absolute(value: str | None) -> str | None:
    return None if value is None else format(Decimal(value).copy_abs(), "f")


def _rounding(rounding: str) -> Callable[..., str | None]:
    def rounded(value: str | None, places: int | None = 0) -> str | None:
        if value is None or places is None:
            return None
        try:
            unit = Decimal(1).scaleb(-max(-37, min(37, places)))
            return format(Decimal(value).quantize(unit, rounding=rounding, context=DECIMALS), "f")
        except InvalidOperation:
            return value

    return rounded


def _text(change: Callable[[str], str]) -> Callable[[Any], str | None]:
    return lambda value: None if value is None else change(str(value))


def _found(text: str | None, wanted: str | None) -> int | None:
    return None if text is None or wanted is None else text.find(wanted)


def _replace(text: str | None, old: str | None, new: str | None) -> str | None:
    return None if text is None or old is None or new is None else text.replace(old, new)


def _part(text: str | None, start: int | None, end: int | None) -> str | None:
    return None if text is None or start is None or end is None else text[max(start, 0) : max(end, 0)]


def _moved(moment: str | None, micros: int | None) -> str | None:
    if moment is None or micros is None:
        return None
    try:
        return moment_text(datetime.fromisoformat(moment) + timedelta(microseconds=micros))
    except (OverflowError, ValueError):
        return None


def _micros_between(left: str | None, right: str | None) -> int | None:
    if left is None or right is None:
        return None
    return (datetime.fromisoformat(left) - datetime.fromisoformat(right)) // timedelta(microseconds=1)


def _days_between(left: str | None, right: str | None) -> int | None:
    if left is None or right is None:
        return None
    return (date.fromisoformat(left) - date.fromisoformat(right)).days


def moment_text(moment: datetime) -> str:
    """A moment as the database keeps it."""
    return moment.isoformat()


FUNCTIONS: tuple[SqliteFunction, ...] = (
    SqliteFunction(name="fs_decimal", arguments=2, call=_decimal),
    SqliteFunction(name="fs_add", arguments=2, call=_binary(decimal_add)),
    SqliteFunction(name="fs_subtract", arguments=2, call=_binary(decimal_subtract)),
    SqliteFunction(name="fs_multiply", arguments=2, call=_binary(decimal_multiply)),
    SqliteFunction(name="fs_divide", arguments=2, call=_binary(decimal_divide)),
    SqliteFunction(name="fs_remainder", arguments=2, call=_binary(decimal_remainder)),
    SqliteFunction(name="fs_compare", arguments=2, call=_compare),
    SqliteFunction(name="fs_same", arguments=2, call=_same),
    SqliteFunction(name="fs_absolute", arguments=1, call=_absolute),
    SqliteFunction(name="fs_round", arguments=2, call=_rounding(ROUND_HALF_UP)),
    SqliteFunction(name="fs_floor", arguments=1, call=_rounding(ROUND_FLOOR)),
    SqliteFunction(name="fs_ceil", arguments=1, call=_rounding(ROUND_CEILING)),
    SqliteFunction(name="fs_lower", arguments=1, call=_text(str.lower)),
    SqliteFunction(name="fs_upper", arguments=1, call=_text(str.upper)),
    SqliteFunction(name="fs_trim", arguments=1, call=_text(str.strip)),
    SqliteFunction(name="fs_find", arguments=2, call=_found),
    SqliteFunction(name="fs_replace", arguments=3, call=_replace),
    SqliteFunction(name="fs_part", arguments=3, call=_part),
    SqliteFunction(name="fs_move", arguments=2, call=_moved),
    SqliteFunction(name="fs_micros", arguments=2, call=_micros_between),
    SqliteFunction(name="fs_days", arguments=2, call=_days_between),
)
