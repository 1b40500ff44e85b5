"""The order of a list, and "everything after this record" in that order.

What comes in: sort paths such as `-created_at` and `customer`. What goes out: key columns for ORDER BY and for the
cursor, the same order on both databases: empty values last, in either direction; texts by code point; the id decides
between equals. Who calls it: lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.objects.query.paths import PathFinder
from fieldstone.objects.query.values import MAX_SORTS
from fieldstone.objects.sql.rows import Joins, key_of
from fieldstone.objects.sql.terms import Condition, Sql
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.database.types import Chars, Day, ExactDecimal, Id, Micros, TimeOfDay, UtcDateTime
from fieldstone.platform.kernel.errors import Unreadable
from fieldstone.platform.kernel.ids import is_id

_FILLED: Final = frozenset({"id", "revision", "created_at", "updated_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One column of the order. `filled`: it is never empty."""

    sql: Sql
    descending: bool
    filled: bool

    def ordering(self) -> Sql:
        """The column in ORDER BY."""
        ordered = self.sql.desc() if self.descending else self.sql.asc()
        return ordered if self.filled else ordered.nulls_last()

    def accepts(self, value: Any) -> bool:
        """Whether a cursor may hold this value for the column."""
        if value is None:
            return not self.filled
        return _fits(self.sql.type, value)


def _fits(kind: Any, value: Any) -> bool:
    match kind:
        case Id():
            return is_id(value)
        case Chars() | sa.String():
            return isinstance(value, str) and "\x00" not in value
        case ExactDecimal():
            return isinstance(value, Decimal) and _exact(kind, value)
        case sa.Boolean():
            return isinstance(value, bool)
        case UtcDateTime():
            return isinstance(value, datetime)
        case Day():
            return isinstance(value, date) and not isinstance(value, datetime)
        case TimeOfDay():
            return isinstance(value, time) and value.tzinfo is None
        case Micros():
            return isinstance(value, timedelta)
        case sa.Integer():
            return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
        case sa.Float():
            return isinstance(value, float)
        case _:
            return False


def _exact(kind: ExactDecimal, value: Decimal) -> bool:
    try:
        kind.units(value)
    except ValueError:
        return False
    return True


class Sorter:
    """Turns sort paths into keys for one query."""

    def __init__(self, finder: PathFinder, table: sa.FromClause, joins: Joins) -> None:
        self._finder = finder
        self._table = table
        self._joins = joins

    def keys(self, paths: Sequence[str]) -> tuple[Key, ...]:
        """The keys of the paths, closed by the id. Raises `Unreadable`."""
        if len(paths) > MAX_SORTS:
            raise Unreadable("A list can be sorted by at most {limit} fields.", limit=MAX_SORTS)
        keys = [self._key(path.removeprefix("-"), descending=path.startswith("-")) for path in paths]
        if not any(key.sql is self._id() for key in keys):
            downwards = keys[-1].descending if keys else False
            keys.append(Key(sql=self._id(), descending=downwards, filled=True))
        return tuple(keys)

    def _id(self) -> Sql:
        return key_of(self._finder.kind, self._table)

    def _key(self, path: str, *, descending: bool) -> Key:
        found = self._finder.find(path, "sort")
        if not found.field.sortable:
            raise Unreadable("A list cannot be sorted by {field}.", code="not_sortable", field=path)
        table = self._joins.table(self._table, found.steps)[1] if found.steps else self._table
        column = table.c[found.field.column_names[0]]
        filled = not found.steps and found.field.system and found.field.name in _FILLED
        return Key(sql=self._value(found.field, table, column, path), descending=descending, filled=filled)

    def _value(self, field: Field, table: sa.FromClause, column: Sql, path: str) -> Sql:
        if field.type.sort == "rank":
            ranks = field.type.ranks()
            return sa.case(*((column == value, rank) for value, rank in ranks.items())) if ranks else column
        if field.type.sort != "label":
            return column
        target = self._finder.target(field)
        if target is None or "title" not in target.system_fields:
            raise Unreadable("A list cannot be sorted by {field}.", code="not_sortable", field=path)
        at = self._joins.table(table, [(field, target)])[1]
        return label_column(target, at)


def label_column(kind: ObjectType, table: sa.FromClause) -> Sql:
    """The column that names records of an object."""
    column: Sql = table.c[kind.system_fields["title"].column_names[0]]
    return column


def after(keys: Sequence[Key], nulls: Sequence[bool]) -> Condition:
    """Rows that come after the one whose key values are the parameters `k0`, `k1`, ...; `nulls`: which are empty."""
    if all(key.filled for key in keys) and len({key.descending for key in keys}) == 1:
        row = sa.tuple_(*(key.sql for key in keys))
        other = sa.tuple_(*(_parameter(index, key) for index, key in enumerate(keys)))
        return row < other if keys[0].descending else row > other
    condition: Condition | None = None
    for index in reversed(range(len(keys))):
        condition = _later(keys[index], index, nulls[index], condition)
    if condition is None:
        raise ValueError("no keys")
    return condition


def _later(key: Key, index: int, is_null: bool, rest: Condition | None) -> Condition:
    if is_null:
        same: Condition = key.sql.is_(None)
        return same if rest is None else sa.and_(same, rest)
    bound = _parameter(index, key)
    beyond: Condition = key.sql < bound if key.descending else key.sql > bound
    if not key.filled:
        beyond = sa.or_(beyond, key.sql.is_(None))
    if rest is None:
        return beyond
    return sa.or_(beyond, sa.and_(key.sql == bound, rest))


def _parameter(index: int, key: Key) -> sa.BindParameter[Any]:
    return sa.bindparam(f"k{index}", type_=key.sql.type)
