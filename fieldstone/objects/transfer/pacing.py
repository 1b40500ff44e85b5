"""How many records one unit of work takes: as many as it saves in a fraction of a second.

So a long job holds nobody up (on SQLite there is one writer), and no unit runs into its time limit on a busy machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from fieldstone.platform.kernel.errors import Unavailable

T = TypeVar("T")
FIRST: Final = 25
MOST: Final = 200
TARGET_S: Final = 0.6


class Pace:
    """`size` is how many to take next."""

    def __init__(self) -> None:
        self.size = FIRST

    def timed(self, work: Callable[[], T]) -> T:
        """Do the work of one unit and learn from how long it took. Raises `Unavailable` when it took too long."""
        begun = time.monotonic()
        result = work()
        self._learn(time.monotonic() - begun)
        return result

    def shrink(self, refusal: Unavailable) -> None:
        """After a unit was too long: half as many. Raises the refusal when there is nothing left to halve."""
        if self.size <= 1:
            raise refusal
        self.size //= 2

    def _learn(self, seconds: float) -> None:
        if seconds > TARGET_S:
            self.size = max(1, self.size // 2)
        elif seconds < TARGET_S / 2:
            self.size = min(MOST, self.size * 2)
