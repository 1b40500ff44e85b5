"""Steps for fields: added, converted to another type, worked out anew, changed in place, removed.

Who calls it: the plan of objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.definition import counting, ddl
from fieldstone.objects.definition.filling import convert_batch, fill_batch
from fieldstone.objects.definition.job_names import CONVERT_FIELD, FILL_FORMULA, RECOUNT
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.context import Unit
from fieldstone.platform.kernel.metadata import PlanContext, PlanStep, StepClass


def field_steps(old: ObjectType | None, new: ObjectType, rows: int, context: PlanContext) -> Iterator[PlanStep]:
    """The steps of all fields of an object whose table exists."""
    former = _former_fields(old, new)
    present = frozenset(old.table.columns.keys()) if old else frozenset[str]()
    for field in new.own_fields.values():
        if not field.stored:
            continue
        before = former.get(field.name)
        if set(field.column_names) <= present:
            yield from _kept(old, new, before, field, rows, context)
        elif field.computed:
            yield from _added_computed(new, field, rows)
        elif before is not None and before.stored and not before.computed:
            yield from _converted(old or new, new, before, field, rows, context)
        else:
            yield _added(new, field, rows)
    if old is not None:
        yield from _retired(old, new, former, context)


def _former_fields(old: ObjectType | None, new: ObjectType) -> dict[str, Field]:
    """What each field was before, by its present name: the same column, the name it had, or the same name."""
    if old is None:
        return {}
    by_column = {field.physical: field for field in old.own_fields.values() if field.stored}
    renamed = {body["name"]: body.get("renamed_from") for body in new.body.get("fields", ())}
    former = {}
    for name, field in new.own_fields.items():
        found = by_column.get(field.physical) or old.own_fields.get(renamed.get(name) or name)
        found = found or old.own_fields.get(name)
        if found is not None:
            former[name] = found
    return former


def _columns(compiled: ObjectType, field: Field) -> list[sa.Column[Any]]:
    return [compiled.table.c[name] for name in field.column_names]


def _step(
    words: str,
    step_class: StepClass,
    message: str,
    facts: Mapping[str, Any],
    apply: Any = None,
    job: tuple[str, Mapping[str, Any], str] | None = None,
) -> PlanStep:
    name, given, building = job or (None, {}, None)
    return PlanStep(
        step=words,
        step_class=step_class,
        message=message,
        facts=facts,
        apply=apply,
        job=name,
        job_input=given,
        building=building,
    )


def _added(new: ObjectType, field: Field, rows: int) -> PlanStep:
    """A new field; a required one with a constant default gives it to the records that exist."""
    filled: tuple[Any, ...] = ()
    if rows and field.default is not None and (field.required or field.type.initial() is not None):
        filled = field.type.to_columns(field.default)

    def apply(unit: Unit) -> None:
        ddl.add_columns(unit, new.table, _columns(new, field), filled)

    facts = {"field": field.name, "type": field.type.name}
    return _step(f"add {field.name}", "safe", mark("Add the field {field} ({type})."), facts, apply)


def _added_computed(new: ObjectType, field: Field, rows: int) -> Iterator[PlanStep]:
    def apply(unit: Unit) -> None:
        ddl.add_columns(unit, new.table, _columns(new, field))

    facts = {"field": field.name, "type": field.type.name}
    yield _step(f"add {field.name}", "safe", mark("Add the field {field} ({type})."), facts, apply)
    if rows:
        yield _refilled(new, field, rows)


def _refilled(new: ObjectType, field: Field, rows: int) -> PlanStep:
    """Work out a computed field of all records: in the publish when they are few and nothing else is needed."""
    facts = {"field": field.name}
    given = {"object": new.name, "field": field.name}
    if field.expression is None:
        message = mark("A job works out {field} for all records.")
        return _step(f"recount {field.name}", "slow", message, facts, job=(RECOUNT, given, field.name))
    if rows > counting.SMALL or field.type.completes:
        message = mark("A job works out {field} for all records.")
        return _step(f"fill {field.name}", "slow", message, facts, job=(FILL_FORMULA, given, field.name))

    def apply(unit: Unit) -> None:
        fill_batch(unit, new, (field,), None, "", counting.SMALL + 1)

    return _step(f"fill {field.name}", "safe", mark("Work out {field} for all records."), facts, apply)


def _converted(
    old: ObjectType, new: ObjectType, before: Field, field: Field, rows: int, context: PlanContext
) -> Iterator[PlanStep]:
    """A field with another type: a fresh column, into which the values are converted."""
    facts: dict[str, Any] = {"field": field.name, "from": before.type.name, "to": field.type.name}
    migration = field.type.migrate_from(before.type)

    def add(unit: Unit) -> None:
        ddl.add_columns(unit, new.table, _columns(new, field))

    def convert(unit: Unit) -> None:
        add(unit)
        convert_batch(unit, new.table, before, field, "", counting.SMALL + 1)

    if migration is None:
        count = counting.filled_in(context, old, before) if rows else 0
        message = mark("{field} changes from {from} to {to}; {count} values cannot be kept.")
        yield _step(f"replace {field.name}", "lossy" if count else "safe", message, facts | {"count": count}, add)
    elif rows <= counting.SMALL:
        lost = _lost(old, before, field, context) if migration == "lossy" and rows else 0
        message = mark("{field} changes from {from} to {to}; {count} values do not fit and are left empty.")
        plain = mark("{field} changes from {from} to {to}; all values are converted.")
        words = message if lost else plain
        yield _step(f"convert {field.name}", "lossy" if lost else "safe", words, facts | {"count": lost}, convert)
    else:
        message = mark("{field} changes from {from} to {to}; a job converts the values.")
        if migration == "lossy":
            message = mark(
                "{field} changes from {from} to {to}; a job converts the values that fit, the others are lost."
            )
        given = {
            "object": new.name,
            "field": field.name,
            "physical": before.physical,
            "from": dict(before.type.declaration.body),
        }
        step_class: StepClass = "lossy" if migration == "lossy" else "slow"
        job = (CONVERT_FIELD, given, field.name)
        yield _step(f"convert {field.name}", step_class, message, facts, add, job)


def _lost(old: ObjectType, before: Field, field: Field, context: PlanContext) -> int:
    """How many values do not fit the new type; only asked for small tables."""
    columns = _columns(old, before)
    found = context.rows(sa.select(*columns).where(sa.or_(*(column.is_not(None) for column in columns))))
    return sum(not field.type.takes(before.type.from_columns(row), before.type) for row in found)


def _kept(
    old: ObjectType | None, new: ObjectType, before: Field | None, field: Field, rows: int, context: PlanContext
) -> Iterator[PlanStep]:
    """The column stays: what may have changed is the name, the formula, the options, whether it is required."""
    if old is None or before is None:
        return
    if before.name != field.name:
        facts = {"from": before.name, "to": field.name}
        yield _step(f"rename {before.name}", "safe", mark("{from} is now called {to}."), facts)
    if field.computed and rows and _worked_out_otherwise(before, field):
        yield _refilled(new, field, rows)
    yield from _narrowed(old, before, field, rows, context)
    yield from _pointing_elsewhere(old, before, field, rows, context)
    if field.required and not before.required and rows:
        count = counting.left_empty(context, old, before)
        message = mark(
            "{field} is required from now on; {count} records lack it and need it when they are next changed."
        )
        yield _step(f"require {field.name}", "safe", message, {"field": field.name, "count": count})


def _worked_out_otherwise(before: Field, field: Field) -> bool:
    ignored = {"name", "label", "help", "placeholder", "renamed_from", "sensitive", "searchable", "tracked"}
    bodies = (
        {key: value for key, value in each.type.declaration.body.items() if key not in ignored}
        for each in (before, field)
    )
    first, second = bodies
    return first != second


def _narrowed(old: ObjectType, before: Field, field: Field, rows: int, context: PlanContext) -> Iterator[PlanStep]:
    lost = field.type.lost_values(before.type)
    count = counting.holding(context, old, before, lost) if lost and rows else 0
    if count:
        facts = {"field": field.name, "values": ", ".join(map(str, lost)), "count": count}
        message = mark("{count} records still have a removed option of {field} ({values}). Retire options instead.")
        yield _step(f"options of {field.name}", "lossy", message, facts)
    if type(before.type) is not type(field.type) and not field.computed:
        facts = {"field": field.name, "from": before.type.name, "to": field.type.name}
        message = mark("{field} changes from {from} to {to}; its values stay as they are until they are next changed.")
        yield _step(f"retype {field.name}", "safe", message, facts)


def _pointing_elsewhere(
    old: ObjectType, before: Field, field: Field, rows: int, context: PlanContext
) -> Iterator[PlanStep]:
    """A lookup that may no longer point to records of an object it pointed to; a renamed object is the same."""
    now = {
        definition.body.get("renamed_from", name)
        for name in field.type.targets
        if (definition := context.after.definition("object", name)) is not None
    }
    gone = [name for name in before.type.targets if name not in field.type.targets and name not in now]
    count = counting.filled_in(context, old, before) if gone and rows else 0
    if count:
        facts = {"field": field.name, "objects": ", ".join(gone), "count": count}
        message = mark("{field} no longer points to {objects}; {count} records may keep an id that leads nowhere.")
        yield _step(f"retarget {field.name}", "lossy", message, facts)


def _retired(old: ObjectType, new: ObjectType, former: Mapping[str, Field], context: PlanContext) -> Iterator[PlanStep]:
    """Fields that are gone; their columns stay."""
    kept = {field.name for field in former.values()}
    for field in old.own_fields.values():
        if field.name in kept or not field.stored:
            continue
        count = 0 if field.computed else counting.filled_in(context, old, field)
        facts = {"field": field.name, "count": count}
        message = mark("{field} is removed; {count} values can no longer be reached. The column is kept.")
        yield _step(f"retire {field.name}", "lossy" if count else "safe", message, facts)
