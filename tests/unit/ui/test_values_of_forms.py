"""Values of forms: typed text becomes what the API takes, and what was typed comes back into the widgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.types import ObjectType
from fieldstone.ui.records.changes import base_of, changed, of_sent, of_value
from fieldstone.ui.values.decoded import decoded, row_keys
from fieldstone.ui.values.shown import Reader, prose, shown
from fieldstone.ui.values.typed import typed
from fieldstone.ui.values.widgets import short_duration, widget
from tests.support.objects import ObjectSnapshot, body, compiled, field

READER = Reader(locale="en", time_zone="Asia/Hong_Kong")
OPTIONS = [{"value": "a", "label": "Alpha"}, {"value": "b", "label": "Beta"}]
THING = compiled(
    field("name", "text"),
    field("notes", "long_text"),
    field("count", "integer"),
    field("price", "currency", currency="USD"),
    field("rate", "percent"),
    field("active", "boolean"),
    field("kind", "select", options=OPTIONS),
    field("tags", "multi_select", options=OPTIONS),
    field("at", "datetime"),
    field("lasts", "duration"),
    field("place", "geolocation"),
    field("address", "address"),
    field("stars", "rating", max=5),
)


def read(*pairs: tuple[str, str]) -> dict[str, object]:
    return decoded(MultiDict(pairs), THING.own_fields.values(), READER, lambda _: ())


def test_only_what_the_form_has_is_sent() -> None:
    assert read() == {}
    assert read(("name", " Pump ")) == {"name": "Pump"}
    assert read(("name", "  ")) == {"name": None}


def test_boxes_say_false_unless_they_are_on() -> None:
    assert read(("active", "false")) == {"active": False}
    assert read(("active", "false"), ("active", "true")) == {"active": True}


def test_lists_may_be_emptied() -> None:
    assert read(("tags", "")) == {"tags": []}
    assert read(("tags", ""), ("tags", "a"), ("tags", "b")) == {"tags": ["a", "b"]}


def test_a_local_time_is_a_moment_of_the_readers_zone() -> None:
    assert read(("at", "2026-03-01T09:30")) == {"at": "2026-03-01T09:30:00+08:00"}
    assert read(("at", "soon")) == {"at": "soon"}


@pytest.mark.parametrize(
    ("text", "value"), [("2h 30m", "PT9000S"), ("45m", "PT2700S"), ("1.5h", "PT5400S"), ("PT1H", "PT1H")]
)
def test_spans_are_read_as_people_write_them(text: str, value: str) -> None:
    assert read(("lasts", text)) == {"lasts": value}


@given(st.integers(min_value=1, max_value=10_000_000))
def test_spans_survive_the_form(seconds: int) -> None:
    text = short_duration(timedelta(seconds=seconds))
    assert read(("lasts", text)) == {"lasts": f"PT{seconds}S"}


def test_amounts_keep_every_digit() -> None:
    assert read(("price.amount", "1,234,567.89"), ("price.currency", "USD")) == {
        "price": {"amount": "1234567.89", "currency": "USD"}
    }
    assert read(("price.amount", ""), ("price.currency", "USD")) == {"price": None}


def test_what_is_no_number_stays_text_for_the_service_to_refuse() -> None:
    assert read(("count", "many")) == {"count": "many"}
    assert read(("count", "12")) == {"count": 12}


def test_parts_make_one_value() -> None:
    assert read(("place.lat", "22.3"), ("place.lon", "114.2")) == {"place": {"lat": 22.3, "lon": 114.2}}
    assert read(("place.lat", ""), ("place.lon", "")) == {"place": None}
    sent = read(("address.street", "1 Way"), ("address.city", "Kowloon"))
    assert sent["address"] == {"street": "1 Way", "city": "Kowloon", "region": None, "postcode": None, "country": None}


def test_whatever_was_typed_stands_in_the_widget_again() -> None:
    form: MultiDict[str, str] = MultiDict(
        [
            ("name", "Pu"),
            ("count", "many"),
            ("active", "false"),
            ("price.amount", "x"),
            ("tags", "a"),
            ("place.lat", "?"),
        ]
    )
    again = {
        name: typed(widget(each, None, None, READER), form, {})["value"] for name, each in THING.own_fields.items()
    }
    assert again["name"] == "Pu"
    assert again["count"] == "many"
    assert again["active"] is False
    assert again["price"]["amount"] == "x"
    assert again["tags"] == ["a"]
    assert again["place"]["lat"] == "?"


def lines() -> tuple[ObjectType, ObjectType]:
    snapshot = ObjectSnapshot(
        body("order", field("lines", "child", object="line", field="order")),
        body(
            "line", field("order", "lookup", object="order", owned=True), field("what", "text"), field("n", "integer")
        ),
    )
    return snapshot.get("object", "order"), snapshot.get("object", "line")


def test_rows_come_in_order_with_their_ids_and_empty_new_ones_do_not_count() -> None:
    order, line = lines()
    inner = tuple(each for each in line.own_fields.values() if each.name != "order")

    def rows(_: Field) -> tuple[Field, ...]:
        return inner

    form: MultiDict[str, str] = MultiDict(
        [
            ("lines.rows", ""),
            ("lines.rows", "1"),
            ("lines.rows", "0"),
            ("lines.rows", "2"),
            ("lines.1.id", ""),
            ("lines.1.what", "Seal"),
            ("lines.1.n", "2"),
            ("lines.0.id", "0190"),
            ("lines.0.what", ""),
            ("lines.2.id", ""),
            ("lines.2.what", " "),
        ]
    )
    assert decoded(form, order.own_fields.values(), READER, rows) == {
        "lines": [{"what": "Seal", "n": 2}, {"id": "0190", "what": None}]
    }
    assert row_keys(form, order.own_fields["lines"], READER, rows, "lines") == ["1", "0"]


def test_only_what_differs_from_what_the_form_showed_is_a_change() -> None:
    fields = tuple(THING.own_fields.values())
    at = datetime(2026, 3, 1, 1, 30, 45, tzinfo=UTC)
    base = {
        "name": of_value(THING.field("name"), "Pump"),
        "at": of_value(THING.field("at"), at),
        "count": of_value(THING.field("count"), None),
        "rate": of_value(THING.field("rate"), Decimal("12.50")),
    }
    same = {"name": "Pump", "at": "2026-03-01T09:30:00+08:00", "count": None, "rate": "12.50"}
    assert changed(fields, same, base) == {}
    assert changed(fields, {**same, "name": "Pumps", "count": "x"}, base) == {"name": "Pumps", "count": "x"}


def test_fingerprints_that_were_meddled_with_are_no_fingerprints() -> None:
    for text in ("", "[1]", "{", "x" * 100_000):
        assert base_of(text) == {}
    assert of_sent(THING.field("count"), "x") == ""


def test_markdown_of_people_is_harmless() -> None:
    html = prose("<script>x</script> [go](javascript:alert(1)) **b** <b onclick=x>")
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<strong>b</strong>" in html


def test_values_are_shown_in_words() -> None:
    assert shown(THING.field("kind"), "a", None, READER) == {
        "kind": "tag",
        "text": "Alpha",
        "color": "grey",
        "dot": True,
    }
    assert shown(THING.field("name"), None, None, READER) == ""
    assert shown(THING.field("active"), False, None, READER) == {"kind": "bool", "value": False}
