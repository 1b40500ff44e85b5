"""JSON: any structure, within bounds of size and depth."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import orjson
import sqlalchemy as sa

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field, FieldType, Scope
from fieldstone.objects.fieldtypes.declaration import USUAL, Declaration
from fieldstone.objects.fieldtypes.operators import PRESENCE
from fieldstone.objects.fieldtypes.problems import rejected
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat
from fieldstone.platform.database.types import Json
from fieldstone.rules.expressions.types import DYN, Type

MAX_DEPTH = 32
_BAD = re.compile("[\x00\ud800-\udfff]")


class JsonType(FieldType):
    """Any JSON value. Numbers that would lose digits are refused; send them as strings."""

    name = "json"
    label = MappingProxyType({"en": "JSON", "zh-Hans": "JSON", "zh-Hant": "JSON"})
    group = "other"
    icon = "braces"
    sort = "none"
    operators = PRESENCE
    common = USUAL
    options = MappingProxyType(
        {
            "max_bytes": {
                "title": "Largest size",
                "description": "In bytes, as compact JSON.",
                "type": "integer",
                "minimum": 2,
                "maximum": 1_000_000,
                "default": 65_536,
            },
            "max_depth": {"title": "Levels", "type": "integer", "minimum": 1, "maximum": MAX_DEPTH, "default": 16},
        }
    )

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.max_bytes: int = self.option("max_bytes", 65_536)
        self.max_depth: int = self.option("max_depth", 16)

    def expression_type(self) -> Type:
        return DYN

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", Json()),)

    def read(self, value: Any) -> Any:
        plain = self._plain(value, "", self.max_depth)
        if len(orjson.dumps(plain)) > self.max_bytes:
            raise rejected(problems.TOO_BIG, max=self.max_bytes)
        return plain

    def _plain(self, value: Any, path: str, levels: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, int | float | Decimal):
            return self._number(value, path)
        if not isinstance(value, Mapping | list | tuple):
            raise rejected(problems.NOT_JSON, path=path)
        if levels <= 0:
            raise rejected(problems.TOO_DEEP, max=self.max_depth)
        if isinstance(value, Mapping):
            return {
                self._key(key, path): self._plain(item, f"{path}/{pointer(key)}", levels - 1)
                for key, item in value.items()
            }
        return [self._plain(item, f"{path}/{index}", levels - 1) for index, item in enumerate(value)]

    def _key(self, key: Any, path: str) -> str:
        if not isinstance(key, str):
            raise rejected(problems.NOT_JSON, path=path)
        return self._text(key, path)

    def _text(self, text: str, path: str) -> str:
        if _BAD.search(text):
            raise rejected(problems.CHARACTERS, path=path)
        return text

    def _number(self, value: int | float | Decimal, path: str) -> int | float:
        if isinstance(value, int):
            if abs(value) >= 2**53:
                raise rejected(problems.NOT_EXACT, path=path)
            return value
        exact = Decimal(str(value))
        if not exact.is_finite() or abs(exact.adjusted()) > 300 or Decimal(repr(float(exact))) != exact:
            raise rejected(problems.NOT_EXACT, path=path)
        return float(exact)

    def literal(self, value: Any) -> str:
        return orjson.dumps(value).decode()

    def json_schema(self) -> dict[str, Any]:
        return {"description": "Any JSON value."}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "json", "maxlength": self.max_bytes, "rows": 8}

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return self.to_text(value)

    def search_text(self, value: Any) -> str:
        return ""

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return orjson.dumps(value).decode()

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        if text.strip() in fmt.empty:
            return None
        if len(text) > 4 * self.max_bytes:
            raise rejected(problems.TOO_BIG, max=self.max_bytes)
        try:
            return self.read(orjson.loads(text))
        except orjson.JSONDecodeError:
            raise rejected(problems.NOT_JSON) from None


def pointer(key: object) -> str:
    """A key as a step of a JSON pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")
