"""Durations: exact lengths of time.

ISO 8601 in days, hours, minutes and seconds (weeks on input too); months and years have no fixed length and are
refused. A day is 24 hours.
"""

from __future__ import annotations

import re
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.fieldtypes import formats, problems
from fieldstone.objects.fieldtypes.base import Field, Scope
from fieldstone.objects.fieldtypes.dates import Temporal
from fieldstone.objects.fieldtypes.declaration import Declaration, quoted
from fieldstone.objects.fieldtypes.operators import NUMERIC
from fieldstone.objects.fieldtypes.problems import rejected
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat
from fieldstone.platform.database.types import Micros
from fieldstone.rules.expressions.types import DURATION, Type

LONGEST = timedelta(days=36_525)

_SPAN = re.compile(
    r"([+-]?)P(?=[\dT])(?:(\d{1,6})W|(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,8})H)?(?:(\d{1,9})M)?(?:(\d{1,10})(?:[.,](\d{1,6}))?S)?)?)",
    re.ASCII,
)
_CLOCK = re.compile(r"([+-]?)(\d{1,6}):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


class DurationType(Temporal):
    """A length of time; not negative unless `min` says so."""

    name = "duration"
    label = MappingProxyType({"en": "Duration", "zh-Hans": "时长", "zh-Hant": "時長"})
    icon = "hourglass"
    operators = NUMERIC
    aggregates = ("count", "sum", "avg", "min", "max")

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        if self.option("min") is None:
            self.least = timedelta(0)

    def expression_type(self) -> Type:
        return DURATION

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", Micros()),)

    def parse(self, value: Any) -> timedelta:
        span = value if isinstance(value, timedelta) else self._from_iso(value)
        if abs(span) > LONGEST:
            raise rejected(problems.TOO_LARGE, max=span_text(LONGEST))
        return span

    def _from_iso(self, value: Any) -> timedelta:
        if not isinstance(value, str):
            raise rejected(problems.NO_DURATION)
        found = _SPAN.fullmatch(value)
        if found is None:
            raise rejected(problems.NOT_A_DURATION, example="PT1H30M")
        sign, weeks, days, hours, minutes, seconds, fraction = found.groups()
        span = timedelta(
            weeks=int(weeks or 0),
            days=int(days or 0),
            hours=int(hours or 0),
            minutes=int(minutes or 0),
            seconds=int(seconds or 0),
            microseconds=int((fraction or "0").ljust(6, "0")),
        )
        return -span if sign == "-" else span

    def literal(self, value: Any) -> str:
        seconds, micros = divmod(value // timedelta(microseconds=1), 1_000_000)
        return f"duration({quoted(f'{seconds}s' if not micros else f'{value // timedelta(microseconds=1)}us')})"

    def write(self, value: Any) -> str:
        return span_text(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "duration"}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "duration"} | self.bounds_widget()

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return formats.span(value, locale)

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return span_text(value)

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        bare = text.strip()
        if bare in fmt.empty:
            return None
        clock = _CLOCK.fullmatch(bare)
        if clock is None:
            return self.read(bare.upper())
        sign, hours, minutes, seconds = clock.groups()
        span = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))
        return self.read(-span if sign == "-" else span)


def span_text(value: timedelta) -> str:
    """ISO 8601 in days, hours, minutes and seconds: `P1DT2H30M`, `PT0S`."""
    micros = abs(value) // timedelta(microseconds=1)
    seconds, micros = divmod(micros, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    fraction = f".{micros:06d}".rstrip("0").rstrip(".")
    clock = "".join(
        (
            f"{hours}H" if hours else "",
            f"{minutes}M" if minutes else "",
            f"{seconds}{fraction}S" if seconds or micros else "",
        )
    )
    text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
    return ("-" if value < timedelta(0) else "") + (f"P{text}" if text else "PT0S")
