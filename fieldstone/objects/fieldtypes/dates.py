"""Dates, moments and times of day.

Dates and times of day have no zone. A moment is kept in UTC and answered as RFC 3339 with `Z`; on input the offset is
needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Any, ClassVar

import sqlalchemy as sa

from fieldstone.objects.fieldtypes import formats, problems
from fieldstone.objects.fieldtypes.base import Field, FieldType, Scope
from fieldstone.objects.fieldtypes.declaration import USUAL, Declaration, MigrationClass
from fieldstone.objects.fieldtypes.operators import TEMPORAL, Operator
from fieldstone.objects.fieldtypes.problems import Problem, Rejected, rejected
from fieldstone.objects.fieldtypes.source import Constants
from fieldstone.objects.fieldtypes.texts import PLAIN, TextFormat
from fieldstone.platform.database.types import Day, TimeOfDay, UtcDateTime
from fieldstone.platform.i18n import mark
from fieldstone.rules.expressions.types import DATE, TIME, TIMESTAMP, Type

FIRST_MOMENT = datetime(1, 1, 2, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 30, tzinfo=UTC)
"""A day inside the calendar's ends, so that a moment can be shown in every time zone."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|z|[+-]\d{2}:?\d{2})?", re.ASCII)
_USUAL = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z", re.ASCII).fullmatch
_TIME = re.compile(r"(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)", re.ASCII)


class Temporal(FieldType):
    """What dates, moments and times share: bounds and order."""

    group = "date"
    icon = "calendar"
    common: ClassVar[frozenset[str]] = USUAL | {"min", "max", "unique"}
    operators: ClassVar[tuple[Operator, ...]] = TEMPORAL
    aggregates: ClassVar[tuple[str, ...]] = ("count", "min", "max")
    options: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"min": {"title": "Earliest", "type": "string"}, "max": {"title": "Latest", "type": "string"}}
    )

    def __init__(self, declaration: Declaration, scope: Scope) -> None:
        super().__init__(declaration, scope)
        self.least = self._bound("min")
        self.most = self._bound("max")

    def _bound(self, name: str) -> Any:
        value = self.option(name)
        try:
            return None if value is None else self.parse(value)
        except Rejected:
            return None

    def check(self) -> Iterable[Problem]:
        for name, bound in (("min", self.least), ("max", self.most)):
            value = self.option(name)
            if value is not None and bound is None:
                message = mark("This bound is no value of the field's type.")
                yield Problem(code="bounds", message=message, path=f"/{name}")
        if self.least is not None and self.most is not None and self.least > self.most:
            yield Problem(code="bounds", message="The least value is above the greatest.", path="/min")

    def parse(self, value: Any) -> Any:
        """The Python value without regard to bounds. Raises `Rejected`."""
        raise NotImplementedError

    def read(self, value: Any) -> Any:
        result = None if value == "" else self.parse(value)
        if result is not None and self.least is not None and result < self.least:
            raise rejected(problems.TOO_SMALL, min=self.to_text(self.least))
        if result is not None and self.most is not None and result > self.most:
            raise rejected(problems.TOO_LARGE, max=self.to_text(self.most))
        return result

    def bounds_widget(self) -> dict[str, Any]:
        """The bounds for an input."""
        pairs = (("min", self.least), ("max", self.most))
        return {name: self.to_text(bound) for name, bound in pairs if bound is not None}

    def search_text(self, value: Any) -> str:
        return self.to_text(value)


class DateType(Temporal):
    """A calendar date."""

    name = "date"
    label = MappingProxyType({"en": "Date", "zh-Hans": "日期", "zh-Hant": "日期"})
    groupable = True

    def expression_type(self) -> Type:
        return DATE

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", Day()),)

    def parse(self, value: Any) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        if not isinstance(value, str):
            raise rejected(problems.NO_DATE)
        return date_from_iso(value)

    def literal(self, value: Any) -> str:
        return f'date("{value.isoformat()}")'

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "date"} | self.bounds_widget()

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return formats.day(value, locale)

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return str(value.isoformat())

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        bare = text.strip()
        if bare in fmt.empty:
            return None
        if not fmt.dates or _DATE.fullmatch(bare):
            return self.read(bare[:10] if _MOMENT.fullmatch(bare) else bare)
        for pattern in (*fmt.dates, *fmt.datetimes):
            found = parsed(bare, pattern)
            if found is not None:
                return self.read(found.date())
        raise rejected(problems.NOT_A_DATE, example=example_of(fmt.dates[0]))

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        return "slow" if isinstance(other, DateTimeType) else super().migrate_from(other)

    def convert(self, value: Any, other: FieldType) -> Any:
        return value.date() if isinstance(value, datetime) else super().convert(value, other)


