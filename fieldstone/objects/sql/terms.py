"""What a part of an expression has become in SQL.

What goes out: `Term` (a column expression with what is known about its values), `NotInSql`, and null-safe equality.
Who calls it: every file of this package, and scopes, which make terms of columns.

A decimal is `NUMERIC` on PostgreSQL. SQLite has no exact decimals: there a term is a whole number that counts units of
10 to the power -`scale`, with at most `digits` digits, so that it fits 64 bits; where it might not, it is `exact` text,
handled by functions that the connection provides (`sqlite_functions`). Money is two terms, amount and currency.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.platform.kernel.errors import Unreadable
from fieldstone.rules.expressions.types import Type

Sql = sa.ColumnElement[Any]
Condition = sa.ColumnElement[bool]

MAX_DIGITS: Final = 18
"""Digits that surely fit a whole number of 64 bits."""


class NotInSql(Unreadable):
    """A database cannot evaluate {what}."""

    code = "not_in_sql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """The value of a term that is the same for every row; `value` is a Python value of the language."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One value per row. `filled`: it is never null. `exact`: decimal text (SQLite only)."""

    sql: Sql
    type: Type
    filled: bool = False
    scale: int = 0
    digits: int = MAX_DIGITS + 1
    exact: bool = False
    currency: Sql | None = None
    constant: Constant | None = None

    def of(self, sql: Sql, **changes: Any) -> Term:
        """A term of the same kind with other SQL; no constant any more."""
        return replace(self, sql=sql, constant=None, **changes)

    @property
    def is_null(self) -> bool:
        """Whether it is null for every row."""
        return self.constant is not None and self.constant.value is None

    @property
    def is_given(self) -> bool:
        """Whether it is a constant other than null."""
        return self.constant is not None and self.constant.value is not None


def unsupported(what: str) -> NotInSql:
    """The error for something that stays with Python."""
    return NotInSql("A database cannot evaluate {what}.", what=what)


def never() -> Condition:
    """False for every row."""
    return sa.false()


def same(left: Sql, right: Sql, *, filled: bool) -> Condition:
    """Whether both are equal or both null; `filled`: neither can be null, or null may count as unknown."""
    return left == right if filled else left.is_not_distinct_from(right)


def different(left: Sql, right: Sql, *, filled: bool) -> Condition:
    """Whether they differ, null being a value like others; `filled`: neither can be null."""
    return left != right if filled else left.is_distinct_from(right)
