"""Places: a point on the map, and a postal address.

Points are kept in WGS-84 degrees. A point sent with a `datum` of GCJ-02 or BD-09 (as Chinese maps give them) is
converted on the way in. Addresses keep each part in a column of its own, so that lists can be filtered by city.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field, FieldType
from fieldstone.objects.fieldtypes.datum import to_wgs84
from fieldstone.objects.fieldtypes.declaration import USUAL, MigrationClass, quoted
from fieldstone.objects.fieldtypes.formats import babel_locale
from fieldstone.objects.fieldtypes.operators import CONTAINS, PRESENCE
from fieldstone.objects.fieldtypes.problems import rejected
from fieldstone.objects.fieldtypes.source import Constants
from fieldstone.objects.fieldtypes.text import PlainText
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat
from fieldstone.platform.database.types import Chars
from fieldstone.rules.expressions.types import DOUBLE, STRING, Type, map_of

PARTS = ("street", "city", "region", "postcode", "country")
_LIMITS = {"street": 400, "city": 120, "region": 120, "postcode": 20, "country": 2}
_PAIR = re.compile(r"\(?\s*([+-]?\d{1,3}(?:\.\d{1,18})?)\s*[,; ]\s*([+-]?\d{1,3}(?:\.\d{1,18})?)\s*\)?", re.ASCII)
_NOT_IN_PART = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class GeolocationType(FieldType):
    """A point in degrees, WGS-84."""

    name = "geolocation"
    label = MappingProxyType({"en": "Location", "zh-Hans": "位置", "zh-Hant": "位置"})
    group = "place"
    icon = "map-pin"
    sort = "none"
    operators = PRESENCE
    common = USUAL

    def expression_type(self) -> Type:
        return map_of(STRING, DOUBLE)

    def members(self) -> Mapping[str, tuple[Type, str]]:
        return {"lat": (DOUBLE, "lat"), "lon": (DOUBLE, "lon")}

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("lat", sa.Double()), ("lon", sa.Double()))

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        return (None, None) if value is None else (value["lat"], value["lon"])

    def from_columns(self, values: Sequence[Any]) -> Any:
        return None if values[0] is None else {"lat": values[0], "lon": values[1]}

    def column_source(self, columns: Sequence[str], constants: Constants) -> str:
        return f"(None if {columns[0]} is None else {{'lat': {columns[0]}, 'lon': {columns[1]}}})"

    def read(self, value: Any) -> dict[str, float]:
        if not isinstance(value, Mapping):
            raise rejected(problems.NOT_A_POINT, parts="lat, lon")
        for name in value:
            if name not in ("lat", "lon", "datum"):
                raise rejected(problems.UNKNOWN_PART, path=f"/{name}")
        lat, lon = degrees(value.get("lat"), 90, "/lat"), degrees(value.get("lon"), 180, "/lon")
        datum = value.get("datum", "WGS-84")
        point = to_wgs84(lat, lon, datum) if isinstance(datum, str) else None
        if point is None:
            raise rejected(problems.DATUM, path="/datum", datum=str(datum)[:20])
        return {"lat": point[0], "lon": point[1]}

    def literal(self, value: Any) -> str:
        return f'{{"lat": {value["lat"]!r}, "lon": {value["lon"]!r}}}'

    def write(self, value: Any) -> dict[str, float]:
        return {"lat": value["lat"], "lon": value["lon"]}

    def dump_source(self, value: str, constants: Constants) -> str:
        return value

    def json_schema(self) -> dict[str, Any]:
        schema = self.output_schema()
        schema["properties"]["datum"] = {"enum": ["WGS-84", "GCJ-02", "BD-09"], "default": "WGS-84"}
        return schema | {"additionalProperties": False}

    def output_schema(self) -> dict[str, Any]:
        properties = {
            "lat": {"type": "number", "minimum": -90, "maximum": 90},
            "lon": {"type": "number", "minimum": -180, "maximum": 180},
        }
        return {"type": "object", "properties": properties, "required": ["lat", "lon"]}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "geolocation"}

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return f"{value['lat']:.5f}, {value['lon']:.5f}"

    def search_text(self, value: Any) -> str:
        return ""

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return f"{number_text(value['lat'])}, {number_text(value['lon'])}"

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        if text.strip() in fmt.empty:
            return None
        found = _PAIR.fullmatch(text.strip())
        if found is None:
            raise rejected(problems.COORDINATES)
        return self.read({"lat": float(found.group(1)), "lon": float(found.group(2))})


def degrees(value: Any, limit: int, path: str) -> float:
    """An angle within +-limit. Raises `Rejected`."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number or (isinstance(value, Decimal) and value.is_finite())) or not -limit <= value <= limit:
        raise rejected(problems.COORDINATES, path=path)
    return float(value) + 0.0


