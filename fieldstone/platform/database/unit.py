"""The open unit of work that services read and write through.

In: Core statements or `Prepared`s with named parameters. Out: rows as tuples of Python values, counts. Writes that
nobody needs an answer from are queued by `write_later` and leave with the next statement or with the commit, in the
same send. Only `Units` opens, commits and rolls back; a unit that met an error cannot be committed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import sqlalchemy as sa

from fieldstone.platform.database.errors import (
    DRIVER_ERRORS,
    ConnectionLost,
    HomeMissing,
    Moved,
    RunAgain,
    translated,
)
from fieldstone.platform.database.prepared import Form, Prepared, Row
from fieldstone.platform.database.session import Call, CallFailed, Outcome, Session
from fieldstone.platform.database.sqlite import named_constraint
from fieldstone.platform.kernel.context import DialectName
from fieldstone.platform.kernel.errors import Conflict, FieldstoneError, Invalid, Unavailable

Refusal = Callable[[Exception], Exception]
Parameters = Mapping[str, Any]

_NONE: Parameters = {}
_BATCH = 500
_WHOLE_UNIT = (RunAgain, ConnectionLost, Moved, HomeMissing)


class _Later(NamedTuple):
    call: Call
    refusal: Refusal | None


class SqlUnit:
    """One transaction on one tenant home. Implements the kernel's `Unit`."""

    def __init__(self, session: Session, tenant: str, seconds: float | None) -> None:
        """`seconds`: the unit refuses further statements after that long; None: no limit (exports, migrations)."""
        self._session = session
        self._tenant = tenant
        self._until = None if seconds is None else time.monotonic() + seconds
        self._later: list[_Later] = []
        self._after_commit: list[Callable[[], None]] = []
        self._failure: Exception | None = None
        self._savepoints = 0
        self._ended = False
        self.statements = 0

    @property
    def dialect(self) -> DialectName:
        return self._session.dialect

    @property
    def tenant(self) -> str:
        return self._tenant

    @property
    def sends(self) -> int:
        """How often something was sent to the database so far (SQLite: statements run)."""
        return self._session.sends

    @property
    def connection(self) -> sa.Connection:
        """The SQLAlchemy connection, with this transaction open on it. For rare paths: streaming, COPY, DDL."""
        self._check_usable()
        self.flush()
        return self._session.core()

    def rows(self, statement: Any, parameters: Parameters | None = None) -> list[Row]:
        """All rows, as tuples. Raises `IntegrityError`, `Invalid`, `Unavailable`."""
        return self._execute(statement, parameters or _NONE).rows

    def one(self, statement: Any, parameters: Parameters | None = None) -> Row | None:
        """The first row or None."""
        found = self.rows(statement, parameters)
        return found[0] if found else None

    def scalar(self, statement: Any, parameters: Parameters | None = None) -> Any:
        """The first column of the first row, or None."""
        found = self.one(statement, parameters)
        return found[0] if found else None

    def last_rows(self, statement: Prepared, parameters: Parameters | None = None) -> list[Row]:
        """The rows of the last statement of a unit that only reads: its end goes along in the same send."""
        if not self._session.reads_only:
            raise RuntimeError("only a unit that reads can end with a statement")
        self._check_usable()
        self.statements += 1
        outcomes = self._end([self._call(statement, parameters or _NONE)], ())
        self._ended = True
        return outcomes[-1].rows

    def returning(self, statement: Any, parameters: Parameters | None = None) -> list[Row]:
        """The rows a changing statement returns (RETURNING)."""
        return self.rows(statement, parameters)

    def run(self, statement: Any, parameters: Parameters | None = None) -> int:
        """Run a changing statement; the number of rows it changed."""
        return self._execute(statement, parameters or _NONE).changed

    def run_many(self, statement: Any, parameters: Sequence[Parameters]) -> int:
        """Run one statement for each set of parameters, in as few sends as possible; the rows changed in all."""
        if not isinstance(statement, Prepared):
            return sum(self.run(statement, each) for each in parameters)
        changed = 0
        for start in range(0, len(parameters), _BATCH):
            calls = [self._call(statement, each) for each in parameters[start : start + _BATCH]]
            changed += sum(outcome.changed for outcome in self._send(calls))
        return changed

    def write_later(
        self,
        statement: Prepared,
        parameters: Parameters,
        *,
        expect: int | None = 1,
        refusal: Refusal | None = None,
    ) -> None:
        """Queue a change that nobody needs an answer from; it leaves with the next statement or with the commit.

        `expect`: the number of rows it must change, else the unit fails with `Conflict` (None: any number).
        `refusal`: makes the exception to raise out of an `IntegrityError` or that `Conflict`, because by then the
        service that queued it may have returned.
        """
        self._check_usable()
        if self.dialect == "sqlite":
            self._write_now(statement, parameters, expect, refusal)
            return
        form = statement.form("postgresql", parameters) if expect is None else statement.expecting(parameters, expect)
        self._later.append(_Later(Call(form, form.values(parameters)), refusal))
        self.statements += 1

    def flush(self) -> None:
        """Send what is queued now, so that its refusals are raised here."""
        if self._later:
            self._send([])

    def after_commit(self, function: Callable[[], None]) -> None:
        """Call `function` once the unit has been committed; never when it is rolled back."""
        self._after_commit.append(function)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What happens inside is undone when it raises, and the unit stays usable."""
        self.flush()
        self._savepoints += 1
        name = f"fs_{self._savepoints}"
        callbacks = len(self._after_commit)
        self._plain(f"SAVEPOINT {name}")
        try:
            yield
            self.flush()
        except _WHOLE_UNIT:
            raise
        except Exception:
            self._failure = None
            self._later.clear()
            del self._after_commit[callbacks:]
            self._plain(f"ROLLBACK TO SAVEPOINT {name}")
            raise
        finally:
            self._savepoints -= 1
        self._plain(f"RELEASE SAVEPOINT {name}")

    def commit(self) -> None:
        """For `Units` only: send what is queued and commit. Raises what the database refuses, then nothing is kept."""
        if self._failure is not None:
            raise self._failure
        if not self._ended:
            later, self._later = self._later, []
            self._end([item.call for item in later], later)

    def committed(self) -> None:
        """For `Units` only: run what was to happen after the commit."""
        for function in self._after_commit:
            function()

    def close(self) -> None:
        """For `Units` only: roll back what is not committed, give the connection back."""
        self._session.close()

    def _end(self, calls: list[Call], later: Sequence[_Later]) -> list[Outcome]:
        try:
            return self._session.commit(calls)
        except CallFailed as failed:
            raise self._refused(failed, later) from failed.cause
        except Exception as error:
            self._failure = error
            raise

    def _execute(self, statement: Any, parameters: Parameters) -> Outcome:
        if isinstance(statement, Prepared):
            return self._send([self._call(statement, parameters)])[-1]
        return self._through_core(statement, parameters)

    def _call(self, statement: Prepared, parameters: Parameters) -> Call:
        form = statement.form(self.dialect, parameters)
        return Call(form, form.values(parameters))

    def _send(self, calls: list[Call]) -> list[Outcome]:
        self._check_usable()
        self.statements += len(calls)
        later, self._later = self._later, []
        try:
            outcomes = self._session.run([*(item.call for item in later), *calls])
        except CallFailed as failed:
            raise self._refused(failed, later) from failed.cause
        except Exception as error:
            self._failure = error
            raise
        return outcomes[len(later) :]

    def _refused(self, failed: CallFailed, later: Sequence[_Later]) -> Exception:
        error = failed.cause
        refusal = later[failed.index].refusal if failed.index < len(later) else None
        if refusal is not None and isinstance(error, Conflict):
            error = refusal(error)
        self._failure = error
        return error

    def _write_now(
        self, statement: Prepared, parameters: Parameters, expect: int | None, refusal: Refusal | None
    ) -> None:
        try:
            changed = self._send([self._call(statement, parameters)])[-1].changed
            if expect is not None and changed != expect:
                raise Conflict
        except Conflict as error:
            self._failure = error if refusal is None else refusal(error)
            raise self._failure from error

    def _through_core(self, statement: Any, parameters: Parameters) -> Outcome:
        connection = self.connection
        self.statements += 1
        try:
            result = connection.execute(statement, dict(parameters))
            rows = [tuple(row) for row in result] if result.returns_rows else []
            return Outcome(rows, len(rows) if result.rowcount < 0 else result.rowcount)
        except DRIVER_ERRORS as error:
            self._failure = self._translated(error)
            raise self._failure from error
        except sa.exc.StatementError as error:
            raise _bad_value(error) from error

    def _translated(self, error: BaseException) -> Exception:
        cause = translated(error)
        if self.dialect == "sqlite":
            driver: Any = self._session.core().connection.driver_connection
            return named_constraint(driver, cause)
        return cause

    def _plain(self, sql: str) -> None:
        self._send([Call(Form(sql, (), (), changes=False), [])])

    def _check_usable(self) -> None:
        if self._ended:
            raise RuntimeError("this unit has ended with its last statement")
        if self._failure is not None:
            raise RuntimeError("this unit failed and can only be rolled back") from self._failure
        if self._until is not None and time.monotonic() > self._until:
            self._failure = Unavailable(retry_after=1)
            raise self._failure


def _bad_value(error: sa.exc.StatementError) -> Exception:
    """A value that its column type refused, while SQLAlchemy was binding it."""
    cause = error.orig
    if isinstance(cause, FieldstoneError):
        return cause
    if isinstance(cause, ValueError):
        return Invalid("A value does not fit: {reason}.", reason=str(cause))
    return error


@contextmanager
def committed(unit: SqlUnit) -> Iterator[SqlUnit]:
    """For tenancy and migrations, whose units pass by `Units`: commit when the block ends well, else roll back."""
    try:
        yield unit
        unit.commit()
    finally:
        unit.close()
