"""What publishing a change of an object does to the tables.

What comes in: the definition before and after, the compiled objects of both versions, live counts. What goes out: steps
with their class: safe (a change of the catalogue, or a small table), slow (a job does it after the publish), lossy
(something can no longer be reached). Nothing is dropped or narrowed by a publish: columns and tables of what is removed
stay, and are found again when an older version is restored. Who calls it: the metadata room, through the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import sqlalchemy as sa

from fieldstone.objects.definition import counting, ddl
from fieldstone.objects.definition.plan_fields import field_steps
from fieldstone.objects.definition.plan_indexes import index_steps
from fieldstone.objects.types import ObjectType
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.context import Unit
from fieldstone.platform.kernel.metadata import Definition, PlanContext, PlanStep

ExtraSteps = Callable[[ObjectType | None, ObjectType, PlanContext], Iterable[PlanStep]]
"""Asked for further steps, with the object before (None: new) and after."""
Plan = Callable[[Definition | None, Definition | None, PlanContext], Iterator[PlanStep]]


def make_plan(extra_steps: Sequence[ExtraSteps] = ()) -> Plan:
    """The function of the kind."""

    def plan(before: Definition | None, after: Definition | None, context: PlanContext) -> Iterator[PlanStep]:
        old: ObjectType | None = context.before.find("object", before.name) if before else None
        if after is None:
            yield from _removed(old, context)
            return
        new: ObjectType = context.after.get("object", after.name)
        if new.managed_by is not None:
            return
        if new.table.name in context.existing():
            yield from _changed(old, new, context)
        else:
            yield created_step(new)
        for extra in extra_steps:
            yield from extra(old, new, context)

    return plan


def created_step(new: ObjectType) -> PlanStep:
    """The table of a new object, its links and indexes."""

    def apply(unit: Unit) -> None:
        ddl.create_table(unit, new.table)
        for link in new.links.values():
            ddl.create_table(unit, link.table)
        for index in new.indexes:
            ddl.create_index(unit, index)

    facts = {"object": new.name, "fields": len(new.own_fields)}
    message = mark("Create the table of {object} with {fields} fields.")
    return PlanStep(step=f"create {new.name}", step_class="safe", message=message, facts=facts, apply=apply)


def _changed(old: ObjectType | None, new: ObjectType, context: PlanContext) -> Iterator[PlanStep]:
    rows = counting.rows_of(context, old or new) if old is not None else counting.SMALL + 1
    yield from _links(old, new, context)
    yield from _unlinked(old, new, context)
    yield from field_steps(old, new, rows, context)
    yield from index_steps(old, new, rows, context)


def _links(old: ObjectType | None, new: ObjectType, context: PlanContext) -> Iterator[PlanStep]:
    for name, link in new.links.items():
        if old is None or link.table.name not in context.existing():

            def apply(unit: Unit, table: sa.Table = link.table) -> None:
                ddl.create_table(unit, table)

            facts = {"field": name}
            message = mark("Create the table of links of {field}.")
            yield PlanStep(step=f"links of {name}", step_class="safe", message=message, facts=facts, apply=apply)


def _unlinked(old: ObjectType | None, new: ObjectType, context: PlanContext) -> Iterator[PlanStep]:
    kept = {link.table.name for link in new.links.values()}
    for name, link in old.links.items() if old else ():
        count = 0 if link.table.name in kept else counting.links_of(context, link.table)
        if count:
            facts = {"field": name, "count": count}
            message = mark("{field} is removed; {count} values can no longer be reached. The column is kept.")
            yield PlanStep(step=f"retire {name}", step_class="lossy", message=message, facts=facts)


def _removed(old: ObjectType | None, context: PlanContext) -> Iterator[PlanStep]:
    if old is None or old.managed_by is not None:
        return
    rows = counting.rows_of(context, old)
    facts = {"object": old.name, "count": rows}
    message = mark("{count} records of {object} can no longer be reached. Their table is kept.")
    yield PlanStep(step=f"retire {old.name}", step_class="lossy" if rows else "safe", message=message, facts=facts)
