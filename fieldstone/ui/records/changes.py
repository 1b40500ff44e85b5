"""What somebody changed in a form: so that only that is sent, and a conflict speaks only of that.

A form carries a fingerprint of each value it showed. In: fields, the record, the posted form. Out: fingerprints, the
values that differ, and the conflicts with what was saved meanwhile. Called by the form pages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fieldstone.objects.fieldtypes.problems import Rejected
from fieldstone.objects.query.values import Record
from fieldstone.objects.types import Field
from fieldstone.ui.values.shown import Reader, shown

MAX_BASE = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """A field that two people changed: both values for display."""

    field: Field
    mine: Any
    theirs: Any


def fingerprints(fields: Iterable[Field], record: Record) -> str:
    """The values of the form's fields as they are now, to be carried in the form."""
    return json.dumps({each.name: of_value(each, record.values.get(each.name)) for each in _simple(fields)})


def base_of(text: str) -> Mapping[str, str]:
    """The fingerprints a form brought back; nothing when they cannot be read."""
    if len(text) > MAX_BASE:
        return {}
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def changed(fields: Sequence[Field], sent: Mapping[str, Any], base: Mapping[str, str]) -> dict[str, Any]:
    """Those of the sent values that differ from what the form showed."""
    known = {field.name: field for field in fields}
    return {
        name: value
        for name, value in sent.items()
        if name not in base or name not in known or of_sent(known[name], value) != base[name]
    }


def clashes(
    fields: Sequence[Field],
    mine: Mapping[str, Any],
    base: Mapping[str, str],
    record: Record,
    reader: Reader,
    names: Mapping[str, str],
) -> list[Clash]:
    """The fields that were changed here and, to something else, in the record; `names` of records by id."""
    found = []
    for field in _simple(fields):
        if field.name not in mine:
            continue
        stored = of_value(field, record.values.get(field.name))
        if stored in (base.get(field.name), of_sent(field, mine[field.name])):
            continue
        theirs = shown(field, record.values.get(field.name), record.labels.get(field.name), reader)
        found.append(Clash(field=field, mine=_mine(field, mine[field.name], reader, names), theirs=theirs))
    return found


def _mine(field: Field, sent: Any, reader: Reader, names: Mapping[str, str]) -> Any:
    """A sent value for display; what cannot be read is shown as it was typed."""
    if sent in (None, "", []):
        return ""
    if field.type.labelled:
        ids = sent if isinstance(sent, list) else [sent]
        return ", ".join(names.get(str(each), str(each)) for each in ids)
    try:
        return shown(field, field.type.read(sent), None, reader)
    except Rejected:
        return str(sent)


def of_value(field: Field, value: Any) -> str:
    """The fingerprint of a Python value. A form shows moments to the minute."""
    if isinstance(value, datetime):
        value = value.replace(second=0, microsecond=0)
    return _digest(None if value in (None, "", []) else field.type.write(value))


def of_sent(field: Field, sent: Any) -> str:
    """The fingerprint of a value as it was sent."""
    if sent in (None, "", []):
        return _digest(None)
    try:
        return of_value(field, field.type.read(sent))
    except Rejected:
        return ""


def _simple(fields: Iterable[Field]) -> list[Field]:
    return [field for field in fields if not field.type.nested]


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
