"""Ids of the records that fulfil a published condition, for rules that the clock starts.

What comes in: a condition that was checked when it was published. What goes out: ids in order, a page at a time. Where
SQL cannot say the condition, all live records are given and the rule decides itself. Who calls it: the record service.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.access.conditions import user_variables
from fieldstone.objects.access.service import evaluation_context
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.sql.rows import key_of, live
from fieldstone.objects.sql.terms import NotInSql
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Id
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.rules.expressions.compile import Expression


def select_ids(
    ctx: Context, unit: Unit, object_name: str, condition: Expression | None, after: str | None, limit: int
) -> Sequence[str]:
    """The next ids after `after`."""
    kind: ObjectType = ctx.snapshot.get("object", object_name)
    identity = key_of(kind, kind.table)
    query = sa.select(identity).order_by(identity).limit(sa.literal_column(str(int(limit))))
    parameters: dict[str, Any] = {}
    kept = live(kind, kind.table)
    if kept is not None:
        query = query.where(kept)
    if after is not None:
        query = query.where(identity > sa.bindparam("after", type_=Id()))
        parameters["after"] = after
    if condition is not None:
        query = query.where(_filter(ctx, unit, kind, condition, parameters))
    return [row[0] for row in unit.rows(Prepared(query), parameters)]


def _filter(
    ctx: Context, unit: Unit, kind: ObjectType, condition: Expression, parameters: dict[str, Any]
) -> sa.ColumnElement[bool]:
    rows = RowCondition(condition, kind, "f")
    variables = {"user": user_variables(ctx.actor), "previous": None}
    values = rows.parameters(variables, evaluation_context(ctx))

    def objects(name: str) -> ObjectType | None:
        found: ObjectType | None = ctx.snapshot.find("object", name)
        return found

    try:
        made = rows.on(kind.table, objects, unit.dialect, rows.nulls(values))
    except NotInSql:
        return sa.true()
    parameters.update(values)
    return made
