"""Where snapshots come from: the first thing of metadata that a process makes, because units of work need it.

What comes in: the registered kinds; an open unit. What goes out: the tenant's snapshot as that unit sees it, one query
when its manifest is known to this process. Called by `Units` (as its `SnapshotSource`) and by the metadata service.
"""

from __future__ import annotations

from fieldstone.platform.kernel.context import Unit
from fieldstone.platform.kernel.metadata import MetadataKind
from fieldstone.platform.kernel.registry import Registry
from fieldstone.platform.metadata.artefacts import CACHE_BYTES, SnapshotCache
from fieldstone.platform.metadata.snapshot import TenantSnapshot
from fieldstone.platform.metadata.store import VersionStore


class Snapshots:
    """Snapshots of all tenants of this process, and what they share."""

    def __init__(self, kinds: Registry[MetadataKind], capacity: int = CACHE_BYTES) -> None:
        self.kinds = kinds
        self.cache = SnapshotCache(kinds, capacity)
        self.store = VersionStore(self.cache.kept)

    def source(self, unit: Unit, tenant: str = "", version: int = 0) -> TenantSnapshot:
        """The snapshot of the unit's tenant; the unit itself decides which tenant and which version that is."""
        number, manifest = self.store.latest(unit)
        return TenantSnapshot(number, self.cache.compiled(manifest))
