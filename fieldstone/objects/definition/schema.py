"""JSON Schema (2020-12) of the definition of an object.

What comes in: the registry of field types. What goes out: the schema, in which every type contributes its options, so
that a field is checked against its own type. A field of a type that is not registered passes (its plugin may be
missing); the checks tell. Who calls it: the kind, and `scripts/write_schemas.py`, which ships it as a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fieldstone.objects.fieldtypes.base import FieldType
from fieldstone.objects.fieldtypes.builtin import FieldTypes
from fieldstone.platform.kernel.text import LOCALES

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_ID: Final = "https://fieldstone.dev/schemas/object.json"
MAX_FIELDS: Final = 500
MAX_UNIQUE: Final = 20
MAX_INDEXES: Final = 20

NAME: Final[Mapping[str, Any]] = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}
TEXT: Final[Mapping[str, Any]] = {
    "oneOf": [
        {"type": "string", "maxLength": 1000},
        {
            "type": "object",
            "properties": {locale: {"type": "string", "maxLength": 1000} for locale in LOCALES},
            "additionalProperties": False,
            "minProperties": 1,
        },
    ]
}
EXPRESSION: Final[Mapping[str, Any]] = {"type": "string", "minLength": 1, "maxLength": 4000}
COMMON_OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "required": {"title": "Required", "type": "boolean"},
    "unique": {"title": "Unique", "description": "No two records may have the same value.", "type": "boolean"},
    "default": {"title": "Default", "description": 'A value, or {"expression": ...} worked out at creation.'},
    "help": {"title": "Help", "$ref": "#/$defs/text"},
    "placeholder": {"title": "Placeholder", "$ref": "#/$defs/text"},
    "pattern": {
        "title": "Pattern",
        "description": "A regular expression (RE2) that the whole text must fit.",
        "type": "string",
        "minLength": 1,
        "maxLength": 1000,
    },
    "pattern_message": {"title": "Message", "description": "Shown when it does not fit.", "$ref": "#/$defs/text"},
    "min": {"title": "Least", "type": ["number", "string"]},
    "max": {"title": "Greatest", "type": ["number", "string"]},
    "read_only": {"title": "Read-only", "description": "Set by rules only.", "type": "boolean"},
    "sensitive": {"title": "Sensitive", "description": "Masked, and never logged.", "type": "boolean"},
    "searchable": {"title": "Searchable", "description": "Found by full-text search.", "type": "boolean"},
    "tracked": {"title": "Tracked", "description": "Changes are kept in the history.", "type": "boolean"},
}
"""Options that types share; each type names those it understands."""
_USUAL: Final = (
    "text",
    "select",
    "lookup",
    "datetime",
    "decimal",
    "currency",
    "integer",
    "boolean",
    "date",
    "long_text",
)


_NAME: Final = {"$ref": "#/$defs/name"}
_TEXT: Final = {"$ref": "#/$defs/text"}
_PROPERTIES: Final[Mapping[str, Any]] = {
    "$schema": {"type": "string"},
    "name": {"description": "The API name; it is also the name in expressions.", **_NAME},
    "renamed_from": {"description": "The name it had in the version before.", **_NAME},
    "label": {"description": "One record of it, in words.", **_TEXT},
    "plural": {"description": "Several records of it.", **_TEXT},
    "description": {"description": "What it is for.", **_TEXT},
    "icon": {"description": "A Tabler icon.", "type": "string", "pattern": "^[a-z0-9-]{1,60}$"},
    "title": {
        "description": "An expression that names a record in lookups, lists and messages.",
        "$ref": "#/$defs/expression",
    },
    "sharing": {
        "description": "Whose records a role with the right to its object reaches.",
        "enum": ["private", "team", "all"],
        "default": "private",
    },
    "owner_field": {"description": "A field with a person who then is the owner of the record.", **_NAME},
    "require_if_match": {
        "description": "Whether changes must name the revision they were made on.",
        "type": "boolean",
        "default": False,
    },
    "searchable": {
        "description": "Whether the search over all objects looks into it.",
        "type": "boolean",
        "default": True,
    },
    "record_types": {
        "description": "Kinds of records, which may have layouts of their own.",
        "type": "array",
        "maxItems": 100,
        "items": {
            "type": "object",
            "properties": {"name": _NAME, "label": _TEXT, "renamed_from": _NAME},
            "required": ["name"],
            "additionalProperties": False,
        },
    },
    "unique": {
        "description": "Groups of fields whose values together occur once; an empty value never collides.",
        "type": "array",
        "maxItems": MAX_UNIQUE,
        "items": {"type": "array", "items": _NAME, "minItems": 1, "maxItems": 8, "uniqueItems": True},
    },
    "indexes": {
        "description": "Indexes for lists, as they sort: `-` is downwards.",
        "type": "array",
        "maxItems": MAX_INDEXES,
        "items": {
            "type": "array",
            "items": {"type": "string", "pattern": "^-?[a-z][a-z0-9_]{0,39}$"},
            "minItems": 1,
            "maxItems": 8,
            "uniqueItems": True,
        },
    },
    "fields": {
        "description": "Its fields, in order.",
        "type": "array",
        "maxItems": MAX_FIELDS,
        "items": {"$ref": "#/$defs/field"},
    },
}


def field_schema(kind: type[FieldType]) -> dict[str, Any]:
    """The schema of a field of that type."""
    properties: dict[str, Any] = {
        "name": True,
        "type": {"const": kind.name},
        "label": {"title": "Label", "$ref": "#/$defs/text"},
        "renamed_from": {"$ref": "#/$defs/name"},
    }
    properties |= {name: dict(schema) for name, schema in COMMON_OPTIONS.items() if name in kind.common}
    properties |= kind.options_schema()["properties"]
    required = ["name", "type", *kind.needed_options]
    return {
        "title": kind.label["en"],
        "description": (kind.__doc__ or "").split("\n\n")[0].strip(),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def object_schema(types: FieldTypes) -> dict[str, Any]:
    """The schema of an object."""
    definitions: dict[str, Any] = {"name": dict(NAME), "text": dict(TEXT), "expression": dict(EXPRESSION)}
    definitions |= {f"field_{kind.name}": field_schema(kind) for kind in types}
    definitions["field"] = {
        "type": "object",
        "properties": {"name": {"$ref": "#/$defs/name"}, "type": {"type": "string"}},
        "required": ["name", "type"],
        **_by_type(sorted(types.names(), key=lambda name: _USUAL.index(name) if name in _USUAL else len(_USUAL))),
    }
    return {
        "$schema": DIALECT,
        "$id": SCHEMA_ID,
        "title": "Object",
        "type": "object",
        "properties": dict(_PROPERTIES),
        "required": ["name", "label", "fields"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _by_type(names: Sequence[str]) -> dict[str, Any]:
    """One question after the other, the usual types first, because validators ask them one by one for each field."""
    chain: dict[str, Any] = {}
    for name in reversed(names):
        condition = {"properties": {"type": {"const": name}}, "required": ["type"]}
        chain = {"if": condition, "then": {"$ref": f"#/$defs/field_{name}"}} | ({"else": chain} if chain else {})
    return chain


STORAGE: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "table": {"type": "string"},
        "columns": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["table", "columns"],
    "additionalProperties": False,
}


def shipped_schema(types: FieldTypes) -> dict[str, Any]:
    """The schema of the objects that come with Fieldstone: they may also say where they live and who manages them."""
    schema = object_schema(types)
    schema["$id"] = "https://fieldstone.dev/schemas/shipped_object.json"
    schema["properties"] |= {
        "system": {"type": "boolean"},
        "managed_by": {"type": "string"},
        "storage": dict(STORAGE),
    }
    return schema
