"""The decision trace: which rules ran over a save, hit or not, on which values, and what they did.

What comes in: a save. What goes out: JSON values that are kept with its history. Values of sensitive fields are masked.
Who calls it: saves; `service` shows it, trimmed to what its reader may see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fieldstone.objects.records.history import MASK
from fieldstone.objects.records.saves import Save
from fieldstone.objects.types import ObjectType
from fieldstone.rules.effects import CreateRecord, Effect, SetField, UpdateRecord
from fieldstone.rules.engine.payload import jsonable
from fieldstone.rules.engine.run import RuleRun, inputs_used

MAX_RULES: Final = 200
_LONGEST: Final = 200


def rules_as_json(save: Save) -> list[dict[str, Any]]:
    """The rules that ran, in order; inputs and effects of those that were hit."""
    variables: dict[str, Any] | None = None
    found: list[dict[str, Any]] = []
    for run in save.runs[:MAX_RULES]:
        line: dict[str, Any] = {"kind": run.rule.kind, "rule": run.rule.name, "hit": run.hit}
        if run.hit:
            variables = save.variables if variables is None else variables
            line["inputs"] = _inputs(save.kind, run, variables)
            line["effects"] = [_effect(save.kind, effect) for effect in run.effects]
        found.append(line)
    return found


def _inputs(kind: ObjectType, run: RuleRun, variables: Mapping[str, Any]) -> dict[str, Any]:
    return {path: _shown(kind, path, value) for path, value in inputs_used(run.rule, variables).items()}


def _shown(kind: ObjectType, path: str, value: Any) -> Any:
    root = path.split(".")[0]
    field = kind.fields.get(root)
    if field is not None and field.sensitive and value is not None:
        return MASK
    plain = jsonable(value)
    return plain[:_LONGEST] if isinstance(plain, str) else plain if not isinstance(plain, list) else plain[:20]


def _effect(kind: ObjectType, effect: Effect) -> dict[str, Any]:
    name = type(effect).__name__
    match effect:
        case SetField():
            return {"effect": name, "field": effect.field, "value": _shown(kind, effect.field, effect.value)}
        case CreateRecord() | UpdateRecord():
            return {"effect": name, "object": effect.object, "fields": sorted(effect.values)}
        case _:
            return {"effect": name}
