"""Roll-ups worked out anew for given records: to fill a new one, and to find drift.

What comes in: an object, its roll-up field, ids of its records. What goes out: corrected columns, and the ids of those
whose kept value was another. Who calls it: the record service, for jobs.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from fieldstone.objects.records.plans import plan_of
from fieldstone.objects.records.relations import RollUp, roll_ups_of
from fieldstone.objects.records.totals import totals
from fieldstone.objects.sql.binds import among
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.kernel.context import Context, Unit


def recount(ctx: Context, unit: Unit, object_name: str, field: str, ids: Sequence[str]) -> Sequence[str]:
    """Work out the roll-up of those records; the ids of those that were wrong. The records are locked first."""
    kind: ObjectType = ctx.snapshot.get("object", object_name)
    target = kind.field(field)
    found = _roll_up(ctx, kind, target)
    if found is None or not ids:
        return ()
    source, roll_up = found
    kept = _kept(unit, kind, target, ids)
    wrong: list[str] = []
    for identity, value in totals(ctx, unit, source, roll_up, [each for each in ids if each in kept]).items():
        if value != kept[identity]:
            wrong.append(identity)
            columns = kind.columns_of({field: value})
            unit.run(plan_of(ctx.snapshot, kind).quiet_update(columns), {**columns, "row_id": identity})
    return wrong


def _roll_up(ctx: Context, kind: ObjectType, field: Field) -> tuple[ObjectType, RollUp] | None:
    rolled = field.type.rolled_up()
    source: ObjectType | None = None if rolled is None else ctx.snapshot.find("object", rolled[0])
    if source is None:
        return None
    for roll_up in roll_ups_of(ctx.snapshot, source):
        if roll_up.parent.name == kind.name and roll_up.field.name == field.name:
            return source, roll_up
    return None


def _kept(unit: Unit, kind: ObjectType, field: Field, ids: Sequence[str]) -> dict[str, object]:
    table = kind.table
    columns = [table.c[name] for name in field.column_names]
    query = sa.select(table.c.id, *columns).where(among(table.c.id, "ids", unit.dialect)).order_by(table.c.id)
    rows = unit.rows(Prepared(query.with_for_update(key_share=True)), {"ids": list(ids)})
    return {row[0]: field.type.from_columns(row[1:]) for row in rows}
