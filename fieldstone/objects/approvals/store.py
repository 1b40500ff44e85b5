"""The approval engine's rows: read, locked, compared and set.

What comes in: the open unit. What goes out: `Run` (a request with its state for the state machine) and lists of them.
Who calls it: the services of this package; nobody else touches these tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from fieldstone.objects.approvals.tables import APPROVER, DECISION, LOCK, RUN
from fieldstone.platform.database.errors import IntegrityError
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Id
from fieldstone.platform.kernel.context import Unit
from fieldstone.platform.kernel.errors import Conflict, NotFound
from fieldstone.rules.approvals.machine import OPEN, DecisionName, RequestState, Status, Vote
from fieldstone.rules.approvals.pinned import PinnedProcess


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """One decision, as history shows it. `decision` may also be "withdraw"."""

    id: str
    step: int
    user: str
    decision: str
    comment: str
    delegate: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A request: what it is about, the process as it was then, the state of the machine, all decisions in order."""

    request: str
    revision: int
    object: str
    record: str
    title: str
    tier: str | None
    amount: str | None
    plan: PinnedProcess
    state: RequestState
    content_hash: str
    submitted_at: datetime
    settled_at: datetime | None
    step_records: tuple[str, ...] = ()
    history: tuple[DecisionRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRow:
    """A locked record: the request that locks it, and the fields that stay open."""

    request: str
    open_fields: frozenset[str]


_RUN_COLUMNS = tuple(RUN.c)
_REQUESTS = sa.bindparam("requests", type_=Id(), expanding=True)
_READ = Prepared(sa.select(*_RUN_COLUMNS).where(RUN.c.request.in_(_REQUESTS)))
_READ_LOCKED = Prepared(sa.select(*_RUN_COLUMNS).where(RUN.c.request == sa.bindparam("request")).with_for_update())
_INSERT_RUN = Prepared(sa.insert(RUN), columns=[column.name for column in RUN.c])
_COMPARE_AND_SET = Prepared(
    sa.update(RUN)
    .where(
        RUN.c.request == sa.bindparam("request"),
        RUN.c.revision == sa.bindparam("seen_revision"),
        RUN.c.status == sa.bindparam("seen_status"),
        RUN.c.step == sa.bindparam("seen_step"),
    )
    .values(
        revision=RUN.c.revision + 1,
        status=sa.bindparam("status"),
        step=sa.bindparam("step"),
        settled_at=sa.bindparam("settled_at"),
    )
)
_APPROVERS = Prepared(
    sa.select(APPROVER.c.request, APPROVER.c.step, APPROVER.c.user_id)
    .where(APPROVER.c.request.in_(_REQUESTS))
    .order_by(APPROVER.c.request, APPROVER.c.position)
)
_DROP_APPROVERS = Prepared(
    sa.delete(APPROVER).where(APPROVER.c.request == sa.bindparam("request"), APPROVER.c.step == sa.bindparam("step"))
)
_INSERT_APPROVER = Prepared(sa.insert(APPROVER), columns=[column.name for column in APPROVER.c])
_DECISIONS = Prepared(sa.select(*DECISION.c).where(DECISION.c.request.in_(_REQUESTS)).order_by(DECISION.c.id))
_INSERT_DECISION = Prepared(sa.insert(DECISION), columns=[column.name for column in DECISION.c])
_LOCK_OF = Prepared(
    sa.select(LOCK.c.request, LOCK.c.open_fields).where(
        LOCK.c.object == sa.bindparam("object"), LOCK.c.record == sa.bindparam("record")
    )
)
_INSERT_LOCK = Prepared(sa.insert(LOCK), columns=[column.name for column in LOCK.c])
_DROP_LOCK = Prepared(sa.delete(LOCK).where(LOCK.c.request == sa.bindparam("request")))
_OF_RECORD = Prepared(
    sa.select(RUN.c.request)
    .where(RUN.c.object == sa.bindparam("object"), RUN.c.record == sa.bindparam("record"))
    .order_by(RUN.c.request.desc())
    .limit(50)
)
_OPEN_REQUESTS = Prepared(
    sa.select(RUN.c.request).where(RUN.c.status.in_(sorted(OPEN)), RUN.c.request > sa.bindparam("after"))
    .order_by(RUN.c.request).limit(sa.bindparam("limit", type_=sa.Integer))
)  # fmt: skip


def read(unit: Unit, request: str) -> Run:
    """A request. Raises `NotFound`."""
    return _one(read_many(unit, [request]))


def read_locked(unit: Unit, request: str) -> Run:
    """A request, locked until the unit ends: other deciders wait and then see what became of it. Raises `NotFound`."""
    return _one(_runs(unit, unit.rows(_READ_LOCKED, {"request": request})))


def read_many(unit: Unit, requests: Sequence[str]) -> list[Run]:
    """Those of the requests that exist, in the order given: three queries."""
    if not requests:
        return []
    found = {run.request: run for run in _runs(unit, unit.rows(_READ, {"requests": list(requests)}))}
    return [found[request] for request in requests if request in found]


def add(unit: Unit, run: Run) -> None:
    """Keep a new request and lock its record. Raises `Conflict` when the record is under another request."""
    unit.run(_INSERT_RUN, _row(run))
    _write_approvers(unit, run.request, run.state)
    if run.state.status not in OPEN:
        return
    lock = {"object": run.object, "record": run.record, "request": run.request}
    try:
        unit.run(_INSERT_LOCK, {**lock, "open_fields": sorted(run.plan.open_fields)})
    except IntegrityError as error:
        raise Conflict("This record is already waiting for approval.", code="approval_pending") from error


def save(unit: Unit, before: Run, state: RequestState, at: datetime) -> Run:
    """Write the next state over the one that was read. Raises `Conflict` when it is no longer the stored one."""
    settled_at = None if state.status in OPEN else at
    changed = unit.run(
        _COMPARE_AND_SET,
        {
            "request": before.request,
            "seen_revision": before.revision,
            "seen_status": before.state.status,
            "seen_step": before.state.step,
            "status": state.status,
            "step": state.step,
            "settled_at": settled_at,
        },
    )
    if changed != 1:
        raise Conflict("Someone else has just decided on this request.", code="approval_decided")
    if state.approvers != before.state.approvers or state.step != before.state.step:
        _write_approvers(unit, before.request, state)
    if state.status not in OPEN:
        unit.run(_DROP_LOCK, {"request": before.request})
    return replace(before, revision=before.revision + 1, state=state, settled_at=settled_at)


def add_decision(unit: Unit, run: Run, decision: DecisionRow) -> Run:
    """Record a decision. Raises `Conflict` when the person already decided on that step."""
    row = {
        "id": decision.id,
        "request": run.request,
        "step": decision.step,
        "user_id": decision.user,
        "decision": decision.decision,
        "comment": decision.comment,
        "delegate": decision.delegate,
        "at": decision.at,
    }
    try:
        unit.run(_INSERT_DECISION, row)
    except IntegrityError as error:
        raise Conflict("You have already decided on this step.", code="approval_decided") from error
    return replace(run, history=(*run.history, decision))


def lock_of(unit: Unit, object_name: str, record: str) -> LockRow | None:
    """What locks a record, or None."""
    found = unit.one(_LOCK_OF, {"object": object_name, "record": record})
    return None if found is None else LockRow(request=found[0], open_fields=frozenset(found[1]))


def of_record(unit: Unit, object_name: str, record: str) -> list[str]:
    """The ids of a record's requests, newest first."""
    return [row[0] for row in unit.rows(_OF_RECORD, {"object": object_name, "record": record})]


def open_requests(unit: Unit, after: str, limit: int) -> list[str]:
    """Ids of requests that wait, oldest first, from `after` on (a nil id: from the first)."""
    return [row[0] for row in unit.rows(_OPEN_REQUESTS, {"after": after, "limit": limit})]


def _write_approvers(unit: Unit, request: str, state: RequestState) -> None:
    key = {"request": request, "step": state.step}
    unit.run(_DROP_APPROVERS, key)
    unit.run_many(
        _INSERT_APPROVER,
        [{**key, "user_id": user, "position": position} for position, user in enumerate(state.approvers)],
    )


def _one(runs: Sequence[Run]) -> Run:
    if not runs:
        raise no_such_request()
    return runs[0]


def no_such_request() -> NotFound:
    """The same words for a request that is not there and for one that may not be seen."""
    return NotFound("There is no such approval request, or you may not see it.")


def _runs(unit: Unit, rows: Sequence[Sequence[Any]]) -> list[Run]:
    found = [dict(zip((column.name for column in _RUN_COLUMNS), row, strict=True)) for row in rows]
    if not found:
        return []
    requests = {"requests": [values["request"] for values in found]}
    approvers: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for request, step, user in unit.rows(_APPROVERS, requests):
        approvers[request, step].append(user)
    history: defaultdict[str, list[DecisionRow]] = defaultdict(list)
    for request, row in (_decision(row) for row in unit.rows(_DECISIONS, requests)):
        history[request].append(row)
    return [_run(each, approvers[each["request"], each["step"]], history[each["request"]]) for each in found]


def _run(values: Mapping[str, Any], approvers: Sequence[str], history: Sequence[DecisionRow]) -> Run:
    plan = PinnedProcess.of(values["plan"])
    votes = (row for row in history if row.step == values["step"] and row.decision != "withdraw")
    state = RequestState(
        status=cast(Status, values["status"]),
        requester=values["requester"],
        quorums=tuple(each.quorum for each in plan.steps),
        step=values["step"],
        approvers=tuple(approvers),
        votes=tuple(_vote(row) for row in votes),
    )
    return Run(
        request=values["request"],
        revision=values["revision"],
        object=values["object"],
        record=values["record"],
        title=values["title"],
        tier=values["tier"],
        amount=values["amount"],
        plan=plan,
        state=state,
        content_hash=values["content_hash"],
        submitted_at=values["submitted_at"],
        settled_at=values["settled_at"],
        step_records=tuple(values["step_records"]),
        history=tuple(history),
    )


def _row(run: Run) -> dict[str, Any]:
    return {
        "request": run.request,
        "revision": run.revision,
        "object": run.object,
        "record": run.record,
        "title": run.title,
        "process": run.plan.name,
        "tier": run.tier,
        "amount": run.amount,
        "requester": run.state.requester,
        "status": run.state.status,
        "step": run.state.step,
        "plan": run.plan.stored(),
        "step_records": list(run.step_records),
        "content_hash": run.content_hash,
        "submitted_at": run.submitted_at,
        "settled_at": run.settled_at,
    }


def _vote(row: DecisionRow) -> Vote:
    return Vote(user=row.user, decision=cast(DecisionName, row.decision), to=row.delegate)


def _decision(row: Iterable[Any]) -> tuple[str, DecisionRow]:
    identifier, request, step, user, decision, comment, delegate, at = row
    return request, DecisionRow(
        id=identifier, step=step, user=user, decision=decision, comment=comment, delegate=delegate, at=at
    )
