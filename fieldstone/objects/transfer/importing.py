"""The job of an import: rows of a file become records, through the record service, in batches.

What comes in: a job whose input names a stored file and a map. What goes out: records, what became of each row, and a
file of the rows that were refused. A batch is one unit, as its caller; a run after a kill goes on behind the last one.
A dry run does the same work and keeps none of it. Who calls it: the runner of jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Final

from fieldstone.objects.access.service import Access
from fieldstone.objects.records.service import RecordService
from fieldstone.objects.records.values import BulkResult, CreateOperation, Operation, UpdateOperation
from fieldstone.objects.transfer.finding import by_key, column_value, resolve
from fieldstone.objects.transfer.interpreting import Interpreter, Reading, creating
from fieldstone.objects.transfer.latest import chosen_rows
from fieldstone.objects.transfer.mapping import ImportMap, read_map
from fieldstone.objects.transfer.pacing import Pace
from fieldstone.objects.transfer.problem_files import refused_rows_file
from fieldstone.objects.transfer.reading import SourceRow, Table, table_of
from fieldstone.objects.transfer.tables import REFUSED, UNCHANGED, ImportRow, add_rows, counts
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.files import FileStore
from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.context import Cause, Context
from fieldstone.platform.kernel.errors import FieldstoneError, Forbidden, Unavailable
from fieldstone.platform.units import Caller
from fieldstone.platform.work.jobs import JobRun

KIND: Final = "import"
CAUSE: Final = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """The input of an import job. `file` is the key of the stored content, `batch` names what the import does."""

    batch: str
    file: str
    name: str
    mapping: Mapping[str, Any]
    dry_run: bool


class DryRun(Exception):
    """Ends the unit of a batch that is only tried; carries what became of its rows."""

    def __init__(self, rows: Sequence[ImportRow]) -> None:
        super().__init__()
        self.rows = rows


def check_may_import(access: Access, ctx: Context, object_name: str) -> ObjectType:
    """The object, when the actor may import into it. Raises `NotFound`, `Forbidden`."""
    rights = access.of(ctx).require(object_name, "create")
    if not rights.import_:
        raise Forbidden("You may not import {object}.", object=object_name)
    return rights.kind


class Importer:
    """Runs import jobs."""

    def __init__(self, access: Access, records: RecordService, files: FileStore) -> None:
        self._access = access
        self._records = records
        self._files = files

    def run(self, run: JobRun) -> Mapping[str, Any]:
        """The whole import. Raises what makes it impossible; refused rows are no failure."""
        order = ImportOrder(**run.input)
        given = read_map(order.mapping)
        with self._files.open(run.tenant, order.file) as content, table_of(content, given.source) as table:
            return _Import(self._access, self._records, run, order, given).of(table)


class _Import:
    """One import at work."""

    def __init__(
        self, access: Access, records: RecordService, run: JobRun, order: ImportOrder, given: ImportMap
    ) -> None:
        self._access = access
        self._records = records
        self._run = run
        self._order = order
        self._map = given
        self._pace = Pace()
        cause = Cause(kind=CAUSE, name=order.batch)
        self._caller: Caller = replace(run.caller, channel="import", causes=(*run.caller.causes, cause))

    def of(self, table: Table) -> Mapping[str, Any]:
        interpreter = self._run.units.read(self._caller, lambda ctx, unit: self._interpreter(ctx, table.columns))
        chosen = chosen_rows(table, interpreter)
        total = table.count if chosen is None else len(chosen)
        behind = int(self._run.saved.get("row", 0))
        self._run.progress(self._run.done, total)
        rows = (row for row in table.rows() if row.number > behind and (chosen is None or row.number in chosen))
        try:
            for batch in _batches(rows, self._pace):
                self._run.stop_if_cancelled()
                self._do(batch, table.columns)
        finally:
            refused_rows_file(self._run, self._order, table.columns)
        return self._result(table.count - total)

    def _interpreter(self, ctx: Context, columns: Sequence[str]) -> Interpreter:
        return Interpreter(check_may_import(self._access, ctx, self._map.object), self._map, columns)

    def _do(self, batch: Sequence[SourceRow], columns: Sequence[str]) -> None:
        """One batch; in halves when it is too much for one unit."""
        saved = self._run.saved
        try:
            self._pace.timed(lambda: self._unit(batch, columns))
        except Unavailable:
            if len(batch) == 1:
                raise
            self._run.saved = saved
            middle = len(batch) // 2
            self._do(batch[:middle], columns)
            self._do(batch[middle:], columns)

    def _unit(self, batch: Sequence[SourceRow], columns: Sequence[str]) -> None:
        done = int(self._run.saved.get("done", 0)) + len(batch)
        kept = {"row": batch[-1].number, "done": done, "errors": int(self._run.saved.get("errors", 0))}
        work = partial(self._write, batch, columns, kept)
        try:
            self._run.units.write(self._caller, work)
        except DryRun as tried:
            self._run.units.write(self._caller, partial(self._note, tried.rows, kept))
        self._run.progress(done, errors=int(self._run.saved["errors"]))

    def _write(
        self, batch: Sequence[SourceRow], columns: Sequence[str], kept: Mapping[str, int], ctx: Context, unit: SqlUnit
    ) -> None:
        interpreter = self._interpreter(ctx, columns)
        readings = [interpreter.read(row) for row in batch]
        resolve(ctx, unit, interpreter, readings)
        rows: list[ImportRow] = [self._refused(ctx, each, None) for each in readings if each.errors]
        for wave in _waves([each for each in readings if not each.errors], self._map.key):
            rows += self._save(ctx, unit, interpreter.kind, wave)
        if self._order.dry_run:
            raise DryRun(rows)
        self._note(rows, kept, ctx, unit)

    def _note(self, rows: Sequence[ImportRow], kept: Mapping[str, int], ctx: Context, unit: SqlUnit) -> None:
        add_rows(unit, rows)
        refused = sum(1 for row in rows if row.outcome == REFUSED)
        self._run.save(unit, {**kept, "errors": kept["errors"] + refused})

    def _save(self, ctx: Context, unit: SqlUnit, kind: ObjectType, wave: Sequence[Reading]) -> list[ImportRow]:
        known = self._known(unit, kind, wave)
        found: list[ImportRow] = []
        going: list[tuple[Reading, Operation, int]] = []
        for reading in wave:
            matches = known.get(self._key_of(kind, reading), ())
            if len(matches) > 1:
                found.append(self._refused(ctx, reading, FieldstoneError("Several records have this key.")))
            elif matches:
                identity, revision = matches[0]
                values = _written(kind, reading.values)
                going.append((reading, UpdateOperation(id=identity, data=values), revision))
            else:
                going.append((reading, CreateOperation(data=_written(kind, creating(reading.values))), 0))
        operations = [operation for _, operation, _ in going]
        results = self._records.bulk(ctx, unit, kind.name, operations, atomic=False).results
        for (reading, _, revision), result in zip(going, results, strict=True):
            found.append(self._outcome(ctx, reading, result, revision))
        return found

    def _known(self, unit: SqlUnit, kind: ObjectType, wave: Sequence[Reading]) -> Mapping[Any, Any]:
        if self._map.key is None:
            return {}
        return by_key(unit, kind, self._map.key, [self._key_of(kind, reading) for reading in wave])

    def _key_of(self, kind: ObjectType, reading: Reading) -> Any:
        name = self._map.key
        return None if name is None else column_value(kind.field(name), reading.values[name])

    def _outcome(self, ctx: Context, reading: Reading, result: BulkResult, revision: int) -> ImportRow:
        if result.error is not None:
            return self._refused(ctx, reading, result.error)
        unchanged = result.outcome == "updated" and result.revision == revision
        outcome = UNCHANGED if unchanged else result.outcome
        return ImportRow(batch=self._order.batch, row=reading.row.number, outcome=outcome, record=result.id)

    def _refused(self, ctx: Context, reading: Reading, error: FieldstoneError | None) -> ImportRow:
        faults = [*reading.errors, *(error.errors if error is not None else ())]
        words = [f"{_column(each.path)}{translate(each.message, each.facts, ctx.locale)}" for each in faults]
        if error is not None and not error.errors:
            words.append(translate(error.message, error.facts, ctx.locale))
        problem = {"cells": list(reading.row.cells), "errors": words}
        return ImportRow(batch=self._order.batch, row=reading.row.number, outcome=REFUSED, problem=problem)

    def _result(self, skipped: int) -> Mapping[str, Any]:
        found = self._run.units.read(self._caller, lambda ctx, unit: counts(unit, self._order.batch))
        return {**found, "skipped": skipped, "dry_run": self._order.dry_run, "batch": self._order.batch}


def _written(kind: ObjectType, values: Mapping[str, Any]) -> dict[str, Any]:
    """A body as the API has it."""
    fields = kind.own_fields
    return {name: None if value is None else fields[name].type.write(value) for name, value in values.items()}


def _column(path: str) -> str:
    name = path.strip("/").replace("/", ".")
    return f"{name}: " if name else ""


def _batches(rows: Iterator[SourceRow], pace: Pace) -> Iterator[Sequence[SourceRow]]:
    while batch := list(islice(rows, pace.size)):
        yield batch


def _waves(readings: Sequence[Reading], key: str | None) -> Iterator[Sequence[Reading]]:
    """Parts in which no key comes twice: the later row then finds what the earlier one made."""
    wave: list[Reading] = []
    seen: set[Any] = set()
    for reading in readings:
        value = reading.values.get(key) if key is not None else None
        if value is not None and value in seen:
            yield wave
            wave, seen = [], set()
        seen.add(value)
        wave.append(reading)
    if wave:
        yield wave
