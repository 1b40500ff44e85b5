"""The shape of a body: JSON Schema 2020-12 of its kind, with errors that a person can act on.

What comes in: a plain body within the limits and the kind's schema. What goes out: diagnostics with a JSON pointer,
a stable code and words. Patterns run on RE2, so no pattern can run for long. Kinds may `$ref`
`https://fieldstone.dev/schemas/common.json#/$defs/text` (labels) and `.../name` (API names). Called by preview and by
packages.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import jsonschema
import jsonschema.validators
import re2
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.metadata import Diagnostic, MetadataKind
from fieldstone.platform.kernel.text import LOCALES
from fieldstone.platform.metadata.canonical import content_hash
from fieldstone.platform.metadata.lru import BoundedMap
from fieldstone.platform.metadata.pointers import pointer, step

SCHEMA_BASE = "https://fieldstone.dev/schemas/"
NAME_PATTERN = "^[a-z][a-z0-9_]{0,39}$"
COMMON_SCHEMA = SCHEMA_BASE + "common.json"
COMMON: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": COMMON_SCHEMA,
    "$defs": {
        "name": {"type": "string", "pattern": NAME_PATTERN},
        "text": {
            "oneOf": [
                {"type": "string", "maxLength": 10_000},
                {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": False,
                    "properties": {locale: {"type": "string", "maxLength": 10_000} for locale in LOCALES},
                },
            ]
        },
    },
}
MAX_ERRORS = 50
REMEMBERED = 20_000


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, str) and re2.search(pattern, instance) is None:
        yield jsonschema.ValidationError("pattern")


def _required(validator: Any, names: list[str], instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    """One error per missing property; its message is the property's name, so that nobody has to parse words."""
    if isinstance(instance, Mapping):
        yield from (jsonschema.ValidationError(name) for name in names if name not in instance)


_extend: Any = jsonschema.validators.extend
_Validator = _extend(jsonschema.Draft202012Validator, {"pattern": _pattern, "required": _required})
_REGISTRY: Registry[Any] = Registry().with_resource(
    COMMON_SCHEMA, Resource.from_contents(dict(COMMON), default_specification=DRAFT202012)
)


class BodySchemas:
    """The validators of all kinds, made on first use; bodies that fit are remembered by their hash."""

    def __init__(self) -> None:
        self._validators: dict[str, Any] = {}
        self._fitting = BoundedMap(REMEMBERED)

    def check(self, kind: MetadataKind, body: Mapping[str, Any], path: str) -> list[Diagnostic]:
        """What the kind's schema says against a plain `body`, at most 50 findings, each under `path`."""
        address = (kind.name, content_hash(body))
        if address in self._fitting:
            return []
        errors = itertools.islice(_told(self._validator(kind).iter_errors(body)), MAX_ERRORS)
        found = [diagnostic for error in errors for diagnostic in _diagnostics(error, path)]
        if not found:
            self._fitting.put(address, True, 1)
        return found

    def _validator(self, kind: MetadataKind) -> Any:
        validator = self._validators.get(kind.name)
        if validator is None:
            validator = self._validators[kind.name] = _Validator(dict(kind.schema), registry=_REGISTRY)
        return validator


def _told(errors: Iterable[jsonschema.ValidationError]) -> Iterator[jsonschema.ValidationError]:
    """The errors to tell: of alternatives, those of the branch that was most likely meant."""
    for error in errors:
        if error.validator in {"anyOf", "oneOf"} and error.context:
            yield from _told(_of_alternatives(error.context))
        else:
            yield error


def _of_alternatives(context: Iterable[jsonschema.ValidationError]) -> list[jsonschema.ValidationError]:
    """The errors of the branch that fits best; when none has the right type or mark, one error with all choices."""
    branches: dict[Any, list[jsonschema.ValidationError]] = {}
    for error in context:
        branches.setdefault(error.relative_schema_path[0], []).append(error)
    best = min(branches.values(), key=_misfit)
    marks = [error for error in best if _is_type_error(error) or _is_mark_error(error)]
    if not marks:
        return best
    same = [e for branch in branches.values() for e in branch if e.relative_path == marks[0].relative_path]
    validators = {"type"} if marks[0].validator == "type" else {"const", "enum"}
    wanted = [item for e in same if e.validator in validators for item in _listed(e)]
    merged = "type" if marks[0].validator == "type" else "enum"
    return [_merged(marks[0], merged, list(dict.fromkeys(wanted)))]


def _is_type_error(error: jsonschema.ValidationError) -> bool:
    return error.validator == "type" and not error.relative_path


def _is_mark_error(error: jsonschema.ValidationError) -> bool:
    return error.validator in {"const", "enum"} and len(error.relative_path) <= 1


