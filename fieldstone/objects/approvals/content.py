"""What was approved: a hash of a record's content.

What comes in: a record as its system reader sees it. What goes out: SHA-256 of its values in canonical form, without
what the system keeps for itself (revision, times), without values that change by themselves, and without the fields
that stay open or that the process itself sets. Who calls it: submission, which keeps it, and whoever asks whether
the record still is what was approved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from fieldstone.objects.records.values import Record
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.metadata import Snapshot
from fieldstone.rules.engine.payload import jsonable


def content_hash(snapshot: Snapshot, record: Record, without: Collection[str]) -> str:
    """Hex SHA-256 of what a record says, its rows included."""
    content = _content(snapshot, record, without)
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _content(snapshot: Snapshot, record: Record, without: Collection[str]) -> Mapping[str, Any]:
    of: ObjectType = snapshot.get("object", record.object)
    return {
        name: _value(snapshot, record.values[name])
        for name, field in of.own_fields.items()
        if name in record.values and name not in without and not field.type.volatile
    }


def _value(snapshot: Snapshot, value: Any) -> Any:
    if isinstance(value, Record):
        return {"id": value.id, **_content(snapshot, value, ())}
    if isinstance(value, list | tuple):
        return [_value(snapshot, item) for item in value]
    return jsonable(value)
