"""The fast way into a record: a generated straight-line loader for input that is surely valid.

What comes in: the fields of an object. What goes out: a function that turns a body (a plain dict) into Python values,
or raises (`Doubt`, `Rejected`, ValueError ...) for anything it is not sure of; the marshmallow schema then decides and
words the errors. Property tests hold both equal. Who calls it: `objects.types`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from fieldstone.objects.codec.function import literal, make_function
from fieldstone.objects.fieldtypes.base import Field, FieldType
from fieldstone.objects.fieldtypes.source import Constants

Loader: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


def make_loader(fields: Sequence[Field]) -> Loader:
    """A loader of the writable ones of `fields`. Whether required fields are there is its caller's to check."""
    constants = Constants()
    body = ["if type(data) is not dict:", "    raise Doubt", "out = {}", "seen = 0"]
    for field in fields:
        if field.writable:
            body.extend(_field_lines(field, constants))
    body += ["if seen != len(data):", "    raise Doubt", "return out"]
    return make_function("load_record", "data", body, constants)


def _field_lines(field: Field, constants: Constants) -> Iterator[str]:
    name = literal(field.name)
    yield f"if {name} in data:"
    yield f"    v = data[{name}]"
    yield "    if v is None:"
    yield "        raise Doubt" if field.required else f"        out[{name}] = {_empty(field, constants)}"
    yield "    else:"
    for line in field.type.load_source("v", constants):
        yield f"        {line}"
    for line in _emptiness(field, constants):
        yield f"        {line}"
    yield f"        out[{name}] = v"
    yield "    seen += 1"


def _emptiness(field: Field, constants: Constants) -> Iterator[str]:
    """A value may turn out to be none: an empty text, an empty list."""
    if type(field.type).load_source is not FieldType.load_source:
        return
    if field.required:
        yield "if v is None or v == []:"
        yield "    raise Doubt"
    elif field.type.empty() is not None:
        yield "if v is None:"
        yield f"    v = {_empty(field, constants)}"


def _empty(field: Field, constants: Constants) -> str:
    return "[]" if field.type.empty() == [] else constants(field.type.empty())
