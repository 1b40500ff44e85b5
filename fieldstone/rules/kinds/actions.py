"""The actions of automations: their JSON Schemas and compilers.

What comes in: the `actions` of an automation. What goes out: `engine.actions` values. Who calls it: the kind
`automation`. One entry in `ACTIONS` per action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from fieldstone.platform.kernel.metadata import MetadataError
from fieldstone.rules.engine import actions
from fieldstone.rules.engine.actions import Action
from fieldstone.rules.engine.targets import object_of
from fieldstone.rules.expressions.syntax import Path
from fieldstone.rules.kinds.compiling import Compiling
from fieldstone.rules.kinds.shapes import NAME, PATH, TEXT, VALUES


@dataclass(slots=True, kw_only=True)
class Drafting:
    """The actions of one automation while they are compiled, in order."""

    scope: Compiling
    created: dict[str, str] = field(default_factory=dict)
    writes: set[tuple[str, str]] = field(default_factory=set)
    creates: set[str] = field(default_factory=set)
    paths: set[Path] = field(default_factory=set)

    def wrote(self, target: str, names: Mapping[str, Any]) -> None:
        """Note the fields that an action sets."""
        self.writes.update((target, name) for name in names)


Compiler = Callable[[Drafting, Mapping[str, Any], str], Action]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionKind:
    """One action: what its JSON looks like, how it compiles, and whether it may run before the write."""

    properties: Mapping[str, Any]
    required: tuple[str, ...]
    compile: Compiler
    before: bool = False


def _set_field(draft: Drafting, body: Mapping[str, Any], at: str) -> Action:
    draft.wrote(draft.scope.object.name, body["values"])
    return actions.SetFields(values=draft.scope.assignments(body["values"], f"{at}/values", created=draft.created))


def _decide(draft: Drafting, body: Mapping[str, Any], at: str) -> Action:
    draft.scope.about_the_same("decision_table", body["table"], f"{at}/table")
    table = draft.scope.artefact("decision_table", body["table"], f"{at}/table")
    draft.wrote(draft.scope.object.name, dict.fromkeys(table.output_fields))
    draft.paths |= table.inputs.paths
    return actions.Decide(table=table)


def _create_record(draft: Drafting, body: Mapping[str, Any], at: str) -> Action:
    scope = draft.scope
    scope.refer(f"{at}/object", "object", body["object"])
    target = object_of(scope.snapshot, body["object"], f"{at}/object")
    values = scope.assignments(body["values"], f"{at}/values", target, draft.created)
    draft.creates.add(target.name)
    if "as" in body:
        draft.created[body["as"]] = target.name
    return actions.CreateRecord(object=target.name, values=values, as_name=body.get("as"))


def _update_record(draft: Drafting, body: Mapping[str, Any], at: str) -> Action:
    scope = draft.scope
    path, found = scope.field_path(body["record"], f"{at}/record")
    target = scope.lookup_target(found, f"{at}/record")
    draft.wrote(target.name, body["values"])
    draft.paths.add(path)
    return actions.UpdateRelated(
        path=path,
        object=target.name,
        values=scope.assignments(body["values"], f"{at}/values", target, draft.created),
        expect=scope.assignments(body.get("expect", {}), f"{at}/expect", target),
    )


def _notify(draft: Drafting, body: Mapping[str, Any], at: str) -> Action:
    scope = draft.scope
    users, roles = body["to"].get("users", ()), tuple(body["to"].get("roles", ()))
    for index, role in enumerate(roles):
        scope.exists("role", role, f"{at}/to/roles/{index}")
    paths = tuple(_user_path(scope, text, f"{at}/to/users/{index}") for index, text in enumerate(users))
    subject, letter = scope.message(body["subject"], f"{at}/subject"), scope.message(body.get("body", ""), f"{at}/body")
    draft.paths |= {*paths, *subject.paths, *letter.paths}
    return actions.NotifyPeople(user_paths=paths, roles=roles, subject=subject, body=letter)


def _user_path(scope: Compiling, text: str, path: str) -> Path:
    found_path, found = scope.field_path(text, path)
    if found.type.targets != ("user",):
        raise MetadataError("The field {name} does not hold users.", path=path, code="not_a_user", name=text)
    return found_path


def _call_webhook(draft: Drafting, body: Mapping[str, Any], at: str) -> Action:
    parts = urlsplit(body["url"])
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise MetadataError(
            "A webhook needs an address that begins with https:// or http://, without a user name.",
            path=f"{at}/url",
            code="webhook_url",
        )
    values = draft.scope.loose_values(body.get("values", {}), f"{at}/values")
    return actions.Post(topic=actions.WEBHOOK_TOPIC, values=values, fixed={"url": body["url"]})


def _run_plugin(draft: Drafting, body: Mapping[str, Any], at: str) -> Action:
    values = draft.scope.loose_values(body.get("values", {}), f"{at}/values")
    fixed = {"plugin": body["plugin"], "name": body["name"]}
    return actions.Post(topic=actions.PLUGIN_TOPIC, values=values, fixed=fixed)


def _submit(draft: Drafting, body: Mapping[str, Any], at: str) -> Action:
    draft.scope.about_the_same("approval_process", body["process"], f"{at}/process")
    return actions.Submit(process=body["process"])


def _dispatch(draft: Drafting, body: Mapping[str, Any], at: str) -> Action:
    draft.scope.about_the_same("dispatch_policy", body["policy"], f"{at}/policy")
    return actions.DispatchRecord(policy=body["policy"])


_PLUGIN = {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,59}$"}
_PEOPLE = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {
        "users": {"type": "array", "items": PATH, "minItems": 1, "maxItems": 20},
        "roles": {"type": "array", "items": NAME, "minItems": 1, "maxItems": 20},
    },
}
_LOOSE = {**VALUES, "minProperties": 0, "description": 'Names and values to send: a value or {"expression": EXPR}'}

ACTIONS: Mapping[str, ActionKind] = {
    "set_field": ActionKind(properties={"values": VALUES}, required=("values",), compile=_set_field, before=True),
    "decide": ActionKind(properties={"table": NAME}, required=("table",), compile=_decide, before=True),
    "create_record": ActionKind(
        properties={"object": NAME, "values": VALUES, "as": NAME},
        required=("object", "values"),
        compile=_create_record,
    ),
    "update_record": ActionKind(
        properties={"record": PATH, "values": VALUES, "expect": VALUES},
        required=("record", "values"),
        compile=_update_record,
    ),
    "notify": ActionKind(
        properties={"to": _PEOPLE, "subject": TEXT, "body": TEXT}, required=("to", "subject"), compile=_notify
    ),
    "call_webhook": ActionKind(
        properties={"url": {"type": "string", "maxLength": 2000}, "values": _LOOSE},
        required=("url",),
        compile=_call_webhook,
    ),
    "run_plugin": ActionKind(
        properties={"plugin": _PLUGIN, "name": _PLUGIN, "values": _LOOSE},
        required=("plugin", "name"),
        compile=_run_plugin,
    ),
    "submit_for_approval": ActionKind(properties={"process": NAME}, required=("process",), compile=_submit),
    "dispatch": ActionKind(properties={"policy": NAME}, required=("policy",), compile=_dispatch),
}


def schema() -> dict[str, Any]:
    """JSON Schema of one action."""
    return {
        "type": "object",
        "required": ["action"],
        "properties": {"action": {"enum": list(ACTIONS)}},
        "allOf": [
            {
                "if": {"properties": {"action": {"const": name}}, "required": ["action"]},
                "then": {
                    "additionalProperties": False,
                    "required": list(kind.required),
                    "properties": {"action": {"const": name}, **kind.properties},
                },
            }
            for name, kind in ACTIONS.items()
        ],
    }
