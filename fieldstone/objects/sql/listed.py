"""Lists of records that expressions read: child rows and linked records, for several records at once.

What comes in: a list field and the paths that expressions read of its elements. What goes out: the elements of each
record as mappings. One statement, however many records. Who calls it: the record service, and lists with formulas that
are worked out when they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.objects.sql.binds import among
from fieldstone.objects.sql.related import Related
from fieldstone.objects.sql.rows import Joins, Objects, key_of, live
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.kernel.context import DialectName, Unit
from fieldstone.rules.expressions.syntax import Path

IDS: Final = "ids"


class ListReader:
    """Reads one list field of records of `kind`."""

    def __init__(
        self, kind: ObjectType, objects: Objects, name: str, paths: Iterable[Path], dialect: DialectName
    ) -> None:
        field = kind.field(name)
        target = objects(str(field.type.row_object) if field.type.row_object else field.type.targets[0])
        self._fields: list[Field] = []
        self._related: Related | None = None
        self._statement: Prepared | None = None
        if target is not None:
            paths = set(paths)
            names = sorted({path[0] for path in paths})
            self._fields = [
                target.fields[each] for each in names if each in target.fields and target.fields[each].stored
            ]
            self._related = Related(target, objects, paths)
            self._statement = Prepared(self._query(kind, field, target, dialect))

    def read(self, unit: Unit, ids: Sequence[str]) -> Mapping[str, list[dict[str, Any]]]:
        """The elements by the id of their record, in the order of the list."""
        found: dict[str, list[dict[str, Any]]] = {identity: [] for identity in ids}
        if self._statement is None or self._related is None or not ids:
            return found
        for row in unit.rows(self._statement, {IDS: list(ids)}):
            found[row[0]].append(self._element(row))
        return found

    def _query(self, kind: ObjectType, field: Field, target: ObjectType, dialect: DialectName) -> sa.Select[Any]:
        joins = Joins()
        at = target.table.alias()
        columns = [key_of(target, at), *(at.c[name] for each in self._fields for name in each.column_names)]
        if self._related is not None:
            columns.extend(self._related.columns(at, joins))
        owner, source, order = _owner(kind, field, target, at)
        kept = live(target, at)
        query = sa.select(owner, *columns).select_from(joins.source(source)).where(among(owner, IDS, dialect))
        return (query if kept is None else query.where(kept)).order_by(*order)

    def _element(self, row: Sequence[Any]) -> dict[str, Any]:
        values: dict[str, Any] = {"id": row[1]}
        position = 2
        for each in self._fields:
            width = len(each.column_names)
            value = each.type.from_columns(row[position : position + width])
            values[each.name] = None if value is None else each.type.variable(value)
            position += width
        if self._related is not None:
            values.update(self._related.read(row, position))
        return values


def _owner(
    kind: ObjectType, field: Field, target: ObjectType, at: sa.FromClause
) -> tuple[sa.ColumnElement[Any], sa.FromClause, Sequence[sa.ColumnElement[Any]]]:
    """The column with the record's id, what to select from, and the order of the elements."""
    if field.name in kind.links:
        link = kind.links[field.name].table.alias()
        source = link.join(at, link.c.target == key_of(target, at))
        return link.c.source, source, (link.c.source, link.c.position)
    lookup = target.field(str(field.type.option("field")))
    column = at.c[lookup.column_names[0]]
    return column, at, (column, key_of(target, at))
