"""Hypothesis strategies: source texts of each type over the fields of the desk, and records to evaluate them on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from fieldstone.rules.expressions.unparse import quoted
from fieldstone.rules.expressions.values import Money
from tests.unit.expressions.desk import ACME, ANNA, BEN, TICKET

_TEXTS = ("gold", "high", "", "a b", 'q"uote', "Überraschung", "金")
_ORDER = st.sampled_from(["<", "<=", ">", ">="])
_EQUAL = st.sampled_from(["==", "!="])
_Texts = st.SearchStrategy[str]


def _joined(left: _Texts, signs: st.SearchStrategy[str], right: _Texts) -> _Texts:
    return st.builds("({} {} {})".format, left, signs, right)


@cache
def _int(depth: int) -> _Texts:
    leaf = st.one_of(
        st.sampled_from(["count", "limit", "scores[0]", "scores[7]"]),
        st.integers(-5, 5).map(str),
        st.just("9223372036854775807"),
    )
    if not depth:
        return leaf
    inner = _int(depth - 1)
    return st.one_of(
        leaf,
        _joined(inner, st.sampled_from("+-*/%"), inner),
        st.builds("-({})".format, inner),
        st.builds("size({})".format, _text(depth - 1)),
        st.builds("sum(scores.map(n, n * {}))".format, inner),
        st.builds("({} ? {} : {})".format, _bool(depth - 1), inner, inner),
        st.builds("coalesce({}, {})".format, inner, inner),
    )


@cache
def _decimal(depth: int) -> _Texts:
    leaf = st.sampled_from(["hours", "rate", "customer.credit", "0.5", "1.10", "amount.amount"])
    if not depth:
        return leaf
    inner = st.one_of(_decimal(depth - 1), _int(depth - 1))
    return st.one_of(
        leaf,
        _joined(_decimal(depth - 1), st.sampled_from("+-*/%"), inner),
        st.builds("round({}, 1)".format, _decimal(depth - 1)),
        st.builds("min({}, {})".format, _decimal(depth - 1), inner),
    )


@cache
def _money(depth: int) -> _Texts:
    leaf = st.sampled_from(["amount", "budget", "money(5.0, 'EUR')"])
    if not depth:
        return leaf
    return st.one_of(
        leaf,
        _joined(_money(depth - 1), st.sampled_from("+-"), _money(depth - 1)),
        _joined(_money(depth - 1), st.sampled_from("*/"), st.one_of(_decimal(depth - 1), _int(depth - 1))),
        st.builds("-{}".format, leaf),
    )


@cache
def _text(depth: int) -> _Texts:
    leaf = st.one_of(
        st.sampled_from(["subject", "priority", "tier", "customer.tier", "customer.contact.name", "previous.status"]),
        st.sampled_from(_TEXTS).map(quoted),
    )
    if not depth:
        return leaf
    inner = _text(depth - 1)
    return st.one_of(
        leaf,
        _joined(inner, st.just("+"), inner),
        st.builds("lower({})".format, inner),
        st.builds("substring({}, 1)".format, inner),
        st.builds("if({}, {}, {})".format, _bool(depth - 1), inner, inner),
    )


@cache
def _date(depth: int) -> _Texts:
    leaf = st.sampled_from(["due", "today()", "date(opened)", 'date("2026-02-28")'])
    if not depth:
        return leaf
    return st.one_of(
        leaf,
        st.builds("addDays({}, {})".format, _date(depth - 1), st.integers(-40, 40)),
        _joined(_date(depth - 1), st.sampled_from("+-"), st.just("elapsed")),
    )


@cache
def _bool(depth: int) -> _Texts:
    leaf = st.sampled_from(
        ["urgent", "paid", "true", "false", "customer == null", "owner == user", "changed(status)", "paid == null"]
    )
    if not depth:
        return leaf
    less = depth - 1
    return st.one_of(
        leaf,
        _joined(_bool(less), st.sampled_from(["&&", "||"]), _bool(less)),
        st.builds("({0} && {1} && {2})".format, _bool(less), _bool(less), _bool(less)),
        st.builds("({0} || {1} || {2})".format, _bool(less), _bool(less), _bool(less)),
        st.builds("!({})".format, _bool(less)),
        _joined(_int(less), st.one_of(_ORDER, _EQUAL), st.one_of(_int(less), _decimal(less))),
        _joined(_decimal(less), st.one_of(_ORDER, _EQUAL), st.one_of(_int(less), _decimal(less))),
        _joined(_money(less), st.one_of(_ORDER, _EQUAL), st.one_of(_money(less), _int(less))),
        _joined(_text(less), st.one_of(_ORDER, _EQUAL), _text(less)),
        _joined(_date(less), st.one_of(_ORDER, _EQUAL), st.one_of(_date(less), st.just("opened"))),
        st.builds("({0} in [{1}, {2}])".format, _text(less), _text(less), _text(less)),
        st.builds("({0} in tags)".format, _text(less)),
        st.builds("({0} in [1, {1}])".format, _int(less), _int(less)),
        st.builds("scores.exists(n, n > {} || {})".format, _int(less), _bool(less)),
        st.builds("scores.all(n, n != {} && {})".format, _int(less), _bool(less)),
        st.builds("lines.exists_one(l, l.quantity > {})".format, _int(less)),
        st.builds("lines.exists(l, l.price > {})".format, _decimal(less)),
        st.builds("{}.contains({})".format, _text(less), _text(less)),
        st.builds("isBlank({})".format, _text(less)),
        st.builds("(size(tags.filter(t, t != {})) > 0)".format, _text(less)),
    )


def sources(depth: int = 3) -> _Texts:
    """A source text of any type that compiles against the desk."""
    return st.one_of(
        _bool(depth), _bool(depth), _int(depth), _decimal(depth), _money(depth), _text(depth), _date(depth)
    )


def _nullable(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


_DECIMALS = st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("1.10"), Decimal("-2.5"), Decimal(5)])
_AMOUNTS = st.builds(Money, _DECIMALS, st.sampled_from(["EUR", "EUR", "USD"]))
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "subject": _nullable(st.sampled_from(_TEXTS)),
    "priority": _nullable(st.sampled_from(_TEXTS)),
    "tier": _nullable(st.sampled_from(_TEXTS)),
    "amount": _nullable(_AMOUNTS),
    "budget": _nullable(_AMOUNTS),
    "hours": _nullable(_DECIMALS),
    "rate": _nullable(_DECIMALS),
    "count": _nullable(st.integers(-3, 3)),
    "limit": _nullable(st.integers(-3, 3)),
    "urgent": _nullable(st.booleans()),
    "paid": _nullable(st.booleans()),
    "due": _nullable(st.dates(date(2026, 1, 25), date(2026, 2, 5))),
    "opened": _nullable(
        st.datetimes(datetime(2026, 1, 30), datetime(2026, 2, 2)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
    ),
    "elapsed": _nullable(st.integers(-50, 50).map(lambda hours: timedelta(hours=hours))),
    "tags": _nullable(st.lists(st.sampled_from(_TEXTS), max_size=3)),
    "scores": _nullable(st.lists(st.integers(-3, 3), max_size=3)),
    "owner": _nullable(st.sampled_from([ANNA, BEN])),
    "customer": _nullable(st.sampled_from([ACME, {**ACME, "credit": None, "tier": None, "contact": None}])),
    "previous": _nullable(st.just({**TICKET, "status": "new"})),
}


def records() -> st.SearchStrategy[dict[str, Any]]:
    """A ticket whose fields may each be empty."""
    return st.fixed_dictionaries(_FIELDS).map(lambda changes: {**TICKET, **changes})
