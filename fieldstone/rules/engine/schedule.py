"""When a schedule runs next.

What comes in: a cron expression of five fields, a moment, a time zone. What goes out: the next moment by the clock on
the wall of that zone. Who calls it: the schedule timers. Pure.

A time that the clock skips in spring runs as much later as the clock was put forward; a time that comes twice in autumn
runs once, the first time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from croniter import croniter


def is_cron(text: str) -> bool:
    """Whether `text` is a cron expression of five fields."""
    return len(text.split()) == 5 and bool(croniter.is_valid(text))


def next_run(cron: str, after: datetime, zone: ZoneInfo) -> datetime:
    """The first moment later than `after` (aware) at which the schedule runs, in UTC."""
    walls = croniter(cron, after.astimezone(zone).replace(tzinfo=None))
    while True:
        wall: datetime = walls.get_next(datetime)
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        if moment > after:
            return moment
