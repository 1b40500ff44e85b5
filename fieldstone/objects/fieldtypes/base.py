"""What a field type is, and what a field is.

What it is for: one class owns everything about one type of field, so that nothing else branches on a type's name.
What comes in: a `Declaration` (the field as its object's definition writes it) and a `Scope` (how to look at fields
of other objects). What goes out: a bound `FieldType`: columns, values, JSON, widgets, display, text, expressions.
Who calls it: the definition compiler, the codec, and the record, query, access, transfer and page rooms.

A value has five forms. *JSON*: what the API reads and answers. *Python*: what rules and services work with. *Columns*:
what the database keeps. *Text*: cells of CSV and spreadsheets. *Display*: words for people in their language.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import sqlalchemy as sa
from marshmallow import fields as marshmallow_fields

from fieldstone.objects.fieldtypes.declaration import (
    NO_OPTIONS,
    USUAL,
    Declaration,
    FilterOption,
    Json,
    Label,
    Labels,
    MigrationClass,
    SortKind,
    column_name,
    quoted,
)
from fieldstone.objects.fieldtypes.operators import Operator
from fieldstone.objects.fieldtypes.problems import Problem, Rejected
from fieldstone.objects.fieldtypes.series import NumberSeries
from fieldstone.objects.fieldtypes.source import Constants
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat, cell_text
from fieldstone.objects.fieldtypes.typed import Typed
from fieldstone.platform.kernel.context import Tenant
from fieldstone.platform.kernel.metadata import Reference
from fieldstone.platform.kernel.text import Text, localized
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.types import Type


class Scope(Protocol):
    """How a type looks at other fields while it is bound."""

    def sibling(self, object_name: str, field_name: str) -> FieldType | None:
        """The type of a field of any object, system fields included; None when there is none (or only a cycle)."""
        ...

    def bind(self, declaration: Declaration) -> FieldType:
        """The type that the declaration's `type` names, bound to it."""
        ...

    def volatile(self, declaration: Declaration) -> bool:
        """Whether a formula depends on more than the stored fields of its own record."""
        ...


