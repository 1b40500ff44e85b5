"""What approvals lock: the port through which the record service asks.

What comes in: the name of an object and the id column of the rows that are read. What goes out: a scalar subquery that
is read together with the record, so that a lock costs no query of its own. Who calls it: the record service.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from fieldstone.objects.approvals.tables import LOCK


class ApprovalLocks:
    """A record is locked while a request for it waits for decisions; the process names the fields that stay open."""

    def open_fields(self, object_name: str, record: sa.ColumnElement[Any]) -> sa.ColumnElement[Any] | None:
        """A JSON list of open fields; NULL for a record that is not locked."""
        held = sa.select(LOCK.c.open_fields).where(LOCK.c.object == object_name, LOCK.c.record == record)
        return held.correlate_except(LOCK).scalar_subquery()
