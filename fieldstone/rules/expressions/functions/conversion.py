"""Conversions between types. What cannot be converted is an evaluation error."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, DecimalException
from typing import Any

from fieldstone.rules.expressions.arithmetic import in_range, unsigned
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.rules.expressions.formats import (
    read_duration,
    read_time,
    read_timestamp,
    write_duration,
    write_timestamp,
)
from fieldstone.rules.expressions.functions.definition import Function, OnNull, overload
from fieldstone.rules.expressions.types import (
    BOOL,
    BYTES,
    DATE,
    DECIMAL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    MONEY,
    STRING,
    TIME,
    TIMESTAMP,
    TYPE,
    UINT,
)
from fieldstone.rules.expressions.values import DECIMALS, Money, TypeName, UInt, kind_of

_FAMILY = "conversion"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INTEGER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d{1,60}\.?\d{0,60}|\.\d{1,60})(?:[eE][+-]?\d{1,4})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_TRUE = frozenset({"1", "t", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "false", "FALSE", "False"})


def _same(value: Any) -> Any:
    return value


def _refused(text: object, wanted: str) -> EvaluationError:
    return EvaluationError(
        "{text} cannot be read as {wanted}.", code="bad_conversion", text=str(text)[:40], wanted=wanted
    )


def _int_from_double(value: float) -> int:
    # The largest double below 2**63 is far from it: CEL refuses both ends of the range.
    if not -(2.0**63) < value < 2.0**63:
        raise _refused(value, "int")
    return int(value)


def _int_from_decimal(value: Decimal) -> int:
    if value.adjusted() > 19:
        raise _refused(value, "int")
    return in_range(int(value))


def _int_from_text(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise _refused(text, "int")
    return in_range(int(text))


def _int_from_moment(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(seconds=1)


def _uint_from_double(value: float) -> UInt:
    if not 0 <= value < 2.0**64:
        raise _refused(value, "uint")
    return UInt(int(value))


def _uint_from_text(text: str) -> UInt:
    if not _INTEGER.fullmatch(text):
        raise _refused(text, "uint")
    return unsigned(int(text))


def _double_from_text(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise _refused(text, "double")
    return float(text)


def _decimal_from_double(value: float) -> Decimal:
    if not math.isfinite(value):
        raise _refused(value, "decimal")
    return Decimal(repr(value))


def read_decimal(text: str) -> Decimal | None:
    """The exact decimal, None when `text` is no number or has more than 38 digits."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        value = DECIMALS.create_decimal(text)
    except DecimalException:
        return None
    return value if value == Decimal(text) else None


def _decimal_from_text(text: str) -> Decimal:
    value = read_decimal(text)
    if value is None:
        raise _refused(text, "decimal")
    return value


