"""The generated loader and dumpers do exactly what the marshmallow schema and the types say."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from fieldstone.objects.codec.dumper import Slot, dumps, make_row_dumper
from fieldstone.objects.codec.schema import field_errors
from fieldstone.objects.fieldtypes.declaration import Label
from fieldstone.platform.kernel.context import Tenant
from fieldstone.platform.kernel.errors import Invalid
from fieldstone.rules.expressions.values import Money
from tests.support.field_samples import HOSTILE, ID, OPTIONS, SAMPLES
from tests.support.objects import ObjectSnapshot, body, compiled, field

WORLD = (
    body("customer", field("name", "text")),
    body("skill", field("name", "text")),
    body("line", field("order", "lookup", object="thing", owned=True), field("amount", "decimal")),
)
WIDE = ObjectSnapshot(
    body(
        "thing",
        *(field(f"f_{name}", name, **samples.options) for name, samples in SAMPLES.items()),
        field("needed", "text", required=True, pattern="[A-Z]{2}-[0-9]+"),
        field("tags", "multi_select", required=True, **OPTIONS),
        field("given", "integer", required=True, default=7),
    ),
    body("line", field("order", "lookup", object="thing", owned=True), field("amount", "decimal")),
    *WORLD[:2],
).get("object", "thing")

_VALUES: dict[str, list[Any]] = {
    f"f_{name}": [None, *(sent for sent, _ in samples.json), *samples.hostile] for name, samples in SAMPLES.items()
}
_VALUES |= {"needed": ["AB-1", "ab", "", None, 5], "tags": [["new"], [], None, "new"], "given": [1, None, "x"]}
_CHEAP = [value for value in HOSTILE if not isinstance(value, str) or len(value) < 1000]


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Bodies made of good and bad values, sometimes with a field too many or one that may not be written."""
    names = draw(st.sets(st.sampled_from(sorted(_VALUES)), max_size=12))
    made = {name: draw(st.sampled_from(_VALUES[name]) | st.sampled_from(_CHEAP)) for name in names}
    if draw(st.booleans()):
        made |= {"needed": "AB-1", "tags": ["new"]}
    extra = draw(st.sampled_from(["", "", "", "unknown", "id", "revision", "created_at", "owner"]))
    return {**made, extra: ID} if extra else made


def by_schema(data: Any, partial: bool) -> Any:
    try:
        return WIDE.schema_create.load(data, partial=partial)
    except ValidationError as error:
        return sorted((found.path, found.code) for found in field_errors(error.messages))


def by_object(data: Any, partial: bool) -> Any:
    try:
        return WIDE.load(data, partial=partial)
    except Invalid as error:
        return sorted((found.path, found.code) for found in error.errors)


@given(data=bodies(), partial=st.booleans())
@settings(max_examples=300, deadline=None)
def test_the_fast_loader_and_the_schema_agree_on_every_body(data: dict[str, Any], partial: bool) -> None:
    assert by_object(data, partial) == by_schema(data, partial)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_good_values_take_the_fast_way(name: str) -> None:
    writable = WIDE.fields[f"f_{name}"].writable
    sent, _ = SAMPLES[name].json[0]
    if writable:
        assert WIDE.loader({f"f_{name}": sent}) == by_schema({f"f_{name}": sent}, partial=True)


def test_all_errors_of_a_body_are_reported_at_once_by_json_pointer() -> None:
    thing = compiled(
        field("subject", "text", required=True),
        field("amount", "currency"),
        field("tags", "multi_select", **OPTIONS),
        field("number", "auto_number", pattern="T-{0000}"),
    )
    with pytest.raises(Invalid) as refused:
        thing.load({"amount": {"amount": "1.001", "currency": "USD"}, "tags": ["new", "?"], "number": "T-1", "a/b": 1})
    assert sorted((error.path, error.code) for error in refused.value.errors) == [
        ("/amount/amount", "too_precise"),
        ("/a~1b", "unknown_field"),
        ("/number", "not_writable"),
        ("/subject", "required"),
        ("/tags/1", "not_an_option"),
    ]


@pytest.mark.parametrize("data", [None, [], "text", 5, [{}]])
def test_a_body_that_is_no_object_is_refused(data: Any) -> None:
    with pytest.raises(Invalid) as refused:
        WIDE.load(data)
    assert [(error.path, error.code) for error in refused.value.errors] == [("", "wrong_type")]


def test_required_fields_that_rules_fill_may_be_missing_at_first_and_are_asked_for_at_the_end() -> None:
    thing = compiled(field("subject", "text", required=True), field("urgency", "integer", required=True))
    assert thing.load({"subject": "Leak"}, optional=["urgency"]) == {"subject": "Leak"}
    assert [error.path for error in thing.missing({"subject": "Leak"})] == ["/urgency"]
    with pytest.raises(Invalid):
        thing.load({"subject": "Leak"})
    with pytest.raises(Invalid):
        thing.load({"subject": None}, partial=True)


