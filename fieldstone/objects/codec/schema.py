"""The marshmallow schema of an object: the definition of what is valid, and the source of every error message.

What comes in: the fields of an object. What goes out: a schema instance, made once per object and version, and
`field_errors`, which turns its errors into `FieldError` values with JSON pointers. Who calls it: `objects.types`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from marshmallow import Schema
from marshmallow.exceptions import SCHEMA
from marshmallow.fields import Field as MarshmallowField

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.fieldtypes.problems import Problem
from fieldstone.objects.fieldtypes.typed import NotWritable
from fieldstone.platform.kernel.errors import FieldError

_UNKNOWN = Problem(code=problems.UNKNOWN_FIELD.code, message=problems.UNKNOWN_FIELD.message)
_NOT_AN_OBJECT = Problem(code=problems.NOT_A_BODY.code, message=problems.NOT_A_BODY.message)


class RecordSchema(Schema):
    """The base of all record schemas: its own messages are problems too."""

    error_messages: dict[str, Any] = {"unknown": _UNKNOWN, "type": _NOT_AN_OBJECT}


def make_schema(fields: Iterable[Field]) -> Schema:
    """A schema that reads bodies of create and (with `partial`) update; fields that may not be written are refused."""
    members: dict[str, MarshmallowField[Any]] = {
        field.name: field.type.marshmallow_field() if field.writable else NotWritable() for field in fields
    }
    for field in fields:
        if field.writable:
            members[field.name].required = field.required and not has_default(field)
    schema: Schema = RecordSchema.from_dict(members)()
    return schema


def has_default(field: Field) -> bool:
    """Whether a new record gets a value for the field when none is sent."""
    return field.default is not None or field.default_expression is not None or field.type.initial() is not None


def field_errors(messages: Mapping[str, Any]) -> tuple[FieldError, ...]:
    """All errors of a failed load, by JSON pointer."""
    return tuple(_errors(messages, ""))


def _errors(found: Any, path: str) -> Iterator[FieldError]:
    if isinstance(found, Problem):
        yield found.at(path)
    elif isinstance(found, Mapping):
        for name, inner in found.items():
            yield from _errors(inner, path if name == SCHEMA else f"{path}/{_step(name)}")
    elif isinstance(found, list):
        for inner in found:
            yield from _errors(inner, path)
    else:
        yield FieldError(path=path, code="invalid", message=str(found))


def _step(name: object) -> str:
    return str(name)[:100].replace("~", "~0").replace("/", "~1")
