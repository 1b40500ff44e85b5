"""Rows of a table as values of records.

What comes in: an object, a map, the columns of the file. What goes out: for each row a `Reading`: values by field, keys
of lookups that are still to be found, and every fault. Pure but for field types. Who calls it: imports.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.fieldtypes.problems import Problem, Rejected
from fieldstone.objects.transfer.guard import unguarded
from fieldstone.objects.transfer.mapping import ColumnRule, ComputeRule, ImportMap
from fieldstone.objects.transfer.reading import SourceRow
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.errors import FieldError, Invalid
from fieldstone.platform.kernel.ids import is_id

_ABSENT: Final = object()


@dataclass(slots=True, kw_only=True)
class Reading:
    """One row as values. `wanted` maps lookup fields to the text by which the record is to be found."""

    row: SourceRow
    values: dict[str, Any] = field(default_factory=dict)
    wanted: dict[str, str] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)


class Interpreter:
    """Reads rows of one file for one object. Raises `Invalid` when map, columns and object do not fit together."""

    def __init__(self, kind: ObjectType, given: ImportMap, columns: Sequence[str]) -> None:
        self.kind = kind
        self.map = given
        self._at = {name: index for index, name in enumerate(columns) if name}
        self.rules = given.columns or {name: ColumnRule(field=name) for name in columns if name in kind.own_fields}
        self._width = len(columns)
        self._check(columns)

    def _check(self, columns: Sequence[str]) -> None:
        needed = [*self.rules, *(name for rule in self.map.compute.values() for name in rule.columns)]
        needed += [self.map.latest_by] if self.map.latest_by else []
        errors = [
            _fault("no_column", "The file has no column {column}.", column=name)
            for name in dict.fromkeys(needed)
            if name not in self._at
        ]
        errors += [
            _fault("column_twice", "The file has the column {column} twice.", column=name)
            for name in dict.fromkeys(needed)
            if list(columns).count(name) > 1
        ]
        filled = [rule.field for rule in self.rules.values()] + [*self.map.compute, *self.map.constants]
        errors += [each for name in filled for each in self._field_faults(name)]
        if self.map.key is not None:
            errors += self._key_faults(self.map.key)
        if not filled:
            errors.append(_fault("nothing", "No column of the file is a field of {object}.", object=self.kind.name))
        if errors:
            raise Invalid("The file and its map do not fit.", code="map_does_not_fit", errors=errors)

    def _field_faults(self, name: str) -> list[FieldError]:
        found = self.kind.own_fields.get(name)
        if found is None:
            return [_fault("no_field", "{object} has no field {field}.", object=self.kind.name, field=name)]
        if not found.writable or found.type.nested:
            return [_fault("not_writable", "{field} cannot be written.", field=name)]
        return []

    def _key_faults(self, name: str) -> list[FieldError]:
        found = self.kind.own_fields.get(name)
        if found is None or len(found.column_names) != 1 or found.type.targets:
            return [_fault("no_key", "{field} cannot be the key.", field=name)]
        if name not in {rule.field for rule in self.rules.values()}:
            return [_fault("no_column", "No column becomes the key field.")]
        return []

    def cell(self, row: SourceRow, column: str) -> str:
        """The text in a column of a row."""
        index = self._at[column]
        return unguarded(row.cells[index]) if index < len(row.cells) else ""

    @property
    def key_column(self) -> str | None:
        """The column that the key is read from."""
        return next((column for column, rule in self.rules.items() if rule.field == self.map.key), None)

    def read(self, row: SourceRow) -> Reading:
        """One row; its faults are collected."""
        reading = Reading(row=row)
        if any(cell.strip() for cell in row.cells[self._width :]):
            reading.errors.append(FieldError(path="", code="too_wide", message="This row has more cells than columns."))
        reading.values.update(self.map.constants)
        for column, rule in self.rules.items():
            self._take(reading, self.kind.own_fields[rule.field], rule, self.cell(row, column))
        for name, compute in self.map.compute.items():
            self._compute(reading, self.kind.own_fields[name], compute)
        if self.map.key is not None and reading.values.get(self.map.key) is None and not reading.errors:
            reading.errors.append(_at(self.map.key, problems.REQUIRED))
        return reading

    def _take(self, reading: Reading, target: Field, rule: ColumnRule, cell: str) -> None:
        text = self._translated(rule, cell)
        if text is None:
            reading.errors.append(_at(target.name, problems.NOT_AN_OPTION, value=cell[:60]))
            return
        bare = text.strip()
        is_found = len(target.type.targets) == 1 and target.stored
        if is_found and bare not in self.map.texts.empty and not is_id(bare):
            reading.wanted[target.name] = bare
            return
        self._read_into(reading, target, text)

    def _translated(self, rule: ColumnRule, cell: str) -> str | None:
        """The text that the field reads; None for one that is not among the values."""
        bare = cell.strip()
        is_empty = bare in self.map.texts.empty
        if rule.values is not None and not is_empty:
            return rule.values.get(bare, rule.default)
        return rule.default if is_empty and rule.default is not None else cell

    def _read_into(self, reading: Reading, target: Field, text: str) -> None:
        try:
            value = target.type.from_text(text, self.map.texts)
        except Rejected as rejected:
            reading.errors.append(rejected.problem.at(target.path))
            return
        reading.values[target.name] = value

    def _compute(self, reading: Reading, target: Field, rule: ComputeRule) -> None:
        empty = self.map.texts.empty
        parts = [self.cell(reading.row, name).strip() for name in rule.columns]
        value = _WAYS[rule.way](["" if part in empty else part for part in parts], rule)
        if value is _ABSENT:
            reading.values[target.name] = target.type.empty()
        else:
            self._read_into(reading, target, str(value))


def creating(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new record: what is empty is left to defaults."""
    return {name: value for name, value in values.items() if value not in (None, [])}


def _geolocation(parts: Sequence[str], rule: ComputeRule) -> Any:
    filled = [part for part in parts if part]
    return ", ".join(filled) if filled else _ABSENT


def _join(parts: Sequence[str], rule: ComputeRule) -> Any:
    filled = [part for part in parts if part]
    return rule.separator.join(filled) if filled else _ABSENT


def _first(parts: Sequence[str], rule: ComputeRule) -> Any:
    return next((part for part in parts if part), _ABSENT)


_WAYS: Final[Mapping[str, Callable[[Sequence[str], ComputeRule], Any]]] = {
    "geolocation": _geolocation,
    "join": _join,
    "first": _first,
}


def _fault(code: str, message: str, **facts: Any) -> FieldError:
    return FieldError(path="/mapping", code=code, message=message, facts=facts)


def _at(name: str, kind: problems.ProblemKind, **facts: Any) -> FieldError:
    return Problem(code=kind.code, message=kind.message, facts=facts).at(f"/{name}")
