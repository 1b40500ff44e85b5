"""The way out of a record: generated functions from rows and values to what orjson writes.

- `make_reader`: a row of the record's columns -> Python values by field name.
- `make_writer`: Python values -> column values by column name.
- `make_dumper`: Python values and labels -> the JSON object of the API.
- `make_row_dumper`: a row as a list query selects it, labels and fields of related records included -> the same.

The result holds JSON values, and dates, times and moments, which orjson writes (`dumps`). Who calls it: the record
and query rooms, once per object, version and set of fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from fieldstone.objects.codec.function import literal, make_function
from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.fieldtypes.declaration import Labels
from fieldstone.objects.fieldtypes.source import Constants

Row: TypeAlias = Sequence[Any]
Reader: TypeAlias = Callable[[Row], dict[str, Any]]
Writer: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]
Dumper: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Labels]], dict[str, Any]]
RowDumper: TypeAlias = Callable[[Row], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Where a field stands in a selected row.

    `name` is the key in the answer, `columns` the positions of the field's columns, `label` that of the label of the
    record it points to. `nested` are fields of that record, answered beside `id` and `label`.
    """

    name: str
    field: Field
    columns: tuple[int, ...]
    label: int | None = None
    nested: tuple[Slot, ...] = ()


def dumps(value: Any) -> bytes:
    """JSON text; moments as RFC 3339 with `Z`."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


def make_reader(fields: Sequence[Field]) -> Reader:
    """Reads rows that hold the columns of `fields` one after another, in order."""
    constants = Constants()
    position = 0
    pairs = []
    for field in fields:
        columns = [f"r[{position + offset}]" for offset in range(len(field.column_names))]
        position += len(columns)
        value = field.type.column_source(columns, constants) if columns else _empty(field, constants)
        pairs.append(f"{literal(field.name)}: {value}")
    return make_function("read_row", "r", [f"return {{{', '.join(pairs)}}}"], constants)


def _empty(field: Field, constants: Constants) -> str:
    return "[]" if field.type.empty() == [] else constants(field.type.empty())


def make_writer(fields: Sequence[Field]) -> Writer:
    """Gives the columns of those of `fields` that are among the values."""
    constants = Constants()
    body = ["out = {}"]
    for field in fields:
        if not field.column_names:
            continue
        name = literal(field.name)
        body.append(f"if {name} in values:")
        if len(field.column_names) == 1 and _keeps_as_is(field):
            body.append(f"    out[{literal(field.column_names[0])}] = values[{name}]")
            continue
        targets = ", ".join(f"out[{literal(column)}]" for column in field.column_names)
        body.append(f"    {targets}, = {constants(field.type.to_columns)}(values[{name}])")
    return make_function("write_columns", "values", [*body, "return out"], constants)


def _keeps_as_is(field: Field) -> bool:
    probe = object()
    try:
        return field.type.to_columns(probe) == (probe,)
    except (TypeError, AttributeError, KeyError, LookupError):
        return False


def make_dumper(fields: Sequence[Field]) -> Dumper:
    """The JSON object of Python values; a field without a value is null (or an empty list)."""
    constants = Constants()
    lines = ["return {"]
    for field in fields:
        name = literal(field.name)
        if field.type.labelled:
            body = f"{constants(field.type.write_labelled)}(v, labels.get({name}))"
        else:
            body = field.type.dump_source("v", constants)
        absent = "None" if field.type.empty() is None else "[]"
        value = f"values.get({name})" if body == "v" else f"{absent} if (v := values.get({name})) is None else {body}"
        lines.append(f"    {name}: {value},")
    return make_function("dump_record", "values, labels", [*lines, "}"], constants)


def make_row_dumper(slots: Sequence[Slot]) -> RowDumper:
    """The JSON object of a selected row."""
    constants = Constants()
    temporary = (f"v{number}" for number in range(10_000))
    lines = [f"    {literal(slot.name)}: {_slot_source(slot, constants, temporary)}," for slot in slots]
    return make_function("dump_row", "r", ["return {", *lines, "}"], constants)


def _slot_source(slot: Slot, constants: Constants, temporary: Iterator[str]) -> str:
    kind = slot.field.type
    columns = [f"r[{position}]" for position in slot.columns]
    value = kind.column_source(columns, constants) if columns else _empty(slot.field, constants)
    name = next(temporary)
    if slot.label is not None:
        body = kind.dump_labelled_source(name, f"r[{slot.label}]", constants)
    elif kind.labelled:
        body = kind.dump_labelled_source(name, "None", constants)
    else:
        body = kind.dump_source(name, constants)
    if slot.nested:
        inner = ", ".join(f"{literal(n.name)}: {_slot_source(n, constants, temporary)}" for n in slot.nested)
        body = f"{{**{body}, {inner}}}"
    if body == name:
        return value
    absent = "None" if kind.empty() is None else "[]"
    return f"({absent} if ({name} := {value}) is None else {body})"
