"""Codes: barcodes, colors, and numbers drawn from a series."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field, FieldType, Scope
from fieldstone.objects.fieldtypes.declaration import USUAL, Declaration, MigrationClass
from fieldstone.objects.fieldtypes.operators import EQUALITY, PRESENCE
from fieldstone.objects.fieldtypes.problems import Problem, rejected
from fieldstone.objects.fieldtypes.text import PlainText

_DIGITS = {"ean13": 13, "ean8": 8, "upca": 12}
_CODE_39 = re.compile(r"[0-9A-Z\-. $/+%]+", re.ASCII)
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_COLOR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})", re.ASCII)
_TOKEN = re.compile(r"\{(YYYY|YY|MM|DD|0{1,12})\}")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberPattern:
    """How numbers of a series look: `WO-{YYYY}-{00000}`.

    `{YYYY}`, `{YY}`, `{MM}` and `{DD}` are the day of drawing; `{0000}` is the counter, filled up with zeros. The
    counter starts anew in each period: a day, month or year, whichever is the smallest in the pattern.
    """

    source: str

    def problem(self) -> str | None:
        """What is wrong with it, as an English template."""
        counters = [token for token in _TOKEN.findall(self.source) if token.startswith("0")]
        if len(counters) != 1:
            return "The pattern needs one counter, such as {example}."
        if "{" in _TOKEN.sub("", self.source) or "}" in _TOKEN.sub("", self.source):
            return "The pattern may hold only {tokens}."
        return None

    def period(self, day: date) -> str:
        """The name of the period of that day, under which its counter is kept; "" when it never starts anew."""
        tokens = set(_TOKEN.findall(self.source))
        if "DD" in tokens:
            return day.isoformat()
        if "MM" in tokens:
            return day.isoformat()[:7]
        return day.isoformat()[:4] if tokens & {"YYYY", "YY"} else ""

    def write(self, counter: int, day: date) -> str:
        """The number with that counter, drawn on that day."""
        year, month, day_of_month = day.isoformat().split("-")
        dates = {"YYYY": year, "YY": year[2:], "MM": month, "DD": day_of_month}
        return _TOKEN.sub(
            lambda match: dates.get(match.group(1)) or str(counter).zfill(len(match.group(1))), self.source
        )


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
        self.series = NumberPattern(source=self.option("pattern", ""))
        self.start: int = self.option("start", 1)

    def check(self) -> Iterable[Problem]:
        message = self.series.problem()
        if message is not None:
            facts = {"example": "{0000}", "tokens": "{YYYY}, {YY}, {MM}, {DD}, {0000}"}
            yield Problem(code="bad_pattern", message=message, path="/pattern", facts=facts)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "readOnly": True}

    def output_schema(self) -> dict[str, Any]:
        return {"type": "string", "readOnly": True}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "readonly"}

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        return "safe" if isinstance(other, PlainText) else super().migrate_from(other)
