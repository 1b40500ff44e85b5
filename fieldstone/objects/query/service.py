"""Reading records: one, a page of many, names, search. The only way to read, for every door.

What comes in: a context, an open unit, a query. What goes out: pages and records with what the actor may see, and
nothing else. One statement for the rows with their labels, and one for each further kind of thing that was asked for
(a count, linked records, child rows), whatever the number of rows. Who calls it: API, pages, export, the record
service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from fieldstone.objects.access.conditions import user_variables
from fieldstone.objects.access.service import Access, ActorAccess, evaluation_context
from fieldstone.objects.fieldtypes.declaration import Label
from fieldstone.objects.query import cursors
from fieldstone.objects.query.completing import Completed, Completer, labels
from fieldstone.objects.query.filters import filter_of, published_filter
from fieldstone.objects.query.plans import ListPlan, Shape, count_plan, list_plan, plans_of
from fieldstone.objects.query.searching import search_parameters
from fieldstone.objects.query.selection import is_shown
from fieldstone.objects.query.tokens import search_terms
from fieldstone.objects.query.values import (
    COUNT_CAP,
    MAX_LIMIT,
    Constraint,
    Hit,
    ListQuery,
    Page,
    Record,
)
from fieldstone.objects.query.views import with_view
from fieldstone.objects.query.wide_search import search_everywhere
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.database.prepared import Row
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import NotFound, Unreadable
from fieldstone.platform.kernel.ids import is_id

CHILD_LIMIT: Final = 1_000
MAX_SEARCH: Final = 200


class _Asked:
    """One query at work: its rights, its conditions, the shape of its statement and the values of its parameters."""

    def __init__(self, access: ActorAccess, unit: Unit, query: ListQuery, limit: int) -> None:
        rights = access.require(query.object, "read")
        self.access = access
        self.unit = unit
        self.kind: ObjectType = rights.kind
        viewed = with_view(access, self.kind, query)
        self.query = viewed.query
        sources = [(viewed.filter, True), (query.filter, False)]
        self.sources = tuple((source, trusted) for source, trusted in sources if source)
        self.filters = [self._filter(index, *each) for index, each in enumerate(self.sources)]
        self.terms = search_terms(_short(query.q)) if query.q else ()
        self.parameters = self._parameters()
        self.shape = self._shape(limit)

    def _filter(self, index: int, source: str, trusted: bool) -> RowCondition:
        key = ("filter", self.kind.name, self.access.key, source, trusted, index)

        def make() -> RowCondition:
            if trusted:
                return published_filter(self.kind, source, f"f{index}_")
            return filter_of(self.kind, source, self.access, f"f{index}_")

        made: RowCondition = plans_of(self.access.ctx.snapshot).get(key, make)
        return made

    def _parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        variables = {"user": user_variables(self.access.ctx.actor)}
        context = evaluation_context(self.access.ctx)
        for condition in self.filters:
            found.update(condition.parameters(variables, context))
        found.update({f"c_{index}": each.id for index, each in enumerate(self.query.more)})
        if self.terms:
            found.update(search_parameters(self.terms, self.unit.dialect))
        return found

    def _shape(self, limit: int) -> Shape:
        query = self.query
        return Shape(
            object=self.kind.name,
            dialect=self.unit.dialect,
            rights=self.access.key,
            filters=self.sources,
            constraints=tuple((each.field, each.object) for each in query.more),
            sort=query.sort,
            fields=query.fields,
            terms=len(self.terms) if query.q else None,
            deleted=query.deleted,
            limit=limit,
            nulls=frozenset(null for each in self.filters for null in each.nulls(self.parameters)),
        )

    def plan(self) -> ListPlan:
        """The statement, with every parameter known."""
        plan = list_plan(self.access, self.kind, self.shape, self.filters)
        if self.know(plan.conditions):
            plan = list_plan(self.access, self.kind, self.shape, self.filters)
        return plan if self.query.cursor is None else self._after(plan, self.query.cursor)

    def know(self, conditions: Sequence[RowCondition]) -> bool:
        """Work out the parameters of row access; whether some turned out to be empty, which asks for another plan."""
        self.parameters.update(self.access.parameters(conditions))
        nulls = frozenset(null for each in conditions for null in each.nulls(self.parameters))
        if nulls <= self.shape.nulls:
            return False
        self.shape = replace(self.shape, nulls=self.shape.nulls | nulls)
        return True

    def _after(self, plan: ListPlan, cursor: str) -> ListPlan:
        values = cursors.decode(cursor, plan.order, len(plan.keys))
        if not all(key.accepts(value) for key, value in zip(plan.keys, values, strict=True)):
            raise Unreadable("This cursor is not one that a list has given.", code="bad_cursor")
        self.parameters.update({f"k{index}": value for index, value in enumerate(values)})
        shape = replace(self.shape, after=tuple(value is None for value in values))
        return list_plan(self.access, self.kind, shape, self.filters)

    def rows(self, plan: ListPlan, *, ends: bool) -> list[Row]:
        """The rows; with the end of the unit when nothing can follow."""
        if ends and plan.is_whole:
            return cast(SqlUnit, self.unit).last_rows(plan.statement, self.parameters)
        return list(self.unit.rows(plan.statement, self.parameters))

    def count(self, *, capped: bool) -> int:
        """The number of records, up to one more than the cap."""
        plan = count_plan(self.access, self.kind, self.shape, self.filters, capped=capped)
        if self.know(plan.conditions):
            plan = count_plan(self.access, self.kind, self.shape, self.filters, capped=capped)
        return int(self.unit.scalar(plan.statement, self.parameters))


def _short(text: str) -> str:
    if len(text) > MAX_SEARCH:
        raise Unreadable("A search has at most {limit} characters.", code="search_too_long", limit=MAX_SEARCH)
    return text


class QueryService:
    """Reads records."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def list(self, ctx: Context, unit: Unit, query: ListQuery, *, ends: bool = False) -> Page:
        """One page. `ends`: the unit only reads, and nothing else follows in it; that saves a send.

        Raises `NotFound`, `Forbidden`, `Unreadable`.
        """
        limit = max(1, min(query.limit, MAX_LIMIT))
        return self._page(self._access.of(ctx), unit, query, limit, ends=ends)

    def count(self, ctx: Context, unit: Unit, query: ListQuery) -> tuple[int, bool]:
        """How many records a query has, and whether there are more than that (the count is capped)."""
        asked = _Asked(self._access.of(ctx), unit, query, 1)
        return _capped(asked.count(capped=query.count != "exact"), query)

    def get(
        self,
        ctx: Context,
        unit: Unit,
        object_name: str,
        identity: str,
        fields: Sequence[str] | None = None,
        *,
        ends: bool = False,
    ) -> Record:
        """One record, with its child rows unless `fields` says otherwise; `ends` as for `list`. Raises `NotFound`."""
        return self.found(ctx, unit, object_name, identity, fields, ends=ends)[0]

    def found(
        self,
        ctx: Context,
        unit: Unit,
        object_name: str,
        identity: str,
        fields: Sequence[str] | None = None,
        *,
        deleted: bool | None = False,
        ends: bool = False,
    ) -> tuple[Record, dict[str, Any]]:
        """One record, and the document that the API answers for it. Raises `NotFound`."""
        access = self._access.of(ctx)
        rights = access.require(object_name, "read")
        if not is_id(identity):
            raise NotFound
        chosen = _with_rows(access, rights.kind) if fields is None else tuple(fields)
        more = (Constraint(field="id", object=object_name, id=identity),)
        query = ListQuery(object=object_name, fields=chosen, more=more, deleted=deleted)
        asked = _Asked(access, unit, query, 1)
        plan = asked.plan()
        rows = asked.rows(plan, ends=ends)
        if not rows:
            raise NotFound
        row = rows[0]
        completed = Completer(access, unit, plan).complete([row])
        record, document = _record(plan, row, completed), _document(plan, row, completed)
        for child in plan.rows:
            page = self._children(access, unit, child, identity)
            record = replace(record, values={**record.values, child.name: list(page.records)})
            document[child.name] = list(page.documents)
        return record, document

    def labels(self, ctx: Context, unit: Unit, object_name: str, ids: Sequence[str]) -> Mapping[str, Label]:
        """The names of those records that there are and that the actor may see, by id."""
        known = labels(self._access.of(ctx), unit, object_name, [each for each in ids if is_id(each)])
        return {identity: Label(id=identity, label=text, object=object_name) for identity, text in known.items()}

    def search(self, ctx: Context, unit: Unit, q: str, limit: int = 20) -> Sequence[Hit]:
        """Records of all objects that are found by `q`, the newest of each object first."""
        return search_everywhere(self._access.of(ctx), unit, _short(q), max(1, min(limit, MAX_LIMIT)))

    def _children(self, access: ActorAccess, unit: Unit, child: Field, identity: str) -> Page:
        row_object = str(child.type.row_object)
        more = (Constraint(field=str(child.type.option("field")), object=child.object, id=identity),)
        query = ListQuery(object=row_object, more=more, sort=("id",), limit=CHILD_LIMIT)
        return self._page(access, unit, query, CHILD_LIMIT)

    def _page(self, access: ActorAccess, unit: Unit, query: ListQuery, limit: int, *, ends: bool = False) -> Page:
        asked = _Asked(access, unit, query, limit + 1)
        plan = asked.plan()
        if plan.rows:
            raise Unreadable("{field} can only be asked for of one record.", field=plan.rows[0].name)
        rows = asked.rows(plan, ends=ends and query.count == "no")
        shown = rows[:limit]
        completed = Completer(access, unit, plan).complete(shown)
        count, is_capped = None, False
        if query.count != "no":
            count, is_capped = _capped(asked.count(capped=query.count == "capped"), query)
        return Page(
            object=plan.kind.name,
            documents=[_document(plan, row, completed) for row in shown],
            next_cursor=cursors.encode(plan.key_values(shown[-1]), plan.order) if len(rows) > limit else None,
            count=count,
            count_capped=is_capped,
            read=lambda: [_record(plan, row, completed) for row in shown],
        )


