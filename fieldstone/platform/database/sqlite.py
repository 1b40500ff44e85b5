"""One transaction on one tenant's file.

Readers begin deferred on a connection that may not write; writers pass the fair gate (`turn`), then BEGIN IMMEDIATE.
The check of the versions is the transaction's first statement, so that what follows reads the same state.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, cast

import sqlalchemy as sa

from fieldstone.platform.database.errors import DRIVER_ERRORS, HomeMissing, IntegrityError, translated
from fieldstone.platform.database.home import READ_STATE
from fieldstone.platform.database.prepared import Form
from fieldstone.platform.database.session import Call, CallFailed, Outcome
from fieldstone.platform.database.turns import Turn
from fieldstone.platform.kernel.context import DialectName

_READ_STATE = READ_STATE.form("sqlite", {}).sql
_INDEXES = 'SELECT name FROM pragma_index_list(?) WHERE "unique"'
_INDEX_COLUMNS = "SELECT name FROM pragma_index_info(?) ORDER BY seqno"


class SqliteSession:
    """See `session.Session`. `turn` is the writer's place in the queue, None for a reader."""

    dialect: DialectName = "sqlite"

    def __init__(self, engine: sa.Engine, turn: Turn | None, check: Callable[[int, int, str], None]) -> None:
        self._turn = turn
        self.reads_only = turn is None
        self._check = check
        self._open = False
        self.sends = 0
        if turn is not None:
            turn.take()
        try:
            self._core = engine.connect()
            self._driver = cast(sqlite3.Connection, self._core.connection.driver_connection)
        except DRIVER_ERRORS as error:
            self._end_turn()
            raise translated(error) from error
        except BaseException:
            self._end_turn()
            raise

    def open(self) -> None:
        """Begin now, and check the versions."""
        try:
            self._driver.execute("BEGIN" if self._turn is None else "BEGIN IMMEDIATE")
            self._open = True
            found = self._driver.execute(_READ_STATE).fetchone()
        except sqlite3.OperationalError as error:
            missing = "no such table" in str(error)
            raise (HomeMissing(str(error)) if missing else translated(error)) from error
        self._check(*found)

    def run(self, calls: Sequence[Call]) -> list[Outcome]:
        if not self._open:
            self.open()
        self.sends += len(calls)
        return [self._one(index, call) for index, call in enumerate(calls)]

    def commit(self, calls: Sequence[Call]) -> list[Outcome]:
        outcomes = self.run(calls)
        try:
            self._driver.execute("COMMIT")
            self._open = False
            return outcomes
        except DRIVER_ERRORS as error:
            raise translated(error) from error

    def rollback(self) -> None:
        self._open = False
        if self._driver.in_transaction:
            self._driver.execute("ROLLBACK")

    def close(self) -> None:
        try:
            if self._open:
                self.rollback()
            self._core.close()
        finally:
            self._end_turn()

    def core(self) -> sa.Connection:
        if not self._open:
            self.open()
        return self._core

    def _one(self, index: int, call: Call) -> Outcome:
        try:
            return self._outcome(call.form, call.values)
        except DRIVER_ERRORS as error:
            raise CallFailed(index, named_constraint(self._driver, translated(error))) from error

    def _outcome(self, form: Form, values: list[Any]) -> Outcome:
        cursor = self._driver.execute(form.sql, values)
        rows = form.converted(cursor.fetchall()) if cursor.description else []
        return Outcome(rows, len(rows) if cursor.rowcount < 0 else cursor.rowcount)

    def _end_turn(self) -> None:
        if self._turn is not None:
            self._turn.end()
            self._turn = None


def named_constraint(driver: sqlite3.Connection, error: Exception) -> Exception:
    """SQLite names the columns of a broken unique index; find the index, as PostgreSQL would name it."""
    if not isinstance(error, IntegrityError) or error.kind != "unique" or error.constraint:
        return error
    for (name,) in driver.execute(_INDEXES, (error.table,)).fetchall():
        columns = tuple(row[0] for row in driver.execute(_INDEX_COLUMNS, (name,)))
        if columns == error.columns and not name.startswith("sqlite_autoindex"):
            return IntegrityError(error.kind, name, error.table, error.columns)
    return error
