"""Inside one process: expressions, an import, pages. Each against what a few plain lines of Python would take.

In: a filled installation. Out: values with a unit, and a share or a number of statements where there is one.
"""

from __future__ import annotations

import csv
import io
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask.testing import FlaskClient

from benchmarks import floor
from benchmarks.comparison import FIELDS, TICKET, WIDE, ticket_values
from benchmarks.places import Place
from benchmarks.product import EMAIL, PASSWORD, Product
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.frame import Frame
from fieldstone.platform.http.web import make_app
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.units import Units
from fieldstone.platform.work.assembly import Work
from fieldstone.rules.expressions.compile import EvaluationContext, compile_expression

CONDITION = 'amount > 10000 && priority == "high" && status in ["new", "assigned"]'
REPEATS = 7
IMPORT_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: what, how much, in which unit, and what it is compared with."""

    name: str
    value: float
    unit: str
    note: str


def measure_expressions(made: Product) -> list[Figure]:
    """Evaluate and compile one condition of three parts; the floor of evaluation is the same by hand."""
    units = made.frame.need(Units)
    environment = units.read(made.caller, lambda ctx, unit: ctx.snapshot.get("object", TICKET).environment)
    expression = compile_expression(CONDITION, environment)
    values = {"amount": Decimal("12000.00"), "priority": "high", "status": "assigned"}
    context = EvaluationContext(now=datetime.now(UTC), time_zone=ZoneInfo("UTC"))
    limit = Decimal(10_000)

    def by_hand(variables: Mapping[str, Any], _: EvaluationContext) -> bool:
        amount, priority, status = variables["amount"], variables["priority"], variables["status"]
        return bool(amount > limit and priority == "high" and status in ("new", "assigned"))

    ours, theirs = in_turn(
        lambda: [expression.holds(values, context) for _ in range(20_000)],
        lambda: [by_hand(values, context) for _ in range(20_000)],
    )
    compiling = _median(lambda: [compile_expression(CONDITION, environment) for _ in range(50)])
    return [
        Figure(name="expression: evaluate", value=ours / 20_000 * 1e9, unit="ns", note=_times(ours / theirs)),
        Figure(name="expression: parse, check, compile", value=compiling / 50 * 1e6, unit="us", note=""),
    ]


def measure_import(where: Place, made: Product, rows: int) -> list[Figure]:
    """A CSV with all fields, validated and with history; the floor is a CSV reader and Core's executemany."""
    text = _csv(rows, made.customers)
    started = time.perf_counter()
    job = _import(made, text)
    ours = time.perf_counter() - started
    if job["state"] != "done" or job["errors"]:
        raise RuntimeError(f"the import failed: {job}")
    started = time.perf_counter()
    _import_by_hand(where, text)
    theirs = time.perf_counter() - started
    note = f"{theirs / ours:.2f} of reading the CSV and inserting it by hand; {rows} rows"
    return [Figure(name="import: rows a second", value=rows / ours, unit="1/s", note=note)]


def measure_pages(made: Product) -> list[Figure]:
    """CPU time of three pages for a signed-in user, with the statements and sends each takes."""
    with _watched(made.frame) as seen:
        client = _signed_in(made.frame)
        pages = {
            "page: list of 50": f"/o/{TICKET}",
            "page: form of 40 fields": f"/o/{WIDE}/new",
            "page: record": f"/o/{TICKET}/{made.tickets[0]}",
        }
        return [_page(client, seen, name, path) for name, path in pages.items()]


def in_turn(*works: Callable[[], object]) -> list[float]:
    """Median CPU seconds of each, run in turn."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(REPEATS):
        for work, found in zip(works, times, strict=True):
            started = time.process_time()
            work()
            found.append(time.process_time() - started)
    return [median(found) for found in times]


def _median(work: Callable[[], object]) -> float:
    return in_turn(work)[0]


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times the same by hand"


def _csv(rows: int, customers: Sequence[str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, [field["name"] for field in FIELDS])
    writer.writeheader()
    for number in range(rows):
        writer.writerow(ticket_values(number, customers) | {"is_warranty": str(number % 3 == 0).lower()})
    return out.getvalue()


def _import(made: Product, text: str) -> dict[str, Any]:
    client = make_app(made.frame).test_client()
    headers = {"Authorization": f"Bearer {made.token}"}
    data = {"file": (io.BytesIO(text.encode()), "tickets.csv"), "mapping": json.dumps({"object": TICKET})}
    answer = client.post("/api/v1/imports", data=data, headers=headers)
    if answer.status_code != 202:
        raise RuntimeError(answer.text)
    made.frame.need(Work).run_due()
    job = json.loads(answer.data)["data"]["id"]
    found: dict[str, Any] = json.loads(client.get(f"/api/v1/jobs/{job}", headers=headers).data)["data"]
    return found


def _import_by_hand(where: Place, text: str) -> None:
    engine = floor.make_engine(where.floor_url, "FULL")
    batch: list[dict[str, Any]] = []
    for row in csv.DictReader(io.StringIO(text)):
        now = datetime.now(UTC)
        typed: dict[str, Any] = {**row, "quantity": int(row["quantity"]), "rating": int(row["rating"])}
        typed["is_warranty"] = row["is_warranty"] == "true"
        batch.append(floor.values_of(typed) | {"id": uuid.uuid4(), "created_at": now, "updated_at": now})
        if len(batch) == IMPORT_BATCH:
            _insert(engine, batch)
            batch = []
    if batch:
        _insert(engine, batch)
    engine.dispose()


def _insert(engine: sa.Engine, batch: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(floor.tickets), batch)


@contextmanager
def _watched(frame: Frame) -> Iterator[list[SqlUnit]]:
    """The units that are opened meanwhile."""
    units, seen = frame.need(Units), list[SqlUnit]()
    read, write = units.read, units.write

    def watch(work: Callable[[Context, SqlUnit], Any]) -> Callable[[Context, SqlUnit], Any]:
        def watched(ctx: Context, unit: SqlUnit) -> Any:
            seen.append(unit)
            return work(ctx, unit)

        return watched

    units.read = lambda caller, work: read(caller, watch(work))  # type: ignore[method-assign]
    units.write = lambda caller, work: write(caller, watch(work))  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        del units.read, units.write


def _signed_in(frame: Frame) -> FlaskClient:
    client = make_app(frame).test_client()
    answer = client.post("/api/v1/sessions", json={"email": EMAIL, "password": PASSWORD})
    if answer.status_code != 201:
        raise RuntimeError(answer.text)
    return client


def _page(client: FlaskClient, seen: list[SqlUnit], name: str, path: str) -> Figure:
    def show() -> None:
        seen.clear()
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")

    show()
    took = _median(show)
    statements, sends = sum(unit.statements for unit in seen), sum(unit.sends for unit in seen)
    note = f"{statements} statements, {sends} sends in {len(seen)} units"
    return Figure(name=name, value=took * 1000, unit="ms", note=note)
