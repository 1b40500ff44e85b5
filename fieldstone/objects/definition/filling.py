"""Works out and converts values of records that exist, batch by batch.

What comes in: a unit that may write, the compiled object, where the last batch ended. What goes out: where this one
ended. Rows are locked while a batch works on them, and no revision is raised: nothing changes but how a value is kept.
Who calls it: the plan's steps (small tables, one batch) and the jobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.fieldtypes.problems import Rejected
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Id
from fieldstone.platform.kernel.context import Tenant, Unit
from fieldstone.rules.expressions.compile import EvaluationContext, EvaluationError

FIRST: Final = "00000000-0000-0000-0000-000000000000"
_STILL: Final = EvaluationContext(now=datetime(2000, 1, 1, tzinfo=UTC), time_zone=ZoneInfo("UTC"))
"""Formulas that are kept in columns ask neither the clock nor the zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one batch did. `last` is the id of its last row, None when there was none; `lost` values did not fit."""

    last: str | None
    rows: int
    lost: int = 0


def fill_batch(
    unit: Unit, compiled: ObjectType, fields: Sequence[Field], tenant: Tenant | None, after: str, size: int
) -> Batch:
    """Work out formulas of the next `size` records after the id `after` ("" for the first)."""
    table = compiled.table
    query = sa.select(*compiled.select_columns).where(table.c.id > sa.bindparam("after", type_=Id()))
    rows = unit.rows(query.order_by(table.c.id).limit(size).with_for_update(), {"after": after or FIRST})
    changes = [_worked_out(compiled, fields, tenant, row) for row in rows]
    _update(unit, table, [name for field in fields for name in field.column_names], changes)
    return Batch(last=changes[-1]["row_id"] if changes else None, rows=len(rows))


def _worked_out(
    compiled: ObjectType, fields: Sequence[Field], tenant: Tenant | None, row: Sequence[Any]
) -> dict[str, Any]:
    values = compiled.read_row(row)
    variables = {name: compiled.fields[name].type.variable(value) for name, value in values.items()}
    changed: dict[str, Any] = {"row_id": values["id"]}
    for field in fields:
        value = _evaluated(field, variables)
        if value is not None and tenant is not None:
            value = field.type.complete(value, tenant)
        variables[field.name] = value
        changed |= dict(zip(field.column_names, field.type.to_columns(value), strict=True))
    return changed


def _evaluated(field: Field, variables: Mapping[str, Any]) -> Any:
    """The value of a formula; None when it has none for this record."""
    if field.expression is None:
        return None
    try:
        return field.type.coerce(field.expression.evaluate(variables, _STILL))
    except (EvaluationError, Rejected):
        return None


def convert_batch(unit: Unit, table: sa.Table, before: Field, field: Field, after: str, size: int) -> Batch:
    """Convert the next `size` values of a field that had another type, where the new one has no value yet."""
    source = _former_columns(table, before)
    old = [source.c[name] for name in before.column_names]
    fresh = [table.c[name] for name in field.column_names]
    query = (
        sa.select(source.c.id, *old)
        .where(source.c.id > sa.bindparam("after", type_=Id()), sa.or_(*(column.is_not(None) for column in old)))
        .where(sa.and_(*(sa.column(column.name).is_(None) for column in fresh)))
        .order_by(source.c.id)
        .limit(size)
        .with_for_update()
    )
    rows = unit.rows(query, {"after": after or FIRST})
    changes = []
    lost = 0
    for identity, *kept in rows:
        value = before.type.from_columns(kept)
        if field.type.takes(value, before.type):
            converted = field.type.to_columns(field.type.convert(value, before.type))
            changes.append({"row_id": identity, **dict(zip(field.column_names, converted, strict=True))})
        else:
            lost += 1
    _update(unit, table, field.column_names, changes)
    return Batch(last=rows[-1][0] if rows else None, rows=len(rows), lost=lost)


def _former_columns(table: sa.Table, before: Field) -> sa.Table:
    """The same table with the columns of a field that the present version no longer has."""
    columns = before.type.columns(before, before.physical)
    return sa.Table(table.name, sa.MetaData(), sa.Column("id", Id(), primary_key=True), *columns)


def _update(unit: Unit, table: sa.Table, columns: Sequence[str], changes: Sequence[Mapping[str, Any]]) -> None:
    if not changes or not columns:
        return
    values = {name: sa.bindparam(name, type_=table.c[name].type) for name in columns}
    where = table.c.id == sa.bindparam("row_id", type_=Id())
    unit.run_many(Prepared(sa.update(table).where(where).values(values)), changes)
