"""The tables of records, for exporting a tenant and restoring it.

In: a unit on a home whose definitions are there. Out: the tables of all published objects and of their links, found or
made. Implements `platform.tenancy.transfer.RecordTables`; provided by `objects.part`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, cast

import sqlalchemy as sa

from fieldstone.objects.definition.plan import created_step
from fieldstone.objects.query.searching import search_index_steps
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.metadata import PlanContext, PlanStep
from fieldstone.platform.metadata.snapshots import Snapshots


class PublishedRecordTables:
    """The tables that the published version of a home speaks of."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    def existing(self, unit: SqlUnit) -> Sequence[sa.Table]:
        """The tables, links after objects."""
        kinds = list(self._kinds(unit))
        links = [link.table for kind in kinds for link in kind.links.values()]
        return [*(kind.table for kind in kinds), *links]

    def create(self, unit: SqlUnit) -> Sequence[sa.Table]:
        """Make them with their indexes."""
        for kind in self._kinds(unit):
            for step in (created_step(kind), *_search_steps(kind, unit)):
                if step.apply is not None:
                    step.apply(unit)
        return self.existing(unit)

    def _kinds(self, unit: SqlUnit) -> Iterator[ObjectType]:
        for kind in self._snapshots.source(unit).all("object"):
            if kind.managed_by is None:
                yield kind


class _EmptyHome:
    """What the plan of a new object asks of its surroundings."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect

    def existing(self, scope: str = "") -> Collection[str]:
        return ()


def _search_steps(kind: ObjectType, unit: SqlUnit) -> Sequence[PlanStep]:
    surroundings: Any = _EmptyHome(unit.dialect)
    return list(search_index_steps(None, kind, cast(PlanContext, surroundings)))
