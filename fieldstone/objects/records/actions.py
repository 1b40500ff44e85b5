"""Actions: automations that people start by a button.

What comes in: a record, the name of an automation, what the person filled in. What goes out: its effects, applied in
the same unit. The record must be one that the actor may change, and the automation's condition must hold; a button that
a page does not show is refused here all the same. Who calls it: the record service.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldstone.objects.access.service import Access
from fieldstone.objects.definition.scope import DefinitionScope, no_bodies
from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import FieldType
from fieldstone.objects.fieldtypes.builtin import FieldTypes
from fieldstone.objects.fieldtypes.declaration import Declaration
from fieldstone.objects.fieldtypes.problems import Rejected
from fieldstone.objects.records import deriving
from fieldstone.objects.records.effects import EffectApplier
from fieldstone.objects.records.loading import Loader
from fieldstone.objects.records.plans import plan_of
from fieldstone.objects.records.saves import Save
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Cause, Context
from fieldstone.platform.kernel.errors import Conflict, FieldError, Invalid, NotFound
from fieldstone.rules.engine.automation import Automation


class Actions:
    """Runs actions."""

    def __init__(self, access: Access, loader: Loader, effects: EffectApplier, types: FieldTypes) -> None:
        self._access = access
        self._loader = loader
        self._effects = effects
        self._types = types

    def run(self, ctx: Context, unit: SqlUnit, name: str, identity: str, action: str, given: Mapping[str, Any]) -> None:
        """Run an action on a record. Raises `NotFound`, `Forbidden`, `Conflict` when its condition does not hold."""
        access = self._access.of(ctx)
        rights = access.require(name, "update")
        plan = plan_of(ctx.snapshot, rights.kind)
        rule = plan.rules.button(action)
        if rule is None:
            raise NotFound("{object} has no action called {name}.", object=name, name=action[:80])
        loaded = self._loader.load(unit, access, plan, identity, "update")
        save = Save(
            ctx=ctx,
            unit=unit,
            access=access,
            rights=rights,
            plan=plan,
            event="update",
            id=identity,
            revision=loaded.revision,
            values=dict(loaded.values),
            before=loaded.values,
            open_fields=loaded.open_fields,
            related=dict(loaded.related),
            related_before=loaded.related,
        )
        for each in plan.related.lists:
            save.lists[each] = plan.list_reader(each, unit.dialect).read(unit, [identity])[identity]
        self._perform(save, rule, self._input(rule, given))

    def _perform(self, save: Save, rule: Automation, given: Mapping[str, Any]) -> None:
        variables = {**deriving.with_volatile(save), "input": given}
        context = save.surroundings()
        if not rule.applies(variables, context):
            message = "The action {action} is not possible now."
            raise Conflict(message, code="action_not_possible", action=rule.name)
        ctx = save.ctx.because(Cause(kind="action", name=rule.name, record=save.id))
        effects = rule.perform(variables, context)
        self._effects.apply_all(ctx, save.unit, save.kind.name, save.id, effects)

    def _input(self, rule: Automation, given: Mapping[str, Any]) -> dict[str, Any]:
        """What the person filled in, as values of the automation's input fields. Raises `Invalid`."""
        fields = {body["name"]: self._field(rule, body) for body in rule.trigger.input}
        errors = [_error(str(name)[:100], problems.UNKNOWN_FIELD) for name in given if name not in fields]
        values: dict[str, Any] = {}
        for name, field in fields.items():
            try:
                values[name] = None if given.get(name) is None else field.read(given[name])
            except Rejected as rejected:
                errors.append(rejected.problem.at(f"/{name}"))
                continue
            if values[name] is None and field.declaration.body.get("required"):
                errors.append(_error(name, problems.REQUIRED))
        if errors:
            raise Invalid(errors=errors)
        return values

    def _field(self, rule: Automation, body: Mapping[str, Any]) -> FieldType:
        declaration = Declaration(object=rule.object, name=body["name"], body=body)
        return DefinitionScope(self._types, no_bodies).bind(declaration)


def _error(name: str, kind: problems.ProblemKind) -> FieldError:
    return FieldError(path=f"/{name}", code=kind.code, message=kind.message)