def number_text(value: float) -> str:
    """The shortest text that reads back as the same number, without an exponent."""
    return format(Decimal(repr(value)), "f")


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """ISO 3166 codes of two letters that CLDR knows."""
    codes = map(str, babel_locale("en").territories)
    return frozenset(code for code in codes if len(code) == 2 and code.isalpha())


class AddressType(FieldType):
    """A postal address: street, city, region, postcode, country (ISO 3166)."""

    name = "address"
    label = MappingProxyType({"en": "Address", "zh-Hans": "地址", "zh-Hant": "地址"})
    group = "place"
    icon = "map"
    sort = "value"
    operators = (CONTAINS, *PRESENCE)
    common = USUAL | {"searchable"}

    def expression_type(self) -> Type:
        return map_of(STRING, STRING)

    def members(self) -> Mapping[str, tuple[Type, str]]:
        return {part: (STRING, part) for part in PARTS}

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return tuple((part, Chars()) for part in PARTS)

    def to_columns(self, value: Any) -> tuple[Any, ...]:
        return tuple(None if value is None else value[part] for part in PARTS)

    def from_columns(self, values: Sequence[Any]) -> Any:
        return None if all(value is None for value in values) else dict(zip(PARTS, values, strict=True))

    def read(self, value: Any) -> dict[str, str | None] | None:
        if not isinstance(value, Mapping):
            raise rejected(problems.NOT_AN_ADDRESS)
        for name in value:
            if name not in PARTS:
                raise rejected(problems.UNKNOWN_PART, path=f"/{name}")
        parts = {part: self._part(part, value.get(part)) for part in PARTS}
        return parts if any(parts.values()) else None

    def _part(self, part: str, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise rejected(problems.NOT_A_TEXT, path=f"/{part}")
        text = value.strip().replace("\r\n", "\n")
        if part == "country" and text:
            text = country_of(text)
        if len(text) > _LIMITS[part]:
            raise rejected(problems.TOO_LONG, path=f"/{part}", max=_LIMITS[part])
        if _NOT_IN_PART.search(text) or ("\n" in text and part != "street"):
            raise rejected(problems.CHARACTERS, path=f"/{part}")
        return text or None

    def literal(self, value: Any) -> str:
        pairs = ", ".join(f"{quoted(part)}: {quoted(text)}" for part, text in value.items() if text is not None)
        return f"{{{pairs}}}"

    def write(self, value: Any) -> dict[str, str | None]:
        return dict(value)

    def dump_source(self, value: str, constants: Constants) -> str:
        return value

    def json_schema(self) -> dict[str, Any]:
        properties = {part: {"type": ["string", "null"], "maxLength": _LIMITS[part]} for part in PARTS}
        return {"type": "object", "properties": properties, "additionalProperties": False}

    def output_schema(self) -> dict[str, Any]:
        properties = {part: {"type": ["string", "null"]} for part in PARTS}
        return {"type": "object", "properties": properties, "required": list(PARTS)}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "address", "parts": list(PARTS)}

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        country = value["country"]
        shown = babel_locale(locale).territories.get(country, country) if country else None
        lines = " ".join(filter(None, (value["postcode"], value["city"])))
        parts = [value["street"], lines, value["region"], shown]
        ordered = parts if locale == "en" else parts[::-1]
        return ("，" if locale != "en" else ", ").join(part.replace("\n", ", ") for part in ordered if part)

    def search_text(self, value: Any) -> str:
        return " ".join(text for text in value.values() if text)

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return " | ".join(value[part] or "" for part in PARTS)

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        if text.strip() in fmt.empty:
            return None
        parts = [part.strip() for part in text.split("|")]
        if len(parts) == 1:
            return self.read({"street": parts[0]})
        if len(parts) != len(PARTS):
            raise rejected(problems.ADDRESS_PARTS, parts="street | city | region | postcode | country")
        return self.read(dict(zip(PARTS, parts, strict=True)))

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        if isinstance(other, AddressType):
            return "safe"
        return "slow" if isinstance(other, PlainText) and other.max_length <= _LIMITS["street"] else None


def country_of(text: str) -> str:
    """The code of a country given by code or by its English or Chinese name. Raises `Rejected`."""
    if text.upper() in countries():
        return text.upper()
    for locale in ("en", "zh-Hans", "zh-Hant"):
        for code, name in babel_locale(locale).territories.items():
            if code in countries() and name.casefold() == text.casefold():
                return str(code)
    raise rejected(problems.COUNTRY_UNKNOWN, path="/country", country=text[:40])
