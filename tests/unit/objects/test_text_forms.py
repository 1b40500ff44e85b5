"""Values as people and spreadsheets write them: import formats, spreadsheet cells, display in three languages."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fieldstone.objects.fieldtypes.problems import Rejected
from fieldstone.objects.fieldtypes.texts import TextFormat, cell_text
from fieldstone.rules.expressions.values import Money
from tests.support.field_samples import OPTIONS
from tests.support.objects import bound

DAY_FIRST = TextFormat(
    dates=("%d/%m/%Y", "%d.%m.%y"),
    datetimes=("%d/%m/%Y %H:%M",),
    times=("%I:%M %p",),
    time_zone="Asia/Shanghai",
    decimal_mark=",",
    group_mark=".",
    empty=frozenset({"", "?"}),
)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("date", "29/02/2024", date(2024, 2, 29)),
        ("date", "01.02.24", date(2024, 2, 1)),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("date", "29/02/2024 10:30", date(2024, 2, 29)),
        ("datetime", "29/02/2024 10:30", datetime(2024, 2, 29, 2, 30, tzinfo=UTC)),
        ("datetime", "29/02/2024", datetime(2024, 2, 28, 16, tzinfo=UTC)),
        ("datetime", "2024-02-29T10:30:00Z", datetime(2024, 2, 29, 10, 30, tzinfo=UTC)),
        ("datetime", "2024-02-29 10:30", datetime(2024, 2, 29, 2, 30, tzinfo=UTC)),
        ("time", "02:30 PM", time(14, 30)),
        ("decimal", "1.234,50", Decimal("1234.50")),
        ("decimal", " -7 ", Decimal("-7.00")),
        ("integer", "1.234", 1234),
        ("percent", "12,5 %", Decimal("12.50")),
        ("currency", "USD 1.234,50", Money(Decimal("1234.50"), "USD")),
        ("currency", "99 eur", Money(Decimal("99.00"), "EUR")),
        ("duration", "26:30", timedelta(hours=26, minutes=30)),
        ("duration", "p1dt2h", timedelta(hours=26)),
        ("boolean", "YES", True),
        ("boolean", "否", False),
        ("geolocation", "(51.5, -0.12)", {"lat": 51.5, "lon": -0.12}),
        ("text", "?", None),
        ("long_text", "?", None),
        ("date", "?", None),
        ("json", "?", None),
        ("boolean", "?", None),
    ],
)
def test_cells_are_read_as_the_import_map_says(kind: str, text: str, value: Any) -> None:
    assert bound(kind).from_text(text, DAY_FIRST) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("date", "02/29/2024"),
        ("date", "31/31/2024"),
        ("datetime", "soon"),
        ("decimal", "1,234,5"),
        ("currency", "12 dollars"),
        ("boolean", "maybe"),
        ("duration", "1:75"),
        ("geolocation", "north"),
        ("json", "{"),
        ("child", "x"),
    ],
)
def test_cells_that_cannot_be_read_are_refused(kind: str, text: str) -> None:
    with pytest.raises(Rejected):
        bound(kind, object="line", field="order").from_text(text, DAY_FIRST)


def test_options_are_found_by_value_or_by_label_in_any_language() -> None:
    select, several = bound("select", **OPTIONS), bound("multi_select", **OPTIONS)
    assert [select.from_text(text) for text in ("new", "NEW", "新建", "Open")] == ["new", "new", "new", "open"]
    assert several.from_text("open; New ;new") == ["new", "open"]
    with pytest.raises(Rejected):
        select.from_text("Closed")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (12.0, "12"),
        (0.1, "0.1"),
        (True, "true"),
        (datetime(2024, 2, 29, 10, 30), "2024-02-29T10:30:00"),  # noqa: DTZ001  (spreadsheets have no zones)
        (date(2024, 2, 29), "2024-02-29"),
        (time(9, 30), "09:30:00"),
        (timedelta(hours=26), "PT93600.000000S"),
        ("x", "x"),
    ],
)
def test_typed_cells_become_texts(cell: object, text: str) -> None:
    assert cell_text(cell) == text


def test_typed_cells_become_values() -> None:
    assert bound("integer").from_cell(12.0) == 12
    assert bound("decimal").from_cell(0.1) == Decimal("0.10")
    assert bound("text").from_cell(12.0) == "12"
    assert bound("datetime").from_cell(datetime(2024, 2, 29, 10, 30), DAY_FIRST) == datetime(  # noqa: DTZ001
        2024, 2, 29, 2, 30, tzinfo=UTC
    )
    assert bound("date").from_cell(datetime(2024, 2, 29)) == date(2024, 2, 29)  # noqa: DTZ001
    assert bound("duration").from_cell(timedelta(hours=26)) == timedelta(hours=26)


@pytest.mark.parametrize(
    ("kind", "value", "en", "hans", "hant"),
    [
        ("integer", 1234567, "1,234,567", "1,234,567", "1,234,567"),
        ("decimal", Decimal("1234.50"), "1,234.50", "1,234.50", "1,234.50"),
        ("percent", Decimal("12.50"), "12.50%", "12.50%", "12.50%"),
        ("currency", Money(Decimal("-1234.50"), "CNY"), "-CN¥1,234.50", "-¥1,234.50", "-CN¥1,234.50"),
        ("date", date(2026, 7, 1), "Jul 1, 2026", "2026年7月1日", "2026年7月1日"),
        ("duration", timedelta(hours=26, minutes=5), "1 day 2 hr 5 min", "1天 2小时 5分钟", "1 天 2 小時 5 分鐘"),
        ("duration", timedelta(0), "0 min", "0分钟", "0 分鐘"),
        ("boolean", True, "Yes", "是", "是"),
        ("rating", 4, "4/5", "4/5", "4/5"),
        ("phone", "+12125550123", "+1 212-555-0123", "+1 212-555-0123", "+1 212-555-0123"),
    ],
)
def test_values_are_shown_as_people_write_them(kind: str, value: Any, en: str, hans: str, hant: str) -> None:
    shown = [bound(kind).display(value, locale, "UTC") for locale in ("en", "zh-Hans", "zh-Hant")]
    assert shown == [en, hans, hant]


def test_a_moment_is_shown_in_the_time_zone_of_the_reader() -> None:
    kind = bound("datetime")
    moment = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert kind.display(moment, "zh-Hans", "Asia/Shanghai") == "2026年7月2日 07:30"
    assert kind.display(moment, "en", "no/such zone") == kind.display(moment, "en", "UTC")
    assert "5:30\u202fPM" in kind.display(moment, "en", "America/Denver")


def test_an_address_is_written_in_the_order_of_the_language() -> None:
    kind = bound("address")
    value = kind.read({"street": "1 Main St", "city": "Springfield", "postcode": "12345", "country": "US"})
    assert kind.display(value, "en", "UTC") == "1 Main St, 12345 Springfield, United States"
    assert kind.display(value, "zh-Hans", "UTC").startswith("美国，")
    assert kind.from_text("Germany") == {**dict.fromkeys(value), "street": "Germany"}
    assert kind.from_text("|Berlin|||德国")["country"] == "DE"


def test_a_number_of_its_region_is_shown_without_the_country_code() -> None:
    kind = bound("phone", region="US")
    assert kind.read("(212) 555-0123") == "+12125550123"
    assert kind.display("+12125550123", "en", "UTC") == "(212) 555-0123"
    assert kind.read("+49 30 123456 ext. 12") == "+4930123456;ext=12"


@pytest.mark.parametrize(
    ("pattern", "day", "period", "number"),
    [
        ("WO-{YYYY}-{00000}", date(2026, 3, 31), "2026", "WO-2026-00042"),
        ("{YY}{MM}/{000}", date(2026, 3, 31), "2026-03", "2603/042"),
        ("{YYYY}{MM}{DD}-{0}", date(2026, 3, 31), "2026-03-31", "20260331-42"),
        ("C-{00000}", date(2026, 3, 31), "", "C-00042"),
        ("C-{0}", date(2026, 3, 31), "", "C-42"),
    ],
)
def test_series_start_anew_in_each_period_of_their_pattern(pattern: str, day: date, period: str, number: str) -> None:
    series = bound("auto_number", pattern=pattern).number_series()
    assert series is not None
    assert (series.period(day), series.write(42, day)) == (period, number)


@pytest.mark.parametrize("pattern", ["WO-{YYYY}", "{0}{0}", "WO-{YEAR}-{0}", "{0000", "plain"])
def test_a_pattern_without_exactly_one_counter_or_with_unknown_parts_is_refused(pattern: str) -> None:
    assert [problem.code for problem in bound("auto_number", pattern=pattern).check()] == ["bad_pattern"]


def test_chinese_coordinates_are_converted_on_the_way_in() -> None:
    kind = bound("geolocation")
    gcj = kind.read({"lat": 31.228563, "lon": 121.478263, "datum": "GCJ-02"})
    bd = kind.read({"lat": 31.234571, "lon": 121.484786, "datum": "BD-09"})
    for found in (gcj, bd):
        assert found["lat"] == pytest.approx(31.2305, abs=2e-4)
        assert found["lon"] == pytest.approx(121.4737, abs=2e-4)
    assert kind.read({"lat": 51.5, "lon": -0.1, "datum": "GCJ-02"}) == {"lat": 51.5, "lon": -0.1}


def test_patterns_are_linear_and_fit_the_whole_text() -> None:
    kind = bound("text", pattern="(a+)+")
    assert kind.read("a" * 200) == "a" * 200
    with pytest.raises(Rejected):
        kind.read("a" * 200 + "!")
    with pytest.raises(Rejected) as refused:
        bound("text", pattern="[0-9]+", pattern_message={"en": "Digits only."}).read("12a")
    assert refused.value.problem.message == {"en": "Digits only."}
