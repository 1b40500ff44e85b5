"""Several records in one unit of work.

What comes in: operations, each like a call of its own. What goes out: an outcome for each, in order. An atomic batch is
written as a whole or not at all; otherwise each operation stands alone, undone by itself when it is refused. Rights are
checked for each. Who calls it: the record service.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from fieldstone.objects.records.saves import Save
from fieldstone.objects.records.values import (
    Bulk,
    BulkResult,
    CreateOperation,
    Operation,
    Outcome,
    UpdateOperation,
)
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.errors import FieldstoneError, Unavailable

Run = Callable[[Operation], Save]


class BatchRefused(Exception):
    """An atomic batch was refused; carries what to answer. The unit of work must not commit."""


def run_batch(unit: SqlUnit, operations: Sequence[Operation], run: Run, *, atomic: bool) -> Bulk:
    """Run the operations."""
    return _as_a_whole(unit, operations, run) if atomic else _one_by_one(unit, operations, run)


def _one_by_one(unit: SqlUnit, operations: Sequence[Operation], run: Run) -> Bulk:
    results = [_alone(unit, index, operation, run) for index, operation in enumerate(operations)]
    return Bulk(results=results, kept=True)


def _alone(unit: SqlUnit, index: int, operation: Operation, run: Run) -> BulkResult:
    try:
        with unit.savepoint():
            save = run(operation)
    except Unavailable:
        raise
    except FieldstoneError as error:
        return BulkResult(index=index, outcome="refused", id=getattr(operation, "id", None), error=error)
    return _done(index, operation, save)


def _as_a_whole(unit: SqlUnit, operations: Sequence[Operation], run: Run) -> Bulk:
    """Every operation is tried, so that all refusals are told at once; then all or nothing stays."""
    results: list[BulkResult] = []
    try:
        with unit.savepoint():
            results.extend(_alone(unit, index, operation, run) for index, operation in enumerate(operations))
            if any(result.outcome == "refused" for result in results):
                raise BatchRefused
    except BatchRefused:
        undone = [each if each.outcome == "refused" else replace(each, outcome="undone") for each in results]
        return Bulk(results=[_without_id(each) for each in undone], kept=False)
    return Bulk(results=results, kept=True)


def _without_id(result: BulkResult) -> BulkResult:
    """A record that was created and undone has no id any more."""
    return result if result.outcome == "refused" else replace(result, id=None, revision=None)


def _done(index: int, operation: Operation, save: Save) -> BulkResult:
    outcome: Outcome = "deleted"
    if isinstance(operation, CreateOperation):
        outcome = "created"
    elif isinstance(operation, UpdateOperation):
        outcome = "updated"
    return BulkResult(index=index, outcome=outcome, id=save.id, revision=save.values.get("revision"))
