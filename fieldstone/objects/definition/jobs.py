"""The jobs that a plan may start: indexes on large tables, conversions, formulas, roll-ups.

What comes in: the metadata service (to activate a part when it is done) and the record room's way to recount roll-ups.
What goes out: `JobKind` values. Each works in batches of its own units, keeps where it is, and goes on after a kill.
Who calls it: `objects.part`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.definition import ddl
from fieldstone.objects.definition.filling import FIRST, Batch, convert_batch, fill_batch
from fieldstone.objects.definition.job_names import BUILD_INDEX, CONVERT_FIELD, FILL_FORMULA, RECOUNT
from fieldstone.objects.definition.scope import DefinitionScope, no_bodies
from fieldstone.objects.fieldtypes.base import Declaration, Field
from fieldstone.objects.fieldtypes.builtin import FieldTypes
from fieldstone.objects.types import ObjectType, TableIndex
from fieldstone.platform.database.types import Id
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict
from fieldstone.platform.metadata.doors import CallerDoors
from fieldstone.platform.metadata.service import MetadataService
from fieldstone.platform.work.jobs import JobKind, JobRun

BATCH = 1_000
SHOWN = 20

Recount = Callable[[Context, Unit, str, str, Sequence[str]], None]
"""Works out a roll-up (object, field) of records by id and writes it; the record room's."""
Work = Callable[[Context, Unit, str], Batch]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldJobs:
    """What the jobs need."""

    metadata: MetadataService
    types: FieldTypes
    recount: Recount

    def kinds(self) -> tuple[JobKind, ...]:
        """All of them."""
        return (
            JobKind(name=BUILD_INDEX, run=self.build_index, cancel_ok=False),
            JobKind(name=CONVERT_FIELD, run=self.convert_field),
            JobKind(name=FILL_FORMULA, run=self.fill_formula),
            JobKind(name=RECOUNT, run=self.recount_roll_up),
        )

    def fill_formula(self, run: JobRun) -> Mapping[str, Any]:
        """Work out a formula of all records."""

        def work(ctx: Context, unit: Unit, after: str) -> Batch:
            compiled, field = _field_of(ctx, run)
            return fill_batch(unit, compiled, (field,), ctx.tenant, after, BATCH)

        return self._in_batches(run, work)

    def convert_field(self, run: JobRun) -> Mapping[str, Any]:
        """Convert the values of a field whose type changed."""

        def work(ctx: Context, unit: Unit, after: str) -> Batch:
            compiled, field = _field_of(ctx, run)
            before = self._former(compiled, run.input)
            return convert_batch(unit, compiled.table, before, field, after, BATCH)

        return self._in_batches(run, work)

    def recount_roll_up(self, run: JobRun) -> Mapping[str, Any]:
        """Work out a roll-up of all records."""

        def work(ctx: Context, unit: Unit, after: str) -> Batch:
            compiled, field = _field_of(ctx, run)
            ids = _next_ids(unit, compiled, after)
            self.recount(ctx, unit, compiled.name, field.name, ids)
            return Batch(last=ids[-1] if ids else None, rows=len(ids))

        return self._in_batches(run, work)

    def build_index(self, run: JobRun) -> Mapping[str, Any]:
        """Build an index without holding up writers; of a unique one, first look for values that occur twice."""
        compiled, index = run.units.read(run.caller, lambda ctx, unit: _index_of(ctx, run.input))
        if index.unique:
            self._refuse_duplicates(run, compiled, index)
        _create_online(run, index)
        self._activate(run)
        return {"index": index.name}

    def _refuse_duplicates(self, run: JobRun, compiled: ObjectType, index: TableIndex) -> None:
        found = run.units.read(run.caller, lambda ctx, unit: _duplicates(unit, compiled, index))
        if found:
            lines = ("\t".join(map(str, row)).encode() + b"\n" for row in found)
            run.error_file(f"{compiled.name}-{'-'.join(index.fields)}-duplicates.tsv", lines)
            message = mark("{count} values of {fields} occur more than once, so they cannot become unique.")
            raise Conflict(message, code="duplicates", count=len(found), fields=", ".join(index.fields))

    def _in_batches(self, run: JobRun, work: Work) -> Mapping[str, Any]:
        after = str(run.saved.get("after", ""))
        done, lost = int(run.saved.get("done", 0)), int(run.saved.get("lost", 0))
        while True:
            run.stop_if_cancelled()
            state = {"after": after, "done": done, "lost": lost}

            def write(ctx: Context, unit: Any, state: Mapping[str, Any] = state) -> Batch:
                batch = work(ctx, unit, str(state["after"]))
                kept = {"after": batch.last, "done": state["done"] + batch.rows, "lost": state["lost"] + batch.lost}
                if batch.last is not None:
                    run.save(unit, kept)
                return batch

            batch = run.units.write(run.caller, write)
            if batch.last is None:
                break
            after, done, lost = batch.last, done + batch.rows, lost + batch.lost
            run.progress(done, errors=lost)
        self._activate(run)
        return {"records": done, "lost": lost}

    def _activate(self, run: JobRun) -> None:
        kind, _, name = str(run.input["element"]).partition("/")
        self.metadata.activate(CallerDoors(run.units, run.caller), kind, name, str(run.input["building"]))

    def _former(self, compiled: ObjectType, given: Mapping[str, Any]) -> Field:
        """The field as it was before its type changed."""
        declaration = Declaration(object=compiled.name, name=str(given["field"]), body=given["from"])
        kind = DefinitionScope(self.types, no_bodies).bind(declaration)
        columns = kind.columns(None, str(given["physical"]))
        return Field(
            name=declaration.name,
            label=declaration.label,
            type=kind,
            object=compiled.name,
            physical=str(given["physical"]),
            column_names=tuple(column.name for column in columns),
        )


