"""Choices: yes or no, one option, several options.

An option has a stable value and labels; a retired option stays readable where it was chosen before, but cannot be
newly chosen. Several options are kept in the order of the definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import sqlalchemy as sa

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field, FieldType, Scope
from fieldstone.objects.fieldtypes.declaration import USUAL, Declaration, MigrationClass
from fieldstone.objects.fieldtypes.operators import (
    EQUALITY,
    EXCLUDES,
    INCLUDES,
    IS_EMPTY,
    IS_FALSE,
    IS_FILLED,
    IS_TRUE,
    PRESENCE,
)
from fieldstone.objects.fieldtypes.problems import Problem, Rejected, rejected
from fieldstone.objects.fieldtypes.source import Constants
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat
from fieldstone.platform.database.types import Chars, Json
from fieldstone.platform.kernel.text import LOCALES, localized
from fieldstone.rules.expressions.types import BOOL, STRING, Type, list_of

_YES_NO = {"en": ("No", "Yes"), "zh-Hans": ("否", "是"), "zh-Hant": ("否", "是")}
_TEXT: Mapping[str, Any] = {
    "oneOf": [
        {"type": "string", "maxLength": 200},
        {
            "type": "object",
            "propertyNames": {"enum": list(LOCALES)},
            "additionalProperties": {"type": "string", "maxLength": 200},
            "minProperties": 1,
        },
    ]
}
OPTIONS_SCHEMA: Mapping[str, Any] = {
    "title": "Options",
    "type": "array",
    "minItems": 1,
    "maxItems": 1000,
    "items": {
        "type": "object",
        "properties": {
            "value": {"type": "string", "minLength": 1, "maxLength": 80, "pattern": r"^[^\x00-\x1f\x7f]+$"},
            "label": _TEXT,
            "color": {"type": "string", "maxLength": 20, "pattern": "^(#[0-9a-fA-F]{6}|[a-z]+)$"},
            "retired": {"type": "boolean"},
            "description": _TEXT,
        },
        "required": ["value"],
        "additionalProperties": False,
    },
}


class BooleanType(FieldType):
    """Yes or no. A new record has no unless the definition says otherwise."""

    name = "boolean"
    label = MappingProxyType({"en": "Yes or no", "zh-Hans": "是/否", "zh-Hant": "是/否"})
    group = "choice"
    icon = "checkbox"
    operators = (IS_TRUE, IS_FALSE, IS_EMPTY, IS_FILLED)
    groupable = True

    def expression_type(self) -> Type:
        return BOOL

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", sa.Boolean()),)

    def initial(self) -> Any:
        return False

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise rejected(problems.NOT_A_BOOLEAN)
        return value

    def load_source(self, value: str, constants: Constants) -> Sequence[str]:
        return [f"if {value} is not True and {value} is not False:", "    raise Doubt"]

    def literal(self, value: Any) -> str:
        return "true" if value else "false"

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        no, yes = _YES_NO.get(locale, _YES_NO["en"])
        return {"kind": "checkbox", "yes": yes, "no": no}

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return _YES_NO.get(locale, _YES_NO["en"])[bool(value)]

    def search_text(self, value: Any) -> str:
        return ""

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return "true" if value else "false"

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        word = text.strip()
        if word in fmt.empty:
            return None
        if word.casefold() in fmt.yes:
            return True
        if word.casefold() in fmt.no:
            return False
        raise rejected(problems.NOT_A_BOOLEAN)


class Options(FieldType):
    """What both choice types share."""

    group = "choice"
    groupable = True
    options: ClassVar[Mapping[str, Any]] = MappingProxyType({"options": OPTIONS_SCHEMA})
    needed_options = ("options",)
    aggregates: ClassVar[tuple[str, ...]] = ("count", "count_distinct")

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.choices: Mapping[str, Mapping[str, Any]] = {
            option["value"]: option for option in self.option("options", ()) if isinstance(option, Mapping)
        }
        self.order = {value: rank for rank, value in enumerate(self.choices)}
        self.retired = frozenset(value for value, option in self.choices.items() if option.get("retired"))

    def check(self) -> Iterable[Problem]:
        seen: set[str] = set()
        for index, option in enumerate(self.option("options", ())):
            if option["value"] in seen:
                path = f"/options/{index}/value"
                kind = problems.DUPLICATE
                yield Problem(
                    code="duplicate_option", message=kind.message, path=path, facts={"value": option["value"]}
                )
            seen.add(option["value"])

    def one(self, value: Any, path: str = "") -> str:
        """One of the options. Raises `Rejected`."""
        if not isinstance(value, str):
            raise rejected(problems.NO_OPTION, path=path)
        if value not in self.choices:
            raise rejected(problems.NOT_AN_OPTION, path=path, value=value[:80])
        return value

    def text_of(self, value: str, locale: str) -> str:
        """The option's label; the value itself when the option is gone."""
        option = self.choices.get(value)
        return localized(option.get("label"), locale) or value if option else value

    def value_from(self, text: str) -> str:
        """The option whose value or label, in any language, is `text`. Raises `Rejected`."""
        wanted = text.strip()
        if wanted in self.choices:
            return wanted
        for value, option in self.choices.items():
            label = option.get("label", "")
            names = (label,) if isinstance(label, str) else label.values()
            if any(name.casefold() == wanted.casefold() for name in (*names, value)):
                return value
        raise rejected(problems.NOT_AN_OPTION, value=wanted[:80])

    def shown_options(self, locale: str) -> list[dict[str, Any]]:
        """The options for a widget, in order."""
        return [
            {
                "value": value,
                "label": self.text_of(value, locale),
                "color": option.get("color", ""),
                "retired": value in self.retired,
            }
            for value, option in self.choices.items()
        ]

    @property
    def current(self) -> list[str]:
        """The values that may be chosen."""
        return [value for value in self.choices if value not in self.retired]

    def lost_values(self, other: FieldType) -> Sequence[Any]:
        before = other.choices if isinstance(other, Options) else {}
        return [value for value in before if value not in self.choices]

    def kept_from(self, other: Options) -> MigrationClass:
        """Whether all options of another choice are among these."""
        return "safe" if other.choices.keys() <= self.choices.keys() else "lossy"


