"""A posted form as the mapping that the record service takes: the same values that the API would be sent.

In: the form, and the fields it had. Out: JSON-like values by field name; what cannot be understood stays text, so that
the record service says what is wrong with it. Nothing is checked here: there is one door. Called by form pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from fieldstone.objects.fieldtypes.base import Field
from fieldstone.ui.values.shown import Reader, widget_of

Form: TypeAlias = MultiDict[str, str]
Rows: TypeAlias = Callable[[Field], Iterable[Field]]
_SPAN = re.compile(r"(?:(\d+(?:\.\d+)?)\s*h)?\s*(?:(\d+)\s*m(?:in)?)?\s*(?:(\d+)\s*s)?", re.IGNORECASE)
_PARTS = ("street", "city", "region", "postcode", "country")


def decoded(form: Form, fields: Iterable[Field], reader: Reader, rows: Rows, prefix: str = "") -> dict[str, Any]:
    """The values of those `fields` that the form has. `rows` gives the fields of a child field's rows."""
    values: dict[str, Any] = {}
    for field in fields:
        kind = widget_of(field, reader.locale)["kind"]
        if kind == "childrows":
            if f"{prefix}{field.name}.rows" in form:
                values[field.name] = _rows(form, field, reader, rows, f"{prefix}{field.name}")
            continue
        decode = _BY_KIND.get(kind, _text)
        value = decode(form, f"{prefix}{field.name}", reader, widget_of(field, reader.locale))
        if value is not _ABSENT:
            values[field.name] = value
    return values


_ABSENT = object()


def _text(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    if name not in form:
        return _ABSENT
    text = form[name].replace("\r\n", "\n").strip()
    return text or None


def _check(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    return "true" in form.getlist(name) if name in form else _ABSENT


def _many(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    return [value for value in form.getlist(name) if value] if name in form else _ABSENT


def _lookup(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    return _many(form, name, reader, spec) if spec.get("several") else _text(form, name, reader, spec)


def _moment(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    """A local time of the reader as a moment."""
    text = _text(form, name, reader, spec)
    if text is _ABSENT or text is None:
        return text
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return text
    if local.tzinfo is None:
        local = local.replace(tzinfo=ZoneInfo(reader.time_zone))
    return local.isoformat()


def _duration(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    """`2h 30m` as ISO 8601; what already is ISO stays."""
    text = _text(form, name, reader, spec)
    match = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        return text
    hours, minutes, seconds = (float(part) if part else 0.0 for part in match.groups())
    return f"PT{int(hours * 3600 + minutes * 60 + seconds)}S"


def _money(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    amount = _text(form, f"{name}.amount", reader, spec)
    if amount is _ABSENT or amount is None:
        return amount
    currency = form.get(f"{name}.currency", "").strip()
    return {"amount": _number(amount), "currency": currency} if currency else _number(amount)


def _decimal(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    text = _text(form, name, reader, spec)
    return _number(text) if isinstance(text, str) else text


def _number(text: str) -> str:
    return text.replace(",", "").replace("\u00a0", "").replace(" ", "")


def _whole(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    text = _decimal(form, name, reader, spec)
    return int(text) if isinstance(text, str) and re.fullmatch(r"-?[0-9]{1,18}", text) else text


def _place(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    if f"{name}.lat" not in form:
        return _ABSENT
    lat, lon = form[f"{name}.lat"].strip(), form.get(f"{name}.lon", "").strip()
    return {"lat": _degrees(lat), "lon": _degrees(lon)} if lat or lon else None


def _degrees(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _address(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    if f"{name}.city" not in form:
        return _ABSENT
    parts = {part: form.get(f"{name}.{part}", "").strip() or None for part in _PARTS}
    return parts if any(parts.values()) else None


def _json(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    text = _text(form, name, reader, spec)
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _file(form: Form, name: str, reader: Reader, spec: Mapping[str, Any]) -> Any:
    """The id of the file: a fresh upload (put into the form by the page), else the one kept; None when it goes."""
    if f"{name}.uploaded" in form:
        return form[f"{name}.uploaded"] or None
    if f"{name}.keep" not in form:
        return _ABSENT
    return next((value for value in form.getlist(f"{name}.keep") if value), None)


def row_keys(form: Form, field: Field, reader: Reader, rows: Rows, name: str) -> list[str]:
    """The keys of the child rows that count, in order: new rows in which nothing was entered do not."""
    fields = tuple(rows(field))
    return [
        key for key in form.getlist(f"{name}.rows") if key and _counts(form, fields, reader, rows, f"{name}.{key}.")
    ]


def _counts(form: Form, fields: Iterable[Field], reader: Reader, rows: Rows, prefix: str) -> bool:
    if form.get(f"{prefix}id"):
        return True
    entered = decoded(form, fields, reader, rows, prefix)
    return any(value not in (None, "", [], False) for value in entered.values())


def _rows(form: Form, field: Field, reader: Reader, rows: Rows, name: str) -> list[dict[str, Any]]:
    """The child rows in the order the form gives; an existing row brings its id."""
    fields = tuple(rows(field))
    made = []
    for key in row_keys(form, field, reader, rows, name):
        identity = form.get(f"{name}.{key}.id", "")
        values = decoded(form, fields, reader, rows, f"{name}.{key}.")
        made.append({"id": identity, **values} if identity else values)
    return made


_BY_KIND: Mapping[str, Callable[[Form, str, Reader, Mapping[str, Any]], Any]] = {
    "checkbox": _check,
    "multiselect": _many,
    "lookup": _lookup,
    "user": _lookup,
    "team": _lookup,
    "datetime": _moment,
    "duration": _duration,
    "money": _money,
    "decimal": _decimal,
    "percent": _decimal,
    "number": _whole,
    "rating": _whole,
    "geolocation": _place,
    "address": _address,
    "json": _json,
    "file": _file,
    "image": _file,
    "signature": _file,
}
