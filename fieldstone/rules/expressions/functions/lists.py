"""Functions on lists. Null elements are left out of sums, averages and extremes, as in SQL."""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

from fieldstone.rules.expressions.arithmetic import (
    decimal_add,
    decimal_divide,
    duration_add,
    in_range,
    money_add,
    money_divide,
    same_currency,
)
from fieldstone.rules.expressions.functions.definition import Function, Overload, overload
from fieldstone.rules.expressions.operators import ORDERED
from fieldstone.rules.expressions.types import DECIMAL, DOUBLE, DURATION, DYN, INT, MONEY, T, list_of
from fieldstone.rules.expressions.values import Money, key_of

_FAMILY = "lists"
_ANY = list_of(T)


def _present(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def _sum_with(add: Callable[[Any, Any], Any], nothing: Any) -> Callable[[Sequence[Any]], Any]:
    return lambda values: reduce(add, _present(values), nothing)


def _sum_int(values: Sequence[int | None]) -> int:
    return in_range(sum(_present(values)))


def _sum_money(values: Sequence[Money | None]) -> Money | None:
    present = _present(values)
    return reduce(money_add, present) if present else None


def _average(values: Sequence[Any]) -> Decimal | None:
    present = _present(values)
    return decimal_divide(reduce(decimal_add, map(Decimal, present)), Decimal(len(present))) if present else None


def _average_double(values: Sequence[float | None]) -> float | None:
    present = _present(values)
    return sum(present) / len(present) if present else None


def _average_money(values: Sequence[Money | None]) -> Money | None:
    total = _sum_money(values)
    return None if total is None else money_divide(total, Decimal(len(_present(values))))


def _first(values: Sequence[Any]) -> Any:
    return values[0] if values else None


def _last(values: Sequence[Any]) -> Any:
    return values[-1] if values else None


def identity(value: Any) -> Hashable:
    """Something hashable that is equal for equal values of the language."""
    if isinstance(value, list | tuple):
        return ("list", tuple(map(identity, value)))
    if isinstance(value, Mapping):
        return ("map", frozenset((key, identity(item)) for key, item in value.items()))
    hashable: Hashable = key_of(value)
    return hashable


def _distinct(values: Sequence[Any]) -> list[Any]:
    found: dict[Hashable, Any] = {}
    for value in values:
        found.setdefault(identity(value), value)
    return list(found.values())


def _reverse(values: Sequence[Any]) -> list[Any]:
    return list(reversed(values))


def _sort(values: Sequence[Any]) -> list[Any]:
    present = _present(values)
    return sorted(present) + [None] * (len(values) - len(present))


def _sort_money(values: Sequence[Money | None]) -> list[Money | None]:
    present = _present(values)
    for value in present[1:]:
        same_currency(present[0], value)
    return [*sorted(present, key=operator.attrgetter("amount")), *[None] * (len(values) - len(present))]


def _sorts() -> tuple[Overload, ...]:
    of_money = overload(list_of(MONEY), to=list_of(MONEY), by=_sort_money)
    return (*(overload(list_of(each), to=list_of(each), by=_sort) for each in ORDERED), of_money)


LISTS: tuple[Function, ...] = (
    Function(
        name="sum",
        family=_FAMILY,
        summary="The sum of a list: 0 when it is empty, null for money then; money must be in one currency.",
        example="sum([1, 2, 3])",
        gives="6",
        overloads=(
            overload(list_of(INT), to=INT, by=_sum_int, sql="sum"),
            overload(list_of(DECIMAL), to=DECIMAL, by=_sum_with(decimal_add, Decimal(0)), sql="sum"),
            overload(list_of(DOUBLE), to=DOUBLE, by=_sum_with(operator.add, 0.0), sql="sum"),
            overload(list_of(MONEY), to=MONEY, by=_sum_money),
            overload(list_of(DURATION), to=DURATION, by=_sum_with(duration_add, timedelta())),
        ),
    ),
    Function(
        name="avg",
        family=_FAMILY,
        summary="The average of a list, null when it is empty.",
        example="avg([1, 2])",
        gives="1.5",
        overloads=(
            overload(list_of(INT), to=DECIMAL, by=_average, sql="avg"),
            overload(list_of(DECIMAL), to=DECIMAL, by=_average, sql="avg"),
            overload(list_of(DOUBLE), to=DOUBLE, by=_average_double, sql="avg"),
            overload(list_of(MONEY), to=MONEY, by=_average_money),
        ),
    ),
    Function(
        name="first",
        family=_FAMILY,
        summary="The first element, null when the list is empty.",
        example="first(['a', 'b'])",
        gives="'a'",
        overloads=(overload(_ANY, to=T, by=_first),),
    ),
    Function(
        name="last",
        family=_FAMILY,
        summary="The last element, null when the list is empty.",
        example="last(['a', 'b'])",
        gives="'b'",
        overloads=(overload(_ANY, to=T, by=_last),),
    ),
    Function(
        name="distinct",
        family=_FAMILY,
        summary="The list with each value once, where it stands first.",
        example="distinct([1, 2, 1])",
        gives="[1, 2]",
        overloads=(overload(_ANY, to=_ANY, by=_distinct), overload(list_of(DYN), to=list_of(DYN), by=_distinct)),
    ),
    Function(
        name="reverse",
        family=_FAMILY,
        summary="The list from its last element to its first.",
        example="reverse([1, 2])",
        gives="[2, 1]",
        overloads=(overload(_ANY, to=_ANY, by=_reverse),),
    ),
    Function(
        name="sort",
        family=_FAMILY,
        summary="The list in ascending order, null elements last.",
        example="sort([3, 1, 2])",
        gives="[1, 2, 3]",
        overloads=_sorts(),
    ),
)
