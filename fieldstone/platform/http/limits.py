"""How many requests a tenant and a client may make.

Token buckets in the memory of each web process: a bucket fills at `rate` tokens a second up to `burst`, a request
takes one, a wrong credential more. What comes in: keys that the caller cannot choose (address, proved tenant and
user). What goes out: nothing, or `TooManyRequests` with the seconds to wait. Called by the edge.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from fieldstone.platform.kernel.errors import TooManyRequests

MAX_KEYS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Tokens a second, and how many may be saved up."""

    rate: float
    burst: float


class Buckets:
    """One bucket per key, least recently used ones forgotten; safe for threads."""

    def __init__(self, rate: Rate, *, clock: Callable[[], float] = time.monotonic, max_keys: int = MAX_KEYS) -> None:
        self._rate = rate
        self._clock = clock
        self._max_keys = max_keys
        self._lock = threading.Lock()
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, cost: float = 1.0) -> None:
        """Take `cost` tokens. Raises `TooManyRequests` (and takes none) when there are not enough."""
        with self._lock:
            level = self._level(key)
            if level >= cost:
                self._store(key, level - cost)
                return
            self._store(key, level)
        raise TooManyRequests(retry_after=max(1, math.ceil((cost - level) / self._rate.rate)))

    def drain(self, key: str, cost: float) -> None:
        """Take `cost` tokens for what has already happened; a bucket may go below empty by one burst."""
        with self._lock:
            self._store(key, max(self._level(key) - cost, -self._rate.burst))

    def _level(self, key: str) -> float:
        now = self._clock()
        level, since = self._levels.get(key, (self._rate.burst, now))
        return min(self._rate.burst, level + (now - since) * self._rate.rate)

    def _store(self, key: str, level: float) -> None:
        self._levels[key] = (level, self._clock())
        self._levels.move_to_end(key)
        if len(self._levels) > self._max_keys:
            self._levels.popitem(last=False)


REFUSED_COST = 20.0


class RequestLimits:
    """The limits of every metered request: its address at once; its tenant and its user once these are proved.

    Nobody pays for what a stranger claims to be: a wrong token only costs the address it comes from.
    """

    def __init__(self, *, per_minute: int) -> None:
        """`per_minute`: requests a tenant may make in a minute; one user gets half, one address four times that."""
        rate = per_minute / 60
        self._tenants = Buckets(Rate(rate=rate, burst=per_minute / 5))
        self._users = Buckets(Rate(rate=rate / 2, burst=per_minute / 10))
        self._addresses = Buckets(Rate(rate=rate * 4, burst=per_minute))

    def arrived(self, address: str) -> None:
        """A request has come from `address`."""
        self._addresses.take(address)

    def identified(self, tenant: str, user: str) -> None:
        """The request was found to be a user's of a tenant."""
        self._users.take(f"{tenant} {user}")
        self._tenants.take(tenant)

    def refused(self, address: str) -> None:
        """A credential from `address` was wrong: guessing costs more than asking."""
        self._addresses.drain(address, REFUSED_COST)


class NoLimits(RequestLimits):
    """Everybody may ask as often as they like: demo and benchmarks."""

    def __init__(self) -> None:
        super().__init__(per_minute=1)

    def arrived(self, address: str) -> None:
        """Nothing is counted."""

    def identified(self, tenant: str, user: str) -> None:
        """Nothing is counted."""

    def refused(self, address: str) -> None:
        """Nothing is counted."""
