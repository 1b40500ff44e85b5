"""What a unit of work needs from a database: run calls together, commit, roll back.

Two sessions implement it: `postgres.PostgresSession` sends calls in one pipeline, `sqlite.SqliteSession` runs them one
by one. Made by `engines`, used by `unit.SqlUnit` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import sqlalchemy as sa

from fieldstone.platform.database.prepared import Form, Row
from fieldstone.platform.kernel.context import DialectName


class Call(NamedTuple):
    """A form and its positional driver values."""

    form: Form
    values: list[Any]


class Outcome(NamedTuple):
    """Rows as Python values, and the number of rows read or changed."""

    rows: list[Row]
    changed: int


class CallFailed(Exception):
    """The call at `index` failed; `cause` is already translated."""

    def __init__(self, index: int, cause: Exception) -> None:
        super().__init__(index, cause)
        self.index = index
        self.cause = cause


class Session(Protocol):
    """One transaction on one tenant home, begun by its first use."""

    dialect: DialectName
    reads_only: bool
    sends: int

    def run(self, calls: Sequence[Call]) -> list[Outcome]:
        """Run the calls in order. Raises `CallFailed`; the later ones have then not run."""
        ...

    def commit(self, calls: Sequence[Call]) -> list[Outcome]:
        """Run the calls and commit, in one send where the database can. Raises `CallFailed` or a translated error."""
        ...

    def rollback(self) -> None: ...

    def close(self) -> None:
        """Give the connection back; rolls back what is still open."""
        ...

    def core(self) -> sa.Connection:
        """The SQLAlchemy connection this transaction runs on, after the gate."""
        ...
