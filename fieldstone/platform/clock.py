"""The time of day, injected, so that tests can move it.

In: nothing. Out: aware datetimes in UTC. On PostgreSQL timers and leases are decided by the database's own clock
(`database.clock.present`); a clock that is not the machine's, as in tests, is passed to it. Called by Units, the
relay, tokens, sessions.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Says what time it is."""

    @property
    def is_machine_time(self) -> bool:
        """Whether the clock shows real time, so that a database may use its own clock in its stead."""
        ...

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    is_machine_time = True

    def now(self) -> datetime:
        return datetime.now(UTC)


class MovableClock:
    """A clock that stands still until it is moved; for tests and backtests."""

    is_machine_time = False

    def __init__(self, now: datetime) -> None:
        self._now = now.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> datetime:
        """Move the clock; a negative `by` moves it back."""
        self._now += by
        return self._now

    def set(self, now: datetime) -> None:
        """Show exactly `now` from here on."""
        self._now = now.astimezone(UTC)
