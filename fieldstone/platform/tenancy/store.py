"""Tenants: made, found, suspended, dropped, on whichever database they are placed.

In: names and labels. Out: `TenantRecord`s, from the directory. `create` makes the home and then runs the hooks that
other rooms gave (`after_create`): publish version 1, make the first administrator; it is all or nothing. Called by
the command line, the edge (which tenant is this host?) and `Units` (where does this tenant live?).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from fieldstone.platform.clock import Clock, SystemClock
from fieldstone.platform.database.directory import (
    DIRECTORY,
    DIRECTORY_REVISION,
    bell,
    directory_revision,
    tenant_host,
    tenant_table,
)
from fieldstone.platform.database.engines import MAIN, Databases
from fieldstone.platform.database.home import BUMP_ACCESS, HOME, SET_STATE
from fieldstone.platform.database.place import Place
from fieldstone.platform.database.unit import committed
from fieldstone.platform.files import FileStore
from fieldstone.platform.kernel.context import Tenant
from fieldstone.platform.kernel.errors import Conflict, FieldError, Invalid, NotFound

_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?").fullmatch
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?").fullmatch
RESERVED = frozenset({"www", "api", "admin", "static", "localhost"})
HOST_SECONDS = 10.0
HOSTS_KEPT = 10_000

ACTIVE, SUSPENDED, CREATING = "active", "suspended", "creating"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRecord:
    """A tenant with what the directory alone knows: `state` is a copy, the truth is in the home."""

    tenant: Tenant
    state: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTenant:
    """What hooks get: the tenant just made, and the address of its first administrator, if one was named."""

    tenant: Tenant
    admin_email: str | None


Hook = Callable[[NewTenant], None]


class TenantStore:
    """The tenants of an installation."""

    def __init__(self, databases: Databases, clock: Clock | None = None) -> None:
        self.databases = databases
        self._clock = clock or SystemClock()
        self._files = FileStore(databases.settings.files_dir)
        self._hooks: list[Hook] = []
        self._records: dict[str, TenantRecord] = {}
        self._hosts: dict[str, tuple[float, str | None]] = {}

    def after_create(self, hook: Hook) -> None:
        """Have `hook` called for each new tenant, in order of registration; when it raises, the tenant is undone."""
        self._hooks.append(hook)

    def prepare(self) -> None:
        """Make the directory's tables where they are missing."""
        with self.databases.main.directory_read() as connection:
            there = set(sa.inspect(connection).get_table_names())
        if there.issuperset(DIRECTORY.tables):
            return
        with self.databases.main.directory_owner() as connection:
            DIRECTORY.create_all(connection)
            if directory_revision.name not in there:
                connection.execute(sa.insert(directory_revision).values(version_num=DIRECTORY_REVISION))

    def create(
        self,
        name: str,
        label: str,
        *,
        locale: str = "en",
        time_zone: str = "UTC",
        currency: str = "USD",
        hue: int = 256,
        database: str = MAIN,
        hosts: Sequence[str] = (),
        admin_email: str | None = None,
    ) -> Tenant:
        """Make a tenant. Raises `Invalid` for a bad name, `Conflict` for a taken one."""
        tenant = Tenant(name=name, label=label, locale=locale, time_zone=time_zone, currency=currency, hue=hue)
        with self._new_home(tenant, database, hosts):
            for hook in self._hooks:
                hook(NewTenant(tenant=tenant, admin_email=admin_email))
        return tenant

    def restoring(
        self, name: str, label: str, *, locale: str, time_zone: str, currency: str, hue: int, database: str
    ) -> AbstractContextManager[Place]:
        """A new tenant whose home is filled inside; no hooks run. When that raises, the tenant is undone."""
        tenant = Tenant(name=name, label=label, locale=locale, time_zone=time_zone, currency=currency, hue=hue)
        return self._new_home(tenant, database, ())

    @contextmanager
    def _new_home(self, tenant: Tenant, database: str, hosts: Sequence[str]) -> Iterator[Place]:
        _check_name(tenant.name)
        place = self.databases.server(database).place(tenant.name, database)
        self._reserve(tenant, place, hosts)
        try:
            self.databases.of(place).create_home(place, HOME)
            yield place
            self._set_directory_state(tenant.name, ACTIVE)
        except BaseException:
            self.drop(tenant.name)
            raise

    def get(self, name: str) -> Tenant:
        """The tenant called `name`. Raises `NotFound`."""
        return self.record(name).tenant

    def record(self, name: str) -> TenantRecord:
        """The tenant with its place, from memory when known. Raises `NotFound`."""
        found = self._records.get(name)
        if found is None:
            found = self._records[name] = self._read(name)
        return found

    def list(self) -> Sequence[TenantRecord]:
        """All tenants, by name."""
        with self.databases.main.directory_read() as connection:
            rows = connection.execute(sa.select(tenant_table).order_by(tenant_table.c.name)).all()
        return tuple(_record(row) for row in rows)

    def by_host(self, host: str) -> str | None:
        """The tenant a registered host belongs to; answered from memory for some seconds."""
        known = self._hosts.get(host)
        now = time.monotonic()
        if known is not None and known[0] > now:
            return known[1]
        with self.databases.main.directory_read() as connection:
            name = connection.execute(sa.select(tenant_host.c.tenant).where(tenant_host.c.host == host)).scalar()
        if len(self._hosts) >= HOSTS_KEPT:
            self._hosts.clear()
        self._hosts[host] = (now + HOST_SECONDS, name)
        return name

    def update(
        self,
        name: str,
        *,
        label: str | None = None,
        locale: str | None = None,
        time_zone: str | None = None,
        currency: str | None = None,
        hue: int | None = None,
        hosts: Sequence[str] | None = None,
    ) -> Tenant:
        """Change what is given; every process sees it with its next unit. Raises `NotFound`, `Invalid`, `Conflict`."""
        given = {"label": label, "locale": locale, "time_zone": time_zone, "currency": currency, "hue": hue}
        values = {column: value for column, value in given.items() if value is not None}
        place = self._read(name).place
        with self.databases.main.directory_write() as connection:
            if values:
                connection.execute(sa.update(tenant_table).where(tenant_table.c.name == name).values(**values))
            if hosts is not None:
                connection.execute(sa.delete(tenant_host).where(tenant_host.c.tenant == name))
                for host in hosts:
                    _claim_host(connection, name, host)
        with committed(self.databases.of(place).owner_unit(place)) as unit:
            unit.run(BUMP_ACCESS)
        self.forget(name)
        return self.get(name)

    def suspend(self, name: str) -> None:
        """From the next statement on, every unit of this tenant is refused."""
        self._set_state(name, SUSPENDED)

    def resume(self, name: str) -> None:
        """Let a suspended tenant work again."""
        self._set_state(name, ACTIVE)

    def drop(self, name: str) -> None:
        """Remove a tenant with everything it has. There is no way back."""
        place = self._read(name).place
        self.databases.of(place).drop_home(place)
        with self.databases.main.directory_write() as connection:
            for table in (bell, tenant_host):
                connection.execute(sa.delete(table).where(table.c.tenant == name))
            connection.execute(sa.delete(tenant_table).where(tenant_table.c.name == name))
        self._files.drop(name)
        self.forget(name)

    def forget(self, name: str) -> None:
        """Ask the directory again at the next use."""
        self._records.pop(name, None)

    def _reserve(self, tenant: Tenant, place: Place, hosts: Iterable[str]) -> None:
        with self.databases.main.directory_write() as connection:
            taken = connection.execute(sa.select(tenant_table.c.name).where(tenant_table.c.name == tenant.name))
            if taken.first() is not None:
                raise Conflict("There is already a tenant called {name}.", code="tenant_exists", name=tenant.name)
            connection.execute(sa.insert(tenant_table).values(**_row(tenant, place), created_at=self._clock.now()))
            for host in hosts:
                _claim_host(connection, tenant.name, host)

    def _read(self, name: str) -> TenantRecord:
        with self.databases.main.directory_read() as connection:
            row = connection.execute(sa.select(tenant_table).where(tenant_table.c.name == name)).first()
        if row is None:
            raise NotFound("There is no tenant called {name}.", code="tenant_unknown", name=name)
        return _record(row)

    def _set_state(self, name: str, state: str) -> None:
        place = self._read(name).place
        with committed(self.databases.of(place).owner_unit(place)) as unit:
            unit.run(SET_STATE, {"new_state": state})
        self._set_directory_state(name, state)

    def _set_directory_state(self, name: str, state: str) -> None:
        with self.databases.main.directory_write() as connection:
            connection.execute(sa.update(tenant_table).where(tenant_table.c.name == name).values(state=state))
        self.forget(name)


