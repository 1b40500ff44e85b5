"""Sealing the audit, some minutes after its entries were written.

What comes in: a timer that each tenant has from its creation on (`start`) and that sets itself again. What goes out:
seals. A batch is one unit, so that sealing never holds up who changes things. Registered by the platform's part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fieldstone.platform.audit import SEAL_BATCH, Audit
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.units import Caller, SystemCredential, Units
from fieldstone.platform.work.messages import TimerEvent, TimerKind
from fieldstone.platform.work.timers import Timers

TIMER = "seal_audit"
EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class AuditSealing:
    """The timer that seals."""

    audit: Audit
    timers: Timers

    def kind(self) -> TimerKind:
        """The timer kind to register."""
        return TimerKind(name=TIMER, fire=self.fire)

    def start(self, ctx: Context, unit: SqlUnit) -> None:
        """Have this tenant's audit sealed from now on; again is harmless."""
        self.timers.set(ctx, unit, TIMER, TIMER, ctx.now + EVERY, {})

    def fire(self, event: TimerEvent, units: Units) -> None:
        """Seal what waits, then set the timer again."""
        caller = Caller(tenant=event.tenant, credential=SystemCredential(), channel="system")
        while units.write(caller, lambda ctx, unit: self.audit.seal(unit)) == SEAL_BATCH:
            pass

        def again(ctx: Context, unit: SqlUnit) -> None:
            if self.timers.take(unit, event):
                self.start(ctx, unit)

        units.write(caller, again)
