"""Rows as lines of JSON and back, by the types of their columns; the same on both engines. Called by `transfer`."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import orjson
import sqlalchemy as sa

from fieldstone.platform.database.types import Day, ExactDecimal, Micros, TimeOfDay, UtcDateTime

_MICRO = timedelta(microseconds=1)

_DECODERS: tuple[tuple[type[Any], Callable[[Any], Any]], ...] = (
    (UtcDateTime, datetime.fromisoformat),
    (Day, date.fromisoformat),
    (TimeOfDay, time.fromisoformat),
    (Micros, lambda value: timedelta(microseconds=value)),
    (ExactDecimal, Decimal),
    (sa.Numeric, Decimal),
    (sa.LargeBinary, base64.b64decode),
)


def encoded(names: Sequence[str], row: Sequence[Any]) -> bytes:
    """One line, with its end."""
    values = {name: _plain(value) for name, value in zip(names, row, strict=True)}
    return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return value // _MICRO
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    return value


def decoder(table: sa.Table) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Makes rows of a table from what `encoded` wrote; columns added since are empty."""
    found = {column.name: _decoder_of(column.type) for column in table.columns}

    def decode(values: Mapping[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for name, convert in found.items():
            value = values.get(name)
            row[name] = value if value is None or convert is None else convert(value)
        return row

    return decode


def _decoder_of(column_type: Any) -> Callable[[Any], Any] | None:
    return next((convert for kind, convert in _DECODERS if isinstance(column_type, kind)), None)