def test_a_retired_option_stays_where_it_is_and_cannot_be_newly_chosen() -> None:
    thing = compiled(field("status", "select", **OPTIONS), field("tags", "multi_select", **OPTIONS))
    assert thing.change_errors({"status": "done", "tags": ["done"]}, {"status": "done", "tags": ["new", "done"]}) == ()
    errors = thing.change_errors({"status": "new", "tags": []}, {"status": "done", "tags": ["done"]})
    assert {error.path: error.code for error in errors} == {"/status": "retired_option", "/tags": "retired_option"}
    assert [error.path for error in thing.change_errors(None, {"status": "done"})] == ["/status"]


def test_a_bare_amount_gets_the_currency_of_the_tenant() -> None:
    thing = compiled(field("price", "currency"), field("fixed", "currency", currency="EUR"))
    values = thing.load({"price": "5", "fixed": Decimal("1.5")})
    thing.complete(values, Tenant(name="acme", label="Acme", currency="CNY"))
    assert values == {"price": Money(Decimal("5.00"), "CNY"), "fixed": Money(Decimal("1.50"), "EUR")}


def test_values_of_rules_are_rounded_to_fit_and_checked() -> None:
    thing = compiled(field("share", "percent"), field("size", "decimal", scale=1, max="9.9"), field("note", "text"))
    assert thing.coerce("share", Decimal("33.333")) == Decimal("33.33")
    assert thing.coerce("size", 2) == Decimal("2.0")
    assert thing.coerce("note", date(2026, 3, 31)) == "2026-03-31"
    with pytest.raises(Invalid) as refused:
        thing.coerce("size", Decimal("9.95"))
    assert [(error.path, error.code) for error in refused.value.errors] == [("/size", "too_large")]


def stored(values: dict[str, Any]) -> tuple[Any, ...]:
    """The row of select_columns that the values would be kept as."""
    columns = WIDE.columns_of(values)
    return tuple(columns.get(column.name) for column in WIDE.select_columns)


@given(data=bodies())
@settings(max_examples=100, deadline=None)
def test_values_survive_columns_and_are_dumped_as_their_types_write_them(data: dict[str, Any]) -> None:
    values = by_object({name: value for name, value in data.items() if name in _VALUES}, partial=True)
    if isinstance(values, list):
        return
    read = WIDE.read_row(stored(values))
    for name, value in values.items():
        if WIDE.fields[name].stored:
            assert read[name] == value
    labels = {"f_lookup": Label(id=ID, label="Ann")}
    dumped = WIDE.dump(read, labels)
    for name, value in read.items():
        kind = WIDE.fields[name].type
        wanted = kind.write_labelled(value, labels.get(name)) if value is not None else kind.empty()
        assert orjson.loads(dumps(dumped[name])) == orjson.loads(dumps(wanted)), name


def test_a_row_of_a_list_is_dumped_with_labels_and_fields_of_related_records() -> None:
    order = ObjectSnapshot(
        body(
            "order", field("customer", "lookup", object="customer"), field("total", "currency"), field("at", "datetime")
        ),
        body("customer", field("name", "text"), field("size", "decimal", scale=8)),
    )
    thing, customer = order.get("object", "order"), order.get("object", "customer")
    nested = (Slot(name="size", field=customer.fields["size"], columns=(5,)),)
    dump = make_row_dumper(
        (
            Slot(name="id", field=thing.fields["id"], columns=(0,)),
            Slot(name="customer", field=thing.fields["customer"], columns=(1,), label=4, nested=nested),
            Slot(name="total", field=thing.fields["total"], columns=(2, 3)),
            Slot(name="at", field=thing.fields["at"], columns=(6,)),
        )
    )
    at = datetime(2026, 3, 31, 12, tzinfo=UTC)
    row = (ID, ID, Decimal("5.00"), "USD", "Acme", Decimal("0.00000001"), at)
    assert orjson.loads(dumps(dump(row))) == {
        "id": ID,
        "customer": {"id": ID, "label": "Acme", "size": "0.00000001"},
        "total": {"amount": "5.00", "currency": "USD"},
        "at": "2026-03-31T12:00:00Z",
    }
    assert dump((ID, None, None, None, None, None, None)) == {"id": ID, "customer": None, "total": None, "at": None}


def test_generated_code_holds_no_text_of_the_definition() -> None:
    hostile = "x\"]; __import__('os').system('true') #"
    options = {"options": [{"value": hostile, "label": hostile}]}
    thing = compiled(field("status", "select", label=hostile, help=hostile, **options))
    assert thing.load({"status": hostile}) == {"status": hostile}
    names = thing.loader.__code__.co_names + thing.dumper.__code__.co_names
    constants = thing.loader.__code__.co_consts + thing.dumper.__code__.co_consts
    assert hostile not in map(str, names)
    assert hostile not in map(str, constants)
    assert "__import__" not in thing.loader.__globals__["__builtins__"]
