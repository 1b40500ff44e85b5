"""The save of a record: one order of steps, whatever the door.

access -> load -> defaults -> automations before -> formulas -> validation, all errors at once -> parents locked ->
number -> write -> row access on the new row -> roll-ups, their formulas and the parents' validation -> history ->
automations after -> outbox. Child rows are saved in between, each by the same steps. What comes in: decoded bodies.
What goes out: written records; nothing is committed here. Who calls it: the record service and, for the effects of
rules, `effects`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fieldstone.objects.access.service import Access, ActorAccess
from fieldstone.objects.definition.number_series import draw
from fieldstone.objects.records import deriving, history, writing
from fieldstone.objects.records.bin import Bin
from fieldstone.objects.records.children import Children
from fieldstone.objects.records.conflicts import refuse_locked, refuse_stale
from fieldstone.objects.records.decoding import decode
from fieldstone.objects.records.effects import EffectApplier, effects_of
from fieldstone.objects.records.loading import Loaded, Loader
from fieldstone.objects.records.plans import SavePlan, plan_of
from fieldstone.objects.records.pointing import Pointing
from fieldstone.objects.records.reaching import check_reach, hold_owner
from fieldstone.objects.records.roll_ups import Book
from fieldstone.objects.records.saves import Save, SaveTrace, Step
from fieldstone.objects.records.tracing import rules_as_json
from fieldstone.objects.sql.rows import DELETED
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import Forbidden
from fieldstone.platform.kernel.ids import new_id

Observer = Callable[[SaveTrace], None]


class Saver:
    """Saves records."""

    def __init__(self, access: Access, loader: Loader, effects: EffectApplier) -> None:
        self._access = access
        self.loader = loader
        self._effects = effects
        self.observers: list[Observer] = []
        self._children = Children(self)
        self.bin = Bin(access, loader, self)

    # -- create -------------------------------------------------------------------------------------------------
    def create(
        self, ctx: Context, unit: SqlUnit, name: str, data: Any, *, parent: Save | None = None, book: Book | None = None
    ) -> Save:
        """Create a record; with `parent` as a row of a record that is being saved."""
        access = self._access.of(ctx)
        save = self._new(ctx, unit, access, name, parent)
        self._step(save, "access")
        given = decode(save, data)
        save.values.update(given)
        save.given = frozenset(given) | frozenset(save.rows)
        self._load(save, sorted(given))
        return self._on(save, book, parent)

    def _new(self, ctx: Context, unit: SqlUnit, access: ActorAccess, name: str, parent: Save | None) -> Save:
        rights = access.require(name, "create")
        _refuse_managed(ctx, rights.kind.managed_by)
        identity = new_id()
        stamp = {"id": identity, "created_at": ctx.now, "created_by": ctx.actor.id}
        change = {"revision": 1, "updated_at": ctx.now, "updated_by": ctx.actor.id}
        return Save(
            ctx=ctx,
            unit=unit,
            access=access,
            rights=rights,
            plan=plan_of(ctx.snapshot, rights.kind),
            event="create",
            id=identity,
            revision=1,
            values=_known(rights.kind.system_fields, {**stamp, **change, DELETED: None}),
            parent=parent,
        )

    # -- update -------------------------------------------------------------------------------------------------
    def update(
        self,
        ctx: Context,
        unit: SqlUnit,
        name: str,
        identity: str,
        data: Any,
        *,
        revision: int | None = None,
        expect: Mapping[str, Any] | None = None,
        parent: Save | None = None,
        book: Book | None = None,
        labelled: bool = False,
    ) -> Save:
        """Change a record. `revision`: the one it was read at; `expect`: values that it must still have; `labelled`:
        the names of what it points to are wanted.
        """
        access = self._access.of(ctx)
        rights = access.require(name, "update")
        _refuse_managed(ctx, rights.kind.managed_by)
        plan = plan_of(ctx.snapshot, rights.kind)
        book = book or Book(ctx, unit, self.loader)
        if parent is None:
            hold_owner(unit, access, plan, identity, self.loader, book)
        loaded = self.loader.load(unit, access, plan, identity, "update", deleted=False, labelled=labelled)
        save = self._of_loaded(ctx, unit, access, plan, loaded, identity, parent)
        self._step(save, "access")
        given = decode(save, data)
        self._read_links(save, given)
        refuse_stale(save, given, revision, expect)
        save.values.update(given)
        save.given = frozenset(given) | frozenset(save.rows)
        self._load(save, sorted(given))
        return self._on(save, book, parent)

    def _of_loaded(
        self,
        ctx: Context,
        unit: SqlUnit,
        access: ActorAccess,
        plan: SavePlan,
        loaded: Loaded,
        identity: str,
        parent: Save | None,
    ) -> Save:
        return Save(
            ctx=ctx,
            unit=unit,
            access=access,
            rights=access.rights(plan.kind.name),
            plan=plan,
            event="update",
            id=identity,
            revision=loaded.revision,
            values=dict(loaded.values),
            before=loaded.values,
            open_fields=loaded.open_fields,
            related=dict(loaded.related),
            related_before=loaded.related,
            labels=dict(loaded.labels),
            parent=parent,
        )

    def _read_links(self, save: Save, given: Mapping[str, Any]) -> None:
        for name in save.kind.links.keys() & given.keys():
            if save.before is not None:
                link = save.kind.links[name]
                save.before[name] = writing.linked_ids(save.unit, save.ctx.snapshot, link, save.id)

    # -- the common way -----------------------------------------------------------------------------------------
    def _load(self, save: Save, names: Sequence[str]) -> None:
        """Look up what the record is made to point to; read the lists that rules look at."""
        self._point(save, names)
        self._read_lists(save)
        self._step(save, "load")

    def _on(self, save: Save, book: Book | None, parent: Save | None) -> Save:
        book = book or Book(save.ctx, save.unit, self.loader)
        self._derive(save)
        if self._is_unchanged(save):
            return save
        self._hold_parents(save, book)
        self._write(save)
        self._finish_rows(save, book, parent)
        self._finish(save)
        return save

    def _derive(self, save: Save) -> None:
        if save.event == "create":
            pointed = {field.name for field in save.plan.pointers if save.values.get(field.name) is not None}
            deriving.fill_defaults(save)
            late = [f.name for f in save.plan.pointers if f.name not in pointed and not f.system]
            self._point(save, [name for name in late if save.values.get(name) is not None])
        else:
            deriving.follow_owner(save)
        self._step(save, "defaults")
        deriving.work_out_formulas(save)
        deriving.run_before(save, self._point)
        self._step(save, "before")
        deriving.work_out_formulas(save)
        self._step(save, "formulas")
        refuse_locked(save)
        deriving.check_values(save)
        self._step(save, "validation")

    def _is_unchanged(self, save: Save) -> bool:
        return save.event == "update" and not save.changed and not save.rows

    def _hold_parents(self, save: Save, book: Book) -> None:
        owned = save.plan.owned
        if save.parent is None and owned is not None and (save.event == "create" or owned.name in save.changed):
            hold_owner(save.unit, save.access, save.plan, None, self.loader, book, save)
        book.hold(book.parents_of(save))
        self._step(save, "parents")

    def _write(self, save: Save) -> None:
        if save.event == "create":
            self._draw_numbers(save)
        self._step(save, "number")
        deriving.give_title(save)
        if save.event == "create":
            writing.insert(save)
        else:
            self._write_changes(save)
        self._step(save, "write")
        check_reach(save)
        self._effects.claim_files(save)
        self._step(save, "row_access")

    def _draw_numbers(self, save: Save) -> None:
        for field in save.kind.drawn:
            day = save.ctx.now.astimezone(save.surroundings().time_zone).date()
            save.values[field.name] = draw(save.unit, save.kind, field, day)

    def _write_changes(self, save: Save) -> None:
        names = set(save.changed)
        stamp = {"revision": save.revision + 1, "updated_at": save.ctx.now, "updated_by": save.ctx.actor.id}
        save.values.update(_known(save.kind.system_fields, stamp))
        names |= _known(save.kind.system_fields, stamp).keys()
        writing.update(save, sorted(names))

    def _finish_rows(self, save: Save, book: Book, parent: Save | None) -> None:
        self._children.save(save, book)
        book.enter(save)
        if parent is None:
            book.settle(save)
            self._validate_lists(save)
        self._step(save, "roll_ups")

    def _validate_lists(self, save: Save) -> None:
        """Rules that look at the rows, now that these are written."""
        if save.rows:
            self._read_lists(save, fresh=True)
            deriving.raise_errors(deriving.run_validations(save, save.changed | save.rows.keys(), lists=True))

    def _finish(self, save: Save) -> None:
        following = effects_of(save)
        save.followed = bool(following.after)
        changes = _changes(save)
        history.write(
            save.ctx,
            save.unit,
            save.kind,
            record=save.id,
            revision=save.values.get("revision", save.revision),
            change=save.event,
            changes=changes,
            rules=rules_as_json(save),
        )
        self._step(save, "history")
        self._effects.apply_all(save.ctx, save.unit, save.kind.name, save.id, following.after)
        self._step(save, "after")
        self._effects.apply_all(save.ctx, save.unit, save.kind.name, save.id, following.outbox)
        self._step(save, "outbox")
        for observer in self.observers:
            observer(save.trace())

    # -- delete -------------------------------------------------------------------------------------------------
    def remove(
        self, ctx: Context, unit: SqlUnit, name: str, identity: str, *, parent: Save | None, book: Book | None
    ) -> Save:
        """Put a row of a record that is being saved into the bin."""
        return self.bin.remove(ctx, unit, name, identity, parent=parent, book=book)

    def clear(self, ctx: Context, unit: SqlUnit, name: str, identity: str, field: str) -> None:
        """Empty a lookup whose record goes into the bin."""
        self.update(ctx.as_system(), unit, name, identity, {field: None})

    def finish(self, save: Save, book: Book) -> None:
        """The end of deletes and restores: what every save ends with."""
        self._finish_rows(save, book, save.parent)
        self._finish(save)

    # -- help ---------------------------------------------------------------------------------------------------
    def _point(self, save: Save, names: Sequence[str]) -> None:
        before = save.before or {}
        wanted = [
            name
            for name in names
            if (save.kind.field(name).type.targets or name in save.kind.links)
            and save.values.get(name) != before.get(name)
            and not (save.parent is not None and save.plan.owned is not None and name == save.plan.owned.name)
        ]
        if wanted:
            pointed = Pointing(save.unit, save.access, save.plan).check(save.values, wanted)
            save.related.update(pointed.related)
            save.labels.update(pointed.labels)
            save.errors.extend(pointed.errors)
            deriving.raise_errors(pointed.errors)

    def _read_lists(self, save: Save, *, fresh: bool = False) -> None:
        for name in save.plan.related.lists:
            if save.before is None and not fresh:
                kind = save.kind.field(name).type
                save.lists[name] = kind.variable(save.values.get(name) or []) if name in save.kind.links else []
            else:
                save.lists[name] = save.plan.list_reader(name, save.unit.dialect).read(save.unit, [save.id])[save.id]

    def _step(self, save: Save, step: Step) -> None:
        save.steps.append(step)


def _known(fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in fields}


def _changes(save: Save) -> dict[str, tuple[Any, Any]]:
    """What history keeps: every tracked field whose value changed."""
    before = save.before or {}
    return {
        name: (before.get(name), save.values.get(name))
        for name in sorted(save.changed)
        if name in save.kind.fields and history.is_kept(save.kind.fields[name])
    }


def _refuse_managed(ctx: Context, managed_by: str | None) -> None:
    if managed_by is not None:
        raise Forbidden("These records are changed by their own service only ({service}).", service=managed_by)
