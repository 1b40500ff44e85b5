"""What a record page shows: title, highlights, path, tabs of details, related lists.

In: a record, its layout, the reader. Out: the mapping that `pages/record.html` draws. Activity, approvals and plugin
panels come as parts of their own. Called by the record pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import Constraint, ListQuery, Record
from fieldstone.objects.types import Field
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.text import localized
from fieldstone.ui.definition.layout import Related
from fieldstone.ui.lists.cells import in_list, with_edit
from fieldstone.ui.lists.fields import ReadableFields
from fieldstone.ui.records.arrangement import Arrangement, Placed, PlacedSection
from fieldstone.ui.records.forms import row_fields
from fieldstone.ui.values.shown import Reader, shown, widget_of

RELATED_ROWS = 10


class RecordView:
    """One record for one reader."""

    def __init__(
        self, ctx: Context, access: ActorAccess, arrangement: Arrangement, record: Record, reader: Reader
    ) -> None:
        self._ctx = ctx
        self._access = access
        self._arrangement = arrangement
        self._record = record
        self._reader = reader
        self._may_edit = access.may(record.object, "update")
        self._fields = ReadableFields(ctx, access, record.object)

    def highlights(self) -> list[dict[str, Any]]:
        """The line of the most important values."""
        layout = self._arrangement.layout
        paths = layout.highlights if layout is not None else ()
        return [
            {"label": self._fields.label(path), "value": self._value(field, path)}
            for path in paths
            if (field := self._fields.find(path)) is not None
        ]

    def path(self) -> list[dict[str, Any]]:
        """The options of the path field as steps, those before the present one done."""
        layout = self._arrangement.layout
        field = self._fields.find(layout.path) if layout is not None and layout.path else None
        if field is None:
            return []
        options = [each for each in widget_of(field, self._reader.locale).get("options", ()) if not each.get("retired")]
        current = self._record.values.get(field.name)
        values = [option["value"] for option in options]
        at = values.index(current) if current in values else -1
        if at >= 0 and options[at].get("color") == "red":
            return [{"label": options[at]["label"], "state": "bad"}]
        steps = [option for option in options if option.get("color") != "red"]
        return [{"label": option["label"], "state": _state(values.index(option["value"]), at)} for option in steps]

    def tabs(self) -> list[dict[str, Any]]:
        """Sections by tab, in the layout's order."""
        tabs: dict[str, list[PlacedSection]] = {}
        for section in self._arrangement.sections(self._record.values):
            tabs.setdefault(localized(section.tab, self._reader.locale), []).append(section)
        return [
            {
                "label": label,
                "sections": [self._details(section) for section in sections],
                "tables": [
                    self._rows(item) for section in sections for item in section.fields if item.field.type.nested
                ],
            }
            for label, sections in tabs.items()
        ]

    def _details(self, section: PlacedSection) -> dict[str, Any]:
        return {
            "title": localized(section.label, self._reader.locale),
            "columns": section.columns,
            "items": [self.detail(item) for item in section.fields if not item.field.type.nested],
        }

    def detail(self, item: Placed) -> dict[str, Any]:
        """One field as it is read, editable in place where it may be."""
        field = item.field
        made: dict[str, Any] = {
            "label": field.text(self._reader.locale),
            "value": self._value(field, field.name),
            "wide": item.full,
            "id": f"d-{field.name}",
            "field": field.name,
            "help": localized(field.help, self._reader.locale),
        }
        if self._may_edit and not item.read_only:
            made["edit_url"] = f"/o/{self._record.object}/{self._record.id}/edit/{field.name}"
        return made

    def cell(self, item: Placed) -> dict[str, Any]:
        """The same as a cell of a list: its column and value."""
        field = item.field
        url = f"/o/{self._record.object}/{self._record.id}/edit/{field.name}?cell=1"
        value = in_list(self._value(field, field.name))
        return {"column": _head(field, 1, self._reader.locale), "value": with_edit(value, url)}

    def _rows(self, item: Placed) -> dict[str, Any]:
        """Child rows as a table."""
        fields = row_fields(self._ctx, item.field)
        rights = self._access.policy.rights(str(item.field.type.row_object))
        seen = [field for field in fields if rights is not None and rights.readable(field.name)]
        rows = [
            {
                "id": row.id,
                "label": str(n + 1),
                "cells": {f.name: shown(f, row.values.get(f.name), row.labels.get(f.name), self._reader) for f in seen},
            }
            for n, row in enumerate(self._record.values.get(item.field.name) or ())
        ]
        return {
            "id": f"rows-{item.field.name}",
            "label": item.field.text(self._reader.locale),
            "columns": [_head(field, n, self._reader.locale) for n, field in enumerate(seen)],
            "rows": rows,
        }

    def _value(self, field: Field, path: str) -> Any:
        return shown(field, self._record.values.get(path), self._record.labels.get(path), self._reader)


