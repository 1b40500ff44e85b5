"""What a plan asks of the live tables: how many rows, how many of them would be in the way.

What comes in: the plan's context and compiled objects. What goes out: counts, exact up to a limit. Who calls it: the
plan of objects; nothing is changed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.types import Field, ObjectType, TableIndex
from fieldstone.platform.kernel.metadata import PlanContext

SMALL = 10_000
"""Rows up to which a publish does the work itself; beyond, a job does."""


def rows_of(context: PlanContext, compiled: ObjectType) -> int:
    """How many records there are, those in the bin included; `SMALL + 1` stands for more."""
    return _count(context, sa.select(sa.literal(1)).select_from(compiled.table))


def links_of(context: PlanContext, table: sa.Table) -> int:
    """How many links a table of links holds, up to `SMALL + 1`."""
    return _count(context, sa.select(sa.literal(1)).select_from(table))


def filled_in(context: PlanContext, compiled: ObjectType, field: Field) -> int:
    """How many records have a value for the field, up to `SMALL + 1`."""
    columns = [compiled.table.c[name] for name in field.column_names]
    return _count(context, sa.select(sa.literal(1)).where(sa.or_(*(column.is_not(None) for column in columns))))


def left_empty(context: PlanContext, compiled: ObjectType, field: Field) -> int:
    """How many live records have no value for the field, up to `SMALL + 1`."""
    live = compiled.table.c.deleted_at.is_(None)
    return _count(context, sa.select(sa.literal(1)).where(live, compiled.table.c[field.column_names[0]].is_(None)))


def holding(context: PlanContext, compiled: ObjectType, field: Field, values: Sequence[Any]) -> int:
    """How many records have one of those values, up to `SMALL + 1`."""
    column = compiled.table.c[field.column_names[0]]
    return _count(context, sa.select(sa.literal(1)).where(column.in_(values)))


def duplicates(context: PlanContext, table: sa.Table, index: TableIndex) -> int:
    """How many groups of live records have the same values, up to `SMALL + 1`."""
    columns = [table.c[each.name] for each in index.columns]
    groups = (
        sa.select(sa.literal(1))
        .where(table.c.deleted_at.is_(None), *(column.is_not(None) for column in columns))
        .group_by(*columns)
        .having(sa.func.count() > 1)
    )
    return _count(context, groups)


def _count(context: PlanContext, found: sa.Select[Any]) -> int:
    bounded = found.limit(SMALL + 1).subquery()
    return int(context.rows(sa.select(sa.func.count()).select_from(bounded))[0][0])
