"""Where a tenant lives, as the directory says: a value passed to the servers that open its home."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`database` is a name in the settings ("main"); on SQLite `schema` and `role` are empty."""

    tenant: str
    database: str
    schema: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What a caller believes a tenant to be at."""

    version: int
    access_version: int
