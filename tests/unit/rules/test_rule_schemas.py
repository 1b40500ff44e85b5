"""The JSON Schemas of the rule kinds: well-formed, closed, and the shipped packages fit them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import fieldstone
from fieldstone.rules.kinds.actions import ACTIONS
from fieldstone.rules.part import KINDS

SCHEMAS = {kind.name: kind.schema for kind in KINDS}
PACKAGES = Path(fieldstone.__file__).parent / "plugins" / "packages"
SHIPPED = sorted(
    path
    for path in PACKAGES.rglob("*.json")
    if json.loads(path.read_text("utf-8")).get("$schema", "").removesuffix(".json").rpartition("/")[2] in SCHEMAS
)

TRIGGER = {"trigger": {"on": ["update"]}}
STEP = {"name": "s", "approvers": {"role": "r"}}
MINIMAL: dict[str, dict[str, Any]] = {
    "validation_rule": {"name": "a", "object": "b", "condition": "true", "message": "x"},
    "decision_table": {
        "name": "a",
        "object": "b",
        "inputs": [{"name": "i", "expression": "x"}],
        "outputs": [{"name": "o", "field": "f"}],
        "rows": [{"when": {}, "then": {"o": 1}}],
    },
    "automation": {"name": "a", "object": "b", "actions": [{"action": "dispatch", "policy": "p"}], **TRIGGER},
    "approval_process": {"name": "a", "object": "b", "tiers": [{"name": "t", "steps": [STEP]}]},
}


def accepts(kind: str, body: Any) -> bool:
    return Draft202012Validator(SCHEMAS[kind]).is_valid(body)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_schema_is_a_schema_and_says_its_name(kind: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[kind])
    assert SCHEMAS[kind]["$id"] == f"https://fieldstone.dev/schemas/{kind}.json"


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_smallest_definition_is_accepted_and_nothing_of_it_may_be_missing_or_added(kind: str) -> None:
    body = MINIMAL[kind]
    assert accepts(kind, body)
    for name in body:
        assert not accepts(kind, {key: value for key, value in body.items() if key != name}), name
    assert not accepts(kind, {**body, "nope": 1})
    for bad in ("", "Upper", "1st", "a" * 41, "a-b", "a b", "ä"):
        assert not accepts(kind, {**body, "name": bad})


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_rules_fit_their_schema(path: Path) -> None:
    body = json.loads(path.read_text("utf-8"))
    kind = body["$schema"].removesuffix(".json").rpartition("/")[2]
    assert [error.message for error in Draft202012Validator(SCHEMAS[kind]).iter_errors(body)] == []


ACTION_BODIES: dict[str, dict[str, Any]] = {
    "set_field": {"values": {"a": 1}},
    "decide": {"table": "t"},
    "create_record": {"object": "o", "values": {"a": {"expression": "b"}}, "as": "x"},
    "update_record": {"record": "a.b", "values": {"a": None}, "expect": {"a": 1}},
    "notify": {"to": {"users": ["a.b"], "roles": ["r"]}, "subject": "x", "body": {"en": "y"}},
    "call_webhook": {"url": "https://x.example/", "values": {}},
    "run_plugin": {"plugin": "sms-gateway", "name": "send", "values": {"a": [1]}},
    "submit_for_approval": {"process": "p"},
    "dispatch": {"policy": "p"},
}


@pytest.mark.parametrize("name", ACTIONS)
def test_each_action_takes_what_it_needs_and_nothing_else(name: str) -> None:
    def fits(action: dict[str, Any]) -> bool:
        return accepts("automation", {**MINIMAL["automation"], "actions": [action]})

    action = {"action": name, **ACTION_BODIES[name]}
    assert fits(action)
    assert not fits({**action, "nope": 1})
    for needed in ACTIONS[name].required:
        assert not fits({key: value for key, value in action.items() if key != needed})


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("automation", {"actions": []}),
        ("automation", {"actions": [{"action": "nope"}]}),
        ("automation", {"actions": [{}]}),
        ("automation", {"timing": "later"}),
        ("automation", {"trigger": {"on": []}}),
        ("automation", {"trigger": {"on": ["update", "update"]}}),
        ("automation", {"trigger": {"on": ["nope"]}}),
        ("automation", {"trigger": {}}),
        ("automation", {"order": -1}),
        ("validation_rule", {"on": []}),
        ("validation_rule", {"on": ["button"]}),
        ("validation_rule", {"message": ""}),
        ("validation_rule", {"message": {"fr": "x"}}),
        ("validation_rule", {"message": {}}),
        ("validation_rule", {"condition": ""}),
        ("validation_rule", {"condition": "x" * 4001}),
        ("validation_rule", {"fields": ["a", "a"]}),
        ("decision_table", {"rows": []}),
        ("decision_table", {"rows": [{"when": {"i": []}, "then": {"o": 1}}]}),
        ("decision_table", {"rows": [{"when": {"i": {}}, "then": {"o": 1}}]}),
        ("decision_table", {"rows": [{"when": {"i": {"to": 1}}, "then": {"o": 1}}]}),
        ("decision_table", {"rows": [{"when": {}, "then": {}}]}),
        ("approval_process", {"tiers": []}),
        ("approval_process", {"tiers": [{"name": "t", "steps": []}]}),
        ("approval_process", {"tiers": [{"name": "t", "steps": [{"name": "s", "approvers": {}}]}]}),
        ("approval_process", {"tiers": [{"name": "t", "steps": [{**STEP, "quorum": 0}]}]}),
        ("approval_process", {"tiers": [{"name": "t", "steps": [{**STEP, "quorum": "most"}]}]}),
        ("approval_process", {"tiers": [{"name": "t", "from": "1e5", "steps": [STEP]}]}),
        (
            "approval_process",
            {"tiers": [{"name": "t", "steps": [{"name": "s", "approvers": {"role": "r", "team_manager": 1}}]}]},
        ),
        ("approval_process", {"currency": "usd"}),
        ("approval_process", {"submit": "sometimes"}),
    ],
)
def test_what_does_not_fit_is_refused(kind: str, change: dict[str, Any]) -> None:
    assert not accepts(kind, {**MINIMAL[kind], **change})
