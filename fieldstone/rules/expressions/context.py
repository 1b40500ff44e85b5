"""What an evaluation may know besides the record: the time, the place, the working hours, what has changed.

Who makes it: the room that evaluates (the record service, a view, a test). Who reads it: functions that need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

DEFAULT_BUDGET = 100_000
"""Steps of one evaluation. An element walked over costs one, and one more for each 4 parts of what is done with it;
a text that is made, or handled in a loop, one and one more for each 32 characters; a list likewise for each element.
All of them together take a fraction of a second."""


class WorkingTime(Protocol):
    """Operating hours: which time counts as work."""

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """When `duration` of working time has passed after `start`; both in UTC."""
        ...

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from `start` to `end`, negative when `end` is earlier; both in UTC."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationContext:
    """The surroundings of one evaluation.

    `now` is aware and in UTC; `time_zone` decides what day it is; `working_time` is None where no operating hours
    apply; `changed` holds the names of the fields that this save changes; `budget` bounds the steps.
    """

    now: datetime
    time_zone: ZoneInfo
    working_time: WorkingTime | None = None
    changed: frozenset[str] = frozenset()
    budget: int = DEFAULT_BUDGET
