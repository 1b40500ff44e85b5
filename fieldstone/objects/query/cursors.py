"""Cursors: where a page ended, so that the next one goes on from there whatever was added meanwhile.

What comes in: the values of the sort keys of the last record. What goes out: opaque text, and back. A cursor holds
nothing that its reader did not see, and belongs to one order: a cursor of another one is refused. Who calls it: lists.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import orjson

from fieldstone.platform.kernel.errors import Unreadable

_MAX_LENGTH: Final = 4_000


def encode(values: Sequence[Any], order: str) -> str:
    """The cursor after a record with these key values, in the order called `order`."""
    body = [_mark(order), *(_plain(value) for value in values)]
    return base64.urlsafe_b64encode(orjson.dumps(body)).rstrip(b"=").decode()


def decode(cursor: str, order: str, count: int) -> list[Any]:
    """The key values of a cursor. Raises `Unreadable`."""
    if len(cursor) > _MAX_LENGTH:
        raise _unreadable()
    try:
        body = orjson.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, UnicodeEncodeError):
        raise _unreadable() from None
    if not isinstance(body, list) or len(body) != count + 1:
        raise _unreadable()
    if body[0] != _mark(order):
        raise Unreadable("This cursor belongs to another list or order.", code="cursor_of_other_list")
    try:
        return [_value(item) for item in body[1:]]
    except (ValueError, KeyError, TypeError, InvalidOperation, OverflowError):
        raise _unreadable() from None


def _mark(order: str) -> str:
    return hashlib.sha256(order.encode()).hexdigest()[:12]


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | str() | float():
            return value
        case int():
            return {"i": str(value)}
        case Decimal():
            return {"n": str(value)}
        case datetime():
            return {"m": value.isoformat()}
        case date():
            return {"d": value.isoformat()}
        case time():
            return {"t": value.isoformat()}
        case timedelta():
            return {"s": str(value // timedelta(microseconds=1))}
        case _:
            raise TypeError(type(value).__name__)


def _value(item: Any) -> Any:
    if item is None or isinstance(item, bool | str | float):
        return item
    if not isinstance(item, dict) or len(item) != 1:
        raise ValueError("not a value")
    ((kind, text),) = item.items()
    return _READERS[kind](text)


def _integer(text: str) -> int:
    if len(text) > 20:
        raise ValueError("not a value")
    return int(text)


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or len(text) > 60:
        raise ValueError("not a value")
    return number


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("not a value")
    return moment


_READERS: Final[dict[str, Any]] = {
    "i": _integer,
    "n": _decimal,
    "m": _moment,
    "d": date.fromisoformat,
    "t": time.fromisoformat,
    "s": lambda text: timedelta(microseconds=_integer(text)),
}


def _unreadable() -> Unreadable:
    return Unreadable("This cursor is not one that a list has given.", code="bad_cursor")
