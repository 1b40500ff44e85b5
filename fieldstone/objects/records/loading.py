"""Reading and locking the record that is about to be changed.

What comes in: an id, the actor's access and the operation. What goes out: `Loaded`: the values as stored, what may be
done with the row, which of its fields are open if it is locked, and the related fields that rules read; one statement,
and the row stays locked until the unit ends. Who calls it: updates, deletes, restores, actions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.access.roles import Operation
from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.query.sorting import label_column
from fieldstone.objects.records.labelling import labelled_pointers
from fieldstone.objects.records.plans import SavePlan
from fieldstone.objects.records.ports import Locks
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.sql.rows import Joins
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Id, Json
from fieldstone.platform.kernel.context import DialectName, Unit
from fieldstone.platform.kernel.errors import Forbidden, NotFound
from fieldstone.platform.kernel.ids import is_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A stored record. `open_fields` is None unless it is locked; `related` are mappings by lookup.

    `labels` are the names of what it points to, by object and id, if they were asked for.
    """

    values: dict[str, Any]
    revision: int
    open_fields: frozenset[str] | None
    related: Mapping[str, Mapping[str, Any] | None]
    deleted: bool
    labels: Mapping[tuple[str, str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _LoadPlan:
    statement: Prepared
    conditions: tuple[RowCondition, ...]
    width: int
    labelled: tuple[tuple[str, str], ...]
    label_start: int


class Loader:
    """Loads records of any object for change."""

    def __init__(self, locks: Locks | None) -> None:
        self._locks = locks

    def load(
        self,
        unit: Unit,
        access: ActorAccess,
        plan: SavePlan,
        identity: str,
        operation: Operation,
        *,
        deleted: bool | None = False,
        labelled: bool = False,
    ) -> Loaded:
        """The record, locked. `deleted`: it is in the bin (None: wherever it is). `labelled`: with labels.

        Raises `NotFound`, or `Forbidden` for a record that the actor may see but not change so.
        """
        if not is_id(identity):
            raise NotFound
        found = self._plan(unit, access, plan, operation, frozenset(), labelled)
        parameters = access.parameters(found.conditions)
        nulls = frozenset(null for condition in found.conditions for null in condition.nulls(parameters))
        if nulls:
            found = self._plan(unit, access, plan, operation, nulls, labelled)
        row = unit.one(found.statement, {**parameters, "row_id": identity})
        if row is None or not row[found.width]:
            raise NotFound
        values = plan.kind.read_row(row[: found.width])
        in_bin = values.get("deleted_at") is not None
        if deleted is not None and in_bin is not deleted:
            raise NotFound
        if not row[found.width + 1]:
            raise _forbidden(plan, operation)
        open_fields = row[found.width + 2]
        if open_fields is None:
            open_fields = self._locked_meanwhile(unit, plan, identity)
        return Loaded(
            values=values,
            revision=values["revision"],
            open_fields=None if open_fields is None else frozenset(open_fields),
            related=plan.related.read(row, found.width + 3),
            deleted=in_bin,
            labels=_labels(found, values, row),
        )

    def _locked_meanwhile(self, unit: Unit, plan: SavePlan, identity: str) -> Any:
        """The open fields of a record that was submitted for approval while we waited for its row: a statement that
        waits still sees other tables as they were when it began, so this needs one of its own."""
        if self._locks is None or not plan.rules.processes:
            return None
        locks = self._locks

        def make() -> Prepared:
            held = locks.open_fields(plan.kind.name, sa.bindparam("row_id", type_=Id()))
            return Prepared(sa.select(sa.type_coerce(sa.null(), Json()) if held is None else held))

        statement: Prepared = plan.statements.get(("locked", plan.kind.name), make)
        return unit.scalar(statement, {"row_id": identity})

    def _plan(
        self,
        unit: Unit,
        access: ActorAccess,
        plan: SavePlan,
        operation: Operation,
        nulls: frozenset[str],
        labelled: bool,
    ) -> _LoadPlan:
        key = ("load", access.key, unit.dialect, operation, nulls, labelled)
        made: _LoadPlan = plan.statements.get(
            key, lambda: self._make(access, plan, unit.dialect, operation, nulls, labelled)
        )
        return made

    def _make(
        self,
        access: ActorAccess,
        plan: SavePlan,
        dialect: DialectName,
        operation: Operation,
        nulls: frozenset[str],
        labelled: bool,
    ) -> _LoadPlan:
        kind, table = plan.kind, plan.kind.table
        guard = access.rows(dialect, nulls)
        joins, seen = Joins(), Joins(guard.filter("read"))
        pointers = labelled_pointers(access, kind) if labelled else {}
        flags = [_flag(guard.on(kind, table, "read")), _flag(guard.on(kind, table, operation))]
        columns = [*kind.select_columns, *flags, self._open_fields(plan), *plan.related.columns(table, joins)]
        label_start = len(columns)
        for name, target in pointers.items():
            columns.append(label_column(target, seen.table(table, [(kind.fields[name], target)])[1]))
        query = (
            sa.select(*(column.label(f"c{index}") for index, column in enumerate(columns)))
            .select_from(seen.source(joins.source(table)))
            .where(table.c.id == sa.bindparam("row_id", type_=Id()))
            # Deleting excludes those who just made sure that the record is there; changing does not.
            .with_for_update(key_share=operation != "delete", of=table)
        )
        return _LoadPlan(
            statement=Prepared(query),
            conditions=guard.conditions,
            width=len(kind.select_columns),
            labelled=tuple((name, target.name) for name, target in pointers.items()),
            label_start=label_start,
        )

    def _open_fields(self, plan: SavePlan) -> sa.ColumnElement[Any]:
        locked = None if self._locks is None else self._locks.open_fields(plan.kind.name, plan.kind.table.c.id)
        return sa.type_coerce(sa.null(), Json()) if locked is None else locked


def _labels(plan: _LoadPlan, values: Mapping[str, Any], row: Sequence[Any]) -> dict[tuple[str, str], str | None]:
    return {
        (target, values[name]): row[plan.label_start + index]
        for index, (name, target) in enumerate(plan.labelled)
        if values[name] is not None
    }


def _flag(condition: sa.ColumnElement[bool] | None) -> sa.ColumnElement[Any]:
    if condition is None:
        return sa.true()
    return sa.case((condition, sa.true()), else_=sa.false())


def _forbidden(plan: SavePlan, operation: Operation) -> Forbidden:
    verb = {"update": "change", "delete": "delete", "read": "see", "create": "create"}[operation]
    message = "You may not {verb} this record."
    return Forbidden(message, code="row_access", verb=verb, object=plan.kind.name, operation=operation)
