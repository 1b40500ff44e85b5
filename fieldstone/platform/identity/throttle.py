"""Slows down guessing of passwords and codes.

Each attempt to sign in is counted in the tenant home before anything is verified, under the account it names and under
the address it comes from; so parallel guesses cannot slip past and other processes see them too. Accounts that do not
exist are counted alike. After some free attempts each further one has to wait, twice as long each time. What comes
in: keys the caller cannot choose freely (address as the trusted proxies tell, e-mail in its one stored form). What
goes out: nothing, or `TooManyRequests`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from fieldstone.platform.identity.tables import SIGN_IN_COUNTER
from fieldstone.platform.kernel.context import Unit
from fieldstone.platform.kernel.errors import TooManyRequests


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many attempts are free, how long the longest wait is, and after how long a silence all is forgotten."""

    free: int
    longest_s: int
    forget: timedelta


PER_ACCOUNT = Patience(free=5, longest_s=60, forget=timedelta(minutes=30))
"""The longest wait is short: who guesses at somebody's account must not lock its owner out for long."""

PER_ADDRESS = Patience(free=30, longest_s=900, forget=timedelta(minutes=30))

_ENSURE = insert(SIGN_IN_COUNTER).on_conflict_do_nothing(index_elements=["key"])
_LOCK = (
    sa.select(SIGN_IN_COUNTER.c.failures, SIGN_IN_COUNTER.c.last_at)
    .where(SIGN_IN_COUNTER.c.key == sa.bindparam("key"))
    .with_for_update()
)


class SignInThrottle:
    """Counts attempts per account and per address."""

    def attempt(self, unit: Unit, account: str, address: str, now: datetime) -> None:
        """Count an attempt. Raises `TooManyRequests` (and counts nothing) while the account or address has to wait."""
        self._take(unit, account_key(account), PER_ACCOUNT, now)
        self._take(unit, address_key(address), PER_ADDRESS, now)

    def succeeded(self, unit: Unit, account: str) -> None:
        """The account proved itself; its address keeps its count, else one good account would pay for many guesses."""
        unit.run(sa.delete(SIGN_IN_COUNTER).where(SIGN_IN_COUNTER.c.key == account_key(account)))

    def forget_old(self, unit: Unit, now: datetime) -> None:
        """Remove counters that no longer matter."""
        unit.run(sa.delete(SIGN_IN_COUNTER).where(SIGN_IN_COUNTER.c.last_at < now - timedelta(hours=1)))

    def _take(self, unit: Unit, key: str, patience: Patience, now: datetime) -> None:
        unit.run(_ENSURE, {"key": key, "failures": 0, "last_at": now})
        failures, last_at = unit.one(_LOCK, {"key": key}) or (0, now)
        if now - last_at > patience.forget:
            failures = 0
        left = wait_s(failures, patience) - (now - last_at).total_seconds()
        if left > 0:
            raise TooManyRequests(retry_after=int(left) + 1)
        counter = sa.update(SIGN_IN_COUNTER).where(SIGN_IN_COUNTER.c.key == key)
        unit.run(counter.values(failures=failures + 1, last_at=now))


def wait_s(failures: int, patience: Patience) -> int:
    """Seconds between the last attempt and the next, after so many attempts."""
    beyond = failures - patience.free
    return 0 if beyond < 0 else min(2 ** min(beyond, 20), patience.longest_s)


def account_key(account: str) -> str:
    """The key of an account; hashed, so that mistyped passwords in the address field are not kept."""
    return hashlib.sha256(b"account " + account.encode()).hexdigest()


def address_key(address: str) -> str:
    """The key of a client address; an IPv6 client owns a /64, so that is what counts."""
    parts = address.split(":")
    network = ":".join(parts[:4]) if len(parts) > 4 else address
    return hashlib.sha256(b"address " + network.encode()).hexdigest()
