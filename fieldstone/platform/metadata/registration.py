"""Metadata and audit on the frame: services, routes, the `package` command, first versions, sealing.

Called by the platform's part: `register_metadata` when work is there, `complete_metadata` when all parts are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import click

from fieldstone.platform.audit import Audit
from fieldstone.platform.audit_api import make_audit_api
from fieldstone.platform.audit_sealing import AuditSealing
from fieldstone.platform.commands import LazyCommand
from fieldstone.platform.frame import Frame
from fieldstone.platform.lazy import load
from fieldstone.platform.metadata.api import make_metadata_api
from fieldstone.platform.metadata.doors import CallerDoors
from fieldstone.platform.metadata.packages.service import SeedImporter
from fieldstone.platform.metadata.services import Metadata, make_metadata
from fieldstone.platform.metadata.snapshots import Snapshots
from fieldstone.platform.metadata.values import Published
from fieldstone.platform.tenancy.store import ACTIVE, NewTenant, TenantStore
from fieldstone.platform.units import Caller, SystemCredential, Units
from fieldstone.platform.work.assembly import Work


def register_metadata(frame: Frame, snapshots: Snapshots) -> Metadata:
    """Put metadata and audit on the frame; every new tenant gets version 1 and has its audit sealed."""
    work, audit = frame.need(Work), Audit()
    metadata = make_metadata(snapshots, audit, work.outbox, work.jobs)
    sealing = AuditSealing(audit, work.timers)
    services = (metadata.service, metadata.changesets, metadata.versions, metadata.packages)
    for service in (audit, sealing, metadata, *services):
        frame.provide(service)
    frame.timer_kinds.register(sealing.kind().name, sealing.kind())
    frame.blueprints += [make_metadata_api(metadata).blueprint, make_audit_api(audit).blueprint]
    frame.commands.append(LazyCommand("package", "Validate, compare, install and export packages.", _package(frame)))
    _begin_new_tenants(frame, metadata, sealing)
    return metadata


def complete_metadata(frame: Frame) -> None:
    """Seed records come in by whichever part can write records."""
    importer = frame.find(SeedImporter)  # type: ignore[type-abstract]
    if importer is not None:
        frame.need(Metadata).packages.seed_with(importer)


def upgrade_tenants(frame: Frame) -> Iterator[tuple[str, Published]]:
    """Publish, tenant by tenant, what a new release of the software provides; for `db upgrade`.

    Gives each tenant's name and version. A tenant that is up to date keeps its version. Raises what
    `MetadataService.publish_provided` raises; tenants before it are done.
    """
    units, service = frame.need(Units), frame.need(Metadata).service
    for record in frame.need(TenantStore).list():
        if record.state == ACTIVE:
            caller = Caller(tenant=record.tenant.name, credential=SystemCredential(), channel="system")
            yield record.tenant.name, service.publish_provided(CallerDoors(units, caller))


def _begin_new_tenants(frame: Frame, metadata: Metadata, sealing: AuditSealing) -> None:
    units = frame.need(Units)

    def begin(new: NewTenant) -> None:
        caller = Caller(tenant=new.tenant.name, credential=SystemCredential(), channel="system")
        metadata.service.publish_provided(CallerDoors(units, caller))
        units.write(caller, sealing.start)

    frame.need(TenantStore).after_create(begin)


def _package(frame: Frame) -> partial[click.Command]:
    return partial(_made, frame, "fieldstone.platform.metadata.commands:make_package")


def _made(frame: Frame, target: str) -> click.Command:
    command = load(target)(frame)
    assert isinstance(command, click.Command)
    return command