def _check_name(name: str) -> None:
    if not _NAME(name) or name in RESERVED:
        message = "A tenant name has 1 to 40 lower-case letters, digits and hyphens and begins with a letter."
        raise Invalid(message, errors=[FieldError(path="/name", code="tenant_name", message=message)])


def _claim_host(connection: sa.Connection, tenant: str, host: str) -> None:
    host = host.strip().lower().rstrip(".")
    if not _HOST(host):
        message = "{host} is not a host name."
        raise Invalid(message, errors=[FieldError(path="/hosts", code="host", message=message)], host=host)
    if connection.execute(sa.select(tenant_host.c.tenant).where(tenant_host.c.host == host)).first() is not None:
        raise Conflict("The host {host} belongs to another tenant.", code="host_taken", host=host)
    connection.execute(sa.insert(tenant_host).values(host=host, tenant=tenant))


def _row(tenant: Tenant, place: Place) -> dict[str, object]:
    return {
        "name": tenant.name,
        "label": tenant.label,
        "locale": tenant.locale,
        "time_zone": tenant.time_zone,
        "currency": tenant.currency,
        "hue": tenant.hue,
        "state": CREATING,
        "database": place.database,
        "schema_name": place.schema,
        "role_name": place.role,
    }


def _record(row: sa.Row[tuple[object, ...]]) -> TenantRecord:
    return TenantRecord(
        tenant=Tenant(
            name=row.name,
            label=row.label,
            locale=row.locale,
            time_zone=row.time_zone,
            currency=row.currency,
            hue=row.hue,
        ),
        state=row.state,
        place=Place(tenant=row.name, database=row.database, schema=row.schema_name, role=row.role_name),
    )
