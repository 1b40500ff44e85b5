"""Lists of approval requests: what waits for me, what I asked for, what became of it.

What comes in: the actor and a `RequestQuery`. What goes out: requests, newest first, and a cursor. Who calls it: the
approval service for the API, the inbox page and the count beside its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa

from fieldstone.objects.approvals import store
from fieldstone.objects.approvals.store import Run
from fieldstone.objects.approvals.tables import APPROVER, DECISION, RUN
from fieldstone.platform.kernel.context import Unit
from fieldstone.rules.approvals.machine import OPEN, Status

StateFilter: TypeAlias = Status | Literal["open"]
STATES: tuple[StateFilter, ...] = ("open", "pending", "blocked", "approved", "rejected", "returned", "withdrawn")
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestQuery:
    """Which requests. `state`: one of `STATES`, "open" is pending or blocked; None: all.

    `mine`: those on which the actor decides or has decided; of open ones only those that wait for the actor now.
    `requested`: those that the actor made. `object`, `record`: those of one record. `after`: the cursor.
    """

    state: StateFilter | None = None
    mine: bool = False
    requested: bool = False
    object: str | None = None
    record: str | None = None
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """One page; `next_cursor` is None on the last."""

    runs: Sequence[Run]
    next_cursor: str | None


def page(unit: Unit, user: str, query: RequestQuery, *, sees_all: bool) -> RunPage:
    """The requests of a query that concern `user`, or all of them for those who may see all."""
    limit = min(query.limit, MAX_LIMIT)
    statement = sa.select(RUN.c.request).where(*_conditions(user, query, sees_all=sees_all))
    rows = unit.rows(statement.order_by(RUN.c.request.desc()).limit(limit + 1))
    found = [row[0] for row in rows]
    runs = store.read_many(unit, found[:limit])
    return RunPage(runs=runs, next_cursor=found[limit - 1] if len(found) > limit else None)


def waiting_count(unit: Unit, user: str) -> int:
    """How many requests wait for a decision of this user."""
    return int(unit.scalar(sa.select(sa.func.count()).select_from(RUN).where(_waits_for(user))))


def concerns(unit: Unit, user: str, request: str) -> bool:
    """Whether a user made a request, decides or has decided on it."""
    return unit.one(sa.select(RUN.c.request).where(RUN.c.request == request, _concerns(user))) is not None


def _conditions(user: str, query: RequestQuery, *, sees_all: bool) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if query.state == "open":
        conditions.append(RUN.c.status.in_(sorted(OPEN)))
    elif query.state is not None:
        conditions.append(RUN.c.status == query.state)
    if query.mine:
        conditions.append(sa.or_(_waits_for(user), sa.and_(RUN.c.status.not_in(sorted(OPEN)), _decides(user))))
    if query.requested:
        conditions.append(RUN.c.requester == user)
    if query.object is not None:
        conditions.append(RUN.c.object == query.object)
    if query.record is not None:
        conditions.append(RUN.c.record == query.record)
    if query.after is not None:
        conditions.append(RUN.c.request < query.after)
    if not sees_all and not query.mine and not query.requested:
        conditions.append(_concerns(user))
    return conditions


def _concerns(user: str) -> sa.ColumnElement[bool]:
    return sa.or_(RUN.c.requester == user, _decides(user))


def _decides(user: str) -> sa.ColumnElement[bool]:
    asked = sa.exists().where(APPROVER.c.request == RUN.c.request, APPROVER.c.user_id == user)
    return sa.or_(asked, _decided(user))


def _decided(user: str, *more: Any) -> sa.ColumnElement[bool]:
    return sa.exists().where(DECISION.c.request == RUN.c.request, DECISION.c.user_id == user, *more)


def _waits_for(user: str) -> sa.ColumnElement[bool]:
    asked = sa.exists().where(
        APPROVER.c.request == RUN.c.request, APPROVER.c.step == RUN.c.step, APPROVER.c.user_id == user
    )
    return sa.and_(RUN.c.status == "pending", asked, sa.not_(_decided(user, DECISION.c.step == RUN.c.step)))


def was_asked_before(unit: Unit, user: str, request: str, step: int) -> bool:
    """Whether a user was an approver of an earlier step of the request."""
    asked = sa.select(APPROVER.c.step).where(
        APPROVER.c.request == request, APPROVER.c.user_id == user, APPROVER.c.step < step
    )
    return unit.one(asked.limit(1)) is not None
