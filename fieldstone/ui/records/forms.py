"""Forms of records: sections of widgets, out of an arrangement and the record's values.

In: placed fields, values (of the record, or as they were posted), labels, errors. Out: what `pages/form.html` and
`pages/drawer.html` draw. Called by the form pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldstone.objects.fieldtypes.declaration import Labels
from fieldstone.objects.query.values import Record
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import FieldError
from fieldstone.platform.kernel.text import localized
from fieldstone.ui.records.arrangement import Placed, PlacedSection
from fieldstone.ui.values.shown import Reader
from fieldstone.ui.values.widgets import widget

NEW_ROW = "__row__"


class FormBuilder:
    """Makes the widgets of one form."""

    def __init__(self, ctx: Context, reader: Reader) -> None:
        self._ctx = ctx
        self._reader = reader

    def sections(
        self, placed: Sequence[PlacedSection], values: Mapping[str, Any], labels: Mapping[str, Labels]
    ) -> list[dict[str, Any]]:
        """The sections as the templates take them."""
        return [
            {
                "title": localized(section.label, self._reader.locale),
                "columns": section.columns,
                "widgets": [self.placed(item, values.get(item.field.name), labels) for item in section.fields],
            }
            for section in placed
        ]

    def placed(self, item: Placed, value: Any, labels: Mapping[str, Labels]) -> dict[str, Any]:
        """One field of the form."""
        if item.field.type.nested:
            return self._rows(item, value or ())
        made = widget(
            item.field,
            value,
            labels.get(item.field.name),
            self._reader,
            required=item.required,
            read_only=item.read_only,
        )
        return {**made, "span": "all"} if item.full else made

    def _rows(self, item: Placed, rows: Sequence[Any]) -> dict[str, Any]:
        fields = row_fields(self._ctx, item.field)
        name, locale = item.field.name, self._reader.locale
        shown = [self._row(fields, row, f"r{n}", name) for n, row in enumerate(rows)]
        return {
            "kind": "childrows",
            "name": name,
            "label": item.field.text(locale),
            "span": "all",
            "readonly": item.read_only,
            "columns": [{"label": field.text(locale), "required": field.required} for field in fields],
            "rows": shown,
            "blank": self._row(fields, None, NEW_ROW, name)["widgets"],
            "attrs": {},
        }

    def _row(self, fields: Sequence[Field], row: Any, key: str, name: str) -> dict[str, Any]:
        values, labels, identity = _row_parts(row)
        widgets = [
            widget(
                field, values.get(field.name), labels.get(field.name), self._reader, name=f"{name}.{key}.{field.name}"
            )
            for field in fields
        ]
        return {"id": key, "record": identity, "widgets": widgets}


def row_fields(ctx: Context, field: Field) -> tuple[Field, ...]:
    """The fields of a child field's rows that its table shows: not the way back to the parent."""
    kind: ObjectType = ctx.snapshot.get("object", str(field.type.row_object))
    back = str(field.type.option("field"))
    return tuple(each for each in kind.own_fields.values() if each.name != back and not each.type.nested)


def errors_by_name(errors: Sequence[FieldError], locale: str) -> dict[str, str]:
    """Messages by form name: `/lines/0/part` is beside `lines.r0.part`."""
    found: dict[str, str] = {}
    for error in errors:
        steps = error.path.strip("/").split("/")
        if len(steps) >= 3 and steps[1].isdigit():
            steps = [steps[0], f"r{steps[1]}", *steps[2:]]
        name = ".".join(steps) if len(steps) != 2 else steps[0]
        found.setdefault(name, translate(error.message, error.facts, locale))
    return found


def error_list(errors: Sequence[FieldError], kind: ObjectType, locale: str) -> list[dict[str, str]]:
    """The summary above the form: each message with the name of its field and a link to it."""
    made = []
    for error in errors:
        name = error.path.strip("/").split("/")[0]
        field = kind.fields.get(name)
        label = field.text(locale) if field is not None else ""
        made.append({"id": f"f-{name}", "label": label, "message": translate(error.message, error.facts, locale)})
    return made


def _row_parts(row: Any) -> tuple[Mapping[str, Any], Mapping[str, Labels], str]:
    if row is None:
        return {}, {}, ""
    if isinstance(row, Record):
        return row.values, row.labels, row.id
    return row, {}, str(row.get("id", ""))
