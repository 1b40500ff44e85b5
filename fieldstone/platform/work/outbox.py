"""The transactional outbox: messages written in the unit of the change they tell of, claimed afterwards.

`Outbox.post` is for services; `claim`, `begin`, `settle`, `fail` are for the relay and the handler of messages. A
message is gone when all its consumers have handled it; one that keeps failing becomes a dead letter, which an operator
sees, replays or discards.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from fieldstone.platform.clock import Clock
from fieldstone.platform.database.prepared import Prepared, Row
from fieldstone.platform.database.present import present
from fieldstone.platform.database.types import Id, UtcDateTime
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Cause, Context
from fieldstone.platform.kernel.errors import Conflict, NotFound
from fieldstone.platform.kernel.ids import new_id
from fieldstone.platform.units import Caller, SystemCredential, UserCredential
from fieldstone.platform.work.bell import Bell
from fieldstone.platform.work.messages import Message
from fieldstone.platform.work.moment import bound_now
from fieldstone.platform.work.tables import CLAIMED, DEAD, HELD, MESSAGES, READY, inbox, outbox

LONGEST_PAUSE = 3600.0
ERROR_LENGTH = 2000

_ID = sa.bindparam("message_id", type_=Id())
_FENCE = sa.bindparam("held_fence", type_=sa.BigInteger)
_NOW = sa.bindparam("now", type_=UtcDateTime())
_MINE = sa.and_(outbox.c.id == _ID, outbox.c.fence == _FENCE, outbox.c.state == CLAIMED)
_MESSAGE = (
    outbox.c.id,
    outbox.c.topic,
    outbox.c.payload,
    outbox.c.attempts,
    outbox.c.user_id,
    outbox.c.request_id,
    outbox.c.causes,
    outbox.c.fence,
    outbox.c.done_by,
)

_NEW = {each.name: sa.bindparam(f"new_{each.name}", type_=each.type) for each in outbox.columns}
_INSERT = Prepared(insert(outbox).values({**_NEW, "due_at": present(_NEW["due_at"])}).on_conflict_do_nothing())
_CLAIMABLE = (
    sa.select(outbox.c.id)
    .where(
        outbox.c.lane == sa.bindparam("wanted_lane", type_=sa.Text),
        outbox.c.state.in_([sa.literal_column(f"'{READY}'"), sa.literal_column(f"'{CLAIMED}'")]),
        outbox.c.due_at <= _NOW,
    )
    .order_by(outbox.c.due_at, outbox.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(skip_locked=True)
)
_CLAIM = Prepared(
    sa.update(outbox)
    .where(outbox.c.id.in_(_CLAIMABLE))
    .values(
        state=CLAIMED,
        fence=outbox.c.fence + 1,
        attempts=outbox.c.attempts + sa.bindparam("tries", type_=sa.Integer),
        lease_owner=sa.bindparam("owner", type_=sa.Text),
        due_at=sa.bindparam("until", type_=UtcDateTime()),
    )
    .returning(*_MESSAGE)
)
_BEGIN = Prepared(
    sa.update(outbox)
    .where(_MINE)
    .values(attempts=outbox.c.attempts + 1, due_at=sa.bindparam("until", type_=UtcDateTime()))
    .returning(*_MESSAGE)
)
_EXTEND = Prepared(sa.update(outbox).where(_MINE).values(due_at=sa.bindparam("until", type_=UtcDateTime())))
_HOLD = Prepared(sa.update(outbox).where(_MINE).values(lease_owner=outbox.c.lease_owner))
_SETTLE = Prepared(sa.delete(outbox).where(_MINE))
_FAIL = Prepared(
    sa.update(outbox)
    .where(_MINE)
    .values(
        state=sa.bindparam("next_state", type_=sa.Text),
        due_at=sa.bindparam("next_due", type_=UtcDateTime()),
        last_error=sa.bindparam("error", type_=sa.Text),
        done_by=sa.bindparam("done", type_=outbox.c.done_by.type),
        lease_owner=None,
    )
)
_IN_FLIGHT = Prepared(
    sa.select(sa.func.count())
    .select_from(outbox)
    .where(
        outbox.c.state == CLAIMED, outbox.c.lane == sa.bindparam("wanted_lane", type_=sa.Text), outbox.c.due_at > _NOW
    )
)
_NEXT_DUE = Prepared(
    sa.select(sa.func.min(outbox.c.due_at)).where(
        outbox.c.state.in_([sa.literal_column(f"'{READY}'"), sa.literal_column(f"'{CLAIMED}'")])
    )
)
_FIRST_TIME = Prepared(
    insert(inbox)
    .values(
        consumer=sa.bindparam("by", type_=sa.Text),
        message=_ID,
        handled_at=present(sa.null()),
    )
    .on_conflict_do_nothing()
)
_PURGE_INBOX = Prepared(sa.delete(inbox).where(inbox.c.handled_at < sa.bindparam("before", type_=UtcDateTime())))


class LeaseLost(Conflict):
    """Another worker has taken this message over."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A message in somebody's hands; `fence` proves it. `done_by`: consumers that need not see it again."""

    message: Message
    fence: int
    done_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message as an operator sees it."""

    id: str
    topic: str
    state: str
    attempts: int
    due_at: datetime
    created_at: datetime
    last_error: str | None
    payload: Mapping[str, Any]


class Outbox:
    """Posting and keeping messages."""

    def __init__(self, bell: Bell, clock: Clock) -> None:
        self._bell = bell
        self._clock = clock

    def post(
        self,
        ctx: Context,
        unit: SqlUnit,
        topic: str,
        payload: Mapping[str, Any],
        *,
        key: str | None = None,
        not_before: datetime | None = None,
        lane: str = MESSAGES,
    ) -> str:
        """Write a message that leaves when the unit commits; its id.

        With a `key` it is dropped when a message of the topic with that key is still waiting.
        """
        row = {
            "id": new_id(),
            "lane": lane,
            "topic": topic,
            "key": key,
            "payload": payload,
            "user_id": None if ctx.actor.is_system else ctx.actor.id,
            "request_id": ctx.request_id,
            "causes": [[cause.kind, cause.name, cause.record] for cause in ctx.causes],
            "state": READY,
            "due_at": not_before or bound_now(self._clock),
            "attempts": 0,
            "fence": 0,
            "lease_owner": None,
            "done_by": [],
            "last_error": None,
            "created_at": self._clock.now(),
        }
        unit.write_later(_INSERT, {f"new_{name}": value for name, value in row.items()}, expect=None)
        unit.after_commit(lambda: self._bell.ring(unit.tenant, not_before))
        return str(row["id"])

    def release_held(self, unit: SqlUnit) -> int:
        """In a restored copy: let the messages that were held leave after all; how many."""
        now = self._clock.now()
        count = unit.run(sa.update(outbox).where(outbox.c.state == HELD).values(state=READY, due_at=now))
        unit.after_commit(lambda: self._bell.ring(unit.tenant, None))
        return count

    def letters(self, unit: SqlUnit, *states: str, limit: int = 100) -> Sequence[Letter]:
        """Messages in these states, oldest first."""
        columns = [outbox.c[name] for name in Letter.__dataclass_fields__]
        query = sa.select(*columns).where(outbox.c.state.in_(states)).order_by(outbox.c.id).limit(limit)
        return [Letter(**dict(zip(Letter.__dataclass_fields__, row, strict=True))) for row in unit.rows(query)]

    def replay(self, unit: SqlUnit, message_id: str) -> None:
        """Try a dead or held letter again, from the first attempt. Raises `NotFound`."""
        now = self._clock.now()
        waiting = outbox.c.state.in_((DEAD, HELD))
        change = sa.update(outbox).where(outbox.c.id == message_id, waiting)
        if not unit.run(change.values(state=READY, attempts=0, due_at=now)):
            raise NotFound
        unit.after_commit(lambda: self._bell.ring(unit.tenant, None))

    def discard(self, unit: SqlUnit, message_id: str) -> None:
        """Throw a dead or held letter away. Raises `NotFound`."""
        if not unit.run(sa.delete(outbox).where(outbox.c.id == message_id, outbox.c.state.in_((DEAD, HELD)))):
            raise NotFound


def claim(
    unit: SqlUnit, lane: str, now: datetime, *, owner: str, lease: timedelta, most: int, tries: int
) -> Sequence[Claim]:
    """Take up to `most` messages that are due, or whose lease ended, in the order they came due."""
    parameters = {
        "wanted_lane": lane,
        "now": now,
        "most": most,
        "owner": owner,
        "until": now + lease,
        "tries": tries,
    }
    claims = [_claimed(unit.tenant, row) for row in unit.returning(_CLAIM, parameters)]
    return sorted(claims, key=lambda each: each.message.id)


def in_flight(unit: SqlUnit, lane: str, now: datetime) -> int:
    """How many messages are in workers' hands."""
    return int(unit.scalar(_IN_FLIGHT, {"wanted_lane": lane, "now": now}))