def _field_of(ctx: Context, run: JobRun) -> tuple[ObjectType, Field]:
    compiled: ObjectType = ctx.snapshot.get("object", str(run.input["object"]))
    return compiled, compiled.field(str(run.input["field"]))


def _index_of(ctx: Context, given: Mapping[str, Any]) -> tuple[ObjectType, TableIndex]:
    compiled: ObjectType = ctx.snapshot.get("object", str(given["object"]))
    index = next((each for each in compiled.indexes if each.name == given["index"]), None)
    if index is None:
        raise Conflict("The index {index} is no longer wanted.", index=given["index"])
    return compiled, index


def _next_ids(unit: Unit, compiled: ObjectType, after: str) -> list[str]:
    table = compiled.table
    query = sa.select(table.c.id).where(table.c.id > sa.bindparam("after", type_=Id())).order_by(table.c.id)
    return [row[0] for row in unit.rows(query.limit(BATCH), {"after": after or FIRST})]


def _duplicates(unit: Unit, compiled: ObjectType, index: TableIndex) -> Sequence[tuple[Any, ...]]:
    columns = [compiled.table.c[each.name] for each in index.columns]
    live = compiled.table.c.deleted_at.is_(None)
    query = sa.select(*columns, sa.func.count()).where(live, *(column.is_not(None) for column in columns))
    return unit.rows(query.group_by(*columns).having(sa.func.count() > 1).limit(SHOWN))


def _create_online(run: JobRun, index: TableIndex) -> None:
    """On PostgreSQL beside the writers, outside a transaction; on SQLite, which has one writer, as a publish does."""
    place = run.units.tenants.record(run.tenant).place
    server = run.units.databases.of(place)
    if server.dialect == "sqlite":
        run.units.publish(run.caller, lambda ctx, unit: ddl.create_index(unit, index))
        return
    owner = server.owner_unit(place)
    try:
        engine = owner.connection.engine
    finally:
        owner.close()
    with engine.connect() as connection:
        online = connection.execution_options(isolation_level="AUTOCOMMIT")
        ddl.create_index_online(online, index, place.schema)
