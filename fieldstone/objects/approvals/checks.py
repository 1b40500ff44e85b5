"""The hourly look at open requests: are those who shall decide still there?

What comes in: the timer that each open request has. What goes out: approvers looked up again; a request whose step
nobody can decide any more becomes blocked, and people are told. Who calls it: the relay.
"""

from __future__ import annotations

from dataclasses import replace

from fieldstone.objects.approvals.effects import CHECK_TIMER
from fieldstone.objects.approvals.service import ApprovalService
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.units import SystemCredential, Units
from fieldstone.platform.work.messages import TimerEvent, TimerKind
from fieldstone.platform.work.timers import Timers


def check_timer(service: ApprovalService, timers: Timers) -> TimerKind:
    """What is registered for the timer."""

    def fire(event: TimerEvent, units: Units) -> None:
        def work(ctx: Context, unit: SqlUnit) -> None:
            if timers.take(unit, event):
                service.check(ctx, unit, event.payload["request"])

        units.write(replace(event.caller, credential=SystemCredential()), work)

    return TimerKind(name=CHECK_TIMER, fire=fire)
