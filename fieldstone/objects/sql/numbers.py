"""Decimal arithmetic in SQL: what both databases must be able to do, and how PostgreSQL does it.

What comes in: decimal terms. What goes out: decimal terms and conditions that agree with the language's own
arithmetic (38 digits, halves away from zero) row by row; a zero divisor gives null. Who calls it: the compiler.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Literal, Protocol, TypeAlias

import sqlalchemy as sa

from fieldstone.objects.sql.terms import Condition, Constant, Sql, Term, different, same
from fieldstone.rules.expressions.types import DECIMAL

Order: TypeAlias = Literal["<", "<=", ">", ">="]

ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
MIRRORED: dict[Order, Order] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Numbers(Protocol):
    """How a database calculates with decimals."""

    def given(self, value: Decimal | None) -> Term:
        """A constant."""
        ...

    def of_int(self, term: Term) -> Term:
        """A whole number as a decimal."""
        ...

    def add(self, left: Term, right: Term) -> Term: ...

    def subtract(self, left: Term, right: Term) -> Term: ...

    def multiply(self, left: Term, right: Term) -> Term: ...

    def divide(self, left: Term, right: Term) -> Term: ...

    def remainder(self, left: Term, right: Term) -> Term: ...

    def negate(self, term: Term) -> Term: ...

    def absolute(self, term: Term) -> Term: ...

    def rounded(self, term: Term, places: Sql) -> Term:
        """Rounded to that many places, halves away from zero."""
        ...

    def whole(self, term: Term, direction: Literal["floor", "ceil"]) -> Term: ...

    def order(self, symbol: Order, left: Term, right: Term) -> Condition: ...

    def same(self, left: Term, right: Term, *, filled: bool) -> Condition: ...

    def different(self, left: Term, right: Term, *, filled: bool) -> Condition: ...

    def alike(self, terms: Sequence[Term]) -> list[Term]:
        """The terms in one common form, for CASE, COALESCE and the like."""
        ...


class PostgresNumbers:
    """`NUMERIC` is exact and long enough; only the precision of quotients has to be asked for."""

    def given(self, value: Decimal | None) -> Term:
        """See `Numbers`."""
        sql = sa.literal(value, sa.Numeric())
        return Term(sql=sql, type=DECIMAL, filled=value is not None, constant=Constant(value=value))

    def of_int(self, term: Term) -> Term:
        """See `Numbers`."""
        return Term(sql=sa.cast(term.sql, sa.Numeric()), type=DECIMAL, filled=term.filled)

    def add(self, left: Term, right: Term) -> Term:
        """See `Numbers`."""
        return left.of(left.sql + right.sql, filled=left.filled and right.filled)

    def subtract(self, left: Term, right: Term) -> Term:
        """See `Numbers`."""
        return left.of(left.sql - right.sql, filled=left.filled and right.filled)

    def multiply(self, left: Term, right: Term) -> Term:
        """See `Numbers`."""
        return left.of(left.sql * right.sql, filled=left.filled and right.filled)

    def divide(self, left: Term, right: Term) -> Term:
        """See `Numbers`. Rounding the dividend to 40 places is what makes the quotient have them."""
        return left.of(sa.func.round(left.sql, 40) / sa.func.nullif(right.sql, 0), filled=False)

    def remainder(self, left: Term, right: Term) -> Term:
        """See `Numbers`."""
        return left.of(sa.func.mod(left.sql, sa.func.nullif(right.sql, 0)), filled=False)

    def negate(self, term: Term) -> Term:
        """See `Numbers`."""
        return term.of(-term.sql)

    def absolute(self, term: Term) -> Term:
        """See `Numbers`."""
        return term.of(sa.func.abs(term.sql))

    def rounded(self, term: Term, places: Sql) -> Term:
        """See `Numbers`."""
        return term.of(sa.func.round(term.sql, sa.cast(places, sa.Integer())), filled=False)

    def whole(self, term: Term, direction: Literal["floor", "ceil"]) -> Term:
        """See `Numbers`."""
        return term.of(sa.func.floor(term.sql) if direction == "floor" else sa.func.ceil(term.sql))

    def order(self, symbol: Order, left: Term, right: Term) -> Condition:
        """See `Numbers`."""
        condition: Condition = ORDERS[symbol](left.sql, right.sql)
        return condition

    def same(self, left: Term, right: Term, *, filled: bool) -> Condition:
        """See `Numbers`."""
        return same(left.sql, right.sql, filled=filled)

    def different(self, left: Term, right: Term, *, filled: bool) -> Condition:
        """See `Numbers`."""
        return different(left.sql, right.sql, filled=filled)

    def alike(self, terms: Sequence[Term]) -> list[Term]:
        """See `Numbers`."""
        return list(terms)
