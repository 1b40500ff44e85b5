"""Small values around field types: how a field is declared, labels of records, filter options.

Who calls it: every file of this package, and the rooms that bind types to declarations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from fieldstone.platform.kernel.text import Text

Json: TypeAlias = Any
"""JSON values, and `date`, `datetime` (UTC) and `time`, which orjson writes as RFC 3339."""
SortKind: TypeAlias = Literal["none", "value", "label", "rank"]
"""How a list is sorted by a field: not at all, by its first column, by the label of the record that it points to, or by
the position that `FieldType.ranks` gives each value."""
MigrationClass: TypeAlias = Literal["safe", "slow", "lossy"]

NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})
USUAL = frozenset({"required", "default", "help", "placeholder", "read_only", "sensitive", "tracked"})
"""Options that most types understand; `FieldType.common` names those of a type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A field as written in the definition of `object`."""

    object: str
    name: str
    body: Mapping[str, Any]

    @property
    def label(self) -> Text:
        label: Text = self.body.get("label") or self.name.replace("_", " ").capitalize()
        return label


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The name of a record that a value points to. `object` is what kind of record it is."""

    id: str
    label: str
    object: str = ""


Labels: TypeAlias = Label | Sequence[Label] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterOption:
    """A condition over records of `object`, in the option called `option`.

    With `sees_record` the record that has the field is `record` in it.
    """

    option: str
    object: str
    sees_record: bool = False


def column_name(physical: str, suffix: str) -> str:
    """The name of a column of a field: the field's physical name, and `__suffix` unless that is empty."""
    return f"{physical}__{suffix}" if suffix else physical


def quoted(text: str) -> str:
    """A string literal of the rule language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
