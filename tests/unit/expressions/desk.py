"""A small help desk for the tests of expressions: objects with fields, one ticket, one context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fieldstone.rules.expressions.compile import EvaluationContext, Expression, check_expression, compile_expression
from fieldstone.rules.expressions.types import (
    BOOL,
    DATE,
    DECIMAL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    MONEY,
    STRING,
    TIME,
    TIMESTAMP,
    Type,
    list_of,
    record_of,
)
from fieldstone.rules.expressions.values import Money

_TICKET: dict[str, Type] = {
    "id": STRING,
    "subject": STRING,
    "priority": STRING,
    "status": STRING,
    "tier": STRING,
    "amount": MONEY,
    "budget": MONEY,
    "hours": DECIMAL,
    "rate": DECIMAL,
    "count": INT,
    "limit": INT,
    "urgent": BOOL,
    "paid": BOOL,
    "latitude": DOUBLE,
    "due": DATE,
    "opened": TIMESTAMP,
    "closed": TIMESTAMP,
    "starts": TIME,
    "elapsed": DURATION,
    "tags": list_of(STRING),
    "scores": list_of(INT),
    "settings": DYN,
    "owner": record_of("user"),
    "watchers": list_of(record_of("user")),
    "customer": record_of("customer"),
    "lines": list_of(record_of("line")),
}
OBJECTS: dict[str, dict[str, Type]] = {
    "ticket": _TICKET,
    "user": {"name": STRING, "roles": list_of(STRING), "lead": record_of("user")},
    "customer": {"name": STRING, "tier": STRING, "credit": DECIMAL, "contact": record_of("user")},
    "line": {"part": STRING, "price": MONEY, "quantity": INT, "supplier": record_of("customer")},
}


class Desk:
    """The type environment of a ticket."""

    def variable(self, name: str) -> Type | None:
        if name in ("previous", "user"):
            return record_of("ticket" if name == "previous" else "user")
        return _TICKET.get(name)

    def member(self, record: str, field: str) -> Type | None:
        return OBJECTS[record].get(field)

    def names(self) -> Sequence[str]:
        return (*_TICKET, "previous", "user")

    def members(self, record: str) -> Sequence[str]:
        return tuple(OBJECTS[record])


class OfficeHours:
    """Working time for tests: every hour of the day counts half."""

    def add(self, start: datetime, duration: timedelta) -> datetime:
        return start + duration * 2

    def between(self, start: datetime, end: datetime) -> timedelta:
        return (end - start) / 2


DESK = Desk()
CONTEXT = EvaluationContext(
    now=datetime(2026, 1, 31, 20, 0, tzinfo=UTC),
    time_zone=ZoneInfo("Asia/Shanghai"),
    working_time=OfficeHours(),
    changed=frozenset({"status"}),
)
ANNA = {"id": "u-anna", "name": "Anna", "roles": ["agent", "manager"], "lead": None}
BEN = {"id": "u-ben", "name": "Ben", "roles": [], "lead": ANNA}
ACME = {"id": "c-acme", "name": "Acme", "tier": "gold", "credit": Decimal("5000"), "contact": BEN}
TICKET: dict[str, Any] = {
    "id": "t-1",
    "subject": "Pump leaks",
    "priority": "high",
    "status": "open",
    "tier": "gold",
    "amount": Money(Decimal("12000.50"), "EUR"),
    "budget": Money(Decimal("100"), "USD"),
    "hours": Decimal("1.25"),
    "rate": Decimal("0.1"),
    "count": 3,
    "limit": None,
    "urgent": True,
    "paid": None,
    "latitude": 52.5,
    "due": date(2026, 2, 3),
    "opened": datetime(2026, 1, 30, 8, 0, tzinfo=UTC),
    "closed": None,
    "starts": time(9, 30),
    "elapsed": timedelta(hours=36),
    "tags": ["pump", "leak"],
    "scores": [3, 1, 2],
    "settings": {"level": 5, "name": "x", "nested": {"on": True}, "items": [1, 2]},
    "owner": ANNA,
    "watchers": [ANNA, BEN],
    "customer": ACME,
    "lines": [
        {"id": "l-1", "part": "seal", "price": Money(Decimal("10"), "EUR"), "quantity": 2, "supplier": ACME},
        {"id": "l-2", "part": "hose", "price": Money(Decimal("2.50"), "EUR"), "quantity": 4, "supplier": None},
    ],
    "previous": None,
    "user": ANNA,
}


def compiled(source: str, expects: Type | None = None) -> Expression:
    """`source` compiled against the desk."""
    return compile_expression(source, DESK, expects=expects)


def value(source: str, changes: Mapping[str, Any] | None = None) -> Any:
    """The value of `source` for the ticket with `changes`."""
    return compiled(source).evaluate({**TICKET, **(changes or {})}, CONTEXT)


def problem(source: str, expects: Type | None = None) -> tuple[str, str]:
    """The code and the suggestion of the only problem of `source`."""
    (found,) = check_expression(source, DESK, expects=expects)
    return found.code, found.suggestion
