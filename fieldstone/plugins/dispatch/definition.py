"""The metadata kind `dispatch_policy`: which plugin ranks, what it reads from the records, what assigning writes.

In: a definition body. Out: a `CompiledPolicy`, the definition checked against the objects it names. Registered by
`plugins.part`; used by `dispatch.service`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fieldstone.platform.kernel.metadata import Definition, MetadataError, MetadataKind, Reference, Snapshot
from fieldstone.platform.kernel.text import Text
from fieldstone.plugins.sdk.dispatch import Objective, Policy, Travel, WorkRule
from fieldstone.plugins.sdk.objectives import OBJECTIVES
from fieldstone.plugins.sdk.work_rules import WORK_RULES
from fieldstone.rules.engine.targets import RuleObject, object_of
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.types import record_of
from fieldstone.rules.kinds.compiling import Compiling, value_type
from fieldstone.rules.kinds.shapes import EXPRESSION, NAME, PATH, document


def _rows(**paths: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["child", *(name for name in paths if name in {"skill", "starts_at", "ends_at", "part"})],
        "properties": {"child": PATH, **paths},
    }


SCHEMA: Mapping[str, Any] = document(
    "dispatch_policy",
    "Dispatch policy",
    {
        "object": NAME,
        "plugin": NAME,
        "condition": {**EXPRESSION, "description": "Which records can be dispatched"},
        "settings": {"type": "object"},
        "appointment": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                **dict.fromkeys(("location", "duration", "earliest_start", "due", "priority", "territory"), PATH),
                "skills": _rows(skill=PATH, min_level=PATH),
            },
        },
        "resource": {
            "type": "object",
            "additionalProperties": False,
            "required": ["object"],
            "properties": {
                "object": {"type": "string"},
                "filter": {"type": "string", "maxLength": 20000},
                **dict.fromkeys(
                    (
                        "location",
                        "home_location",
                        "territory",
                        "shift_start",
                        "shift_end",
                        "load",
                        "capacity",
                        "max_travel_km",
                    ),
                    PATH,
                ),
                "skills": _rows(skill=PATH, level=PATH, valid_until=PATH),
                "absences": _rows(starts_at=PATH, ends_at=PATH),
            },
        },
        "travel": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "detour": {"type": "number", "minimum": 1, "maximum": 5},
                "speed_kmh": {"type": "number", "minimum": 1, "maximum": 300},
                "handover_s": {"type": "integer", "minimum": 0, "maximum": 7200},
            },
        },
        "work_rules": {
            "type": "array",
            "maxItems": 30,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["code"],
                "properties": {
                    "code": {"enum": sorted(WORK_RULES)},
                    "on_empty": {"enum": ["pass", "fail", "skip"]},
                    "params": {"type": "object"},
                },
            },
        },
        "objectives": {
            "type": "array",
            "maxItems": 20,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["code", "weight", "best", "worst"],
                "properties": {
                    "code": {"enum": sorted(OBJECTIVES)},
                    "weight": {"type": "number", "exclusiveMinimum": 0, "maximum": 1000},
                    "best": {"type": "number"},
                    "worst": {"type": "number"},
                },
            },
        },
        "assign": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": EXPRESSION,
            "description": "What assigning writes; `candidate` is the resource that was chosen",
        },
    },
    ("object", "plugin", "resource", "assign"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPolicy:
    """A dispatch policy ready to run: `appointment` and `resource` map facts to field paths as in the definition."""

    name: str
    label: Text
    object: str
    plugin: str
    condition: Expression | None
    appointment: Mapping[str, Any]
    resource: Mapping[str, Any]
    assign: Mapping[str, Expression]
    policy: Policy


def compile_policy(definition: Definition, snapshot: Snapshot) -> CompiledPolicy:
    """Compile one definition. Raises `MetadataError`."""
    return _build(_scope(definition, snapshot))


def references(definition: Definition, snapshot: Snapshot) -> tuple[Reference, ...]:
    """What the policy needs, as far as it compiles."""
    scope = _scope(definition, snapshot)
    with suppress(MetadataError):
        _build(scope)
    return tuple(dict.fromkeys(scope.references))


def _scope(definition: Definition, snapshot: Snapshot) -> Compiling:
    candidate = {"candidate": record_of(definition.body["resource"]["object"]), "user": record_of("user")}
    return Compiling(definition, snapshot, candidate)


def _build(scope: Compiling) -> CompiledPolicy:
    body = scope.body
    resource = body["resource"]
    scope.refer("/resource/object", "object", resource["object"])
    target = object_of(scope.snapshot, resource["object"], "/resource/object")
    return CompiledPolicy(
        name=body["name"],
        label=body.get("label", body["name"]),
        object=scope.object.name,
        plugin=body["plugin"],
        condition=scope.condition(),
        appointment=_facts(scope, body.get("appointment", {}), scope.object, "/appointment"),
        resource=MappingProxyType({**_facts(scope, resource, target, "/resource"), "object": target.name}),
        assign=_assign(scope),
        policy=_policy(body),
    )


def _facts(scope: Compiling, body: Mapping[str, Any], owner: RuleObject, at: str) -> Mapping[str, Any]:
    """The mapping as written, every path in it checked against `owner` and, for child rows, the rows' object."""
    for name, value in body.items():
        if isinstance(value, Mapping):
            rows = _row_object(scope, owner, value["child"], f"{at}/{name}/child")
            for part, path in value.items():
                if part != "child":
                    scope.field(path, f"{at}/{name}/{part}", rows)
        elif name not in ("object", "filter"):
            _checked_path(scope, owner, value, f"{at}/{name}")
    return MappingProxyType(dict(body))


def _row_object(scope: Compiling, owner: RuleObject, name: str, at: str) -> RuleObject:
    """The object of a child field's rows. Raises `MetadataError` for any other field."""
    row_object = getattr(scope.field(name, at, owner).type, "row_object", None)
    if row_object is None:
        raise MetadataError("The field {name} has no rows.", path=at, code="not_a_child", name=name)
    scope.refer(at, "object", row_object)
    return object_of(scope.snapshot, row_object, at)


def _checked_path(scope: Compiling, owner: RuleObject, path: str, at: str) -> None:
    first, *rest = path.split(".")
    found = scope.field(first, at, owner)
    for name in rest:
        found = scope.field(name, at, scope.lookup_target(found, at))


def _assign(scope: Compiling) -> Mapping[str, Expression]:
    made = {}
    for name, source in sorted(scope.body["assign"].items()):
        field = scope.field(name, f"/assign/{name}")
        made[name] = scope.expression(source, f"/assign/{name}", value_type(field))
    return MappingProxyType(made)


def _policy(body: Mapping[str, Any]) -> Policy:
    return Policy(
        name=body["name"],
        work_rules=tuple(WorkRule(**rule) for rule in body.get("work_rules", ())),
        objectives=tuple(Objective(**objective) for objective in body.get("objectives", ())),
        travel=Travel(**body.get("travel", {})),
        settings=body.get("settings", {}),
    )


KIND = MetadataKind(
    name="dispatch_policy",
    folder="dispatch",
    label={"en": "Dispatch policy", "zh-Hans": "派工策略", "zh-Hant": "派工策略"},
    schema=SCHEMA,
    compile=compile_policy,
    references=references,
    order=60,
)
