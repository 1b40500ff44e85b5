"""Exact decimal arithmetic on SQLite, which has none.

Whole numbers count units of a power of ten as long as the digits fit 64 bits; beyond that, values become text and are
handled by the functions of `sqlite_functions`. What is compared with a constant never needs that: the constant is
brought to the column's units instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Literal

import sqlalchemy as sa

from fieldstone.objects.sql.numbers import MIRRORED, ORDERS, Order
from fieldstone.objects.sql.terms import MAX_DIGITS, Condition, Constant, Sql, Term, different, never, same
from fieldstone.rules.expressions.types import DECIMAL

_WIDE = Context(prec=200)
_LARGEST = 2**63 - 1


class SqliteNumbers:
    """See the file. The protocol is `numbers.Numbers`."""

    def given(self, value: Decimal | None) -> Term:
        """See `Numbers`."""
        constant = Constant(value=value)
        if value is None:
            return Term(sql=sa.literal(None, sa.BigInteger()), type=DECIMAL, digits=0, constant=constant)
        scale = max(0, -_exponent(value))
        units = _units(value, scale)
        if len(str(abs(units))) > MAX_DIGITS:
            return Term(sql=sa.literal(format(value, "f")), type=DECIMAL, filled=True, exact=True, constant=constant)
        return Term(
            sql=sa.literal(units, sa.BigInteger()),
            type=DECIMAL,
            filled=True,
            scale=scale,
            digits=len(str(abs(units))),
            constant=constant,
        )

    def of_int(self, term: Term) -> Term:
        """See `Numbers`."""
        return Term(sql=term.sql, type=DECIMAL, filled=term.filled, digits=term.digits)

    def add(self, left: Term, right: Term) -> Term:
        """See `Numbers`."""
        return self._sum("+", left, right)

    def subtract(self, left: Term, right: Term) -> Term:
        """See `Numbers`."""
        return self._sum("-", left, right)

    def multiply(self, left: Term, right: Term) -> Term:
        """See `Numbers`."""
        digits = left.digits + right.digits
        filled = left.filled and right.filled
        if left.exact or right.exact or digits > MAX_DIGITS:
            return _exactly("fs_multiply", left, right)
        product = _int(left.sql) * _int(right.sql)
        return left.of(product, scale=left.scale + right.scale, digits=digits, filled=filled)

    def divide(self, left: Term, right: Term) -> Term:
        """See `Numbers`."""
        return _exactly("fs_divide", left, right)

    def remainder(self, left: Term, right: Term) -> Term:
        """See `Numbers`."""
        return _exactly("fs_remainder", left, right)

    def negate(self, term: Term) -> Term:
        """See `Numbers`."""
        if term.exact:
            return term.of(sa.func.fs_subtract("0", term.sql))
        return term.of(-_int(term.sql))

    def absolute(self, term: Term) -> Term:
        """See `Numbers`."""
        return term.of(sa.func.fs_absolute(term.sql) if term.exact else sa.func.abs(term.sql))

    def rounded(self, term: Term, places: Sql) -> Term:
        """See `Numbers`."""
        return _text(term).of(sa.func.fs_round(_text(term).sql, places), filled=False)

    def whole(self, term: Term, direction: Literal["floor", "ceil"]) -> Term:
        """See `Numbers`."""
        function = sa.func.fs_floor if direction == "floor" else sa.func.fs_ceil
        return _text(term).of(function(_text(term).sql))

    def order(self, symbol: Order, left: Term, right: Term) -> Condition:
        """See `Numbers`."""
        if right.constant is not None and not left.exact and right.is_given:
            return _order_constant(symbol, left, right.constant.value)
        if left.constant is not None and not right.exact and left.is_given:
            return _order_constant(MIRRORED[symbol], right, left.constant.value)
        one, other = self.alike((left, right))
        compared = (sa.func.fs_compare(one.sql, other.sql), 0) if one.exact else (_int(one.sql), _int(other.sql))
        condition: Condition = ORDERS[symbol](*compared)
        return condition

    def same(self, left: Term, right: Term, *, filled: bool) -> Condition:
        """See `Numbers`."""
        if left.is_given and not right.is_given:
            left, right = right, left
        if right.constant is not None and right.is_given and not left.exact:
            units = _whole_units(right.constant.value, left.scale)
            return never() if units is None else same(left.sql, sa.literal(units, sa.BigInteger()), filled=filled)
        one, other = self.alike((left, right))
        if one.exact:
            condition: Condition = sa.func.fs_same(one.sql, other.sql) == 1
            return condition
        return same(one.sql, other.sql, filled=filled)

    def different(self, left: Term, right: Term, *, filled: bool) -> Condition:
        """See `Numbers`."""
        if left.is_given and not right.is_given:
            left, right = right, left
        if right.constant is not None and right.is_given and not left.exact:
            units = _whole_units(right.constant.value, left.scale)
            return (
                sa.true() if units is None else different(left.sql, sa.literal(units, sa.BigInteger()), filled=filled)
            )
        one, other = self.alike((left, right))
        if one.exact:
            condition: Condition = sa.func.fs_same(one.sql, other.sql) == 0
            return condition
        return different(one.sql, other.sql, filled=filled)

    def alike(self, terms: Sequence[Term]) -> list[Term]:
        """See `Numbers`."""
        scale = max(term.scale for term in terms)
        digits = max(term.digits + scale - term.scale for term in terms if not term.is_null or term.digits)
        needs_text = any(term.exact for term in terms) or (digits > MAX_DIGITS and len({t.scale for t in terms}) > 1)
        return [_text(term) if needs_text else _scaled(term, scale) for term in terms]

    def _sum(self, symbol: Literal["+", "-"], left: Term, right: Term) -> Term:
        scale = max(left.scale, right.scale)
        digits = 1 + max(left.digits + scale - left.scale, right.digits + scale - right.scale)
        if left.exact or right.exact or digits > MAX_DIGITS:
            return _exactly("fs_add" if symbol == "+" else "fs_subtract", left, right)
        one, other = _int(_scaled(left, scale).sql), _int(_scaled(right, scale).sql)
        filled = left.filled and right.filled
        return left.of(one + other if symbol == "+" else one - other, scale=scale, digits=digits, filled=filled)


def _exactly(function: str, left: Term, right: Term) -> Term:
    sql = getattr(sa.func, function)(_text(left).sql, _text(right).sql)
    return Term(sql=sql, type=DECIMAL, exact=True)


def _text(term: Term) -> Term:
    if term.exact:
        return term
    sql = sa.func.fs_decimal(_int(term.sql), term.scale)
    return Term(sql=sql, type=DECIMAL, exact=True, filled=term.filled, constant=term.constant)


def _scaled(term: Term, scale: int) -> Term:
    if term.scale == scale:
        return term
    if term.is_null:
        return Term(sql=term.sql, type=term.type, scale=scale, digits=0, constant=term.constant)
    factor = sa.literal(10 ** (scale - term.scale), sa.BigInteger())
    return term.of(_int(term.sql) * factor, scale=scale, digits=term.digits + scale - term.scale)


def _int(sql: Sql) -> Sql:
    """The same SQL as a plain whole number, so that no decimal type takes part in what is built with it."""
    return sa.type_coerce(sql, sa.BigInteger())


def _order_constant(symbol: Order, term: Term, value: Decimal) -> Condition:
    exact = value.scaleb(term.scale, _WIDE)
    floor = int(exact.to_integral_value(ROUND_FLOOR))
    whole = exact == floor
    floor = max(-_LARGEST, min(_LARGEST, floor))
    if not whole:
        symbol = "<=" if symbol in ("<", "<=") else ">"
    condition: Condition = ORDERS[symbol](_int(term.sql), sa.literal(floor, sa.BigInteger()))
    return condition


def _whole_units(value: Decimal, scale: int) -> int | None:
    units = value.scaleb(scale, _WIDE)
    whole = units.to_integral_value()
    return int(whole) if whole == units and abs(whole) <= _LARGEST else None


def _units(value: Decimal, scale: int) -> int:
    return int(value.scaleb(scale, _WIDE))


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
