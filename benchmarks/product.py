"""Fieldstone with the comparison object published and filled, in a place of a run; and the same rows for the floor."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks import floor
from benchmarks.comparison import CUSTOMER, TICKET, customer_values, definitions, ticket_values
from benchmarks.places import Place
from fieldstone.app import make_frame
from fieldstone.objects.records.service import RecordService
from fieldstone.objects.records.values import CreateOperation
from fieldstone.platform.database.engines import Databases
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.frame import Frame
from fieldstone.platform.identity.services import Identity
from fieldstone.platform.identity.values import NewUser
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.ids import new_id
from fieldstone.platform.metadata.doors import CallerDoors
from fieldstone.platform.metadata.service import MetadataService, PublishOrder
from fieldstone.platform.metadata.values import Change
from fieldstone.platform.settings import Settings
from fieldstone.platform.tenancy.store import TenantStore
from fieldstone.platform.units import Caller, SystemCredential, Units, UserCredential
from fieldstone.platform.work.assembly import Work

TENANT = "bench"
EMAIL, PASSWORD = "bench@example.com", "a long enough pass phrase"
BATCH = 100
MODELS = 200
FILL_SECONDS = 120.0
CUSTOMERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A filled installation. `tickets` and `customers` are ids, `token` a bearer token of an ordinary user."""

    frame: Frame
    user: str
    token: str
    tickets: Sequence[str]
    customers: Sequence[str]

    @property
    def caller(self) -> Caller:
        """The user with the token, inside the process."""
        return Caller(tenant=TENANT, credential=UserCredential(user_id=self.user))


@contextmanager
def product(where: Place, rows: int) -> Iterator[Product]:
    """Compose, publish, fill; the floor's tables get the same rows under the same ids."""
    frame = make_frame(_settings(where))
    try:
        made = _fill(frame, rows)
        _fill_floor(where, made)
        yield made
    finally:
        for record in frame.need(TenantStore).list():
            frame.need(TenantStore).drop(record.tenant.name)
        frame.need(Databases).close()


def _settings(where: Place) -> Settings:
    found = where.environment()
    return Settings(
        environment="bench",
        secret_key=found["FIELDSTONE_SECRET_KEY"],
        data_dir=Path(found["FIELDSTONE_DATA_DIR"]),
        database_url=where.url,
        log_level="WARNING",
        default_tenant=TENANT,
        unit_seconds=FILL_SECONDS,
    )


def _fill(frame: Frame, rows: int) -> Product:
    tenants, units = frame.need(TenantStore), frame.need(Units)
    tenants.prepare()
    tenants.create(TENANT, "Bench", currency="USD")
    system = Caller(tenant=TENANT, credential=SystemCredential(), channel="system")
    changes = [Change(kind=kind, name=body["name"], body=body) for kind, body in definitions()]
    frame.need(MetadataService).publish(CallerDoors(units, system), changes, PublishOrder(name="bench"))
    frame.need(Work).run_due()
    identity = frame.need(Identity)

    def user(ctx: Context, unit: Unit) -> tuple[str, str]:
        new = NewUser(email=EMAIL, name="Bench", roles=("bench",))
        made = identity.users.create(ctx, unit, new).id
        return made, identity.tokens.create(ctx, unit, made, "bench", "write")[1]

    made, token = units.write(system, user)
    identity.passwords.set_directly(system, made, PASSWORD)
    customers = _create(frame, system, CUSTOMER, [customer_values(number) for number in range(CUSTOMERS)])
    first = [ticket_values(number, customers) for number in range(min(rows, MODELS))]
    tickets = _create(frame, system, TICKET, first)
    tickets += units.write(system, lambda ctx, unit: _copies(ctx, unit, rows - len(tickets)))
    return Product(frame=frame, user=made, token=token, tickets=tickets, customers=customers)


def _copies(ctx: Context, unit: SqlUnit, count: int) -> list[str]:
    """More rows like those the record service made: same columns, ids of their own. Their history is not copied."""
    table: sa.Table = ctx.snapshot.get("object", TICKET).table
    made = [new_id() for _ in range(count)]
    models = [dict(row._mapping) for row in unit.connection.execute(sa.select(table))]
    for start in range(0, count, BATCH):
        ids = enumerate(made[start : start + BATCH], start)
        rows = [{**models[number % len(models)], table.c.id.name: each} for number, each in ids]
        unit.connection.execute(sa.insert(table), rows)
    return made


def _create(frame: Frame, caller: Caller, name: str, bodies: Sequence[dict[str, Any]]) -> list[str]:
    records, units = frame.need(RecordService), frame.need(Units)
    made: list[str] = []
    for start in range(0, len(bodies), BATCH):
        batch = [CreateOperation(data=body) for body in bodies[start : start + BATCH]]

        def write(ctx: Context, unit: Unit, batch: Sequence[CreateOperation] = batch) -> list[str]:
            done = records.bulk(ctx, unit, name, batch, atomic=True)
            return [str(result.id) for result in done.results]

        made += units.write(caller, write)
    return made


def _fill_floor(where: Place, made: Product) -> None:
    engine = floor.make_engine(where.floor_url, "OFF")
    floor.metadata.create_all(engine)
    now = datetime.now(UTC)
    with engine.begin() as connection:
        people = [{"id": uuid.UUID(record), **customer_values(number)} for number, record in enumerate(made.customers)]
        connection.execute(sa.insert(floor.customers), people)
        for start in range(0, len(made.tickets), BATCH):
            batch = [
                floor.values_of(ticket_values(start + number, made.customers))
                | {"id": uuid.UUID(record), "created_at": now, "updated_at": now}
                for number, record in enumerate(made.tickets[start : start + BATCH])
            ]
            connection.execute(sa.insert(floor.tickets), batch)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
    engine.dispose()
