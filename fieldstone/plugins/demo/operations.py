"""The demo company's work: tickets, work orders over the last two months, lines, appointments, quotes.

Pure and deterministic, like `company`. Moments lie between two months ago and a few days ahead of `now`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from fieldstone.plugins.demo.company import ASSET_TYPES, CUSTOMER_NAMES
from fieldstone.plugins.demo.people import ENGINEERS
from fieldstone.plugins.demo.seed import Ref, Seed

WORK_ORDERS = 200
SUBJECTS: dict[int, tuple[str, ...]] = {
    0: ("Chiller pump vibration 冷水机组水泵振动异常", "Low refrigerant alarm", "Compressor oil leak"),
    1: ("Boiler pressure relief valve", "Boiler locks out at night", "Burner service"),
    2: ("Lift door sensor 電梯門感應器更換", "Lift stops between floors", "Annual safety certificate"),
    3: ("Fire panel fault code E-31", "Sounder circuit open", "Loop card replacement"),
    4: ("UPS battery replacement", "UPS on bypass", "Fan failure alarm"),
    5: ("Booster pump short cycling", "Seal leak at pump 2", "Replace intake filters"),
    6: ("Cold room at +9 °C", "Defrost timer fault", "Evaporator iced up"),
}
OPEN_STATES = ("new", "scheduled", "dispatched", "accepted", "on_site")
CAUSES = ("wear", "electrical", "software", "operation", "none")
WORK_DONE = (
    "Replaced the worn part, aligned and test-ran for 30 minutes.",
    "Reset the controller, updated the firmware, checked the sensors.",
    "Cleaned the contacts and tightened all terminals. No further fault.",
    "Topped up, leak-tested and logged the pressures.",
)
TICKETS: tuple[tuple[str, str], ...] = (
    ("question", "How do I read the chiller's weekly log?"),
    ("complaint", "Technician arrived two hours late"),
    ("inspection", "Yearly inspection due next month"),
    ("question", "Invoice address has changed"),
    ("incident", "Remote monitoring shows no data"),
    ("repair", "Water under the booster set"),
    ("repair", "Display case too warm 冷藏櫃溫度過高"),
    ("repair", "Fire panel beeps every minute"),
    ("complaint", "Noise after the last repair"),
    ("incident", "Access card of the engineer rejected"),
)
QUOTES: tuple[tuple[str, int, str], ...] = (
    ("Spare filters for the year", 2, "120.00"),
    ("Replacement battery set", 8, "380.00"),
    ("Pump overhaul", 1, "4950.00"),
    ("Lift door operator", 2, "3100.00"),
    ("Chiller compressor", 1, "28400.00"),
    ("Cold room panels", 6, "2450.00"),
    ("UPS replacement 100 kVA", 1, "64000.00"),
    ("Boiler plant renewal", 2, "41500.00"),
)


def operations(rng: Random, now: datetime) -> Iterator[Seed]:
    """All records of daily work, oldest first."""
    yield from _work_orders(rng, now)
    yield from _tickets(rng, now)
    yield from _quotes(rng, now)


def _work_orders(rng: Random, now: datetime) -> Iterator[Seed]:
    for number in range(WORK_ORDERS):
        created = now - timedelta(hours=(WORK_ORDERS - number) * 7.1 + rng.random() * 4)
        yield from _work_order(number, created, rng, now)


def _work_order(number: int, created: datetime, rng: Random, now: datetime) -> Iterator[Seed]:
    asset = number * 7 % 60
    customer, kind = asset % len(CUSTOMER_NAMES), asset % len(ASSET_TYPES)
    done = number < WORK_ORDERS - 42
    status = rng.choice(("completed", "closed", "closed")) if done else OPEN_STATES[number % len(OPEN_STATES)]
    engineer = number * 5 % len(ENGINEERS)
    start = created + timedelta(hours=rng.randint(3, 30))
    if not done and start < now:
        start = now + timedelta(hours=rng.randint(1, 70))
    values: dict[str, Any] = {
        "subject": rng.choice(SUBJECTS[kind]),
        "type": rng.choices(("repair", "inspection", "installation"), (6, 2, 1))[0],
        "priority": rng.choices(("critical", "high", "moderate", "low"), (1, 3, 5, 2))[0],
        "status": status,
        "customer": Ref(f"customer/{customer}"),
        "site": Ref(f"site/{customer}/0"),
        "asset": Ref(f"asset/{asset}"),
        "territory": Ref(f"territory/{customer % 5}"),
        "scheduled_start": start.replace(minute=0, second=0, microsecond=0).isoformat(),
        "duration": rng.choice(("PT1H", "PT1H30M", "PT2H", "PT3H")),
        "due_at": (start + timedelta(hours=rng.choice((8, 24, 48)))).isoformat(),
        "skills": [{"skill": Ref(f"skill/{kind}"), "min_level": rng.randint(1, 3)}],
    }
    if status not in ("new",):
        values["resource"] = Ref(f"resource/{engineer}")
    if done:
        values |= {
            "cause": rng.choice(CAUSES),
            "resolution": rng.choice(WORK_DONE),
            "csat": rng.choice((3, 4, 4, 5, 5)),
        }
        values["labour"] = [
            {
                "work": "On site",
                "hours": rng.choice(("0.75", "1.50", "2.25", "3.00")),
                "rate": {"amount": "80.00", "currency": "USD"},
                "resource": Ref(f"resource/{engineer}"),
            }
        ]
    yield Seed(object="work_order", key=f"work_order/{number}", values=values, at=created, by="dispatcher")
    if done and number % 2:
        yield _used_part(number, rng, start)
    if status in ("scheduled", "dispatched", "accepted"):
        yield _appointment(number, engineer, start)


def _used_part(number: int, rng: Random, at: datetime) -> Seed:
    part = rng.randint(0, 299)
    values = {
        "work_order": Ref(f"work_order/{number}"),
        "part": Ref(f"part/{part}"),
        "quantity": str(rng.randint(1, 3)),
    }
    return Seed(object="part_line", key=f"part_line/{number}", values=values, at=at, by="manager")


def _appointment(number: int, engineer: int, start: datetime) -> Seed:
    values = {
        "work_order": Ref(f"work_order/{number}"),
        "resource": Ref(f"resource/{engineer}"),
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=2)).isoformat(),
        "status": "confirmed",
    }
    return Seed(object="appointment", key=f"appointment/{number}", values=values, by="dispatcher")


def _tickets(rng: Random, now: datetime) -> Iterator[Seed]:
    for number in range(30):
        category, subject = TICKETS[number % len(TICKETS)]
        customer = number * 3 % len(CUSTOMER_NAMES)
        values: dict[str, Any] = {
            "subject": subject,
            "category": category,
            "channel": rng.choice(("phone", "email", "portal")),
            "impact": rng.choice(("high", "medium", "medium", "low")),
            "urgency": rng.choice(("high", "medium", "medium", "low")),
            "customer": Ref(f"customer/{customer}"),
            "contact": Ref(f"contact/{customer}"),
            "site": Ref(f"site/{customer}/0"),
            "status": "new" if number % 3 == 0 else "open",
        }
        if number % 3:
            values["assigned_to"] = Ref("user/agent" if number % 2 else "user/agent2")
        created = now - timedelta(hours=(30 - number) * 2.3)
        yield Seed(object="ticket", key=f"ticket/{number}", values=values, at=created, by="agent")


def _quotes(rng: Random, now: datetime) -> Iterator[Seed]:
    for number in range(24):
        subject, quantity, price = QUOTES[number % len(QUOTES)]
        customer = number * 5 % len(CUSTOMER_NAMES)
        values = {
            "subject": subject,
            "customer": Ref(f"customer/{customer}"),
            "discount": rng.choice(("0", "0", "5")),
            "lines": [
                {
                    "description": subject,
                    "quantity": str(quantity),
                    "unit_price": {"amount": price, "currency": "USD"},
                },
                {"description": "Labour", "quantity": "4", "unit_price": {"amount": "80.00", "currency": "USD"}},
            ],
            "terms": "Prices without tax. Delivery within four weeks.",
        }
        created = now - timedelta(days=24 - number, hours=rng.randint(0, 8))
        yield Seed(object="quote", key=f"quote/{number}", values=values, at=created, by="agent")
