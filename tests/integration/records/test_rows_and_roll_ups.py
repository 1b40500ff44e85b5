"""Child rows inside their record's body, and roll-ups that follow the records they count."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest

from fieldstone.objects.query.values import Record
from fieldstone.platform.kernel.errors import Conflict, Invalid, NotFound, StaleRevision
from fieldstone.rules.expressions.values import Money
from tests.support.house import House
from tests.support.objects import body, field

METADATA = {
    "object": [
        body(
            "project",
            field("name", "text", required=True),
            field("open_quotes", "roll_up", object="quote", field="project", function="count", filter='status == "open"'),
            field("volume", "roll_up", object="quote", field="project", function="sum", of="total"),
            title="name",
            sharing="all",
        ),
        body(
            "quote",
            field("name", "text", required=True),
            field("project", "lookup", object="project"),
            field("status", "select", options=[{"value": "open"}, {"value": "won"}], default="open"),
            field("discount", "percent", default="0"),
            field("lines", "child", object="quote_line", field="quote"),
            field("subtotal", "roll_up", object="quote_line", field="quote", function="sum", of="amount"),
            field("count", "roll_up", object="quote_line", field="quote", function="count"),
            field("big", "roll_up", object="quote_line", field="quote", function="count", filter="quantity > 9"),
            field("dearest", "roll_up", object="quote_line", field="quote", function="max", of="amount"),
            field("least", "roll_up", object="quote_line", field="quote", function="min", of="quantity"),
            field("mean", "roll_up", object="quote_line", field="quote", function="avg", of="quantity"),
            field(
                "total",
                "formula",
                expression="subtotal * (100 - discount) / 100",
                value_type="currency",
                currency="EUR",
            ),
            title="name",
            sharing="all",
        ),
        body(
            "quote_line",
            field("quote", "lookup", object="quote", owned=True, required=True),
            field("what", "text", required=True),
            field("quantity", "decimal", scale=3, default="1"),
            field("price", "currency", currency="EUR", default="1.00", required=True),
            field("amount", "formula", expression="price * quantity", value_type="currency", currency="EUR"),
            title="what",
            sharing="all",
        ),
        body("purse", field("name", "text"), field("sum", "roll_up", object="coin", field="purse", function="sum", of="worth"), sharing="all"),
        body("coin", field("purse", "lookup", object="purse"), field("worth", "currency"), sharing="all"),
    ],
    "validation_rule": [
        {
            "name": "not_too_dear",
            "object": "quote",
            "condition": 'subtotal != null && subtotal.amount > 100000',
            "message": "Too dear.",
            "fields": ["lines"],
        },
        {
            "name": "no_zero_lines",
            "object": "quote",
            "condition": "lines.exists(line, line.quantity <= 0)",
            "message": "Every line needs a quantity.",
            "fields": ["lines"],
        },
    ],
}  # fmt: skip


def euro(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def line(what: str, quantity: str = "1", price: str = "1.00", **more: Any) -> dict[str, Any]:
    return {"what": what, "quantity": quantity, "price": price, **more}


def new_quote(home: House, *lines: dict[str, Any], **more: Any) -> Record:
    return home.create("quote", {"name": "Quote", "lines": list(lines), **more})


def errors_of(refused: pytest.ExceptionInfo[Invalid]) -> set[tuple[str, str]]:
    return {(error.path, error.code) for error in refused.value.errors}


def test_rows_are_saved_with_their_record_and_rolled_up(home: House) -> None:
    quote = new_quote(home, line("Pump", "2", "10.50"), line("Pipe", "10", "1.25"), discount="10")
    values = quote.values
    assert [row.values["what"] for row in values["lines"]] == ["Pump", "Pipe"]
    assert (values["subtotal"], values["count"], values["big"]) == (euro("33.50"), 2, 1)
    assert (values["dearest"], values["least"], values["mean"]) == (euro("21.00"), Decimal("2.000"), Decimal("6.000"))
    assert values["total"] == euro("30.15")


def test_rows_are_changed_added_and_taken_away_by_what_is_sent(home: House) -> None:
    quote = new_quote(home, line("A", "1", "5.00"), line("B", "2", "5.00"))
    first, second = quote.values["lines"]
    quote = home.update(quote, {"lines": [{"id": second.id, "quantity": "3"}, line("C", "1", "7.00")]})
    rows = quote.values["lines"]
    assert [(row.values["what"], row.values["quantity"]) for row in rows] == [("B", Decimal(3)), ("C", Decimal(1))]
    assert rows[0].id == second.id
    assert (quote.values["subtotal"], quote.values["count"]) == (euro("22.00"), 2)
    with pytest.raises(NotFound):
        home.get(first)
    quote = home.update(quote, {"lines": []})
    assert (quote.values["subtotal"], quote.values["count"], quote.values["dearest"]) == (None, 0, None)


def test_errors_of_rows_point_into_the_body_and_nothing_is_written(home: House) -> None:
    count = len(home.ids("quote"))
    with pytest.raises(Invalid) as refused:
        new_quote(home, line("A"), {"quantity": "x"}, line("C", price="-", nonsense=1))
    assert {path for path, _ in errors_of(refused)} == {
        "/lines/1/what",
        "/lines/1/quantity",
        "/lines/2/price",
        "/lines/2/nonsense",
    }
    assert len(home.ids("quote")) == count


def test_a_row_of_another_record_cannot_be_taken_over(home: House) -> None:
    theirs, mine = new_quote(home, line("Theirs")), new_quote(home, line("Mine"))
    stolen = theirs.values["lines"][0]
    with pytest.raises(Invalid) as refused:
        home.update(mine, {"lines": [{"id": stolen.id, "what": "Stolen"}]})
    assert errors_of(refused) == {("/lines/0/id", "unknown_record")}
    assert home.get(theirs).values["lines"][0].values["what"] == "Theirs"


def test_rows_saved_by_themselves_change_their_record(home: House) -> None:
    quote = new_quote(home)
    row = home.create("quote_line", {"quote": quote.id, **line("Alone", "4", "2.50")})
    assert home.get(quote).values["total"] == euro("10.00")
    home.update(row, {"quantity": "8"})
    assert home.get(quote).values["total"] == euro("20.00")
    home.delete(row)
    assert home.get(quote).values["total"] is None
    assert home.get(quote).revision == quote.revision


def test_roll_ups_of_roll_ups_follow(home: House) -> None:
    project, other = (home.create("project", {"name": name}) for name in ("P", "Q"))
    quote = new_quote(home, line("A", "2", "10.00"), project=project.id)
    new_quote(home, line("B", "1", "5.00"), project=project.id)
    assert home.get(project).values["volume"] == euro("25.00")
    assert home.get(project).values["open_quotes"] == 2
    quote = home.update(quote, {"discount": "50"})
    assert home.get(project).values["volume"] == euro("15.00")
    quote = home.update(quote, {"status": "won"})
    assert home.get(project).values["open_quotes"] == 1
    quote = home.update(quote, {"project": other.id})
    assert (home.get(project).values["volume"], home.get(other).values["volume"]) == (euro("5.00"), euro("10.00"))
    home.delete(quote)
    assert (home.get(other).values["volume"], home.get(other).values["open_quotes"]) == (None, 0)
    home.restore(quote)
    assert home.get(other).values["volume"] == euro("10.00")
    assert home.get(quote).values["subtotal"] == euro("20.00")


def test_a_rule_of_the_record_holds_for_changes_of_its_rows(home: House) -> None:
    quote = new_quote(home, line("A", "1", "99999.00"))
    row = quote.values["lines"][0]
    for attempt in (
        lambda: home.create("quote_line", {"quote": quote.id, **line("B", "2", "1000.00")}),
        lambda: home.update(row, {"quantity": "2"}),
        lambda: home.update(quote, {"lines": [{"id": row.id}, line("C", "1", "2000.00")]}),
    ):
        with pytest.raises(Invalid) as refused:
            attempt()
        assert {error.code for error in refused.value.errors} == {"rule"}
    assert home.get(quote).values["subtotal"] == euro("99999.00")
    assert len(home.get(quote).values["lines"]) == 1


def test_a_rule_may_look_at_the_rows_that_are_sent_with_it(home: House) -> None:
    with pytest.raises(Invalid) as refused:
        new_quote(home, line("A", "1"), line("B", "0"))
    assert errors_of(refused) == {("/lines", "rule")}


def test_amounts_in_different_currencies_are_not_summed_up(home: House) -> None:
    purse = home.create("purse", {"name": "Purse"})
    home.create("coin", {"purse": purse.id, "worth": {"amount": "1.00", "currency": "EUR"}})
    with pytest.raises(Invalid) as refused:
        home.create("coin", {"purse": purse.id, "worth": {"amount": "1.00", "currency": "USD"}})
    assert errors_of(refused) == {("/worth", "several_currencies")}
    assert home.get(purse).values["sum"] == euro("1.00")


def test_a_stale_row_inside_a_body_is_a_conflict(home: House) -> None:
    quote = new_quote(home, line("A"))
    row = quote.values["lines"][0]
    home.update(row, {"what": "B"})
    with pytest.raises(StaleRevision):
        home.update(quote, {"lines": [{"id": row.id, "revision": row.revision, "what": "C"}]})
    assert home.get(row).values["what"] == "B"


def test_deleting_takes_the_rows_along_and_restoring_brings_them_back(home: House) -> None:
    quote = new_quote(home, line("A", "1", "3.00"), line("B", "1", "4.00"))
    earlier = quote.values["lines"][0]
    home.delete(earlier)
    home.delete(quote)
    assert home.ids("quote_line", filter=f'quote == "{quote.id}"') == []
    restored = home.restore(quote)
    assert [row.values["what"] for row in restored.values["lines"]] == ["B"]
    assert restored.values["subtotal"] == euro("4.00")


def test_what_others_point_to_cannot_be_deleted(home: House) -> None:
    project = home.create("project", {"name": "Held"})
    quote = new_quote(home, project=project.id)
    with pytest.raises(Conflict) as refused:
        home.delete(project)
    assert refused.value.facts["references"] == [{"object": "quote", "field": "project", "id": quote.id}]
    home.delete(quote)
    home.delete(project)


def test_roll_ups_are_right_under_parallel_writes(home: House) -> None:
    project = home.create("project", {"name": "Parallel"})
    quotes = [new_quote(home, project=project.id) for _ in range(2)]
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(6):
                quote = quotes[(number + step) % 2]
                row = home.create("quote_line", {"quote": quote.id, **line(f"{number}.{step}", "2", "1.50")})
                if step % 2:
                    home.update(row, {"quantity": "3"})
                if step % 3 == 0:
                    home.delete(row)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    total = Decimal(0)
    for quote in quotes:
        now = home.get(quote)
        expected = sum((row.values["amount"].amount for row in now.values["lines"]), Decimal(0))
        assert now.values["subtotal"] == Money(expected, "EUR")
        assert now.values["count"] == len(now.values["lines"])
        assert now.values["dearest"].amount == max(row.values["amount"].amount for row in now.values["lines"])
        total += expected
    assert home.get(project).values["volume"] == Money(total, "EUR")


def test_drift_is_found_and_mended(home: House) -> None:
    quote = new_quote(home, line("A", "2", "10.00"))

    def spoil(ctx: Any, unit: Any) -> None:
        kind = ctx.snapshot.get("object", "quote")
        unit.run(kind.table.update().where(kind.table.c.id == quote.id).values(kind.columns_of({"count": 9})))

    home.write(spoil)
    wrong = home.write(lambda ctx, unit: home.records.drift(ctx, unit, "quote", "count", [quote.id]))
    assert wrong == [quote.id]
    assert home.get(quote).values["count"] == 1
    assert home.write(lambda ctx, unit: home.records.drift(ctx, unit, "quote", "count", [quote.id])) == []
