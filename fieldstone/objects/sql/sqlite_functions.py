"""Functions that SQLite lacks, in Python, so that both databases answer alike.

What goes out: `FUNCTIONS`, which `Databases` registers on every SQLite connection (`app.py` hands them over). They take
and give text, numbers or
None, never raise for bad values (the answer is then None), and are the language's own arithmetic, so that a filter on
SQLite decides as the same expression does in Python.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.sqlite import pysqlite

from fieldstone.platform.database.server import SqliteFunction
from fieldstone.platform.database.types import ExactDecimal, moment_text
from fieldstone.rules.expressions.arithmetic import (
    decimal_add,
    decimal_divide,
    decimal_multiply,
    decimal_remainder,
    decimal_subtract,
)
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.rules.expressions.values import DECIMALS, INT_MAX, INT_MIN

_SQLITE = pysqlite.dialect()


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


def _add_months(day: str | None, months: int | None) -> str | None:
    if day is None or months is None:
        return None
    start = date.fromisoformat(day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1])).isoformat()


def _local(moment: str | None, zone: str) -> str | None:
    """The wall clock of a moment, as the date functions of SQLite read it."""
    if moment is None:
        return None
    try:
        local = datetime.fromisoformat(moment).astimezone(ZoneInfo(zone))
    except OverflowError:
        return None
    return local.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def _midnight(day: str | None, zone: str) -> str | None:
    if day is None:
        return None
    try:
        return moment_text(datetime.combine(date.fromisoformat(day), time(), ZoneInfo(zone)))
    except OverflowError:
        return None


def _int(value: str | None) -> int | None:
    whole = None if value is None else int(Decimal(value))
    return whole if whole is not None and INT_MIN <= whole <= INT_MAX else None


def _double(value: str | None) -> float | None:
    return None if value is None else float(value)


def _sortable(text: str | None, precision: int, scale: int) -> str | None:
    """The digits of a decimal that a column keeps as sortable text."""
    if text is None:
        return None
    value = ExactDecimal(precision, scale).process_result_value(text, _SQLITE)
    return format(value, "f")


FUNCTIONS: tuple[SqliteFunction, ...] = (
    SqliteFunction("fs_decimal", 2, _decimal),
    SqliteFunction("fs_add", 2, _binary(decimal_add)),
    SqliteFunction("fs_subtract", 2, _binary(decimal_subtract)),
    SqliteFunction("fs_multiply", 2, _binary(decimal_multiply)),
    SqliteFunction("fs_divide", 2, _binary(decimal_divide)),
    SqliteFunction("fs_remainder", 2, _binary(decimal_remainder)),
    SqliteFunction("fs_compare", 2, _compare),
    SqliteFunction("fs_same", 2, _same),
    SqliteFunction("fs_least", 2, _binary(min)),
    SqliteFunction("fs_greatest", 2, _binary(max)),
    SqliteFunction("fs_absolute", 1, _absolute),
    SqliteFunction("fs_round", 2, _rounding(ROUND_HALF_UP)),
    SqliteFunction("fs_floor", 1, _rounding(ROUND_FLOOR)),
    SqliteFunction("fs_ceil", 1, _rounding(ROUND_CEILING)),
    SqliteFunction("fs_lower", 1, _text(str.lower)),
    SqliteFunction("fs_upper", 1, _text(str.upper)),
    SqliteFunction("fs_trim", 1, _text(str.strip)),
    SqliteFunction("fs_find", 2, _found),
    SqliteFunction("fs_replace", 3, _replace),
    SqliteFunction("fs_part", 3, _part),
    SqliteFunction("fs_move", 2, _moved),
    SqliteFunction("fs_micros", 2, _micros_between),
    SqliteFunction("fs_days", 2, _days_between),
    SqliteFunction("fs_add_months", 2, _add_months),
    SqliteFunction("fs_local", 2, _local),
    SqliteFunction("fs_midnight", 2, _midnight),
    SqliteFunction("fs_int", 1, _int),
    SqliteFunction("fs_double", 1, _double),
    SqliteFunction("fs_sortable", 3, _sortable),
)
