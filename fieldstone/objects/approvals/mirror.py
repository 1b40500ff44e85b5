"""The system records `approval_request` and `approval_step`: what lists, pages and reports see of a request.

What comes in: a run. What goes out: records written through the record service, as the system; nothing is decided by
them. Who calls it: the carrier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fieldstone.objects.approvals.ports import Records
from fieldstone.objects.approvals.store import Run
from fieldstone.objects.approvals.views import StepState, step_state
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.rules.approvals.machine import OPEN
from fieldstone.rules.expressions.values import Money

REQUEST = "approval_request"
STEP = "approval_step"
MAX_TITLE = 400
_SHOWN = Decimal("0.0001")
"""The engine compares exact amounts; people are shown four decimal places."""


class Mirror:
    """Keeps the system records in step with the engine."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def create(self, ctx: Context, unit: Unit, run: Run) -> Run:
        """Make the records of a new request; the run with their ids."""
        body = {
            "record": {"object": run.object, "id": run.record},
            "subject": run.title[:MAX_TITLE],
            "process": run.plan.name,
            "requester": run.state.requester,
            "submitted_at": run.submitted_at,
            "amount": _amount(run),
            "tier": run.tier,
            "content_hash": run.content_hash,
            "metadata_version": run.plan.version,
            **_request(run),
        }
        request = self._records.create(ctx, unit, REQUEST, body)
        run = replace(run, request=request.id)
        steps = (self._create_step(ctx, unit, run, number) for number in range(len(run.plan.steps)))
        return replace(run, step_records=tuple(steps))

    def update(self, ctx: Context, unit: Unit, before: Run, run: Run) -> None:
        """Write what changed since `before`."""
        if _request(run) != _request(before):
            self._records.update(ctx, unit, REQUEST, run.request, _request(run))
        for number, record in enumerate(run.step_records):
            was, now = _step(before, number), _step(run, number)
            if was != now:
                times = _times(ctx, now["status"]) if was["status"] != now["status"] else {}
                self._records.update(ctx, unit, STEP, record, {**now, **times})

    def _create_step(self, ctx: Context, unit: Unit, run: Run, number: int) -> str:
        step = run.plan.steps[number]
        body = {
            "request": run.request,
            "position": number,
            "step": step.name,
            "quorum": str(step.quorum),
            **_step(run, number),
            **_times(ctx, step_state(run, number)),
        }
        return self._records.create(ctx, unit, STEP, body).id


def _request(run: Run) -> Mapping[str, Any]:
    state = run.state
    return {
        "status": state.status,
        "step": run.plan.steps[state.step].name if state.status in OPEN else None,
        "settled_at": run.settled_at,
    }


def _step(run: Run, number: int) -> Mapping[str, Any]:
    values: dict[str, Any] = {"status": step_state(run, number)}
    if number == run.state.step:
        values["approvers"] = list(run.state.approvers)
    return values


def _times(ctx: Context, status: StepState) -> Mapping[str, Any]:
    """When a step came to its state."""
    if status in ("open", "blocked"):
        return {"opened_at": ctx.now}
    return {"decided_at": ctx.now} if status in ("passed", "stopped") else {}


def _amount(run: Run) -> Money | None:
    if run.amount is None:
        return None
    return Money(Decimal(run.amount).quantize(_SHOWN, ROUND_HALF_UP), run.plan.currency)
