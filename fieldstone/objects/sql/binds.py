"""Values that are the same for every row, as bound parameters.

What comes in: Python values of the language, or names of parameters that are filled in per call. What goes out: terms.
Who calls it: the compiler, for literals and for parts of an expression that do not look at the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from fieldstone.objects.sql.numbers import Numbers
from fieldstone.objects.sql.terms import Constant, Sql, Term, unsupported
from fieldstone.platform.database.types import Day, Id, Json, Micros, TimeOfDay, UtcDateTime, json_text
from fieldstone.platform.kernel.context import DialectName
from fieldstone.platform.kernel.ids import is_id
from fieldstone.rules.expressions.types import DECIMAL, NULL, Type

NO_RECORD: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"
"""An id that no record has; stands for texts that are no ids."""


class AnyId(Id):
    """An id that may come from anywhere: what is none is bound as one that no record has."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None or is_id(value) else NO_RECORD


_TYPES: Mapping[str, sa.types.TypeEngine[Any]] = MappingProxyType(
    {
        "bool": sa.Boolean(),
        "int": sa.BigInteger(),
        "uint": sa.BigInteger(),
        "double": sa.Double(),
        "string": sa.Text(),
        "timestamp": UtcDateTime(),
        "date": Day(),
        "time": TimeOfDay(),
        "duration": Micros(),
        "null": sa.Text(),
    }
)


def column_type(kind: Type) -> sa.types.TypeEngine[Any]:
    """The column type in which values of a type are bound. Raises `NotInSql`."""
    found = _TYPES.get(kind.name)
    if found is None:
        raise unsupported(f"a value of type {kind}")
    return found


def fixed(value: Any, kind: Type, numbers: Numbers) -> Term:
    """A constant of the expression. Raises `NotInSql` for types that columns do not have."""
    if kind == DECIMAL:
        return numbers.given(None if value is None else Decimal(value))
    if value is None:
        return Term(sql=sa.literal(None, column_type(kind)), type=kind, constant=Constant(value=None))
    return Term(
        sql=sa.literal(value, column_type(kind)),
        type=kind,
        filled=True,
        digits=len(str(abs(value))) if isinstance(value, int) else 0,
        constant=Constant(value=value),
    )


def parameter(name: str, kind: Type, dialect: DialectName) -> Term:
    """A parameter that the caller fills with a value other than None; lists are bound as JSON text."""
    if kind.is_list:
        return Term(sql=sa.bindparam(name, type_=Json()), type=kind, filled=True)
    if kind != DECIMAL:
        return Term(sql=sa.bindparam(name, type_=column_type(kind)), type=kind, filled=True)
    if dialect == "postgresql":
        return Term(sql=sa.bindparam(name, type_=sa.Numeric()), type=kind, filled=True)
    return Term(sql=sa.bindparam(name, type_=_PlainDecimal()), type=kind, filled=True, exact=True)


class _PlainDecimal(sa.types.TypeDecorator[Any]):
    """A decimal as its digits."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else format(Decimal(value), "f")


def nothing(kind: Type, numbers: Numbers) -> Term:
    """Null of a type."""
    return fixed(None, NULL if kind.is_record or kind.is_list or kind.is_map else kind, numbers)


def members(name: str, dialect: DialectName) -> Sql:
    """The elements of a list parameter as texts, as the right side of `IN`."""
    bound = sa.bindparam(name, type_=Json())
    if dialect == "postgresql":
        elements = sa.func.jsonb_array_elements_text(bound).table_valued("value").render_derived()
    else:
        elements = sa.func.json_each(bound).table_valued("value")
    return sa.select(sa.type_coerce(elements.c.value, sa.Text())).select_from(elements).scalar_subquery()


class IdList(sa.types.TypeDecorator[Any]):
    """A list of ids as one parameter; `among` reads it."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return _UuidArray() if dialect.name == "postgresql" else sa.Text()

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        ids = [each for each in value or () if is_id(each)]
        return ids if dialect.name == "postgresql" else json_text(ids)


class _UuidArray(sa.types.UserDefinedType[Any]):
    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_: Any) -> str:
        return "UUID[]"


def among(column: Sql, name: str, dialect: DialectName) -> Sql:
    """Whether an id column is among the ids of the list parameter called `name`."""
    bound = sa.bindparam(name, type_=IdList())
    if dialect == "postgresql":
        condition: Sql = column == sa.func.any(bound)
        return condition
    listed = sa.func.json_each(bound).table_valued("value")
    return sa.type_coerce(column, sa.Text()).in_(sa.select(listed.c.value).select_from(listed).scalar_subquery())
