"""Approvals: submit, decide, withdraw, look.

What comes in: context, unit, ids. What goes out: `RequestView`s, or a refusal that says what became of the request. Who
calls it: the approvals API, the inbox and record pages, and (through `SubmissionPort`) the record service.

The state machine in `rules.approvals` decides; this shell locks the request's row, asks who may decide now, writes the
state by compare-and-set together with the decision (one a person and step, by a unique constraint), and carries out
the machine's orders in the same unit of work. So of several people who decide at once exactly one is heard; the
others get `Conflict` with the outcome.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, cast

from fieldstone.objects.approvals import inbox, store
from fieldstone.objects.approvals.approvers import Approvers, active, names
from fieldstone.objects.approvals.content import content_hash
from fieldstone.objects.approvals.effects import Carrier
from fieldstone.objects.approvals.inbox import RequestQuery
from fieldstone.objects.approvals.ports import Records, SystemRights, Variables
from fieldstone.objects.approvals.store import DecisionRow, Run
from fieldstone.objects.approvals.views import RequestView, views
from fieldstone.objects.records.values import Record
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from fieldstone.platform.kernel.ids import is_id, new_id
from fieldstone.rules.approvals.machine import (
    OPEN,
    Advance,
    Approve,
    Delegate,
    Event,
    Opened,
    OpenStep,
    Order,
    Reject,
    RequestState,
    Return,
    Withdraw,
    advance,
    begin,
)
from fieldstone.rules.approvals.pinned import PinnedProcess
from fieldstone.rules.approvals.process import ApprovalProcess
from fieldstone.rules.engine.rule_set import rule_set

DecisionKind: TypeAlias = Literal["approve", "reject", "return", "delegate", "withdraw"]
MAX_COMMENT = 4_000
MENDS = "manage_metadata"
"""The right of those who see all requests and are told of blocked ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDecision:
    """What somebody decides. `to` is the user a decision is handed to; `step` the step that the person looked at: the
    decision is refused when the request has moved on."""

    decision: DecisionKind
    comment: str = ""
    to: str | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPage:
    """One page of requests; `next_cursor` is None on the last."""

    requests: Sequence[RequestView]
    next_cursor: str | None


