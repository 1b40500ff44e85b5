"""The tables of identity in a tenant home.

Users, their roles (by name; what a role means is metadata), teams as a tree with managers, sessions, API tokens,
one-time tokens, recovery codes and the counters of refused sign-ins. Secrets are stored as hashes only. Read and
written by the services of this package; other rooms may join `user_account` and `team` for labels.
"""

from __future__ import annotations

import sqlalchemy as sa

from fieldstone.platform.database.home import HOME
from fieldstone.platform.database.types import Chars, Id, Json, UtcDateTime

USER = sa.Table(
    "user_account",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("email", Chars(), nullable=False, unique=True),
    sa.Column("name", Chars(), nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("locale", Chars()),
    sa.Column("time_zone", Chars()),
    sa.Column("manager", Id(), sa.ForeignKey("user_account.id")),
    sa.Column("preferences", Json(), nullable=False),
    sa.Column("password_hash", Chars()),
    sa.Column("password_changed_at", UtcDateTime()),
    sa.Column("totp_secret", Chars()),
    sa.Column("totp_active", sa.Boolean, nullable=False),
    sa.Column("totp_last_step", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("created_by", Id(), nullable=False),
    sa.Column("updated_at", UtcDateTime(), nullable=False),
    sa.Column("updated_by", Id(), nullable=False),
    sa.Index("user_account_manager", "manager"),
)

TEAM = sa.Table(
    "team",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("name", Chars(), nullable=False, unique=True),
    sa.Column("parent", Id(), sa.ForeignKey("team.id")),
    sa.Column("manager", Id(), sa.ForeignKey("user_account.id")),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("created_by", Id(), nullable=False),
    sa.Column("updated_at", UtcDateTime(), nullable=False),
    sa.Column("updated_by", Id(), nullable=False),
    sa.Index("team_manager", "manager"),
)

TEAM_MEMBER = sa.Table(
    "team_member",
    HOME,
    sa.Column("user_id", Id(), sa.ForeignKey("user_account.id"), primary_key=True),
    sa.Column("team", Id(), sa.ForeignKey("team.id"), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Index("team_member_team", "team"),
)

USER_ROLE = sa.Table(
    "user_role",
    HOME,
    sa.Column("user_id", Id(), sa.ForeignKey("user_account.id"), primary_key=True),
    sa.Column("role", Chars(), primary_key=True),
    sa.Index("user_role_role", "role"),
)

SESSION = sa.Table(
    "session",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("user_id", Id(), sa.ForeignKey("user_account.id"), nullable=False),
    sa.Column("secret_hash", Chars(), nullable=False, unique=True),
    sa.Column("pending", sa.Boolean, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("last_seen_at", UtcDateTime(), nullable=False),
    sa.Column("expires_at", UtcDateTime(), nullable=False),
    sa.Column("user_agent", Chars(), nullable=False),
    sa.Column("address", Chars(), nullable=False),
    sa.Index("session_user", "user_id"),
    sa.Index("session_expires", "expires_at"),
    info={"export": "skip"},
)

API_TOKEN = sa.Table(
    "api_token",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("user_id", Id(), sa.ForeignKey("user_account.id"), nullable=False),
    sa.Column("name", Chars(), nullable=False),
    sa.Column("secret_hash", Chars(), nullable=False, unique=True),
    sa.Column("scope", Chars(), nullable=False),
    sa.Column("require_if_match", sa.Boolean, nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("created_by", Id(), nullable=False),
    sa.Column("expires_at", UtcDateTime()),
    sa.Column("last_used_at", UtcDateTime()),
    sa.Index("api_token_user", "user_id"),
)

ONE_TIME_TOKEN = sa.Table(
    "one_time_token",
    HOME,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("user_id", Id(), sa.ForeignKey("user_account.id"), nullable=False),
    sa.Column("purpose", Chars(), nullable=False),
    sa.Column("secret_hash", Chars(), nullable=False, unique=True),
    sa.Column("created_at", UtcDateTime(), nullable=False),
    sa.Column("expires_at", UtcDateTime(), nullable=False),
    sa.Index("one_time_token_user", "user_id"),
    info={"export": "skip"},
)

RECOVERY_CODE = sa.Table(
    "recovery_code",
    HOME,
    sa.Column("user_id", Id(), sa.ForeignKey("user_account.id"), primary_key=True),
    sa.Column("code_hash", Chars(), primary_key=True),
)

SIGN_IN_COUNTER = sa.Table(
    "sign_in_counter",
    HOME,
    sa.Column("key", Chars(), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", UtcDateTime(), nullable=False),
    sa.Index("sign_in_counter_last", "last_at"),
    info={"export": "skip"},
)
