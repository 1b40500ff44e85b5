"""A field as a widget of a form: kind, name, value, label, and whatever the kind needs (`components/widgets.html`).

In: a field, its value and label, what the layout says of it. Out: the mapping that `forms.field` draws. Called by
forms, quick create, inline edit, action dialogs and child rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale

from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.fieldtypes.declaration import Label, Labels
from fieldstone.platform.kernel.text import localized
from fieldstone.ui.values.shown import Reader, shown, widget_of

_DRAWN_AS: Mapping[str, str] = {"datetime": "datetime-local", "color": "colour", "team": "lookup"}
_SETTINGS = ("min", "max", "step", "maxlength", "rows", "accept")


def widget(
    field: Field,
    value: Any,
    labels: Labels,
    reader: Reader,
    *,
    name: str = "",
    required: bool = False,
    read_only: bool = False,
) -> dict[str, Any]:
    """The widget. `required` and `read_only` come from the layout's conditions, on top of the field's own."""
    spec = widget_of(field, reader.locale)
    kind = spec["kind"]
    made: dict[str, Any] = {
        "kind": _DRAWN_AS.get(kind, kind),
        "name": name or field.name,
        "label": field.text(reader.locale),
        "help": localized(field.help, reader.locale),
        "placeholder": localized(field.placeholder, reader.locale),
        "required": field.required or required,
        "attrs": {key: spec[key] for key in _SETTINGS if key in spec},
        "options": spec.get("options", ()),
    }
    if read_only or not field.writable or kind == "readonly":
        return {**made, "kind": "text", "readonly": True, "display": shown(field, value, labels, reader)}
    return made | _BY_KIND.get(kind, _plain)(field, value, labels, reader, spec)


def _plain(field: Field, value: Any, labels: Labels, reader: Reader, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": "" if value is None else field.type.to_text(value)}


def _kept(field: Field, value: Any, labels: Labels, reader: Reader, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": value}


def _moment(field: Field, value: Any, labels: Labels, reader: Reader, spec: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(value, datetime):
        return {"value": value or ""}
    local = value.astimezone(ZoneInfo(reader.time_zone))
    return {"value": local.strftime("%Y-%m-%dT%H:%M")}


def _duration(field: Field, value: Any, labels: Labels, reader: Reader, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": short_duration(value) if isinstance(value, timedelta) else value or ""}


def _money(field: Field, value: Any, labels: Labels, reader: Reader, spec: Mapping[str, Any]) -> dict[str, Any]:
    fixed = spec.get("currency")
    names = [fixed] if fixed else list(spec.get("currencies", ()))
    current = getattr(value, "currency", None)
    usual = [current, *names] if current and current not in names else names
    shown_value = {"amount": str(value.amount), "currency": value.currency} if current else {"currency": fixed}
    return {"value": shown_value, "options": [{"value": name, "label": name} for name in usual]}


def _lookup(field: Field, value: Any, labels: Labels, reader: Reader, spec: Mapping[str, Any]) -> dict[str, Any]:
    several = bool(spec.get("several"))
    chosen = [{"id": label.id, "label": label.label} for label in _each(labels)]
    needed = record_fields_of(field)
    attrs = {"url": f"/lookup/{field.object}/{field.name}", "multiple": several, "with": ",".join(needed)}
    return {"value": chosen if several else (chosen[0] if chosen else None), "attrs": attrs}


def record_fields_of(field: Field) -> tuple[str, ...]:
    """The fields of the record that a lookup's filter reads, in order."""
    paths = field.filter.references if field.filter is not None else ()
    return tuple(dict.fromkeys(path[1] for path in paths if path[0] == "record" and len(path) > 1))


def _file(field: Field, value: Any, labels: Labels, reader: Reader, spec: Mapping[str, Any]) -> dict[str, Any]:
    files = [
        {"id": label.id, "name": label.label, "href": f"/api/v1/files/{label.id}?inline=1"} for label in _each(labels)
    ]
    return {"value": files, "attrs": {"accept": ",".join(spec.get("accept", ()))}}


def _signature(field: Field, value: Any, labels: Labels, reader: Reader, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": {"href": f"/api/v1/files/{value}?inline=1"} if value else None}


def _address(field: Field, value: Any, labels: Labels, reader: Reader, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": value or {}, "options": countries(reader.locale)}


def countries(locale: str) -> Sequence[Mapping[str, str]]:
    """All countries, by their names in a language."""
    names = Locale.parse(locale, sep="-").territories
    pairs = ((code, name) for code, name in names.items() if len(code) == 2 and code.isalpha())
    return [{"value": code, "label": name} for code, name in sorted(pairs, key=lambda pair: pair[1])]


def short_duration(value: timedelta) -> str:
    """`2h 30m`, as people type it."""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if n]
    return " ".join(parts) or "0m"


def _each(labels: Labels) -> Sequence[Label]:
    if labels is None:
        return ()
    return (labels,) if isinstance(labels, Label) else labels


_BY_KIND = {
    "checkbox": _kept,
    "select": _kept,
    "multiselect": _kept,
    "rating": _kept,
    "geolocation": _kept,
    "datetime": _moment,
    "duration": _duration,
    "money": _money,
    "lookup": _lookup,
    "user": _lookup,
    "team": _lookup,
    "file": _file,
    "image": _file,
    "signature": _signature,
    "address": _address,
}
