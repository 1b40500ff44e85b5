"""Alembic's environment: runs the revisions on the connection it is given, whose owner commits. See `migrate`."""

from alembic import context

connection = context.config.attributes["connection"]
# The caller's transaction holds all revisions together; Alembic must not end it.
context.configure(connection=connection, transactional_ddl=False)
context.run_migrations()
