"""The tables of work to be done, in each tenant's home: outbox, inbox, timers, jobs.

`outbox.due_at` is when a message may be claimed: for a claimed one it is the end of the lease, so that one index and
one condition find both what is new and what a dead worker left. `fence` grows with each claim; who comes with an old
one has lost the message. In a restored copy everything waiting is `held` until an operator releases it.
"""

from __future__ import annotations

import sqlalchemy as sa

from fieldstone.platform.database.home import HOME
from fieldstone.platform.database.types import Chars, Id, Json, UtcDateTime

READY, CLAIMED, DEAD, HELD = "ready", "claimed", "dead", "held"
SET, DUE = "set", "due"
QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"

MESSAGES, JOBS = "messages", "jobs"

_IN_WORK = sa.text("state IN ('ready', 'claimed')")
_IS_SET = sa.text("state = 'set'")
_KEYED = sa.text("state = 'ready' AND key IS NOT NULL")

outbox = sa.Table(
    "outbox",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("key", Chars()),
    sa.Column("payload", Json(), nullable=False),
    sa.Column("user_id", Id()),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("causes", Json(), nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_at", UtcDateTime(), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("lease_owner", sa.Text),
    sa.Column("done_by", Json(), nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Index("ix_outbox__due", "lane", "due_at", postgresql_where=_IN_WORK, sqlite_where=_IN_WORK),
    sa.Index("uq_outbox__key", "topic", "key", unique=True, postgresql_where=_KEYED, sqlite_where=_KEYED),
    info={"restore": {"state": {READY: HELD, CLAIMED: HELD}}},
)

inbox = sa.Table(
    "inbox",
    HOME,
    sa.Column("consumer", sa.Text, primary_key=True),
    sa.Column("message", Id(), primary_key=True),
    sa.Column("handled_at", UtcDateTime(), nullable=False, index=True),
)

timer = sa.Table(
    "timer",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", Chars(), nullable=False),
    sa.Column("due_at", UtcDateTime(), nullable=False),
    sa.Column("payload", Json(), nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.UniqueConstraint("kind", "key", name="uq_timer__kind_key"),
    sa.Index("ix_timer__due", "due_at", postgresql_where=_IS_SET, sqlite_where=_IS_SET),
    info={"restore": {"state": {SET: HELD, DUE: HELD}}},
)

job = sa.Table(
    "job",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("input", Json(), nullable=False),
    sa.Column("user_id", Id()),
    sa.Column("undo_of", Id()),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger),
    sa.Column("errors", sa.BigInteger, nullable=False),
    sa.Column("saved", Json(), nullable=False),
    sa.Column("result", Json()),
    sa.Column("error_file", Json()),
    sa.Column("message", sa.Text),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("started_at", UtcDateTime()),
    sa.Column("finished_at", UtcDateTime()),
    sa.Index("ix_job__created", "created_at"),
    info={"restore": {"state": {RUNNING: QUEUED}}},
)
