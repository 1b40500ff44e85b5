"""Arithmetic operators in SQL.

What comes in: a checked operator and its sides as terms. What goes out: a term. Who calls it: the compiler.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from fieldstone.objects.sql import calls
from fieldstone.objects.sql.binds import nothing
from fieldstone.objects.sql.terms import Sql, Term, unsupported
from fieldstone.platform.database.types import Day, Micros, UtcDateTime
from fieldstone.rules.expressions.syntax import Binary
from fieldstone.rules.expressions.types import DATE, DECIMAL, DOUBLE, DURATION, INT, MONEY, STRING, TIMESTAMP

_DAY_MICROS = 86_400_000_000


class Calculator:
    """Calculates for one compiler."""

    def __init__(self, around: calls.Surroundings) -> None:
        self._around = around
        self._numbers = around.numbers

    def binary(self, node: Binary, left: Term, right: Term) -> Term:
        """`left operator right`. Raises `NotInSql`."""
        if left.is_null or right.is_null:
            return nothing(node.type, self._numbers)
        if node.type == DECIMAL and left.type == MONEY:
            raise unsupported("money by money")
        if node.type in (DECIMAL, MONEY):
            return self._decimal_arithmetic(node, left, right)
        if node.type == INT:
            return self._int_arithmetic(node.operator, left, right)
        if node.type in (TIMESTAMP, DATE, DURATION):
            return self._time_arithmetic(node, left, right)
        if node.type == STRING:
            sql = calls.plain(left).op("||", return_type=sa.Text())(calls.plain(right))
            return Term(sql=sql, type=STRING, filled=left.filled and right.filled)
        if node.type == DOUBLE and node.operator in ("+", "-", "*"):
            sql = calls.plain(left).op(node.operator, return_type=sa.Double())(calls.plain(right))
            return Term(sql=sql, type=DOUBLE, filled=left.filled and right.filled)
        raise unsupported(f"{left.type} {node.operator} {right.type}")

    def _decimal_arithmetic(self, node: Binary, left: Term, right: Term) -> Term:
        if node.type == MONEY and left.type == MONEY and right.type == MONEY:
            return self._money_sum(node, left, right)
        currency = left.currency if left.currency is not None else right.currency
        one, other = left.of(left.sql, type=DECIMAL, currency=None), right.of(right.sql, type=DECIMAL, currency=None)
        made = self._calculated(node.operator, one, other)
        return made.of(made.sql, type=node.type, currency=currency if node.type == MONEY else None)

    def _money_sum(self, node: Binary, left: Term, right: Term) -> Term:
        if left.currency is None or right.currency is None:
            raise unsupported("a sum of money made by formulas")
        one, other = left.of(left.sql, type=DECIMAL), right.of(right.sql, type=DECIMAL)
        made = self._calculated(node.operator, one, other)
        guarded = sa.case((left.currency == right.currency, made.sql))
        return made.of(guarded, type=MONEY, currency=left.currency, filled=False)

    def _calculated(self, symbol: str, left: Term, right: Term) -> Term:
        match symbol:
            case "+":
                return self._numbers.add(left, right)
            case "-":
                return self._numbers.subtract(left, right)
            case "*":
                return self._numbers.multiply(left, right)
            case "/":
                return self._numbers.divide(left, right)
            case _:
                return self._numbers.remainder(left, right)

    def _int_arithmetic(self, symbol: str, left: Term, right: Term) -> Term:
        one, other = calls.plain(left), calls.plain(right)
        filled = left.filled and right.filled and symbol in "+-*"
        if self._around.postgres:
            # NUMERIC cannot overflow; what does not fit 64 bits is an error in Python and no row of interest.
            one, other = sa.cast(one, sa.Numeric()), sa.cast(other, sa.Numeric())
            divisor = sa.func.nullif(other, 0)
            if symbol in "/%":
                sql: Any = sa.func.div(one, divisor) if symbol == "/" else sa.func.mod(one, divisor)
                return Term(sql=sql, type=INT)
        sql = one.op(symbol, return_type=sa.BigInteger())(other)
        return Term(sql=sa.type_coerce(grouped(sql), sa.BigInteger()), type=INT, filled=filled)

    def _time_arithmetic(self, node: Binary, left: Term, right: Term) -> Term:
        if left.type == DURATION and right.type != DURATION:
            left, right = right, left
        filled = left.filled and right.filled
        one, other = calls.plain(left), calls.plain(right)
        minus = node.operator == "-"
        if left.type == DURATION:
            sql = grouped(_micros(one) - _micros(other) if minus else _micros(one) + _micros(other))
            return Term(sql=sa.type_coerce(sql, Micros()), type=DURATION, filled=filled)
        if node.type == DURATION:
            between = self._micros_between(left, right)
            return Term(sql=sa.type_coerce(between, Micros()), type=DURATION, filled=filled)
        shift = -_micros(other) if minus else _micros(other)
        return Term(sql=self._shifted(left, shift), type=node.type)

    def _micros_between(self, later: Term, earlier: Term) -> Sql:
        if later.type == TIMESTAMP:
            return calls.micros_between(self._around, later, earlier)
        days = calls.call("days_between", INT, [earlier, later], self._around)
        return grouped(sa.type_coerce(days.sql, sa.BigInteger()) * _DAY_MICROS)

    def _shifted(self, moment: Term, micros: Sql) -> Sql:
        at = calls.plain(moment)
        if moment.type == DATE:
            days = Term(sql=grouped(grouped(micros).op("/")(_DAY_MICROS)), type=INT)
            return sa.type_coerce(calls.call("add_days", DATE, [moment, days], self._around).sql, Day())
        if not self._around.postgres:
            return sa.func.fs_move(at, micros, type_=UtcDateTime())
        interval: Sql = sa.literal_column("INTERVAL '1 microsecond'")
        return sa.type_coerce(at.op("+")(grouped(micros).op("*")(interval)), UtcDateTime())


def _micros(sql: Sql) -> Sql:
    """A duration as its microseconds; a bound duration keeps its own conversion."""
    return sql if isinstance(sql, sa.BindParameter) else sa.type_coerce(sql, sa.BigInteger())


def grouped(sql: Sql) -> Sql:
    """The same in parentheses, where that can matter."""
    return sa.sql.elements.Grouping(sql) if not isinstance(sql, sa.Column) else sql
