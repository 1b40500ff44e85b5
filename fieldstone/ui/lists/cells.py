"""Rows of a list: a record's values as cells, the first of which opens it; cells that may be edited in place say where.

In: a record, the columns, the reader. Out: rows for `components/table.html`. Called by the list page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.query.values import Record
from fieldstone.ui.lists.fields import ReadableFields
from fieldstone.ui.values.shown import Reader, Shown, shown


def editable_columns(fields: ReadableFields, access: ActorAccess, columns: Sequence[str]) -> frozenset[str]:
    """The columns whose cells are edited in place: own fields that the reader may write, but not the first one."""
    if fields.kind.managed_by is not None or not access.may(fields.kind.name, "update"):
        return frozenset()
    rights = access.rights(fields.kind.name)
    own = (fields.kind.own_fields.get(path) for path in columns[1:])
    return frozenset(
        field.name for field in own if field is not None and field.writable and rights.editable(field.name)
    )


def row_of(
    fields: ReadableFields, record: Record, columns: Sequence[str], reader: Reader, editable: frozenset[str]
) -> dict[str, Any]:
    """A record as a row."""
    href = f"/o/{record.object}/{record.id}"
    cells: dict[str, Any] = {}
    for path in columns:
        field = fields.find(path)
        if field is not None:
            cell = in_list(shown(field, record.values.get(path), record.labels.get(path), reader))
            cells[path] = with_edit(cell, f"{href}/edit/{path}?cell=1") if path in editable else cell
    first = columns[0] if columns else ""
    if isinstance(cells.get(first), Mapping) and cells[first].get("kind") == "text":
        cells[first] = {"kind": "link", "text": cells[first]["text"], "href": href}
    return {"id": record.id, "href": href, "label": _words(cells.get(first)), "cells": cells, "values": record.values}


def in_list(cell: Shown) -> Shown:
    """In a list the first cell opens the record; a name of another record is a name."""
    if isinstance(cell, Mapping) and cell.get("kind") == "link":
        return {"kind": "text", "text": cell["text"]}
    return cell


def with_edit(cell: Shown, url: str) -> Shown:
    """The cell with the address of its editor."""
    made = cell if isinstance(cell, Mapping) else {"kind": "text", "text": cell}
    return {**made, "edit_url": url}


def _words(cell: Any) -> str:
    return str(cell.get("text", "")) if isinstance(cell, Mapping) else str(cell or "")
