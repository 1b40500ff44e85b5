"""What the database says, in our words: one translation for both drivers and for SQLAlchemy's wrappers.

Called by the sessions around every driver call. `RunAgain`, `Moved` and `ConnectionLost` are for `Units` only, which
answers them by running the whole unit again; the rest goes up to people.
"""

from __future__ import annotations

import sqlite3
from typing import Literal

import psycopg
import sqlalchemy as sa

from fieldstone.platform.kernel.errors import Conflict, Invalid, Unavailable

ConstraintKind = Literal["unique", "foreign_key", "not_null", "check"]
DRIVER_ERRORS = (psycopg.Error, sqlite3.Error, sa.exc.DBAPIError, OverflowError)

_KINDS: dict[str, ConstraintKind] = {
    "23505": "unique",
    "23503": "foreign_key",
    "23502": "not_null",
    "23514": "check",
    "23P01": "unique",
}
_SQLITE_KINDS: tuple[tuple[str, ConstraintKind], ...] = (
    ("UNIQUE constraint failed: ", "unique"),
    ("NOT NULL constraint failed: ", "not_null"),
    ("CHECK constraint failed: ", "check"),
    ("FOREIGN KEY constraint failed", "foreign_key"),
)
_LOST_STATES = frozenset({"57P01", "57P02", "57P03", "25P03", "57P05"})
_SQLITE_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_INTERRUPT})
_SQLITE_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})


class IntegrityError(Conflict):
    """A value collides with another record or refers to a missing one."""

    def __init__(self, kind: ConstraintKind, constraint: str, table: str, columns: tuple[str, ...]) -> None:
        """`constraint` is the name of the constraint or unique index, on both databases ("" where there is none)."""
        super().__init__()
        self.kind = kind
        self.constraint = constraint
        self.table = table
        self.columns = columns


class RunAgain(Exception):
    """A deadlock or a serialization failure: the whole unit may succeed when run again."""


class PlanOutdated(RunAgain):
    """The connection's prepared statements no longer fit the tables: run again on a fresh connection."""


class ConnectionLost(Exception):
    """The connection broke; nothing was committed unless the commit was under way."""


class Moved(Exception):
    """The gate found other versions than the caller's, or a tenant that is not active."""

    def __init__(self, version: int, access_version: int, state: str) -> None:
        super().__init__(version, access_version, state)
        self.version = version
        self.access_version = access_version
        self.state = state


class HomeMissing(Exception):
    """There is no such schema or file: the tenant was dropped."""


def translated(error: BaseException) -> Exception:
    """The exception to raise instead of a driver's; what has no translation is a defect and comes back as it is."""
    if isinstance(error, sa.exc.DBAPIError) and error.orig is not None:
        return translated(error.orig)
    if isinstance(error, psycopg.Error):
        return _from_postgresql(error)
    if isinstance(error, sqlite3.Error):
        return _from_sqlite(error)
    if isinstance(error, OverflowError):
        return Invalid("A number is too large.")
    return error if isinstance(error, Exception) else RuntimeError(str(error))


def available(error: Exception) -> Exception:
    """For callers that do not run again: a lost connection or a deadlock is a reason to come back later."""
    return Unavailable(retry_after=1) if isinstance(error, ConnectionLost | RunAgain) else error


def _from_postgresql(error: psycopg.Error) -> Exception:
    state = error.sqlstate or ""
    if state in _KINDS:
        return _broken_constraint(error, _KINDS[state])
    special = _special(error, state)
    if special is not None:
        return special
    if state.startswith(("22", "54")):
        return Invalid("A value does not fit its field.")
    if state in ("55P03", "57014") or state.startswith("53"):
        return Unavailable(retry_after=1)
    if state.startswith("08") or state in _LOST_STATES or (not state and isinstance(error, psycopg.OperationalError)):
        return ConnectionLost(str(error))
    return error


def _special(error: psycopg.Error, state: str) -> Exception | None:
    message = error.diag.message_primary or ""
    if state == "FS001":
        version, access_version, tenant_state = (error.diag.message_detail or "0 0 gone").split(" ")
        return Moved(int(version), int(access_version), tenant_state)
    if state == "FS003":
        return Conflict()
    if state in ("40001", "40P01"):
        return RunAgain(message)
    if state == "26000" or (state == "0A000" and "cached plan" in message):
        return PlanOutdated(message)
    return None


def _broken_constraint(error: psycopg.Error, kind: ConstraintKind) -> IntegrityError:
    diag = error.diag
    columns = (diag.column_name,) if diag.column_name else ()
    return IntegrityError(kind, diag.constraint_name or "", diag.table_name or "", columns)


def _from_sqlite(error: sqlite3.Error) -> Exception:
    text = str(error)
    for prefix, kind in _SQLITE_KINDS:
        if text.startswith(prefix):
            return _sqlite_constraint(kind, text.removeprefix(prefix))
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in _SQLITE_BUSY or code in _SQLITE_FULL:
        return Unavailable(retry_after=1)
    if code == sqlite3.SQLITE_TOOBIG or isinstance(error, sqlite3.DataError):
        return Invalid("A value is too large.")
    return error


def _sqlite_constraint(kind: ConstraintKind, what: str) -> IntegrityError:
    """SQLite names columns ("t.a, t.b"), or an index on expressions ("index 'name'"), or a check by its name."""
    if what.startswith("index '"):
        return IntegrityError(kind, what.removeprefix("index '").rstrip("'"), "", ())
    if kind == "check":
        return IntegrityError(kind, what, "", ())
    parts = [part.split(".", 1) for part in what.split(", ") if "." in part]
    return IntegrityError(kind, "", parts[0][0] if parts else "", tuple(part[1] for part in parts))
