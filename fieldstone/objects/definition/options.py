"""Options of a field against the schema of its type.

The schema of the kind knows the types that come with Fieldstone; this also covers types of plugins. What comes in: the
type and a field's body. What goes out: path, code, message and facts of each thing that is wrong. Who calls it: the
checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema
from jsonschema import Draft202012Validator

from fieldstone.objects.definition.schema import EXPRESSION, NAME, TEXT, field_schema
from fieldstone.objects.fieldtypes.base import FieldType
from fieldstone.platform.i18n import mark

Found = tuple[str, str, str, dict[str, Any]]


@lru_cache(maxsize=256)
def _validator(kind: type[FieldType]) -> Any:
    definitions = {"name": dict(NAME), "text": dict(TEXT), "expression": dict(EXPRESSION)}
    return Draft202012Validator({**field_schema(kind), "$defs": definitions})


def option_errors(kind: type[FieldType], body: Mapping[str, Any]) -> Iterator[Found]:
    """What is wrong with the options of a field of that type."""
    for error in _validator(kind).iter_errors(_plain(body)):
        path = "".join(f"/{step}" for step in error.absolute_path)
        yield from _told(error, path)


def _told(error: jsonschema.ValidationError, path: str) -> Iterator[Found]:
    value: Any = error.validator_value
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known: Any = error.schema["properties"] if isinstance(error.schema, Mapping) else {}
        for name in error.instance:
            if name not in known:
                yield (
                    f"{path}/{name}",
                    "unknown_option",
                    mark("Fields of this type have no option {name}."),
                    {"name": name},
                )
    elif error.validator == "required":
        for name in value:
            if isinstance(error.instance, Mapping) and name not in error.instance:
                yield f"{path}/{name}", "required", mark("This is required."), {}
    else:
        yield path, "option", mark("This option is not valid: {reason}"), {"reason": error.message[:200]}


def _plain(value: Any) -> Any:
    """Mappings and sequences as dicts and lists, which the validator knows."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