class ApprovalService:
    """The service behind `/approvals`, the inbox and the approval card."""

    def __init__(
        self, records: Records, variables: Variables, approvers: Approvers, carrier: Carrier, rights: SystemRights
    ) -> None:
        self._records = records
        self._variables = variables
        self._approvers = approvers
        self._carrier = carrier
        self._rights = rights

    # -- submitting ---------------------------------------------------------------------------------------------
    def submit(self, ctx: Context, unit: Unit, object_name: str, record_id: str, process_name: str) -> RequestView:
        """Submit a stored record as the actor. The caller has made sure that the actor may.

        Raises `NotFound` for no such process or record, `Conflict` when the record is already under a request, does
        not fulfil the entry condition or is in another currency, `Invalid` without an amount.
        """
        process = _process(ctx, object_name, process_name)
        record = self._records.get(ctx.as_system(), unit, object_name, record_id)
        if store.lock_of(unit, object_name, record_id) is not None:
            raise Conflict("This record is already waiting for approval.", code="approval_pending")
        run = self._new_run(ctx, unit, process, record)
        written = self._carrier.set_fields(ctx, unit, run, "on_submit", revision=record.revision)
        without = run.plan.own_fields | run.plan.open_fields
        run = replace(run, content_hash=content_hash(ctx.snapshot, written, without))
        return self._begin(ctx, unit, run)

    def _new_run(self, ctx: Context, unit: Unit, process: ApprovalProcess, record: Record) -> Run:
        variables = self._variables.of(ctx.as_system(), unit, record, process.inputs.related)
        context = self._variables.context(ctx)
        if not process.may_enter(variables, context):
            raise Conflict(
                "This record cannot be submitted to {process} as it is now.",
                code="approval_condition",
                process=process.name,
            )
        amount = process.amount_of(variables, context)
        tier = process.tier_for(amount)
        definition = ctx.snapshot.definition("approval_process", process.name)
        plan = PinnedProcess.pin(process, definition.body if definition else {}, tier, ctx.snapshot.version)
        return Run(
            request="",
            revision=1,
            object=record.object,
            record=record.id,
            title=self._title(ctx, unit, record),
            tier=None if tier is None else tier.name,
            amount=None if amount is None else format(amount, "f"),
            plan=plan,
            state=RequestState(status="pending", requester=_requester(ctx, record), quorums=()),
            content_hash="",
            submitted_at=ctx.now,
            settled_at=None,
        )

    def _title(self, ctx: Context, unit: Unit, record: Record) -> str:
        named = self._records.get(ctx.as_system(), unit, record.object, record.id, ("title",))
        return str(named.values.get("title") or "")

    def _begin(self, ctx: Context, unit: Unit, run: Run) -> RequestView:
        started = begin(run.state.requester, [step.quorum for step in run.plan.steps])
        state, orders = self._follow(ctx, unit, run, started)
        run = replace(run, state=state, settled_at=None if state.status in OPEN else ctx.now)
        run = self._carrier.begun(ctx, unit, run)
        store.add(unit, run)
        self._carrier.carry_out(ctx, unit, run, orders)
        return self._seen(ctx, unit, [run])[0]

    # -- deciding -----------------------------------------------------------------------------------------------
    def decide(self, ctx: Context, unit: Unit, request: str, decision: NewDecision) -> RequestView:
        """Decide on the present step as the actor, or withdraw one's own request.

        Raises `NotFound` for a request that the actor may not see, `Conflict` with the outcome when it is settled or
        the step is, `Forbidden` for whoever may not decide, `Invalid` for an impossible delegate.
        """
        run = self._visible(ctx, unit, store.read_locked(unit, _checked_id(request)))
        _refuse_long(decision.comment)
        _refuse_settled(unit, run, decision.step)
        if decision.decision != "withdraw":
            run = self._looked_up_again(ctx, unit, run)
        done = self._advanced(unit, ctx, run, _event(unit, ctx, decision))
        row = DecisionRow(
            id=new_id(),
            step=run.state.step,
            user=ctx.actor.id,
            decision=decision.decision,
            comment=decision.comment,
            delegate=decision.to if decision.decision == "delegate" else None,
            at=ctx.now,
        )
        run = store.add_decision(unit, run, row)
        return self._seen(ctx, unit, [self._proceed(ctx, unit, run, done)])[0]

    def withdraw(self, ctx: Context, unit: Unit, request: str, comment: str = "") -> RequestView:
        """Take back one's own request. Raises as `decide`."""
        return self.decide(ctx, unit, request, NewDecision(decision="withdraw", comment=comment))

    def retry(self, ctx: Context, unit: Unit, request: str) -> RequestView:
        """Look up the approvers of an open request again, after the organisation has changed.

        Raises `NotFound`, `Conflict` for a settled request.
        """
        run = self._visible(ctx, unit, store.read_locked(unit, _checked_id(request)))
        _refuse_settled(unit, run, None)
        return self._seen(ctx, unit, [self._looked_up_again(ctx, unit, run)])[0]

    def check(self, ctx: Context, unit: Unit, request: str) -> None:
        """For the hourly timer: look up the approvers of a request that still waits, and set the timer again."""
        run = store.read_locked(unit, request)
        if run.state.status in OPEN:
            self._looked_up_again(ctx, unit, run)
            self._carrier.check_later(ctx, unit, run)

    def _advanced(self, unit: Unit, ctx: Context, run: Run, event: Event) -> Advance:
        try:
            return advance(run.state, event)
        except Forbidden:
            if inbox.was_asked_before(unit, ctx.actor.id, run.request, run.state.step):
                raise _moved_on(unit, run) from None
            raise

    def _looked_up_again(self, ctx: Context, unit: Unit, run: Run) -> Run:
        """The request with those who may decide on its step now."""
        done = advance(run.state, Opened(approvers=self._find(ctx, unit, run, run.state.step)))
        return run if done.state == run.state else self._proceed(ctx, unit, run, done)

    def _proceed(self, ctx: Context, unit: Unit, run: Run, done: Advance) -> Run:
        state, orders = self._follow(ctx, unit, run, done)
        after = store.save(unit, run, state, ctx.now)
        self._carrier.changed(ctx, unit, run, after)
        self._carrier.carry_out(ctx, unit, after, orders)
        return after

    def _follow(self, ctx: Context, unit: Unit, run: Run, done: Advance) -> tuple[RequestState, tuple[Order, ...]]:
        """Open steps as long as the machine asks for it; the state then, and the other orders."""
        state, orders, others = done.state, deque(done.orders), list[Order]()
        while orders:
            order = orders.popleft()
            if isinstance(order, OpenStep):
                done = advance(state, Opened(approvers=self._find(ctx, unit, run, order.step)))
                state = done.state
                orders.extend(done.orders)
            else:
                others.append(order)
        return state, tuple(others)

    def _find(self, ctx: Context, unit: Unit, run: Run, step: int) -> tuple[str, ...]:
        rule = run.plan.steps[step].approvers
        system = ctx.as_system()
        variables = {}
        if rule.field is not None:
            record = self._records.get(system, unit, run.object, run.record)
            variables = dict(self._variables.of(system, unit, record, [tuple(rule.field.split("."))]))
        return self._approvers.find(unit, rule, run.state.requester, variables)

    # -- looking ------------------------------------------------------------------------------------------------
    def inbox(self, ctx: Context, unit: Unit, query: RequestQuery) -> RequestPage:
        """Requests that concern the actor (all of them for those who mend blocked ones), newest first."""
        if query.record is not None and query.object is not None:
            self._records.get(ctx, unit, query.object, query.record)
        page = inbox.page(unit, ctx.actor.id, query, sees_all=self._sees_all(ctx, query))
        return RequestPage(requests=self._seen(ctx, unit, page.runs), next_cursor=page.next_cursor)

    def waiting_count(self, ctx: Context, unit: Unit) -> int:
        """How many requests wait for the actor."""
        return inbox.waiting_count(unit, ctx.actor.id)

    def get(self, ctx: Context, unit: Unit, request: str) -> RequestView:
        """One request, with whether its record still says what was submitted. Raises `NotFound`."""
        run = self._visible(ctx, unit, store.read(unit, _checked_id(request)))
        return self._compared(ctx, unit, run)

    def for_record(self, ctx: Context, unit: Unit, object_name: str, record_id: str) -> list[RequestView]:
        """The requests of a record that the actor may see, newest first. Raises `NotFound`."""
        self._records.get(ctx, unit, object_name, record_id)
        runs = store.read_many(unit, store.of_record(unit, object_name, record_id))
        return [self._compared(ctx, unit, run) for run in runs]

    def submittable(self, ctx: Context, unit: Unit, object_name: str, record_id: str) -> list[ApprovalProcess]:
        """The manual processes that a record could be submitted to now."""
        if store.lock_of(unit, object_name, record_id) is not None:
            return []
        system = ctx.as_system()
        record = self._records.get(system, unit, object_name, record_id)
        found: list[ApprovalProcess] = []
        for process in cast("Sequence[ApprovalProcess]", rule_set(ctx.snapshot, object_name).processes):
            if process.submit == "manual":
                variables = self._variables.of(system, unit, record, process.inputs.related)
                if process.may_enter(variables, self._variables.context(ctx)):
                    found.append(process)
        return found

    def _compared(self, ctx: Context, unit: Unit, run: Run) -> RequestView:
        view = self._seen(ctx, unit, [run])[0]
        try:
            record = self._records.get(ctx.as_system(), unit, run.object, run.record)
        except NotFound:
            return replace(view, content_changed=True)
        present = content_hash(ctx.snapshot, record, run.plan.own_fields | run.plan.open_fields)
        return replace(view, content_changed=present != run.content_hash)

    def _seen(self, ctx: Context, unit: Unit, runs: Sequence[Run]) -> list[RequestView]:
        return views(unit, ctx.actor, runs, mends=self._mends(ctx))

    def _mends(self, ctx: Context) -> bool:
        return MENDS in self._rights.of(ctx)

    def _sees_all(self, ctx: Context, query: RequestQuery) -> bool:
        return self._mends(ctx) or (query.record is not None and query.object is not None)

    def _visible(self, ctx: Context, unit: Unit, run: Run) -> Run:
        """The request, for whom it concerns, who mends, or who may see its record. Raises `NotFound`."""
        if self._mends(ctx) or inbox.concerns(unit, ctx.actor.id, run.request):
            return run
        try:
            self._records.get(ctx, unit, run.object, run.record)
        except (NotFound, Forbidden) as hidden:
            raise store.no_such_request() from hidden
        return run


