"""Checks what a record is made to point to.

What comes in: the lookups that a save sets. What goes out: the related fields that rules read of their new targets, and
a `FieldError` for each target that does not exist, is in the bin, or may not be seen by the actor. All lookups are
checked by one statement, which also keeps the targets from being deleted until the unit ends. Who calls it: saves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.query.sorting import label_column
from fieldstone.objects.records.labelling import labelled_pointers
from fieldstone.objects.records.plans import SavePlan
from fieldstone.objects.sql.binds import among
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.sql.rows import Joins, key_of, live
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Id
from fieldstone.platform.kernel.context import Unit
from fieldstone.platform.kernel.errors import FieldError

_IDS: Final = "ids"


@dataclass(frozen=True, slots=True, kw_only=True)
class _PointerPlan:
    statement: Prepared
    conditions: tuple[RowCondition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointed:
    """What was found: related fields by lookup, labels by object and id, and what is wrong."""

    related: Mapping[str, Mapping[str, Any] | None]
    labels: Mapping[tuple[str, str], str | None] = field(default_factory=dict)
    errors: tuple[FieldError, ...] = ()


class Pointing:
    """Checks the pointers of one save."""

    def __init__(self, unit: Unit, access: ActorAccess, plan: SavePlan) -> None:
        self._unit = unit
        self._access = access
        self._plan = plan

    def check(self, values: Mapping[str, Any], names: Sequence[str]) -> Pointed:
        """Check these pointers, whose new values are among `values`."""
        related: dict[str, Mapping[str, Any] | None] = {}
        labels: Mapping[tuple[str, str], str | None] = {}
        single: list[str] = []
        errors: list[FieldError] = []
        for name in names:
            field, value = self._plan.kind.field(name), values.get(name)
            if name in self._plan.kind.links:
                errors.extend(self._check_links(field, value or ()))
            elif value is None:
                related[name] = None
            elif isinstance(value, Mapping):
                errors.extend(self._check_any(field, value))
            elif self._target(field) is not None:
                single.append(name)
        if single:
            found = self._check_together(tuple(single), values)
            labels = found.labels
            related.update(found.related)
            errors.extend(found.errors)
        return Pointed(related=related, labels=labels, errors=tuple(errors))

    def _target(self, field: Field) -> ObjectType | None:
        return self._plan.objects(field.type.targets[0]) if field.type.targets else None

    def _check_together(self, names: tuple[str, ...], values: Mapping[str, Any]) -> Pointed:
        row = self._row(names, values)
        if row is not None:
            return self._read(names, row)
        if len(names) == 1:
            return Pointed(related={}, errors=(no_such_record(f"/{names[0]}"),))
        # One of them is wrong: find out which, one at a time. This is not the usual case.
        alone = [self._check_together((name,), values) for name in names]
        return Pointed(
            related={name: value for each in alone for name, value in each.related.items()},
            errors=tuple(error for each in alone for error in each.errors),
        )

    def _row(self, names: tuple[str, ...], values: Mapping[str, Any]) -> Sequence[Any] | None:
        plan = self._pointer_plan(names, frozenset())
        parameters = self._access.parameters(plan.conditions)
        nulls = frozenset(null for condition in plan.conditions for null in condition.nulls(parameters))
        if nulls:
            plan = self._pointer_plan(names, nulls)
        parameters.update({f"p_{name}": values[name] for name in names})
        return self._unit.one(plan.statement, parameters)

    def _read(self, names: Sequence[str], row: Sequence[Any]) -> Pointed:
        found, position = dict[str, Mapping[str, Any] | None](), 0
        for name in names:
            found[name], position = self._plan.related.read_at(name, row, position)
        labels: dict[tuple[str, str], str | None] = {}
        for name, target in self._labelled(names):
            labels[target.name, (found[name] or {}).get("id", "")] = row[position]
            position += 1
        return Pointed(related=found, labels=labels)

    def _labelled(self, names: Sequence[str]) -> list[tuple[str, ObjectType]]:
        known: Mapping[str, ObjectType] = self._plan.statements.get(
            ("labelled", self._access.key), lambda: labelled_pointers(self._access, self._plan.kind)
        )
        return [(name, known[name]) for name in names if name in known]

    def _pointer_plan(self, names: tuple[str, ...], nulls: frozenset[str]) -> _PointerPlan:
        key = ("point", self._access.key, self._unit.dialect, names, nulls)
        made: _PointerPlan = self._plan.statements.get(key, lambda: self._make(names, nulls))
        return made

    def _make(self, names: tuple[str, ...], nulls: frozenset[str]) -> _PointerPlan:
        guard = self._access.rows(self._unit.dialect, nulls)
        columns: list[sa.ColumnElement[Any]] = []
        conditions: list[sa.ColumnElement[bool]] = []
        sources: list[sa.FromClause] = []
        held: list[sa.FromClause] = []
        tables: dict[str, sa.FromClause] = {}
        for name in names:
            target = self._target(self._plan.kind.field(name))
            if target is None:
                raise ValueError(f"{name} leads nowhere")
            at, joins = target.table.alias(), Joins()
            tables[name] = at
            columns.extend(self._plan.related.columns_at(name, target, at, joins))
            sources.append(joins.source(at))
            conditions.append(key_of(target, at) == sa.bindparam(f"p_{name}", type_=Id()))
            kept = (live(target, at), guard.on(target, at, "read"))
            conditions.extend(each for each in kept if each is not None)
            if target.managed_by is None:
                held.append(at)
        columns.extend(label_column(target, tables[name]) for name, target in self._labelled(names))
        query = sa.select(*(column.label(f"c{index}") for index, column in enumerate(columns)))
        query = query.select_from(*sources).where(*conditions)
        if held:
            query = query.with_for_update(read=True, key_share=True, of=held)
        return _PointerPlan(statement=Prepared(query), conditions=guard.conditions)

    def _check_any(self, field: Field, value: Mapping[str, Any]) -> list[FieldError]:
        """A lookup to one of several objects."""
        target = self._plan.objects(value["object"])
        if target is None or not self._access.may(target.name, "read"):
            return [no_such_record(field.path)]
        return [] if value["id"] in self._present(target, [value["id"]]) else [no_such_record(field.path)]

    def _check_links(self, field: Field, ids: Sequence[str]) -> list[FieldError]:
        target = self._plan.objects(self._plan.kind.links[field.name].target)
        if not ids:
            return []
        present = set() if target is None else self._present(target, ids)
        return [no_such_record(f"{field.path}/{index}") for index, each in enumerate(ids) if each not in present]

    def _present(self, target: ObjectType, ids: Sequence[str]) -> set[str]:
        """Those records that there are and that the actor may see; they cannot be deleted until the unit ends."""
        plan = self._present_plan(target, frozenset())
        parameters = self._access.parameters(plan.conditions)
        nulls = frozenset(null for condition in plan.conditions for null in condition.nulls(parameters))
        if nulls:
            plan = self._present_plan(target, nulls)
        return {row[0] for row in self._unit.rows(plan.statement, {**parameters, _IDS: list(ids)})}

    def _present_plan(self, target: ObjectType, nulls: frozenset[str]) -> _PointerPlan:
        dialect = self._unit.dialect

        def make() -> _PointerPlan:
            guard = self._access.rows(dialect, nulls)
            identity = key_of(target, target.table)
            kept = (live(target, target.table), guard.on(target, target.table, "read"))
            query = sa.select(identity).where(among(identity, _IDS, dialect), *(e for e in kept if e is not None))
            if target.managed_by is None:
                query = query.order_by(identity).with_for_update(read=True, key_share=True, of=target.table)
            return _PointerPlan(statement=Prepared(query), conditions=guard.conditions)

        key = ("present", target.name, self._access.key, dialect, nulls)
        made: _PointerPlan = self._plan.statements.get(key, make)
        return made


def no_such_record(path: str) -> FieldError:
    """The error for a target that is not there, or that the actor may not see: nobody is told which."""
    return FieldError(path=path, code="unknown_record", message="There is no such record.")
