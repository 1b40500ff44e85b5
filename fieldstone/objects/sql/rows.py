"""The rows of an object, as the compiler looks at them: fields, fields through lookups, lists.

What comes in: a compiled object, the table (or alias) its rows are read from, and a way to follow lookups. What goes
out: `TableRows`, the compiler's `Rows`. Lookups are followed in one of two ways: `Joins` joins each path once to the
query being built (lists), `Subqueries` reads each value by a correlated subquery, which needs no room in the query
around it (row conditions). Who calls it: filters, sorts, row conditions, roll-ups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa

from fieldstone.objects.sql.columns import part_of, term_of
from fieldstone.objects.sql.elements import Elements
from fieldstone.objects.sql.terms import Condition, Sql, Term, unsupported
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.kernel.context import DialectName
from fieldstone.rules.expressions.syntax import Path
from fieldstone.rules.expressions.types import STRING

Objects: TypeAlias = Callable[[str], ObjectType | None]
"""Gives compiled objects by name."""
RowFilter: TypeAlias = Callable[[ObjectType, sa.FromClause], Condition | None]
"""Which rows of an object count, None for all."""
Step: TypeAlias = tuple[Field, ObjectType]
"""A lookup and the object it points to."""
DELETED = "deleted_at"


def all_rows(kind: ObjectType, table: sa.FromClause) -> Condition | None:
    """No row is left out."""
    return None


def live(kind: ObjectType, table: sa.FromClause) -> Condition | None:
    """Rows that are not in the bin; None for objects without one."""
    return table.c[kind.field(DELETED).column_names[0]].is_(None) if DELETED in kind.fields else None


def key_of(kind: ObjectType, table: sa.FromClause) -> Sql:
    """The id column of an object's rows."""
    column: Sql = table.c[kind.field("id").column_names[0]]
    return column


class Follow(Protocol):
    """How fields through lookups are read."""

    def read(
        self, table: sa.FromClause, steps: Sequence[Step], term: Callable[[ObjectType, sa.FromClause], Term]
    ) -> Term:
        """What `term` gives at the end of the steps; null when a lookup on the way is empty."""
        ...


class Joins:
    """The tables of a query: the first one, and one for each path of lookups that something was read through."""

    def __init__(self, rows: RowFilter = all_rows) -> None:
        self._rows = rows
        self._tables: dict[tuple[sa.FromClause, str], sa.FromClause] = {}
        self._joined: list[tuple[sa.FromClause, Condition]] = []

    def read(
        self, table: sa.FromClause, steps: Sequence[Step], term: Callable[[ObjectType, sa.FromClause], Term]
    ) -> Term:
        """See `Follow`."""
        target, at = self.table(table, steps)
        return replace(term(target, at), filled=False)

    def table(self, table: sa.FromClause, steps: Sequence[Step]) -> tuple[ObjectType, sa.FromClause]:
        """The table at the end of the steps, joined on the way."""
        target: ObjectType | None = None
        for lookup, target in steps:
            table = self._next(table, lookup, target)
        if target is None:
            raise ValueError("no steps")
        return target, table

    def source(self, table: sa.FromClause) -> sa.FromClause:
        """What to select from: `table` with everything joined to it."""
        for joined, condition in self._joined:
            table = table.outerjoin(joined, condition)
        return table

    def _next(self, table: sa.FromClause, lookup: Field, target: ObjectType) -> sa.FromClause:
        key = (table, f"{lookup.name}:{target.name}")
        if key not in self._tables:
            at = target.table.alias()
            conditions = [_points_to(table, lookup, target, at)]
            kept = self._rows(target, at)
            if kept is not None:
                conditions.append(kept)
            self._tables[key] = at
            self._joined.append((at, sa.and_(*conditions)))
        return self._tables[key]


class Subqueries:
    """Reads each value through lookups by a subquery of its own."""

    def __init__(self, rows: RowFilter = all_rows) -> None:
        self._rows = rows

    def read(
        self, table: sa.FromClause, steps: Sequence[Step], term: Callable[[ObjectType, sa.FromClause], Term]
    ) -> Term:
        """See `Follow`."""
        lookup, target = steps[0]
        first = target.table.alias()
        joins = Joins(self._rows)
        if len(steps) > 1:
            last, at = joins.table(first, steps[1:])
        else:
            last, at = target, first
        conditions = [_points_to(table, lookup, target, first)]
        kept = self._rows(target, first)
        if kept is not None:
            conditions.append(kept)
        found = term(last, at)
        source = joins.source(first)

        def value(sql: Sql) -> Sql:
            return sa.select(sql).select_from(source).where(*conditions).correlate(table).scalar_subquery()

        currency = None if found.currency is None else value(found.currency)
        return found.of(value(found.sql), filled=False, currency=currency)


