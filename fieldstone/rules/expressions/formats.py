"""Dates, times, timestamps and durations from text and back to it.

What comes in: text in the forms of RFC 3339 and, for durations, of CEL ("1h30m", "90s") with days ("2d"). What goes
out: Python values, or None when the text is malformed or out of range. Pure. Who calls it: the conversion functions,
and the checker for literals compared with dates.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fieldstone.rules.expressions.values import DURATION_MAX

_TIMESTAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))", re.ASCII
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?", re.ASCII)
_DURATION = re.compile(r"[+-]?(?:\d{1,18}(?:\.\d{1,9})?(?:d|h|ms|us|µs|ns|m|s))+|[+-]?0", re.ASCII)
_DURATION_PART = re.compile(r"(\d+)(?:\.(\d+))?(d|h|ms|us|µs|ns|m|s)", re.ASCII)
_OFFSET = re.compile(r"([+-]?)(\d{2}):(\d{2})", re.ASCII)
_NANOSECONDS = {
    "d": 86_400_000_000_000,
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "µs": 1_000,
    "ns": 1,
}


def read_timestamp(text: str) -> datetime | None:
    """RFC 3339 with an offset; fractions beyond microseconds are cut off."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    day, clock, fraction, sign, hours, minutes = found.groups()
    try:
        local = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '').ljust(6, '0')[:6]}+00:00")
        if sign is None:
            return local
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return local - offset if sign == "+" else local + offset
    except (ValueError, OverflowError):
        return None


def read_date(text: str) -> date | None:
    """`2026-01-31`."""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def read_time(text: str) -> time | None:
    """`09:30`, `09:30:15` or `09:30:15.25`."""
    if not _TIME.fullmatch(text):
        return None
    try:
        return time.fromisoformat(text)
    except ValueError:
        return None


def read_duration(text: str) -> timedelta | None:
    """`1h30m`, `-90s`, `1.5h`, `2d`; None also when finer than a microsecond or beyond 10,000 years."""
    if not _DURATION.fullmatch(text):
        return None
    total = sum(_nanoseconds(*part) for part in _DURATION_PART.findall(text))
    if total % 1000 or total // 1000 > DURATION_MAX // timedelta(microseconds=1):
        return None
    duration = timedelta(microseconds=total // 1000)
    return -duration if text.startswith("-") else duration


def _nanoseconds(whole: str, fraction: str, unit: str) -> int:
    size = _NANOSECONDS[unit]
    return int(whole) * size + (int(fraction) * size // 10 ** len(fraction) if fraction else 0)


def read_zone(text: str) -> ZoneInfo | timedelta | None:
    """A zone by IANA name, or an offset such as `+02:00`."""
    found = _OFFSET.fullmatch(text)
    if found is not None:
        sign, hours, minutes = found.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        return -offset if sign == "-" else offset
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def at_zone(moment: datetime, zone: ZoneInfo | timedelta) -> datetime | None:
    """The wall clock at `zone`; None beyond the years 1 to 9999."""
    try:
        return moment + zone if isinstance(zone, timedelta) else moment.astimezone(zone)
    except OverflowError:
        return None


def write_timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, fractions without trailing zeros."""
    local = moment.astimezone(UTC)
    fraction = f".{local.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{local:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f"{fraction}Z"


def write_duration(duration: timedelta) -> str:
    """In seconds: `5400s`, `-0.5s`."""
    micros = duration // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    fraction = f".{micros % 1_000_000:06d}".rstrip("0").rstrip(".")
    return f"{sign}{micros // 1_000_000}{fraction}s"
