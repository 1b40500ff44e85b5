"""What stands for a field whose type is not available, because its plugin is not installed.

It is read-only and always empty; pages and the API go on working, preview says what is missing. The column stays
untouched and is found again when the plugin returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from marshmallow import fields as marshmallow_fields

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field, FieldType
from fieldstone.objects.fieldtypes.declaration import MigrationClass
from fieldstone.objects.fieldtypes.problems import rejected
from fieldstone.objects.fieldtypes.source import Constants
from fieldstone.objects.fieldtypes.typed import NotWritable
from fieldstone.platform.kernel.metadata import Reference
from fieldstone.rules.expressions.types import DYN, Type


class MissingType(FieldType):
    """A field of an unknown type."""

    name = "missing"
    label = MappingProxyType({"en": "Not available", "zh-Hans": "不可用", "zh-Hant": "無法使用"})
    group = "other"
    icon = "puzzle-off"
    sort = "none"
    computed = True
    volatile = True
    common = frozenset(
        {"required", "unique", "default", "help", "placeholder", "pattern", "pattern_message", "min", "max"}
        | {"read_only", "sensitive", "searchable", "tracked"}
    )

    @property
    def wanted(self) -> str:
        """The type that the definition names."""
        return str(self.declaration.body.get("type", ""))

    def references(self) -> Iterable[Reference]:
        return ()

    def expression_type(self) -> Type:
        return DYN

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return ()

    def signature(self) -> str:
        return f"missing:{self.wanted}"

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        return ()

    def from_columns(self, values: Sequence[Any]) -> Any:
        return None

    def column_source(self, columns: Sequence[str], constants: Constants) -> str:
        return "None"

    def read(self, value: Any) -> Any:
        raise rejected(problems.NOT_AVAILABLE)

    def coerce(self, value: Any) -> Any:
        return None

    def marshmallow_field(self) -> marshmallow_fields.Field[Any]:
        return NotWritable()

    def json_schema(self) -> dict[str, Any]:
        return {"readOnly": True}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "readonly"}

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        return "safe"
