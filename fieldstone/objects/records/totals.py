"""Roll-ups worked out anew from the records that they count.

What comes in: a roll-up and ids of parents. What goes out: values of the roll-up's type. The database calculates where
it can evaluate the filter; otherwise the records are read. Sums and counts are exact on both databases; averages are
divided in Python, rounded like any value of their field. Who calls it: saves (averages, extremes, sums that may have
become empty), jobs that fill a new roll-up or look for drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.objects.access.service import evaluation_context
from fieldstone.objects.query.plans import plans_of
from fieldstone.objects.records.relations import RollUp
from fieldstone.objects.sql.binds import among
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.sql.related import Related, variables_of
from fieldstone.objects.sql.rows import Joins, live
from fieldstone.objects.sql.terms import NotInSql, unsupported
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import ExactDecimal
from fieldstone.platform.kernel.context import Context, DialectName, Unit
from fieldstone.platform.kernel.errors import FieldError, Invalid
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.rules.expressions.types import MONEY
from fieldstone.rules.expressions.values import DECIMALS, Money

_IDS: Final = "ids"


def totals(ctx: Context, unit: Unit, source: ObjectType, roll_up: RollUp, ids: Sequence[str]) -> Mapping[str, Any]:
    """The values of a roll-up by the id of the parent. Raises `Invalid` for a sum over several currencies."""
    try:
        statement, condition = _statement(ctx, unit, source, roll_up)
    except NotInSql:
        values = _read(ctx, unit, source, roll_up, ids)
        return {identity: combined(roll_up, values.get(identity, ())) for identity in ids}
    parameters: dict[str, Any] = {_IDS: list(ids)}
    if condition is not None:
        parameters.update(condition.parameters({}, evaluation_context(ctx)))
    found = {row[0]: _aggregated(roll_up, row[1:]) for row in unit.rows(statement, parameters)}
    return {identity: found.get(identity, 0 if roll_up.function == "count" else None) for identity in ids}


def combined(roll_up: RollUp, values: Iterable[Any]) -> Any:
    """What a roll-up makes of values; empty values count only to a count. Raises `Invalid` for several currencies."""
    values = list(values)
    if roll_up.function == "count":
        return len(values)
    present = [value for value in values if value is not None]
    if not present:
        return None
    one_currency(roll_up, present)
    return roll_up.field.type.coerce(_combine(roll_up.function, present))


def _combine(function: str, present: Sequence[Any]) -> Any:
    if isinstance(present[0], Money):
        amount = _combine(function, [value.amount for value in present])
        return Money(amount, present[0].currency)
    match function:
        case "min":
            return min(present)
        case "max":
            return max(present)
        case "avg":
            return _average(present)
        case _:
            return summed(present)


def summed(values: Sequence[Any]) -> Any:
    """The exact sum of values of one type."""
    if isinstance(values[0], Money):
        return Money(summed([value.amount for value in values]), values[0].currency)
    if isinstance(values[0], timedelta):
        return sum(values, timedelta())
    return sum(values, Decimal(0)) if isinstance(values[0], Decimal) else sum(values)


def negated(value: Any) -> Any:
    """The value with the other sign."""
    return Money(-value.amount, value.currency) if isinstance(value, Money) else -value


def is_zero(value: Any) -> bool:
    """Whether a sum comes to nothing."""
    return not value.amount if isinstance(value, Money) else not value


def _average(values: Sequence[Any]) -> Any:
    if isinstance(values[0], timedelta):
        return summed(values) / len(values)
    total = summed(values)
    return DECIMALS.divide(Decimal(total), Decimal(len(values)))


def one_currency(roll_up: RollUp, values: Iterable[Any]) -> None:
    """Raise `Invalid` unless all amounts are in one currency."""
    currencies = sorted({value.currency for value in values if isinstance(value, Money)})
    if len(currencies) > 1:
        message = "Amounts in {currencies} cannot be summed up."
        path = "" if roll_up.of is None else roll_up.of.path
        facts = {"currencies": ", ".join(currencies)}
        raise Invalid(errors=(FieldError(path=path, code="several_currencies", message=message, facts=facts),))


def _aggregated(roll_up: RollUp, row: Sequence[Any]) -> Any:
    """The value of a row of `_statement`: records, filled values, their aggregate, and the currencies of money."""
    records, filled, value, *currencies = row
    if roll_up.function == "count":
        return records
    if not filled:
        return None
    if currencies:
        one_currency(roll_up, [Money(value, currency) for currency in currencies])
    if roll_up.function == "avg":
        value = value / filled if isinstance(value, timedelta) else DECIMALS.divide(Decimal(value), Decimal(filled))
    return roll_up.field.type.coerce(Money(value, currencies[0]) if currencies else value)


def _statement(ctx: Context, unit: Unit, source: ObjectType, roll_up: RollUp) -> tuple[Prepared, RowCondition | None]:
    """Aggregates of the live records that count, by parent. Raises `NotInSql`."""

    def make() -> tuple[Prepared, RowCondition | None]:
        table = source.table
        parent = table.c[roll_up.lookup.column_names[0]]
        query = sa.select(parent, sa.func.count(), *_aggregates(roll_up, table, unit.dialect))
        query = query.where(among(parent, _IDS, unit.dialect)).group_by(parent)
        condition = None
        if roll_up.filter is not None:
            condition = RowCondition(roll_up.filter, source, "r")
            query = query.where(condition.on(table, _objects(ctx), unit.dialect, frozenset()))
        kept = live(source, table)
        return Prepared(query if kept is None else query.where(kept)), condition

    key = ("total", source.name, roll_up.parent.name, roll_up.field.name, unit.dialect)
    made: tuple[Prepared, RowCondition | None] = plans_of(ctx.snapshot).get(key, make)
    return made


def _aggregates(roll_up: RollUp, table: sa.FromClause, dialect: DialectName) -> list[sa.ColumnElement[Any]]:
    if roll_up.of is None:
        nothing: list[sa.ColumnElement[Any]] = [sa.literal(0, sa.Integer()), sa.literal(0, sa.Integer())]
        return nothing
    columns = [table.c[name] for name in roll_up.of.column_names]
    kind = columns[0].type
    if dialect == "sqlite" and isinstance(kind, ExactDecimal) and not kind.is_scaled_integer:
        raise unsupported("decimals with many digits")
    function = {"avg": "sum"}.get(roll_up.function, roll_up.function)
    value = getattr(sa.func, function)(columns[0], type_=kind)
    money = roll_up.of.type.expression_type() == MONEY
    currencies = [sa.func.min(columns[1]), sa.func.max(columns[1])] if money else []
    return [sa.func.count(columns[0]), value, *currencies]


def _read(
    ctx: Context, unit: Unit, source: ObjectType, roll_up: RollUp, ids: Sequence[str]
) -> Mapping[str, Sequence[Any]]:
    """The same for a filter that only Python can evaluate."""
    table, joins = source.table, Joins()
    paths = roll_up.filter.references if roll_up.filter is not None else ()
    related = Related(source, _objects(ctx), paths)
    columns = [*source.select_columns, *related.columns(table, joins)]
    parent = table.c[roll_up.lookup.column_names[0]]
    query = sa.select(*columns).select_from(joins.source(table)).where(among(parent, _IDS, unit.dialect))
    kept = live(source, table)
    found: dict[str, list[Any]] = {}
    context = evaluation_context(ctx)
    for row in unit.rows(Prepared(query if kept is None else query.where(kept)), {_IDS: list(ids)}):
        values = source.read_row(row[: len(source.select_columns)])
        variables = {**variables_of(source, values), **related.read(row, len(source.select_columns))}
        if counts(roll_up, variables, context):
            value = 1 if roll_up.of is None else values.get(roll_up.of.name)
            found.setdefault(values[roll_up.lookup.name], []).append(value)
    return found


def counts(roll_up: RollUp, variables: Mapping[str, Any], context: Any) -> bool:
    """Whether a record with these variables counts."""
    if roll_up.filter is None:
        return True
    try:
        return roll_up.filter.holds(variables, context)
    except EvaluationError:
        return False


def _objects(ctx: Context) -> Any:
    return lambda name: ctx.snapshot.find("object", name)
