"""The tables of the approval engine in a tenant home.

What people see of a request is the system record `approval_request`; what decides is here, out of reach of the record
API. `approval_run` is the state of a request (its primary key is the id of that record), `approval_approver` who may
decide on a step, `approval_decision` what they decided, `approval_lock` which records are locked. Read and written by
`store` only.
"""

from __future__ import annotations

import sqlalchemy as sa

from fieldstone.platform.database.home import HOME
from fieldstone.platform.database.types import Chars, Id, Json, UtcDateTime

# `plan` is the process as it was at submission; a later version of it does not change requests under way.
# `title` is the record's name at that time.
# `step_records` are the ids of its `approval_step` records, in order.
# `revision` grows with every change: writers compare and set it. `step` counts from 0.
RUN = sa.Table(
    "approval_run",
    HOME,
    sa.Column("request", Id(), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("object", Chars(), nullable=False),
    sa.Column("record", Id(), nullable=False),
    sa.Column("title", Chars(), nullable=False),
    sa.Column("process", Chars(), nullable=False),
    sa.Column("tier", Chars()),
    sa.Column("amount", Chars()),
    sa.Column("requester", Id(), nullable=False),
    sa.Column("status", Chars(), nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("plan", Json(), nullable=False),
    sa.Column("step_records", Json(), nullable=False),
    sa.Column("content_hash", Chars(), nullable=False),
    sa.Column("submitted_at", UtcDateTime(), nullable=False),
    sa.Column("settled_at", UtcDateTime()),
    sa.Index("approval_run_record", "object", "record", "request"),
    sa.Index("approval_run_status", "status", "request"),
    sa.Index("approval_run_requester", "requester", "request"),
)

APPROVER = sa.Table(
    "approval_approver",
    HOME,
    sa.Column("request", Id(), sa.ForeignKey("approval_run.request"), primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True),
    sa.Column("user_id", Id(), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Index("approval_approver_user", "user_id", "request"),
)

# One decision of a person on a step, ever: the database itself refuses a second.
DECISION = sa.Table(
    "approval_decision",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("request", Id(), sa.ForeignKey("approval_run.request"), nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("user_id", Id(), nullable=False),
    sa.Column("decision", Chars(), nullable=False),
    sa.Column("comment", Chars(), nullable=False),
    sa.Column("delegate", Id()),
    sa.Column("at", UtcDateTime(), nullable=False),
    sa.UniqueConstraint("request", "step", "user_id", name="uq_approval_decision"),
)

# The primary key is what keeps a record from being under two requests at once.
LOCK = sa.Table(
    "approval_lock",
    HOME,
    sa.Column("object", Chars(), primary_key=True),
    sa.Column("record", Id(), primary_key=True),
    sa.Column("request", Id(), sa.ForeignKey("approval_run.request"), nullable=False, unique=True),
    sa.Column("open_fields", Json(), nullable=False),
)
