"""Lookups: a record that points to another record, to a person, to a team.

A lookup keeps the id of a record of one object; one that may point to several objects also keeps which. There are no
foreign keys in the database: records go to the bin and come back, the record service locks what it points to, and a
restored tenant may be written in any order. Every lookup has an index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final

import sqlalchemy as sa

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field, FieldType, Scope
from fieldstone.objects.fieldtypes.declaration import (
    USUAL,
    Declaration,
    FilterOption,
    Json,
    Label,
    Labels,
    MigrationClass,
    SortKind,
    quoted,
)
from fieldstone.objects.fieldtypes.operators import EQUALITY, PRESENCE, Operator
from fieldstone.objects.fieldtypes.problems import Problem, rejected
from fieldstone.objects.fieldtypes.source import Constants
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat
from fieldstone.platform.database.types import Chars, Id
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.metadata import Reference
from fieldstone.rules.expressions.types import DYN, STRING, Type, record_of

NAME_SCHEMA = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}
ANY_OBJECT: Final = "*"
"""As a target: records of any object."""
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
ID_SCHEMA: Mapping[str, Any] = MappingProxyType({"type": "string", "format": "uuid"})
LABELLED_SCHEMA: Mapping[str, Any] = MappingProxyType(
    {
        "type": "object",
        "properties": {"id": dict(ID_SCHEMA), "label": {"type": ["string", "null"]}},
        "required": ["id", "label"],
    }
)
OBJECT_OPTION = {"title": "Object", "description": "The object whose records it points to.", **NAME_SCHEMA}


def read_id(value: Any, path: str = "") -> str:
    """The id that was sent, also as `{"id": ...}` as it was answered. Raises `Rejected`."""
    if isinstance(value, Mapping) and "id" in value:
        value = value["id"]
    if not isinstance(value, str):
        raise rejected(problems.NO_ID, path=path)
    text = value.lower()
    if not _ID(text):
        raise rejected(problems.NOT_AN_ID, path=path)
    return text


def one_label(labels: Labels) -> Label | None:
    """The label, where there can be only one."""
    return labels if isinstance(labels, Label) else labels[0] if labels else None


class PointerType(FieldType):
    """What all types share that keep the id of one record."""

    group = "relation"
    icon = "arrow-up-right"
    labelled = True
    indexed = True
    sort: ClassVar[SortKind] = "label"
    groupable = True
    operators: ClassVar[tuple[Operator, ...]] = (*EQUALITY, *PRESENCE)
    aggregates: ClassVar[tuple[str, ...]] = ("count", "count_distinct")

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", Id()),)

    def expression_type(self) -> Type:
        return record_of(self.targets[0]) if len(self.targets) == 1 else DYN

    def read(self, value: Any) -> Any:
        return None if value == "" else read_id(value)

    def load_source(self, value: str, constants: Constants) -> Sequence[str]:
        return [f"if type({value}) is not str or not {constants(_ID)}({value}):", "    raise Doubt"]

    def variable(self, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) else value

    def write_labelled(self, value: Any, labels: Labels) -> Json:
        label = one_label(labels)
        return {"id": value, "label": label.label if label else None}

    def dump_labelled_source(self, value: str, label: str, constants: Constants) -> str:
        return f"{{'id': {value}, 'label': {label}}}"

    def literal(self, value: Any) -> str:
        return quoted(value)

    def json_schema(self) -> dict[str, Any]:
        return dict(ID_SCHEMA)

    def output_schema(self) -> dict[str, Any]:
        return dict(LABELLED_SCHEMA)

    def search_text(self, value: Any) -> str:
        return ""

    def references(self) -> Iterable[Reference]:
        for index, target in enumerate(self.targets):
            if target == ANY_OBJECT:
                continue
            path = "/object" if len(self.targets) == 1 else f"/objects/{index}"
            yield Reference(path=path, kind="object", name=target)

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        if isinstance(other, PointerType) and other.signature() == self.signature():
            return "safe" if set(other.targets) <= set(self.targets) else "lossy"
        return None


class LookupType(PointerType):
    """Points to a record of an object, or of one of several.

    The value is an id; where several objects are possible it is `{"object", "id"}`. `owned` makes the record a row of
    the one it points to: it is edited inside that record's form, goes to the bin with it and inherits its access.
    """

    name = "lookup"
    label = MappingProxyType({"en": "Lookup", "zh-Hans": "查找", "zh-Hant": "查找"})
    options = MappingProxyType(
        {
            "object": OBJECT_OPTION,
            "objects": {
                "title": "Objects",
                "description": 'Instead of one object: the objects whose records it may point to; ["*"] for any.',
                "type": "array",
                "items": {"type": "string", "pattern": "^([a-z][a-z0-9_]{0,39}|\\*)$"},
                "minItems": 1,
                "maxItems": 20,
                "uniqueItems": True,
            },
            "filter": {
                "title": "Filter",
                "description": "What a record must fulfil to be chosen; `record` is the record with this field.",
                "type": "string",
                "maxLength": 4000,
            },
            "owned": {
                "title": "Owned",
                "description": "Whether this record is a row of the record it points to.",
                "type": "boolean",
                "default": False,
            },
            "on_delete": {
                "title": "When the record it points to goes to the bin",
                "enum": ["restrict", "clear"],
                "default": "restrict",
            },
        }
    )
    common = USUAL | {"unique"}

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.owned: bool = self.option("owned", False)
        self.on_delete: str = "cascade" if self.owned else self.option("on_delete", "restrict")
        single = self.option("object")
        self._targets: tuple[str, ...] = (single,) if single else tuple(self.option("objects", ()))
        self.several = single is None

    @property
    def targets(self) -> tuple[str, ...]:
        return self._targets

    def check(self) -> Iterable[Problem]:
        if (self.option("object") is None) == (self.option("objects") is None):
            message = mark("A lookup needs either an object or several objects.")
            yield Problem(code="lookup_target", message=message, path="/object")
        if self.several and (self.owned or self.option("filter")):
            message = mark("A lookup to several objects can neither be owned nor have a filter.")
            yield Problem(code="lookup_target", message=message, path="/objects")

    def may_point_to(self, object_name: Any) -> bool:
        """Whether records of that object may be chosen. Whether there is such an object is the record service's."""
        if ANY_OBJECT in self._targets:
            return isinstance(object_name, str) and _NAME.fullmatch(object_name) is not None
        return object_name in self._targets

    def filter_option(self) -> FilterOption | None:
        if not self.option("filter") or self.several:
            return None
        return FilterOption(option="filter", object=self._targets[0], sees_record=True)

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", Id()), ("object", Chars())) if self.several else (("", Id()),)

    def members(self) -> Mapping[str, tuple[Type, str]]:
        return {"id": (STRING, ""), "object": (STRING, "object")} if self.several else {}

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        if not self.several:
            return (value,)
        return (None, None) if value is None else (value["id"], value["object"])

    def from_columns(self, values: Sequence[Any]) -> Any:
        if not self.several or values[0] is None:
            return values[0]
        return {"object": values[1], "id": values[0]}

    def column_source(self, columns: Sequence[str], constants: Constants) -> str:
        return f"{constants(self.from_columns)}(({columns[0]}, {columns[1]}))" if self.several else columns[0]

    def read(self, value: Any) -> Any:
        if not self.several:
            return super().read(value)
        if not isinstance(value, Mapping) or not {"object", "id"} <= value.keys():
            raise rejected(problems.NOT_A_POINTER, parts="object, id")
        if not self.may_point_to(value["object"]):
            raise rejected(problems.NOT_AN_OBJECT, path="/object", object=str(value["object"])[:40])
        return {"object": value["object"], "id": read_id(value["id"], "/id")}

    def write_labelled(self, value: Any, labels: Labels) -> Json:
        if not self.several:
            return super().write_labelled(value, labels)
        label = one_label(labels)
        return {**value, "label": label.label if label else None}

    def dump_labelled_source(self, value: str, label: str, constants: Constants) -> str:
        return (
            f"{{**{value}, 'label': {label}}}"
            if self.several
            else super().dump_labelled_source(value, label, constants)
        )

    def load_source(self, value: str, constants: Constants) -> Sequence[str]:
        if self.several:
            return [f"{value} = {constants(self.read)}({value})"]
        return super().load_source(value, constants)

    def json_schema(self) -> dict[str, Any]:
        if not self.several:
            return super().json_schema()
        known = {"pattern": _NAME.pattern} if ANY_OBJECT in self._targets else {"enum": list(self._targets)}
        properties = {"object": {"type": "string", **known}, "id": dict(ID_SCHEMA)}
        return {"type": "object", "properties": properties, "required": ["object", "id"]}

    def output_schema(self) -> dict[str, Any]:
        if not self.several:
            return super().output_schema()
        properties = {"object": {"type": "string"}, **LABELLED_SCHEMA["properties"]}
        return {"type": "object", "properties": properties, "required": ["object", "id", "label"]}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "lookup", "objects": list(self._targets), "filtered": self.filter_option() is not None}

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return f"{value['object']}:{value['id']}" if self.several else str(value)

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        bare = text.strip()
        if bare in fmt.empty or not self.several:
            return None if bare in fmt.empty else self.read(bare)
        target, _, identity = bare.partition(":")
        return self.read({"object": target, "id": identity})


class UserType(PointerType):
    """A person who signs in."""

    name = "user"
    label = MappingProxyType({"en": "Person", "zh-Hans": "人员", "zh-Hant": "人員"})
    group = "people"
    icon = "user"
    common = USUAL | {"unique"}
    target: ClassVar[str] = "user"

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target,)

    def references(self) -> Iterable[Reference]:
        return (Reference(path="/type", kind="object", name=self.target),)

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": self.target, "objects": [self.target], "filtered": False}


class TeamType(UserType):
    """A team of people."""

    name = "team"
    label = MappingProxyType({"en": "Team", "zh-Hans": "团队", "zh-Hant": "團隊"})
    icon = "users"
    target = "team"
