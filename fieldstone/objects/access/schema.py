"""JSON Schemas of roles and sharing rules.

What goes out: `ROLE_SCHEMA` and `SHARING_RULE_SCHEMA`, 2020-12, for the kinds registry; read also by the designer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NAME: Final = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}
_EXPRESSION: Final = {"type": "string", "minLength": 1, "maxLength": 4000}
_TEXT: Final = {
    "oneOf": [
        {"type": "string", "maxLength": 400},
        {
            "type": "object",
            "propertyNames": {"enum": ["en", "zh-Hans", "zh-Hant"]},
            "additionalProperties": {"type": "string", "maxLength": 400},
            "minProperties": 1,
        },
    ]
}

LEVELS: Final = ("none", "own", "team", "all")
"""How many rows a right reaches, from the fewest to the most."""

FIELD_RIGHTS: Final = ("hidden", "read", "edit")
"""What may be done with a field, from the least to the most."""

SYSTEM_RIGHTS: Final = (
    "manage_metadata",
    "manage_users",
    "view_audit",
    "manage_jobs",
    "import_records",
    "export_records",
    "see_all_jobs",
    "manage_tenant",
)

_RIGHT: Final = {
    "oneOf": [
        {"enum": list(LEVELS)},
        {"type": "boolean"},
        {
            "type": "object",
            "properties": {"where": _EXPRESSION},
            "required": ["where"],
            "additionalProperties": False,
        },
    ]
}

ROLE_SCHEMA: Final[Mapping[str, Any]] = {
    "$schema": DIALECT,
    "$id": "https://fieldstone.dev/schemas/role.json",
    "title": "Role",
    "type": "object",
    "properties": {
        "$schema": {"type": "string"},
        "name": _NAME,
        "label": _TEXT,
        "description": _TEXT,
        "inherits": {"type": "array", "items": _NAME, "uniqueItems": True, "maxItems": 20},
        "objects": {
            "type": "object",
            "propertyNames": {"pattern": "^([a-z][a-z0-9_]{0,39}|\\*)$"},
            "additionalProperties": {
                "type": "object",
                "properties": {
                    "read": _RIGHT,
                    "create": _RIGHT,
                    "update": _RIGHT,
                    "delete": _RIGHT,
                    "export": {"type": "boolean"},
                    "import": {"type": "boolean"},
                },
                "additionalProperties": False,
            },
        },
        "fields": {
            "type": "object",
            "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,39}\\.[a-z][a-z0-9_]{0,39}$"},
            "additionalProperties": {"enum": list(FIELD_RIGHTS)},
        },
        "system": {"type": "array", "items": {"enum": list(SYSTEM_RIGHTS)}, "uniqueItems": True},
    },
    "required": ["name", "label"],
    "additionalProperties": False,
}

SHARING_RULE_SCHEMA: Final[Mapping[str, Any]] = {
    "$schema": DIALECT,
    "$id": "https://fieldstone.dev/schemas/sharing_rule.json",
    "title": "Sharing rule",
    "type": "object",
    "properties": {
        "$schema": {"type": "string"},
        "name": _NAME,
        "label": _TEXT,
        "object": _NAME,
        "condition": _EXPRESSION,
        "to": {
            "type": "object",
            "properties": {
                "roles": {"type": "array", "items": _NAME, "uniqueItems": True},
                "teams": {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True},
                "users": {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True},
            },
            "additionalProperties": False,
            "minProperties": 1,
        },
        "access": {"enum": ["read", "update"]},
        "active": {"type": "boolean"},
    },
    "required": ["name", "object", "condition", "to", "access"],
    "additionalProperties": False,
}
