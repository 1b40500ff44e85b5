"""What a person is told about a body that does not fit its schema."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fieldstone.platform.kernel.metadata import MetadataKind
from fieldstone.platform.metadata.schemas import COMMON_SCHEMA, BodySchemas

TEXT = {
    "type": "object",
    "required": ["name", "type"],
    "additionalProperties": False,
    "properties": {"type": {"const": "text"}, "name": {}, "max_length": {"type": "integer", "maximum": 10}},
}
SELECT = {
    "type": "object",
    "required": ["name", "type", "options"],
    "additionalProperties": False,
    "properties": {"type": {"const": "select"}, "name": {}, "options": {"type": "array", "minItems": 1}},
}
SCHEMA = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"$ref": COMMON_SCHEMA + "#/$defs/name"},
        "label": {"$ref": COMMON_SCHEMA + "#/$defs/text"},
        "code": {"type": "string", "pattern": "^(a+)+$"},
        "unique": {"type": "array", "uniqueItems": True},
        "fields": {"type": "array", "items": {"oneOf": [TEXT, SELECT]}},
    },
}
KIND = MetadataKind(name="thing", folder="things", label="Thing", schema=SCHEMA, compile=lambda d, s: None)


def findings(body: Any) -> list[tuple[str, str]]:
    return [(d.path, d.code) for d in BodySchemas().check(KIND, {"name": "x", **body}, "/thing/x")]


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"name": "Upper"}, "/name", "pattern"),
        ({"lable": "x"}, "/lable", "unknown_property"),
        ({"label": {"de": "x"}}, "/label/de", "unknown_property"),
        ({"label": 5}, "/label", "type"),
        ({"unique": [1, 1]}, "/unique", "unique_items"),
        ({"fields": [{"type": "text", "name": "a", "max_length": 11}]}, "/fields/0/max_length", "too_large"),
        ({"fields": [{"type": "select", "name": "a"}]}, "/fields/0/options", "required"),
        ({"fields": [{"type": "select", "name": "a", "options": []}]}, "/fields/0/options", "too_few"),
        ({"fields": [{"type": "txt", "name": "a"}]}, "/fields/0/type", "enum"),
        ({"fields": ["text"]}, "/fields/0", "type"),
    ],
)
def test_each_finding_has_the_place_and_a_stable_code(body: Any, path: str, code: str) -> None:
    assert findings(body) == [("/thing/x" + path, code)]


def test_of_alternatives_all_marks_are_offered_and_a_near_one_is_proposed() -> None:
    (found,) = BodySchemas().check(KIND, {"name": "x", "fields": [{"type": "txt", "name": "a"}]}, "")
    assert (found.facts["choices"], found.facts["near"]) == ("text, select", "text")
    (found,) = BodySchemas().check(KIND, {"name": "x", "lable": "y"}, "")
    assert found.facts["near"] == "label"


def test_at_most_fifty_findings_are_told() -> None:
    assert len(findings({f"p{n}": 1 for n in range(200)} | {"fields": ["x"] * 200})) <= 250
    assert len(findings({"fields": ["x"] * 200})) == 50


def test_a_pattern_of_a_schema_runs_in_linear_time() -> None:
    started = time.process_time()
    assert findings({"code": "a" * 2_000 + "!"}) == [("/thing/x/code", "pattern")]
    # A backtracking engine would not end before the sun does.
    assert time.process_time() - started < 30
