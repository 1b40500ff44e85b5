"""Carrying out what the approval machine orders: fields of the record, notices, the system record that people see.

What comes in: a run after its state was written, and the machine's orders. What goes out: writes in the same unit of
work, all as the system with the process as their cause. Who calls it: the approval service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from fieldstone.objects.approvals.mirror import Mirror
from fieldstone.objects.approvals.notices import asked, blocked, settled
from fieldstone.objects.approvals.ports import Notices, Records, Reminders, Variables
from fieldstone.objects.approvals.store import Run
from fieldstone.objects.records.values import Record
from fieldstone.platform.kernel.context import Cause, Context, Unit
from fieldstone.platform.kernel.errors import Conflict, StaleRevision
from fieldstone.rules.approvals.machine import OPEN, AskApprovers, Order, Outcome, RaiseAlarm, Settle
from fieldstone.rules.approvals.process import Moment
from fieldstone.rules.engine.inputs import inputs_of
from fieldstone.rules.engine.values import evaluated, expressions_in
from fieldstone.rules.kinds.approval_process import outcome_of

CHECK_TIMER = "approval_check"
CHECK_EVERY = timedelta(hours=1)
"""How often the approvers of an open request are looked up again, so that nobody waits for people who left."""

_MOMENTS: Mapping[Outcome, Moment] = {
    "approved": "on_approved",
    "rejected": "on_rejected",
    "returned": "on_returned",
    "withdrawn": "on_withdrawn",
}


class Carrier:
    """Does what the machine says."""

    def __init__(
        self, records: Records, variables: Variables, notices: Notices, mirror: Mirror, timers: Reminders
    ) -> None:
        self._records = records
        self._variables = variables
        self._notices = notices
        self._mirror = mirror
        self._timers = timers

    def begun(self, ctx: Context, unit: Unit, run: Run) -> Run:
        """A request was made: show it, and look after it. The run with the ids of what shows it."""
        run = self._mirror.create(_system(ctx, run), unit, run)
        if run.state.status in OPEN:
            self.check_later(ctx, unit, run)
        return run

    def changed(self, ctx: Context, unit: Unit, before: Run, run: Run) -> None:
        """The request is another than it was: show that."""
        self._mirror.update(_system(ctx, run), unit, before, run)

    def carry_out(self, ctx: Context, unit: Unit, run: Run, orders: Sequence[Order]) -> None:
        """Do what was ordered, in order."""
        for order in orders:
            match order:
                case AskApprovers():
                    self._notices.notify(_system(ctx, run), unit, asked(run, order))
                case RaiseAlarm():
                    for notice in blocked(ctx.snapshot, run, order):
                        self._notices.notify(_system(ctx, run), unit, notice)
                case Settle():
                    self._settle(ctx, unit, run, order.outcome)

    def _settle(self, ctx: Context, unit: Unit, run: Run, outcome: Outcome) -> None:
        self._timers.cancel(unit, CHECK_TIMER, run.request)
        self.set_fields(ctx, unit, run, _MOMENTS[outcome])
        if ctx.actor.id != run.state.requester:
            self._notices.notify(_system(ctx, run), unit, settled(run, outcome))

    def set_fields(self, ctx: Context, unit: Unit, run: Run, moment: Moment, *, revision: int | None = None) -> Record:
        """Write the fields of a moment to the record, which must still be at `revision`; the record then.

        Raises `Conflict` when it was changed meanwhile.
        """
        system = _system(ctx, run)
        record = self._records.get(system, unit, run.object, run.record)
        values = self._values(system, unit, run, record, moment)
        try:
            return self._records.update(system, unit, run.object, run.record, values, revision=revision)
        except StaleRevision as stale:
            raise Conflict("This record was changed just now. Please look at it again.") from stale

    def _values(self, ctx: Context, unit: Unit, run: Run, record: Record, moment: Moment) -> Mapping[str, Any]:
        assignments = outcome_of(run.plan, moment, ctx.snapshot)
        own = ctx.snapshot.get("object", run.object).all_fields
        related = inputs_of(expressions_in(assignments), own).related
        variables = self._variables.of(ctx, unit, record, related)
        return evaluated(run.plan, assignments, variables, self._variables.context(ctx))

    def check_later(self, ctx: Context, unit: Unit, run: Run) -> None:
        """Look up the approvers of an open request again in an hour."""
        self._timers.set(ctx, unit, CHECK_TIMER, run.request, ctx.now + CHECK_EVERY, {"request": run.request})


def _system(ctx: Context, run: Run) -> Context:
    return ctx.as_system().because(Cause(kind="approval_process", name=run.plan.name, record=run.record))