class DateTimeType(Temporal):
    """A moment."""

    name = "datetime"
    label = MappingProxyType({"en": "Date and time", "zh-Hans": "日期时间", "zh-Hant": "日期時間"})
    icon = "calendar-time"

    def expression_type(self) -> Type:
        return TIMESTAMP

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", UtcDateTime()),)

    def parse(self, value: Any) -> datetime:
        moment = value if isinstance(value, datetime) else self._from_iso(value)
        if moment.tzinfo is None:
            raise rejected(problems.TIME_ZONE, example="2026-03-31T14:30:00Z")
        return in_utc(moment)

    def load_source(self, value: str, constants: Constants) -> Sequence[str]:
        if self.least is not None or self.most is not None:
            return super().load_source(value, constants)
        return [
            f"if type({value}) is not str or not {constants(_USUAL)}({value}):",
            "    raise Doubt",
            f"{value} = {constants(datetime.fromisoformat)}({value})",
            f"if not {constants(FIRST_MOMENT)} <= {value} <= {constants(LAST_MOMENT)}:",
            "    raise Doubt",
        ]

    def _from_iso(self, value: Any) -> datetime:
        if not isinstance(value, str):
            raise rejected(problems.NOT_A_MOMENT)
        found = _MOMENT.fullmatch(value)
        if found is None:
            raise _no_moment()
        day, clock, offset = found.groups()
        text = f"{day}T{clock[:15]}{'+00:00' if offset in ('Z', 'z') else offset or ''}"
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise _no_moment() from None

    def literal(self, value: Any) -> str:
        return f'timestamp("{self.to_text(value)}")'

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "datetime"} | self.bounds_widget()

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return formats.moment(value, locale, time_zone)

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return str(value.astimezone(UTC).isoformat()[:-6]) + "Z"

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        bare = text.strip()
        if bare in fmt.empty:
            return None
        local: datetime | None = None
        if _MOMENT.fullmatch(bare):
            local = self._from_iso(bare)
        elif _DATE.fullmatch(bare):
            local = datetime.combine(date_from_iso(bare), time())
        for pattern in () if local else (*fmt.datetimes, *fmt.dates):
            local = local or parsed(bare, pattern)
        if local is None:
            raise rejected(problems.NOT_A_DATETIME, example=example_of((*fmt.datetimes, "%Y-%m-%dT%H:%M:%SZ")[0]))
        return self.read(local if local.tzinfo else local.replace(tzinfo=fmt.zone))

    def migrate_from(self, other: FieldType) -> MigrationClass | None:
        return "slow" if isinstance(other, DateType) else super().migrate_from(other)


class TimeType(Temporal):
    """A time of day."""

    name = "time"
    label = MappingProxyType({"en": "Time of day", "zh-Hans": "时间", "zh-Hant": "時間"})
    icon = "clock"

    def expression_type(self) -> Type:
        return TIME

    def storage(self) -> tuple[tuple[str, sa.types.TypeEngine[Any]], ...]:
        return (("", TimeOfDay()),)

    def parse(self, value: Any) -> time:
        if isinstance(value, time) and value.tzinfo is None:
            return value
        if not isinstance(value, str):
            raise rejected(problems.NO_TIME)
        if not _TIME.fullmatch(value):
            raise rejected(problems.NOT_A_TIME, example="09:30")
        try:
            return time.fromisoformat(value)
        except ValueError:
            raise rejected(problems.NOT_A_TIME, example="09:30") from None

    def literal(self, value: Any) -> str:
        return f'time("{value.isoformat()}")'

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "time", "pattern": r"^[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?$"}

    def widget(self, field: Field, locale: str) -> dict[str, Any]:
        return {"kind": "time"} | self.bounds_widget()

    def display(self, value: Any, locale: str, time_zone: str) -> str:
        return formats.clock(value, locale)

    def to_text(self, value: Any, fmt: TextFormat = PLAIN) -> str:
        return str(value.isoformat())

    def from_text(self, text: str, fmt: TextFormat = PLAIN) -> Any:
        bare = text.strip()
        if bare in fmt.empty:
            return None
        for pattern in () if _TIME.fullmatch(bare) else fmt.times:
            found = parsed(bare, pattern)
            if found is not None:
                return self.read(found.time())
        return self.read(bare)


def date_from_iso(text: str) -> date:
    """The date that `text` says. Raises `Rejected`."""
    if not _DATE.fullmatch(text):
        raise rejected(problems.NOT_A_DATE, example="2026-03-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise rejected(problems.NOT_A_DATE, example="2026-03-31") from None


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC. Raises `Rejected` at the ends of the calendar."""
    try:
        result = moment.astimezone(UTC)
    except OverflowError:
        raise _no_moment() from None
    if not FIRST_MOMENT <= result <= LAST_MOMENT:
        raise _no_moment()
    return result


def parsed(text: str, pattern: str) -> datetime | None:
    """The moment that `text` says by a `strptime` pattern, without a zone unless the pattern has one; None if not."""
    try:
        return datetime.strptime(text, pattern)  # noqa: DTZ007
    except (ValueError, OverflowError):
        return None


def example_of(pattern: str) -> str:
    """How a date is written by a pattern."""
    return datetime(2026, 3, 31, 14, 30, tzinfo=UTC).strftime(pattern)


def _no_moment() -> Rejected:
    return rejected(problems.NOT_A_DATETIME, example="2026-03-31T14:30:00Z")
