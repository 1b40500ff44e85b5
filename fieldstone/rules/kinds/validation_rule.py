"""The kind `validation_rule`: what makes a record unacceptable, and what to tell whoever tried.

What comes in: definitions from `rules/*.json`. What goes out: `ValidationRule` artefacts. Who calls it:
`platform.metadata`, through the `MetadataKind`.
"""

from __future__ import annotations

from fieldstone.platform.kernel.metadata import MetadataKind
from fieldstone.rules.engine.inputs import inputs_of
from fieldstone.rules.engine.validation import ValidationRule
from fieldstone.rules.expressions.types import BOOL
from fieldstone.rules.kinds.compiling import Compiling, compile_with, references_with
from fieldstone.rules.kinds.shapes import EXPRESSION, FIELD_NAMES, NAME, TEXT, document

SCHEMA = document(
    "validation_rule",
    "Validation rule",
    {
        "object": NAME,
        "condition": {**EXPRESSION, "description": "True when the record is not acceptable"},
        "message": {**TEXT, "description": "What is wrong; {field} shows a value"},
        "fields": {**FIELD_NAMES, "description": "The fields that the message stands beside"},
        "active": {"type": "boolean", "default": True},
        "on": {
            "type": "array",
            "items": {"enum": ["create", "update", "delete"]},
            "uniqueItems": True,
            "minItems": 1,
            "default": ["create", "update"],
        },
    },
    ("object", "condition", "message"),
)


def build(scope: Compiling) -> ValidationRule:
    """Compile one definition. Raises `MetadataError`."""
    body = scope.body
    condition = scope.expression(body["condition"], "/condition", BOOL)
    message = scope.message(body["message"], "/message")
    triggers = inputs_of([condition], scope.object.all_fields)
    return ValidationRule(
        name=body["name"],
        object=scope.object.name,
        label=body.get("label", body["name"]),
        condition=condition,
        message=message,
        fields=scope.field_names(body.get("fields", ()), "/fields"),
        on=frozenset(body.get("on", ("create", "update"))),
        inputs=triggers | scope.read_inputs(message.paths),
        triggers=triggers,
        active=body.get("active", True),
    )


KIND = MetadataKind(
    name="validation_rule",
    folder="rules",
    label={"en": "Validation rule", "zh-Hans": "校验规则", "zh-Hant": "驗證規則"},
    schema=SCHEMA,
    compile=compile_with(build),
    references=references_with(build),
    order=40,
)
