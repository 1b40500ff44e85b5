"""JSON Schema pieces that the rule kinds share.

Pure data (JSON Schema 2020-12); read by the schemas of this package. The limits keep what one publish has to compile
bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_SOURCE = 4_000

NAME: Mapping[str, Any] = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}
PATH: Mapping[str, Any] = {
    "type": "string",
    "pattern": "^[a-z][a-z0-9_]{0,39}(\\.[a-z][a-z0-9_]{0,39}){0,4}$",
    "description": "A field of the record, or through lookups: customer.account_manager",
}
EXPRESSION: Mapping[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_SOURCE,
    "description": "An expression of the rule language",
}
TEXT: Mapping[str, Any] = {
    "description": "Words for people: one string, or one for each language",
    "oneOf": [
        {"type": "string", "minLength": 1, "maxLength": 2000},
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": {
                "en": {"type": "string", "maxLength": 2000},
                "zh-Hans": {"type": "string", "maxLength": 2000},
                "zh-Hant": {"type": "string", "maxLength": 2000},
            },
        },
    ],
}
FIELD_NAMES: Mapping[str, Any] = {"type": "array", "items": NAME, "uniqueItems": True, "maxItems": 100}
VALUES: Mapping[str, Any] = {
    "description": 'Fields and what to set them to: a value, {"expression": EXPR} or {"created": NAME}',
    "type": "object",
    "minProperties": 1,
    "maxProperties": 100,
    "propertyNames": NAME,
}


def document(kind: str, title: str, properties: Mapping[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    """The schema of a whole definition: `name`, `label`, `description` and what the kind adds."""
    return {
        "$schema": DIALECT,
        "$id": f"https://fieldstone.dev/schemas/{kind}.json",
        "title": title,
        "type": "object",
        "additionalProperties": False,
        "required": ["name", *required],
        "properties": {
            "$schema": {"type": "string"},
            "name": NAME,
            "label": TEXT,
            "description": TEXT,
            "renamed_from": NAME,
            **properties,
        },
    }
