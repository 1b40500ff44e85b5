"""The migration plan of a candidate: what its kinds want done to tables, by step class.

What comes in: a checked candidate and an open unit for live counts. What goes out: planned steps in the order of kinds.
Nothing is changed here; publishing applies the steps. Called by the metadata service.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fieldstone.platform.kernel.context import DialectName, Unit
from fieldstone.platform.kernel.metadata import Definition, MetadataError, Snapshot
from fieldstone.platform.metadata.artefacts import SnapshotCache
from fieldstone.platform.metadata.candidates import Candidate
from fieldstone.platform.metadata.manifest import Key
from fieldstone.platform.metadata.physical import PhysicalNames
from fieldstone.platform.metadata.snapshot import TenantSnapshot
from fieldstone.platform.metadata.values import PlannedStep


class Planning:
    """What plan functions may ask: the snapshots before and after, and live rows."""

    def __init__(self, before: Snapshot, after: Snapshot, names: PhysicalNames, unit: Unit) -> None:
        self._before = before
        self._after = after
        self._names = names
        self._unit = unit

    @property
    def before(self) -> Snapshot:
        return self._before

    @property
    def after(self) -> Snapshot:
        return self._after

    @property
    def dialect(self) -> DialectName:
        return self._unit.dialect

    def existing(self, scope: str = "") -> frozenset[str]:
        """Tables, or the columns of a table, that were made by any version."""
        return self._names.existing(scope)

    def rows(self, statement: Any, parameters: Mapping[str, Any] | None = None) -> Sequence[tuple[Any, ...]]:
        return self._unit.rows(statement, parameters)


def plan(candidate: Candidate, affected: Sequence[Key], cache: SnapshotCache, unit: Unit) -> list[PlannedStep]:
    """The steps of removed, then of affected elements, kinds in their order; renamed elements are planned once.

    Raises `MetadataError` (with the element) when live data stand against the change.
    """
    context = Planning(
        TenantSnapshot(candidate.base.version, cache.compiled(candidate.base.manifest)),
        TenantSnapshot(candidate.base.version + 1, cache.compiled(candidate.manifest)),
        candidate.base.names,
        unit,
    )
    steps: list[PlannedStep] = []
    for before, after in _pairs(candidate, affected):
        definition = after or before
        kind = cache.kinds.get(definition.kind) if definition else None
        if kind is None or definition is None:
            continue
        element = f"{definition.kind}/{definition.name}"
        try:
            steps.extend(PlannedStep(element=element, step=step) for step in kind.plan(before, after, context))
        except MetadataError as error:
            error.element = element
            raise
    return steps


def _pairs(candidate: Candidate, affected: Sequence[Key]) -> Iterator[tuple[Definition | None, Definition | None]]:
    former = {(r.kind, r.to): (r.kind, r.name) for r in candidate.renames if r.part is None}
    gone = [key for key, definition in candidate.changes.items() if definition is None]
    base = candidate.base.manifest.elements
    for key in sorted(set(gone) - set(former.values())):
        yield base[key], None
    for key in affected:
        yield base.get(former.get(key, key)), candidate.manifest.elements[key]
