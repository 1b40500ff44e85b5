"""Timers: something to happen at a moment, once, never early, late rather than never.

A timer is known by (kind, key): setting it again moves it, cancelling forgets it. When it comes due the relay turns it
into a message, in one transaction, so any number of relays fire it once. Called by rules' effects and services.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from fieldstone.platform.clock import Clock
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Chars, Id, UtcDateTime
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.ids import new_id
from fieldstone.platform.work.bell import Bell
from fieldstone.platform.work.messages import Message, TimerEvent
from fieldstone.platform.work.outbox import Outbox
from fieldstone.platform.work.tables import DUE, HELD, SET, timer

TOPIC = "timer"

_NEW = insert(timer)
_PUT = Prepared(
    _NEW.on_conflict_do_update(
        index_elements=[timer.c.kind, timer.c.key],
        set_={
            "due_at": _NEW.excluded.due_at,
            "payload": _NEW.excluded.payload,
            "state": SET,
            "generation": timer.c.generation + 1,
        },
    ),
    columns=list(timer.c.keys()),
)
_CANCEL = Prepared(
    sa.delete(timer).where(
        timer.c.kind == sa.bindparam("gone_kind", type_=sa.Text), timer.c.key == sa.bindparam("gone_key", type_=Chars())
    )
)
_COMING_DUE = (
    sa.select(timer.c.id)
    .where(timer.c.state == sa.literal_column(f"'{SET}'"), timer.c.due_at <= sa.bindparam("now", type_=UtcDateTime()))
    .order_by(timer.c.due_at, timer.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True)
)
_COME_DUE = Prepared(
    sa.update(timer)
    .where(timer.c.id.in_(_COMING_DUE))
    .values(state=DUE)
    .returning(timer.c.id, timer.c.kind, timer.c.key, timer.c.due_at, timer.c.payload, timer.c.generation)
)
_TAKE = Prepared(
    sa.delete(timer).where(
        timer.c.id == sa.bindparam("timer_id", type_=Id()),
        timer.c.generation == sa.bindparam("held_generation", type_=sa.BigInteger),
        timer.c.state == DUE,
    )
)
_NEXT_DUE = Prepared(sa.select(sa.func.min(timer.c.due_at)).where(timer.c.state == sa.literal_column(f"'{SET}'")))


class Timers:
    """Setting, cancelling and taking timers."""

    def __init__(self, bell: Bell, outbox: Outbox, clock: Clock) -> None:
        self._bell = bell
        self._outbox = outbox
        self._clock = clock

    def set(
        self, ctx: Context, unit: SqlUnit, kind: str, key: str, due_at: datetime, payload: Mapping[str, Any]
    ) -> None:
        """Fire `kind` for `key` at `due_at`; replaces what was set for that kind and key."""
        row = {
            "id": new_id(),
            "kind": kind,
            "key": key,
            "due_at": due_at,
            "payload": payload,
            "generation": 1,
            "state": SET,
            "created_at": self._clock.now(),
        }
        unit.write_later(_PUT, row)
        unit.after_commit(lambda: self._bell.ring(unit.tenant, due_at))

    def cancel(self, unit: SqlUnit, kind: str, key: str) -> None:
        """Forget the timer of that kind and key, if there is one; also one that is due but not yet taken."""
        unit.write_later(_CANCEL, {"gone_kind": kind, "gone_key": key}, expect=None)

    def take(self, unit: SqlUnit, event: TimerEvent) -> bool:
        """Whether the timer still stands; asked in the unit of its effect, and true once only."""
        return unit.run(_TAKE, {"timer_id": event.id, "held_generation": event.generation}) == 1

    def come_due(self, ctx: Context, unit: SqlUnit, now: datetime, most: int) -> int:
        """For the relay: turn timers that are due into messages; how many."""
        rows = unit.returning(_COME_DUE, {"now": now, "most": most})
        for timer_id, kind, key, due_at, payload, generation in rows:
            message = {
                "id": timer_id,
                "kind": kind,
                "key": key,
                "due_at": due_at.isoformat(),
                "payload": payload,
                "generation": generation,
            }
            self._outbox.post(ctx, unit, TOPIC, message)
        return len(rows)

    def next_due(self, unit: SqlUnit) -> datetime | None:
        """When the next timer comes due; None when none is set."""
        found: datetime | None = unit.scalar(_NEXT_DUE)
        return found

    def release_held(self, unit: SqlUnit) -> int:
        """In a restored copy: let the timers that were held run after all; how many."""
        count = unit.run(sa.update(timer).where(timer.c.state == HELD).values(state=SET))
        unit.after_commit(lambda: self._bell.ring(unit.tenant, None))
        return count


def event_of(message: Message) -> TimerEvent:
    """The event a timer's message tells of."""
    body = message.payload
    return TimerEvent(
        id=body["id"],
        kind=body["kind"],
        key=body["key"],
        due_at=datetime.fromisoformat(body["due_at"]),
        payload=body["payload"],
        generation=body["generation"],
        tenant=message.tenant,
        caller=message.caller,
    )
