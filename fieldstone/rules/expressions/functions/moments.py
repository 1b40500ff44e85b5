"""The parts of timestamps and durations as CEL names them: in UTC unless a zone is given, months from 0."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from fieldstone.rules.expressions.arithmetic import out_of_time
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.rules.expressions.formats import at_zone, read_zone
from fieldstone.rules.expressions.functions.definition import Function, overload
from fieldstone.rules.expressions.types import DURATION, INT, STRING, TIMESTAMP

_FAMILY = "moments"
_Read = Callable[[datetime], int]


def _in_utc(read: _Read) -> _Read:
    return lambda moment: read(moment.astimezone(UTC))


def _in_zone(read: _Read) -> Callable[[datetime, str], int]:
    def part(moment: datetime, name: str) -> int:
        zone = read_zone(name)
        if zone is None:
            raise EvaluationError("{text} is not a time zone.", code="bad_time_zone", text=name[:40])
        local = at_zone(moment, zone)
        if local is None:
            raise out_of_time()
        return read(local)

    return part


def _whole(unit: timedelta) -> Callable[[timedelta], int]:
    def count(duration: timedelta) -> int:
        return duration // unit if duration >= timedelta() else -(-duration // unit)

    return count


def _milliseconds(duration: timedelta) -> int:
    return _whole(timedelta(milliseconds=1))(duration) % 1000


def _getter(
    name: str, summary: str, gives: str, read: _Read, of_duration: Callable[[timedelta], int] | None
) -> Function:
    overloads = [
        overload(TIMESTAMP, to=INT, by=_in_utc(read)),
        overload(TIMESTAMP, STRING, to=INT, by=_in_zone(read)),
    ]
    if of_duration is not None:
        overloads.append(overload(DURATION, to=INT, by=of_duration))
    example = f"timestamp('2026-01-31T08:09:10.5Z').{name}()"
    return Function(
        name=name, family=_FAMILY, summary=summary, example=example, gives=gives, overloads=tuple(overloads)
    )


MOMENTS: tuple[Function, ...] = (
    _getter("getFullYear", "The year.", "2026", lambda at: at.year, None),
    _getter("getMonth", "The month from 0 to 11.", "0", lambda at: at.month - 1, None),
    _getter("getDate", "The day of the month from 1 to 31.", "31", lambda at: at.day, None),
    _getter("getDayOfMonth", "The day of the month from 0 to 30.", "30", lambda at: at.day - 1, None),
    _getter("getDayOfWeek", "The day of the week from 0 (Sunday).", "6", lambda at: at.isoweekday() % 7, None),
    _getter("getDayOfYear", "The day of the year from 0.", "30", lambda at: at.timetuple().tm_yday - 1, None),
    _getter(
        "getHours",
        "The hour from 0 to 23; of a duration its whole hours.",
        "8",
        lambda at: at.hour,
        _whole(timedelta(hours=1)),
    ),
    _getter(
        "getMinutes",
        "The minute from 0 to 59; of a duration its whole minutes.",
        "9",
        lambda at: at.minute,
        _whole(timedelta(minutes=1)),
    ),
    _getter(
        "getSeconds",
        "The second from 0 to 59; of a duration its whole seconds.",
        "10",
        lambda at: at.second,
        _whole(timedelta(seconds=1)),
    ),
    _getter(
        "getMilliseconds",
        "The thousandth of a second from 0 to 999.",
        "500",
        lambda at: at.microsecond // 1000,
        _milliseconds,
    ),
)
