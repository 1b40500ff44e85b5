"""Relationships to several records: many-to-many, and the rows that a record owns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import sqlalchemy as sa

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field, FieldType
from fieldstone.objects.fieldtypes.declaration import (
    Json,
    Label,
    Labels,
    MigrationClass,
)
from fieldstone.objects.fieldtypes.lookups import (
    ID_SCHEMA,
    LABELLED_SCHEMA,
    NAME_SCHEMA,
    OBJECT_OPTION,
    LookupType,
    read_id,
)
from fieldstone.objects.fieldtypes.problems import Problem, rejected
from fieldstone.objects.fieldtypes.source import Constants
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat
from fieldstone.platform.database.types import Id
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.metadata import Reference
from fieldstone.rules.expressions.types import DYN, Type, list_of, record_of


class ManyToManyType(FieldType):
    """Points to any number of records of an object, kept in a table of links."""

    name = "many_to_many"
    label = MappingProxyType({"en": "Several lookups", "zh-Hans": "多对多", "zh-Hant": "多對多"})
    group = "relation"
    icon = "arrows-split-2"
    labelled = True
    sort = "none"
    options = MappingProxyType({"object": OBJECT_OPTION})
    needed_options = ("object",)
    common = frozenset({"required", "help", "read_only", "tracked"})
    limit: ClassVar[int] = 1_000

    @property
    def targets(self) -> tuple[str, ...]:
        target = self.option("object")
        return (target,) if target else ()

    def references(self) -> Iterable[Reference]:
        return (Reference(path="/object", kind="object", name=target) for target in self.targets)

    def expression_type(self) -> Type:
        return list_of(record_of(self.targets[0])) if self.targets else list_of(DYN)

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return ()

    def link_columns(self) -> list[sa.Column[Any]]:
        """The columns of the table of links: the record with the field, the record it points to, and their order."""
        return [
            sa.Column("source", Id(), primary_key=True, nullable=False),
            sa.Column("target", Id(), primary_key=True, nullable=False),
            sa.Column("position", sa.Integer(), nullable=False),
        ]

    def from_columns(self, values: Sequence[Any]) -> Any:
        return []

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        return ()

    def empty(self) -> Any:
        return []

    def read(self, value: Any) -> list[str]:
        if not isinstance(value, list | tuple):
            raise rejected(problems.NOT_IDS)
        if len(value) > self.limit:
            raise rejected(problems.TOO_MANY, max=self.limit)
        ids = [read_id(item, f"/{index}") for index, item in enumerate(value)]
        seen: set[str] = set()
        for index, item in enumerate(ids):
            if item in seen:
                raise rejected(problems.DUPLICATE, path=f"/{index}", value=item)
            seen.add(item)
        return ids

    def variable(self, value: Any) -> Any:
        return [{"id": item} for item in value or ()]

    def write(self, value: Any) -> list[str]:
        return list(value)

    def write_labelled(self, value: Any, labels: Labels) -> Json:
        known = {label.id: label.label for label in labels} if labels and not isinstance(labels, Label) else {}
        return [{"id": item, "label": known.get(item)} for item in value]

    def dump_labelled_source(self, value: str, label: str, constants: Constants) -> str:
        return f"{constants(self.write_labelled)}({value}, {label})"

    def json_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": dict(ID_SCHEMA), "maxItems": self.limit, "uniqueItems": True}

    def output_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": dict(LABELLED_SCHEMA)}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "lookup", "objects": list(self.targets), "filtered": False, "several": True}

    def search_text(self, value: Any) -> str:
        return ""

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return fmt.separator.join(value)

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        if text.strip() in fmt.empty:
            return []
        return self.read([part.strip() for part in text.split(fmt.separator) if part.strip()])


class ChildType(FieldType):
    """The rows of another object that point to this record by an owned lookup; they are edited inside its form.

    A row is the bare field object of the other object, with an `id` when it exists already. What is sent replaces the
    rows: those that are missing go to the bin. The rows are checked and written through their own object.
    """

    name = "child"
    label = MappingProxyType({"en": "Rows", "zh-Hans": "子表", "zh-Hant": "子表"})
    group = "relation"
    icon = "table"
    nested = True
    sort = "none"
    options = MappingProxyType(
        {
            "object": {"title": "Object", "description": "The object of the rows.", **NAME_SCHEMA},
            "field": {"title": "Field", "description": "The owned lookup of the rows that points here.", **NAME_SCHEMA},
        }
    )
    needed_options = ("object", "field")
    common = frozenset({"required", "help", "read_only"})
    limit: ClassVar[int] = 1_000

    @property
    def row_object(self) -> str:
        """The object of the rows."""
        return str(self.option("object", ""))

    @property
    def row_field(self) -> str:
        """The lookup of the rows that points to the record."""
        return str(self.option("field", ""))

    def check(self) -> Iterable[Problem]:
        lookup = self.scope.sibling(self.row_object, self.row_field)
        if lookup is not None and not (isinstance(lookup, LookupType) and lookup.owned and self._points_here(lookup)):
            message = mark("{object}.{field} must be an owned lookup to {here}.")
            facts = {"object": self.row_object, "field": self.row_field, "here": self.declaration.object}
            yield Problem(code="child_lookup", message=message, path="/field", facts=facts)

    def _points_here(self, lookup: FieldType) -> bool:
        return self.declaration.object in lookup.targets

    def references(self) -> Iterable[Reference]:
        yield Reference(path="/object", kind="object", name=self.row_object)
        yield Reference(path="/field", kind="object", name=self.row_object, part=self.row_field)

    def expression_type(self) -> Type:
        return list_of(record_of(self.row_object))

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return ()

    def from_columns(self, values: Sequence[Any]) -> Any:
        return []

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        return ()

    def empty(self) -> Any:
        return []

    def read(self, value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise rejected(problems.NOT_ROWS)
        if len(value) > self.limit:
            raise rejected(problems.TOO_MANY, max=self.limit)
        for index, row in enumerate(value):
            if not isinstance(row, Mapping):
                raise rejected(problems.NOT_A_ROW, path=f"/{index}")
        return list(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "object"}, "maxItems": self.limit}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "childrows", "object": self.row_object, "field": self.row_field}

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return str(len(value))

    def search_text(self, value: Any) -> str:
        return ""

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return str(len(value))

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        raise rejected(problems.NOT_WRITABLE)

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        return "safe" if isinstance(other, ChildType) else None
