"""Codes: barcodes, colors, and numbers drawn from a series."""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field, FieldType, Scope
from fieldstone.objects.fieldtypes.declaration import USUAL, Declaration, MigrationClass
from fieldstone.objects.fieldtypes.operators import EQUALITY, PRESENCE
from fieldstone.objects.fieldtypes.problems import Problem, rejected
from fieldstone.objects.fieldtypes.series import NumberSeries
from fieldstone.objects.fieldtypes.text import PlainText

_DIGITS = {"ean13": 13, "ean8": 8, "upca": 12}
_CODE_39 = re.compile(r"[0-9A-Z\-. $/+%]+", re.ASCII)
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})", re.ASCII)


class BarcodeType(PlainText):
    """The text of a barcode or QR code, checked for its symbology."""

    name = "barcode"
    label = MappingProxyType({"en": "Barcode", "zh-Hans": "条码", "zh-Hant": "條碼"})
    group = "text"
    icon = "barcode"
    limit = 1_000
    options = MappingProxyType(
        {
            "symbology": {
                "title": "Symbology",
                "enum": ["any", "qr", "code128", "code39", "ean13", "ean8", "upca"],
                "default": "any",
            }
        }
    )

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.symbology: str = self.option("symbology", "any")

    def normal(self, text: str) -> str:
        return text.strip()

    def read(self, value: Any) -> str | None:
        text = super().read(value)
        if text is None:
            return None
        digits = _DIGITS.get(self.symbology)
        if digits is not None:
            self._check_digits(text, digits)
        elif (self.symbology == "code39" and not _CODE_39.fullmatch(text)) or (
            self.symbology == "code128" and not _PRINTABLE.fullmatch(text)
        ):
            raise rejected(problems.NOT_A_BARCODE, symbology=self.symbology)
        return text

    def _check_digits(self, text: str, digits: int) -> None:
        if len(text) != digits or not (text.isascii() and text.isdigit()):
            raise rejected(problems.NOT_A_BARCODE, symbology=self.symbology)
        total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(text)))
        if total % 10:
            raise rejected(problems.CHECK_DIGIT)

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {**super().widget(field, locale), "kind": "barcode", "symbology": self.symbology}


class ColorType(PlainText):
    """A color as `#rrggbb`."""

    name = "color"
    label = MappingProxyType({"en": "Color", "zh-Hans": "颜色", "zh-Hant": "顏色"})
    group = "text"
    icon = "palette"
    common = USUAL
    operators = (*EQUALITY, *PRESENCE)
    limit = 7

    def normal(self, text: str) -> str:
        color = text.strip().lower()
        if len(color) == 4 and _COLOR.fullmatch(color):
            return "#" + "".join(digit * 2 for digit in color[1:])
        return color

    def read(self, value: Any) -> str | None:
        text = super().read(value)
        if text is not None and not _COLOR.fullmatch(text):
            raise rejected(problems.NOT_A_COLOR, example="#1a7f37")
        return text

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "color"}

    def search_text(self, value: Any) -> str:
        return ""


class AutoNumberType(PlainText):
    """A number that the server draws when the record is created; unique, never changed."""

    name = "auto_number"
    label = MappingProxyType({"en": "Automatic number", "zh-Hans": "自动编号", "zh-Hant": "自動編號"})
    group = "number"
    icon = "hash"
    common = frozenset({"help", "searchable", "sensitive"})
    drawn = True
    needed_options = ("pattern",)
    options = MappingProxyType(
        {
            "pattern": {
                "title": "Pattern",
                "description": "Such as WO-{YYYY}-{00000}; {YYYY}, {YY}, {MM}, {DD} are the date, zeros the counter.",
                "type": "string",
                "minLength": 3,
                "maxLength": 80,
            },
            "start": {"title": "First number", "type": "integer", "minimum": 0, "default": 1},
        }
    )

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.pattern = None
        self.series = NumberSeries(pattern=self.option("pattern", ""), start=self.option("start", 1))

    def check(self) -> Iterable[Problem]:
        message = self.series.problem()
        if message is not None:
            facts = {"example": "{0000}", "tokens": "{YYYY}, {YY}, {MM}, {DD}, {0000}"}
            yield Problem(code="bad_pattern", message=message, path="/pattern", facts=facts)

    def number_series(self) -> NumberSeries:
        return self.series

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "readOnly": True}

    def output_schema(self) -> dict[str, Any]:
        return {"type": "string", "readOnly": True}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "readonly"}

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        return "safe" if isinstance(other, PlainText) else super().migrate_from(other)
