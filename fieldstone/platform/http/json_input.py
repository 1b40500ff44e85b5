"""Reads JSON exactly, or refuses it.

What comes in: the raw bytes of a body. What goes out: plain Python values, with every number that is not an
integer as an exact `Decimal`. Refused as `Unreadable`, in time linear to the input and before anything recurses:
encodings other than UTF-8, byte order marks, duplicate keys, NaN and infinities, numbers of more than 100 digits or
beyond 1e±100, nesting deeper than 64, NUL characters and lone surrogates. Who calls it: `Call.json`, and whoever
else is handed JSON by a stranger.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from fieldstone.platform.kernel.errors import Unreadable

MAX_DEPTH = 64
MAX_DIGITS = 100
MAX_EXPONENT = 100

_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
# A string is taken whole even when it never ends, and possessively, so that no input makes this quadratic.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_TROUBLE = re.compile("[\x00\ud800-\udfff]")


def decode_json(body: bytes) -> Any:
    """The value that `body` says. Raises `Unreadable`."""
    text = _as_text(body)
    _check_depth(text)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Unreadable(
            "The body is not valid JSON (line {line}, column {column}).", line=error.lineno, column=error.colno
        ) from error
    if "\\u" in text:
        _check_characters(value)
    return value


def _as_text(body: bytes) -> str:
    if body.startswith(_MARKS):
        raise Unreadable("The body must be UTF-8 without a byte order mark.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("The body is not valid UTF-8.") from error


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _TOKENS.finditer(text):
        token = match.group(0)
        if token in ("[", "{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise Unreadable("The body is nested more than {limit} levels deep.", limit=MAX_DEPTH)
        elif token in ("]", "}"):
            depth -= 1


def _check_characters(value: Any) -> None:
    """Escapes can say what UTF-8 cannot; walked with a stack of our own."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if _TROUBLE.search(item):
                raise Unreadable("The body has a character that is not allowed in text.")
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Unreadable("The key {key} is there twice.", key=twice[:100])
    return result


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise Unreadable("A number has more than {limit} digits.", limit=MAX_DIGITS)
    return int(digits)


def _decimal(digits: str) -> Decimal:
    if len(digits) > MAX_DIGITS:
        raise Unreadable("A number has more than {limit} digits.", limit=MAX_DIGITS)
    try:
        number = Decimal(digits)
    except InvalidOperation as error:
        raise Unreadable("A number is too large or too small.") from error
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise Unreadable("A number is too large or too small.")
    return number


def _no_constant(name: str) -> NoReturn:
    raise Unreadable("{name} is not a number.", name=name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_mapping, parse_int=_integer, parse_float=_decimal, parse_constant=_no_constant
)
