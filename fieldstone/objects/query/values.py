"""What is asked of lists, and what comes back.

What goes out: `ListQuery` and `Page`. Who calls it: every door that shows several records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from fieldstone.objects.fieldtypes.declaration import Label, Labels

_NONE: Mapping[str, Any] = MappingProxyType({})
MAX_LIMIT: Final = 200
DEFAULT_LIMIT: Final = 50
COUNT_CAP: Final = 10_000
MAX_FILTER: Final = 4_000
MAX_SORTS: Final = 5
MAX_FIELDS: Final = 120
Count: TypeAlias = Literal["no", "capped", "exact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """A list of records of `object`.

    `filter`: a condition in the rule language; `more` are further ones (of a related list, of a page). `sort`: field
    paths, with "-" for downwards. `fields`: paths to answer, None for all but child rows. `q`: words to search for.
    `view`: a published view whose filter, columns and sort are taken where the query has none. `deleted`: the bin
    (None: wherever records are).
    """

    object: str
    filter: str | None = None
    more: tuple[Constraint, ...] = ()
    sort: tuple[str, ...] = ()
    fields: tuple[str, ...] | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None
    count: Count = "no"
    q: str | None = None
    view: str | None = None
    deleted: bool | None = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """Records whose field `field` is, or (for a lookup to several objects) points to, the record `id` of `object`."""

    field: str
    object: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as its reader may see it.

    `values` holds Python values by API name (of related records by path, "customer.name"), system fields included,
    without what is hidden from the reader; child rows are lists of `Record`. `labels` names what lookups, people and
    teams point to; a label of None is one that the reader may not see.
    """

    object: str
    id: str
    revision: int
    values: Mapping[str, Any]
    labels: Mapping[str, Labels] = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list. `documents` are the records as the API answers them; `records` as Python values.

    `count` is None unless asked for; `count_capped`: there are more than it says.
    """

    object: str
    documents: Sequence[dict[str, Any]]
    next_cursor: str | None
    count: int | None = None
    count_capped: bool = False
    read: Callable[[], Sequence[Record]] = field(repr=False)

    @property
    def records(self) -> Sequence[Record]:
        """The records as Python values, for pages and exports."""
        return self.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One record found by a search over all objects."""

    object: str
    id: str
    label: str | None


__all__ = ["Constraint", "Count", "Hit", "Label", "ListQuery", "Page", "Record"]
