"""The tables of an object.

What comes in: compiled fields and the snapshot's stable physical names. What goes out: `sa.Table` values, made once
per object and version and never per request. Who calls it: the compiler of objects; plans and queries use the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.definition.system_fields import SEARCH_COLUMN
from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.types import LinkTable
from fieldstone.platform.database.types import Chars
from fieldstone.platform.kernel.metadata import Definition, Snapshot

_NEEDED = frozenset({"id", "revision", "created_at", "updated_at"})


def physical_table(definition: Definition, snapshot: Snapshot) -> str:
    """The table of an object."""
    storage = definition.body.get("storage")
    if storage is not None:
        return str(storage["table"])
    return snapshot.physical("object", definition.name) or f"o_{definition.name}"


def physical_column(definition: Definition, snapshot: Snapshot, field: str) -> str:
    """The stem of the columns of a field."""
    storage = definition.body.get("storage")
    if storage is not None:
        return str(storage["columns"].get(field, field))
    return snapshot.physical("field", f"{definition.name}.{field}") or f"f_{field}"


def physical_link(object_name: str, field: str, snapshot: Snapshot) -> str:
    """The table of links of a many-to-many field."""
    return snapshot.physical("link", f"{object_name}.{field}") or f"r_{object_name}_{field}"


def make_table(
    definition: Definition, snapshot: Snapshot, system: Mapping[str, Field], own: Mapping[str, Field]
) -> sa.Table:
    """The table: system columns, the search column, then the columns of each field."""
    columns: list[sa.Column[Any]] = []
    for field in system.values():
        column = field.type.columns(field, field.physical)[0]
        column.primary_key = field.name == "id"
        column.nullable = field.name not in _NEEDED
        columns.append(column)
    adopted = definition.body.get("storage") is not None
    if not adopted:
        columns.append(sa.Column(SEARCH_COLUMN, Chars()))
    taken = {column.name for column in columns}
    for field in own.values():
        columns.extend(c for c in field.type.columns(field, field.physical) if c.name not in taken)
    return sa.Table(physical_table(definition, snapshot), sa.MetaData(), *columns)


def link_tables(own: Mapping[str, Field], snapshot: Snapshot) -> dict[str, LinkTable]:
    """The tables of links of those fields that keep their records so."""
    tables = {}
    for field in own.values():
        columns = field.type.link_columns()
        if columns:
            name = physical_link(field.object, field.name, snapshot)
            table = sa.Table(name, sa.MetaData(), *columns)
            tables[field.name] = LinkTable(field=field.name, target=field.type.targets[0], table=table)
    return tables
