"""Functions on dates and times. What day or hour it is, is decided in the time zone of the evaluation."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from fieldstone.rules.expressions.arithmetic import decimal_divide, out_of_time
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.rules.expressions.formats import read_date
from fieldstone.rules.expressions.functions.definition import Function, Needs, Overload, overload
from fieldstone.rules.expressions.types import DATE, DECIMAL, DURATION, INT, STRING, TIME, TIMESTAMP

_FAMILY = "dates"
_MICROSECOND = timedelta(microseconds=1)
D = TypeVar("D", date, datetime)


def local(context: EvaluationContext, moment: datetime) -> datetime:
    """The wall clock of the evaluation's time zone; raises `EvaluationError` beyond the years 1 to 9999."""
    try:
        return moment.astimezone(context.time_zone)
    except OverflowError:
        raise out_of_time() from None


def midnight(context: EvaluationContext, day: date) -> datetime:
    """The moment, in UTC, at which `day` begins in the evaluation's time zone."""
    return _utc(datetime.combine(day, time(), context.time_zone))


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise out_of_time() from None


def _today(context: EvaluationContext) -> date:
    return local(context, context.now).date()


def _now(context: EvaluationContext) -> datetime:
    return context.now


def _date_of(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        raise EvaluationError("{text} is not a date.", code="bad_date", text=f"{year}-{month}-{day}") from None


def _date_from(text: str) -> date:
    day = read_date(text)
    if day is None:
        raise EvaluationError("{text} is not a date.", code="bad_date", text=text[:40])
    return day


def _day_of(context: EvaluationContext, moment: datetime) -> date:
    return local(context, moment).date()


def _add_days(day: D, count: int) -> D:
    try:
        return day + timedelta(days=count)
    except OverflowError:
        raise out_of_time() from None


def _add_months(day: D, count: int) -> D:
    months = day.year * 12 + day.month - 1 + count
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        raise out_of_time()
    return day.replace(year=year, month=month + 1, day=min(day.day, monthrange(year, month + 1)[1]))


def _add_years(day: D, count: int) -> D:
    return _add_months(day, count * 12)


def _moved(move: Callable[[datetime, int], datetime]) -> Callable[[EvaluationContext, datetime, int], datetime]:
    """The same on a timestamp: the wall clock moves, so the hour stays over a change to summer time."""

    def moved(context: EvaluationContext, moment: datetime, count: int) -> datetime:
        return _utc(move(local(context, moment), count))

    return moved


def _part(read: Callable[[Any], int]) -> Callable[[EvaluationContext, datetime], int]:
    return lambda context, moment: read(local(context, moment))


def _days_between(start: date, end: date) -> int:
    return (end - start).days


def _days_between_moments(context: EvaluationContext, start: datetime, end: datetime) -> int:
    return (local(context, end).date() - local(context, start).date()).days


def _in_hours(duration: timedelta) -> Decimal:
    return decimal_divide(Decimal(duration // _MICROSECOND), Decimal(3_600_000_000)) or Decimal(0)


def _hours_between(start: datetime, end: datetime) -> Decimal:
    return _in_hours(end - start)


def _start_of_month(day: date) -> date:
    return day.replace(day=1)


def _end_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _start_of_week(day: date) -> date:
    return _add_days(day, -day.weekday())


def _year(day: date) -> int:
    return day.year


def _month(day: date) -> int:
    return day.month


def _day(day: date) -> int:
    return day.day


def _weekday(day: date) -> int:
    return day.isoweekday()


def _hour(clock: datetime | time) -> int:
    return clock.hour


def _minute(clock: datetime | time) -> int:
    return clock.minute


def _working_hours(context: EvaluationContext, start: datetime, end: datetime) -> Decimal:
    if context.working_time is None:
        raise _no_hours()
    return _in_hours(context.working_time.between(start, end))


def _add_working_time(context: EvaluationContext, start: datetime, duration: timedelta) -> datetime:
    if context.working_time is None:
        raise _no_hours()
    return context.working_time.add(start, duration)


def _no_hours() -> EvaluationError:
    return EvaluationError("There are no operating hours to count working time by.", code="no_operating_hours")


def _parts(read: Callable[[Any], int], sql: str) -> tuple[Overload, ...]:
    return (
        overload(DATE, to=INT, by=read, sql=sql),
        overload(TIMESTAMP, to=INT, by=_part(read), sql=sql, needs=Needs.CONTEXT),
    )


def _moves(move: Callable[[Any, int], Any], sql: str) -> tuple[Overload, ...]:
    return (
        overload(DATE, INT, to=DATE, by=move, sql=sql),
        overload(TIMESTAMP, INT, to=TIMESTAMP, by=_moved(move), needs=Needs.CONTEXT),
    )


def _clock(read: Callable[[Any], int], sql: str) -> tuple[Overload, ...]:
    return (
        overload(TIME, to=INT, by=read, sql=sql),
        overload(TIMESTAMP, to=INT, by=_part(read), sql=sql, needs=Needs.CONTEXT),
    )


DATES: tuple[Function, ...] = (
    Function(
        name="today",
        family=_FAMILY,
        summary="The present day in the time zone of the evaluation.",
        example="today() == date(now())",
        gives="true",
        overloads=(overload(to=DATE, by=_today, sql="today", needs=Needs.CONTEXT),),
    ),
    Function(
        name="now",
        family=_FAMILY,
        summary="The present moment.",
        example="now() - now() == duration('0s')",
        gives="true",
        overloads=(overload(to=TIMESTAMP, by=_now, sql="now", needs=Needs.CONTEXT),),
    ),
    Function(
        name="date",
        family=_FAMILY,
        summary="A date from year, month and day, from text, or the day of a timestamp in the time zone.",
        example="date(2026, 1, 31)",
        gives="date('2026-01-31')",
        overloads=(
            overload(INT, INT, INT, to=DATE, by=_date_of),
            overload(STRING, to=DATE, by=_date_from),
            overload(TIMESTAMP, to=DATE, by=_day_of, sql="date_of", needs=Needs.CONTEXT),
            overload(DATE, to=DATE, by=lambda day: day, sql="same"),
        ),
    ),
    Function(
        name="addDays",
        family=_FAMILY,
        summary="So many days later (earlier when negative); a timestamp keeps its hour in the time zone.",
        example="addDays(date(2026, 1, 31), 1)",
        gives="date('2026-02-01')",
        overloads=_moves(_add_days, "add_days"),
    ),
    Function(
        name="addMonths",
        family=_FAMILY,
        summary="So many months later; the last day of a month where the day does not exist.",
        example="addMonths(date(2026, 1, 31), 1)",
        gives="date('2026-02-28')",
        overloads=_moves(_add_months, "add_months"),
    ),
    Function(
        name="addYears",
        family=_FAMILY,
        summary="So many years later; 28 February where 29 February does not exist.",
        example="addYears(date(2024, 2, 29), 1)",
        gives="date('2025-02-28')",
        overloads=_moves(_add_years, "add_years"),
    ),
    Function(
        name="year",
        family=_FAMILY,
        summary="The year.",
        example="year(date(2026, 1, 31))",
        gives="2026",
        overloads=_parts(_year, "year"),
    ),
    Function(
        name="month",
        family=_FAMILY,
        summary="The month from 1 to 12.",
        example="month(date(2026, 1, 31))",
        gives="1",
        overloads=_parts(_month, "month"),
    ),
    Function(
        name="day",
        family=_FAMILY,
        summary="The day of the month from 1 to 31.",
        example="day(date(2026, 1, 31))",
        gives="31",
        overloads=_parts(_day, "day"),
    ),
    Function(
        name="weekday",
        family=_FAMILY,
        summary="The day of the week from 1 (Monday) to 7 (Sunday).",
        example="weekday(date(2026, 1, 31))",
        gives="6",
        overloads=_parts(_weekday, "weekday"),
    ),
    Function(
        name="hour",
        family=_FAMILY,
        summary="The hour from 0 to 23, of a timestamp in the time zone.",
        example="hour(time('09:30'))",
        gives="9",
        overloads=_clock(_hour, "hour"),
    ),
    Function(
        name="minute",
        family=_FAMILY,
        summary="The minute from 0 to 59.",
        example="minute(time('09:30'))",
        gives="30",
        overloads=_clock(_minute, "minute"),
    ),
    Function(
        name="daysBetween",
        family=_FAMILY,
        summary="The number of days from the first date to the second, negative when that is earlier.",
        example="daysBetween(date(2026, 1, 31), date(2026, 2, 2))",
        gives="2",
        overloads=(
            overload(DATE, DATE, to=INT, by=_days_between, sql="days_between"),
            overload(TIMESTAMP, TIMESTAMP, to=INT, by=_days_between_moments, needs=Needs.CONTEXT),
        ),
    ),
    Function(
        name="hoursBetween",
        family=_FAMILY,
        summary="The hours from the first moment to the second, with fractions.",
        example="hoursBetween(timestamp('2026-01-31T08:00:00Z'), timestamp('2026-01-31T09:30:00Z'))",
        gives="1.5",
        overloads=(overload(TIMESTAMP, TIMESTAMP, to=DECIMAL, by=_hours_between, sql="hours_between"),),
    ),
    Function(
        name="startOfWeek",
        family=_FAMILY,
        summary="The Monday of the date's week.",
        example="startOfWeek(date(2026, 1, 31))",
        gives="date('2026-01-26')",
        overloads=(overload(DATE, to=DATE, by=_start_of_week, sql="start_of_week"),),
    ),
    Function(
        name="startOfMonth",
        family=_FAMILY,
        summary="The first day of the date's month.",
        example="startOfMonth(date(2026, 1, 31))",
        gives="date('2026-01-01')",
        overloads=(overload(DATE, to=DATE, by=_start_of_month, sql="start_of_month"),),
    ),
    Function(
        name="endOfMonth",
        family=_FAMILY,
        summary="The last day of the date's month.",
        example="endOfMonth(date(2026, 2, 1))",
        gives="date('2026-02-28')",
        overloads=(overload(DATE, to=DATE, by=_end_of_month, sql="end_of_month"),),
    ),
    Function(
        name="workingHoursBetween",
        family=_FAMILY,
        summary="The working hours from the first moment to the second by the operating hours that apply.",
        example="workingHoursBetween(now(), now())",
        gives="0.0",
        overloads=(overload(TIMESTAMP, TIMESTAMP, to=DECIMAL, by=_working_hours, needs=Needs.CONTEXT),),
    ),
    Function(
        name="addWorkingTime",
        family=_FAMILY,
        summary="The moment at which so much working time has passed, by the operating hours that apply.",
        example="addWorkingTime(now(), duration('0s')) == now()",
        gives="true",
        overloads=(overload(TIMESTAMP, DURATION, to=TIMESTAMP, by=_add_working_time, needs=Needs.CONTEXT),),
    ),
)
