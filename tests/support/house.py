"""The platform and the objects room, put together as in the product, on whichever database, with two tenants.

Tests publish objects, roles and rules as JSON, make users, and speak to the services or to the API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask

from fieldstone.objects.part import PART as OBJECTS
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import ListQuery, Page, Record
from fieldstone.objects.records.service import RecordService
from fieldstone.objects.sql.sqlite_functions import FUNCTIONS
from fieldstone.platform.database.engines import Databases
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.frame import Frame, compose
from fieldstone.platform.http.web import make_app
from fieldstone.platform.identity.services import Identity
from fieldstone.platform.identity.values import NewUser
from fieldstone.platform.kernel.context import Channel, Context
from fieldstone.platform.metadata.doors import CallerDoors
from fieldstone.platform.metadata.service import MetadataService, PublishOrder
from fieldstone.platform.metadata.values import Change, Published
from fieldstone.platform.part import PART as PLATFORM
from fieldstone.platform.settings import Settings
from fieldstone.platform.tenancy.store import TenantStore
from fieldstone.platform.units import Caller, SystemCredential, Units, UserCredential
from fieldstone.rules.part import KINDS
from tests.support.installation import TENANTS, begin_without_tenants, settings_for
from tests.support.web import Program

T = TypeVar("T")
Body = Mapping[str, Any]


def make_frame(settings: Settings) -> Frame:
    """All parts that records need."""
    frame = Frame(settings)
    frame.sqlite_functions += FUNCTIONS
    for kind in KINDS:
        frame.kinds.register(kind.name, kind)
    return compose(frame, (PLATFORM, OBJECTS))


@dataclass(frozen=True)
class House:
    """See the file."""

    frame: Frame

    @property
    def dialect(self) -> str:
        return self.frame.need(Databases).main.dialect

    @property
    def units(self) -> Units:
        return self.frame.need(Units)

    @property
    def records(self) -> RecordService:
        return self.frame.need(RecordService)

    @property
    def query(self) -> QueryService:
        return self.frame.need(QueryService)

    @property
    def identity(self) -> Identity:
        return self.frame.need(Identity)

    @cached_property
    def app(self) -> Flask:
        return make_app(self.frame)

    # -- who asks -----------------------------------------------------------------------------------------------
    def caller(self, user: str | None = None, tenant: str = "acme", channel: Channel = "api") -> Caller:
        """The system, or a user by id."""
        credential = SystemCredential() if user is None else UserCredential(user_id=user)
        return Caller(tenant=tenant, credential=credential, channel=channel)

    def write(
        self,
        work: Callable[[Context, SqlUnit], T],
        user: str | None = None,
        tenant: str = "acme",
        channel: Channel = "api",
    ) -> T:
        return self.units.write(self.caller(user, tenant, channel), work)

    def read(self, work: Callable[[Context, SqlUnit], T], user: str | None = None, tenant: str = "acme") -> T:
        return self.units.read(self.caller(user, tenant), work)

    def user(self, email: str, *roles: str, tenant: str = "acme", teams: Sequence[str] = (), **more: Any) -> str:
        """A new user; the id."""
        new = NewUser(email=email, name=email.partition("@")[0].capitalize(), roles=roles, teams=tuple(teams), **more)
        return self.write(lambda ctx, unit: self.identity.users.create(ctx, unit, new), tenant=tenant).id

    def team(self, name: str, **more: Any) -> str:
        """A new team; the id."""
        return self.write(lambda ctx, unit: self.identity.teams.create(ctx, unit, name=name, **more)).id

    def program(self, user: str, tenant: str = "acme", scope: str = "write") -> Program:
        """A client of the API with a token of a user."""
        secret = self.write(
            lambda ctx, unit: self.identity.tokens.create(ctx, unit, user, "test", scope, require_if_match=False),
            tenant=tenant,
        )[1]
        return Program(client=self.app.test_client(), headers={"Authorization": f"Bearer {secret}"})

    # -- metadata -----------------------------------------------------------------------------------------------
    def publish(self, *, tenant: str = "acme", **kinds: Sequence[Body]) -> Published:
        """Publish bodies by kind: `publish(object=[...], role=[...])`."""
        changes = [
            Change(kind=kind, name=each["name"], body=dict(each)) for kind, bodies in kinds.items() for each in bodies
        ]
        doors = CallerDoors(self.units, self.caller(tenant=tenant))
        return self.frame.need(MetadataService).publish(doors, changes, PublishOrder(name="test"))

    # -- records ------------------------------------------------------------------------------------------------
    def create(
        self, name: str, data: Body, user: str | None = None, tenant: str = "acme", channel: Channel = "api"
    ) -> Record:
        return self.write(
            lambda ctx, unit: self.records.create(ctx, unit, name, data), user=user, tenant=tenant, channel=channel
        )

    def update(
        self,
        record: Record,
        data: Body,
        user: str | None = None,
        *,
        revision: int | None = None,
        channel: Channel = "api",
    ) -> Record:
        return self.write(
            lambda ctx, unit: self.records.update(ctx, unit, record.object, record.id, data, revision=revision),
            user=user,
            channel=channel,
        )

    def delete(self, record: Record, user: str | None = None) -> None:
        self.write(lambda ctx, unit: self.records.delete(ctx, unit, record.object, record.id), user=user)

    def restore(self, record: Record, user: str | None = None) -> Record:
        return self.write(lambda ctx, unit: self.records.restore(ctx, unit, record.object, record.id), user=user)

    def get(self, record: Record, user: str | None = None) -> Record:
        return self.read(lambda ctx, unit: self.records.get(ctx, unit, record.object, record.id), user=user)

    def list(self, name: str, user: str | None = None, tenant: str = "acme", **query: Any) -> Page:
        return self.read(
            lambda ctx, unit: self.query.list(ctx, unit, ListQuery(object=name, **query)), user=user, tenant=tenant
        )

    def ids(self, name: str, user: str | None = None, **query: Any) -> list[str]:
        return [document["id"] for document in self.list(name, user, **query).documents]


@contextmanager
def house(folder: Path, database_url: str | None, **settings: Any) -> Iterator[House]:
    """A house with its tenants, dropped afterwards."""
    made = House(make_frame(settings_for(folder, database_url, **settings)))
    tenants = made.frame.need(TenantStore)
    begin_without_tenants(tenants)
    for name in TENANTS:
        tenants.create(name, name.capitalize())
    try:
        yield made
    finally:
        for record in tenants.list():
            tenants.drop(record.tenant.name)
        made.frame.need(Databases).close()
