"""Undoing an import: what it created goes to the bin, what it changed gets the values from before, later edits stay.

What comes in: the job that undoes, whose input is that of the import. What goes out: records as they were, and for
every field or record that somebody else has changed since a conflict in a file, instead of an overwritten edit. The
values from before come from the history of records. Who calls it: the runner of jobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.objects.records.history import HISTORY, MASK
from fieldstone.objects.records.service import RecordService
from fieldstone.objects.records.values import BulkResult, DeleteOperation, Operation, UpdateOperation
from fieldstone.objects.sql.rows import live
from fieldstone.objects.transfer.importing import CAUSE
from fieldstone.objects.transfer.pacing import Pace
from fieldstone.objects.transfer.problem_files import conflicts_file
from fieldstone.objects.transfer.tables import CONFLICT, CREATED, ImportRow, add_rows, counts, records_of
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.context import Cause, Context
from fieldstone.platform.kernel.errors import Unavailable
from fieldstone.platform.units import Caller
from fieldstone.platform.work.jobs import JobRun

UNDO_CAUSE: Final = "import_undo"

Conflict = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoOrder:
    """What is undone: `import_batch`; `batch` names the undoing itself (the id of its job)."""

    batch: str
    import_batch: str
    object: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One record to bring back: the operation (None: nothing can be done) and what stays as it is."""

    record: str
    row: int
    operation: Operation | None
    conflicts: Sequence[Conflict]


class Undoer:
    """Undoes imports."""

    def __init__(self, records: RecordService) -> None:
        self._records = records

    def run(self, run: JobRun) -> Mapping[str, Any]:
        """The whole undoing."""
        given = run.input["input"]
        order = UndoOrder(
            batch=run.id, import_batch=given["batch"], object=given["mapping"]["object"], name=given["name"]
        )
        return _Undo(self._records, run, order).whole()


