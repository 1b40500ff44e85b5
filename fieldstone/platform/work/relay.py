"""The relay: finds tenants with work due, claims their messages in turn, and hands them over.

In: the bell. Out: claims, to a `Hand`: threads of this process (`embedded`) or Celery (`celery_app`). Tenants are
taken round robin, a few messages each, so that a busy one delays nobody. Timers that are due become messages first.
Any number of relays may run. `sweep` looks at every tenant, for rings that were lost.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import FieldstoneError
from fieldstone.platform.tenancy.store import ACTIVE, TenantStore
from fieldstone.platform.units import Units
from fieldstone.platform.work import outbox
from fieldstone.platform.work.bell import Bell, Ringing
from fieldstone.platform.work.handling import system_of
from fieldstone.platform.work.moment import moment
from fieldstone.platform.work.outbox import Claim
from fieldstone.platform.work.tables import JOBS, MESSAGES
from fieldstone.platform.work.timers import Timers

TIMERS_AT_ONCE = 200
KEEP_INBOX = timedelta(days=14)

_log = logging.getLogger(__name__)


class Hand(Protocol):
    """Where claimed messages go."""

    @property
    def tries(self) -> int:
        """Attempts counted by claiming: 1 when the hand handles at once, 0 when a worker begins later."""
        ...

    def room(self, lane: str) -> int:
        """How many messages of a lane one tenant may hand over now."""
        ...

    @property
    def most_in_flight(self) -> int:
        """How many messages of a lane and tenant may be in workers' hands at a time."""
        ...

    def give(self, claim: Claim, lane: str) -> None:
        """Take a message. Raises `FieldstoneError` when that is not possible now: it is given back."""
        ...


class Relay:
    """Claims and hands over, from any number of processes at once."""

    def __init__(
        self, units: Units, tenants: TenantStore, bell: Bell, timers: Timers, hand: Hand, *, lease: timedelta
    ) -> None:
        self._units = units
        self._tenants = tenants
        self._bell = bell
        self._timers = timers
        self._hand = hand
        self._lease = lease
        self._owner = f"{socket.gethostname()}:{os.getpid()}"

    def tick(self) -> int:
        """One round over the tenants with work due; how many messages were handed over."""
        self._bell.flush()
        return sum(self._turn(ringing) for ringing in self._bell.due())

    def sweep(self) -> None:
        """Ring for every tenant that has work, whether or not somebody rang; forget old inbox rows."""
        for record in self._tenants.list():
            if record.state == ACTIVE:
                self._guarded(record.tenant.name, self._sweep_one)
        self._bell.flush()

    def _turn(self, ringing: Ringing) -> int:
        return self._guarded(ringing.tenant, lambda tenant: self._serve(ringing)) or 0

    def _guarded(self, tenant: str, work: Callable[[str], int | None]) -> int | None:
        """One tenant's trouble must not stop the others' turn."""
        try:
            return work(tenant)
        except FieldstoneError:
            _log.warning("the relay passes over %s", tenant, exc_info=True)
        except Exception:
            _log.exception("the relay passes over %s", tenant)
        return None

    def _serve(self, ringing: Ringing) -> int:
        tenant = ringing.tenant
        room = {lane: self._hand.room(lane) for lane in (MESSAGES, JOBS)}
        claims = self._units.write(system_of(tenant), lambda ctx, unit: self._claim(ctx, unit, room))
        for lane, claim in claims:
            self._give(lane, claim)
        full = any(sum(1 for each, _ in claims if each == lane) >= room[lane] for lane in room)
        if not full:
            self._bell.rest(ringing, self._next_due(tenant))
        return len(claims)

    def _claim(self, ctx: Context, unit: SqlUnit, room: dict[str, int]) -> Sequence[tuple[str, Claim]]:
        now = moment(unit, self._units.clock)
        self._timers.come_due(ctx, unit, now, TIMERS_AT_ONCE)
        claims: list[tuple[str, Claim]] = []
        for lane, most in room.items():
            if most > 0:
                claims.extend((lane, claim) for claim in self._claim_lane(unit, lane, now, most))
        return claims

    def _claim_lane(self, unit: SqlUnit, lane: str, now: datetime, most: int) -> Sequence[Claim]:
        most = min(most, self._hand.most_in_flight - outbox.in_flight(unit, lane, now))
        if most <= 0:
            return ()
        return outbox.claim(unit, lane, now, owner=self._owner, lease=self._lease, most=most, tries=self._hand.tries)

    def _give(self, lane: str, claim: Claim) -> None:
        try:
            self._hand.give(claim, lane)
        except FieldstoneError as error:
            reason = f"{type(error).__name__}: {error}"
            self._units.write(system_of(claim.message.tenant), lambda ctx, unit: self._return(unit, claim, reason))

    def _return(self, unit: SqlUnit, claim: Claim, reason: str) -> None:
        outbox.give_back(unit, claim, moment(unit, self._units.clock) + timedelta(seconds=5), reason, dead=False)

    def _next_due(self, tenant: str) -> datetime | None:
        def work(unit: SqlUnit) -> datetime | None:
            found = [due for due in (outbox.next_due(unit), self._timers.next_due(unit)) if due is not None]
            return min(found, default=None)

        return self._units.read(system_of(tenant), lambda ctx, unit: work(unit))

    def _sweep_one(self, tenant: str) -> None:
        due_at = self._next_due(tenant)
        if due_at is not None:
            self._bell.ring(tenant, due_at)
        before = self._units.clock.now() - KEEP_INBOX
        self._units.write(system_of(tenant), lambda ctx, unit: outbox.purge_inbox(unit, before))
