"""Roll-ups that follow the records they count, in the same unit of work, right under parallel writes.

What comes in: saves of records that feed roll-ups. What goes out: the parents, locked before anything is written (in
order of object and id, so that two units never wait for each other), and changed afterwards: counts and sums by what
was added and taken away, averages and extremes worked out anew. Then the parents' formulas, and whether the parents are
still valid. No revision is raised: a person who has a parent open does not lose an edit because a row was added.
Who calls it: saves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fieldstone.objects.access.service import Access, ActorAccess, evaluation_context
from fieldstone.objects.records import deriving, writing
from fieldstone.objects.records.loading import Loaded, Loader
from fieldstone.objects.records.plans import plan_of
from fieldstone.objects.records.relations import RollUp
from fieldstone.objects.records.saves import Save
from fieldstone.objects.records.totals import combined, counts, is_zero, negated, one_currency, summed, totals
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import FieldError, Invalid, NotFound

MAX_LEVELS: Final = 8
Key = tuple[str, str]
"""Object and id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """What one record adds to a roll-up of a parent."""

    parent: str
    value: Any


@dataclass(slots=True, kw_only=True)
class _Movement:
    """What becomes of one roll-up of one parent: values taken away and added, by records of `source`."""

    source: ObjectType
    roll_up: RollUp
    taken: list[Any] = field(default_factory=list)
    added: list[Any] = field(default_factory=list)


