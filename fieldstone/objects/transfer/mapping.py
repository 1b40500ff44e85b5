"""The map of an import: which column becomes which field, and how the file is written.

What comes in: decoded JSON (a file of a package, the body of a request) or nothing, then columns are fields of the same
name. What goes out: `ImportMap`. What is wrong with it is raised at once, each fault at its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import jsonschema

from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat
from fieldstone.objects.transfer.reading import SourceFormat
from fieldstone.platform.kernel.errors import FieldError, Invalid

_NAME: Final = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}
_TEXT: Final = {"type": "string", "maxLength": 400}
_TEXTS: Final = {"type": "array", "items": _TEXT, "maxItems": 50}
_NAMED: Final = {"type": "object", "maxProperties": 500}
SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["object"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string"},
        "name": _NAME,
        "label": {},
        "description": {},
        "object": _NAME,
        "key": _NAME,
        "latest_by": _TEXT,
        "format": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "encoding": _TEXT,
                "delimiter": {"type": "string", "minLength": 1, "maxLength": 1},
                "sheet": _TEXT,
                "dates": _TEXTS,
                "empty": _TEXTS,
                "yes": _TEXTS,
                "no": _TEXTS,
                "time_zone": _TEXT,
                "decimal_mark": {"type": "string", "minLength": 1, "maxLength": 1},
                "group_mark": {"type": "string", "minLength": 1, "maxLength": 1},
                "separator": {"type": "string", "minLength": 1, "maxLength": 3},
            },
        },
        "columns": {
            **_NAMED,
            "additionalProperties": {
                "anyOf": [
                    _NAME,
                    {
                        "type": "object",
                        "required": ["field"],
                        "additionalProperties": False,
                        "properties": {
                            "field": _NAME,
                            "values": {"type": "object", "additionalProperties": _TEXT},
                            "default": _TEXT,
                            "match": _NAME,
                        },
                    },
                ]
            },
        },
        "compute": {
            **_NAMED,
            "propertyNames": _NAME,
            "additionalProperties": {
                "type": "object",
                "required": ["columns", "as"],
                "additionalProperties": False,
                "properties": {
                    "columns": {**_TEXTS, "minItems": 1},
                    "as": {"enum": ["geolocation", "join", "first"]},
                    "separator": _TEXT,
                },
            },
        },
        "constants": {
            **_NAMED,
            "propertyNames": _NAME,
            "additionalProperties": {
                "anyOf": [{"type": ["string", "integer", "boolean", "null"]}, {"type": "array", "items": _TEXT}]
            },
        },
    },
}
_CHECK = jsonschema.Draft202012Validator(dict(SCHEMA))


_UTF_8: Final = SourceFormat()


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRule:
    """What becomes of one column.

    `values` translates texts; one that is not listed becomes `default` when there is one, else it is an error. Without
    `values`, `default` stands for an empty cell. `match`: the field of the target by which a lookup is found.
    """

    field: str
    values: Mapping[str, str] | None = None
    default: str | None = None
    match: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeRule:
    """A field made of several columns: `way` is "geolocation" (latitude, longitude), "join" or "first" (filled one)."""

    columns: tuple[str, ...]
    way: str
    separator: str = " "


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportMap:
    """See the file. `key` is the field that tells which record a row is about: known ones are updated.

    `latest_by`: of rows with the same key only the one with the greatest value in this column counts.
    """

    object: str
    source: SourceFormat = _UTF_8
    texts: TextFormat = PLAIN
    key: str | None = None
    latest_by: str | None = None
    columns: Mapping[str, ColumnRule] = field(default_factory=lambda: MappingProxyType({}))
    compute: Mapping[str, ComputeRule] = field(default_factory=lambda: MappingProxyType({}))
    constants: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def key_column(self) -> str | None:
        """The column that the key is read from; None without one."""
        return next((column for column, rule in self.columns.items() if rule.field == self.key), None)


def read_map(body: Any) -> ImportMap:
    """The map that JSON describes. Raises `Invalid` with every fault at its place under `/mapping`."""
    errors = [_fault(each) for each in _CHECK.iter_errors(body)]
    if errors:
        raise Invalid("This import map is not valid.", errors=errors)
    found = ImportMap(
        object=body["object"],
        source=_source(body.get("format", {})),
        texts=_texts(body.get("format", {})),
        key=body.get("key"),
        latest_by=body.get("latest_by"),
        columns={column: _column(rule) for column, rule in body.get("columns", {}).items()},
        compute={name: _computed(rule) for name, rule in body.get("compute", {}).items()},
        constants=body.get("constants", {}),
    )
    _check_consistent(found)
    return found


def _check_consistent(found: ImportMap) -> None:
    filled = [rule.field for rule in found.columns.values()] + [*found.compute, *found.constants]
    twice = sorted({name for name in filled if filled.count(name) > 1})
    errors = [
        FieldError(path="/mapping", code="twice", message="{field} is filled twice.", facts={"field": name})
        for name in twice
    ]
    if found.latest_by is not None and found.key is None:
        errors.append(FieldError(path="/mapping/latest_by", code="no_key", message="This needs a key."))
    if found.key is not None and found.columns and found.key_column is None:
        errors.append(FieldError(path="/mapping/key", code="no_column", message="No column becomes the key field."))
    if errors:
        raise Invalid("This import map is not valid.", errors=errors)


def _fault(error: Any) -> FieldError:
    path = "/mapping" + "".join(f"/{part}" for part in error.absolute_path)
    return FieldError(
        path=path[:300],
        code="schema",
        message="This is not understood: {reason}",
        facts={"reason": error.message[:200]},
    )


def _column(rule: Any) -> ColumnRule:
    if isinstance(rule, str):
        return ColumnRule(field=rule)
    return ColumnRule(
        field=rule["field"], values=rule.get("values"), default=rule.get("default"), match=rule.get("match")
    )


def _computed(rule: Mapping[str, Any]) -> ComputeRule:
    return ComputeRule(columns=tuple(rule["columns"]), way=rule["as"], separator=rule.get("separator", " "))


def _source(written: Mapping[str, Any]) -> SourceFormat:
    return SourceFormat(
        encoding=written.get("encoding"), delimiter=written.get("delimiter"), sheet=written.get("sheet")
    )


def _texts(written: Mapping[str, Any]) -> TextFormat:
    plain, dates = TextFormat(), tuple(written.get("dates", ()))
    return TextFormat(
        dates=tuple(each for each in dates if "%H" not in each and "%I" not in each),
        datetimes=tuple(each for each in dates if "%d" in each or "%j" in each),
        times=tuple(each for each in dates if "%d" not in each and "%j" not in each),
        time_zone=written.get("time_zone", plain.time_zone),
        decimal_mark=written.get("decimal_mark", plain.decimal_mark),
        group_mark=written.get("group_mark", plain.group_mark),
        yes=_words(written.get("yes"), plain.yes),
        no=_words(written.get("no"), plain.no),
        empty=frozenset({"", *written.get("empty", ())}),
        separator=written.get("separator", plain.separator),
    )


def _words(given: Sequence[str] | None, usual: frozenset[str]) -> frozenset[str]:
    return usual if given is None else frozenset(each.casefold() for each in given)
