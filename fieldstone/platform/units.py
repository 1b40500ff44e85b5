"""Units of work: how everything reads and writes a tenant home.

In: a `Caller` (which tenant, on whose behalf, by which door) and a function of `(Context, SqlUnit)`. Out: what the
function returns, after commit. The gate checks the caller's idea of the tenant's versions with the first statement;
when it has moved, snapshot and actor are loaded afresh and the function runs again, so it must have no effect outside
of its unit. Deadlocks run the whole unit again too. Nobody else commits. Called by the edge, workers, the CLI.
"""

from __future__ import annotations

import hashlib
import logging
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from fieldstone.platform.clock import Clock, SystemClock
from fieldstone.platform.database.engines import Databases
from fieldstone.platform.database.errors import ConnectionLost, HomeMissing, Moved, PlanOutdated, RunAgain
from fieldstone.platform.database.home import BUMP_ACCESS, READ_STATE
from fieldstone.platform.database.place import Versions
from fieldstone.platform.database.postgres import Mode
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import SYSTEM, Actor, Cause, Channel, Context, Unit
from fieldstone.platform.kernel.errors import Conflict, FieldstoneError, Forbidden, NotFound, NotSignedIn, Unavailable
from fieldstone.platform.kernel.metadata import Snapshot
from fieldstone.platform.tenancy.store import TenantRecord, TenantStore

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

RUNS = 5
PUBLISH_TRIES = 20
ACTORS_KEPT = 20_000
SNAPSHOTS_KEPT = 2_000
# A session or token that ends by the clock, not by being revoked, is noticed this much later at most.
ACTOR_SECONDS = timedelta(seconds=15)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCredential:
    """An API token, whole."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCredential:
    """A browser session, by the secret in its cookie."""

    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCredential:
    """A user whom a worker or the command line acts for."""

    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCredential:
    """The system on its own account."""


Credential: TypeAlias = TokenCredential | SessionCredential | UserCredential | SystemCredential


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, before anything was looked up."""

    tenant: str
    credential: Credential
    locale: str | None = None
    request_id: str = ""
    channel: Channel = "api"
    causes: tuple[Cause, ...] = ()


ResolveActor: TypeAlias = Callable[[SqlUnit, Credential], Actor]
SnapshotSource: TypeAlias = Callable[[SqlUnit, str, int], Snapshot]
Work: TypeAlias = Callable[[Context, SqlUnit], T]


def bump_access(unit: Unit) -> None:
    """To be called by whatever changes users, roles, teams, tokens, sessions or sharing, in the same unit."""
    unit.run(BUMP_ACCESS)


