"""Functions on numbers and money. Halves are rounded away from zero; decimals stay exact."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from fieldstone.rules.expressions.arithmetic import in_range, same_currency
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.rules.expressions.functions.definition import Function, Overload, overload
from fieldstone.rules.expressions.types import (
    DATE,
    DECIMAL,
    DOUBLE,
    DURATION,
    INT,
    MONEY,
    STRING,
    TIME,
    TIMESTAMP,
    Type,
    list_of,
)
from fieldstone.rules.expressions.values import DECIMALS, Money

_FAMILY = "numbers"
_MAX_PLACES = 37
_COMPARABLE: tuple[Type, ...] = (INT, DECIMAL, DOUBLE, STRING, DATE, TIMESTAMP, TIME, DURATION)


def _absolute_int(value: int) -> int:
    return in_range(abs(value))


def _absolute_money(value: Money) -> Money:
    return Money(value.amount.copy_abs(), value.currency)


def _to_places(value: Decimal, places: int, rounding: str) -> Decimal:
    if not -_MAX_PLACES <= places <= _MAX_PLACES:
        raise EvaluationError("A number can be rounded to at most {limit} places.", limit=_MAX_PLACES)
    if _exponent(value) >= -places:
        return value
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=rounding, context=DECIMALS)
    return rounded if places >= 0 else Decimal(format(rounded, "f"))


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _round(value: Decimal, places: int = 0) -> Decimal:
    return _to_places(value, places, ROUND_HALF_UP)


def _round_money(value: Money, places: int = 2) -> Money:
    return Money(_round(value.amount, places), value.currency)


def _round_double(value: float, places: int = 0) -> float:
    return float(_round(Decimal(repr(value)), places)) if math.isfinite(value) else value


def _floor(value: Decimal) -> Decimal:
    return _to_places(value, 0, ROUND_FLOOR)


def _ceil(value: Decimal) -> Decimal:
    return _to_places(value, 0, ROUND_CEILING)


def _whole_double(rounded: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: float(rounded(value)) if math.isfinite(value) else value


def _on_money(calculate: Callable[[Decimal], Decimal]) -> Callable[[Money], Money]:
    return lambda value: Money(calculate(value.amount), value.currency)


def _same(value: int) -> int:
    return value


def _extreme_of(choose: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: choose(values)


def _extreme_in(choose: Callable[..., Any]) -> Callable[[Sequence[Any]], Any]:
    return lambda values: choose((value for value in values if value is not None), default=None)


def _extreme_money(choose: Callable[..., Any]) -> Callable[[Sequence[Money | None]], Money | None]:
    def chosen(values: Sequence[Money | None]) -> Money | None:
        present = [value for value in values if value is not None]
        for value in present[1:]:
            same_currency(present[0], value)
        best: Money | None = choose(present, key=operator.attrgetter("amount"), default=None)
        return best

    return chosen


def _extremes(choose: Callable[..., Any], sql: str) -> tuple[Overload, ...]:
    of_money = _extreme_money(choose)
    return (
        *(overload(each, to=each, rest=each, by=_extreme_of(choose), sql=sql) for each in _COMPARABLE),
        overload(MONEY, to=MONEY, rest=MONEY, by=lambda *values: of_money(values)),
        *(overload(list_of(each), to=each, by=_extreme_in(choose)) for each in _COMPARABLE),
        overload(list_of(MONEY), to=MONEY, by=of_money),
    )


NUMBERS: tuple[Function, ...] = (
    Function(
        name="abs",
        family=_FAMILY,
        summary="The number without its sign.",
        example="abs(-4)",
        gives="4",
        overloads=(
            overload(INT, to=INT, by=_absolute_int, sql="abs"),
            overload(DECIMAL, to=DECIMAL, by=Decimal.copy_abs, sql="abs"),
            overload(DOUBLE, to=DOUBLE, by=abs, sql="abs"),
            overload(MONEY, to=MONEY, by=_absolute_money),
        ),
    ),
    Function(
        name="round",
        family=_FAMILY,
        summary="The number rounded to so many decimal places (0 if not given, 2 for money); halves away from zero.",
        example="round(2.345, 2)",
        gives="2.35",
        overloads=(
            overload(INT, to=INT, by=_same, sql="round"),
            overload(DECIMAL, to=DECIMAL, by=_round, sql="round"),
            overload(DECIMAL, INT, to=DECIMAL, by=_round, sql="round"),
            overload(DOUBLE, to=DOUBLE, by=_round_double),
            overload(DOUBLE, INT, to=DOUBLE, by=_round_double),
            overload(MONEY, to=MONEY, by=_round_money),
            overload(MONEY, INT, to=MONEY, by=_round_money),
        ),
    ),
    Function(
        name="floor",
        family=_FAMILY,
        summary="The nearest whole number that is not larger.",
        example="floor(-2.5)",
        gives="-3.0",
        overloads=(
            overload(INT, to=INT, by=_same, sql="floor"),
            overload(DECIMAL, to=DECIMAL, by=_floor, sql="floor"),
            overload(DOUBLE, to=DOUBLE, by=_whole_double(math.floor), sql="floor"),
            overload(MONEY, to=MONEY, by=_on_money(_floor)),
        ),
    ),
    Function(
        name="ceil",
        family=_FAMILY,
        summary="The nearest whole number that is not smaller.",
        example="ceil(2.1)",
        gives="3.0",
        overloads=(
            overload(INT, to=INT, by=_same, sql="ceil"),
            overload(DECIMAL, to=DECIMAL, by=_ceil, sql="ceil"),
            overload(DOUBLE, to=DOUBLE, by=_whole_double(math.ceil), sql="ceil"),
            overload(MONEY, to=MONEY, by=_on_money(_ceil)),
        ),
    ),
    Function(
        name="min",
        family=_FAMILY,
        summary="The smallest of the arguments (null when one is null), or of a list (null elements are left out).",
        example="min(3, 1, 2)",
        gives="1",
        overloads=_extremes(min, "min"),
    ),
    Function(
        name="max",
        family=_FAMILY,
        summary="The largest of the arguments (null when one is null), or of a list (null elements are left out).",
        example="max([3, 1, 2])",
        gives="3",
        overloads=_extremes(max, "max"),
    ),
)