def begin(unit: SqlUnit, message_id: str, fence: int, until: datetime) -> Claim | None:
    """Start on a message claimed earlier; None when it was taken away meanwhile."""
    row = unit.one(_BEGIN, {"message_id": message_id, "held_fence": fence, "until": until})
    return None if row is None else _claimed(unit.tenant, row)


def extend(unit: SqlUnit, held: Claim, until: datetime) -> bool:
    """Keep a message for longer; False when it was taken away meanwhile."""
    return unit.run(_EXTEND, {"message_id": held.message.id, "held_fence": held.fence, "until": until}) == 1


def must_hold(unit: SqlUnit, held: Claim) -> None:
    """Have the unit fail with `LeaseLost` when the message was taken away meanwhile."""
    unit.write_later(
        _HOLD, {"message_id": held.message.id, "held_fence": held.fence}, refusal=lambda error: LeaseLost()
    )


def settle(unit: SqlUnit, held: Claim) -> bool:
    """The message was handled: it is gone. False when it was taken away meanwhile."""
    return unit.run(_SETTLE, {"message_id": held.message.id, "held_fence": held.fence}) == 1


def give_back(unit: SqlUnit, held: Claim, due_at: datetime, error: str | None, *, dead: bool) -> None:
    """The message was not handled: it comes again at `due_at`, or is a dead letter."""
    parameters = {
        "message_id": held.message.id,
        "held_fence": held.fence,
        "next_state": DEAD if dead else READY,
        "next_due": due_at,
        "error": None if error is None else error[:ERROR_LENGTH],
        "done": list(held.done_by),
    }
    unit.run(_FAIL, parameters)


