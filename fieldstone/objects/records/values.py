"""Records as the service hands them out, and what bulk operations and conflicts look like.

What goes out: frozen values. Who reads them: every door (API, pages, import, automations, plugins).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from fieldstone.objects.query.values import Record
from fieldstone.platform.kernel.errors import FieldstoneError


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOperation:
    """One record to create."""

    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateOperation:
    """One record to change; `revision` is the one it was read at, None for "whatever it is now"."""

    id: str
    data: Mapping[str, Any]
    revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOperation:
    """One record to put into the bin."""

    id: str
    revision: int | None = None


Operation: TypeAlias = CreateOperation | UpdateOperation | DeleteOperation
Outcome: TypeAlias = Literal["created", "updated", "deleted", "refused", "undone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkResult:
    """What became of the operation at `index`. `undone`: it was acceptable, but another one of the batch was not."""

    index: int
    outcome: Outcome
    id: str | None = None
    revision: int | None = None
    error: FieldstoneError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """All outcomes of a batch, in order. `kept` tells whether anything was written."""

    results: Sequence[BulkResult]
    kept: bool


__all__ = ["Bulk", "BulkResult", "CreateOperation", "DeleteOperation", "Operation", "Record", "UpdateOperation"]
