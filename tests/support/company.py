"""The whole product with the service package and a small company in it, spoken to over HTTP.

`company(folder, url)` composes the real application (`fieldstone.app`), with the tenants `acme` and `globex`, both with
the package installed; `acme` has a desk, a field team, customers, engineers and parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask

from fieldstone.app import make_frame
from fieldstone.platform.database.engines import Databases
from fieldstone.platform.frame import Frame
from fieldstone.platform.http.web import make_app
from fieldstone.platform.identity.services import Identity
from fieldstone.platform.identity.values import NewUser
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.metadata.doors import CallerDoors
from fieldstone.platform.metadata.packages.service import PackageService
from fieldstone.platform.tenancy.store import TenantStore
from fieldstone.platform.units import Caller, SystemCredential, Units
from fieldstone.platform.work.assembly import Work
from fieldstone.plugins.demo.installing import SERVICE
from tests.support.installation import begin_without_tenants, settings_for
from tests.support.web import Program

PEOPLE = ("admin", "agent", "dispatcher", "manager", "director", "finance", "engineer")
PLACES = {"near": (40.7580, -73.9855), "far": (40.5795, -74.1502), "site": (40.7614, -73.9776)}


@dataclass(kw_only=True)
class Company:
    """A running company: programs by role, ids by name."""

    frame: Frame
    app: Flask
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def as_(self, role: str, tenant: str = "acme") -> Program:
        """A client with the API token of whoever has the role."""
        return Program(client=self.app.test_client(), headers={"Authorization": f"Bearer {self.tokens[tenant, role]}"})

    def add(self, name: str, values: Mapping[str, Any], *, role: str = "admin") -> dict[str, Any]:
        """Create a record through the API; what is answered."""
        answer = self.as_(role).post(f"/api/v1/records/{name}", values)
        assert answer.status_code == 201, answer.text
        data: dict[str, Any] = answer.json["data"]
        return data

    def get(self, name: str, record: str, *, role: str = "admin") -> dict[str, Any]:
        """A record as the API answers it."""
        answer = self.as_(role).get(f"/api/v1/records/{name}/{record}")
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json["data"]
        return data

    def work_off(self) -> None:
        """Do what was queued, in this thread."""
        self.frame.need(Work).run_due()


@contextmanager
def company(folder: Path, url: str | None) -> Iterator[Company]:
    """The company, dropped afterwards."""
    frame = make_frame(settings_for(folder, url))
    tenants = frame.need(TenantStore)
    begin_without_tenants(tenants)
    made = Company(frame=frame, app=make_app(frame))
    try:
        for name in ("acme", "globex"):
            tenants.create(name, name.capitalize(), currency="USD")
            _install(made, name)
        _fill(made)
        yield made
    finally:
        for record in tenants.list():
            tenants.drop(record.tenant.name)
        frame.need(Databases).close()


def _install(made: Company, tenant: str) -> None:
    units, identity = made.frame.need(Units), made.frame.need(Identity)
    caller = Caller(tenant=tenant, credential=SystemCredential(), channel="system")
    packages = made.frame.need(PackageService)
    packages.install(CallerDoors(units, caller), packages.read(SERVICE))

    def people(ctx: Context, unit: Unit) -> None:
        users = {
            role: identity.users.create(
                ctx, unit, NewUser(email=f"{role}@{tenant}.example", name=role.capitalize(), roles=(role,))
            ).id
            for role in PEOPLE
        }
        board = identity.teams.create(ctx, unit, name="Board", manager=users["director"])
        desk = identity.teams.create(ctx, unit, name="Desk", parent=board.id, manager=users["manager"])
        for role in ("agent", "dispatcher", "engineer"):
            identity.users.assign_teams(ctx, unit, users[role], [desk.id])
        identity.users.assign_teams(ctx, unit, users["manager"], [board.id])
        for role, user in users.items():
            made.tokens[tenant, role] = identity.tokens.create(ctx, unit, user, "test", "write")[1]
            if tenant == "acme":
                made.ids[f"user/{role}"] = user

    units.write(caller, people)


def _fill(made: Company) -> None:
    def keep(key: str, name: str, /, **values: Any) -> str:
        made.ids[key] = made.add(name, values)["id"]
        return made.ids[key]

    def place(key: str) -> dict[str, float]:
        return {"lat": PLACES[key][0], "lon": PLACES[key][1]}

    territory = keep("territory", "territory", name="Manhattan")
    chillers = keep("skill", "skill", name="Chillers")
    customer = keep("customer", "customer", name="Harbour Tower")
    site = keep("site", "site", name="Main building", customer=customer, location=place("site"), territory=territory)
    keep("asset", "asset", name="Chiller 1", serial_number="YO-1", customer=customer, site=site)
    skilled = [{"skill": chillers, "level": 3}]
    common = {"territory": territory, "shift_start": "00:00", "shift_end": "23:59", "max_travel_km": 200}
    keep(
        "near",
        "resource",
        name="Near",
        user=made.ids["user/engineer"],
        last_location=place("near"),
        skills=skilled,
        **common,
    )
    keep("far", "resource", name="Far", last_location=place("far"), skills=skilled, **common)
    keep("unskilled", "resource", name="Unskilled", last_location=place("near"), **common)
    part = keep("part", "part", number="BRG-1", name="Bearing", unit_price="100.00")
    depot = keep("depot", "stock_location", name="Depot", type="warehouse")
    item = keep("item", "stock_item", part=part, stock_location=depot)
    keep("receipt", "stock_move", part=part, quantity="5", to_item=item, reason="receipt")
