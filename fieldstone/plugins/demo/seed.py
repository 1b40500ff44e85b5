"""Demo records as plain values: what to create, in which order, at what moment.

`Seed` is one record to be created through the record service; `Ref` stands for the id of an earlier one. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Ref:
    """The id of the record that was seeded under `key` ("customer/3") or of the user ("user/agent")."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A record to create: `at` is when (None: now), `by` the key of the user who does it (None: the system)."""

    object: str
    key: str
    values: Mapping[str, Any]
    at: datetime | None = None
    by: str | None = None


def resolved(values: Any, ids: Mapping[str, str]) -> Any:
    """`values` with every `Ref` replaced by its id."""
    if isinstance(values, Ref):
        return ids[values.key]
    if isinstance(values, Mapping):
        return {name: resolved(value, ids) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [resolved(value, ids) for value in values]
    return values
