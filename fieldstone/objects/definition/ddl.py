"""The only SQL text of this room: changes of tables.

What comes in: names allotted by the metadata room and columns of compiled objects, never anything from a request. What
goes out: statements, run on a unit that may change tables. Everything here is a change of the catalogue, done at once
whatever the size of the table. Who calls it: the plan's steps and the jobs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, CreateTable

from fieldstone.objects.types import TableIndex
from fieldstone.platform.database.prepared import DIALECTS
from fieldstone.platform.kernel.context import Unit

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_COLUMNS = {
    "postgresql": "SELECT column_name FROM information_schema.columns"
    " WHERE table_schema = current_schema() AND table_name = :name",
    "sqlite": "SELECT name FROM pragma_table_info(:name)",
}


def quoted_name(name: str) -> str:
    """A name as SQL. Raises ValueError for anything that is no name of ours."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name of a table, column or index")
    return f'"{name}"'


def create_table(unit: Unit, table: sa.Table) -> None:
    """Create the table unless it exists; then add the columns that it lacks."""
    unit.run(CreateTable(table, if_not_exists=True))
    add_columns(unit, table, table.columns)


def add_columns(unit: Unit, table: sa.Table, columns: Iterable[sa.Column[Any]], filled: Sequence[Any] = ()) -> None:
    """Add those columns that the table lacks. `filled` are values for existing rows, one for each column."""
    present = present_columns(unit, table.name)
    values = list(filled)
    for position, column in enumerate(columns):
        if column.name not in present:
            value = values[position] if position < len(values) else None
            _add_column(unit, table, column, value)


def present_columns(unit: Unit, table: str) -> frozenset[str]:
    """The names of the columns that a table has; none when there is no such table."""
    return frozenset(row[0] for row in unit.rows(sa.text(_COLUMNS[unit.dialect]), {"name": table}))


def _add_column(unit: Unit, table: sa.Table, column: sa.Column[Any], value: Any) -> None:
    dialect = DIALECTS[unit.dialect]
    specification = str(CreateColumn(column).compile(dialect=dialect))
    alter = f"ALTER TABLE {quoted_name(table.name)}"
    if value is None:
        unit.run(_statement(f"{alter} ADD COLUMN {specification}"))
    elif unit.dialect == "postgresql":
        literal = _literal(column, value)
        unit.run(_statement(f"{alter} ADD COLUMN {specification} DEFAULT {literal}"))
        unit.run(_statement(f"{alter} ALTER COLUMN {quoted_name(column.name)} DROP DEFAULT"))
    else:
        unit.run(_statement(f"{alter} ADD COLUMN {specification}"))
        unit.run(sa.update(table).values({column.name: value}))


def _literal(column: sa.Column[Any], value: Any) -> str:
    """The value as a PostgreSQL literal of unknown type, which takes the column's type."""
    processor = column.type.dialect_impl(DIALECTS["postgresql"]).bind_processor(DIALECTS["postgresql"])
    bound = processor(value) if processor else value
    text = "true" if bound is True else "false" if bound is False else str(bound)
    return "'" + text.replace("'", "''") + "'"


def _statement(sql: str) -> sa.TextClause:
    """SQL without parameters."""
    return sa.text(sql.replace("\\", "\\\\").replace(":", "\\:"))


def index_sql(index: TableIndex, *, online: bool = False, schema: str = "") -> str:
    """`CREATE INDEX`; `online` does not hold up writers (PostgreSQL, outside a transaction)."""
    columns = ", ".join(quoted_name(each.name) + (" DESC" if each.descending else "") for each in index.columns)
    words = ["CREATE UNIQUE INDEX" if index.unique else "CREATE INDEX", "CONCURRENTLY" if online else ""]
    table = f"{quoted_name(schema)}.{quoted_name(index.table)}" if schema else quoted_name(index.table)
    condition = " WHERE deleted_at IS NULL" if index.live else ""
    head = " ".join(word for word in words if word)
    return f"{head} IF NOT EXISTS {quoted_name(index.name)} ON {table} ({columns}){condition}"


def create_index(unit: Unit, index: TableIndex) -> None:
    """Create the index unless it exists. For small tables only."""
    unit.run(_statement(index_sql(index)))


def drop_index(unit: Unit, name: str) -> None:
    """Drop the index if it exists."""
    unit.run(_statement(f"DROP INDEX IF EXISTS {quoted_name(name)}"))


def create_index_online(connection: sa.Connection, index: TableIndex, schema: str) -> None:
    """Build an index on PostgreSQL without holding up writers. The connection must not be in a transaction."""
    found = sa.text(
        "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relname = :name"
    )
    valid = connection.execute(found, {"schema": schema, "name": index.name}).scalar()
    if valid is False:
        connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY {quoted_name(schema)}.{quoted_name(index.name)}")
    if valid is not True:
        connection.exec_driver_sql(index_sql(index, online=True, schema=schema))
