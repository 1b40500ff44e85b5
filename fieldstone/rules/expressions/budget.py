"""The bound on the work of one evaluation.

What comes in: the number of steps allowed. Raises `BudgetExceeded`, which no `||` or `&&` absorbs, when they are
used up. Who calls it: generated code and functions that loop.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import TypeVar

from fieldstone.rules.expressions.errors import BudgetExceeded

V = TypeVar("V")
CHARACTERS_PER_STEP = 32


class Budget:
    """Steps left in one evaluation."""

    __slots__ = ("_allowed", "_left")

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self._left = allowed

    def spend(self, steps: int) -> None:
        """Take `steps` away; raises `BudgetExceeded` when there are none left."""
        self._left -= steps
        if self._left < 0:
            raise BudgetExceeded("This expression needs more than {limit} steps.", limit=self._allowed)

    def weigh(self, value: V) -> V:
        """`value` itself, paid for by its length: a text by its characters, a list or map by its elements."""
        if isinstance(value, str | bytes):
            self.spend(1 + len(value) // CHARACTERS_PER_STEP)
        else:
            self.spend(1 + (len(value) if isinstance(value, Sized) else 0))
        return value
