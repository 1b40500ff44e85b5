"""The directory: one per installation. Which tenants there are, where they live, and who has work waiting.

On PostgreSQL its tables are in the schema `fieldstone_directory` of the main database, the default search path of the
serving login; on SQLite in `directory.sqlite`. The bell is a hint and may be lost: nothing rests on it.
"""

from __future__ import annotations

import sqlalchemy as sa

from fieldstone.platform.database.types import UtcDateTime

DIRECTORY = sa.MetaData()
DIRECTORY_SCHEMA = "fieldstone_directory"
# The revision of the migrations that a directory made today is at.
DIRECTORY_REVISION = "0001"

tenant_table = sa.Table(
    "tenant",
    DIRECTORY,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("locale", sa.Text, nullable=False),
    sa.Column("time_zone", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("hue", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("database", sa.Text, nullable=False),
    sa.Column("schema_name", sa.Text, nullable=False),
    sa.Column("role_name", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime(), nullable=False),
)

tenant_host = sa.Table(
    "tenant_host",
    DIRECTORY,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("tenant", sa.ForeignKey("tenant.name", ondelete="CASCADE"), nullable=False, index=True),
)

bell = sa.Table(
    "bell",
    DIRECTORY,
    sa.Column("tenant", sa.ForeignKey("tenant.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("due_at", UtcDateTime(), nullable=False, index=True),
    sa.Column("rings", sa.BigInteger, nullable=False),
)

directory_revision = sa.Table("alembic_version", DIRECTORY, sa.Column("version_num", sa.String(32), primary_key=True))
