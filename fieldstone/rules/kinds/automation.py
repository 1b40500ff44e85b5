"""The kind `automation`: what happens by itself.

What comes in: definitions from `automations/*.json`. What goes out: `Automation` artefacts; warnings about automations
that set each other off. Who calls it: `platform.metadata`, through the `MetadataKind`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from fieldstone.platform.kernel.errors import FieldstoneError
from fieldstone.platform.kernel.metadata import Definition, Diagnostic, MetadataError, MetadataKind, Snapshot
from fieldstone.rules.engine.actions import Action, Decide, SetFields
from fieldstone.rules.engine.automation import Automation, Timing, Trigger
from fieldstone.rules.engine.cycles import circles
from fieldstone.rules.engine.inputs import inputs_of
from fieldstone.rules.engine.schedule import is_cron
from fieldstone.rules.engine.values import Assignment, Computed, expressions_in
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.kinds.actions import ACTIONS, Drafting, schema
from fieldstone.rules.kinds.compiling import Compiling, compile_with, references_with
from fieldstone.rules.kinds.shapes import EXPRESSION, FIELD_NAMES, NAME, TEXT, document

_TRIGGER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["on"],
    "properties": {
        "on": {
            "type": "array",
            "items": {"enum": ["create", "update", "delete", "button", "schedule"]},
            "minItems": 1,
            "uniqueItems": True,
        },
        "fields": {**FIELD_NAMES, "description": "Only updates that change one of these fields"},
        "cron": {"type": "string", "maxLength": 100, "description": "Five fields, in the tenant's time zone"},
        "filter": {**EXPRESSION, "description": "The records of a schedule"},
        "label": TEXT,
        "icon": {"type": "string", "maxLength": 60},
        "input": {"type": "array", "items": {"type": "object"}, "maxItems": 20},
    },
}

SCHEMA = document(
    "automation",
    "Automation",
    {
        "object": NAME,
        "trigger": _TRIGGER,
        "condition": EXPRESSION,
        "timing": {"enum": ["before", "after", "async"], "default": "after"},
        "order": {"type": "integer", "minimum": 0, "maximum": 10_000, "default": 100},
        "active": {"type": "boolean", "default": True},
        "actions": {"type": "array", "items": schema(), "minItems": 1, "maxItems": 50},
    },
    ("object", "trigger", "actions"),
)


def build(scope: Compiling) -> Automation:
    """Compile one definition. Raises `MetadataError`."""
    body = scope.body
    timing: Timing = body.get("timing", "after")
    trigger = _trigger(scope, body["trigger"])
    condition = scope.condition()
    draft = Drafting(scope=scope)
    actions = tuple(_action(draft, item, timing, f"/actions/{index}") for index, item in enumerate(body["actions"]))
    assignments = [item for action in actions for item in _assignments(action)]
    own = scope.object.all_fields
    inputs = inputs_of([condition, trigger.filter, *expressions_in(assignments), *_table_inputs(actions)], own)
    if timing == "async":
        _refuse_history(assignments, "/actions")
    return Automation(
        name=body["name"],
        object=scope.object.name,
        label=body.get("label", body["name"]),
        trigger=trigger,
        condition=condition,
        timing=timing,
        order=body.get("order", 100),
        actions=actions,
        inputs=inputs | scope.read_inputs(draft.paths),
        writes=frozenset(draft.writes),
        creates=frozenset(draft.creates),
        feeds_itself=_feeds_itself(actions, own),
        active=body.get("active", True),
    )


def _trigger(scope: Compiling, body: Mapping[str, Any]) -> Trigger:
    on = frozenset(body["on"])
    cron = body.get("cron")
    if "schedule" in on and cron is None:
        raise MetadataError("A schedule needs a cron expression.", path="/trigger/cron", code="cron_missing")
    if cron is not None and not is_cron(cron):
        raise MetadataError(
            "{cron} is not a cron expression of five fields.", path="/trigger/cron", code="cron", cron=cron
        )
    return Trigger(
        on=on,
        fields=frozenset(scope.field_names(body.get("fields", ()), "/trigger/fields")),
        cron=cron,
        filter=scope.condition("filter", body, "/trigger"),
        label=body.get("label", scope.body.get("label", scope.body["name"])),
        icon=body.get("icon"),
        input=tuple(body.get("input", ())),
    )


def _action(draft: Drafting, body: Mapping[str, Any], timing: Timing, at: str) -> Action:
    kind = ACTIONS[body["action"]]
    if timing == "before" and not kind.before:
        raise MetadataError(
            "The action {action} cannot run before the record is written.",
            path=at,
            code="action_timing",
            action=body["action"],
        )
    return kind.compile(draft, body, at)


def _assignments(action: Action) -> Sequence[Assignment]:
    return (*getattr(action, "values", ()), *getattr(action, "expect", ()))


def _table_inputs(actions: Sequence[Action]) -> list[Expression]:
    return [column.expression for action in actions if isinstance(action, Decide) for column in action.table.columns]


def _feeds_itself(actions: Sequence[Action], own: Collection[str]) -> frozenset[str]:
    """Fields that are computed from themselves (`count + 1`), directly or by a decision table."""
    by_value = {
        item.field
        for action in actions
        if isinstance(action, SetFields)
        for item in action.values
        if isinstance(item.source, Computed) and item.field in inputs_of([item.source.expression], own).fields
    }
    by_table = {
        name
        for action in actions
        if isinstance(action, Decide)
        for name in action.table.output_fields
        if name in action.table.inputs.fields
    }
    return frozenset(by_value | by_table)


def _refuse_history(assignments: Sequence[Assignment], at: str) -> None:
    """Later there is no `previous`: what changed is known to the condition only, which is evaluated at the save."""
    for expression in expressions_in(assignments):
        if any(path[0] == "previous" for path in expression.references):
            raise MetadataError(
                "Asynchronous actions cannot read previous; use it in the condition.", path=at, code="no_previous"
            )


def check(definition: Definition, snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Warn about circles of automations, naming them in order."""
    automation = snapshot.find("automation", definition.name)
    if automation is None or not automation.active:
        return
    everything = [rule for rule in _compiling(snapshot) if rule.active]
    for names in circles(automation, everything):
        yield Diagnostic(
            path="/actions",
            severity="warning",
            code="rule_circle",
            message="These automations may set each other off without end: {rules}",
            facts={"rules": " → ".join(names)},
        )


def _compiling(snapshot: Snapshot) -> Iterator[Automation]:
    """The automations that compile; what is wrong with the others is told of themselves."""
    for name in snapshot.names("automation"):
        with suppress(FieldstoneError):
            yield snapshot.get("automation", name)


KIND = MetadataKind(
    name="automation",
    folder="automations",
    label={"en": "Automation", "zh-Hans": "自动化", "zh-Hant": "自動化"},
    schema=SCHEMA,
    compile=compile_with(build),
    check=check,
    references=references_with(build),
    order=50,
)
