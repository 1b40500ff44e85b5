"""Stored records as expressions read them.

What comes in: a record and the paths through its lookups that a rule reads. What goes out: nested mappings: field
names to values, a lookup as a mapping with its id and the fields read. Who calls it: rules that run outside of a save
(approvals, asynchronous and scheduled automations); the record service has values at hand that are not stored yet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from fieldstone.objects.access.conditions import user_variables
from fieldstone.objects.access.service import evaluation_context
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.records.values import Record
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.syntax import Path


class StoredVariables:
    """Reads what rules need to know of stored records, on the system's account."""

    def __init__(self, query: QueryService) -> None:
        self._query = query

    def of(self, ctx: Context, unit: Unit, record: Record, paths: Collection[Path]) -> Mapping[str, Any]:
        """Every field of a record, with the fields at `paths` through its lookups; `user` is the actor."""
        kind: ObjectType = ctx.snapshot.get("object", record.object)
        values = {name: _plain(kind, name, record.values.get(name)) for name in kind.all_fields}
        for path, value in self._related(ctx, unit, record, paths).items():
            _put(values, path, value)
        return {"previous": None, "user": user_variables(ctx.actor), **values}

    def context(self, ctx: Context) -> EvaluationContext:
        """The surroundings of an evaluation: nothing is being changed."""
        return evaluation_context(ctx)

    def _related(self, ctx: Context, unit: Unit, record: Record, paths: Collection[Path]) -> dict[Path, Any]:
        asked = sorted({path for path in paths if len(path) > 1})
        if not asked:
            return {}
        fields = [".".join(path) for path in asked]
        found = self._query.get(ctx.as_system(), unit, record.object, record.id, fields)
        return {path: found.values.get(name) for path, name in zip(asked, fields, strict=True)}


def _plain(kind: ObjectType, name: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_row(item) if isinstance(item, Record) else item for item in value]
    field = kind.all_fields[name]
    if isinstance(value, str) and len(field.type.targets) == 1:
        return {"id": value}
    return value


def _row(record: Record) -> dict[str, Any]:
    return {**record.values, "id": record.id}


def _put(values: dict[str, Any], path: Path, value: Any) -> None:
    """Put a value at a path; below a lookup that is empty there is nothing."""
    *steps, last = path
    for step in steps:
        found = values.setdefault(step, {})
        if found is None:
            return
        if not isinstance(found, dict):
            found = values[step] = {"id": found}
        values = found
    values[last] = value
