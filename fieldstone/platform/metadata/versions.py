"""Versions: what was published, how two differ, bringing an older one back.

What comes in: version numbers. What goes out: version rows, semantic differences, and, for a restore, a new version
with the old bodies; data stay, because fields that go and come back keep their columns. Called by the API and the
command line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.metadata import Definition
from fieldstone.platform.metadata.diff import ElementDifference, compare_definitions
from fieldstone.platform.metadata.doors import Doors
from fieldstone.platform.metadata.manifest import Key
from fieldstone.platform.metadata.service import MetadataService, Proposal, PublishOrder
from fieldstone.platform.metadata.values import Published, Version

PAGE = 200


class VersionService:
    """Published versions of one tenant at a time."""

    def __init__(self, metadata: MetadataService) -> None:
        self._metadata = metadata

    def list(self, unit: Unit, older_than: int | None = None, most: int = 50) -> Sequence[Version]:
        """Versions, newest first; `older_than` is the number of the last one already seen."""
        return self._metadata.store.versions(unit, older_than, min(max(most, 1), PAGE))

    def get(self, unit: Unit, number: int) -> Version:
        """One version. Raises `NotFound`."""
        return self._metadata.store.version(unit, number)

    def differences(self, unit: Unit, before: int, after: int) -> Sequence[ElementDifference]:
        """What changed from one version to another, in either direction. Raises `NotFound`."""
        return compare_definitions(self._at(unit, before), self._at(unit, after))

    def restore(self, doors: Doors, number: int, order: PublishOrder) -> Published:
        """Publish the bodies of an older version as the next version. Raises as `MetadataService.publish` does."""

        def propose(ctx: Context, unit: SqlUnit) -> Proposal:
            name = order.name or self._metadata.store.version(unit, number).name
            return self._metadata.propose_restore(unit, number, replace(order, name=name))

        return self._metadata.publish_with(doors, propose)

    def _at(self, unit: Unit, number: int) -> dict[Key, Definition]:
        return {(d.kind, d.name): d for d in self._metadata.store.at(unit, number)}