def _process(ctx: Context, object_name: str, process_name: str) -> ApprovalProcess:
    process: ApprovalProcess | None = ctx.snapshot.find("approval_process", process_name)
    if process is None or process.object != object_name or not process.active:
        raise NotFound("There is no approval process {name} for {object}.", name=process_name, object=object_name)
    return process


def _requester(ctx: Context, record: Record) -> str:
    """Who asks: the actor; for what the system submits by itself, whoever answers for the record."""
    if not ctx.actor.is_system:
        return ctx.actor.id
    return str(record.values.get("owner") or record.values.get("created_by") or ctx.actor.id)


def _event(unit: Unit, ctx: Context, decision: NewDecision) -> Event:
    by = ctx.actor.id
    match decision.decision:
        case "approve":
            return Approve(by=by)
        case "reject":
            return Reject(by=by)
        case "return":
            return Return(by=by)
        case "withdraw":
            return Withdraw(by=by)
        case "delegate":
            if decision.to is None or not is_id(decision.to) or not active(unit, [decision.to]):
                raise Invalid("Please name the person who shall decide instead.", code="approval_delegate")
            return Delegate(by=by, to=decision.to)


def _refuse_settled(unit: Unit, run: Run, step: str | None) -> None:
    """Raise `Conflict` with the outcome when the request is settled, or is no longer at the step looked at."""
    if run.state.status not in OPEN or (step is not None and run.plan.steps[run.state.step].name != step):
        raise _moved_on(unit, run)


def _moved_on(unit: Unit, run: Run) -> Conflict:
    """The outcome, for whoever came too late."""
    last = run.history[-1] if run.history else None
    outcome = {
        "state": run.state.status,
        "step": run.plan.steps[run.state.step].name if run.state.status in OPEN else None,
        "decision": last.decision if last else None,
        "by": {"id": last.user, "label": names(unit, [last.user]).get(last.user)} if last else None,
    }
    return Conflict(
        "Someone else has already decided: this request is now {state}.",
        code="approval_decided",
        state=run.state.status,
        outcome=outcome,
    )


def _refuse_long(comment: str) -> None:
    if len(comment) > MAX_COMMENT:
        raise Invalid("A comment may have at most {max} characters.", code="too_long", max=MAX_COMMENT)


def _checked_id(request: str) -> str:
    if not is_id(request):
        raise store.no_such_request()
    return request
