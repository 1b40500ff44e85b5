"""How the metadata services open units: one caller's, with the checks of his door.

`http.Call` is such a door (each unit checks the route's policy on the identity it verified itself); `CallerDoors` is
one for workers and the command line. A publish needs several units, because nothing is compiled while a unit is open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.units import Caller, Units

T = TypeVar("T")


class Doors(Protocol):
    """Opens units on behalf of one caller; see `Units` for what each promises."""

    def read(self, work: Callable[[Context, SqlUnit], T]) -> T: ...

    def write(self, work: Callable[[Context, SqlUnit], T]) -> T: ...

    def publish(self, work: Callable[[Context, SqlUnit], T]) -> T: ...


@dataclass(frozen=True, slots=True)
class CallerDoors:
    """The units of a caller whose rights were decided elsewhere: the system, a job, the command line."""

    units: Units
    caller: Caller

    def read(self, work: Callable[[Context, SqlUnit], T]) -> T:
        return self.units.read(self.caller, work)

    def write(self, work: Callable[[Context, SqlUnit], T]) -> T:
        return self.units.write(self.caller, work)

    def publish(self, work: Callable[[Context, SqlUnit], T]) -> T:
        return self.units.publish(self.caller, work)
