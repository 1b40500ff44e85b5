"""Arithmetic and order of the language, one plain function per operator and type.

What comes in: values of the stated types, never null. What goes out: a value, or `EvaluationError` when the result
is out of range; a zero divisor gives None, which the dialect makes null or an error. Who calls it: the table in
`operators`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, DecimalException
from typing import Any

from fieldstone.rules.expressions.errors import BudgetExceeded, EvaluationError
from fieldstone.rules.expressions.values import (
    DECIMALS,
    DURATION_MAX,
    INT_MAX,
    INT_MIN,
    UINT_MAX,
    Money,
    UInt,
    compare_numbers,
)

MAX_TEXT = 1_000_000
"""Characters, bytes or elements in one value made by an expression."""


def int_add(left: int, right: int) -> int:
    """Raises when the sum does not fit 64 bits."""
    return in_range(left + right)


def int_subtract(left: int, right: int) -> int:
    """Raises when the difference does not fit 64 bits."""
    return in_range(left - right)


def int_multiply(left: int, right: int) -> int:
    """Raises when the product does not fit 64 bits."""
    return in_range(left * right)


def int_divide(left: int, right: int) -> int | None:
    """Towards zero; None when `right` is zero."""
    if right == 0:
        return None
    quotient = abs(left) // abs(right)
    return in_range(quotient if (left < 0) == (right < 0) else -quotient)


def int_remainder(left: int, right: int) -> int | None:
    """With the sign of `left`; None when `right` is zero."""
    if right == 0:
        return None
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


def int_negate(value: int) -> int:
    """Raises for the smallest int."""
    return in_range(-value)


def in_range(value: int) -> int:
    """`value` if it fits 64 bits with a sign, otherwise `EvaluationError`."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise EvaluationError("A whole number is larger than 64 bits hold.", code="overflow")


def unsigned(value: int) -> UInt:
    """`value` as uint if it fits 64 bits, otherwise `EvaluationError`."""
    if 0 <= value <= UINT_MAX:
        return UInt(value)
    raise EvaluationError("An unsigned number is negative or larger than 64 bits hold.", code="overflow")


def uint_add(left: int, right: int) -> UInt:
    """Raises when out of range."""
    return unsigned(int(left) + int(right))


def uint_subtract(left: int, right: int) -> UInt:
    """Raises when negative."""
    return unsigned(int(left) - int(right))


def uint_multiply(left: int, right: int) -> UInt:
    """Raises when out of range."""
    return unsigned(int(left) * int(right))


def uint_divide(left: int, right: int) -> UInt | None:
    """None when `right` is zero."""
    return UInt(int(left) // int(right)) if right else None


def uint_remainder(left: int, right: int) -> UInt | None:
    """None when `right` is zero."""
    return UInt(int(left) % int(right)) if right else None


def double_divide(left: float, right: float) -> float:
    """As IEEE 754 says: infinite or not a number when `right` is zero."""
    if right:
        return left / right
    return left * float("inf") * (1.0 if str(right)[0] != "-" else -1.0) if left == left and left else float("nan")


def _exact(operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Decimal, Decimal], Decimal]:
    def calculated(left: Decimal, right: Decimal) -> Decimal:
        try:
            return operation(left, right)
        except DecimalException:
            raise EvaluationError("A decimal number is too large.", code="overflow") from None

    return calculated


decimal_add = _exact(DECIMALS.add)
decimal_subtract = _exact(DECIMALS.subtract)
decimal_multiply = _exact(DECIMALS.multiply)
_quotient = _exact(DECIMALS.divide)
_remainder = _exact(DECIMALS.remainder)


def decimal_divide(left: Decimal, right: Decimal) -> Decimal | None:
    """Rounded to 38 digits where it does not end; None when `right` is zero."""
    return _quotient(left, right) if right else None


def decimal_remainder(left: Decimal, right: Decimal) -> Decimal | None:
    """With the sign of `left`; None when `right` is zero."""
    return _remainder(left, right) if right else None


def decimal_negate(value: Decimal) -> Decimal:
    """Exact; Python's own minus would round to the thread's precision."""
    return value.copy_negate()


def same_currency(left: Money, right: Money) -> None:
    """Raise `EvaluationError` unless both are in one currency."""
    if left.currency != right.currency:
        raise EvaluationError(
            "Amounts in {left} and {right} cannot be taken together.",
            code="other_currency",
            left=left.currency,
            right=right.currency,
        )