class SelectType(Options):
    """One of some options."""

    name = "select"
    label = MappingProxyType({"en": "Choice", "zh-Hans": "单选", "zh-Hant": "單選"})
    icon = "circle-chevron-down"
    common = USUAL | {"unique", "searchable"}
    sort = "rank"
    operators = (*EQUALITY, *PRESENCE)

    def expression_type(self) -> Type:
        return STRING

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", Chars()),)

    def ranks(self) -> Mapping[Any, int]:
        return self.order

    def read(self, value: Any) -> str | None:
        return None if value == "" else self.one(value)

    def check_change(self, before: Any, after: Any) -> Problem | None:
        if after in self.retired and after != before:
            return retired_problem(after)
        return None

    def load_source(self, value: str, constants: Constants) -> Sequence[str]:
        return [f"if type({value}) is not str or {value} not in {constants(self.choices)}:", "    raise Doubt"]

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": self.current}

    def output_schema(self) -> dict[str, Any]:
        return {"type": "string", "examples": self.current[:3]}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "select", "options": self.shown_options(locale)}

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return self.text_of(value, locale)

    def search_text(self, value: Any) -> str:
        return " ".join(dict.fromkeys((value, *(self.text_of(value, locale) for locale in LOCALES))))

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        return None if text.strip() in fmt.empty else self.value_from(text)

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        if isinstance(other, SelectType):
            return self.kept_from(other)
        return super().migrate_from(other)


class MultiSelectType(Options):
    """Several of some options; no option is an empty list."""

    name = "multi_select"
    label = MappingProxyType({"en": "Several choices", "zh-Hans": "多选", "zh-Hant": "多選"})
    icon = "list-check"
    common = USUAL | {"searchable"}
    sort = "none"
    groupable = False
    operators = (INCLUDES, EXCLUDES)
    aggregates = ("count",)

    def expression_type(self) -> Type:
        return list_of(STRING)

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", Json()),)

    def columns(self, field: Field | None, physical: str) -> list[sa.Column[Any]]:
        return [sa.Column(physical, Json(), server_default="[]")]

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        return (value or [],)

    def from_columns(self, values: Sequence[Any]) -> Any:
        return values[0] or []

    def column_source(self, columns: Sequence[str], constants: Constants) -> str:
        return f"({columns[0]} or [])"

    def empty(self) -> Any:
        return []

    def read(self, value: Any) -> list[str]:
        if not isinstance(value, list | tuple):
            raise rejected(problems.NOT_OPTIONS)
        if len(value) > len(self.choices):
            raise rejected(problems.TOO_MANY, max=len(self.choices))
        for index, item in enumerate(value):
            self.one(item, f"/{index}")
            if item in value[:index]:
                raise rejected(problems.DUPLICATE, path=f"/{index}", value=item)
        return self._in_order(list(value))

    def lost_values(self, other: FieldType) -> Sequence[Any]:
        return ()

    def load_source(self, value: str, constants: Constants) -> Sequence[str]:
        return [
            f"if type({value}) is not list or not {constants(frozenset(self.choices).issuperset)}({value}) "
            f"or len({value}) != len({constants(frozenset)}({value})):",
            "    raise Doubt",
            f"{value} = {constants(self._in_order)}({value})",
        ]

    def _in_order(self, value: list[str]) -> list[str]:
        return sorted(value, key=self.order.__getitem__)

    def check_change(self, before: Any, after: Any) -> Problem | None:
        fresh = [value for value in after or () if value in self.retired and value not in (before or ())]
        return retired_problem(fresh[0]) if fresh else None

    def write(self, value: Any) -> list[str]:
        return list(value)

    def dump_source(self, value: str, constants: Constants) -> str:
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "enum": self.current}, "uniqueItems": True}

    def output_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "multiselect", "options": self.shown_options(locale)}

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        mark = ", " if locale == "en" else "、"
        return mark.join(self.text_of(item, locale) for item in value)

    def search_text(self, value: Any) -> str:
        return " ".join(self.text_of(item, locale) for item in value for locale in LOCALES)

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return fmt.separator.join(value)

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        if text.strip() in fmt.empty:
            return []
        parts = [part for part in text.split(fmt.separator) if part.strip()]
        return self.read(list(dict.fromkeys(self.value_from(part) for part in parts)))

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        if isinstance(other, MultiSelectType):
            return self.kept_from(other)
        if isinstance(other, SelectType):
            return "slow" if self.kept_from(other) == "safe" else "lossy"
        return super().migrate_from(other)


def retired_problem(value: str) -> Problem:
    """Says that an option can no longer be chosen."""
    kind = problems.RETIRED_OPTION
    return Problem(code=kind.code, message=kind.message, facts={"value": value})


__all__ = ["BooleanType", "MultiSelectType", "Options", "Rejected", "SelectType"]
