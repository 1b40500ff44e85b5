"""The comparison object: a ticket of fifteen fields with a lookup, its rules, its rows and its requests.

In: the number of a row. Out: bodies for the API, definitions to publish. Both sides of every comparison use the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import quote

TICKET, CUSTOMER, WIDE = "bench_ticket", "bench_customer", "bench_wide"
STATUSES = ("new", "assigned", "in_progress", "closed")
PRIORITIES = ("low", "medium", "high", "urgent")
REGIONS = ("north", "south", "east", "west")
LIST_FIELDS = ("id", "subject", "status", "priority", "customer", "amount", "due", "updated_at")
PAGE = 20
WIDE_FIELDS = 40
_START = datetime(2026, 1, 1, tzinfo=UTC)


def _select(name: str, values: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "type": "select", "options": [{"value": value, "label": value} for value in values]}


FIELDS: tuple[dict[str, Any], ...] = (
    {"name": "subject", "type": "text", "required": True},
    {"name": "description", "type": "long_text"},
    _select("status", STATUSES),
    _select("priority", PRIORITIES),
    {"name": "customer", "type": "lookup", "object": CUSTOMER},
    {"name": "amount", "type": "decimal", "precision": 12, "scale": 2},
    {"name": "quantity", "type": "integer"},
    {"name": "unit_price", "type": "decimal", "precision": 12, "scale": 2},
    {"name": "due", "type": "datetime"},
    {"name": "region", "type": "text"},
    {"name": "serial_no", "type": "text"},
    {"name": "is_warranty", "type": "boolean"},
    {"name": "rating", "type": "rating"},
    {"name": "contact_email", "type": "email"},
    {"name": "contact_phone", "type": "text"},
)
OBJECTS: tuple[dict[str, Any], ...] = (
    {
        "name": CUSTOMER,
        "label": "Customer",
        "title": "name",
        "fields": [{"name": "name", "type": "text", "required": True}, {"name": "email", "type": "email"}],
    },
    {
        "name": TICKET,
        "label": "Ticket",
        "title": "subject",
        "fields": list(FIELDS),
        "indexes": [["status", "priority", "-updated_at"]],
    },
    {
        "name": WIDE,
        "label": "Wide record",
        "title": "f0",
        "fields": [
            {**FIELDS[number % len(FIELDS)], "name": f"f{number}", "required": number == 0}
            for number in range(WIDE_FIELDS)
        ],
    },
)
RULES: tuple[dict[str, Any], ...] = (
    {"name": "bench_closed", "condition": 'status == "closed" && rating == null && amount > 100000'},
    {"name": "bench_amount", "condition": "amount < 0 || quantity > 10000"},
    {"name": "bench_urgent", "condition": 'priority == "urgent" && due == null && region == "north"'},
)
ROLE: dict[str, Any] = {
    "name": "bench",
    "label": "Bench",
    "system": ["import_records"],
    "objects": {
        "*": {"read": "all", "create": "all", "update": "all", "delete": "all", "export": True, "import": True}
    },
}


def definitions() -> list[tuple[str, dict[str, Any]]]:
    """Everything to publish, as kind and body."""
    rules = [{**rule, "object": TICKET, "message": "Please check this ticket."} for rule in RULES]
    return [
        *(("object", body) for body in OBJECTS),
        *(("validation_rule", body) for body in rules),
        ("role", ROLE),
    ]


def customer_values(number: int) -> dict[str, Any]:
    """The body of a customer."""
    return {"name": f"Customer {number}", "email": f"c{number}@example.com"}


def ticket_values(number: int, customers: Sequence[str]) -> dict[str, Any]:
    """The body of a ticket: all fifteen fields."""
    return {
        "subject": f"Ticket {number} pump fails",
        "description": "The unit stops after a few minutes. " * 6 + str(number),
        "status": STATUSES[number * 7 % 4],
        "priority": PRIORITIES[number // 4 % 4],
        "customer": customers[number * 31 % len(customers)],
        "amount": f"{number * 37 % 100_000 / 100:.2f}",
        "quantity": 1 + number % 9,
        "unit_price": f"{number * 13 % 5000 / 10:.2f}",
        "due": (_START + timedelta(days=number % 500)).isoformat().replace("+00:00", "Z"),
        "region": REGIONS[number % 4],
        "serial_no": f"SN-{number:08}",
        "is_warranty": number % 3 == 0,
        "rating": 1 + number % 5,
        "contact_email": f"u{number}@example.com",
        "contact_phone": f"+1555{number:07}",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request to be sent."""

    method: str
    path: str
    body: str


def requests(work: str, prefix: str, tickets: Sequence[str], customers: Sequence[str], count: int) -> list[Sent]:
    """Different requests of one kind; `prefix` is the path of the tickets on that side."""
    rng = Random(7)
    return [_request(work, prefix, tickets, customers, rng) for _ in range(count)]


def _request(work: str, prefix: str, tickets: Sequence[str], customers: Sequence[str], rng: Random) -> Sent:
    number = rng.randrange(1_000_000)
    match work:
        case "create":
            return Sent(method="POST", path=prefix, body=json.dumps(ticket_values(number, customers)))
        case "get":
            return Sent(method="GET", path=f"{prefix}/{rng.choice(tickets)}", body="")
        case "list":
            status, priority = rng.choice(STATUSES), rng.choice(PRIORITIES)
            condition = quote(f'status == "{status}" && priority == "{priority}"')
            fields = ",".join(LIST_FIELDS)
            path = f"{prefix}?filter={condition}&sort=-updated_at&limit={PAGE}&fields={fields}"
            return Sent(method="GET", path=path, body="")
        case "update":
            body = {"status": rng.choice(STATUSES), "amount": f"{rng.randrange(100_000) / 100:.2f}"}
            return Sent(method="PATCH", path=f"{prefix}/{rng.choice(tickets)}", body=json.dumps(body))
    raise ValueError(work)
