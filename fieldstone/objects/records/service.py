"""The record service: the only door through which records are created, changed, deleted and restored.

What comes in: a context, an open unit, API names and bodies as the API has them. What goes out: records as the actor
may see them; errors of the kernel's tree. All or nothing: whatever is raised, the unit is rolled back. Who calls it:
the API, forms, import, bulk, automations, plugins. Nobody else writes records, and nothing here commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from fieldstone.objects.access.service import Access
from fieldstone.objects.fieldtypes.builtin import FieldTypes
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.records.actions import Actions
from fieldstone.objects.records.answering import remembered
from fieldstone.objects.records.batches import run_batch
from fieldstone.objects.records.effects import EffectApplier, Ports
from fieldstone.objects.records.explaining import Explainer, Trace
from fieldstone.objects.records.history import HistoryPage
from fieldstone.objects.records.loading import Loader
from fieldstone.objects.records.ports import Approvals, Dispatching, Locks, Notices, Uploads
from fieldstone.objects.records.recounting import recount
from fieldstone.objects.records.saver import Observer, Saver
from fieldstone.objects.records.saves import Save
from fieldstone.objects.records.selecting import select_ids
from fieldstone.objects.records.values import (
    Bulk,
    CreateOperation,
    DeleteOperation,
    Operation,
    Record,
    UpdateOperation,
)
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.work.outbox import Outbox
from fieldstone.rules.effects import Effect
from fieldstone.rules.expressions.compile import Expression


class RecordService:
    """See the file."""

    def __init__(
        self,
        access: Access,
        query: QueryService,
        outbox: Outbox,
        types: FieldTypes,
        *,
        locks: Locks | None = None,
    ) -> None:
        """`locks`: which records wait for approval."""
        self._query = query
        self._ports = Ports(outbox=outbox)
        effects = EffectApplier(self._ports)
        loader = Loader(locks)
        self._saver = Saver(access, loader, effects)
        self._ports.doors = self._saver
        self._effects = effects
        self._actions = Actions(access, loader, effects, types)
        self._explainer = Explainer(access, query)

    def connect(
        self,
        *,
        notices: Notices | None = None,
        approvals: Approvals | None = None,
        dispatching: Dispatching | None = None,
        uploads: Uploads | None = None,
    ) -> None:
        """Say which rooms carry out those effects that are theirs. Called once, at start."""
        self._ports.notices = notices or self._ports.notices
        self._ports.approvals = approvals or self._ports.approvals
        self._ports.dispatching = dispatching or self._ports.dispatching
        self._ports.uploads = uploads or self._ports.uploads

    def watch(self, observer: Observer) -> None:
        """Tell `observer` the steps of every save from now on, before the unit commits."""
        self._saver.observers.append(observer)

    # -- one record ---------------------------------------------------------------------------------------------
    def get(
        self,
        ctx: Context,
        unit: Unit,
        object_name: str,
        record_id: str,
        fields: Sequence[str] | None = None,
        *,
        ends: bool = False,
    ) -> Record:
        """A record as the actor may see it, with its child rows. Raises `NotFound`, `Forbidden`.

        `ends`: the unit only reads, and nothing else follows in it.
        """
        return self._query.get(ctx, unit, object_name, record_id, fields, ends=ends)

    def create(self, ctx: Context, unit: Unit, object_name: str, data: Mapping[str, Any]) -> Record:
        """Create a record. Raises `Forbidden`, `Invalid` with every error there is."""
        return self._answer(ctx, unit, self._saver.create(ctx, _sql(unit), object_name, data))

    def update(
        self,
        ctx: Context,
        unit: Unit,
        object_name: str,
        record_id: str,
        data: Mapping[str, Any],
        *,
        revision: int | None = None,
    ) -> Record:
        """Change those fields of a record that are among the data.

        Raises `NotFound`, `Forbidden`, `StaleRevision` when it is no longer at `revision`, `Locked`, `Invalid`.
        """
        save = self._saver.update(ctx, _sql(unit), object_name, record_id, data, revision=revision, labelled=True)
        return self._answer(ctx, unit, save)

    def delete(
        self, ctx: Context, unit: Unit, object_name: str, record_id: str, *, revision: int | None = None
    ) -> None:
        """Put a record and its child rows into the bin. Raises as `update`, and `Conflict` while others point to it."""
        self._saver.bin.remove(ctx, _sql(unit), object_name, record_id, revision=revision)

    def restore(self, ctx: Context, unit: Unit, object_name: str, record_id: str) -> Record:
        """Take a record out of the bin. Raises `Conflict` when one of its unique values is taken by now."""
        return self._answer(ctx, unit, self._saver.bin.restore(ctx, _sql(unit), object_name, record_id))

    def act(
        self,
        ctx: Context,
        unit: Unit,
        object_name: str,
        record_id: str,
        action: str,
        input: Mapping[str, Any],
    ) -> Record:
        """Run an action that people start. Raises `NotFound`, `Conflict` when it is not possible now."""
        self._actions.run(ctx, _sql(unit), object_name, record_id, action, input)
        return self._query.get(ctx, unit, object_name, record_id)

    # -- many ---------------------------------------------------------------------------------------------------
    def bulk(
        self, ctx: Context, unit: Unit, object_name: str, operations: Sequence[Operation], *, atomic: bool
    ) -> Bulk:
        """Run operations in one unit, with an outcome for each. Atomic: all are written, or none."""

        def run(operation: Operation) -> Save:
            return self._run(ctx, unit, object_name, operation)

        return run_batch(_sql(unit), operations, run, atomic=atomic)

    def ids(
        self, ctx: Context, unit: Unit, object_name: str, condition: Expression | None, after: str | None, limit: int
    ) -> Sequence[str]:
        """Ids of live records that fulfil a published condition, in order of id, from after `after`."""
        return select_ids(ctx, unit, object_name, condition, after, limit)

    # -- rules --------------------------------------------------------------------------------------------------
    def apply(self, ctx: Context, unit: Unit, object_name: str, record_id: str, effects: Sequence[Effect]) -> None:
        """Apply effects to a stored record, as those of a rule after the write."""
        self._effects.apply_all(ctx, _sql(unit), object_name, record_id, effects)

    def recount(self, ctx: Context, unit: Unit, object_name: str, field: str, ids: Sequence[str]) -> None:
        """Work out a roll-up of those records anew, and write it."""
        recount(ctx, unit, object_name, field, ids)

    def drift(self, ctx: Context, unit: Unit, object_name: str, field: str, ids: Sequence[str]) -> Sequence[str]:
        """The same, and the ids of those records whose kept value was another: there should be none."""
        return recount(ctx, unit, object_name, field, ids)

    # -- what happened ------------------------------------------------------------------------------------------
    def history(
        self,
        ctx: Context,
        unit: Unit,
        object_name: str,
        record_id: str,
        *,
        before: str | None = None,
        limit: int = 50,
    ) -> HistoryPage:
        """The history of a record, newest first, without fields that the actor may not see. Raises `NotFound`."""
        return self._explainer.history(ctx, unit, object_name, record_id, before=before, limit=limit)

    def trace(self, ctx: Context, unit: Unit, object_name: str, record_id: str) -> Trace:
        """Why a record is as it is, and what the actor may do with it. Raises `NotFound`."""
        return self._explainer.trace(ctx, unit, object_name, record_id)

    def _run(self, ctx: Context, unit: Unit, object_name: str, operation: Operation) -> Save:
        match operation:
            case CreateOperation():
                return self._saver.create(ctx, _sql(unit), object_name, operation.data)
            case UpdateOperation():
                revision = operation.revision
                return self._saver.update(ctx, _sql(unit), object_name, operation.id, operation.data, revision=revision)
            case DeleteOperation():
                return self._saver.bin.remove(ctx, _sql(unit), object_name, operation.id, revision=operation.revision)

    def _answer(self, ctx: Context, unit: Unit, save: Save) -> Record:
        """The saved record as the actor may see it; one that was created but may not be read is its id alone."""
        if save.access.may(save.kind.name, "read"):
            known = remembered(save)
            if known is not None:
                return known
            with suppress(NotFound):
                return self._query.get(ctx, unit, save.kind.name, save.id)
        revision = save.values.get("revision", save.revision)
        return Record(object=save.kind.name, id=save.id, revision=revision, values={"id": save.id})


def _sql(unit: Unit) -> SqlUnit:
    """The unit that it is: writes are queued on it."""
    return cast(SqlUnit, unit)