class _Undo:
    """One undoing at work."""

    def __init__(self, records: RecordService, run: JobRun, order: UndoOrder) -> None:
        self._records = records
        self._run = run
        self._order = order
        self._pace = Pace()
        cause = Cause(kind=UNDO_CAUSE, name=order.import_batch)
        self._caller: Caller = replace(run.caller, channel="import", causes=(*run.caller.causes, cause))

    def whole(self) -> Mapping[str, Any]:
        try:
            while self._next():
                self._run.progress(int(self._run.saved["done"]), errors=int(self._run.saved["conflicts"]))
                self._run.stop_if_cancelled()
        finally:
            conflicts_file(self._run, self._order)
        found = self._run.units.read(self._caller, lambda ctx, unit: counts(unit, self._order.batch))
        kept = self._run.saved
        return {
            "restored": kept.get("restored", 0),
            "deleted": kept.get("deleted", 0),
            "conflicts": kept.get("conflicts", 0),
            "records_with_conflicts": found.get(CONFLICT, 0),
        }

    def _next(self) -> bool:
        """Bring the next records back, in units of a fit size; whether there were any."""
        saved = self._run.saved
        while True:
            try:
                return self._pace.timed(lambda: self._run.units.write(self._caller, partial(self._batch, saved)))
            except Unavailable as refusal:
                self._run.saved = saved
                self._pace.shrink(refusal)

    def _batch(self, saved: Mapping[str, Any], ctx: Context, unit: SqlUnit) -> bool:
        """Bring the next records back; whether there were any."""
        records = list(records_of(unit, self._order.import_batch, int(saved.get("row", -1)), self._pace.size))
        if not records:
            return False
        kind: ObjectType = ctx.snapshot.get("object", self._order.object)
        steps = self._steps(unit, kind, records)
        going = [step for step in steps if step.operation is not None]
        operations = [step.operation for step in going if step.operation is not None]
        results = self._records.bulk(ctx, unit, kind.name, operations, atomic=False).results
        rows = self._conflicts(ctx, steps, going, results)
        add_rows(unit, rows)
        self._run.save(unit, _kept(saved, records[-1][1], len(records), results, rows))
        return True

    def _steps(self, unit: SqlUnit, kind: ObjectType, records: Sequence[tuple[str, int, str]]) -> list[Step]:
        ids = [record for record, _, _ in records]
        histories = _histories(unit, kind.name, ids)
        revisions = _revisions(unit, kind, ids)
        return [
            self._step(kind, record, row, outcome, histories.get(record, ()), revisions.get(record))
            for record, row, outcome in records
        ]

    def _step(
        self,
        kind: ObjectType,
        record: str,
        row: int,
        outcome: str,
        entries: Sequence[Entry],
        revision: int | None,
    ) -> Step:
        if revision is None:
            gone = [] if outcome == CREATED else [_conflict(None, reason="The record was deleted since.")]
            return Step(record=record, row=row, operation=None, conflicts=gone)
        mine = [entry for entry in entries if entry.is_of(self._order.import_batch)]
        first = min((entry.revision for entry in mine), default=revision)
        later = [entry for entry in entries if entry.revision > first and not entry.is_of(self._order.import_batch)]
        if outcome == CREATED:
            return _deletion(record, row, revision, later)
        return _restoring(kind, record, row, revision, mine, later)

    def _conflicts(
        self, ctx: Context, steps: Sequence[Step], going: Sequence[Step], results: Sequence[BulkResult]
    ) -> list[ImportRow]:
        refused = {
            step.record: translate(result.error.message, result.error.facts, ctx.locale)
            for step, result in zip(going, results, strict=True)
            if result.error is not None
        }
        rows = []
        for step in steps:
            found = list(step.conflicts)
            if step.record in refused:
                found.append(_conflict(None, reason=refused[step.record]))
            if found:
                problem = {"conflicts": found}
                row = ImportRow(
                    batch=self._order.batch, row=step.row, outcome=CONFLICT, record=step.record, problem=problem
                )
                rows.append(row)
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One save in the history of a record: revision, fields with values before and after, the imports it came from."""

    revision: int
    changes: Mapping[str, Sequence[Any]]
    imports: frozenset[str]

    def is_of(self, batch: str) -> bool:
        """Whether that import did it, or an automation on its account."""
        return batch in self.imports


def _deletion(record: str, row: int, revision: int, later: Sequence[Entry]) -> Step:
    fields = sorted({name for entry in later for name in entry.changes if name != "title"})
    if not fields:
        return Step(record=record, row=row, operation=DeleteOperation(id=record, revision=revision), conflicts=())
    reason = "The record was created by the import and changed since; it stays."
    newest = {name: entry.changes[name][1] for entry in later for name in entry.changes}
    conflicts = [_conflict(name, now=newest[name], reason=reason) for name in fields]
    return Step(record=record, row=row, operation=None, conflicts=conflicts)


def _restoring(
    kind: ObjectType, record: str, row: int, revision: int, mine: Sequence[Entry], later: Sequence[Entry]
) -> Step:
    before: dict[str, Any] = {}
    imported: dict[str, Any] = {}
    for entry in mine:
        for name, (old, new) in entry.changes.items():
            before.setdefault(name, old)
            imported[name] = new
    edited = {name: entry.changes[name][1] for entry in later for name in entry.changes}
    data: dict[str, Any] = {}
    conflicts: list[Conflict] = []
    for name, value in before.items():
        field = kind.own_fields.get(name)
        if field is None or not field.writable:
            continue
        if name in edited:
            facts = {"before": value, "imported": imported[name], "now": edited[name]}
            conflicts.append(_conflict(name, **facts, reason="Changed since the import; the later value stays."))
        elif MASK in (value, imported[name]) and field.sensitive:
            conflicts.append(_conflict(name, reason="Sensitive: the value from before is not kept."))
        else:
            data[name] = value
    operation = UpdateOperation(id=record, data=data, revision=revision) if data else None
    return Step(record=record, row=row, operation=operation, conflicts=conflicts)


def _conflict(field: str | None, *, reason: str, before: Any = None, imported: Any = None, now: Any = None) -> Conflict:
    return {"field": field, "before": before, "imported": imported, "now": now, "reason": reason}


def _kept(
    saved: Mapping[str, Any], row: int, done: int, results: Sequence[BulkResult], rows: Sequence[ImportRow]
) -> dict[str, int]:
    def plus(name: str, more: int) -> int:
        return int(saved.get(name, 0)) + more

    return {
        "row": row,
        "done": plus("done", done),
        "restored": plus("restored", sum(1 for each in results if each.outcome == "updated")),
        "deleted": plus("deleted", sum(1 for each in results if each.outcome == "deleted")),
        "conflicts": plus("conflicts", sum(len((each.problem or {}).get("conflicts", ())) for each in rows)),
    }


def _histories(unit: SqlUnit, object_name: str, ids: Sequence[str]) -> dict[str, list[Entry]]:
    columns = HISTORY.c
    query = (
        sa.select(columns.record, columns.revision, columns.changes, columns.causes)
        .where(columns.object == object_name, columns.record.in_(ids))
        .order_by(columns.id)
    )
    found: dict[str, list[Entry]] = {}
    for record, revision, changes, causes in unit.rows(query):
        imports = frozenset(each["name"] for each in causes if each["kind"] == CAUSE)
        found.setdefault(record, []).append(Entry(revision=int(revision), changes=changes, imports=imports))
    return found


def _revisions(unit: SqlUnit, kind: ObjectType, ids: Sequence[str]) -> dict[str, int]:
    """The revisions of those records that are not in the bin."""
    identity = kind.table.c[kind.field("id").column_names[0]]
    query = sa.select(identity, kind.table.c[kind.field("revision").column_names[0]]).where(identity.in_(ids))
    not_deleted = live(kind, kind.table)
    if not_deleted is not None:
        query = query.where(not_deleted)
    return {record: int(revision) for record, revision in unit.rows(query)}
