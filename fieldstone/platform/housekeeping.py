"""Removes what a tenant home need not keep: used-up keys, sessions that ended, tokens nobody redeemed, old counters.

What comes in: a timer that each tenant has from its creation on (`start`) and that sets itself again. What goes out:
rows removed. Registered by the platform's part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.http.idempotency import Idempotency
from fieldstone.platform.identity.tables import ONE_TIME_TOKEN, SESSION
from fieldstone.platform.identity.throttle import SignInThrottle
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.units import Caller, SystemCredential, Units
from fieldstone.platform.work.messages import TimerEvent, TimerKind
from fieldstone.platform.work.timers import Timers

TIMER = "housekeeping"
EVERY = timedelta(hours=1)
SESSIONS_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """The timer that tidies up."""

    timers: Timers
    idempotency: Idempotency
    throttle: SignInThrottle

    def kind(self) -> TimerKind:
        """The timer kind to register."""
        return TimerKind(name=TIMER, fire=self.fire)

    def start(self, ctx: Context, unit: SqlUnit) -> None:
        """Have this tenant's home tidied from now on; again is harmless."""
        self.timers.set(ctx, unit, TIMER, TIMER, ctx.now + EVERY, {})

    def fire(self, event: TimerEvent, units: Units) -> None:
        """Tidy up, then set the timer again."""
        caller = Caller(tenant=event.tenant, credential=SystemCredential(), channel="system")

        def work(ctx: Context, unit: SqlUnit) -> None:
            if self.timers.take(unit, event):
                self.tidy(ctx, unit)
                self.start(ctx, unit)

        units.write(caller, work)

    def tidy(self, ctx: Context, unit: SqlUnit) -> None:
        """Remove what has had its time."""
        self.idempotency.forget_old(unit, ctx.now)
        self.throttle.forget_old(unit, ctx.now)
        unit.run(sa.delete(SESSION).where(SESSION.c.expires_at < ctx.now - SESSIONS_KEPT))
        unit.run(sa.delete(ONE_TIME_TOKEN).where(ONE_TIME_TOKEN.c.expires_at < ctx.now))
