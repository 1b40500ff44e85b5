"""What expressions give: operators, null, money, dates, records."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.rules.expressions.types import BOOL, DATE, DECIMAL
from fieldstone.rules.expressions.values import Money
from tests.unit.expressions.desk import ANNA, BEN, CONTEXT, TICKET, compiled, value


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("0.1 + 0.2 == 0.3", True),
        ("0.1 + 0.2", Decimal("0.3")),
        ("hours * count", Decimal("3.75")),
        ("rate / 3 * 3 == rate", False),
        ("1.0 / 3", Decimal("0." + "3" * 38)),
        ("2.0 / 3", Decimal("0." + "6" * 37 + "7")),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("-7.5 % 2", Decimal("-1.5")),
        ("1e3 + 1", Decimal(1001)),
        ("latitude + 0.5", 53.0),
        ("double(1) / 0.0 > 5", True),
        ("count == 3.0", True),
        ("count in [1, 3.0]", True),
        ("'b' > 'a' && 'Z' < 'a'", True),
        ("starts < '10:00'", True),
        ("urgent ? 'a' : 'b'", "a"),
        ("tags[1]", "leak"),
        ("'leak' in tags && !('x' in tags)", True),
        ("{'a': 1, 2: 'b'}[2]", "b"),
        ("'a' in {'a': 1}", True),
        ("dyn(1) == 1.0", True),
        ("[1, 2] == [1.0, 2.0]", True),
        ("[1, 2] + [3]", [1, 2, 3]),
        ("{'a': [1]} == {'a': [1]}", True),
        ("tags.map(t, upper(t))", ["PUMP", "LEAK"]),
        ("tags.map(t, t != 'pump', size(t))", [4]),
        ("{'a': 1, 'b': 2}.filter(k, k > 'a')", ["b"]),
        ("scores.exists(a, scores.exists(b, a == b * 3))", True),
        ("settings.level > 4 && settings.nested.on", True),
        ("settings.items[1] + 1", 3),
        ("size(settings.items)", 2),
        ("settings.level * 1.5", Decimal("7.5")),
        ("settings.items.exists(i, i == 2)", True),
    ],
)
def test_operators(source: str, expected: Any) -> None:
    found = value(source)
    assert (type(found), found) == (type(expected), expected)


_KLEENE = {"true": True, "false": False, "paid": None}


@pytest.mark.parametrize(("left", "right"), list(product(_KLEENE, repeat=2)))
def test_logic_follows_kleene(left: str, right: str) -> None:
    values = {_KLEENE[left], _KLEENE[right]}
    both = False if False in values else None if None in values else True
    either = True if True in values else None if None in values else False
    assert value(f"{left} && {right}") is both
    assert value(f"{left} || {right}") is either
    assert value(f"dyn({left}) && {right}") is both
    assert value(f"{left} || dyn({right})") is either
    assert value(f"[{left}, {right}].all(x, x)") is both
    assert value(f"[{left}, {right}].exists(x, x)") is either


@pytest.mark.parametrize("symbol", ["<", "<=", ">", ">=", "+", "-", "*", "/", "%"])
@pytest.mark.parametrize("sides", ["limit {} 2", "2 {} limit", "limit {} limit", "dyn(limit) {} 2", "null {} 2"])
def test_a_null_operand_gives_null(sides: str, symbol: str) -> None:
    assert value(sides.format(symbol)) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("!paid", None),
        ("-limit", None),
        ("limit == null", True),
        ("limit != null", False),
        ("limit == 2", False),
        ("limit != 2", True),
        ("limit == limit", True),
        ("null == null", True),
        ("limit in [1, 2]", False),
        ("limit in [1, null]", True),
        ("!(limit in [1, 2])", True),
        ("paid ? 1 : 2", 2),
        ("lower(customer.contact.lead.lead.name)", None),
        ("limit > 1 && false", False),
        ("limit > 1 || true", True),
        ("has(limit)", False),
        ("has(count)", True),
        ("has(customer.tier)", True),
        ("has(owner.lead)", False),
        ("previous.status", None),
        ("previous == null", True),
        ("previous.status != status", True),
        ("count / 0", None),
        ("hours % 0", None),
        ("amount / 0", None),
        ("tags[9]", None),
        ("tags[-1]", None),
        ("settings.missing", None),
        ("settings.missing.deeper == null", True),
        ("{'a': 1}['b']", None),
        ("has(settings.missing)", False),
        ("has(settings.level)", True),
        ("[1, null, 3].filter(x, x > 1)", [3]),
        ("[1, null].exists(x, x > 5)", None),
        ("[1, null].exists_one(x, x == 1)", True),
    ],
)
def test_null(source: str, expected: Any) -> None:
    assert value(source) == expected


def test_a_null_list_makes_what_walks_over_it_null() -> None:
    for source in ("tags.exists(t, true)", "tags.map(t, t)", "size(tags)", "first(tags)", "tags + tags"):
        assert value(source, {"tags": None}) is None
    assert value("'a' in tags", {"tags": None}) is False


def test_a_condition_that_gives_null_does_not_hold() -> None:
    expression = compiled("limit > 1", BOOL)
    assert expression.evaluate(TICKET, CONTEXT) is None
    assert expression.holds(TICKET, CONTEXT) is False


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("amount > 12000", True),
        ("amount == 12000.5", True),
        ("12000.50 == amount", True),
        ("amount in [1, 12000.5]", True),
        ("amount + amount", Money(Decimal("24001.00"), "EUR")),
        ("amount * 2 - amount == amount", True),
        ("-amount", Money(Decimal("-12000.50"), "EUR")),
        ("0.1 * amount", Money(Decimal("1200.050"), "EUR")),
        ("amount / amount", Decimal(1)),
        ("amount == budget", False),
        ("amount != budget", True),
        ("amount.currency", "EUR"),
        ("amount == null", False),
        ("sum(lines.map(l, l.price * l.quantity))", Money(Decimal("30.00"), "EUR")),
        ("max(lines.map(l, l.price)).amount", Decimal(10)),
        ("round(amount / 7)", Money(Decimal("1714.36"), "EUR")),
        ("dyn(amount) > 5", True),
        ("dyn(amount) == 12000.5", True),
    ],
)
def test_money(source: str, expected: Any) -> None:
    assert value(source) == expected


@pytest.mark.parametrize("source", ["amount + budget", "amount < budget", "amount / budget", "min(amount, budget)"])
def test_money_in_two_currencies_is_never_taken_together(source: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(source)
    assert caught.value.instance_code == "other_currency"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("today()", date(2026, 2, 1)),
        ("now()", datetime(2026, 1, 31, 20, tzinfo=UTC)),
        ("due - today()", timedelta(days=2)),
        ("due > '2026-02-02'", True),
        ("due in ['2026-02-03']", True),
        ("due + duration('36h')", date(2026, 2, 4)),
        ("due - duration('-36h')", date(2026, 2, 4)),
        ("opened + duration('2h')", datetime(2026, 1, 30, 10, tzinfo=UTC)),
        ("opened == '2026-01-30T09:00:00+01:00'", True),
        ("today() == opened", False),
        ("opened < today()", True),
        ("now() >= '2026-02-01'", True),
        ("now() < '2026-02-01'", False),
        ("hour(now())", 4),
        ("now().getHours()", 20),
        ("day(now())", 1),
        ("daysBetween(opened, now())", 2),
        ("daysBetween(opened, today())", 2),
        ("addDays(opened, 1) - opened == duration('24h')", True),
        ("workingHoursBetween(opened, now())", Decimal(18)),
        ("addWorkingTime(opened, duration('3h'))", datetime(2026, 1, 30, 14, tzinfo=UTC)),
        ("elapsed > duration('1d')", True),
    ],
)
def test_dates(source: str, expected: Any) -> None:
    assert value(source) == expected


def test_days_added_to_a_moment_keep_its_hour_over_a_change_to_summer_time() -> None:
    berlin = replace(CONTEXT, time_zone=ZoneInfo("Europe/Berlin"))
    before = {**TICKET, "opened": datetime(2026, 3, 28, 11, 0, tzinfo=UTC)}
    assert compiled("addDays(opened, 1)").evaluate(before, berlin) == datetime(2026, 3, 29, 10, 0, tzinfo=UTC)


def test_working_time_without_operating_hours_is_an_error() -> None:
    with pytest.raises(EvaluationError) as caught:
        compiled("workingHoursBetween(opened, now())").evaluate(TICKET, replace(CONTEXT, working_time=None))
    assert caught.value.instance_code == "no_operating_hours"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("owner == user", True),
        ("owner == 'u-anna'", True),
        ("'u-ben' != owner", True),
        ("owner in watchers", True),
        ("customer.contact in watchers", True),
        ("'u-x' in watchers", False),
        ("owner in [user, 'u-x']", True),
        ("owner in ['u-x']", False),
        ("owner.id", "u-anna"),
        ("customer.contact.lead.name", "Anna"),
        ("customer.contact.lead.lead == null", True),
        ("lines.exists(l, l.supplier == customer)", True),
        ("lines.filter(l, l.supplier == null).map(l, l.part)", ["hose"]),
        ("lines.map(l, l.supplier.tier)", ["gold", None]),
        ("changed(status) && !changed(amount)", True),
        ("isNew()", True),
        ("hasRole('manager') && !hasRole('admin')", True),
    ],
)
def test_records(source: str, expected: Any) -> None:
    assert value(source) == expected


def test_an_empty_lookup_makes_its_fields_null() -> None:
    assert value("customer.contact.name", {"customer": None}) is None
    assert value("customer.tier == null", {"customer": None}) is True
    assert value("owner == user", {"owner": None}) is False
    assert value("owner == user", {"owner": None, "user": None}) is True
    assert value("hasRole('agent')", {"user": BEN}) is False


def test_previous_is_the_record_before_this_save() -> None:
    before = {**TICKET, "status": "new", "owner": BEN}
    assert value("previous.status == 'new' && previous.owner != owner", {"previous": before}) is True
    assert value("isNew()", {"previous": before}) is False
    assert value("previous.owner.name", {"previous": before, "owner": ANNA}) == "Ben"


def test_the_result_is_converted_to_what_is_expected() -> None:
    assert compiled("count", DECIMAL).evaluate(TICKET, CONTEXT) == Decimal(3)
    assert compiled("'2026-01-31'", DATE).evaluate(TICKET, CONTEXT) == date(2026, 1, 31)
    assert compiled("settings.nested.on", BOOL).evaluate(TICKET, CONTEXT) is True
    with pytest.raises(EvaluationError):
        compiled("settings.name", BOOL).evaluate(TICKET, CONTEXT)
