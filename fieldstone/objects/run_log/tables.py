"""The log of what rules did outside of a save, in a tenant home.

One line for each asynchronous automation, scheduled run on a record, and webhook, by the id of its message: a repeated
attempt replaces the line of the one before. Written by `log` only.
"""

from __future__ import annotations

import sqlalchemy as sa

from fieldstone.platform.database.home import HOME
from fieldstone.platform.database.types import Chars, Id, Json, Micros, UtcDateTime

AUTOMATION_RUN = sa.Table(
    "automation_run",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("kind", Chars(), nullable=False),
    sa.Column("rule", Chars(), nullable=False),
    sa.Column("object", Chars(), nullable=False),
    sa.Column("record", Chars()),
    sa.Column("event", Chars(), nullable=False),
    sa.Column("inputs", Json(), nullable=False),
    sa.Column("outcome", Chars(), nullable=False),
    sa.Column("error", Chars()),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("duration", Micros(), nullable=False),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.Index("automation_run_rule", "rule", "at"),
    sa.Index("automation_run_record", "object", "record"),
    sa.Index("automation_run_at", "at"),
)
