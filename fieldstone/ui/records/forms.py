"""Forms of records: sections of widgets, out of an arrangement and what is to be filled in.

In: placed fields; a `Filling`: the record's values, or the form as it was posted. Out: what `pages/form.html` and
`pages/form_drawer.html` draw. Called by the form pages and action dialogs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from fieldstone.objects.fieldtypes.declaration import Labels
from fieldstone.objects.query.values import Record
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import FieldError
from fieldstone.platform.kernel.text import localized
from fieldstone.ui.records.arrangement import Placed, PlacedSection
from fieldstone.ui.values.shown import Reader
from fieldstone.ui.values.typed import typed
from fieldstone.ui.values.widgets import widget

NEW_ROW = "__row__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What stands in a form: values and labels, and over them what was typed (`form`, with names of records by id)."""

    values: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, Labels] = field(default_factory=dict)
    form: MultiDict[str, str] = field(default_factory=MultiDict)
    names: Mapping[str, str] = field(default_factory=dict)


class FormBuilder:
    """Makes the widgets of one form."""

    def __init__(self, ctx: Context, reader: Reader, filling: Filling) -> None:
        self._ctx = ctx
        self._reader = reader
        self._filling = filling

    def sections(self, placed: Sequence[PlacedSection]) -> list[dict[str, Any]]:
        """The sections as the templates take them; empty ones are left out."""
        made = [
            {
                "id": f"section-{section.name}",
                "title": localized(section.label, self._reader.locale),
                "columns": section.columns,
                "widgets": self.widgets(section.fields),
            }
            for section in placed
        ]
        return [section for section in made if section["widgets"]]

    def widgets(self, placed: Sequence[Placed]) -> list[dict[str, Any]]:
        """Fields of the form. Rows that may not be changed are for the record page, not for the form."""
        return [self.placed(item) for item in placed if not (item.field.type.nested and item.read_only)]

    def placed(self, item: Placed) -> dict[str, Any]:
        """One field of the form."""
        if item.field.type.nested:
            return self._rows(item)
        made = self._widget(item.field, self._filling.values, self._filling.labels, item.field.name, item)
        return {**made, "span": "all"} if item.full else made

    def _widget(
        self,
        field: Field,
        values: Mapping[str, Any],
        labels: Mapping[str, Labels],
        name: str,
        item: Placed | None = None,
    ) -> dict[str, Any]:
        made = widget(
            field,
            values.get(field.name),
            labels.get(field.name),
            self._reader,
            name=name,
            required=item.required if item is not None else False,
            read_only=item.read_only if item is not None else False,
        )
        return typed(made, self._filling.form, self._filling.names)

    def _rows(self, item: Placed) -> dict[str, Any]:
        fields = row_fields(self._ctx, item.field)
        name, locale = item.field.name, self._reader.locale
        rows = self._row_values(name)
        return {
            "kind": "childrows",
            "name": name,
            "label": item.field.text(locale),
            "span": "all",
            "columns": [{"label": field.text(locale), "required": field.required} for field in fields],
            "rows": [self._row(fields, row, key, name) for key, row in rows],
            "next": max((int(key) + 1 for key, _ in rows if key.isdigit()), default=0),
            "blank": self._row(fields, None, NEW_ROW, name)["widgets"],
            "attrs": {},
        }

    def _row_values(self, name: str) -> list[tuple[str, Any]]:
        """The rows by key: as they were posted, else as the record has them."""
        stored = self._filling.values.get(name) or ()
        form = self._filling.form
        if f"{name}.rows" not in form:
            return [(str(n), row) for n, row in enumerate(stored)]
        known = {row.id: row for row in stored if isinstance(row, Record)}
        keys = [key for key in form.getlist(f"{name}.rows") if key]
        return [(key, known.get(form.get(f"{name}.{key}.id", ""))) for key in keys]

    def _row(self, fields: Sequence[Field], row: Any, key: str, name: str) -> dict[str, Any]:
        values: Mapping[str, Any] = row.values if isinstance(row, Record) else {}
        labels: Mapping[str, Labels] = row.labels if isinstance(row, Record) else {}
        widgets = [self._widget(field, values, labels, f"{name}.{key}.{field.name}") for field in fields]
        for made in widgets:
            if made["attrs"].get("with"):
                near = (f"{name}.{key}.{each}" for each in made["attrs"]["with"].split(","))
                made["attrs"] = {**made["attrs"], "with": ",".join(near)}
        return {"key": key, "id": row.id if isinstance(row, Record) else "", "widgets": widgets}


def row_fields(ctx: Context, field: Field) -> tuple[Field, ...]:
    """The fields of a child field's rows that its table shows: not the way back to the parent."""
    kind: ObjectType = ctx.snapshot.get("object", str(field.type.row_object))
    back = str(field.type.option("field"))
    return tuple(each for each in kind.own_fields.values() if each.name != back and not each.type.nested)


def errors_by_name(
    errors: Sequence[FieldError], locale: str, rows: Mapping[str, Sequence[str]] | None = None
) -> dict[str, str]:
    """Messages by form name: with the keys of the rows that were sent, `/lines/0/part` is beside `lines.<key>.part`."""
    found: dict[str, str] = {}
    for error in errors:
        found.setdefault(_form_name(error.path, rows or {}), translate(error.message, error.facts, locale))
    return found


def _form_name(path: str, rows: Mapping[str, Sequence[str]]) -> str:
    name, *more = path.strip("/").split("/")
    if len(more) < 2 or not more[0].isdigit():
        return name
    keys = rows.get(name, ())
    key = keys[int(more[0])] if int(more[0]) < len(keys) else more[0]
    return f"{name}.{key}.{more[1]}"


def error_list(
    errors: Sequence[FieldError], kind: ObjectType, locale: str, rows: Mapping[str, Sequence[str]] | None = None
) -> list[dict[str, str]]:
    """The summary above the form: each message with the name of its field and a link to it."""
    made = []
    for error in errors:
        field = kind.fields.get(error.path.strip("/").split("/")[0])
        made.append(
            {
                "id": f"f-{_form_name(error.path, rows or {})}" if field is not None else "",
                "label": field.text(locale) if field is not None else "",
                "message": translate(error.message, error.facts, locale),
            }
        )
    return made


def with_errors(sections: Sequence[dict[str, Any]], errors: Mapping[str, str]) -> None:
    """Put messages beside the fields of child rows; those of other fields are found by name when they are drawn."""
    for section in sections:
        for made in section["widgets"]:
            for row in made.get("rows", ()):
                for cell in row["widgets"]:
                    cell["error"] = errors.get(cell["name"], "")
