"""Finding the records that rows are about: by key, and by the names that stand in lookup columns.

What comes in: an open unit and texts. What goes out: ids. Only what the actor may read is found by name; whether a key
is taken is told to everybody who may import, as a unique field would. Who calls it: imports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.sql.rows import live
from fieldstone.objects.transfer.interpreting import Interpreter, Reading
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import FieldError

Found = Mapping[Any, Sequence[tuple[str, int]]]


def by_key(unit: SqlUnit, kind: ObjectType, key: str, values: Iterable[Any]) -> Found:
    """(id, revision) of the live records with these keys, by key as the column keeps it."""
    return _rows(unit, kind, kind.field(key), list(values))


def column_value(target: Field, value: Any) -> Any:
    """A value as the column of its field keeps it."""
    return target.type.to_columns(value)[0]


def resolve(ctx: Context, unit: SqlUnit, interpreter: Interpreter, readings: Sequence[Reading]) -> None:
    """Put ids where rows name records; a name that fits none, or several, is a fault of the row."""
    for column, rule in interpreter.rules.items():
        target = interpreter.kind.own_fields[rule.field]
        asking = [each for each in readings if target.name in each.wanted]
        if not asking:
            continue
        other: ObjectType = ctx.snapshot.get("object", target.type.targets[0])
        match = _match_field(other, rule.match)
        found = _rows(unit, other, match, sorted({each.wanted[target.name] for each in asking}))
        for each in asking:
            _settle(each, target.name, found.get(each.wanted[target.name], ()), column)


def _match_field(kind: ObjectType, name: str | None) -> Field:
    if name is not None:
        return kind.field(name)
    return kind.fields.get("email") or kind.field("title") if kind.managed_by else kind.field("title")


def _settle(reading: Reading, name: str, found: Sequence[tuple[str, int]], column: str) -> None:
    facts = {"value": reading.wanted[name][:80], "column": column}
    if len(found) == 1:
        reading.values[name] = found[0][0]
    elif found:
        message = "Several records are called {value}."
        reading.errors.append(FieldError(path=f"/{name}", code="several_records", message=message, facts=facts))
    else:
        message = "There is no record called {value}."
        reading.errors.append(FieldError(path=f"/{name}", code="no_record", message=message, facts=facts))


def _rows(unit: SqlUnit, kind: ObjectType, field: Field, values: Sequence[Any]) -> dict[Any, list[tuple[str, int]]]:
    columns = kind.table.c
    asked = columns[field.column_names[0]]
    revision = columns[kind.field("revision").column_names[0]]
    query = sa.select(columns[kind.field("id").column_names[0]], revision, asked).where(asked.in_(values))
    not_deleted = live(kind, kind.table)
    if not_deleted is not None:
        query = query.where(not_deleted)
    found: dict[Any, list[tuple[str, int]]] = {}
    for identity, at, value in unit.rows(query):
        found.setdefault(value, []).append((identity, int(at)))
    return found
