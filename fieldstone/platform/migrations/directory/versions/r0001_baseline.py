"""The first tables of the directory."""

from alembic import op

from fieldstone.platform.database.directory import DIRECTORY

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables that are missing."""
    DIRECTORY.create_all(op.get_bind())
