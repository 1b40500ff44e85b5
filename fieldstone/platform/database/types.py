"""Portable column types, the only way columns are typed: one Python type per column type, on both databases.

| type | PostgreSQL | SQLite | Python |
|---|---|---|---|
| `Id` | uuid | char(36) | str, canonical lower case |
| `Chars` | text collated "C" | text | str, ordered by code point |
| `UtcDateTime` | timestamptz | text of fixed width, sortable | aware datetime in UTC |
| `Day`, `TimeOfDay` | date, time | text | date, time |
| `ExactDecimal(p, s)` | numeric(p, s) | integer scaled by 10**s; sortable text when p > 18 | Decimal |
| `Micros` | bigint | integer | timedelta |
| `Json` | jsonb | text | JSON values |

Binding refuses what the column cannot hold exactly (naive times, floats, too many decimals) with ValueError, and an
ill-formed id with `NotFound`. Plain `sa.Text`, `sa.Integer`, `sa.BigInteger`, `sa.Boolean`, `sa.LargeBinary` are
portable as they are. Called by every room that declares tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from fieldstone.platform.kernel.errors import NotFound

Processor = Callable[[Any], Any]

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_MICRO = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)


class _Native(UserDefinedType[Any]):
    """A PostgreSQL type by name; binds are rendered with a cast, so NULL and text parameters are typed."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling

    def get_col_spec(self, **_: Any) -> str:
        return self.spelling


class _Portable(TypeDecorator[Any]):
    """Base: subclasses name the native PostgreSQL type and the SQLite type, and convert values."""

    impl = sa.Text
    cache_ok = True
    converts_on_postgresql: ClassVar[bool] = False

    def postgresql_type(self) -> TypeEngine[Any]:
        raise NotImplementedError

    def sqlite_type(self) -> TypeEngine[Any]:
        return sa.Text()

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return self.postgresql_type() if dialect.name == "postgresql" else self.sqlite_type()

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[Any]:
        return self

    def result_processor(self, dialect: Dialect, coltype: Any) -> Processor | None:
        """None on PostgreSQL, whose driver gives the Python value already (`engines` sets up its loaders)."""
        if dialect.name == "postgresql" and not self.converts_on_postgresql:
            return None
        return super().result_processor(dialect, coltype)


class Id(_Portable):
    """A UUID as 36 characters of lower-case text."""

    cache_ok = True

    def postgresql_type(self) -> TypeEngine[Any]:
        return _Native("UUID")

    def sqlite_type(self) -> TypeEngine[Any]:
        return sa.CHAR(36)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None or (isinstance(value, str) and _ID(value)):
            return value
        raise NotFound


class Chars(_Portable):
    """Text of any length that both databases sort and compare by code point."""

    cache_ok = True

    def postgresql_type(self) -> TypeEngine[Any]:
        return sa.Text(collation="C")


class UtcDateTime(_Portable):
    """A moment, to the microsecond."""

    cache_ok = True

    def postgresql_type(self) -> TypeEngine[Any]:
        return _Native("TIMESTAMP WITH TIME ZONE")

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise ValueError(f"expected an aware datetime, got {value!r}")
        return value if dialect.name == "postgresql" else moment_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else datetime.fromisoformat(value)


def moment_text(value: datetime) -> str:
    """`2024-05-06T07:08:09.000010Z`: fixed width, so that text order is the order of time."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


class Day(_Portable):
    """A calendar date."""

    cache_ok = True

    def postgresql_type(self) -> TypeEngine[Any]:
        return _Native("DATE")

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            raise ValueError(f"expected a date, got {value!r}")
        return value if dialect.name == "postgresql" else value.isoformat()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else date.fromisoformat(value)


class TimeOfDay(_Portable):
    """A time of day without a zone, to the microsecond."""

    cache_ok = True

    def postgresql_type(self) -> TypeEngine[Any]:
        return _Native("TIME")

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        if not isinstance(value, time) or value.tzinfo is not None:
            raise ValueError(f"expected a time without a zone, got {value!r}")
        return value if dialect.name == "postgresql" else value.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else time.fromisoformat(value)


class Micros(_Portable):
    """A duration as whole microseconds."""

    impl = sa.BigInteger  # type: ignore[assignment]
    cache_ok = True
    converts_on_postgresql = True

    def postgresql_type(self) -> TypeEngine[Any]:
        return sa.BigInteger()

    def sqlite_type(self) -> TypeEngine[Any]:
        return sa.BigInteger()

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        if not isinstance(value, timedelta):
            raise ValueError(f"expected a timedelta, got {value!r}")
        return int(value // _MICRO)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else timedelta(microseconds=int(value))


class Json(_Portable):
    """A JSON value; None is SQL NULL. Decimals and moments are written as strings, mappings and tuples as they are."""

    cache_ok = True

    def postgresql_type(self) -> TypeEngine[Any]:
        return _Native("JSONB")

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


def json_text(value: Any) -> str:
    """JSON text of a value as `Json` stores it."""
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal | timedelta):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


class ExactDecimal(_Portable):
    """A decimal of `precision` digits, `scale` of them after the point; never rounded on the way in."""

    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        if not 0 <= scale <= precision <= 1000:
            raise ValueError("expected 0 <= scale <= precision <= 1000")
        super().__init__()
        self.precision = precision
        self.scale = scale
        self._unit = Decimal(1).scaleb(-scale)
        self._limit = 10**precision

    @property
    def is_scaled_integer(self) -> bool:
        """Whether SQLite keeps it as an integer scaled by 10**scale (else as sortable text)."""
        return self.precision <= 18

    def postgresql_type(self) -> TypeEngine[Any]:
        return sa.Numeric(self.precision, self.scale)

    def sqlite_type(self) -> TypeEngine[Any]:
        return sa.BigInteger() if self.is_scaled_integer else sa.Text()

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        units = self.units(value)
        if dialect.name == "postgresql":
            return Decimal(value)
        return units if self.is_scaled_integer else self._sortable(units)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        units = int(value) if self.is_scaled_integer else self._from_sortable(value)
        return _shifted(units, self.scale)

    def units(self, value: Any) -> int:
        """The value in units of 10**-scale. Raises ValueError when it does not fit exactly."""
        if isinstance(value, bool) or not isinstance(value, Decimal | int):
            raise ValueError(f"expected a Decimal, got {value!r}")
        number = Decimal(value)
        if not number.is_finite():
            raise ValueError("expected a finite number")
        if number and number.adjusted() >= self.precision - self.scale:
            raise ValueError(f"{value} has more than {self.precision - self.scale} digits before the point")
        sign, digits, exponent = number.as_tuple()
        shift = int(exponent) + self.scale
        kept = digits if shift >= 0 else digits[:shift]
        if shift < 0 and any(digits[shift:]):
            raise ValueError(f"{value} has more than {self.scale} decimal places")
        whole = int("".join(map(str, kept)) or "0") * (10**shift if shift > 0 and number else 1)
        return -whole if sign else whole

    def _sortable(self, units: int) -> str:
        """Sign digit and fixed width; negatives as complement, so that text order is numeric order."""
        if units >= 0:
            return "1" + str(units).zfill(self.precision)
        return "0" + str(self._limit - 1 + units).zfill(self.precision)

    def _from_sortable(self, text: str) -> int:
        body = int(text[1:])
        return body if text[0] == "1" else body - self._limit + 1


def _shifted(units: int, scale: int) -> Decimal:
    """Exactly units * 10**-scale, whatever the precision of the decimal context."""
    digits = tuple(map(int, str(abs(units))))
    return Decimal((int(units < 0), digits, -scale))