def _points_to(table: sa.FromClause, lookup: Field, target: ObjectType, at: sa.FromClause) -> Condition:
    condition: Condition = key_of(target, at) == table.c[lookup.column_names[0]]
    if len(lookup.column_names) > 1:
        return sa.and_(condition, table.c[lookup.column_names[1]] == target.name)
    return condition


class TableRows:
    """See the file. `roots` are names that never mean a field of the row (`record` in a lookup's filter)."""

    def __init__(
        self,
        objects: Objects,
        kind: ObjectType,
        table: sa.FromClause,
        dialect: DialectName,
        follow: Follow,
        rows: RowFilter = all_rows,
    ) -> None:
        self._objects = objects
        self._kind = kind
        self._table = table
        self._dialect = dialect
        self._follow = follow
        self._rows = rows

    def reads(self, path: Path) -> bool:
        """Whether the path begins with a field of the object."""
        return path[0] in self._kind.fields

    def term(self, path: Path) -> Term:
        """The value at a path. Raises `NotInSql`."""
        steps, owner, field = self.steps(path)

        def last(kind: ObjectType, table: sa.FromClause) -> Term:
            return term_of(field, table, self._dialect)

        return self._follow.read(self._table, steps, last) if steps else last(owner, self._table)

    def part(self, path: Path, name: str) -> Term:
        """A part of the value at a path (`address.city`). Raises `NotInSql`."""
        steps, owner, field = self.steps(path)

        def last(kind: ObjectType, table: sa.FromClause) -> Term:
            return part_of(field, name, table, self._dialect)

        return self._follow.read(self._table, steps, last) if steps else last(owner, self._table)

    def steps(self, path: Path) -> tuple[list[Step], ObjectType, Field]:
        """The lookups of a path, the object at its end and the field there. Raises `NotInSql`."""
        kind, steps = self._kind, list[Step]()
        names = list(path)
        if len(names) > 1 and names[-1] == "id" and len(self._field(kind, names[-2], steps).type.targets) == 1:
            names.pop()
        for name in names[:-1]:
            field = self._field(kind, name, steps)
            target = self._objects(field.type.targets[0]) if len(field.type.targets) == 1 else None
            if target is None or not field.stored:
                raise unsupported(f"the field {name}, which leads to no one object")
            steps.append((field, target))
            kind = target
        return steps, kind, self._field(kind, names[-1], steps)

    def elements(self, path: Path) -> Elements:
        """The elements of a list field of the row itself. Raises `NotInSql` for lists through lookups."""
        steps, owner, field = self.steps(path)
        if steps:
            raise unsupported("a list of a related record")
        if field.name in owner.links:
            return self._linked(owner, field)
        if field.type.row_object is not None:
            return self._row_elements(owner, field)
        if field.type.expression_type().is_list and field.stored:
            return self._options(field)
        raise unsupported(f"the list {field.name}")

    def _field(self, kind: ObjectType, name: str, steps: Sequence[Step]) -> Field:
        at = kind
        for _, target in steps:
            at = target
        found = at.fields.get(name)
        if found is None:
            raise unsupported(f"the field {name}")
        if not found.active:
            raise unsupported(f"the field {name}, which is still being built")
        return found

    def _row_elements(self, owner: ObjectType, field: Field) -> Elements:
        child = self._objects(str(field.type.row_object))
        if child is None:
            raise unsupported(f"the list {field.name}")
        lookup = child.field(str(field.type.option("field")))
        at = child.table.alias()
        belongs: list[Any] = [at.c[lookup.column_names[0]] == key_of(owner, self._table)]
        return self._records(child, at, at, belongs)

    def _linked(self, owner: ObjectType, field: Field) -> Elements:
        link = owner.links[field.name]
        target = self._objects(link.target)
        if target is None:
            raise unsupported(f"the list {field.name}")
        links, at = link.table.alias(), target.table.alias()
        source = links.join(at, links.c.target == key_of(target, at))
        return self._records(target, at, source, [links.c.source == key_of(owner, self._table)])

    def _records(self, kind: ObjectType, at: sa.FromClause, source: Any, belongs: list[Any]) -> Elements:
        conditions = [*belongs, live(kind, at), self._rows(kind, at)]
        rows = TableRows(self._objects, kind, at, self._dialect, Subqueries(self._rows), self._rows)
        element = Term(sql=key_of(kind, at), type=STRING, filled=True)
        kept = sa.and_(*(condition for condition in conditions if condition is not None))
        return Elements(source=source, belongs=kept, element=element, rows=rows)

    def _options(self, field: Field) -> Elements:
        column = self._table.c[field.column_names[0]]
        if self._dialect == "postgresql":
            listed = sa.func.jsonb_array_elements_text(column).table_valued("value").render_derived()
        else:
            listed = sa.func.json_each(column).table_valued("value")
        element = Term(sql=sa.type_coerce(listed.c.value, sa.Text()), type=STRING, filled=True)
        return Elements(source=listed, belongs=sa.true(), element=element, rows=self)
