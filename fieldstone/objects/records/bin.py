"""The bin: records that are deleted, and come back.

What comes in: an id. What goes out: the record with its child rows in the bin, by the same steps as every save; lookups
that led to it restrict (`Conflict`, naming them) or are cleared. Restoring brings back what went together. Who calls
it: the record service, and saves for child rows that were taken out of a body.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import sqlalchemy as sa

from fieldstone.objects.access.roles import Operation
from fieldstone.objects.access.service import Access
from fieldstone.objects.records import deriving, writing
from fieldstone.objects.records.conflicts import passes_locks, refuse_stale
from fieldstone.objects.records.loading import Loader
from fieldstone.objects.records.plans import plan_of
from fieldstone.objects.records.reaching import hold_owner
from fieldstone.objects.records.relations import Referrer
from fieldstone.objects.records.roll_ups import Book
from fieldstone.objects.records.saves import Save, SaveEvent
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Chars, Id
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import Conflict, Locked

SHOWN: Final = 5
MAX_CASCADE: Final = 5_000


class Finisher(Protocol):
    """The end of every save; the saver."""

    def finish(self, save: Save, book: Book) -> None: ...

    def clear(self, ctx: Context, unit: SqlUnit, name: str, identity: str, field: str) -> None: ...


class Bin:
    """Puts records into the bin and takes them out."""

    def __init__(self, access: Access, loader: Loader, saver: Finisher) -> None:
        self._access = access
        self._loader = loader
        self._saver = saver

    def remove(
        self,
        ctx: Context,
        unit: SqlUnit,
        name: str,
        identity: str,
        *,
        revision: int | None = None,
        parent: Save | None = None,
        book: Book | None = None,
    ) -> Save:
        """Put a record and its child rows into the bin. Raises `NotFound`, `Forbidden`, `Conflict`, `Locked`."""
        book = book or Book(ctx, unit, self._loader)
        save = self._loaded(ctx, unit, name, identity, "delete", parent, book)
        refuse_stale(save, {}, revision, None)
        if save.open_fields is not None and not passes_locks(ctx, save.id):
            raise Locked("This record is locked while it waits for approval.", code="locked", fields=[])
        deriving.run_before(save, _no_pointers)
        deriving.raise_errors(deriving.run_validations(save, save.changed))
        save.steps.extend(("load", "before", "validation"))
        self._release(save)
        self._cascade(save, book)
        self._move(save, ctx.now, book)
        return save

    def restore(self, ctx: Context, unit: SqlUnit, name: str, identity: str) -> Save:
        """Take a record out of the bin, with the rows that went with it. Raises `Conflict` when a value is taken."""
        book = Book(ctx, unit, self._loader)
        save = self._loaded(ctx, unit, name, identity, "restore", None, book)
        went = save.values["deleted_at"]
        save.steps.append("load")
        self._move(save, None, book)
        for referrer, row in self._rows(save, went):
            inner = self._loaded(ctx.as_system(), unit, referrer.kind.name, row, "restore", save, book)
            self._move(inner, None, book)
        book.settle(save)
        return save

    def _loaded(
        self,
        ctx: Context,
        unit: SqlUnit,
        name: str,
        identity: str,
        event: SaveEvent,
        parent: Save | None,
        book: Book,
    ) -> Save:
        access = self._access.of(ctx)
        operation: Operation = "delete"
        rights = access.require(name, operation)
        if rights.kind.managed_by is not None or "deleted_at" not in rights.kind.system_fields:
            raise Conflict("These records have no bin.", object=name)
        plan = plan_of(ctx.snapshot, rights.kind)
        if parent is None:
            hold_owner(unit, access, plan, identity, self._loader, book)
        loaded = self._loader.load(unit, access, plan, identity, operation, deleted=event == "restore")
        save = Save(
            ctx=ctx,
            unit=unit,
            access=access,
            rights=rights,
            plan=plan,
            event=event,
            id=identity,
            revision=loaded.revision,
            values=dict(loaded.values),
            before=loaded.values,
            open_fields=loaded.open_fields,
            related=dict(loaded.related),
            related_before=loaded.related,
            parent=parent,
        )
        for each in plan.related.lists:
            save.lists[each] = plan.list_reader(each, unit.dialect).read(unit, [identity])[identity]
        save.steps.append("access")
        return save

    def _move(self, save: Save, deleted_at: Any, book: Book) -> None:
        """Write that a record is in the bin, or out of it."""
        stamp = {
            "deleted_at": deleted_at,
            "revision": save.revision + 1,
            "updated_at": save.ctx.now,
            "updated_by": save.ctx.actor.id,
        }
        save.values.update(stamp)
        book.hold(book.parents_of(save))
        save.steps.append("parents")
        columns = save.kind.columns_of({name: save.values[name] for name in (*stamp, *save.changed)})
        refusal = writing.restore_refusal(save.kind) if deleted_at is None else writing.refusal(save.kind)
        parameters = {**columns, "row_id": save.id, "seen_revision": save.revision}
        save.unit.write_later(save.plan.update(columns), parameters, refusal=refusal)
        save.unit.flush()
        save.steps.append("write")
        self._saver.finish(save, book)

    # -- what leads here ----------------------------------------------------------------------------------------
    def _release(self, save: Save) -> None:
        """Refuse, or clear, the lookups of live records that lead to this one."""
        found = [pair for pair in self._referring(save) if pair[0].on_delete != "cascade"]
        holding = [pair for pair in found if pair[0].on_delete == "restrict"]
        if holding:
            references = [
                {"object": referrer.kind.name, "field": referrer.lookup.name, "id": row}
                for referrer, row in holding[:SHOWN]
                if save.access.may(referrer.kind.name, "read")
            ]
            raise Conflict("Other records still point to this one.", code="referred_to", references=references)
        for referrer, row in found:
            self._saver.clear(save.ctx, save.unit, referrer.kind.name, row, referrer.lookup.name)

    def _cascade(self, save: Save, book: Book) -> None:
        for referrer, row in self._referring(save):
            if referrer.on_delete == "cascade":
                self.remove(save.ctx.as_system(), save.unit, referrer.kind.name, row, parent=save, book=book)

    def _referring(self, save: Save) -> list[tuple[Referrer, str]]:
        """The live records that lead here, by lookup; one statement for all lookups."""
        referrers = save.plan.referrers
        if not referrers:
            return []

        def make() -> Prepared:
            return Prepared(_union([_referring_query(r, save.kind, index) for index, r in enumerate(referrers)]))

        statement: Prepared = save.plan.statements.get(("referring",), make)
        rows = save.unit.rows(statement, {"row_id": save.id, "object_name": save.kind.name})
        if len(rows) > MAX_CASCADE:
            message = "More than {limit} records belong to this one. Delete them first."
            raise Conflict(message, code="too_many", limit=MAX_CASCADE)
        return [(referrers[index], row) for index, row in rows]

    def _rows(self, save: Save, went: Any) -> list[tuple[Referrer, str]]:
        """The child rows that went into the bin together with the record."""
        found: list[tuple[Referrer, str]] = []
        for referrer in save.plan.referrers:
            if referrer.on_delete == "cascade":
                table = referrer.kind.table
                mine = table.c[referrer.lookup.column_names[0]] == sa.bindparam("row_id", type_=Id())
                then = table.c.deleted_at == sa.bindparam("went", type_=table.c.deleted_at.type)
                query = Prepared(sa.select(table.c.id).where(mine, then).order_by(table.c.id))
                found.extend((referrer, row[0]) for row in save.unit.rows(query, {"row_id": save.id, "went": went}))
        return found


def _referring_query(referrer: Referrer, kind: ObjectType, index: int) -> sa.Select[Any]:
    table = referrer.kind.table
    conditions = [
        table.c[referrer.lookup.column_names[0]] == sa.bindparam("row_id", type_=Id()),
        table.c.deleted_at.is_(None),
    ]
    if len(referrer.lookup.column_names) > 1:
        conditions.append(table.c[referrer.lookup.column_names[1]] == sa.bindparam("object_name", type_=Chars()))
    limit = MAX_CASCADE + 1 if referrer.on_delete != "restrict" else SHOWN
    inner = sa.select(table.c.id.label("id")).where(*conditions).limit(sa.literal_column(str(limit))).subquery()
    return sa.select(sa.literal_column(str(index)).label("lookup"), inner.c.id)


def _union(queries: Sequence[sa.Select[Any]]) -> Any:
    return sa.union_all(*queries) if len(queries) > 1 else queries[0]


def _no_pointers(save: Save, names: Sequence[str]) -> None:
    """A record on its way to the bin is not made to point anywhere."""
