"""Lists: filters, order, paging, fields through lookups, search, counts; and what cannot be read is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldstone.objects.query.values import Constraint, ListQuery
from fieldstone.platform.kernel.errors import NotFound, Unreadable
from fieldstone.rules.expressions.values import Money
from tests.support.house import House
from tests.support.objects import body, field

METADATA: Mapping[str, Any] = {
    "object": [
        body(
            "region",
            field("name", "text", required=True),
            field("rank", "integer"),
            title="name",
            sharing="all",
        ),
        body(
            "client",
            field("name", "text", required=True, searchable=True),
            field("region", "lookup", object="region"),
            field("tier", "select", options=[{"value": "gold"}, {"value": "silver"}, {"value": "basic"}]),
            title="name",
            sharing="all",
        ),
        body(
            "order",
            field("number", "auto_number", pattern="O-{00000}"),
            field("subject", "text", searchable=True),
            field("client", "lookup", object="client"),
            field("status", "select", options=[{"value": "new"}, {"value": "open"}, {"value": "done"}]),
            field("amount", "decimal", scale=2),
            field("price", "currency", currency="EUR"),
            field("due", "datetime"),
            field("done", "boolean"),
            field("tags", "multi_select", options=[{"value": "red"}, {"value": "blue"}]),
            field("place", "geolocation"),
            field("address", "address"),
            field("watchers", "many_to_many", object="client"),
            field("rows", "child", object="order_row", field="order"),
            field("client_rank", "formula", expression="client.region.rank * 2", value_type="integer"),
            field("is_late", "formula", expression="due != null && due < now()", value_type="boolean"),
            title='number + " " + subject',
            sharing="all",
        ),
        body(
            "order_row",
            field("order", "lookup", object="order", owned=True, required=True),
            field("quantity", "integer"),
            field("client", "lookup", object="client"),
        ),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(home: House) -> House:
    regions = [home.create("region", {"name": name, "rank": rank}) for name, rank in (("North", 1), ("South", 2))]
    clients = [
        home.create("client", {"name": name, "region": region, "tier": tier})
        for name, region, tier in (
            ("Hydro 水务", regions[0].id, "gold"),
            ("Steel", regions[1].id, "basic"),
            ("Nowhere", None, None),
        )
    ]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(12):
        home.create(
            "order",
            {
                "subject": None
                if number == 11
                else f"Order {number:02d} 空调维修"
                if number % 3
                else f"Pump {number:02d}",
                "client": None if number == 10 else clients[number % 3].id,
                "status": (None, "new", "open", "done")[number % 4],
                "amount": None if number == 9 else str(Decimal(number * 7 % 5) + Decimal("0.25")),
                "price": None if number == 8 else f"{number % 4}.50",
                "due": None if number % 5 == 0 else (start + timedelta(days=number)).isoformat(),
                "done": number % 2 == 0,
                "tags": [["red"], ["blue"], ["red", "blue"], []][number % 4],
                "place": {"lat": 50 + number, "lon": 8} if number % 2 else None,
                "address": {"city": "Ulm"} if number % 4 == 1 else None,
                "watchers": [clients[0].id, clients[1].id][: number % 3],
                "rows": [{"quantity": quantity, "client": clients[0].id} for quantity in range(number % 3)],
            },
        )
    return home


def subjects(home: House, **query: Any) -> list[str]:
    return [str(document["subject"])[-8:] for document in home.list("order", **query).documents]


def count(home: House, source: str) -> int:
    found = home.list("order", filter=source, count="exact", limit=200)
    assert found.count == len(found.documents)
    return found.count


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('status == "new"', 3),
        ('status != "new"', 9),
        ("status == null", 3),
        ('!(status in ["new", "open"])', 6),
        ("amount > 2", 6),
        ("amount == 0.25", 3),
        ("amount >= 1.255", 6),
        ("price.amount < 1", 2),
        ('price.currency == "EUR"', 11),
        ("price == null", 1),
        ('client.tier == "gold"', 4),
        ('client.region.name == "South"', 3),
        ("client.region.rank > 0 && done", 3),
        ("client == null", 1),
        ("client.name == null", 1),
        ('"red" in tags', 6),
        ('!("red" in tags)', 6),
        ("size(tags) == 2", 3),
        ("place == null", 6),
        ("place.lat > 55", 3),
        ('address.city == "Ulm"', 3),
        ("address != null", 3),
        ("rows.exists(row, row.quantity >= 1)", 4),
        ("size(rows) == 0", 4),
        ("sum(rows.map(row, row.quantity)) == 1", 4),
        ('rows.exists(row, row.client.name.startsWith("Hydro"))', 8),
        ('watchers.exists(client, client.name == "Steel")', 4),
        ('subject.contains("空调")', 7),
        ('startsWith(subject, "Pump")', 4),
        ("due > timestamp('2026-01-08T00:00:00Z')", 3),
        ("due < addDays(today(), 1)", 9),
        ("owner == user", 0),
        ("created_by.id == user.id", 12),
        ('hasRole("admin")', 0),
        ("revision == 1 && deleted_at == null", 12),
        ("true", 12),
        ("null", 0),
    ],
)
def test_a_filter_keeps_the_records_that_fulfil_it(shop: House, source: str, expected: int) -> None:
    assert count(shop, source) == expected


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"filter": "statu == 'x'"}, "unknown_name"),
        ({"filter": "client.nme == 'x'"}, "unknown_name"),
        ({"filter": "status =="}, "syntax"),
        ({"filter": "amount > 'x'"}, "type_mismatch"),
        ({"filter": "amount"}, "wrong_result"),
        ({"filter": "status.matches('^n')"}, "not_in_sql"),
        ({"filter": "previous.status == 'new'"}, "unknown_name"),
        ({"filter": "is_late"}, "not_in_sql"),
        ({"filter": "!" * 3000 + "true"}, "too_deep"),
        ({"filter": "true || " * 1000 + "true"}, "filter_too_long"),
        ({"sort": ("subjct",)}, "unknown_field"),
        ({"sort": ("rows",)}, "not_sortable"),
        ({"sort": ("is_late",)}, "not_sortable"),
        ({"sort": ("name desc; --",)}, "unknown_field"),
        ({"sort": ("subject",) * 6}, "unreadable"),
        ({"fields": ("client.nope",)}, "unknown_field"),
        ({"fields": ("subject.x",)}, "not_a_lookup"),
        ({"fields": ("client.region.name",)}, "path_too_long"),
        ({"fields": ("rows",)}, "unreadable"),
        ({"fields": ("id",) * 200}, "unreadable"),
        ({"cursor": "nonsense"}, "bad_cursor"),
        ({"cursor": "W10"}, "bad_cursor"),
        ({"cursor": "x" * 5000}, "bad_cursor"),
        ({"q": "x" * 500}, "search_too_long"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(shop: House, query: dict[str, Any], code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        shop.list("order", **query)
    assert refused.value.instance_code == code


def test_a_wrong_filter_is_told_with_its_place_and_a_suggestion(shop: House) -> None:
    with pytest.raises(Unreadable) as refused:
        shop.list("order", filter="done &&\n  client.teir == 'gold'")
    facts = refused.value.facts
    assert (facts["line"], facts["column"], facts["suggestion"]) == (2, 3, "tier")


def test_empty_values_come_last_in_both_directions(shop: House) -> None:
    up = [document["amount"] for document in shop.list("order", sort=("amount",)).documents]
    down = [document["amount"] for document in shop.list("order", sort=("-amount",)).documents]
    assert (up[-1], down[-1]) == (None, None)
    assert up[:-1] == sorted(up[:-1])
    assert down[:-1] == sorted(down[:-1], reverse=True)


def test_choices_are_sorted_as_they_are_declared_and_lookups_by_name(shop: House) -> None:
    statuses = [document["status"] for document in shop.list("order", sort=("status", "subject")).documents]
    assert statuses == ["new"] * 3 + ["open"] * 3 + ["done"] * 3 + [None] * 3
    names = [
        document["client"] and document["client"]["label"]
        for document in shop.list("order", sort=("client",)).documents
    ]
    assert names == ["Hydro 水务"] * 4 + ["Nowhere"] * 4 + ["Steel"] * 3 + [None]
    ranks = shop.list("order", sort=("-client.region.rank", "number"), fields=("number",)).documents
    assert len({document["number"] for document in ranks}) == 12


SORTS = st.lists(
    st.sampled_from(["subject", "status", "client", "amount", "price", "due", "done", "created_at", "client.tier", "client.region.rank"]),
    max_size=3,
    unique=True,
)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=SORTS, downwards=st.lists(st.booleans(), min_size=3, max_size=3), limit=st.integers(1, 5))
def test_pages_follow_one_another_without_gap_or_repeat(
    shop: House, paths: list[str], downwards: list[bool], limit: int
) -> None:
    sort = tuple(("-" if down else "") + path for path, down in zip(paths, downwards, strict=False))
    whole = shop.ids("order", sort=sort)
    found: list[str] = []
    cursor = None
    for _ in range(20):
        page = shop.list("order", sort=sort, limit=limit, cursor=cursor)
        found.extend(document["id"] for document in page.documents)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == whole
    assert len(found) == 12


def test_a_cursor_of_another_order_is_refused(shop: House) -> None:
    cursor = shop.list("order", sort=("subject",), limit=2).next_cursor
    with pytest.raises(Unreadable) as refused:
        shop.list("order", sort=("amount",), limit=2, cursor=cursor)
    assert refused.value.instance_code == "cursor_of_other_list"


def test_fields_are_answered_as_asked_with_labels_and_fields_of_lookups(shop: House) -> None:
    fields = ("number", "client.tier", "client.region", "watchers", "client_rank")
    document = shop.list("order", fields=fields, filter='number == "O-00003"').documents[0]
    assert document["client"]["label"] == "Nowhere"
    assert document["client"] == {**document["client"], "tier": None, "region": None}
    assert set(document) == {"id", "revision", "number", "client", "watchers", "client_rank"}
    second = shop.list("order", fields=fields, filter='number == "O-00002"').documents[0]
    assert second["client"]["region"]["label"] == "South"
    assert [watcher["label"] for watcher in second["watchers"]] == ["Hydro 水务"]
    assert second["client_rank"] == 4


def test_records_are_given_as_python_values_too(shop: House) -> None:
    page = shop.list("order", fields=("price", "client.name"), filter='number == "O-00002"')
    (record,) = page.records
    assert record.values["price"] == Money(Decimal("1.50"), "EUR")
    assert record.values["client.name"] == "Steel"
    assert record.labels["client"].label == "Steel"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("pump", 4),
        ("PUMP 0", 4),
        ("pum", 4),
        ("ump", 0),
        ("空调", 7),
        ("维修", 7),
        ("调", 7),
        ("空调维修", 7),
        ("维空", 0),
        ("O-00004", 1),
        ("pump 空调", 0),
        ("' OR 1=1 --", 0),
        ("a & b | !c:*", 0),
        ("!!!", 0),
    ],
)
def test_words_are_found_in_any_language_as_prefixes_and_pairs(shop: House, words: str, expected: int) -> None:
    assert len(shop.ids("order", q=words)) == expected
    hits = shop.read(lambda ctx, unit: shop.query.search(ctx, unit, words, 50))
    assert len([hit for hit in hits if hit.object == "order"]) == min(expected, 5)


def test_search_finds_what_was_changed(shop: House) -> None:
    client = shop.create("client", {"name": "Zephyr"})
    shop.update(client, {"name": "Boreas"})
    assert (len(shop.ids("client", q="zephyr")), len(shop.ids("client", q="boreas"))) == (0, 1)
    shop.delete(client)
    assert shop.ids("client", q="boreas") == []


def test_lists_can_be_narrowed_to_what_belongs_to_a_record(shop: House) -> None:
    order = shop.list("order", filter="size(rows) == 2", sort=("number",)).documents[0]
    more = (Constraint(field="order", object="order", id=order["id"]),)
    rows = shop.list("order_row", more=more, sort=("id",))
    assert [document["quantity"] for document in rows.documents] == [0, 1]


def test_a_list_takes_as_many_statements_for_many_rows_as_for_one(shop: House) -> None:
    def statements(limit: int, **query: Any) -> int:
        def read(ctx: Any, unit: Any) -> int:
            shop.query.list(ctx, unit, ListQuery(object="order", limit=limit, **query))
            return int(unit.statements)

        shop.read(read)
        return shop.read(read)

    assert statements(1, fields=("number", "client.name", "owner")) == 1
    assert statements(12, fields=("number", "client.name", "owner")) == 1
    assert statements(12, fields=("number",), count="capped") == 2
    assert statements(12) == statements(2) <= 5


def test_a_view_brings_its_filter_columns_and_order(shop: House) -> None:
    with pytest.raises(NotFound):
        shop.list("order", view="missing")
