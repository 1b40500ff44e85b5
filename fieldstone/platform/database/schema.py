"""The tables of a `MetaData` as one script, compiled once per dialect: making a home is one send, not forty."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from fieldstone.platform.database.prepared import DIALECTS
from fieldstone.platform.kernel.context import DialectName


@lru_cache(maxsize=8)
def creation_script(metadata: sa.MetaData, dialect: DialectName) -> str:
    """All CREATE statements, in order of their references."""
    statements: list[str] = []
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=DIALECTS[dialect])))
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            statements.append(str(CreateIndex(index).compile(dialect=DIALECTS[dialect])))
    return ";\n".join(statement.strip() for statement in statements) + ";"


def run_script(connection: sa.Connection, script: str) -> None:
    """Run SQL of ours as it is; the PostgreSQL driver would take a percent sign for a placeholder."""
    connection.exec_driver_sql(script.replace("%", "%%") if connection.dialect.name == "postgresql" else script)


def script_mark(script: str) -> str:
    """Short mark of a script, to tell whether a template made from it is still right."""
    return hashlib.sha256(script.encode()).hexdigest()[:12]