class RelatedLists:
    """The lists of other records that point to a record."""

    def __init__(self, query: QueryService) -> None:
        self._query = query

    def look(
        self, ctx: Context, unit: Unit, access: ActorAccess, related: Related, record: str, reader: Reader, of: str
    ) -> Mapping[str, Any] | None:
        """One list: its newest rows and how many there are; None when the reader may not see such records."""
        if not access.may(related.object, "read"):
            return None
        fields = ReadableFields(ctx, access, related.object)
        if fields.find(related.field) is None:
            return None
        columns = tuple(path for path in related.columns if fields.find(path) is not None)
        page = self._query.list(
            ctx,
            unit,
            ListQuery(
                object=related.object,
                more=(Constraint(field=related.field, object=of, id=record),),
                fields=columns,
                sort=("-created_at",),
                limit=RELATED_ROWS,
                count="capped",
            ),
        )
        return {
            "id": f"related-{related.object}-{related.field}",
            "object": related.object,
            "icon": fields.kind.icon,
            "label": localized(related.label, ctx.locale) or localized(fields.kind.plural, ctx.locale),
            "count": page.count,
            "may_create": access.may(related.object, "create"),
            "create_url": f"/o/{related.object}/new?drawer=1&stay=1&{related.field}={record}",
            "all_url": f"/o/{related.object}?f={related.field}:equals:{record}",
            "columns": column_heads(fields, columns, ctx.locale),
            "rows": [related_row(fields, each, columns, reader) for each in page.records],
        }


def related_row(fields: ReadableFields, record: Record, columns: Sequence[str], reader: Reader) -> dict[str, Any]:
    """A record as a row of a small table; its first cell opens it."""
    href = f"/o/{record.object}/{record.id}"
    cells: dict[str, Any] = {}
    for n, path in enumerate(columns):
        field = fields.find(path)
        if field is None:
            continue
        cell = shown(field, record.values.get(path), record.labels.get(path), reader)
        if n == 0:
            words = cell.get("text", "") if isinstance(cell, Mapping) else cell
            cell = {"kind": "link", "text": words or record.id[-6:], "href": href}
        cells[path] = cell
    return {"id": record.id, "href": href, "label": record.id, "cells": cells}


def _head(field: Field, n: int, locale: str) -> dict[str, Any]:
    spec = widget_of(field, "en")
    numeric = spec.get("of", spec["kind"]) in ("number", "decimal", "percent", "money")
    return {
        "key": field.name,
        "label": field.text(locale),
        "align": "end" if numeric else "start",
        "role": "title" if n == 0 else "",
    }


def column_heads(fields: ReadableFields, columns: Sequence[str], locale: str) -> list[dict[str, Any]]:
    """The heads of a small table of records."""
    found = [(n, path, fields.find(path)) for n, path in enumerate(columns)]
    return [
        {**_head(field, n, locale), "key": path, "label": fields.label(path)}
        for n, path, field in found
        if field is not None
    ]


def _state(index: int, at: int) -> str:
    return "done" if index < at else "current" if index == at else "todo"
