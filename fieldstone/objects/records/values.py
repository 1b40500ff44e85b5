"""Records as the service hands them out, and what bulk operations and conflicts look like.

What goes out: frozen values. Who reads them: every door (API, pages, import, automations, plugins).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from fieldstone.objects.fieldtypes.declaration import Labels
from fieldstone.platform.kernel.errors import FieldstoneError

_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as its reader may see it.

    `values` holds Python values by API name, system fields included, without the fields that are hidden from the
    reader; child rows are lists of `Record`. `labels` names what lookups, people and teams point to; a label of None
    is one that the reader may not see.
    """

    object: str
    id: str
    revision: int
    values: Mapping[str, Any]
    labels: Mapping[str, Labels] = field(default_factory=lambda: _NONE)


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
