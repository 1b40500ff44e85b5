"""What a list's statement cannot answer by itself: linked records, labels of lookups to any object, formulas.

What comes in: the rows of a page. What goes out: the same, completed, each kind of thing by one further statement for
the whole page. Who calls it: the query service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.access.conditions import user_variables
from fieldstone.objects.access.service import ActorAccess, evaluation_context
from fieldstone.objects.fieldtypes.declaration import Label
from fieldstone.objects.query.plans import ListPlan, needed_formulas, plans_of
from fieldstone.objects.query.sorting import label_column
from fieldstone.objects.sql.binds import among
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.sql.listed import IDS, ListReader
from fieldstone.objects.sql.related import variables_of
from fieldstone.objects.sql.rows import key_of
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.kernel.context import Unit
from fieldstone.platform.kernel.errors import Invalid
from fieldstone.rules.expressions.errors import EvaluationError

Row = Sequence[Any]


@dataclass(slots=True, kw_only=True)
class Completed:
    """What was found for the records of a page: values and labels by record and field."""

    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put(self, record: str, name: str, value: Any) -> None:
        """Note a value."""
        self.values.setdefault(record, {})[name] = value

    def label(self, record: str, name: str, label: Any) -> None:
        """Note a label or labels."""
        self.labels.setdefault(record, {})[name] = label


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPlan:
    """Reads the names of records of one object that the reader may see."""

    statement: Prepared
    conditions: tuple[RowCondition, ...]


class Completer:
    """Completes the rows of one page."""

    def __init__(self, access: ActorAccess, unit: Unit, plan: ListPlan) -> None:
        self._access = access
        self._unit = unit
        self._plan = plan

    def complete(self, rows: Sequence[Row]) -> Completed:
        """Everything that the rows lack."""
        found = Completed()
        if rows:
            ids = [row[self._plan.id_at] for row in rows]
            for each in self._plan.links:
                self._links(each, ids, found)
            self._labels_of_any(rows, found)
            if self._plan.volatile:
                self._formulas(rows, ids, found)
        return found

    def _links(self, chosen: Field, ids: list[str], found: Completed) -> None:
        link = self._plan.kind.links[chosen.name]
        pairs = self._unit.rows(self._link_statement(chosen.name, link.table), {IDS: ids})
        names = labels(self._access, self._unit, link.target, [target for _, target in pairs])
        for identity in ids:
            targets = [target for source, target in pairs if source == identity]
            found.put(identity, chosen.name, targets)
            known = [Label(id=each, label=names[each], object=link.target) for each in targets if each in names]
            found.label(identity, chosen.name, known)

    def _link_statement(self, name: str, table: sa.Table) -> Prepared:
        dialect = self._unit.dialect
        key = ("links", self._plan.kind.name, name, dialect)

        def make() -> Prepared:
            query = sa.select(table.c.source, table.c.target).where(among(table.c.source, IDS, dialect))
            return Prepared(query.order_by(table.c.source, table.c.position))

        made: Prepared = plans_of(self._access.ctx.snapshot).get(key, make)
        return made

    def _labels_of_any(self, rows: Sequence[Row], found: Completed) -> None:
        """Labels of lookups that may point to any object: one statement for each object that the page points to."""
        wanted: dict[str, set[str]] = {}
        places: list[tuple[str, str, Mapping[str, Any]]] = []
        for chosen in self._plan.selected:
            if chosen.label is not None or len(chosen.columns) < 2 or not chosen.field.type.targets:
                continue
            for row in rows:
                value = chosen.value(row)
                if value is not None:
                    wanted.setdefault(value["object"], set()).add(value["id"])
                    places.append((row[self._plan.id_at], chosen.path, value))
        names = {name: labels(self._access, self._unit, name, sorted(ids)) for name, ids in wanted.items()}
        for record, path, value in places:
            text = names[value["object"]].get(value["id"])
            if text is not None:
                found.label(record, path, Label(id=value["id"], label=text, object=value["object"]))

    def _formulas(self, rows: Sequence[Row], ids: list[str], found: Completed) -> None:
        plan = self._plan
        formulas = needed_formulas(plan.kind, [each.name for each in plan.volatile])
        lists = {name: self._list(name).read(self._unit, ids) for name in plan.related.lists}
        context = evaluation_context(self._access.ctx)
        user = user_variables(self._access.ctx.actor)
        for row in rows:
            identity = row[plan.id_at]
            own = {each.name: _value(each, row, start) for each, start in plan.own}
            variables = {**variables_of(plan.kind, own), **plan.related.read(row, plan.input_start), "user": user}
            variables.update({name: read[identity] for name, read in lists.items()})
            for formula in formulas:
                value = _worked_out(plan.kind, formula, variables, context)
                variables[formula.name] = None if value is None else formula.type.variable(value)
                found.put(identity, formula.name, value)

    def _list(self, name: str) -> ListReader:
        plan, dialect = self._plan, self._unit.dialect
        paths = plan.related.lists[name]
        key = ("list", plan.kind.name, name, frozenset(paths), dialect)
        made: ListReader = plans_of(self._access.ctx.snapshot).get(
            key, lambda: ListReader(plan.kind, self._access.objects, name, paths, dialect)
        )
        return made


def _value(of: Field, row: Row, start: int) -> Any:
    return of.type.from_columns(row[start : start + len(of.column_names)])


def _worked_out(kind: ObjectType, formula: Field, variables: Mapping[str, Any], context: Any) -> Any:
    """The value of a formula; empty when it has none for this record."""
    if formula.expression is None:
        return None
    try:
        return kind.coerce(formula.name, formula.expression.evaluate(variables, context))
    except (EvaluationError, Invalid):
        return None


def labels(access: ActorAccess, unit: Unit, name: str, ids: Sequence[str]) -> dict[str, str]:
    """The names of records by id: those that there are and that the reader may see. One statement."""
    kind = access.objects(name)
    if not ids or kind is None or not access.policy.names_records(name):
        return {}
    plan = _label_plan(access, kind, unit, frozenset())
    parameters = access.parameters(plan.conditions)
    nulls = frozenset(null for condition in plan.conditions for null in condition.nulls(parameters))
    if nulls:
        plan = _label_plan(access, kind, unit, nulls)
    rows = unit.rows(plan.statement, {**parameters, IDS: list(dict.fromkeys(ids))})
    return {row[0]: row[1] for row in rows if row[1] is not None}


def _label_plan(access: ActorAccess, kind: ObjectType, unit: Unit, nulls: frozenset[str]) -> LabelPlan:
    key = ("labels", kind.name, access.key, unit.dialect, nulls)

    def make() -> LabelPlan:
        guard = access.rows(unit.dialect, nulls)
        identity = key_of(kind, kind.table)
        query = sa.select(identity, label_column(kind, kind.table)).where(among(identity, IDS, unit.dialect))
        kept = guard.on(kind, kind.table, "read")
        return LabelPlan(statement=Prepared(query if kept is None else query.where(kept)), conditions=guard.conditions)

    made: LabelPlan = plans_of(access.ctx.snapshot).get(key, make)
    return made
