"""How large metadata may be: one table of named limits, checked before anything walks or compiles a body.

A refused body tells the name of the limit, how much is allowed and how much was given. Pure; called by the canonical
form, changesets, packages and preview.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fieldstone.platform.kernel.metadata import MetadataError
from fieldstone.platform.metadata.pointers import step


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits by name. Bytes are of UTF-8 text; `values` counts every scalar, list and object of a body."""

    definition_bytes: int = 786_432
    depth: int = 32
    values: int = 60_000
    list_items: int = 5_000
    object_keys: int = 2_000
    text_length: int = 50_000
    changes: int = 3_000
    changes_bytes: int = 20_000_000
    definitions: int = 20_000
    file_bytes: int = 5_000_000
    package_files: int = 5_000
    package_bytes: int = 50_000_000

    def check(self, name: str, value: int, path: str = "") -> None:
        """Raise `MetadataError` (code `limit`, facts `limit`, `most`, `value`) when `value` exceeds the limit."""
        most = getattr(self, name)
        if value > most:
            raise MetadataError(
                "Too large: the limit {limit} is {most}, this has {value}.",
                path=path,
                code="limit",
                limit=name,
                most=most,
                value=value,
            )


LIMITS = Limits()
_INTEGER_BOUND = 2**63


def check_shape(body: Any) -> None:
    """Walk a decoded body without recursion and refuse what is too deep, too wide, too long or not JSON."""
    stack: list[tuple[Any, str, int]] = [(body, "", 1)]
    seen = 0
    while stack:
        value, path, depth = stack.pop()
        seen += 1
        LIMITS.check("values", seen)
        if isinstance(value, Mapping):
            LIMITS.check("depth", depth, path)
            LIMITS.check("object_keys", len(value), path)
            for key, item in value.items():
                _check_key(key, path)
                stack.append((item, step(path, key), depth + 1))
        elif isinstance(value, list | tuple):
            LIMITS.check("depth", depth, path)
            LIMITS.check("list_items", len(value), path)
            stack.extend((item, f"{path}/{index}", depth + 1) for index, item in enumerate(value))
        else:
            _check_scalar(value, path)


def _check_key(key: Any, path: str) -> None:
    if not isinstance(key, str):
        raise MetadataError("Keys are texts.", path=path, code="not_json")
    _check_text(key, path)


def _check_scalar(value: Any, path: str) -> None:
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if not -_INTEGER_BOUND <= value < _INTEGER_BOUND:
            raise MetadataError("Write this number as a text to keep it exact.", path=path, code="inexact_number")
    elif isinstance(value, float | Decimal):
        if not math.isfinite(value):
            raise MetadataError("This is not a finite number.", path=path, code="not_json")
    else:
        raise MetadataError("This value cannot be written as JSON.", path=path, code="not_json")


def _check_text(text: str, path: str) -> None:
    LIMITS.check("text_length", len(text), path)
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise MetadataError("This text has characters that cannot be stored.", path=path, code="not_json")
