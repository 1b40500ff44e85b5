"""What the platform brings: databases, tenants, units of work, metadata, identity, work, and their routes.

Called by `app.py`, first of all parts.
"""

from __future__ import annotations

from fieldstone.platform.audit import Audit
from fieldstone.platform.cli.part import core_commands
from fieldstone.platform.clock import SystemClock
from fieldstone.platform.database.engines import Databases
from fieldstone.platform.files import FileStore
from fieldstone.platform.frame import Frame, Part
from fieldstone.platform.housekeeping import Housekeeping
from fieldstone.platform.http.edge import SessionTouch
from fieldstone.platform.http.health import DatabaseProbe
from fieldstone.platform.http.idempotency import Idempotency
from fieldstone.platform.http.policies import Rights
from fieldstone.platform.identity.api_people import make_people_api
from fieldstone.platform.identity.api_self import make_self_api
from fieldstone.platform.identity.first import FirstAdministrator
from fieldstone.platform.identity.org import OrgService
from fieldstone.platform.identity.resolve import IdentityService
from fieldstone.platform.identity.rights import RoleRights
from fieldstone.platform.identity.services import make_identity
from fieldstone.platform.identity.throttle import SignInThrottle
from fieldstone.platform.metadata.registration import complete_metadata, register_metadata
from fieldstone.platform.metadata.snapshots import Snapshots
from fieldstone.platform.settings import Settings
from fieldstone.platform.tenancy.store import NewTenant, TenantStore
from fieldstone.platform.tenancy.transfer import NoRecordTables, RecordTables, TenantTransfer
from fieldstone.platform.units import Caller, SystemCredential, Units
from fieldstone.platform.work.assembly import Kinds, Work


def register(frame: Frame) -> None:
    """Put everything of the platform on the frame."""
    settings: Settings = frame.settings
    clock = SystemClock()
    databases = Databases(settings, frame.sqlite_functions)
    tenants = TenantStore(databases, clock)
    snapshots = Snapshots(frame.kinds)
    resolver = IdentityService(OrgService(), clock)
    units = Units(databases, tenants, resolve_actor=resolver.resolve, snapshot_source=snapshots.source, clock=clock)
    for service in (databases, tenants, snapshots, resolver, units):
        frame.provide(service)
    _register_work(frame, units)
    register_metadata(frame, snapshots)
    _register_identity(frame, tenants)
    frame.probes.append(DatabaseProbe(databases))
    frame.commands += core_commands(frame)


def _register_work(frame: Frame, units: Units) -> None:
    files = FileStore(frame.settings.files_dir)
    kinds = Kinds(consumers=frame.consumers, timer_kinds=frame.timer_kinds, job_kinds=frame.job_kinds)
    work = Work(frame.settings, units, kinds, files)
    for service in (files, work, work.outbox, work.timers, work.jobs):
        frame.provide(service)


def _register_identity(frame: Frame, tenants: TenantStore) -> None:
    units = frame.need(Units)
    identity = make_identity(units, frame.need(Audit), session_hours=frame.settings.session_hours)
    frame.provide(identity)
    for service in (
        identity.rights,
        identity.org,
        identity.users,
        identity.teams,
        identity.sessions,
        identity.tokens,
        identity.totp,
        identity.passwords,
        identity.sign_in,
    ):
        frame.provide(service)
    frame.provide(identity.use, SessionTouch)
    tenants.after_create(FirstAdministrator(units, identity.users))
    _register_housekeeping(frame, tenants, units)
    frame.blueprints += [make_people_api(identity).blueprint, make_self_api(identity).blueprint]


def _register_housekeeping(frame: Frame, tenants: TenantStore, units: Units) -> None:
    idempotency = Idempotency(hours=frame.settings.idempotency_hours)
    housekeeping = Housekeeping(frame.need(Work).timers, idempotency, SignInThrottle())
    frame.provide(housekeeping)
    frame.timer_kinds.register(housekeeping.kind().name, housekeeping.kind())

    def begin(new: NewTenant) -> None:
        caller = Caller(tenant=new.tenant.name, credential=SystemCredential(), channel="system")
        units.write(caller, housekeeping.start)

    tenants.after_create(begin)


def complete(frame: Frame) -> None:
    """Stand in for the room that owns roles where it is not there; let packages bring records in."""
    complete_metadata(frame)
    # Which tables hold records, only the room that makes them knows.
    tables = frame.find(RecordTables) or NoRecordTables()  # type: ignore[type-abstract]
    databases, tenants, files = frame.need(Databases), frame.need(TenantStore), frame.need(FileStore)
    frame.provide(TenantTransfer(databases, tenants, files, tables))
    if frame.find(Rights) is None:  # type: ignore[type-abstract]
        frame.provide(frame.need(RoleRights), Rights)


PART = Part(name="platform", register=register, complete=complete)
