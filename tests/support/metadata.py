"""A metadata service on a real installation, for tests: posted messages and started jobs are kept in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldstone.platform.audit import Audit
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.ids import new_id
from fieldstone.platform.kernel.metadata import MetadataKind
from fieldstone.platform.kernel.registry import Registry
from fieldstone.platform.metadata.changesets import ChangesetService
from fieldstone.platform.metadata.doors import CallerDoors
from fieldstone.platform.metadata.service import MetadataService, PublishOrder
from fieldstone.platform.metadata.snapshot import TenantSnapshot
from fieldstone.platform.metadata.snapshots import Snapshots
from fieldstone.platform.metadata.values import Change, Preview, Published
from fieldstone.platform.metadata.versions import VersionService
from fieldstone.platform.units import Units
from tests.support.installation import Installation
from tests.support.note_kind import note_kinds


class Posted:
    """What was posted and started; rolled back units leave their rows here, so count only in tests that commit."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, Mapping[str, Any]]] = []
        self.jobs: list[tuple[str, Mapping[str, Any]]] = []

    def post(self, ctx: Context, unit: Unit, topic: str, payload: Mapping[str, Any]) -> str:
        self.messages.append((topic, payload))
        return new_id()

    def start(self, ctx: Context, unit: Unit, kind: str, input: Mapping[str, Any]) -> str:
        self.jobs.append((kind, input))
        return new_id()


class MetadataHome:
    """An installation whose units take their snapshots from a metadata service."""

    def __init__(self, home: Installation, kinds: Registry[MetadataKind] | None = None) -> None:
        self.home = home
        self.posted = Posted()
        self.audit = Audit()
        self.snapshots = Snapshots(kinds or note_kinds())
        self.service = MetadataService(self.snapshots, self.audit, self.posted, self.posted)
        self.units: Units = home.units_with(snapshot_source=self.snapshots.source)
        self.changesets = ChangesetService(self.service, self.audit)
        self.versions = VersionService(self.service)

    def doors(self, tenant: str = "acme", user: str | None = None) -> CallerDoors:
        return CallerDoors(self.units, self.home.caller(tenant, user))

    def publish(
        self,
        *changes: Change,
        base: int | None = None,
        confirm: Sequence[str] = (),
        tenant: str = "acme",
        name: str = "test",
    ) -> Published:
        order = PublishOrder(name=name, base_version=base, confirm=frozenset(confirm))
        return self.service.publish(self.doors(tenant), changes, order)

    def preview(self, *changes: Change, base: int | None = None) -> Preview:
        return self.service.preview(self.doors(), changes, base)

    def snapshot(self, tenant: str = "acme") -> TenantSnapshot:
        return self.units.read(self.home.caller(tenant), lambda ctx, unit: self.service.snapshot(unit))


def put(kind: str, body: Mapping[str, Any], package: str | None = None) -> Change:
    return Change(kind=kind, name=body["name"], body=body, package=package)


def remove(kind: str, name: str) -> Change:
    return Change(kind=kind, name=name, body=None)
