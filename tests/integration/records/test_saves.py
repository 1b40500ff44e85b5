"""The save of a record: what is filled in, what is refused, in which order, by any door."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from fieldstone.platform.kernel.errors import Forbidden, Invalid, NotFound
from fieldstone.rules.engine.cycles import EndlessRules
from fieldstone.rules.expressions.values import Money
from tests.support.house import House
from tests.support.objects import body, field

METADATA = {
    "object": [
        body(
            "customer",
            field("name", "text", required=True, searchable=True),
            field("tier", "select", options=[{"value": "gold"}, {"value": "basic"}], default="basic"),
            field("terms", "integer", default=30),
            title="name",
            sharing="all",
        ),
        body(
            "site",
            field("name", "text", required=True),
            field("customer", "lookup", object="customer"),
            title="name",
            sharing="all",
        ),
        body(
            "task",
            field("number", "auto_number", pattern="J-{0000}"),
            field("subject", "text", required=True),
            field("customer", "lookup", object="customer"),
            field("site", "lookup", object="site", filter="customer == record.customer"),
            field("hours", "decimal", scale=2, default="1.50"),
            field("rate", "currency", currency="EUR", default="40.00"),
            field("cost", "formula", expression="rate * hours", value_type="currency", currency="EUR"),
            field("due", "date", default={"expression": "addDays(today(), customer.terms)"}),
            field("impact", "integer"),
            field("urgency", "integer"),
            field("priority", "text", read_only=True),
            field("level", "integer", read_only=True),
            field("mail", "email"),
            field("secret", "text", sensitive=True),
            field("helpers", "many_to_many", object="customer"),
            field("days_open", "formula", expression="daysBetween(today(), due)", value_type="integer"),
            title='number + " " + subject',
            sharing="all",
        ),
        body(
            "book",
            field("title", "text", required=True, searchable=True),
            field("author", "text"),
            field("customer", "lookup", object="customer"),
            title='author + ": " + title',
            sharing="all",
        ),
        body(
            "counter",
            field("a", "integer", default=0),
            field("b", "integer", default=0),
            sharing="all",
        ),
    ],
    "automation": [
        {
            "name": "level",
            "object": "task",
            "label": "Level",
            "trigger": {"on": ["create", "update"], "fields": ["impact", "urgency"]},
            "timing": "before",
            "actions": [{"action": "set_field", "values": {"level": {"expression": "impact * urgency"}}}],
        },
        {
            "name": "priority",
            "object": "task",
            "label": "Priority",
            "trigger": {"on": ["create", "update"], "fields": ["level"]},
            "condition": "level > 5",
            "timing": "before",
            "actions": [{"action": "set_field", "values": {"priority": "high"}}],
        },
        {
            "name": "up",
            "object": "counter",
            "label": "Up",
            "trigger": {"on": ["update"], "fields": ["b"]},
            "timing": "before",
            "actions": [{"action": "set_field", "values": {"a": {"expression": "b + 1"}}}],
        },
        {
            "name": "down",
            "object": "counter",
            "label": "Down",
            "trigger": {"on": ["update"], "fields": ["a"]},
            "timing": "before",
            "actions": [{"action": "set_field", "values": {"b": {"expression": "a + 1"}}}],
        },
    ],
    "validation_rule": [
        {
            "name": "hours_in_a_day",
            "object": "task",
            "condition": "hours > 24",
            "message": {"en": "A day has 24 hours.", "zh-Hans": "一天只有24小时。"},
            "fields": ["hours"],
        },
        {
            "name": "gold_needs_mail",
            "object": "task",
            "condition": 'customer.tier == "gold" && mail == null',
            "message": "A gold customer is told by mail.",
            "fields": ["mail"],
        },
    ],
}


def errors_of(refused: pytest.ExceptionInfo[Invalid]) -> set[tuple[str, str]]:
    return {(error.path, error.code) for error in refused.value.errors}


def test_a_new_record_has_number_defaults_formulas_and_title(home: House) -> None:
    customer = home.create("customer", {"name": "Hydro", "terms": 10})
    task = home.create("task", {"subject": "Pump", "customer": customer.id})
    assert customer.values["tier"] == "basic"
    assert task.values["number"].startswith("J-0")
    assert task.values["cost"] == Money(Decimal("60.00"), "EUR")
    assert task.values["hours"] == Decimal("1.50")
    assert (task.values["due"] - task.values["created_at"].date()).days in (9, 10, 11)
    assert task.values["days_open"] == 10
    assert home.read(lambda ctx, unit: home.query.labels(ctx, unit, "task", [task.id]))[task.id].label == (
        f"{task.values['number']} Pump"
    )


def test_an_object_may_have_a_field_called_title(home: House) -> None:
    book = home.create("book", {"title": "Pumps", "author": "Ann"})
    assert book.values["title"] == "Pumps"
    book = home.update(book, {"title": "Fans"})
    assert (book.revision, book.values["title"]) == (2, "Fans")
    labels = home.read(lambda ctx, unit: home.query.labels(ctx, unit, "book", [book.id]))
    assert labels[book.id].label == "Ann: Fans"
    assert home.ids("book", q="fan", filter='title == "Fans"', sort=("title",)) == [book.id]
    page = home.read(lambda ctx, unit: home.records.history(ctx, unit, "book", book.id))
    assert page.entries[0].changes == {"title": ("Pumps", "Fans")}


def test_automations_before_the_save_run_until_nothing_changes(home: House) -> None:
    task = home.create("task", {"subject": "Chain", "impact": 2, "urgency": 3})
    assert (task.values["level"], task.values["priority"]) == (6, "high")
    task = home.update(task, {"urgency": 1})
    assert (task.values["level"], task.values["priority"]) == (2, "high")


def test_a_circle_of_automations_is_refused_by_name_and_nothing_is_written(home: House) -> None:
    counter = home.create("counter", {})
    with pytest.raises(EndlessRules) as refused:
        home.update(counter, {"a": 1})
    assert refused.value.facts["rules"] == "down, up"
    assert home.get(counter).values["a"] == 0


def test_formulas_follow_the_fields_they_read(home: House) -> None:
    task = home.create("task", {"subject": "Formula"})
    task = home.update(task, {"hours": "2.25", "rate": {"amount": "10.10", "currency": "EUR"}})
    assert task.values["cost"] == Money(Decimal("22.73"), "EUR")


def test_all_that_is_wrong_is_told_at_once(home: House) -> None:
    gold = home.create("customer", {"name": "Gold", "tier": "gold"})
    with pytest.raises(Invalid) as refused:
        home.create("task", {"customer": gold.id, "hours": "25"})
    assert errors_of(refused) == {("/subject", "required"), ("/hours", "rule"), ("/mail", "rule")}


def test_values_of_a_wrong_type_are_told_together_with_what_is_missing(home: House) -> None:
    person = home.user("typist@acme.example", "admin")
    with pytest.raises(Invalid) as refused:
        home.create("task", {"hours": "many", "mail": "nobody", "nonsense": 1}, user=person)
    assert errors_of(refused) == {
        ("/hours", "not_a_number"),
        ("/mail", "not_an_email"),
        ("/nonsense", "unknown_field"),
        ("/subject", "required"),
    }


@pytest.mark.parametrize(
    "given",
    [
        {"id": "00000000-0000-7000-8000-000000000009"},
        {"revision": 7},
        {"created_by": "00000000-0000-7000-8000-000000000009"},
        {"created_at": "2020-01-01T00:00:00Z"},
        {"updated_at": "2020-01-01T00:00:00Z"},
        {"deleted_at": "2020-01-01T00:00:00Z"},
        {"title": "mine"},
        {"number": "J-9999"},
        {"cost": "1.00"},
        {"priority": "high"},
    ],
)
def test_what_the_server_works_out_cannot_be_sent(home: House, given: dict[str, Any]) -> None:
    person = home.user(f"hacker-{next(iter(given))}@acme.example", "admin")
    with pytest.raises(Invalid) as refused:
        home.create("task", {"subject": "Mine", **given}, user=person)
    ((path, code),) = errors_of(refused)
    assert (path, code) == (f"/{next(iter(given))}", "not_writable")


def test_a_lookup_must_lead_to_a_record_that_is_there(home: House) -> None:
    other = home.create("customer", {"name": "Theirs"}, tenant="globex")
    binned = home.create("customer", {"name": "Gone"})
    home.delete(binned)
    for identity in (other.id, binned.id, "00000000-0000-7000-8000-00000000dead"):
        with pytest.raises(Invalid) as refused:
            home.create("task", {"subject": "Lookup", "customer": identity})
        assert errors_of(refused) == {("/customer", "unknown_record")}


def test_the_filter_of_a_lookup_holds_on_the_server(home: House) -> None:
    one, two = (home.create("customer", {"name": name}) for name in ("One", "Two"))
    site = home.create("site", {"name": "Roof", "customer": one.id})
    task = home.create("task", {"subject": "Roof", "customer": one.id, "site": site.id})
    assert task.values["site"] == site.id
    with pytest.raises(Invalid) as refused:
        home.update(task, {"customer": two.id})
    assert errors_of(refused) == {("/site", "filter")}


def test_linked_records_are_kept_in_order_and_replaced_as_a_whole(home: House) -> None:
    one, two, three = (home.create("customer", {"name": name}) for name in ("A", "B", "C"))
    task = home.create("task", {"subject": "Links", "helpers": [two.id, one.id]})
    assert task.values["helpers"] == [two.id, one.id]
    assert [label.label for label in task.labels["helpers"]] == ["B", "A"]
    task = home.update(task, {"helpers": [three.id]})
    assert home.get(task).values["helpers"] == [three.id]
    with pytest.raises(Invalid) as refused:
        home.update(task, {"helpers": [one.id, "00000000-0000-7000-8000-00000000dead"]})
    assert errors_of(refused) == {("/helpers/1", "unknown_record")}


def test_a_save_that_changes_nothing_is_no_save(home: House) -> None:
    task = home.create("task", {"subject": "Same", "hours": "2"})
    again = home.update(task, {"subject": "Same", "hours": "2.00"})
    assert (again.revision, again.values["updated_at"]) == (task.revision, task.values["updated_at"])


def test_records_of_another_tenant_do_not_exist(home: House) -> None:
    theirs = home.create("task", {"subject": "Theirs"}, tenant="globex")
    for attempt in (
        lambda: home.get(theirs),
        lambda: home.update(theirs, {"subject": "x"}),
        lambda: home.delete(theirs),
    ):
        with pytest.raises(NotFound):
            attempt()
    kept = home.read(lambda ctx, unit: home.records.get(ctx, unit, "task", theirs.id), tenant="globex")
    assert kept.values["subject"] == "Theirs"


def test_people_cannot_be_changed_through_the_record_service(home: House) -> None:
    person = home.user("somebody@acme.example", "admin")
    with pytest.raises(Forbidden):
        home.create("user", {"name": "x", "email": "x@acme.example"}, user=person)
    assert home.list("user", filter='email == "somebody@acme.example"').documents[0]["name"] == "Somebody"


def test_what_the_database_refuses_leaves_nothing_behind(home: House) -> None:
    before = len(home.ids("task"))
    with pytest.raises(RuntimeError):
        home.write(lambda ctx, unit: (home.records.create(ctx, unit, "task", {"subject": "Lost"}), _fail()))
    assert len(home.ids("task")) == before


def _fail() -> None:
    raise RuntimeError("after the save")


def test_dates_are_those_of_the_tenant(home: House) -> None:
    task = home.create("task", {"subject": "Date", "due": "2026-02-28"})
    assert task.values["due"] == date(2026, 2, 28)
