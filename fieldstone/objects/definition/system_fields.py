"""The fields that every record has.

What goes out: their names and declarations, in the order in which tables hold them. Who calls it: the compiler of
objects and its checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.objects.fieldtypes.base import Declaration, Field, FieldType
from fieldstone.objects.fieldtypes.lookups import PointerType
from fieldstone.platform.database.types import Id
from fieldstone.rules.expressions.types import STRING, Type

SYSTEM_FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "id": {"type": "id", "label": {"en": "Id", "zh-Hans": "标识", "zh-Hant": "識別碼"}},
    "revision": {"type": "integer", "label": {"en": "Revision", "zh-Hans": "修订号", "zh-Hant": "修訂號"}},
    "created_at": {"type": "datetime", "label": {"en": "Created", "zh-Hans": "创建时间", "zh-Hant": "建立時間"}},
    "created_by": {"type": "user", "label": {"en": "Created by", "zh-Hans": "创建人", "zh-Hant": "建立者"}},
    "updated_at": {"type": "datetime", "label": {"en": "Changed", "zh-Hans": "修改时间", "zh-Hant": "修改時間"}},
    "updated_by": {"type": "user", "label": {"en": "Changed by", "zh-Hans": "修改人", "zh-Hant": "修改者"}},
    "owner": {"type": "user", "label": {"en": "Owner", "zh-Hans": "负责人", "zh-Hant": "負責人"}},
    "record_type": {"type": "text", "label": {"en": "Record type", "zh-Hans": "记录类型", "zh-Hant": "記錄類型"}},
    "deleted_at": {
        "type": "datetime",
        "label": {"en": "In the bin since", "zh-Hans": "删除时间", "zh-Hant": "刪除時間"},
    },
    "title": {"type": "text", "label": {"en": "Title", "zh-Hans": "标题", "zh-Hant": "標題"}},
}
"""Their declarations; the names are API names and names of columns."""

SEARCH_COLUMN: Final = "search"
"""The column of search tokens; it is no field."""
WRITABLE_SYSTEM_FIELDS: Final = frozenset({"owner", "record_type"})
"""System fields that a caller may send."""
REDECLARABLE: Final = frozenset({"title"})
"""System fields whose API name an object may take for a field of its own."""


class IdType(PointerType):
    """The id of the record itself."""

    name = "id"
    label = {"en": "Id"}
    labelled = False
    sort = "value"

    @property
    def targets(self) -> tuple[str, ...]:
        return ()

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", Id()),)

    def expression_type(self) -> Type:
        return STRING

    def variable(self, value: Any) -> Any:
        return value

    def output_schema(self) -> dict[str, Any]:
        return self.json_schema()

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "readonly"}


def declarations(object_name: str) -> list[Declaration]:
    """The declarations of all system fields of an object."""
    return [Declaration(object=object_name, name=name, body=body) for name, body in SYSTEM_FIELDS.items()]


__all__ = ["FieldType", "IdType"]
