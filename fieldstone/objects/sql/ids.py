"""Ids beside texts: to a database a UUID is no text, to the language it is.

What comes in: the two sides of a comparison. What goes out: SQL that compares, and lets an index serve, whatever text
the other side is. Who calls it: the compiler.
"""

from __future__ import annotations

import sqlalchemy as sa

from fieldstone.objects.sql import calls
from fieldstone.objects.sql.binds import AnyId
from fieldstone.objects.sql.terms import Sql, Term
from fieldstone.platform.database.types import Id
from fieldstone.rules.expressions.types import STRING


def is_id(term: Term) -> bool:
    """Whether the values are ids."""
    return isinstance(term.sql.type, Id)


def as_id(term: Term, beside: Term) -> Sql:
    """One side of a comparison in which an id takes part."""
    if is_id(term):
        return term.sql if _alike(beside) else sa.cast(term.sql, sa.Text())
    if isinstance(term.sql, sa.BindParameter):
        if term.constant is not None:
            return sa.literal(term.constant.value, AnyId())
        return sa.bindparam(term.sql.key, type_=AnyId())
    return calls.plain(term)


def _alike(term: Term) -> bool:
    return is_id(term) or isinstance(term.sql, sa.BindParameter)


def id_as_text(term: Term) -> Term:
    """The same values as texts."""
    if not is_id(term) or isinstance(term.sql, sa.BindParameter):
        return term
    return Term(sql=sa.cast(term.sql, sa.Text()), type=STRING, filled=term.filled, constant=term.constant)
