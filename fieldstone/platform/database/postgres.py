"""One transaction on one tenant's schema: BEGIN, the gate and the first calls in one send.

In: a SQLAlchemy engine of the serving login, the tenant's gate. The gate (function `fieldstone.gate`, see `wall`)
takes the shared metadata lock, checks the versions and sets role and search path for this transaction only.
A transaction that only reads is ended without waiting for the answer; the next user of the connection reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

import psycopg
import sqlalchemy as sa

from fieldstone.platform.database.errors import DRIVER_ERRORS, ConnectionLost, HomeMissing, PlanOutdated, translated
from fieldstone.platform.database.pipeline import Channel, Result, Step, StepFailed
from fieldstone.platform.database.session import Call, CallFailed, Outcome
from fieldstone.platform.kernel.context import DialectName
from fieldstone.platform.kernel.errors import Unavailable

Mode = Literal["read", "write"]

_BEGIN = {
    "read": Step(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", (), ""),
    "write": Step(b"BEGIN", (), ""),
}
_COMMIT = Step(b"COMMIT", (), "")
_GATE = b"SELECT version, access_version, state FROM fieldstone.gate($1, $2, $3, $4, $5)"
# No such table, role, schema; or a role the login may no longer take: the tenant was dropped.
_NO_HOME = frozenset({"42P01", "22023", "42704", "3F000"})
# The server ends a statement after its own limit; this much later the line itself must be dead.
_GRACE_SECONDS = 2.0


def channel_of(connection: sa.Connection) -> Channel:
    """The pipeline kept with a pooled connection."""
    return cast(Channel, connection.connection.info["channel"])


class PostgresSession:
    """See `session.Session`. `preamble` opens the transaction: BEGIN and what must precede the first call."""

    dialect: DialectName = "postgresql"

    def __init__(self, engine: sa.Engine, scope: str, preamble: Sequence[Step], mode: Mode, seconds: float) -> None:
        self._core = _connect(engine)
        self._channel = channel_of(self._core)
        self._scope = scope
        self._preamble: list[Step] = [_BEGIN[mode], *preamble]
        self.reads_only = mode == "read"
        self._seconds = seconds + _GRACE_SECONDS
        self._open = False
        self._uses_core = False
        self.sends = 0

    def open(self) -> list[Result]:
        """Begin now; the results of the preamble without BEGIN."""
        return self._send([])[1:]

    def run(self, calls: Sequence[Call]) -> list[Outcome]:
        before = 0 if self._open else len(self._preamble)
        return _outcomes(calls, self._send([self._step(call) for call in calls])[before:])

    def commit(self, calls: Sequence[Call]) -> list[Outcome]:
        if self.reads_only and self._open and not calls and not self._uses_core:
            self.sends += 1
            self._guarded_send(_COMMIT)
            self._open = False
            return []
        before = 0 if self._open else len(self._preamble)
        results = self._send([*(self._step(call) for call in calls), _COMMIT])
        self._open = False
        return _outcomes(calls, results[before:-1])

    def rollback(self) -> None:
        self._open = False
        driver = self._driver()
        try:
            driver.rollback()
        except psycopg.Error as error:
            self._give_up(error)

    def close(self) -> None:
        if self._open:
            self.rollback()
        self._core.close()

    def core(self) -> sa.Connection:
        if not self._open:
            self._send([])
        self._uses_core = True
        return self._core

    def _step(self, call: Call) -> Step:
        return Step(call.form.encoded, call.values, self._scope)

    def _send(self, steps: list[Step]) -> list[Result]:
        opening = 0 if self._open else len(self._preamble)
        if opening:
            steps = [*self._preamble, *steps]
        self.sends += 1
        # From here on there may be a transaction to roll back, whatever happens.
        self._open = True
        try:
            return self._channel.run(steps, self._seconds)
        except StepFailed as failure:
            raise self._failed(failure, opening) from failure.error
        except psycopg.Error as error:
            raise self._give_up(error) from error

    def _failed(self, failure: StepFailed, opening: int) -> Exception:
        if failure.index < opening and failure.error.sqlstate in _NO_HOME:
            return HomeMissing(str(failure.error))
        cause = translated(failure.error)
        if isinstance(cause, PlanOutdated | ConnectionLost):
            self._core.invalidate()
        if failure.index < opening or isinstance(cause, PlanOutdated | ConnectionLost):
            return cause
        return CallFailed(failure.index - opening, cause)

    def _guarded_send(self, step: Step) -> None:
        try:
            self._channel.send(step)
        except psycopg.Error as error:
            raise self._give_up(error) from error

    def _give_up(self, error: psycopg.Error) -> Exception:
        """The connection is in an unknown state: throw it away."""
        self._open = False
        self._core.invalidate()
        cause = translated(error)
        return cause if isinstance(cause, ConnectionLost) else ConnectionLost(str(error))

    def _driver(self) -> psycopg.Connection[Any]:
        return cast("psycopg.Connection[Any]", self._core.connection.driver_connection)


def _outcomes(calls: Sequence[Call], results: Sequence[Result]) -> list[Outcome]:
    return [
        Outcome(call.form.converted(result.rows), result.changed) for call, result in zip(calls, results, strict=True)
    ]


def gate_step(tenant: str, schema: str, role: str, version: int | None, access_version: int | None) -> Step:
    """The gate as the first call; versions of None accept what is there and answer it."""
    return Step(_GATE, (tenant, schema, role, version, access_version), "gate")


def _connect(engine: sa.Engine) -> sa.Connection:
    try:
        return engine.connect()
    except DRIVER_ERRORS as error:
        raise translated(error) from error
    except sa.exc.TimeoutError as error:
        raise Unavailable(retry_after=1) from error
