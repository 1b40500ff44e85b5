"""The first tables of a tenant home: all that the rooms declare."""

from alembic import op

from fieldstone.platform.database.home import HOME

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables that are missing."""
    HOME.create_all(op.get_bind())
