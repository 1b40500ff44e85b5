"""The run log: what asynchronous rules did, with which values, how long it took, and what went wrong.

What comes in: entries, written with the unit of the effect or, for a failure, in a unit of their own. What goes out:
pages of entries for administrators. Who calls it: the consumers of this room, the automations API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from fieldstone.objects.run_log.tables import AUTOMATION_RUN
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.kernel.context import Unit
from fieldstone.platform.work.messages import Message
from fieldstone.rules.engine.payload import jsonable

Outcome: TypeAlias = Literal["done", "skipped", "failed"]
MAX_ERROR = 2_000
MAX_LIMIT = 200
KEPT = timedelta(days=30)
"""How long entries are kept."""

_NEW = insert(AUTOMATION_RUN)
_PUT = Prepared(
    _NEW.on_conflict_do_update(
        index_elements=[AUTOMATION_RUN.c.id],
        set_={
            name: _NEW.excluded[name] for name in ("inputs", "outcome", "error", "attempts", "duration", "at", "record")
        },
    ),
    columns=list(AUTOMATION_RUN.c.keys()),
)
_FORGET = Prepared(
    sa.delete(AUTOMATION_RUN).where(AUTOMATION_RUN.c.at < sa.bindparam("before", AUTOMATION_RUN.c.at.type))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run. `inputs` are the values that the rule read, by dotted path; `duration` is of the last attempt.

    `error` names the rule, the record and the value that were in the way. `at` is set when the entry is kept.
    """

    id: str
    kind: str
    rule: str
    object: str
    record: str | None
    event: str
    inputs: Mapping[str, Any]
    outcome: Outcome
    error: str | None
    attempts: int
    duration: timedelta
    at: datetime | None = None

    @classmethod
    def of_message(
        cls,
        message: Message,
        *,
        kind: str,
        rule: str,
        event: str,
        inputs: Mapping[str, Any],
        outcome: Outcome,
        error: str | None,
        seconds: float,
    ) -> Entry:
        """The entry of an attempt at a message about a record."""
        return cls(
            id=message.id,
            kind=kind,
            rule=rule,
            object=message.payload["object"],
            record=message.payload["record"],
            event=event,
            inputs=inputs,
            outcome=outcome,
            error=error,
            attempts=message.attempts,
            duration=timedelta(seconds=seconds),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    """One page of the log, newest first; `next_cursor` is None on the last."""

    entries: Sequence[Entry]
    next_cursor: str | None


class RunLog:
    """Keeps and shows entries."""

    def keep(self, unit: Unit, entry: Entry, at: datetime) -> None:
        """Write an entry over an earlier one of the same message."""
        unit.run(
            _PUT,
            {
                "id": entry.id,
                "kind": entry.kind,
                "rule": entry.rule,
                "object": entry.object,
                "record": entry.record,
                "event": entry.event,
                "inputs": jsonable(entry.inputs),
                "outcome": entry.outcome,
                "error": None if entry.error is None else entry.error[:MAX_ERROR],
                "attempts": entry.attempts,
                "duration": entry.duration,
                "at": at,
            },
        )

    def page(
        self, unit: Unit, *, rule: str | None, outcome: Outcome | None, after: str | None, limit: int
    ) -> EntryPage:
        """Entries, newest first."""
        columns = AUTOMATION_RUN.c
        asked = sa.select(*columns).order_by(columns.id.desc()).limit(min(limit, MAX_LIMIT) + 1)
        if rule is not None:
            asked = asked.where(columns.rule == rule)
        if outcome is not None:
            asked = asked.where(columns.outcome == outcome)
        if after is not None:
            asked = asked.where(columns.id < after)
        rows = unit.rows(asked)
        names = columns.keys()
        found = [Entry(**dict(zip(names, row, strict=True))) for row in rows[: min(limit, MAX_LIMIT)]]
        return EntryPage(entries=found, next_cursor=found[-1].id if len(rows) > len(found) else None)

    def forget_old(self, unit: Unit, now: datetime) -> int:
        """Drop entries older than a month; how many."""
        return unit.run(_FORGET, {"before": now - KEPT})
