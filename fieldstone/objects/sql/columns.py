"""Fields as terms: the columns that keep a field, as the compiler calculates with them.

What comes in: a compiled field and the table (or alias) of its object. What goes out: a `Term`. Who calls it: rows.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from fieldstone.objects.sql.terms import MAX_DIGITS, Sql, Term, unsupported
from fieldstone.objects.types import Field
from fieldstone.platform.database.types import ExactDecimal
from fieldstone.platform.kernel.context import DialectName
from fieldstone.rules.expressions.types import DECIMAL, MONEY, Type

_NEVER_EMPTY = frozenset({"id", "revision", "created_at", "updated_at"})


def term_of(field: Field, table: sa.FromClause, dialect: DialectName) -> Term:
    """The value of a field of a row. Raises `NotInSql` for values that no column keeps."""
    if not field.stored:
        raise unsupported(f"the field {field.name}, which is worked out when it is read")
    kind = field.type.expression_type()
    columns = [table.c[name] for name in field.column_names]
    filled = field.system and field.name in _NEVER_EMPTY
    if kind == MONEY:
        return decimal(columns[0], kind, dialect, currency=columns[1])
    if kind == DECIMAL:
        return decimal(columns[0], kind, dialect)
    if len(columns) > 1:
        return Term(sql=sa.func.coalesce(*columns), type=kind)
    return Term(sql=columns[0], type=kind, filled=filled, digits=16)


def part_of(field: Field, name: str, table: sa.FromClause, dialect: DialectName) -> Term:
    """A part of a value (`address.city`). Raises `NotInSql`."""
    found = field.type.members().get(name) if field.stored else None
    if found is None:
        raise unsupported(f".{name} of the field {field.name}")
    kind, suffix = found
    wanted = f"__{suffix}" if suffix else ""
    column = next((c for c in field.column_names if c == f"{field.physical}{wanted}"), None)
    if column is None:
        raise unsupported(f".{name} of the field {field.name}")
    if kind == DECIMAL:
        return decimal(table.c[column], kind, dialect)
    return Term(sql=table.c[column], type=kind, digits=16)


def decimal(column: sa.ColumnElement[Any], kind: Type, dialect: DialectName, currency: Sql | None = None) -> Term:
    """A decimal column as the database calculates with it."""
    if dialect == "postgresql":
        return Term(sql=sa.type_coerce(column, sa.Numeric()), type=kind, currency=currency)
    declared = column.type
    if not isinstance(declared, ExactDecimal):
        raise unsupported("this decimal")
    if declared.precision > MAX_DIGITS:
        digits = sa.func.fs_sortable(sa.type_coerce(column, sa.Text()), declared.precision, declared.scale)
        return Term(sql=digits, type=kind, exact=True, currency=currency)
    number = sa.type_coerce(column, sa.BigInteger())
    return Term(sql=number, type=kind, scale=declared.scale, digits=declared.precision, currency=currency)