class Book:
    """The roll-ups that one unit of saves has to see to, and the records that it holds."""

    def __init__(self, ctx: Context, unit: SqlUnit, loader: Loader) -> None:
        self._ctx = ctx.as_system()
        self._unit = unit
        self._loader = loader
        self._system: ActorAccess = Access().of(self._ctx)
        self._moves: dict[Key, dict[str, _Movement]] = {}
        self.held: set[Key] = set()

    def parents_of(self, save: Save) -> list[Key]:
        """The parents whose roll-ups this save will change, old and new, in the order in which they are locked."""
        return sorted({(roll_up.parent.name, share.parent) for roll_up, share, _ in self._shares(save)})

    def hold(self, keys: Iterable[Key]) -> None:
        """Lock those parents that are not held yet. The caller gives all parents of a save at once, in order."""
        for key in keys:
            if key not in self.held:
                self._load(key)

    def enter(self, save: Save) -> None:
        """Note what a written save means to roll-ups."""
        for roll_up, share, is_new in self._shares(save):
            movement = self._movement(save, roll_up, share.parent)
            (movement.added if is_new else movement.taken).append(share.value)

    def settle(self, top: Save) -> None:
        """Change all roll-ups. Raises `Invalid` when a parent is not valid afterwards; errors about the record of
        `top` point to its fields."""
        for _ in range(MAX_LEVELS):
            if not self._moves:
                return
            moves, self._moves = self._moves, {}
            for key in sorted(moves):
                self._settle_parent(key, moves[key], top)
        raise Invalid("Roll-ups depend on each other over more than {limit} objects.", limit=MAX_LEVELS)

    def _shares(self, save: Save) -> list[tuple[RollUp, _Share, bool]]:
        """What a save adds (True) and takes away (False), where that is not the same."""
        found: list[tuple[RollUp, _Share, bool]] = []
        for roll_up in save.plan.roll_ups:
            old = self._share(save, roll_up, save.before, save.previous)
            new = self._share(save, roll_up, save.values, save.variables)
            if old != new:
                found.extend((roll_up, share, share is new) for share in (old, new) if share is not None)
        return found

    def _share(
        self, save: Save, roll_up: RollUp, values: Mapping[str, Any] | None, variables: Mapping[str, Any] | None
    ) -> _Share | None:
        if values is None or variables is None or values.get("deleted_at") is not None:
            return None
        parent = values.get(roll_up.lookup.name)
        if isinstance(parent, Mapping):
            parent = parent["id"] if parent["object"] == roll_up.parent.name else None
        if parent is None or not counts(roll_up, variables, evaluation_context(save.ctx)):
            return None
        value = 1 if roll_up.of is None else values.get(roll_up.of.name)
        return _Share(parent=parent, value=value)

    def _movement(self, save: Save, roll_up: RollUp, parent: str) -> _Movement:
        of_parent = self._moves.setdefault((roll_up.parent.name, parent), {})
        return of_parent.setdefault(roll_up.field.name, _Movement(source=save.kind, roll_up=roll_up))

    def _load(self, key: Key) -> Loaded | None:
        """The parent, locked, in the bin or not; None when it is gone."""
        kind: ObjectType = self._ctx.snapshot.get("object", key[0])
        plan = plan_of(self._ctx.snapshot, kind)
        self.held.add(key)
        try:
            return self._loader.load(self._unit, self._system, plan, key[1], "update", deleted=None)
        except NotFound:
            return None

    def _settle_parent(self, key: Key, moves: Mapping[str, _Movement], top: Save) -> None:
        loaded = self._load(key)
        if loaded is None:
            return
        save = self._parent_save(key, loaded)
        for name in sorted(moves):
            save.values[name] = self._moved(save, moves[name])
        rolled = save.changed
        if not rolled:
            return
        worked_out = deriving.work_out_formulas(save)
        self._write(save, rolled | worked_out)
        if not loaded.deleted:
            self._validate(save, rolled | worked_out, top)
        self.enter(save)

    def _parent_save(self, key: Key, loaded: Loaded) -> Save:
        kind: ObjectType = self._ctx.snapshot.get("object", key[0])
        rights = self._system.rights(key[0])
        return Save(
            ctx=self._ctx,
            unit=self._unit,
            access=self._system,
            rights=rights,
            plan=plan_of(self._ctx.snapshot, kind),
            event="update",
            id=key[1],
            revision=loaded.revision,
            values=dict(loaded.values),
            before=loaded.values,
            related=dict(loaded.related),
            related_before=loaded.related,
        )

    def _moved(self, save: Save, movement: _Movement) -> Any:
        """The roll-up's new value."""
        roll_up, current = movement.roll_up, save.values.get(movement.roll_up.field.name)
        if roll_up.function == "count":
            return max(0, (current or 0) + len(movement.added) - len(movement.taken))
        if roll_up.function == "sum":
            total = self._added_up(roll_up, current, movement)
            if total is not None:
                return roll_up.field.type.coerce(total)
        return totals(self._ctx, self._unit, movement.source, roll_up, [save.id])[save.id]

    def _added_up(self, roll_up: RollUp, current: Any, movement: _Movement) -> Any:
        """A sum by what was added and taken away; None when it may have become empty and must be worked out anew."""
        added = [value for value in movement.added if value is not None]
        taken = [value for value in movement.taken if value is not None]
        one_currency(roll_up, [value for value in (current, *added, *taken) if value is not None])
        if not added and not taken:
            return current
        if current is None:
            return combined(roll_up, added) if not taken else None
        total = summed([current, *added, *(negated(value) for value in taken)])
        return total if len(added) >= len(taken) or not is_zero(total) else None

    def _write(self, save: Save, names: Iterable[str]) -> None:
        written = {name: save.values[name] for name in names}
        columns = save.kind.columns_of(written)
        if not written.keys().isdisjoint((*save.kind.title_fields, *(each.name for each in save.kind.searchable))):
            deriving.give_title(save)
            columns.update(writing.naming_columns(save))
        self._unit.write_later(save.plan.quiet_update(columns), {**columns, "row_id": save.id})

    def _validate(self, save: Save, changed: Iterable[str], top: Save) -> None:
        for name in save.plan.related.lists:
            reader = save.plan.list_reader(name, self._unit.dialect)
            save.lists[name] = reader.read(self._unit, [save.id])[save.id]
        errors = deriving.run_validations(save, frozenset(changed))
        if top.id != save.id:
            errors = [_about_parent(save, error) for error in errors]
        top.runs.extend(save.runs)
        deriving.raise_errors(errors)


def _about_parent(save: Save, error: FieldError) -> FieldError:
    """A refusal by a parent's rule, told to somebody who saves one of its records: it has no place in their body."""
    facts = {**error.facts, "object": save.kind.name, "record": save.id}
    return FieldError(path="", code=error.code, message=error.message, facts=facts)