class FieldType(ABC):
    """A type of field, bound to one declaration. Immutable; shared by all requests.

    Subclasses set the class attributes, then override what differs. A value is never None in `write`, `display`,
    `to_text`, `audit_text`, `literal` and `search_text`: their callers leave empty values out.
    """

    name: ClassVar[str]
    label: ClassVar[Mapping[str, str]]
    group: ClassVar[str]
    icon: ClassVar[str] = "forms"
    options: ClassVar[Mapping[str, Any]] = NO_OPTIONS
    """JSON Schema of each option of its own, by name; `title` and `description` are shown by the designer."""
    needed_options: ClassVar[tuple[str, ...]] = ()
    common: ClassVar[frozenset[str]] = USUAL
    operators: ClassVar[tuple[Operator, ...]] = ()
    aggregates: ClassVar[tuple[str, ...]] = ("count",)
    sort: ClassVar[SortKind] = "value"
    groupable: ClassVar[bool] = False
    computed: ClassVar[bool] = False
    """The server works out the value; it cannot be written."""
    volatile: bool = False
    """The value is worked out when it is read and is not kept in a column."""
    nested: ClassVar[bool] = False
    """The value is a list of rows of another object, written through that object."""
    labelled: ClassVar[bool] = False
    """The value points to records: it is answered with their labels."""
    indexed: ClassVar[bool] = False
    """Its first column always has an index."""
    completes: ClassVar[bool] = False
    """Values lack something that only the tenant knows: `complete` fills it in."""
    drawn: ClassVar[bool] = False
    """The value is drawn from a series of numbers when a record is created."""

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        self.declaration = declaration
        self.scope = scope

    def option(self, name: str, default: Any = None) -> Any:
        """The option as declared, or `default`."""
        value = self.declaration.body.get(name)
        return default if value is None else value

    # -- definition ---------------------------------------------------------------------------------------------
    @classmethod
    def options_schema(cls) -> dict[str, Any]:
        """JSON Schema of the options of its own: what the designer makes a form of."""
        schema: dict[str, Any] = {"type": "object", "properties": dict(cls.options)}
        if cls.needed_options:
            schema["required"] = list(cls.needed_options)
        return schema

    def check(self) -> Iterable[Problem]:
        """What the options schema cannot say; paths are inside the field's body."""
        return ()

    def references(self) -> Iterable[Reference]:
        """The elements that the options name; paths are inside the field's body."""
        return ()

    def expressions(self) -> Mapping[str, Sequence[Type]]:
        """Options that hold expressions over the record, and the types each may give."""
        return {}

    def filter_option(self) -> FilterOption | None:
        """The option, if set, that holds a condition on records of another object."""
        return None

    @property
    def targets(self) -> tuple[str, ...]:
        """Objects whose records the value points to."""
        return ()

    @property
    def row_object(self) -> str | None:
        """The object of the rows that the value consists of."""
        return None

    def number_series(self) -> NumberSeries | None:
        """The series that values are drawn from; None for all types but those whose values are drawn."""
        return None

    def rolled_up(self) -> tuple[str, str | None] | None:
        """The object whose records this counts, and the field of them that it sums up; None for all other types."""
        return None

    # -- expressions --------------------------------------------------------------------------------------------
    @abstractmethod
    def expression_type(self) -> Type:
        """The type of the values in the rule language."""

    def result_types(self) -> Sequence[Type]:
        """The types of results that `coerce` takes, the usual one first."""
        return (self.expression_type(),)

    def members(self) -> Mapping[str, tuple[Type, str]]:
        """Parts that can be read as `field.part`: type, and suffix of the column that keeps it."""
        return {}

    def variable(self, value: Any) -> Any:
        """The value as expressions see it: a lookup is a record with its id."""
        return value

    def literal(self, value: Any) -> str:
        """The value as source text of the rule language."""
        return quoted(str(value))

    # -- columns ------------------------------------------------------------------------------------------------
    @abstractmethod
    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        """Suffix and type of each column; the suffix of the first is usually empty."""

    def columns(self, field: Field | None, physical: str) -> list[sa.Column[Any]]:
        """Fresh columns named after `physical`; all may be empty."""
        return [sa.Column(column_name(physical, suffix), kind) for suffix, kind in self.storage()]

    def link_columns(self) -> list[sa.Column[Any]]:
        """The columns of a table of links, for types that keep their records so: source, target, position."""
        return []

    def signature(self) -> str:
        """How values are kept: fields with the same signature may share a column."""
        return ";".join(f"{suffix}:{kind!r}" for suffix, kind in self.storage())

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        """What the columns keep of a Python value (None: nothing), one each."""
        return (value,)

    def from_columns(self, values: Sequence[Any]) -> Any:
        """The Python value of what the columns keep."""
        return values[0]

    def column_source(self, columns: Sequence[str], constants: Constants) -> str:
        """`from_columns` as a Python expression over expressions of its columns."""
        if type(self).from_columns is FieldType.from_columns:
            return columns[0]
        return f"{constants(self.from_columns)}(({', '.join(columns)},))"

    def ranks(self) -> Mapping[Any, int]:
        """The position of each value, for types that sort by rank."""
        return {}

    # -- JSON ---------------------------------------------------------------------------------------------------
    @abstractmethod
    def read(self, value: Any) -> Any:
        """The Python value of a JSON (or already Python) value that is not None. Raises `Rejected`.

        May return None: an empty text is no value.
        """

    def coerce(self, value: Any) -> Any:
        """The same for the result of an expression: numbers are rounded to fit. Raises `Rejected`."""
        return None if value is None else self.read(value)

    def empty(self) -> Any:
        """What a record without a value has."""
        return None

    def initial(self) -> Any:
        """What a new record gets when neither the caller nor the definition says anything (JSON form)."""
        return None

    def complete(self, value: Any, tenant: Tenant) -> Any:
        """The value with what the tenant adds to it (its currency)."""
        return value

    def check_change(self, before: Any, after: Any) -> Problem | None:
        """What is wrong with changing the stored value `before` (None on create) to `after`."""
        return None

    def write(self, value: Any) -> Json:
        """The JSON value of a Python value."""
        return value

    def write_labelled(self, value: Any, labels: Labels) -> Json:
        """The JSON value with the labels of the records it points to."""
        return self.write(value)

    def marshmallow_field(self) -> marshmallow_fields.Field[Any]:
        """How records are validated."""
        return Typed(self.read, required=bool(self.declaration.body.get("required")), empty=self.empty())

    def load_source(self, value: str, constants: Constants) -> Sequence[str]:
        """Lines that turn the local `value` (not None) into a Python value, or raise when it is not surely valid."""
        return [f"{value} = {constants(self.read)}({value})"]

    def dump_source(self, value: str, constants: Constants) -> str:
        """`write` as a Python expression over the local `value` (not None)."""
        return value if type(self).write is FieldType.write else f"{constants(self.write)}({value})"

    def dump_labelled_source(self, value: str, label: str, constants: Constants) -> str:
        """The JSON value over expressions of the value and the text of its label."""
        return self.dump_source(value, constants)

    @abstractmethod
    def json_schema(self) -> dict[str, Any]:
        """JSON Schema of values that may be sent."""

    def output_schema(self) -> dict[str, Any]:
        """JSON Schema of values that are answered."""
        return self.json_schema()

    def aggregate_body(self, function: str) -> Mapping[str, Any] | None:
        """The declaration of what `function` over such values gives; None when there is no such thing."""
        if function not in self.aggregates or function == "count_distinct":
            return None
        if function == "count":
            return {"type": "integer"}
        kept = {name: value for name, value in self.declaration.body.items() if name in type(self).options}
        return {**kept, "type": type(self).name, "min": None, "max": None, "pattern": None}

    # -- people -------------------------------------------------------------------------------------------------
    @abstractmethod
    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        """How a form shows it: `kind` and what that kind of widget needs, in `locale`."""

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        """The value in words."""
        return str(value)

    def search_text(self, value: Any) -> str:
        """What a search finds the record by."""
        return self.to_text(value)

    def audit_text(self, value: Any) -> str:
        """The value in the history of a record, in one line."""
        text = " ".join(self.to_text(value).split())
        return text if len(text) <= 200 else text[:199] + "…"

    # -- text ---------------------------------------------------------------------------------------------------
    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        """The value as text of a cell; `from_text` reads it back."""
        return str(value)

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        """The Python value of a cell. Raises `Rejected`."""
        return self.empty() if text.strip() in fmt.empty else self.read(text)

    def from_cell(self, cell: object, fmt: TextFormat = PLAIN) -> Any:
        """The Python value of a typed spreadsheet cell. Raises `Rejected`."""
        return self.from_text(cell_text(cell), fmt)

    # -- change -------------------------------------------------------------------------------------------------
    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        """What it takes to keep the values of a field whose type was `other`; None when nothing can be kept.

        "safe": they stay in their column. "slow": all can be converted, through `convert`. "lossy": some may not.
        """
        if other.signature() == self.signature() and type(other) is type(self):
            return "safe"
        return "lossy" if other.storage() and self.storage() else None

    def convert(self, value: Any, other: FieldType) -> Any:
        """The value of a field whose type was `other`. Raises `Rejected` when it does not fit."""
        return self.from_text(other.to_text(value))

    def takes(self, value: Any, other: FieldType) -> bool:
        """Whether a value of a field whose type was `other` can be converted."""
        try:
            self.convert(value, other)
        except Rejected:
            return False
        return True

    def lost_values(self, other: FieldType) -> Sequence[Any]:
        """Values that were possible when the type was `other` and are not any more, where they can be listed."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an object, compiled.

    `default` is a Python value. `expression` is the formula of a computed field, `filter` what a lookup's targets must
    fulfil (over the target, with the record as `record`). `column_names` are physical. `active` is False while a job
    still builds it: written and shown, but not filtered, sorted or promised.
    """

    name: str
    label: Text
    type: FieldType
    object: str
    help: Text = ""
    placeholder: Text = ""
    required: bool = False
    unique: bool = False
    default: Any = None
    default_expression: Expression | None = None
    expression: Expression | None = None
    filter: Expression | None = None
    read_only: bool = False
    sensitive: bool = False
    searchable: bool = False
    tracked: bool = True
    system: bool = False
    physical: str = ""
    column_names: tuple[str, ...] = ()
    active: bool = True

    @property
    def computed(self) -> bool:
        """Whether the server works out the value."""
        return self.type.computed

    @property
    def writable(self) -> bool:
        """Whether a caller may send it."""
        return not (self.read_only or self.type.computed or self.type.drawn)

    @property
    def stored(self) -> bool:
        """Whether the object's table keeps it."""
        return bool(self.column_names)

    @property
    def filterable(self) -> bool:
        """Whether lists may be filtered by it."""
        return self.active and bool(self.type.operators) and not self.type.volatile

    @property
    def sortable(self) -> bool:
        """Whether lists may be sorted by it."""
        return self.active and self.stored and self.type.sort != "none"

    @property
    def path(self) -> str:
        """Where its errors point to in a body."""
        return f"/{self.name}"

    def text(self, locale: str) -> str:
        """Its label in words."""
        return localized(self.label, locale)


__all__ = ["Declaration", "Field", "FieldType", "Label", "Labels", "Scope"]
