"""Computed fields: formula and roll-up. The server works them out; nobody writes them.

Both behave like the type of their result in everything else: display, filters, sort, text. A formula that depends only
on stored fields of its own record, and not on the clock or the user, is kept in a column and so can be filtered and
sorted; any other formula is worked out when the record is read ("volatile") and cannot. Roll-ups are always kept.

The columns of a computed field are named after how the result is kept (`f_total__dec18_2`), so that a result of
another kind, say after a change of the field it sums up, gets fresh columns and is worked out anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar

import sqlalchemy as sa
from marshmallow import fields as marshmallow_fields

from fieldstone.objects.fieldtypes.base import Field, FieldType
from fieldstone.objects.fieldtypes.declaration import Declaration, FilterOption, Json, Labels, MigrationClass, SortKind
from fieldstone.objects.fieldtypes.operators import Operator
from fieldstone.objects.fieldtypes.problems import Problem
from fieldstone.objects.fieldtypes.source import Constants
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat
from fieldstone.objects.fieldtypes.typed import NotWritable
from fieldstone.platform.database.types import ExactDecimal
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.metadata import Reference
from fieldstone.rules.expressions.types import DYN, Type

_NAME = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}
_EXPRESSION = {"type": "string", "minLength": 1, "maxLength": 4000}
_MARKS = {
    "ExactDecimal": "dec",
    "BigInteger": "int",
    "Chars": "text",
    "Boolean": "bool",
    "UtcDateTime": "moment",
    "Day": "day",
    "TimeOfDay": "time",
    "Micros": "span",
}
_PASSED_ON = ("precision", "scale", "currency", "max_length", "options", "object", "region")


class Computed(FieldType):
    """A field whose values are those of another type, `value`."""

    group = "computed"
    icon = "math-function"
    computed = True
    common = frozenset({"help", "sensitive", "searchable", "tracked"})

    @cached_property
    def value(self) -> FieldType | None:
        """The type of the result; None when it cannot be told (something it needs is missing)."""
        raise NotImplementedError

    @property
    def result(self) -> FieldType:
        """The type of the result. Only asked for values, which a field without a result never has."""
        if self.value is None:
            raise LookupError(f"{self.declaration.object}.{self.declaration.name} has no result type")
        return self.value

    @property
    def operators(self) -> tuple[Operator, ...]:  # type: ignore[override]
        return self.value.operators if self.value else ()

    @property
    def aggregates(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.value.aggregates if self.value and not self.volatile else ("count",)

    @property
    def sort(self) -> SortKind:  # type: ignore[override]
        return self.value.sort if self.value and not self.volatile else "none"

    @property
    def groupable(self) -> bool:  # type: ignore[override]
        return bool(self.value and self.value.groupable and not self.volatile)

    @property
    def completes(self) -> bool:  # type: ignore[override]
        return bool(self.value and self.value.completes)

    @property
    def labelled(self) -> bool:  # type: ignore[override]
        return bool(self.value and self.value.labelled)

    @property
    def targets(self) -> tuple[str, ...]:
        return self.value.targets if self.value else ()

    def expression_type(self) -> Type:
        return self.value.expression_type() if self.value else DYN

    def result_types(self) -> Sequence[Type]:
        return self.value.result_types() if self.value else (DYN,)

    def members(self) -> Mapping[str, tuple[Type, str]]:
        if self.value is None or self.volatile:
            return {}
        mark = storage_mark(self.value)
        return {name: (kind, _marked(mark, suffix)) for name, (kind, suffix) in self.value.members().items()}

    def signature(self) -> str:
        return "computed"

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        if self.value is None or self.volatile:
            return ()
        mark = storage_mark(self.value)
        return tuple((_marked(mark, suffix), kind) for suffix, kind in self.value.storage())

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        return self.value.to_columns(value) if self.value and not self.volatile else ()

    def from_columns(self, values: Sequence[Any]) -> Any:
        return self.value.from_columns(values) if self.value and not self.volatile else None

    def column_source(self, columns: Sequence[str], constants: Constants) -> str:
        return self.value.column_source(columns, constants) if self.value and not self.volatile else "None"

    def ranks(self) -> Mapping[Any, int]:
        return self.value.ranks() if self.value else {}

    def read(self, value: Any) -> Any:
        return self.result.read(value)

    def coerce(self, value: Any) -> Any:
        return self.value.coerce(value) if self.value else None

    def complete(self, value: Any, tenant: Any) -> Any:
        return self.result.complete(value, tenant)

    def empty(self) -> Any:
        return self.value.empty() if self.value else None

    def write(self, value: Any) -> Json:
        return self.result.write(value)

    def write_labelled(self, value: Any, labels: Labels) -> Json:
        return self.result.write_labelled(value, labels)

    def marshmallow_field(self) -> marshmallow_fields.Field[Any]:
        return NotWritable()

    def dump_source(self, value: str, constants: Constants) -> str:
        return self.value.dump_source(value, constants) if self.value else "None"

    def dump_labelled_source(self, value: str, label: str, constants: Constants) -> str:
        return self.value.dump_labelled_source(value, label, constants) if self.value else "None"

    def json_schema(self) -> dict[str, Any]:
        return self.output_schema()

    def output_schema(self) -> dict[str, Any]:
        return (self.value.output_schema() if self.value else {}) | {"readOnly": True}

    def variable(self, value: Any) -> Any:
        return self.value.variable(value) if self.value else value

    def literal(self, value: Any) -> str:
        return self.result.literal(value)

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        inner = self.value.widget(field, locale) if self.value else {}
        return {**inner, "kind": "readonly", "of": inner.get("kind", "text")}

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return self.result.display(value, locale, time_zone)

    def search_text(self, value: Any) -> str:
        return self.result.search_text(value)

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return self.result.to_text(value, fmt)

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        return self.result.from_text(text, fmt)

    def aggregate_body(self, function: str) -> Mapping[str, Any] | None:
        return self.value.aggregate_body(function) if self.value else None

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        return None


class FormulaType(Computed):
    """The value of an expression over the record and the records it points to."""

    name = "formula"
    label = MappingProxyType({"en": "Formula", "zh-Hans": "公式", "zh-Hant": "公式"})
    needed_options = ("expression", "value_type")
    options: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "expression": {"title": "Expression", **_EXPRESSION},
            "value_type": {"title": "Type of the result", "description": "The name of a field type.", "type": "string"},
            "precision": {"title": "Digits", "type": "integer", "minimum": 1, "maximum": 38},
            "scale": {"title": "Decimal places", "type": "integer", "minimum": 0, "maximum": 12},
            "currency": {"title": "Currency", "type": "string", "pattern": "^[A-Z]{3}$"},
            "max_length": {"title": "Longest", "type": "integer", "minimum": 1, "maximum": 1_000_000},
            "options": {"title": "Options", "type": "array", "items": {"type": "object"}, "maxItems": 1000},
            "object": {"title": "Object", "description": "For a lookup as result.", **_NAME},
        }
    )

    @cached_property
    def value(self) -> FieldType | None:
        """The type of the result."""
        body = self.declaration.body
        passed = {name: body[name] for name in _PASSED_ON if name in body}
        inner = self.scope.bind(_declared(self, {**passed, "type": self.option("value_type", "")}))
        return inner if inner.storage() and not inner.computed and not inner.drawn else None

    @cached_property
    def volatile(self) -> bool:  # type: ignore[override]
        """Whether it depends on more than the stored fields of its own record."""
        return self.scope.volatile(self.declaration)

    def check(self) -> Iterable[Problem]:
        if self.value is None:
            message = mark("{type} cannot be the type of a formula.")
            facts = {"type": str(self.option("value_type"))[:40]}
            return (Problem(code="value_type", message=message, path="/value_type", facts=facts),)
        return tuple(self.value.check())

    def references(self) -> Iterable[Reference]:
        if self.value is None:
            return ()
        return tuple(reference for reference in self.value.references() if reference.path != "/type")

    def expressions(self) -> Mapping[str, Sequence[Type]]:
        return {"expression": self.result_types()}


class RollUpType(Computed):
    """A count, sum, average, least or greatest value over the records that point here by a lookup.

    Without any such record a count is 0 and everything else is empty. A sum of money over records with different
    currencies is refused when it is saved.
    """

    name = "roll_up"
    label = MappingProxyType({"en": "Roll-up", "zh-Hans": "汇总", "zh-Hant": "彙總"})
    icon = "sum"
    needed_options = ("object", "field", "function")
    options: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {
            "object": {"title": "Object", "description": "The object of the records that are counted.", **_NAME},
            "field": {"title": "Lookup", "description": "Its lookup that points here.", **_NAME},
            "function": {"title": "Function", "enum": ["count", "sum", "avg", "min", "max"]},
            "of": {"title": "Field", "description": "What is summed up; not needed to count.", **_NAME},
            "filter": {"title": "Filter", "description": "Which records count.", **_EXPRESSION},
        }
    )

    @property
    def source_object(self) -> str:
        """The object of the records that are counted."""
        return str(self.option("object", ""))

    @property
    def source_lookup(self) -> str:
        """The lookup of those records that points here."""
        return str(self.option("field", ""))

    @property
    def source_field(self) -> str | None:
        """The field of those records that is summed up; None to count."""
        of: str | None = self.option("of")
        return None if self.function == "count" else of

    @property
    def function(self) -> str:
        """count, sum, avg, min or max."""
        return str(self.option("function", "count"))

    @cached_property
    def value(self) -> FieldType | None:
        """The type of the result."""
        if self.function == "count":
            return self.scope.bind(_declared(self, {"type": "integer"}))
        source = self.scope.sibling(self.source_object, self.source_field or "")
        body = source.aggregate_body(self.function) if source is not None and not source.volatile else None
        return None if body is None else self.scope.bind(_declared(self, body))

    def columns(self, field: Field | None, physical: str) -> list[sa.Column[Any]]:
        columns = super().columns(field, physical)
        if self.function == "count":
            columns[0].server_default = sa.DefaultClause("0")
        return columns

    def initial(self) -> Any:
        return 0 if self.function == "count" else None

    def check(self) -> Iterable[Problem]:
        lookup = self.scope.sibling(self.source_object, self.source_lookup)
        if lookup is not None and self.declaration.object not in lookup.targets:
            message = mark("{object}.{field} does not point to {here}.")
            facts = {"object": self.source_object, "field": self.source_lookup, "here": self.declaration.object}
            yield Problem(code="roll_up_lookup", message=message, path="/field", facts=facts)
        if self.function != "count" and self.source_field is None:
            message = mark("Say which field is summed up.")
            yield Problem(code="roll_up_of", message=message, path="/of")
        elif self.value is None and self.scope.sibling(self.source_object, self.source_field or "") is not None:
            message = mark("{object}.{field} has no {function}.")
            facts = {"object": self.source_object, "field": str(self.source_field), "function": self.function}
            yield Problem(code="roll_up_of", message=message, path="/of", facts=facts)

    def references(self) -> Iterable[Reference]:
        yield Reference(path="/object", kind="object", name=self.source_object)
        yield Reference(path="/field", kind="object", name=self.source_object, part=self.source_lookup)
        if self.source_field:
            yield Reference(path="/of", kind="object", name=self.source_object, part=self.source_field)

    def rolled_up(self) -> tuple[str, str | None] | None:
        return self.source_object, self.source_field

    def filter_option(self) -> FilterOption | None:
        if self.option("filter") is None:
            return None
        return FilterOption(option="filter", object=self.source_object)


def _declared(outer: FieldType, body: Mapping[str, Any]) -> Declaration:
    return Declaration(object=outer.declaration.object, name=outer.declaration.name, body=body)


def storage_mark(inner: FieldType) -> str:
    """A short word for how an inner type keeps its values: "int", "dec18_2"."""
    kind = inner.storage()[0][1]
    word = _MARKS.get(type(kind).__name__, type(kind).__name__.lower()[:8])
    return f"{word}{kind.precision}_{kind.scale}" if isinstance(kind, ExactDecimal) else word


def _marked(mark: str, suffix: str) -> str:
    return f"{mark}_{suffix}" if suffix else mark
