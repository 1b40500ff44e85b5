"""Approval requests as people see them.

What comes in: runs of the engine. What goes out: frozen views with names in place of ids. Who reads them: the API, the
inbox and the approval card of a record page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from fieldstone.objects.approvals.approvers import names
from fieldstone.objects.approvals.store import DecisionRow, Run
from fieldstone.platform.kernel.context import Actor, Unit
from fieldstone.platform.kernel.text import Text
from fieldstone.rules.approvals.machine import OPEN, Status
from fieldstone.rules.approvals.tiers import Quorum

StepState: TypeAlias = Literal["waiting", "open", "blocked", "passed", "stopped"]
Possible: TypeAlias = Literal["approve", "reject", "return", "delegate", "withdraw", "retry"]
_DECIDE: tuple[Possible, ...] = ("approve", "reject", "return", "delegate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user by id and name; `label` is None for an account that is gone."""

    id: str
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One step. `needed` approvals (None before it opens), `approvers` and who of them is `waiting`, while open."""

    name: str
    label: Text
    state: StepState
    quorum: Quorum
    needed: int | None = None
    approvers: Sequence[Person] = ()
    waiting: Sequence[Person] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """One decision: who, on which step, what and why, and to whom it was handed on."""

    step: str | None
    by: Person
    decision: str
    comment: str
    to: Person | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """One request. `step` is the name of the present step, None when settled; `can` what the reader may do now.

    `amount` is exact decimal text in `currency`. `content_changed` tells whether the record still says what was
    submitted; None where that was not looked at.
    """

    id: str
    object: str
    record: str
    title: str
    process: str
    label: Text
    tier: str | None
    amount: str | None
    currency: str
    state: Status
    step: str | None
    steps: Sequence[StepView]
    requester: Person
    submitted_at: datetime
    settled_at: datetime | None
    decisions: Sequence[DecisionView]
    can: Sequence[Possible]
    content_changed: bool | None = None


def views(unit: Unit, actor: Actor, runs: Sequence[Run], *, mends: bool) -> list[RequestView]:
    """Views of several requests, with one look-up of names. `mends`: the reader may retry blocked requests."""
    known = names(unit, _everybody(runs))
    return [_view(actor, run, known, mends=mends) for run in runs]


def possible(actor: Actor, run: Run, *, mends: bool) -> tuple[Possible, ...]:
    """What a person may do with a request now."""
    state = run.state
    decide = _DECIDE if actor.id in state.waiting_for and actor.id != state.requester else ()
    withdraw: tuple[Possible, ...] = ("withdraw",) if actor.id == state.requester and state.status in OPEN else ()
    retry: tuple[Possible, ...] = ("retry",) if mends and state.status == "blocked" else ()
    return (*decide, *withdraw, *retry)


def _everybody(runs: Iterable[Run]) -> set[str]:
    people = {user for run in runs for user in (run.state.requester, *run.state.approvers)}
    rows = [row for run in runs for row in run.history]
    return people | {row.user for row in rows} | {row.delegate for row in rows if row.delegate}


def _view(actor: Actor, run: Run, known: dict[str, str], *, mends: bool) -> RequestView:
    state, plan = run.state, run.plan
    is_open = state.status in OPEN
    return RequestView(
        id=run.request,
        object=run.object,
        record=run.record,
        title=run.title,
        process=plan.name,
        label=plan.label,
        tier=run.tier,
        amount=run.amount,
        currency=plan.currency,
        state=state.status,
        step=plan.steps[state.step].name if is_open else None,
        steps=[_step(run, number, known) for number in range(len(plan.steps))],
        requester=_person(known, state.requester),
        submitted_at=run.submitted_at,
        settled_at=run.settled_at,
        decisions=[_decision(run, row, known) for row in run.history],
        can=possible(actor, run, mends=mends),
    )


def _step(run: Run, number: int, known: dict[str, str]) -> StepView:
    step, state = run.plan.steps[number], run.state
    status = step_state(run, number)
    if status not in ("open", "blocked"):
        return StepView(name=step.name, label=step.label, state=status, quorum=step.quorum)
    return StepView(
        name=step.name,
        label=step.label,
        state=status,
        quorum=step.quorum,
        needed=state.needed,
        approvers=[_person(known, user) for user in state.approvers],
        waiting=[_person(known, user) for user in state.waiting_for],
    )


def step_state(run: Run, number: int) -> StepState:
    state = run.state
    if number < state.step or state.status == "approved":
        return "passed"
    if number > state.step:
        return "waiting"
    if state.status not in OPEN:
        return "stopped"
    return "open" if state.status == "pending" else "blocked"


def _decision(run: Run, row: DecisionRow, known: dict[str, str]) -> DecisionView:
    return DecisionView(
        step=run.plan.steps[row.step].name if row.step < len(run.plan.steps) else None,
        by=_person(known, row.user),
        decision=row.decision,
        comment=row.comment,
        to=_person(known, row.delegate) if row.delegate else None,
        at=row.at,
    )


def _person(known: dict[str, str], user: str) -> Person:
    return Person(id=user, label=known.get(user))
