"""What the record service needs of rooms that stand on it: locks of approvals, submission, dispatch.

What goes out: protocols. `objects.approvals` and the dispatch room implement them; `part.py` hands them over at start.
So the service knows neither, and there is still only one door to records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import sqlalchemy as sa

from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.rules.effects import Notify


class Locks(Protocol):
    """Which records are locked, and which of their fields stay open."""

    def open_fields(self, object_name: str, record: sa.ColumnElement[Any]) -> sa.ColumnElement[Any] | None:
        """A scalar subquery, read together with the record: a JSON list of open fields, NULL when it is not locked.

        `record` is the id column of the rows that are read. None: records of this object are never locked.
        """
        ...


class Approvals(Protocol):
    """Submits records for approval; called inside the unit of work that saves them."""

    def submit(self, ctx: Context, unit: Unit, object_name: str, record: str, process: str) -> None:
        """Submit a stored record, as the actor of `ctx`. Raises `Conflict`, `Invalid`."""
        ...


class Dispatching(Protocol):
    """Has records assigned by a dispatch policy, outside the unit of work."""

    def request(self, ctx: Context, unit: Unit, object_name: str, record: str, policy: str) -> None:
        """Ask for an assignment; it leaves with the commit."""
        ...


class Uploads(Protocol):
    """The rows of uploaded files."""

    def claim(self, ctx: Context, unit: Unit, files: Mapping[str, str], object_name: str, record: str) -> None:
        """Tie files (field name to file id) to a record. Raises `Invalid` with a `FieldError` for each that cannot be:
        it does not exist, its kind or size does not fit, somebody else uploaded it."""
        ...


class Notices(Protocol):
    """Tells people."""

    def notify(self, ctx: Context, unit: Unit, notice: Notify) -> None:
        """Deliver a notice with the unit."""
        ...
