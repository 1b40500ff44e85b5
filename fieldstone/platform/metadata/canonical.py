"""JSON in one form: what is hashed, what is stored, what is written to files, what is read from them.

What comes in: decoded JSON values (a body may hold `Decimal` where the edge decoded exactly) or bytes of a file.
What goes out: plain values (dict, list, str, int, float, bool, None), canonical text (sorted keys, no spaces), its
SHA-256, and the text of files (sorted keys, two spaces, newline at the end). Pure. Called by metadata and packages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from fieldstone.platform.kernel.errors import Unreadable
from fieldstone.platform.kernel.metadata import MetadataError
from fieldstone.platform.metadata.limits import LIMITS, check_shape
from fieldstone.platform.metadata.pointers import step


def canonical(value: Any) -> str:
    """The one text of a plain value: sorted keys, no spaces, no escapes that UTF-8 does not need."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def content_hash(value: Any) -> str:
    """The address of a plain value: SHA-256 of its canonical text."""
    return digest(canonical(value))


def file_text(value: Any) -> str:
    """The text of a package file: sorted keys, two spaces, newline at the end; the same value gives the same bytes."""
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def plain_body(value: Any) -> dict[str, Any]:
    """A body as it is stored: a mapping of plain JSON values within the limits.

    Raises `MetadataError` naming the limit or the place of a value that JSON cannot hold exactly.
    """
    if not isinstance(value, Mapping):
        raise MetadataError("A definition is a JSON object.", code="not_an_object")
    check_shape(value)
    body = cast("dict[str, Any]", _plain(value, ""))
    size = len(canonical(body).encode())
    LIMITS.check("definition_bytes", size)
    return body


def _plain(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item, step(path, str(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, step(path, index)) for index, item in enumerate(value)]
    if isinstance(value, Decimal):
        return _plain_number(value, path)
    return value


def _plain_number(value: Decimal, path: str) -> int | float:
    """The number as JSON text would give it back. A decimal that a float cannot hold must be written as a string."""
    number = float(value)
    if Decimal(repr(number)) != value:
        raise MetadataError("Write this number as a text to keep it exact.", path=path, code="inexact_number")
    return number


def read_json(data: bytes) -> Any:
    """Decode the bytes of a file. Raises `Unreadable` for anything but plain, duplicate-free, finite UTF-8 JSON."""
    LIMITS.check("file_bytes", len(data))
    try:
        text = data.decode("utf-8")
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise Unreadable("This is not UTF-8 text (byte {position}).", position=error.start) from None
    except json.JSONDecodeError as error:
        raise Unreadable(
            "This is not JSON: {reason} at line {line}, column {column}.",
            reason=error.msg,
            line=error.lineno,
            column=error.colno,
        ) from None
    except RecursionError:
        raise MetadataError(
            "Nested too deeply: at most {most} levels.", code="limit", limit="depth", most=LIMITS.depth
        ) from None
    except ValueError as error:
        raise Unreadable("This is not JSON: {reason}", reason=str(error)) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Unreadable('The key "{key}" is given twice.', key=twice)
    return result


def _refuse_constant(name: str) -> Any:
    raise Unreadable("{name} is not a JSON number.", name=name)