def next_due(unit: SqlUnit) -> datetime | None:
    """When the next message may be claimed; None when none waits."""
    found: datetime | None = unit.scalar(_NEXT_DUE)
    return found


def pause(attempts: int) -> timedelta:
    """How long to wait after that many attempts: doubling, with jitter, an hour at most."""
    return timedelta(seconds=min(2.0**attempts, LONGEST_PAUSE) * random.uniform(0.5, 1.0))  # noqa: S311  (jitter)


def first_time(unit: SqlUnit, consumer: str, message_id: str) -> bool:
    """Whether this consumer sees the message for the first time; remembered with the unit it is asked in."""
    return unit.run(_FIRST_TIME, {"by": consumer, "message_id": message_id}) == 1


def purge_inbox(unit: SqlUnit, before: datetime) -> int:
    """Forget messages handled before that moment."""
    return unit.run(_PURGE_INBOX, {"before": before})


def _claimed(tenant: str, row: Row) -> Claim:
    message_id, topic, payload, attempts, user_id, request_id, causes, fence, done_by = row
    caller = Caller(
        tenant=tenant,
        credential=SystemCredential() if user_id is None else UserCredential(user_id=user_id),
        request_id=request_id,
        channel="system",
        causes=tuple(Cause(kind=kind, name=name, record=record) for kind, name, record in causes),
    )
    message = Message(id=message_id, tenant=tenant, topic=topic, payload=payload, attempts=attempts, caller=caller)
    return Claim(message=message, fence=fence, done_by=tuple(done_by))
