"""Statements of lists, made once per snapshot, rights and shape of the query.

What comes in: a `Shape`. What goes out: `ListPlan`: the prepared statement, how its rows are read, and which parameters
it needs. Everything that a version, a set of roles or the form of a query decides is decided here; a request only fills
in parameters. Who calls it: the query service.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.codec.dumper import RowDumper
from fieldstone.objects.query.paths import PathFinder
from fieldstone.objects.query.searching import search_condition
from fieldstone.objects.query.selection import Selected, Selection
from fieldstone.objects.query.sorting import Key, Sorter, after
from fieldstone.objects.query.tokens import Term
from fieldstone.objects.query.values import COUNT_CAP, Constraint
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.sql.related import Related
from fieldstone.objects.sql.rows import DELETED, Joins, TableRows, key_of
from fieldstone.objects.sql.terms import Condition
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Chars, Id
from fieldstone.platform.kernel.context import DialectName
from fieldstone.platform.kernel.metadata import Snapshot

PLANS_KEPT: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Everything about a query that its statement depends on."""

    object: str
    dialect: DialectName
    rights: Hashable
    filters: tuple[tuple[str, bool], ...]
    constraints: tuple[tuple[str, str], ...]
    sort: tuple[str, ...]
    fields: tuple[str, ...] | None
    terms: int | None
    deleted: bool | None
    limit: int
    nulls: frozenset[str] = frozenset()
    after: tuple[bool, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class ListPlan:
    """One statement. `conditions` are the row conditions whose parameters it needs.

    `keys` stand in the row from `key_start`, the id at `id_at`; `inputs` are read from `input_start`.
    """

    kind: ObjectType
    statement: Prepared
    dump: RowDumper
    selected: tuple[Selected, ...]
    links: tuple[Field, ...]
    rows: tuple[Field, ...]
    volatile: tuple[Field, ...]
    related: Related
    own: tuple[tuple[Field, int], ...]
    input_start: int
    keys: tuple[Key, ...]
    key_start: int
    id_at: int
    revision_at: int
    conditions: tuple[RowCondition, ...]
    order: str

    @cached_property
    def is_whole(self) -> bool:
        """Whether the statement answers everything, so that no other follows it."""
        anywhere = any(
            each.label is None and len(each.columns) > 1 and each.field.type.targets for each in self.selected
        )
        return not (self.links or self.rows or self.related.lists or anywhere)

    def key_values(self, row: Sequence[Any]) -> list[Any]:
        """What a cursor after this row holds."""
        return list(row[self.key_start : self.key_start + len(self.keys)])


@dataclass(frozen=True, slots=True, kw_only=True)
class CountPlan:
    """A statement that counts, up to one more than `COUNT_CAP` or exactly."""

    statement: Prepared
    conditions: tuple[RowCondition, ...]


class _Builder:
    """Makes the statements of one shape."""

    def __init__(self, access: ActorAccess, kind: ObjectType, shape: Shape, filters: Sequence[RowCondition]) -> None:
        self.access = access
        self.kind = kind
        self.shape = shape
        self.filters = filters
        self.table = kind.table
        self.guard = access.rows(shape.dialect, shape.nulls)
        self.joins = Joins(self.guard.filter("read"))
        self.finder = PathFinder(kind, access)

    def list_plan(self) -> ListPlan:
        selection = Selection(self.finder, self.table, self.joins)
        selection.choose(self.shape.fields)
        related, own = self._inputs(selection)
        keys = Sorter(self.finder, self.table, self.joins).keys(self.shape.sort)
        conditions = self._conditions()
        if self.shape.after is not None:
            conditions.append(after(keys, self.shape.after))
        inner = Joins()
        input_start = len(selection.columns)
        columns = [*selection.columns, *related.columns(self.table, inner)]
        key_start = len(columns)
        columns.extend(key.sql for key in keys)
        query = (
            sa.select(*(column.label(f"c{index}") for index, column in enumerate(columns)))
            .select_from(inner.source(self.joins.source(self.table)))
            .where(*conditions)
            .order_by(*(key.ordering() for key in keys))
            .limit(sa.literal_column(str(self.shape.limit)))
        )
        found = {each.path: each for each in selection.selected}
        return ListPlan(
            kind=self.kind,
            statement=Prepared(query),
            dump=self.kind.row_dumper(selection.slots),
            selected=selection.selected,
            links=tuple(selection.links),
            rows=tuple(selection.rows),
            volatile=tuple(selection.volatile),
            related=related,
            own=own,
            input_start=input_start,
            keys=keys,
            key_start=key_start,
            id_at=found["id"].columns[0],
            revision_at=found["revision"].columns[0] if "revision" in found else -1,
            conditions=self.guard.conditions,
            order=f"{self.kind.name}:{','.join(self.shape.sort)}",
        )

    def count_plan(self, *, capped: bool) -> CountPlan:
        conditions = self._conditions()
        query: Any = sa.select(sa.literal_column("1").label("one")).select_from(self.joins.source(self.table))
        query = query.where(*conditions)
        if capped:
            query = query.limit(sa.literal_column(str(COUNT_CAP + 1)))
        counted = sa.select(sa.func.count()).select_from(query.subquery())
        return CountPlan(statement=Prepared(counted), conditions=self.guard.conditions)

    def _conditions(self) -> list[Condition]:
        shape = self.shape
        found = [self._in_bin()]
        found.extend(self._constraint(index, *each) for index, each in enumerate(shape.constraints))
        read = self.guard.filter("read")
        rows = TableRows(self.access.objects, self.kind, self.table, shape.dialect, self.joins, read)
        found.extend(each.over(rows, shape.dialect, shape.nulls) for each in self.filters)
        if shape.terms is not None:
            terms = [Term(text="")] * shape.terms
            found.append(search_condition(self.kind, self.table, terms, shape.dialect))
        found.append(self.guard.on(self.kind, self.table, "read"))
        return [condition for condition in found if condition is not None]

    def _in_bin(self) -> Condition | None:
        if DELETED not in self.kind.system_fields:
            return sa.false() if self.shape.deleted else None
        if self.shape.deleted is None:
            return None
        column = self.table.c[self.kind.system_fields[DELETED].column_names[0]]
        return column.is_not(None) if self.shape.deleted else column.is_(None)

    def _constraint(self, index: int, field: str, object_name: str) -> Condition:
        found = self.kind.field(field)
        bound = sa.bindparam(f"c_{index}", type_=Id())
        if field in self.kind.links:
            link = self.kind.links[field].table.alias()
            linked = sa.select(link.c.source).where(link.c.target == bound)
            return key_of(self.kind, self.table).in_(linked.scalar_subquery())
        condition: Condition = self.table.c[found.column_names[0]] == bound
        if len(found.column_names) > 1:
            chosen = self.table.c[found.column_names[1]] == sa.literal(object_name, Chars())
            return sa.and_(condition, chosen)
        return condition

    def _inputs(self, selection: Selection) -> tuple[Related, tuple[tuple[Field, int], ...]]:
        """What formulas need that are worked out when they are read: related fields, and own columns."""
        needed = needed_formulas(self.kind, [field.name for field in selection.volatile])
        paths = {path for field in needed if field.expression for path in field.expression.references}
        own: list[tuple[Field, int]] = []
        for name in sorted({path[0] for path in paths}):
            field = self.kind.fields.get(name)
            if field is not None and field.stored:
                positions = [selection.add(self.table.c[column]) for column in field.column_names]
                own.append((field, positions[0]))
        return Related(self.kind, self.access.objects, paths), tuple(own)


def needed_formulas(kind: ObjectType, names: Sequence[str]) -> list[Field]:
    """The volatile formulas of those names and all volatile formulas that they read, each after what it needs."""
    wanted, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        field = kind.own_fields.get(name)
        if field is None or name in wanted or not field.type.volatile or field.expression is None:
            continue
        wanted.add(name)
        waiting.extend(path[0] for path in field.expression.references)
    return [field for field in kind.formulas if field.name in wanted]


class PlanCache:
    """The plans of one snapshot, the least recently used dropped first."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[object, Any] = OrderedDict()

    def get(self, key: object, make: Callable[[], Any]) -> Any:
        """The plan, made if it is not there."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > PLANS_KEPT:
                self._kept.popitem(last=False)
        return made


def plans_of(snapshot: Snapshot) -> PlanCache:
    """The cache of a snapshot."""
    cache: PlanCache = snapshot.derived("query.plans", PlanCache)
    return cache


def list_plan(access: ActorAccess, kind: ObjectType, shape: Shape, filters: Sequence[RowCondition]) -> ListPlan:
    """The plan of a list."""
    made: ListPlan = plans_of(access.ctx.snapshot).get(
        shape, lambda: _Builder(access, kind, shape, filters).list_plan()
    )
    return made


def count_plan(
    access: ActorAccess, kind: ObjectType, shape: Shape, filters: Sequence[RowCondition], *, capped: bool
) -> CountPlan:
    """The plan of a count."""
    made: CountPlan = plans_of(access.ctx.snapshot).get(
        ("count", capped, shape), lambda: _Builder(access, kind, shape, filters).count_plan(capped=capped)
    )
    return made


__all__ = ["Constraint", "CountPlan", "ListPlan", "PlanCache", "Shape", "count_plan", "list_plan", "needed_formulas"]
