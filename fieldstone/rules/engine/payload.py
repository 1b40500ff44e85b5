"""Python values as JSON values, as the public API writes them.

Pure; called for the payloads of outbox messages, where only JSON may go.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from fieldstone.rules.expressions.values import Money


def jsonable(value: Any) -> Any:
    """Decimals and dates as text, money as `{"amount", "currency"}`, records as their id, durations as ISO 8601."""
    match value:
        case None | bool() | int() | str():
            return value
        case Decimal():
            return format(value, "f")
        case Money():
            return {"amount": format(value.amount, "f"), "currency": value.currency}
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return duration_text(value)
        case Mapping() if isinstance(value.get("id"), str):
            return value["id"]
        case Mapping():
            return {str(name): jsonable(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [jsonable(item) for item in value]
        case _:
            return str(value)


def duration_text(value: timedelta) -> str:
    """ISO 8601, exact to the microsecond: `PT1H30M`, `-PT0.5S`, `PT0S`."""
    micros = value // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    seconds, fraction = divmod(micros, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    tail = f"{seconds}.{fraction:06d}".rstrip("0") if fraction else str(seconds)
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "") + (f"{tail}S" if tail != "0" else "")
    if not days and not clock:
        return "PT0S"
    return f"{sign}P{f'{days}D' if days else ''}{f'T{clock}' if clock else ''}"