def money_add(left: Money, right: Money) -> Money:
    """Raises for different currencies."""
    same_currency(left, right)
    return Money(decimal_add(left.amount, right.amount), left.currency)


def money_subtract(left: Money, right: Money) -> Money:
    """Raises for different currencies."""
    same_currency(left, right)
    return Money(decimal_subtract(left.amount, right.amount), left.currency)


def money_multiply(left: Money, right: Decimal) -> Money:
    """An amount so many times."""
    return Money(decimal_multiply(left.amount, right), left.currency)


def times_money(left: Decimal, right: Money) -> Money:
    """So many times an amount."""
    return money_multiply(right, left)


def money_divide(left: Money, right: Decimal) -> Money | None:
    """Unrounded: use `round` for what is written down. None when `right` is zero."""
    return Money(_quotient(left.amount, right), left.currency) if right else None


def money_ratio(left: Money, right: Money) -> Decimal | None:
    """How many times `right` is in `left`; raises for different currencies, None when `right` is zero."""
    same_currency(left, right)
    return decimal_divide(left.amount, right.amount)


def money_negate(value: Money) -> Money:
    """The amount with the other sign."""
    return Money(decimal_negate(value.amount), value.currency)


def money_order(test: Callable[[Any, Any], bool]) -> Callable[[Money, Money], bool]:
    """An order of amounts that raises for different currencies."""

    def ordered(left: Money, right: Money) -> bool:
        same_currency(left, right)
        return test(left.amount, right.amount)

    return ordered


def number_order(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """An order of numbers of different types, always false beside "not a number"."""

    def ordered(left: Any, right: Any) -> bool:
        order = compare_numbers(left, right)
        return order is not None and test(order, 0)

    return ordered


def join(left: Any, right: Any) -> Any:
    """Texts, bytes or lists one after the other; raises `BudgetExceeded` when that is too long."""
    if len(left) + len(right) > MAX_TEXT:
        raise too_long()
    return left + right


def join_lists(left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    """Two lists as one; raises `BudgetExceeded` when that is too long."""
    if len(left) + len(right) > MAX_TEXT:
        raise too_long()
    return [*left, *right]


def too_long() -> BudgetExceeded:
    """The error for a value that would become too long."""
    return BudgetExceeded("An expression may not make a value longer than {limit}.", limit=MAX_TEXT)


def duration_in_range(duration: timedelta) -> timedelta:
    """`duration` if it is within 10,000 years, otherwise `EvaluationError`."""
    if -DURATION_MAX <= duration <= DURATION_MAX:
        return duration
    raise out_of_time()


def out_of_time() -> EvaluationError:
    """The error for a time beyond the calendar."""
    return EvaluationError("A time or duration is out of range.", code="overflow")


def duration_add(left: timedelta, right: timedelta) -> timedelta:
    """Raises beyond 10,000 years."""
    return duration_in_range(left + right)


def duration_subtract(left: timedelta, right: timedelta) -> timedelta:
    """Raises beyond 10,000 years."""
    return duration_in_range(left - right)


def moment_add(left: datetime, right: timedelta) -> datetime:
    """Raises outside the years 1 to 9999."""
    try:
        return left + right
    except OverflowError:
        raise out_of_time() from None


def add_moment(left: timedelta, right: datetime) -> datetime:
    """Raises outside the years 1 to 9999."""
    return moment_add(right, left)


def moment_subtract(left: datetime, right: timedelta) -> datetime:
    """Raises outside the years 1 to 9999."""
    return moment_add(left, -right)


def moment_difference(left: datetime, right: datetime) -> timedelta:
    """The time from `right` to `left`."""
    return left - right


def date_add(left: date, right: timedelta) -> date:
    """By the whole days of the duration, cut off towards zero; raises outside the years 1 to 9999."""
    days = abs(right).days
    try:
        return left + timedelta(days=days if right > timedelta() else -days)
    except OverflowError:
        raise out_of_time() from None


def add_date(left: timedelta, right: date) -> date:
    """By whole days; raises outside the years 1 to 9999."""
    return date_add(right, left)


def date_subtract(left: date, right: timedelta) -> date:
    """By whole days; raises outside the years 1 to 9999."""
    return date_add(left, -right)


def date_difference(left: date, right: date) -> timedelta:
    """Whole days from `right` to `left`."""
    return left - right
