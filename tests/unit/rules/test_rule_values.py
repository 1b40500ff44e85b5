"""Texts with values, and values that leave the house as JSON."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldstone.rules.engine.messages import message, placeholders, written
from fieldstone.rules.engine.paths import read, record_ids
from fieldstone.rules.engine.payload import duration_text, jsonable
from fieldstone.rules.expressions.values import Money

UTC_ZONE = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("value", "locale", "text"),
    [
        (None, "en", ""),
        (True, "en", "yes"),
        (False, "zh-Hans", "否"),
        (1234567, "en", "1,234,567"),
        (Decimal("1234.567891"), "en", "1,234.567891"),
        (Money(Decimal("1234.5"), "USD"), "en", "$1,234.50"),
        (Money(Decimal("1234.5"), "CNY"), "zh-Hans", "¥1,234.50"),
        (date(2026, 3, 4), "en", "Mar 4, 2026"),
        (date(2026, 3, 4), "zh-Hans", "2026年3月4日"),
        (date(2026, 3, 4), "zh-Hant", "2026年3月4日"),
        ("plain {text}", "en", "plain {text}"),
        (["a", Decimal(2)], "en", "a, 2"),
        ({"id": "1", "name": "Ann"}, "en", "Ann"),
        ({"id": "1", "title": "No 5", "name": "Ann"}, "en", "No 5"),
        ({"id": "1"}, "en", "1"),
        ({}, "en", ""),
        (timedelta(hours=2), "en", "2 hours"),
    ],
)
def test_values_are_written_as_each_language_writes_them(value: Any, locale: str, text: str) -> None:
    assert written(value, locale, UTC_ZONE) == text


def test_times_are_those_of_the_readers_clock() -> None:
    assert written(time(13, 5), "zh-Hans", UTC_ZONE) == "13:05"
    moment = datetime(2026, 3, 4, 23, 6, tzinfo=UTC)
    assert written(moment, "zh-Hans", ZoneInfo("Asia/Shanghai")) == "2026/3/5 07:06"
    assert written(moment, "zh-Hans", UTC_ZONE) == "2026/3/4 23:06"


def test_only_whole_names_are_placeholders() -> None:
    assert placeholders("{a} {b.c} {_x} {A} {a.} {0} {a!r} {a:>9} {a[0]} {} {{a}}") == {"a", "b.c"}
    assert placeholders({"en": "{a}", "zh-Hans": "{b}"}) == {"a", "b"}


@given(st.text(max_size=40), st.text(max_size=20))
def test_values_are_never_read_as_placeholders(template: str, value: str) -> None:
    made = message(template + "{subject}")
    filled = made.filled({"subject": value, "secret": "SECRET"}, UTC_ZONE)
    assert isinstance(filled, str)
    assert filled.endswith(value)
    assert "SECRET" not in filled or "secret" in template


def test_a_text_without_placeholders_stays_as_it_is() -> None:
    text = {"en": "{not a name}", "zh-Hans": "好"}
    assert message(text).filled({}, UTC_ZONE) is text


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (None, None),
        (True, True),
        (3, 3),
        ("x", "x"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"),
        (Money(Decimal("9.90"), "EUR"), {"amount": "9.90", "currency": "EUR"}),
        (date(2026, 3, 4), "2026-03-04"),
        (time(1, 2, 3), "01:02:03"),
        (datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=8))), "2026-03-03T21:06:07Z"),
        (timedelta(minutes=90), "PT1H30M"),
        ({"id": "c1", "name": "x"}, "c1"),
        ({"a": Decimal(1)}, {"a": "1"}),
        ([{"id": "c1"}, {"id": "c2"}], ["c1", "c2"]),
        ((1, Decimal(2)), [1, "2"]),
    ],
)
def test_values_leave_as_the_api_writes_them(value: Any, json: Any) -> None:
    assert jsonable(value) == json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(), "PT0S"),
        (timedelta(days=1), "P1D"),
        (timedelta(days=1, seconds=1), "P1DT1S"),
        (timedelta(milliseconds=500), "PT0.5S"),
        (timedelta(milliseconds=-1500), "-PT1.5S"),
        (timedelta(hours=25, minutes=1), "P1DT1H1M"),
        (timedelta(seconds=60), "PT1M"),
    ],
)
def test_durations_are_iso_8601(value: timedelta, text: str) -> None:
    assert duration_text(value) == text


@given(st.timedeltas(min_value=timedelta(days=-40000), max_value=timedelta(days=40000)))
def test_durations_keep_every_microsecond(value: timedelta) -> None:
    found = re.fullmatch(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?", duration_text(value))
    assert found
    sign, days, hours, minutes, seconds, fraction = found.groups()
    total = timedelta(
        days=int(days or 0),
        hours=int(hours or 0),
        minutes=int(minutes or 0),
        seconds=int(seconds or 0),
        microseconds=int((fraction or "").ljust(6, "0") or 0),
    )
    assert (-total if sign else total) == value


def test_paths_stop_at_what_is_empty() -> None:
    record = {"a": {"b": {"c": 1}}, "d": None, "e": 5}
    assert read(record, ("a", "b", "c")) == 1
    assert [read(record, path) for path in (("d", "x"), ("e", "x"), ("a", "x", "y"), ("nope",))] == [None] * 4


def test_ids_are_found_in_every_form_of_a_lookup() -> None:
    assert record_ids(None) == ()
    assert record_ids("a") == ("a",)
    assert record_ids({"id": "a", "name": "x"}) == ("a",)
    assert record_ids({"id": None}) == ()
    assert record_ids(["a", {"id": "b"}, None]) == ("a", "b")
