"""The buttons of a record page: the layout's actions that stand open for this record and reader, and what they ask.

In: the layout, the record. Out: label, icon, address of the dialog; the fields of the dialog. Whether a button may
really be pressed is decided by the record service when it is. Called by the record page.
"""

from __future__ import annotations

from typing import Any

from fieldstone.objects.access.conditions import user_variables
from fieldstone.objects.access.service import ActorAccess, evaluation_context
from fieldstone.objects.definition.scope import DefinitionScope
from fieldstone.objects.fieldtypes.base import Declaration
from fieldstone.objects.fieldtypes.builtin import FieldTypes
from fieldstone.objects.query.values import Record
from fieldstone.objects.sql.related import variables_of
from fieldstone.objects.types import Field
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.metadata import Snapshot
from fieldstone.platform.kernel.text import localized
from fieldstone.rules.engine.automation import Automation
from fieldstone.rules.engine.rule_set import rule_set
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.ui.records.arrangement import Arrangement

_QUIET = ("x", "ban", "circle-x", "trash")
"""Icons of what ends something: such a button is never the one that a page suggests."""


def action_buttons(ctx: Context, access: ActorAccess, arrangement: Arrangement, record: Record) -> list[dict[str, Any]]:
    """The buttons, in the layout's order."""
    layout = arrangement.layout
    if layout is None or not access.may(record.object, "update"):
        return []
    rules = rule_set(ctx.snapshot, record.object)
    found = (rules.button(name) for name in (*layout.actions, *layout.more_actions))
    return [
        {
            "name": rule.name,
            "label": action_label(rule, ctx.locale),
            "icon": rule.trigger.icon or "bolt",
            "quiet": rule.trigger.icon in _QUIET,
            "url": f"/o/{record.object}/{record.id}/actions/{rule.name}",
            "in_menu": rule.name in layout.more_actions,
        }
        for rule in found
        if rule is not None and _stands_open(ctx, rule, arrangement, record)
    ]


def action_label(rule: Automation, locale: str) -> str:
    """The words on the button."""
    return localized(rule.trigger.label or rule.label, locale)


class ActionInputs:
    """The fields that the dialogs of buttons ask for."""

    def __init__(self, types: FieldTypes) -> None:
        self._types = types

    def of(self, rule: Automation, snapshot: Snapshot) -> tuple[Field, ...]:
        """The input fields of a button, bound to their types."""
        bodies = {name: snapshot.definition("object", name) for name in snapshot.names("object")}
        scope = DefinitionScope(self._types, lambda name: found.body if (found := bodies.get(name)) else None)
        return tuple(_field(scope, Declaration(object=rule.object, name=b["name"], body=b)) for b in rule.trigger.input)


def _field(scope: DefinitionScope, declaration: Declaration) -> Field:
    body = declaration.body
    return Field(
        name=declaration.name,
        label=body.get("label", declaration.name),
        type=scope.bind(declaration),
        object=declaration.object,
        help=body.get("help", ""),
        placeholder=body.get("placeholder", ""),
        required=bool(body.get("required")),
    )


def _stands_open(ctx: Context, rule: Automation, arrangement: Arrangement, record: Record) -> bool:
    if rule.condition is None:
        return True
    variables = {**variables_of(arrangement.kind, record.values), "user": user_variables(ctx.actor), "input": {}}
    try:
        return rule.condition.holds({**variables, "previous": variables}, evaluation_context(ctx))
    except (EvaluationError, KeyError):
        return True
