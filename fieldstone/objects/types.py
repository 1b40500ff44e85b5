"""What a compiled object is: the value that every room asks.

What comes in: fields, a table, a title expression and marshmallow schemas, put together by `objects.definition` once
per object and version. What goes out: `ObjectType`, immutable. Who calls it: records, query, access, transfer, api,
pages and plugins; `snapshot.get("object", name)` gives it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import sqlalchemy as sa
from marshmallow import Schema, ValidationError

from fieldstone.objects.codec.dumper import (
    Dumper,
    Reader,
    Row,
    RowDumper,
    Slot,
    Writer,
    dumps,
    make_dumper,
    make_reader,
    make_row_dumper,
    make_writer,
)
from fieldstone.objects.codec.loader import Loader, make_loader
from fieldstone.objects.codec.schema import field_errors, has_default, make_schema
from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field, FieldType
from fieldstone.objects.fieldtypes.declaration import Declaration, Label, Labels
from fieldstone.objects.fieldtypes.problems import Problem, Rejected
from fieldstone.objects.fieldtypes.source import Doubt
from fieldstone.platform.kernel.context import Tenant
from fieldstone.platform.kernel.errors import FieldError, Invalid, NotFound
from fieldstone.platform.kernel.metadata import Diagnostic
from fieldstone.platform.kernel.text import Text, localized
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.types import TypeEnvironment

Sharing = Literal["private", "team", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType:
    """A kind of record within an object."""

    name: str
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SortColumn:
    """One column of a declared index: an own or system field, downwards or not."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexColumn:
    """A column of an index, by physical name."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableIndex:
    """An index of an object's table (or of a table of links).

    `fields` are API names. `live`: over records that are not in the bin. `part` names it while a job builds it.
    """

    name: str
    table: str
    fields: tuple[str, ...]
    columns: tuple[IndexColumn, ...]
    unique: bool
    live: bool
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTable:
    """The table of links of a many-to-many field."""

    field: str
    target: str
    table: sa.Table


@dataclass(frozen=True, kw_only=True)
class ObjectType:
    """An object, compiled.

    `own_fields` are the declared ones in order, `system_fields` those that every record has; `fields` both, a declared
    field winning over a system field of the same name (only `title` may be declared again). `reader` works on
    `stored_fields`, `writer` and `dumper` on `fields`. `managed_by` names the service that alone changes the records of
    an adopted object; such an object lives in a table of the platform.
    """

    name: str
    label: Text
    plural: Text
    icon: str
    description: Text
    own_fields: Mapping[str, Field]
    system_fields: Mapping[str, Field]
    table: sa.Table
    links: Mapping[str, LinkTable]
    title: Expression | None
    title_fields: tuple[str, ...]
    record_types: tuple[RecordType, ...] = ()
    sharing: Sharing = "private"
    owner_field: str | None = None
    unique_groups: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[TableIndex, ...] = ()
    require_if_match: bool = False
    system: bool = False
    managed_by: str | None = None
    building: frozenset[str] = frozenset()
    environment: TypeEnvironment
    formula_order: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()

    # -- fields -------------------------------------------------------------------------------------------------
    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """System and declared fields by API name."""
        return {**self.system_fields, **self.own_fields}

    @property
    def all_fields(self) -> Mapping[str, Field]:
        """The same, by the name that the rules' view of an object has."""
        return self.fields

    def field(self, name: str) -> Field:
        """The field of that API name. Raises `NotFound`."""
        found = self.fields.get(name)
        if found is None:
            raise NotFound("{object} has no field {field}.", object=self.name, field=name[:100])
        return found

    @cached_property
    def stored_fields(self) -> tuple[Field, ...]:
        """The fields that the table keeps, system fields first: the order of `select_columns` and of `reader`."""
        own = (field for field in self.own_fields.values() if field.stored)
        return (*self.system_fields.values(), *own)

    @cached_property
    def select_columns(self) -> tuple[sa.Column[Any], ...]:
        """The columns of `stored_fields`, in order: what `reader` expects of a row."""
        return tuple(self.table.c[name] for field in self.stored_fields for name in field.column_names)

    @cached_property
    def searchable(self) -> tuple[Field, ...]:
        """The fields that full-text search looks into."""
        return tuple(field for field in self.own_fields.values() if field.searchable)

    @cached_property
    def children(self) -> tuple[Field, ...]:
        """The fields that are rows of another object."""
        return tuple(field for field in self.own_fields.values() if field.type.nested)

    @cached_property
    def lookups(self) -> tuple[Field, ...]:
        """The fields that point to records of other objects."""
        return tuple(field for field in self.own_fields.values() if field.type.targets)

    @cached_property
    def drawn(self) -> tuple[Field, ...]:
        """The fields whose value is drawn from a series of numbers."""
        return tuple(field for field in self.own_fields.values() if field.type.drawn)

    @cached_property
    def computed(self) -> tuple[Field, ...]:
        """The fields that the server works out."""
        return tuple(field for field in self.own_fields.values() if field.computed)

    @cached_property
    def formulas(self) -> tuple[Field, ...]:
        """The fields with a formula, each after those that it needs."""
        return tuple(self.own_fields[name] for name in self.formula_order)

    @cached_property
    def defaults(self) -> tuple[Field, ...]:
        """The fields for which a new record gets a value by itself."""
        return tuple(field for field in self.own_fields.values() if has_default(field))

    def unique_fields(self, index_name: str) -> tuple[str, ...]:
        """The fields that a violated unique index is about, by its name; () for any other name."""
        return next((index.fields for index in self.indexes if index.unique and index.name == index_name), ())

    @cached_property
    def _completing(self) -> tuple[Field, ...]:
        return tuple(field for field in self.own_fields.values() if field.type.completes)

    @cached_property
    def _needed(self) -> frozenset[str]:
        return frozenset(
            each.name for each in self.own_fields.values() if each.required and each.writable and not has_default(each)
        )

    # -- codec, made on first use -------------------------------------------------------------------------------
    @cached_property
    def schema_create(self) -> Schema:
        """The marshmallow schema of the body of a create."""
        return make_schema(tuple(self.fields.values()))

    @property
    def schema_update(self) -> Schema:
        """That of the body of an update: the same, loaded partially."""
        return self.schema_create

    @cached_property
    def loader(self) -> Loader:
        """The fast way in."""
        return make_loader(tuple(self.fields.values()))

    @cached_property
    def reader(self) -> Reader:
        """Rows of `select_columns` to values."""
        return make_reader(self.stored_fields)

    @cached_property
    def writer(self) -> Writer:
        """Values to columns."""
        return make_writer(tuple(self.fields.values()))

    @cached_property
    def dumper(self) -> Dumper:
        """Values and labels to JSON."""
        return make_dumper(tuple(self.fields.values()))

    # -- in -----------------------------------------------------------------------------------------------------
    def load(self, data: Any, partial: bool = False, optional: Collection[str] = ()) -> dict[str, Any]:
        """Python values of a decoded body. Raises `Invalid` with every error there is.

        `partial`: only what is sent is looked at (update). `optional`: required fields that may be missing, because
        a rule will fill them.
        """
        try:
            values = self.loader(data)
        except _UNSURE:
            return self._load_slowly(data, partial, optional)
        if not partial and not self._needed <= values.keys() | set(optional):
            return self._load_slowly(data, partial, optional)
        return values

    def _load_slowly(self, data: Any, partial: bool, optional: Collection[str]) -> dict[str, Any]:
        schema = self.schema_update if partial else self.schema_create
        try:
            values: dict[str, Any] = schema.load(data, partial=partial or tuple(optional))
        except ValidationError as error:
            messages = error.messages if isinstance(error.messages, Mapping) else {"_schema": error.messages}
            raise Invalid(errors=field_errors(messages)) from None
        return values

    def complete(self, values: MutableMapping[str, Any], tenant: Tenant) -> None:
        """Fill in what values lack that only the tenant knows (the currency of a bare amount)."""
        for each in self._completing:
            value = values.get(each.name)
            if value is not None:
                values[each.name] = each.type.complete(value, tenant)

    def missing(self, values: Mapping[str, Any]) -> tuple[FieldError, ...]:
        """The required fields that a record with these values lacks: to be asked after rules and defaults."""
        kind = problems.REQUIRED
        return tuple(
            FieldError(path=field.path, code=kind.code, message=kind.message)
            for field in self.own_fields.values()
            if field.required and not field.computed and values.get(field.name) in (None, [])
        )

    def change_errors(self, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> tuple[FieldError, ...]:
        """What is wrong with changing stored values (None: a new record) to these, such as a retired option."""
        errors = []
        for name, value in after.items():
            known = self.fields.get(name)
            problem = known.type.check_change(before.get(name) if before else None, value) if known else None
            if problem is not None:
                errors.append(problem.at(f"/{name}"))
        return tuple(errors)

    def coerce(self, name: str, value: Any) -> Any:
        """The result of an expression as a value of the field. Raises `Invalid`."""
        try:
            result = self.field(name).type.coerce(value)
        except Rejected as rejected:
            raise Invalid(errors=(rejected.problem.at(f"/{name}"),)) from None
        return self.field(name).type.empty() if result is None else result

    # -- out ----------------------------------------------------------------------------------------------------
    def read_row(self, row: Row) -> dict[str, Any]:
        """Python values of a row of `select_columns`."""
        return self.reader(row)

    def columns_of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Column values, by column name, of those fields that are among the values."""
        return self.writer(values)

    def dump(self, values: Mapping[str, Any], labels: Mapping[str, Labels]) -> dict[str, Any]:
        """The JSON object that the API answers for these values and labels, every field included."""
        return self.dumper(values, labels)

    def row_dumper(self, slots: tuple[Slot, ...]) -> RowDumper:
        """A function from rows of a list query to JSON objects; make it once per query shape."""
        return make_row_dumper(slots)

    # -- words --------------------------------------------------------------------------------------------------
    def text(self, locale: str) -> str:
        """Its name for people."""
        return localized(self.label, locale)

    @cached_property
    def json_schema(self) -> dict[str, Any]:
        """JSON Schema of a record as it is answered."""
        return {
            "type": "object",
            "title": localized(self.label, "en"),
            "properties": {
                name: _shown(field) for name, field in self.fields.items() if not (field.system and name in _NOT_SHOWN)
            },
            "required": ["id", "revision"],
        }

    @cached_property
    def json_schema_create(self) -> dict[str, Any]:
        """JSON Schema of the body of a create."""
        schema = self.json_schema_update
        return {**schema, "required": sorted(self._needed)} if self._needed else schema

    @cached_property
    def json_schema_update(self) -> dict[str, Any]:
        """JSON Schema of the body of an update."""
        writable = (field for field in self.own_fields.values() if field.writable)
        properties = {field.name: _described(field, field.type.json_schema(), field.required) for field in writable}
        return {"type": "object", "properties": properties, "additionalProperties": False}


# What the fast loader raises for values that are not surely valid; the schema then looks at the whole body.
_UNSURE = (Doubt, Rejected, ValueError, TypeError, ArithmeticError)
_NOT_SHOWN = frozenset({"deleted_at", "title"})


def _shown(field: Field) -> dict[str, Any]:
    return _described(field, field.type.output_schema(), field.type.empty() is not None)


def _described(field: Field, schema: Mapping[str, Any], filled: bool) -> dict[str, Any]:
    words: dict[str, Any] = {"title": localized(field.label, "en")}
    if field.help:
        words["description"] = localized(field.help, "en")
    if filled:
        return {**schema, **words}
    plain = schema.get("type")
    if isinstance(plain, str) and "enum" not in schema:
        return {**schema, "type": [plain, "null"], **words}
    return {"anyOf": [dict(schema), {"type": "null"}], **words}


__all__ = [
    "Declaration",
    "Dumper",
    "Field",
    "FieldType",
    "IndexColumn",
    "Label",
    "LinkTable",
    "ObjectType",
    "Problem",
    "RecordType",
    "Slot",
    "SortColumn",
    "TableIndex",
    "dumps",
]
