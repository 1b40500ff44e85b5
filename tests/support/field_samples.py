"""Samples of every field type for the contract test: one entry a type, so that a new type without samples fails.

`options` declare the field. `json` are values as the API takes them and, second, as it answers them (left out when the
same). `ordered` are JSON values in the order in which lists sort them. `hostile` are further JSON values that must be
refused; those of `HOSTILE` are refused or accepted by every type, but never make an exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

ID = "0190d5f0-0000-7000-8000-000000000001"
OTHER = "0190d5f0-0000-7000-8000-000000000002"


@dataclass(frozen=True)
class Same:
    """A value that is answered as it was sent."""

    value: Any


@dataclass(frozen=True, kw_only=True)
class Samples:
    """What one type is tested with."""

    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    json: Sequence[tuple[Any, Any]]
    ordered: Sequence[Any] = ()
    hostile: Sequence[Any] = ()
    text: bool = True


def same(*values: Any) -> list[tuple[Any, Any]]:
    return [(value, value) for value in values]


OPTIONS = {
    "options": [
        {"value": "new", "label": {"en": "New", "zh-Hans": "新建"}},
        {"value": "open", "label": "Open", "color": "blue"},
        {"value": "done", "label": "Done", "retired": True},
    ]
}

SAMPLES: Mapping[str, Samples] = {
    "text": Samples(
        json=[*same("Leak in room 3", "漏水", "a'b\"c;--", "{{ 7*7 }}"), ("   ", None), ("", None)],
        ordered=["A", "Z", "a", "é", "水"],
        hostile=["a\nb", "x" * 256, "tab\there", "a\u2028b"],
    ),
    "long_text": Samples(
        json=[*same("one\ntwo\tthree", "说明"), ("a\r\nb\rc", "a\nb\nc")], hostile=["\x1b[31m", "\x08"]
    ),
    "markdown": Samples(json=same("# Title\n\n<script>alert(1)</script>")),
    "integer": Samples(
        json=[*same(0, -1, 2**53 - 1), (Decimal("5"), 5), (Decimal("5.0"), 5)],
        ordered=[-(2**53) + 1, -2, 0, 1, 10, 2**53 - 1],
        hostile=[2**53, 10**400, "5", 1.5, True, Decimal("1.5"), Decimal("1e90")],
    ),
    "decimal": Samples(
        options={"precision": 10, "scale": 3},
        json=[("1.5", "1.500"), ("-0", "0.000"), (7, "7.000"), (Decimal("1.250"), "1.250"), ("1e2", "100.000")],
        ordered=["-10", "-9.999", "0", "0.001", "2", "10"],
        hostile=["1.2345", "12345678", "1_000", "١٢", "", "NaN", "Infinity", Decimal("NaN"), 0.5, True, "1e999"],
    ),
    "currency": Samples(
        json=[
            ({"amount": "5000", "currency": "USD"}, {"amount": "5000.00", "currency": "USD"}),
            ({"amount": Decimal("0.10"), "currency": "CNY"}, {"amount": "0.10", "currency": "CNY"}),
        ],
        ordered=[{"amount": amount, "currency": "EUR"} for amount in ("-3", "0", "0.01", "20", "100")],
        hostile=[
            {"amount": "1", "currency": "ABC"},
            {"amount": "1", "currency": "usd"},
            {"amount": "1.001", "currency": "USD"},
            {"currency": "USD"},
            {"amount": "1", "currency": "USD", "rate": 2},
            {"amount": "1", "currency": 5},
        ],
    ),
    "percent": Samples(json=[("12.5", "12.50"), (0, "0.00")], ordered=["-1", "0", "12.5", "100"], hostile=["12.555"]),
    "rating": Samples(options={"max": 5}, json=same(1, 5), ordered=[1, 2, 5], hostile=[0, 6, "3"]),
    "boolean": Samples(json=same(True, False), ordered=[False, True], hostile=["true", 1, 0]),
    "select": Samples(options=OPTIONS, json=[*same("new", "open"), ("", None)], hostile=["New", "other"]),
    "multi_select": Samples(
        options=OPTIONS,
        json=[*same(["new"], []), (["open", "new"], ["new", "open"])],
        hostile=[["new", "new"], ["other"], "new", [["new"]], {"new": 1}],
    ),
    "date": Samples(
        json=same("2026-03-31", "0001-01-01", "9999-12-31"),
        ordered=["0001-01-01", "2025-12-31", "2026-01-01"],
        hostile=[
            "2026-02-30",
            "31.03.2026",
            "20260331",
            "2026-W14-2",
            "10000-01-01",
            "2026-03-31T00:00:00Z",
            ""[:0] + "x",
        ],
    ),
    "datetime": Samples(
        json=[
            ("2026-03-31T14:30:00Z", "2026-03-31T14:30:00Z"),
            ("2026-03-31T14:30:00+08:00", "2026-03-31T06:30:00Z"),
            ("2026-03-31t14:30:00.123456z", "2026-03-31T14:30:00.123456Z"),
        ],
        ordered=[
            "1900-01-01T00:00:00Z",
            "2026-03-31T14:30:00Z",
            "2026-03-31T14:30:00.000001Z",
            "2026-03-31T23:30:00-08:00",
        ],
        hostile=[
            "2026-03-31T14:30:00",
            "2026-03-31",
            "2026-13-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00+14:00",
        ],
    ),
    "time": Samples(
        json=[*same("09:30:00", "23:59:59.500000"), ("09:30", "09:30:00")],
        ordered=["00:00", "09:30", "09:30:01", "23:59"],
        hostile=["24:00", "9:30", "09:30Z", "noon"],
    ),
    "duration": Samples(
        json=[*same("PT1H30M", "P1DT2H", "PT0S", "PT0.5S"), ("P2W", "P14D"), ("PT90M", "PT1H30M")],
        ordered=["PT0S", "PT59M", "PT1H", "P1D"],
        hostile=["P1M", "P1Y", "-PT1H", "1h", "P", "PT", "P99999W", "PT1H30"],
    ),
    "email": Samples(
        json=[*same("ann@example.com"), ("Ann@EXAMPLE.com", "Ann@example.com")],
        ordered=["a@x.org", "b@a.org"],
        hostile=["ann", "a@b", "a b@c.de", "a@b.de\nBcc: x@y.de", "<a@b.de>", "a@@b.de"],
    ),
    "phone": Samples(
        json=[*same("+12125550123"), ("+1 (212) 555-0123", "+12125550123"), ("+86 10 6552 9988", "+861065529988")],
        ordered=["+12125550123", "+4930123456"],
        hostile=["12125550123", "+1", "call me", "+999 1234567"],
    ),
    "url": Samples(
        json=same("https://example.com/a?b=c#d", "http://127.0.0.1:8000", "mailto:ann@example.com"),
        ordered=["http://a.org", "https://a.org"],
        hostile=[
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil.org",
            "https://",
            "http://[::1",
            "https://a b",
            "file:///etc",
        ],
    ),
    "auto_number": Samples(
        options={"pattern": "WO-{YYYY}-{00000}"}, json=same("WO-2026-00001"), ordered=["WO-1", "WO-2"]
    ),
    "barcode": Samples(
        options={"symbology": "ean13"},
        json=same("4006381333931"),
        hostile=["4006381333932", "400638133393", "४००६३८१३३३९३१"],
    ),
    "color": Samples(json=[*same("#1a7f37"), ("#FFF", "#ffffff")], hostile=["red", "#12345", "#gggggg"]),
    "lookup": Samples(options={"object": "customer"}, json=same(ID), hostile=["1", "x" * 36, {"id": 5}, ["a"]]),
    "user": Samples(json=same(ID, OTHER), hostile=["me"]),
    "team": Samples(json=same(ID), hostile=[ID + "0"]),
    "many_to_many": Samples(options={"object": "skill"}, json=same([ID, OTHER], []), hostile=[[ID, ID], [5], ID]),
    "child": Samples(
        options={"object": "line", "field": "order"}, json=same([{"amount": 1}], []), hostile=[[1], {}], text=False
    ),
    "file": Samples(json=same(ID), hostile=["../../etc/passwd"]),
    "image": Samples(json=same(ID)),
    "signature": Samples(json=same(ID)),
    "geolocation": Samples(
        json=[
            *same({"lat": 51.5, "lon": -0.125}, {"lat": -90.0, "lon": 180.0}, {"lat": 1e-07, "lon": 0.1}),
            ({"lat": Decimal("31.2304"), "lon": 121}, {"lat": 31.2304, "lon": 121.0}),
        ],
        hostile=[
            {"lat": 91, "lon": 0},
            {"lat": 0},
            {"lat": "1", "lon": 2},
            {"lat": 1, "lon": 2, "datum": "NAD27"},
            {"lat": 1, "lon": 2, "alt": 3},
            {"lat": Decimal("NaN"), "lon": 0},
            {"lat": float("nan"), "lon": 0},
            {"lat": 10**400, "lon": 0},
            [1, 2],
        ],
    ),
    "address": Samples(
        json=[
            (
                {"street": "1 Main St", "city": "Springfield", "country": "us"},
                {"street": "1 Main St", "city": "Springfield", "region": None, "postcode": None, "country": "US"},
            ),
            ({}, None),
            ({"city": "  "}, None),
        ],
        hostile=[
            {"country": "Atlantis"},
            {"planet": "Mars"},
            {"city": "a\nb"},
            {"street": "x" * 401},
            {"city": 5},
            "Main St",
        ],
    ),
    "json": Samples(
        json=[
            *same({"a": [1, "two", None, {"b": True}]}, [], "text", False, 0),
            ({"price": Decimal("1.5")}, {"price": 1.5}),
        ],
        hostile=[2**60, Decimal("0.1234567890123456789"), {"a": "\ud800"}, "x" * 70_000],
    ),
    "formula": Samples(
        options={"expression": "1 + 1", "value_type": "decimal", "scale": 2},
        json=[("3", "3.00")],
        ordered=["-1", "0", "5"],
    ),
    "roll_up": Samples(
        options={"object": "line", "field": "order", "function": "count"}, json=same(3), ordered=[0, 1, 20]
    ),
}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


HOSTILE: Sequence[Any] = (
    "\x00",
    "\ud800",
    "x" * 2_000_000,
    "1" * 100_000,
    10**1000,
    -(10**30),
    Decimal("1e1000000"),
    Decimal("1e-1000000"),
    Decimal("NaN"),
    Decimal("-Infinity"),
    Decimal("sNaN"),
    float("nan"),
    float("inf"),
    True,
    [],
    {},
    [None],
    {"": None},
    {"id": None, "amount": None, "lat": None},
    {"amount": {"amount": 1}},
    nested(60),
    [[[]]] * 5_000,
    {str(number): number for number in range(5_000)},
    "2026-99-99T99:99:99Z",
    "P999999999999999999D",
    "{{7*7}}",
    "'; DROP TABLE x; --",
)
