"""A small real installation for tests: databases, two tenants, units of work, a clock that can be moved.

`acme` is the tenant under test; `globex` is always there too, so that a leak has somewhere to leak from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from fieldstone.platform.clock import Clock, MovableClock
from fieldstone.platform.database.engines import Databases
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.files import FileStore
from fieldstone.platform.kernel.context import Actor, Context
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.kernel.metadata import Definition, Snapshot
from fieldstone.platform.settings import Settings
from fieldstone.platform.tenancy.store import TenantStore
from fieldstone.platform.units import (
    Caller,
    Credential,
    ResolveActor,
    SnapshotSource,
    SystemCredential,
    Units,
    UserCredential,
)
from fieldstone.platform.work.assembly import Kinds, Work
from tests.support.reuse import provide

T = TypeVar("T")

SECRET = "a secret for tests that is long enough"
START = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
TENANTS = ("acme", "globex")


class EmptySnapshot:
    """A snapshot of a tenant that has published nothing."""

    def __init__(self, version: int) -> None:
        self.version = version
        self._derived: dict[str, Any] = {}

    def get(self, kind: str, name: str) -> Any:
        raise NotFound("There is no {kind} called {name}.", kind=kind, name=name)

    def find(self, kind: str, name: str) -> Any | None:
        return None

    def names(self, kind: str) -> Sequence[str]:
        return ()

    def all(self, kind: str) -> Sequence[Any]:
        return ()

    def definition(self, kind: str, name: str) -> Definition | None:
        return None

    def derived(self, key: str, make: Callable[[Snapshot], Any]) -> Any:
        return self._derived.setdefault(key, make(self))

    def physical(self, kind: str, path: str) -> str | None:
        return None


def empty_snapshots(unit: SqlUnit, tenant: str, version: int) -> Snapshot:
    """Snapshot source of tests that need no metadata."""
    return EmptySnapshot(version)


def anybody(unit: SqlUnit, credential: Credential) -> Actor:
    """Resolves every credential: the user id, or the secret, is also the name; roles none."""
    name = credential.user_id if isinstance(credential, UserCredential) else getattr(credential, "secret", "system")
    return Actor(id=name, name=name)


class Installation:
    """Everything a test needs of a platform; `close` drops it."""

    def __init__(
        self,
        settings: Settings,
        *,
        resolve_actor: ResolveActor = anybody,
        snapshot_source: SnapshotSource = empty_snapshots,
        clock: Clock | None = None,
        kinds: Kinds | None = None,
    ) -> None:
        self.settings = settings
        self._clock = clock or MovableClock(START)
        self.databases = Databases(settings)
        self.tenants = TenantStore(self.databases, self._clock)
        self.units = self.units_with(resolve_actor=resolve_actor, snapshot_source=snapshot_source)
        self.files = FileStore(settings.files_dir)
        self.kinds = kinds or Kinds.empty()
        self.work = Work(settings, self.units, self.kinds, self.files)

    @property
    def clock(self) -> MovableClock:
        """The clock, to be moved; an installation on machine time has none."""
        assert isinstance(self._clock, MovableClock)
        return self._clock

    @property
    def dialect(self) -> str:
        return self.databases.main.dialect

    def units_with(
        self, *, resolve_actor: ResolveActor = anybody, snapshot_source: SnapshotSource = empty_snapshots
    ) -> Units:
        """Units of this installation with other sources: what identity and metadata tests plug themselves into."""
        return Units(
            self.databases,
            self.tenants,
            resolve_actor=resolve_actor,
            snapshot_source=snapshot_source,
            clock=self._clock,
        )

    def caller(self, tenant: str = "acme", user: str | None = None) -> Caller:
        """The system, or a user by id, of a tenant."""
        return Caller(tenant=tenant, credential=SystemCredential() if user is None else UserCredential(user_id=user))

    def read(self, work: Callable[[Context, SqlUnit], T], tenant: str = "acme", user: str | None = None) -> T:
        return self.units.read(self.caller(tenant, user), work)

    def write(self, work: Callable[[Context, SqlUnit], T], tenant: str = "acme", user: str | None = None) -> T:
        return self.units.write(self.caller(tenant, user), work)

    def publish(self, work: Callable[[Context, SqlUnit], T], tenant: str = "acme", user: str | None = None) -> T:
        return self.units.publish(self.caller(tenant, user), work)

    def close(self) -> None:
        self.databases.close()


def settings_for(data_dir: Path, database_url: str | None, **more: Any) -> Settings:
    """Settings of a test: nothing is synced to disk, nothing is limited."""
    values: Mapping[str, Any] = {
        "environment": "test",
        "secret_key": SECRET,
        "data_dir": data_dir,
        "database_url": database_url,
        "sqlite_synchronous": "OFF",
        "rate_limits": False,
        "pool_size": 2,
    }
    return Settings(**{**values, **more})


@contextmanager
def with_tenants(installation: Installation, names: Sequence[str] = TENANTS) -> Iterator[Installation]:
    """The installation with these tenants, and no others; on PostgreSQL they stay for the next test."""
    database = installation.settings.database_url or ""
    provide(installation.tenants, names, database)
    try:
        yield installation
    finally:
        if not database:
            drop_all(installation)
        installation.close()


def drop_all(installation: Installation) -> None:
    """Drop every tenant."""
    for record in installation.tenants.list():
        installation.tenants.drop(record.tenant.name)


def begin_without_tenants(tenants: TenantStore) -> None:
    """Nothing is left, also of what tests before had made in this worker's database."""
    tenants.prepare()
    for record in tenants.list():
        tenants.drop(record.tenant.name)