class Units:
    """Opens, commits and rolls back units of work; keeps snapshots and actors under the versions they belong to."""

    def __init__(
        self,
        databases: Databases,
        tenants: TenantStore,
        *,
        resolve_actor: ResolveActor,
        snapshot_source: SnapshotSource,
        clock: Clock | None = None,
        publish_tries: int = PUBLISH_TRIES,
    ) -> None:
        self._publish_tries = publish_tries
        self.databases = databases
        self.tenants = tenants
        self.clock = clock or SystemClock()
        self._resolve_actor = resolve_actor
        self._snapshot_source = snapshot_source
        self._versions: dict[str, Versions] = {}
        self._snapshots: OrderedDict[str, Snapshot] = OrderedDict()
        self._actors: OrderedDict[tuple[str, int, str], tuple[datetime, Actor]] = OrderedDict()
        self._writing = threading.local()

    def read(self, caller: Caller, work: Work[T]) -> T:
        """Run `work` on one consistent state; the database refuses writes."""
        return self._until_done(caller, lambda: self._once(caller, work, "read"))

    def write(self, caller: Caller, work: Work[T]) -> T:
        """Run `work` and commit all it wrote, or nothing. `work` may run several times."""
        with self._alone(caller.tenant):
            return self._until_done(caller, lambda: self._once(caller, work, "write"))

    def publish(self, caller: Caller, work: Work[T]) -> T:
        """Run `work` with rights to change tables, alone on the tenant's metadata, in one transaction.

        Raises `Conflict` naming what held the lock, after trying for some seconds.
        """
        with self._alone(caller.tenant):
            return self._until_done(caller, lambda: self._publish(caller, work))

    def _until_done(self, caller: Caller, once: Callable[[], T]) -> T:
        for attempt in range(RUNS):
            try:
                return once()
            except Moved as moved:
                self._forget(caller.tenant)
                if moved.state != "active":
                    raise _not_active(caller.credential) from moved
            except HomeMissing as missing:
                self._forget(caller.tenant)
                if attempt >= 1:
                    raise _unknown(caller) from missing
            except RunAgain as again:
                _log.info("unit runs again: %s", again)
                if not isinstance(again, PlanOutdated):
                    time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311  (jitter)
            except ConnectionLost as lost:
                _log.warning("database connection lost: %s", lost)
                if attempt >= 1:
                    break
        raise Unavailable(retry_after=1)

    def _once(self, caller: Caller, work: Work[T], mode: Mode) -> T:
        record = self._record(caller)
        server = self.databases.of(record.place)
        versions = self._versions.get(caller.tenant)
        if versions is None:
            unit, state = server.fresh_unit(record.place, mode)
            versions = Versions(version=state.version, access_version=state.access_version)
        else:
            unit = server.unit(record.place, versions, mode)
        return self._finish(caller, record, versions, unit, work, mode)

    def _finish(
        self, caller: Caller, record: TenantRecord, versions: Versions, unit: SqlUnit, work: Work[T], mode: Mode
    ) -> T:
        try:
            context = self._context(caller, record, versions, unit)
            result = _worked(context, unit, work)
            self._commit(unit, mode)
        finally:
            unit.close()
        _after(unit)
        return result

    def _commit(self, unit: SqlUnit, mode: Mode) -> None:
        try:
            unit.commit()
        except ConnectionLost as lost:
            if mode == "read":
                raise
            # Whether the server committed is not known: only the caller's idempotency key can tell.
            raise Unavailable(code="commit_unknown", retry_after=1) from lost

    def _publish(self, caller: Caller, work: Work[T]) -> T:
        record = self._record(caller)
        server = self.databases.of(record.place)
        for _ in range(self._publish_tries):
            try:
                return self._publish_once(caller, record, work)
            except Unavailable as busy:
                blocker = server.blocker(record.place)
                _log.info("publish of %s waits for %s: %s", caller.tenant, blocker, busy)
                time.sleep(random.uniform(0.01, 0.1))  # noqa: S311  (jitter)
        raise Conflict("The tenant is busy: {blocker}.", code="tenant_busy", blocker=blocker)

    def _publish_once(self, caller: Caller, record: TenantRecord, work: Work[T]) -> T:
        unit, state = self.databases.of(record.place).publishing_unit(record.place)
        versions = Versions(version=state.version, access_version=state.access_version)
        if state.state != "active":
            unit.close()
            raise _not_active(caller.credential)
        result = self._finish(caller, record, versions, unit, work, "write")
        self._versions.pop(caller.tenant, None)
        return result

    def _record(self, caller: Caller) -> TenantRecord:
        try:
            return self.tenants.record(caller.tenant)
        except NotFound as missing:
            raise _unknown(caller) from missing

    def _context(self, caller: Caller, record: TenantRecord, versions: Versions, unit: SqlUnit) -> Context:
        snapshot = self._snapshot(unit, caller.tenant, versions.version)
        actor = self._actor(unit, caller, versions.access_version)
        self._versions[caller.tenant] = versions
        return Context(
            tenant=record.tenant,
            actor=actor,
            snapshot=snapshot,
            now=self.clock.now(),
            locale=caller.locale or actor.locale or record.tenant.locale,
            request_id=caller.request_id,
            channel=caller.channel,
            causes=caller.causes,
        )

    def _snapshot(self, unit: SqlUnit, tenant: str, version: int) -> Snapshot:
        kept = self._snapshots.get(tenant)
        if kept is None or kept.version != version:
            kept = self._snapshot_source(unit, tenant, version)
            _keep(self._snapshots, tenant, kept, SNAPSHOTS_KEPT)
        return kept

    def _actor(self, unit: SqlUnit, caller: Caller, access_version: int) -> Actor:
        if isinstance(caller.credential, SystemCredential):
            return SYSTEM
        key = (caller.tenant, access_version, _digest(caller.credential))
        now = self.clock.now()
        kept = self._actors.get(key)
        if kept is not None and kept[0] <= now < kept[0] + ACTOR_SECONDS:
            return kept[1]
        actor = self._resolve_actor(unit, caller.credential)
        _keep(self._actors, key, (now, actor), ACTORS_KEPT)
        return actor

    def _forget(self, tenant: str) -> None:
        self._versions.pop(tenant, None)
        self.tenants.forget(tenant)

    @contextmanager
    def _alone(self, tenant: str) -> Iterator[None]:
        """A write inside a write of the same tenant would wait for itself."""
        held: set[str] = self._writing.__dict__.setdefault("tenants", set())
        if tenant in held:
            raise RuntimeError("a unit that writes was opened inside another one of the same tenant")
        held.add(tenant)
        try:
            yield
        finally:
            held.discard(tenant)


def _worked(context: Context, unit: SqlUnit, work: Work[T]) -> T:
    """Run `work`. A refusal before any statement rests on what is kept in memory: the gate says whether that holds."""
    try:
        return work(context, unit)
    except FieldstoneError as refusal:
        if unit.statements == 0 and not isinstance(refusal, Unavailable):
            unit.one(READ_STATE)
        raise


def _after(unit: SqlUnit) -> None:
    """What was to happen after the commit: it is done, so a failure here is told to the operator only."""
    try:
        unit.committed()
    except Exception:
        _log.exception("after commit")


def _keep(kept: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    kept[key] = value
    while len(kept) > most:
        kept.popitem(last=False)


def _digest(credential: Credential) -> str:
    """A key for memory that does not keep the secret."""
    if isinstance(credential, UserCredential):
        return "user:" + credential.user_id
    if isinstance(credential, TokenCredential | SessionCredential):
        kind = "token:" if isinstance(credential, TokenCredential) else "session:"
        return kind + hashlib.sha256(credential.secret.encode()).hexdigest()
    return "system"


def _not_active(credential: Credential) -> FieldstoneError:
    if isinstance(credential, TokenCredential | SessionCredential):
        return NotSignedIn()
    return Forbidden("This tenant is suspended.", code="tenant_suspended")


def _unknown(caller: Caller) -> FieldstoneError:
    if isinstance(caller.credential, TokenCredential | SessionCredential):
        return NotSignedIn()
    return NotFound("There is no tenant called {name}.", code="tenant_unknown", name=caller.tenant)
