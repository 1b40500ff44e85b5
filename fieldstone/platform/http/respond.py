"""Answers as JSON.

What comes in: plain Python values. What goes out: a Flask response whose values read as the contract says: decimals
as strings without exponent, datetimes RFC 3339 in UTC, durations ISO 8601. Who calls it: every API view, after its
unit of work has ended.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import orjson
from flask import Response

JSON = "application/json"


def encode(value: Any) -> bytes:
    """`value` as JSON bytes. Raises `TypeError` for what has no JSON form."""
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z)
    except TypeError:
        # orjson knows no integers beyond 64 bits and no lone surrogates; the standard library writes both exactly.
        return json.dumps(value, default=_plain_or_time, separators=(",", ":")).encode()


def data(value: Any, status: int = 200, *, etag: int | None = None, location: str | None = None) -> Response:
    """`{"data": value}`; `etag` is a revision, `location` the address of what was created."""
    return document({"data": value}, status, etag=etag, location=location)


def document(
    body: Mapping[str, Any], status: int = 200, *, etag: int | None = None, location: str | None = None
) -> Response:
    """A whole JSON document as it is (lists with cursors, bulk results, OpenAPI)."""
    response = Response(encode(body), status, content_type=JSON)
    if etag is not None:
        response.headers["ETag"] = f'"{etag}"'
    if location is not None:
        response.headers["Location"] = location
    return response


def page(
    records: Sequence[Any], *, next_cursor: str | None, count: int | None = None, count_capped: bool = False
) -> Response:
    """One page of a list; `count` only when it was asked for."""
    body: dict[str, Any] = {"data": records, "next_cursor": next_cursor}
    if count is not None:
        body["count"] = count
    if count_capped:
        body["count_capped"] = True
    return document(body)


def nothing() -> Response:
    """204, for what was done and leaves nothing to say."""
    return Response(status=204)


def duration(value: timedelta) -> str:
    """ISO 8601 in days, hours, minutes and seconds: `P1DT2H`, `-PT0.5S`, `PT0S`."""
    micros = value // timedelta(microseconds=1)
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    days, rest = divmod(micros, 86_400_000_000)
    hours, rest = divmod(rest, 3_600_000_000)
    minutes, rest = divmod(rest, 60_000_000)
    seconds, fraction = divmod(rest, 1_000_000)
    second_text = (f"{seconds}.{fraction:06d}".rstrip("0") if fraction else str(seconds)) if seconds or fraction else ""
    date_part = f"{days}D" if days else ""
    time_part = "".join(f"{n}{unit}" for n, unit in ((hours or "", "H"), (minutes or "", "M"), (second_text, "S")) if n)
    if not date_part and not time_part:
        return "PT0S"
    return f"{sign}P{date_part}" + (f"T{time_part}" if time_part else "")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, timedelta):
        return duration(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _plain_or_time(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    return _plain(value)