def _misfit(branch: list[jsonschema.ValidationError]) -> tuple[int, int, int]:
    return sum(map(_is_type_error, branch)), sum(map(_is_mark_error, branch)), len(branch)


def _listed(error: jsonschema.ValidationError) -> list[Any]:
    value: Any = error.validator_value
    return value if isinstance(value, list) and error.validator != "const" else [value]


def _merged(error: jsonschema.ValidationError, validator: str, wanted: list[Any]) -> jsonschema.ValidationError:
    return jsonschema.ValidationError(
        error.message, validator=validator, validator_value=wanted, instance=error.instance, path=error.absolute_path
    )


def _diagnostics(error: jsonschema.ValidationError, base: str) -> Iterator[Diagnostic]:
    path = base + pointer(error.absolute_path)
    value: Any = error.validator_value
    given: Any = error.instance
    match error.validator:
        case "required":
            yield _error(step(path, error.message), "required", mark("This is required."))
        case "additionalProperties" | "unevaluatedProperties" | "propertyNames":
            yield from _unknown(error, path)
        case "type":
            wanted = value if isinstance(value, str) else ", ".join(value)
            yield _error(path, "type", mark("This is {given}; it must be {wanted}."), given=_type(given), wanted=wanted)
        case "enum":
            yield _choice(path, given, [choice for choice in value if choice is not None])
        case "const":
            yield _choice(path, given, [value])
        case "pattern":
            message = mark("This must match {pattern}.")
            if value == NAME_PATTERN:
                message = mark("A name begins with a small letter, then small letters, digits and _ ; at most 40.")
            yield _error(path, "pattern", message, pattern=value)
        case "anyOf" | "oneOf":
            yield _error(path, "form", mark("This fits more than one of the allowed forms."))
        case "uniqueItems":
            yield _error(path, "unique_items", mark("The same value is listed twice."))
        case _ if error.validator in _BOUNDS:
            code, message = _BOUNDS[str(error.validator)]
            yield _error(path, code, message, bound=value)
        case _:
            yield _error(path, "schema", mark("This is not valid here ({rule})."), rule=str(error.validator))


_BOUNDS: Mapping[str, tuple[str, str]] = {
    "minLength": ("too_short", mark("At least {bound} characters are needed.")),
    "maxLength": ("too_long", mark("At most {bound} characters are allowed.")),
    "minimum": ("too_small", mark("This must be at least {bound}.")),
    "maximum": ("too_large", mark("This must be at most {bound}.")),
    "exclusiveMinimum": ("too_small", mark("This must be more than {bound}.")),
    "exclusiveMaximum": ("too_large", mark("This must be less than {bound}.")),
    "minItems": ("too_few", mark("At least {bound} are needed.")),
    "maxItems": ("too_many", mark("At most {bound} are allowed.")),
    "minProperties": ("too_few", mark("At least {bound} are needed.")),
    "maxProperties": ("too_many", mark("At most {bound} are allowed.")),
    "multipleOf": ("multiple", mark("This must be a multiple of {bound}.")),
}


def _unknown(error: jsonschema.ValidationError, path: str) -> Iterator[Diagnostic]:
    schema: Any = error.schema
    known = list(schema.get("properties", {})) if isinstance(schema, Mapping) else []
    if not isinstance(error.instance, Mapping):
        yield _error(path, "unknown_property", mark("This name is not allowed here."))
        return
    for name in [key for key in error.instance if key not in known and repr(key) in error.message]:
        near = difflib.get_close_matches(name, known, n=1)
        if near:
            message = mark("There is no property {name} here. Did you mean {near}?")
            yield _error(step(path, name), "unknown_property", message, name=name, near=near[0])
        else:
            yield _error(step(path, name), "unknown_property", mark("There is no property {name} here."), name=name)


def _choice(path: str, given: Any, choices: list[Any]) -> Diagnostic:
    near = difflib.get_close_matches(str(given), [str(choice) for choice in choices], n=1)
    shown = ", ".join(str(choice) for choice in choices[:40])
    if near:
        message = mark("{given} is not allowed here. Did you mean {near}?")
        return _error(path, "enum", message, given=_short(given), near=near[0], choices=shown)
    return _error(
        path, "enum", mark("{given} is not allowed here. Allowed: {choices}."), given=_short(given), choices=shown
    )


def _error(path: str, code: str, message: str, **facts: Any) -> Diagnostic:
    return Diagnostic(path=path, severity="error", code=code, message=message, facts=facts)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for type_, name in ((Mapping, "object"), (list, "array"), (str, "string"), (int, "integer"), (float, "number")):
        if isinstance(value, type_):
            return name
    return type(value).__name__
