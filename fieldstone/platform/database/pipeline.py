"""Several statements in one send: libpq's pipeline mode on a connection that SQLAlchemy pools.

In: steps (SQL text, positional Python values, whether to keep the statement prepared). Out: one result a step, as
rows of Python values. psycopg's own pipeline costs about 150 us of CPU a statement, this one about 15; it uses
psycopg's public `pq` wrapper and `Transformer` and leaves the connection usable by psycopg between calls.
One `Channel` per driver connection; used by `postgres.PostgresSession`, never by two threads at once.
"""

from __future__ import annotations

import select
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result

PREPARED_PER_CONNECTION = 400

_TUPLES = pq.ExecStatus.TUPLES_OK
_DONE = pq.ExecStatus.COMMAND_OK
_SYNC = pq.ExecStatus.PIPELINE_SYNC
_ABORTED = pq.ExecStatus.PIPELINE_ABORTED


class Step(NamedTuple):
    """`scope` not None: keep the statement prepared under (scope, sql); None: send it as text."""

    sql: bytes
    values: Sequence[Any]
    scope: str | None


class Result(NamedTuple):
    rows: list[tuple[Any, ...]]
    changed: int


class StepFailed(Exception):
    """The database refused the step at `index`; those after it did not run."""

    def __init__(self, index: int, error: psycopg.Error) -> None:
        super().__init__(index, error)
        self.index = index
        self.error = error


class _Sent(NamedTuple):
    """What to expect for one message: the step it belongs to (-1: housekeeping) and the statement it prepares."""

    step: int
    prepares: tuple[Any, ...] | None


class Channel:
    """The pipeline of one connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._pg = connection.pgconn
        self._transform = Transformer(connection)
        self._poll = select.poll()
        self._poll.register(self._pg.socket, select.POLLIN)
        self._prepared: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._counter = 0
        self._owing: list[_Sent] = []

    def run(self, steps: Sequence[Step], seconds: float) -> list[Result]:
        """Send all steps, wait for all results. Raises `StepFailed`, or `psycopg.OperationalError` when cut off."""
        sent = self._send(steps)
        return self._finish(sent, len(steps), seconds)

    def send(self, step: Step) -> None:
        """Send a step whose result nobody waits for; `settle` reads it before the connection is used again."""
        self._owing = self._send((step,))

    def settle(self, seconds: float) -> None:
        """Read what `send` left. Raises `psycopg.Error` when that step failed, or the server has hung up."""
        if not self._owing:
            # An idle server says nothing but farewell: its message first, then the end of the stream.
            while self._poll.poll(0):
                self._pg.consume_input()
            return
        sent, self._owing = self._owing, []
        try:
            self._finish(sent, 1, seconds)
        except StepFailed as failure:
            raise failure.error from None

    def _send(self, steps: Sequence[Step]) -> list[_Sent]:
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        sent: list[_Sent] = self._drop_oldest()
        preparing: dict[tuple[Any, ...], bytes] = {}
        for index, step in enumerate(steps):
            self._send_step(index, step, sent, preparing)
        self._pg.pipeline_sync()
        self._flush()
        return sent

    def _send_step(self, index: int, step: Step, sent: list[_Sent], preparing: dict[tuple[Any, ...], bytes]) -> None:
        values, types = self._dumped(step.values)
        if step.scope is None:
            self._pg.send_query_params(step.sql, values, types)
            sent.append(_Sent(index, None))
            return
        key = (step.scope, step.sql, types)
        name = self._prepared.get(key) or preparing.get(key)
        if name is None:
            self._counter += 1
            name = preparing[key] = b"fs_%d" % self._counter
            self._pg.send_prepare(name, step.sql, types)
            sent.append(_Sent(index, (key, name)))
        elif key in self._prepared:
            self._prepared.move_to_end(key)
        self._pg.send_query_prepared(name, values)
        sent.append(_Sent(index, None))

    def _dumped(self, values: Sequence[Any]) -> tuple[list[Any], tuple[int, ...]]:
        if not values:
            return [], ()
        dumped = self._transform.dump_sequence(values, [PyFormat.TEXT] * len(values))
        return list(dumped), tuple(self._transform.types or ())

    def _drop_oldest(self) -> list[_Sent]:
        dropped: list[_Sent] = []
        while len(self._prepared) > PREPARED_PER_CONNECTION:
            _, name = self._prepared.popitem(last=False)
            self._pg.send_query_params(b"DEALLOCATE " + name, None)
            dropped.append(_Sent(-1, None))
        return dropped

    def _flush(self) -> None:
        """Push everything out; read meanwhile, or both sides could wait for each other's full buffers."""
        while self._pg.flush():
            self._poll.modify(self._pg.socket, select.POLLIN | select.POLLOUT)
            self._poll.poll(1000)
            self._pg.consume_input()
            self._poll.modify(self._pg.socket, select.POLLIN)

    def _finish(self, sent: Sequence[_Sent], count: int, seconds: float) -> list[Result]:
        until = time.monotonic() + seconds
        results: list[Result | None] = [None] * count
        failure: StepFailed | None = None
        for expected in sent:
            raw = self._next(until)
            self._next(until)  # the end mark that follows each result
            if raw is None or raw.status == _ABORTED:
                continue
            if raw.status not in (_TUPLES, _DONE):
                failure = failure or StepFailed(max(expected.step, 0), self._error(raw))
            elif expected.prepares is not None:
                key, name = expected.prepares
                self._prepared[key] = name
            elif expected.step >= 0:
                results[expected.step] = self._loaded(raw)
        self._read_sync(until)
        self._pg.exit_pipeline_mode()
        if failure is not None:
            raise failure
        return [result for result in results if result is not None]

    def _read_sync(self, until: float) -> None:
        while True:
            raw = self._next(until)
            if raw is not None and raw.status == _SYNC:
                return

    def _next(self, until: float) -> pq.abc.PGresult | None:
        while self._pg.is_busy():
            left = until - time.monotonic()
            if left <= 0 or not self._poll.poll(left * 1000):
                raise psycopg.OperationalError("the database server does not answer")
            self._pg.consume_input()
        result = self._pg.get_result()
        if self._pg.status == pq.ConnStatus.BAD:
            raise psycopg.OperationalError("the connection to the database server broke")
        return result

    def _error(self, raw: pq.abc.PGresult) -> psycopg.Error:
        return error_from_result(raw, encoding="utf-8")

    def _loaded(self, raw: pq.abc.PGresult) -> Result:
        if raw.status == _DONE:
            return Result([], raw.command_tuples or 0)
        self._transform.set_pgresult(raw)
        rows = self._transform.load_rows(0, raw.ntuples, tuple)
        return Result(rows, raw.command_tuples or 0)
