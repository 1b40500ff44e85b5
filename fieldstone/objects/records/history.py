"""The history of records: who changed what, when, by which door, and why; from the insert on.

What comes in: the values before and after a save. What goes out: one row for each save that changed something, written
with it, and pages of changes trimmed to what their reader may see. Sensitive values are masked when they are written.
Rows are only ever added. Who calls it: the record service; the API and pages for reading; imports that are undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

import sqlalchemy as sa

from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.database.home import HOME
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Chars, Id, Json, UtcDateTime
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.ids import new_id

ChangeKind: TypeAlias = Literal["create", "update", "delete", "restore"]
MASK: Final = "•••"
MAX_LIMIT: Final = 200

# `changes` maps fields to [old, new] as JSON values; `rules` are the rules that ran: [kind, name, hit, inputs].
HISTORY = sa.Table(
    "record_history",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("object", Chars(), nullable=False),
    sa.Column("record", Id(), nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("kind", Chars(), nullable=False),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Column("actor", Id(), nullable=False),
    sa.Column("channel", Chars(), nullable=False),
    sa.Column("request", Chars(), nullable=False),
    sa.Column("causes", Json(), nullable=False),
    sa.Column("changes", Json(), nullable=False),
    sa.Column("rules", Json(), nullable=False),
    sa.Index("record_history_record", "object", "record", "id"),
)

_INSERT = Prepared(sa.insert(HISTORY), columns=[column.name for column in HISTORY.c])
_COLUMNS = tuple(HISTORY.c)
_OF_RECORD = (HISTORY.c.object == sa.bindparam("object"), HISTORY.c.record == sa.bindparam("record"))
_LIMIT = sa.bindparam("limit", type_=sa.Integer)
_NEWEST = Prepared(sa.select(*_COLUMNS).where(*_OF_RECORD).order_by(HISTORY.c.id.desc()).limit(_LIMIT))
_OLDER = Prepared(
    sa.select(*_COLUMNS)
    .where(*_OF_RECORD, HISTORY.c.id < sa.bindparam("before", type_=Id()))
    .order_by(HISTORY.c.id.desc())
    .limit(_LIMIT)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One save. `changes` maps field names to JSON values before and after; `causes` are outermost first."""

    id: str
    object: str
    record: str
    revision: int
    kind: ChangeKind
    at: datetime
    actor: str
    channel: str
    request: str
    causes: Sequence[Mapping[str, Any]]
    changes: Mapping[str, tuple[Any, Any]]
    rules: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """Entries, newest first; `next_cursor` is None on the last page."""

    entries: Sequence[HistoryEntry]
    next_cursor: str | None


def write(
    ctx: Context,
    unit: SqlUnit,
    kind: ObjectType,
    *,
    record: str,
    revision: int,
    change: ChangeKind,
    changes: Mapping[str, tuple[Any, Any]],
    rules: Sequence[Mapping[str, Any]],
) -> None:
    """Note a save; `changes` are Python values before and after. It leaves with the unit's next statement."""
    causes = [{"kind": each.kind, "name": each.name, "record": each.record} for each in ctx.causes]
    row = {
        "id": new_id(),
        "object": kind.name,
        "record": record,
        "revision": revision,
        "kind": change,
        "at": ctx.now,
        "actor": ctx.actor.id,
        "channel": ctx.channel,
        "request": ctx.request_id,
        "causes": causes,
        "changes": {name: [_kept(kind.field(name), one) for one in pair] for name, pair in changes.items()},
        "rules": list(rules),
    }
    unit.write_later(_INSERT, row)


def _kept(field: Field, value: Any) -> Any:
    """A value as history keeps it: JSON, masked when the field is sensitive."""
    if value is None or value == []:
        return None
    return MASK if field.sensitive else field.type.write(value)


def is_kept(field: Field) -> bool:
    """Whether changes of a field are noted."""
    return field.tracked and not field.type.volatile and not field.type.nested


def of_record(unit: Unit, object_name: str, record: str, before: str | None, limit: int) -> HistoryPage:
    """The entries of a record, as they were written."""
    limit = max(1, min(limit, MAX_LIMIT))
    asked = {"object": object_name, "record": record, "limit": limit + 1}
    rows = unit.rows(_NEWEST, asked) if before is None else unit.rows(_OLDER, {**asked, "before": before})
    entries = [_entry(row) for row in rows[:limit]]
    return HistoryPage(entries=entries, next_cursor=entries[-1].id if len(rows) > limit else None)


def _entry(row: Sequence[Any]) -> HistoryEntry:
    identity, name, record, revision, kind, at, actor, channel, request, causes, changes, rules = row
    return HistoryEntry(
        id=identity,
        object=name,
        record=record,
        revision=revision,
        kind=kind,
        at=at,
        actor=actor,
        channel=channel,
        request=request,
        causes=causes,
        changes={field: (pair[0], pair[1]) for field, pair in changes.items()},
        rules=rules,
    )