def _with_rows(access: ActorAccess, kind: ObjectType) -> tuple[str, ...]:
    """Every field that may be seen, child rows included."""
    rights = access.policy.rights(kind.name)
    return tuple(
        name for name, each in kind.fields.items() if rights is not None and rights.readable(name) and is_shown(each)
    )


def _capped(count: int, query: ListQuery) -> tuple[int, bool]:
    return (COUNT_CAP, True) if query.count != "exact" and count > COUNT_CAP else (count, False)


def _document(plan: ListPlan, row: Sequence[Any], completed: Completed) -> dict[str, Any]:
    document = plan.dump(row)
    identity = row[plan.id_at]
    known = completed.labels.get(identity, {})
    for name, value in completed.values.get(identity, {}).items():
        kind = plan.kind.fields[name].type
        if value is not None:
            document[name] = kind.write_labelled(value, known.get(name)) if kind.labelled else kind.write(value)
    for path, label in known.items():
        if path in document and isinstance(document[path], dict) and not isinstance(label, list):
            document[path] = {**document[path], "label": label.label}
    return document


def _record(plan: ListPlan, row: Sequence[Any], completed: Completed) -> Record:
    identity = row[plan.id_at]
    values = {each.path: each.value(row) for each in plan.selected}
    known = {each.path: each.labels(row, values[each.path]) for each in plan.selected if each.label is not None}
    values.update(completed.values.get(identity, {}))
    known.update(completed.labels.get(identity, {}))
    revision = row[plan.revision_at] if plan.revision_at >= 0 else 0
    return Record(object=plan.kind.name, id=identity, revision=revision, values=values, labels=known)
