"""Whether the actor may have the record as it is to be, and may touch the record that it belongs to.

What comes in: a save. What goes out: nothing, or `Forbidden`. Who calls it: saves, before and after the write.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from fieldstone.objects.access.roles import Operation
from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.records.conflicts import refuse_locked_parent
from fieldstone.objects.records.loading import Loader
from fieldstone.objects.records.plans import SavePlan, plan_of
from fieldstone.objects.records.pointing import no_such_record
from fieldstone.objects.records.roll_ups import Book
from fieldstone.objects.records.saves import Save
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Id
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.errors import Forbidden, Invalid, NotFound
from fieldstone.platform.kernel.ids import is_id


def check_reach(save: Save) -> None:
    """Raise `Forbidden` when the actor may not have the record as it is now: nobody gives away, or takes, what is not
    theirs."""
    operation: Operation = "create" if save.event == "create" else "update"
    reach = save.rights.reach(operation)
    if reach.is_everything or reach.parent is not None or save.parent is not None:
        return
    if reach.subject is not None and reach.level == "none":
        return
    if save.access.surely_reaches(save.rights, operation, save.values, save.variables):
        return
    statement, conditions = _statement(save, operation, frozenset())
    parameters = save.access.parameters(conditions)
    nulls = frozenset(null for condition in conditions for null in condition.nulls(parameters))
    if nulls:
        statement, _ = _statement(save, operation, nulls)
    if save.unit.one(statement, {**parameters, "row_id": save.id}) is None:
        verb = "create" if operation == "create" else "change"
        message = "You may not {verb} a record like this: it would be out of your reach."
        raise Forbidden(message, code="row_access", verb=verb, object=save.kind.name, operation=operation)


def _statement(save: Save, operation: Operation, nulls: frozenset[str]) -> tuple[Prepared, tuple[RowCondition, ...]]:
    def make() -> tuple[Prepared, tuple[RowCondition, ...]]:
        guard = save.access.rows(save.unit.dialect, nulls)
        table = save.kind.table
        condition = guard.on(save.kind, table, operation)
        mine = table.c.id == sa.bindparam("row_id", type_=Id())
        query = sa.select(table.c.id).where(mine)
        return Prepared(query if condition is None else query.where(condition)), guard.conditions

    key = ("reach", save.access.key, save.unit.dialect, operation, nulls)
    made: tuple[Prepared, tuple[RowCondition, ...]] = save.plan.statements.get(key, make)
    return made


def hold_owner(
    unit: SqlUnit,
    access: ActorAccess,
    plan: SavePlan,
    identity: str | None,
    loader: Loader,
    book: Book,
    save: Save | None = None,
) -> None:
    """Lock the record that a row belongs to, before the row itself, and check that the actor may change it.

    `identity` is a stored row; without it `save` is a row to be created. Raises `NotFound`, `Forbidden`, `Locked`.
    """
    lookup = plan.owned
    if lookup is None:
        return
    kind: ObjectType | None = plan.objects(lookup.type.targets[0])
    owner = _stored_owner(unit, plan, identity) if save is None else save.values.get(lookup.name)
    if kind is None or owner is None:
        return
    parent_plan = plan_of(access.ctx.snapshot, kind)
    try:
        loaded = loader.load(unit, access, parent_plan, owner, "update", deleted=False)
    except NotFound:
        if save is None:
            raise
        raise Invalid(errors=[no_such_record(lookup.path)]) from None
    book.held.add((kind.name, owner))
    refuse_locked_parent(access.ctx, loaded.open_fields, owner, rows_field(kind, plan.kind, lookup.name))


def _stored_owner(unit: SqlUnit, plan: SavePlan, identity: str | None) -> Any:
    if identity is None or not is_id(identity) or plan.owned is None:
        raise NotFound
    column = plan.owned.column_names[0]

    def make() -> Prepared:
        table = plan.kind.table
        return Prepared(sa.select(table.c[column]).where(table.c.id == sa.bindparam("row_id", type_=Id())))

    statement: Prepared = plan.statements.get(("owner", column), make)
    row = unit.one(statement, {"row_id": identity})
    if row is None:
        raise NotFound
    return row[0]


def rows_field(parent: ObjectType, row: ObjectType, lookup: str) -> str | None:
    """The field of a parent under which these rows stand."""
    for field in parent.children:
        if field.type.row_object == row.name and field.type.option("field") == lookup:
            return field.name
    return None
