"""What stands in the way of a change: somebody else's change, a lock.

What comes in: a save and what was sent. What goes out: nothing, or `StaleRevision` with both values of each field,
`Conflict`, `Locked`. Who calls it: saves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldstone.objects.records.saves import Save
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import Conflict, Locked, StaleRevision

ENGINE = "approval_process"
"""The kind of cause that passes locks: the approval process itself writes what became of a request."""


def refuse_stale(save: Save, given: Mapping[str, Any], revision: int | None, expect: Mapping[str, Any] | None) -> None:
    """Raise `StaleRevision` when the record is no longer at `revision`, `Conflict` when an expected value changed."""
    before = save.before or {}
    if revision is not None and revision != save.revision:
        raise StaleRevision(
            conflicts={
                name: {"stored": _shown(save, name, before.get(name)), "submitted": _shown(save, name, value)}
                for name, value in given.items()
                if save.rights.readable(name) and before.get(name) != value
            },
            revision=save.revision,
        )
    changed = [name for name, value in (expect or {}).items() if before.get(name) != value]
    if changed:
        fields = ", ".join(sorted(changed))
        raise Conflict("This record is no longer as it was expected: {fields}.", code="not_as_expected", fields=fields)


def _shown(save: Save, name: str, value: Any) -> Any:
    return None if value is None else save.kind.field(name).type.write(value)


def refuse_locked(save: Save) -> None:
    """Raise `Locked` when a locked record is changed beyond its open fields."""
    if save.open_fields is None or passes_locks(save.ctx, save.id):
        return
    closed = sorted((save.changed | save.rows.keys()) - save.open_fields - _derived(save))
    if closed:
        raise _locked(closed)


def refuse_locked_parent(ctx: Context, open_fields: frozenset[str] | None, parent: str, rows: str | None) -> None:
    """Raise `Locked` when rows of a locked record are changed; `rows` is the parent's field of those rows."""
    if open_fields is not None and rows not in open_fields and not passes_locks(ctx, parent):
        raise _locked([] if rows is None else [rows])


def passes_locks(ctx: Context, record: str) -> bool:
    """Whether this is the process that locked the record, writing what became of it."""
    if not ctx.actor.is_system or not ctx.causes:
        return False
    last = ctx.causes[-1]
    return last.kind == ENGINE and last.record == record


def _derived(save: Save) -> frozenset[str]:
    """Fields that follow from others: they are not changed by themselves."""
    return frozenset(field.name for field in save.kind.computed) | {"owner"}


def _locked(fields: list[str]) -> Locked:
    return Locked("This record is locked while it waits for approval.", code="locked", fields=fields)