def _bool_from_text(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _refused(text, "bool")


def _text_of_bool(value: bool) -> str:
    return "true" if value else "false"


def _text_of_double(value: float) -> str:
    return repr(value).removesuffix(".0")


def _text_of_decimal(value: Decimal) -> str:
    return format(value, "f") if abs(value.adjusted()) < 100 else str(value)


def _text_of_money(value: Money) -> str:
    return f"{_text_of_decimal(value.amount)} {value.currency}"


def _text_of_bytes(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise _refused("bytes", "string") from None


def _moment_from_text(text: str) -> datetime:
    moment = read_timestamp(text)
    if moment is None:
        raise _refused(text, "timestamp")
    return moment


def _moment_from_seconds(seconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise _refused(seconds, "timestamp") from None


def _duration_from_text(text: str) -> timedelta:
    duration = read_duration(text)
    if duration is None:
        raise _refused(text, "duration")
    return duration


def _time_from_text(text: str) -> time:
    clock = read_time(text)
    if clock is None:
        raise _refused(text, "time")
    return clock


def _money_of(amount: Decimal, currency: str) -> Money:
    if not _CURRENCY.fullmatch(currency):
        raise _refused(currency, "currency")
    return Money(amount, currency)


def _type_of(value: object) -> TypeName:
    return TypeName(kind_of(value))


_to_text: Callable[[Any], str] = str

CONVERSION: tuple[Function, ...] = (
    Function(
        name="bool",
        family=_FAMILY,
        summary="A bool from text: `true`, `t`, `1` or `false`, `f`, `0`.",
        example="bool('true')",
        gives="true",
        overloads=(overload(BOOL, to=BOOL, by=_same, sql="same"), overload(STRING, to=BOOL, by=_bool_from_text)),
    ),
    Function(
        name="int",
        family=_FAMILY,
        summary="A whole number: fractions are cut off; of a timestamp the seconds since 1970.",
        example="int(-7.9)",
        gives="-7",
        overloads=(
            overload(INT, to=INT, by=_same, sql="same"),
            overload(UINT, to=INT, by=lambda value: in_range(int(value))),
            overload(DOUBLE, to=INT, by=_int_from_double),
            overload(DECIMAL, to=INT, by=_int_from_decimal, sql="int"),
            overload(STRING, to=INT, by=_int_from_text),
            overload(TIMESTAMP, to=INT, by=_int_from_moment),
        ),
    ),
    Function(
        name="uint",
        family=_FAMILY,
        summary="An unsigned whole number.",
        example="uint(7)",
        gives="7u",
        overloads=(
            overload(UINT, to=UINT, by=_same),
            overload(INT, to=UINT, by=unsigned),
            overload(DOUBLE, to=UINT, by=_uint_from_double),
            overload(DECIMAL, to=UINT, by=lambda value: unsigned(_int_from_decimal(value))),
            overload(STRING, to=UINT, by=_uint_from_text),
        ),
    ),
    Function(
        name="double",
        family=_FAMILY,
        summary="A binary floating point number.",
        example="double('1.5')",
        gives="double(1.5)",
        overloads=(
            overload(DOUBLE, to=DOUBLE, by=_same, sql="same"),
            overload(INT, to=DOUBLE, by=float, sql="double"),
            overload(UINT, to=DOUBLE, by=float),
            overload(DECIMAL, to=DOUBLE, by=float, sql="double"),
            overload(STRING, to=DOUBLE, by=_double_from_text),
        ),
    ),
    Function(
        name="decimal",
        family=_FAMILY,
        summary="An exact decimal number of up to 38 digits.",
        example="decimal('0.10') + 0.2",
        gives="0.3",
        overloads=(
            overload(DECIMAL, to=DECIMAL, by=_same, sql="same"),
            overload(INT, to=DECIMAL, by=Decimal, sql="decimal"),
            overload(UINT, to=DECIMAL, by=Decimal),
            overload(DOUBLE, to=DECIMAL, by=_decimal_from_double),
            overload(STRING, to=DECIMAL, by=_decimal_from_text),
        ),
    ),
    Function(
        name="money",
        family=_FAMILY,
        summary="An amount in a currency, by its three-letter ISO 4217 code.",
        example="money(12.5, 'EUR').amount",
        gives="12.5",
        overloads=(overload(DECIMAL, STRING, to=MONEY, by=_money_of),),
    ),
    Function(
        name="string",
        family=_FAMILY,
        summary="The value as text: dates and times in ISO 8601, durations in seconds, bytes read as UTF-8.",
        example="string(duration('1h'))",
        gives="'3600s'",
        overloads=(
            overload(STRING, to=STRING, by=_same, sql="same"),
            overload(INT, to=STRING, by=_to_text, sql="text"),
            overload(UINT, to=STRING, by=lambda value: str(int(value))),
            overload(DOUBLE, to=STRING, by=_text_of_double),
            overload(DECIMAL, to=STRING, by=_text_of_decimal),
            overload(MONEY, to=STRING, by=_text_of_money),
            overload(BOOL, to=STRING, by=_text_of_bool),
            overload(BYTES, to=STRING, by=_text_of_bytes),
            overload(TIMESTAMP, to=STRING, by=write_timestamp),
            overload(DURATION, to=STRING, by=write_duration),
            overload(DATE, to=STRING, by=date.isoformat, sql="date_text"),
            overload(TIME, to=STRING, by=time.isoformat),
        ),
    ),
    Function(
        name="bytes",
        family=_FAMILY,
        summary="The UTF-8 bytes of a text.",
        example="size(bytes('é'))",
        gives="2",
        overloads=(overload(BYTES, to=BYTES, by=_same), overload(STRING, to=BYTES, by=str.encode)),
    ),
    Function(
        name="timestamp",
        family=_FAMILY,
        summary="A moment from text as in RFC 3339, or from seconds since 1970.",
        example="timestamp('2026-01-31T09:00:00+01:00') == timestamp('2026-01-31T08:00:00Z')",
        gives="true",
        overloads=(
            overload(TIMESTAMP, to=TIMESTAMP, by=_same, sql="same"),
            overload(STRING, to=TIMESTAMP, by=_moment_from_text),
            overload(INT, to=TIMESTAMP, by=_moment_from_seconds),
        ),
    ),
    Function(
        name="duration",
        family=_FAMILY,
        summary="A length of time from text such as `1h30m`, `90s` or `2d` (a day has 24 hours).",
        example="duration('1h30m') == duration('90m')",
        gives="true",
        overloads=(
            overload(DURATION, to=DURATION, by=_same, sql="same"),
            overload(STRING, to=DURATION, by=_duration_from_text),
        ),
    ),
    Function(
        name="time",
        family=_FAMILY,
        summary="A time of day from text such as `09:30`.",
        example="time('09:30') < time('10:00')",
        gives="true",
        overloads=(overload(TIME, to=TIME, by=_same, sql="same"), overload(STRING, to=TIME, by=_time_from_text)),
    ),
    Function(
        name="dyn",
        family=_FAMILY,
        summary="The same value without its type: what may be done with it is found out when it is evaluated.",
        example="dyn(1) == 1.0",
        gives="true",
        overloads=(overload(DYN, to=DYN, by=_same, on_null=OnNull.PASSED_ON),),
    ),
    Function(
        name="type",
        family=_FAMILY,
        summary="The type of a value, to be compared with another's.",
        example="type(1) == type(2)",
        gives="true",
        overloads=(overload(DYN, to=TYPE, by=_type_of, on_null=OnNull.PASSED_ON),),
    ),
)
