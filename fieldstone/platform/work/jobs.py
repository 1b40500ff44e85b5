"""Jobs: long work with progress, a result, an error file, cancelling, undoing, and going on after a kill.

`Jobs.start` writes the job and the message that runs it in the caller's unit. A `JobKind.run` gets a `JobRun`, works
in batches, each its own unit, and keeps with `save` where it is, in the unit of the batch itself; after a kill it is
called again and reads `saved`. Who may see which job is decided by the API.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from fieldstone.platform.clock import Clock
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Id, Json, UtcDateTime
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.files import FileStore
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import Conflict, NotFound
from fieldstone.platform.kernel.ids import new_id
from fieldstone.platform.kernel.registry import Registry
from fieldstone.platform.units import Units
from fieldstone.platform.work.outbox import Claim, Outbox, must_hold
from fieldstone.platform.work.tables import CANCELLED, DONE, JOBS, QUEUED, RUNNING, job

TOPIC = "job"
PROGRESS_SECONDS = 0.5

_ID = sa.bindparam("job_id", type_=Id())
_UNFINISHED = job.c.state.in_([sa.literal_column(f"'{QUEUED}'"), sa.literal_column(f"'{RUNNING}'")])

_INSERT = Prepared(sa.insert(job), columns=list(job.c.keys()))
_GET = Prepared(sa.select(job).where(job.c.id == _ID))
_START = Prepared(
    sa.update(job)
    .where(job.c.id == _ID, _UNFINISHED)
    .values(
        state=RUNNING,
        started_at=sa.func.coalesce(job.c.started_at, sa.bindparam("now", type_=UtcDateTime())),
    )
)
_PROGRESS = Prepared(
    sa.update(job)
    .where(job.c.id == _ID, _UNFINISHED)
    .values(
        done=sa.bindparam("is_done", type_=sa.BigInteger),
        total=sa.bindparam("of", type_=sa.BigInteger),
        errors=sa.bindparam("wrong", type_=sa.BigInteger),
    )
    .returning(job.c.cancel_requested)
)
_SAVE = Prepared(sa.update(job).where(job.c.id == _ID).values(saved=sa.bindparam("kept", type_=Json())))
_FINISH = Prepared(
    sa.update(job)
    .where(job.c.id == _ID, _UNFINISHED)
    .values(
        state=sa.bindparam("end_state", type_=sa.Text),
        result=sa.bindparam("outcome", type_=Json()),
        error_file=sa.bindparam("file", type_=Json()),
        message=sa.bindparam("said", type_=sa.Text),
        done=sa.bindparam("is_done", type_=sa.BigInteger),
        total=sa.bindparam("of", type_=sa.BigInteger),
        errors=sa.bindparam("wrong", type_=sa.BigInteger),
        finished_at=sa.bindparam("now", type_=UtcDateTime()),
    )
)


class JobCancelled(Exception):
    """Raised by `JobRun.stop_if_cancelled`; ends the run as cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it stands. `error_file` is {"name", "key", "size", "sha256", "media_type"}."""

    id: str
    kind: str
    state: str
    input: Mapping[str, Any]
    user_id: str | None
    undo_of: str | None
    done: int
    total: int | None
    errors: int
    saved: Mapping[str, Any]
    result: Mapping[str, Any] | None
    error_file: Mapping[str, Any] | None
    message: str | None
    cancel_requested: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class End(NamedTuple):
    """How a run ended: state, result, and what to tell people when it failed."""

    state: str
    result: Mapping[str, Any] | None
    message: str | None


class JobRun:
    """One run of a job, in the hands of its kind. Not shared by threads."""

    def __init__(self, found: Job, held: Claim, units: Units, files: FileStore) -> None:
        caller = held.message.caller
        self.id = found.id
        self.tenant = caller.tenant
        self.caller = caller
        self.input = found.input
        self.saved = found.saved
        self.units = units
        self.done = found.done
        self.total = found.total
        self.errors = found.errors
        self.file: Mapping[str, Any] | None = found.error_file
        self._held = held
        self._files = files
        self._cancelled = found.cancel_requested
        self._told = 0.0

    def progress(self, done: int, total: int | None = None, errors: int | None = None) -> None:
        """How far it is; written now and then, and at the end."""
        self.done = done
        self.total = self.total if total is None else total
        self.errors = self.errors if errors is None else errors
        if time.monotonic() - self._told >= PROGRESS_SECONDS:
            self._tell()

    def cancelled(self) -> bool:
        """Whether somebody wants it to stop; asked between batches."""
        if not self._cancelled:
            self._tell()
        return self._cancelled

    def stop_if_cancelled(self) -> None:
        """Raises `JobCancelled` when somebody wants it to stop."""
        if self.cancelled():
            raise JobCancelled

    def save(self, unit: SqlUnit, kept: Mapping[str, Any]) -> None:
        """Keep where it is, in the unit of the batch; a run after a kill finds it in `saved`.

        The unit fails with `LeaseLost` when another worker has taken the job over: the batch is then not done twice.
        """
        must_hold(unit, self._held)
        unit.write_later(_SAVE, {"job_id": self.id, "kept": kept})
        self.saved = kept

    def error_file(self, name: str, content: bytes | Iterable[bytes]) -> None:
        """The file that tells what went wrong, row by row."""
        ref = self._files.put(self.tenant, [content] if isinstance(content, bytes) else content)
        self.file = {"name": name, **asdict(ref)}

    def _tell(self) -> None:
        self._told = time.monotonic()
        parameters = {"job_id": self.id, "is_done": self.done, "of": self.total, "wrong": self.errors}
        system = self._held.message.system_caller
        row = self.units.write(system, lambda ctx, unit: unit.one(_PROGRESS, parameters))
        self._cancelled = row is None or bool(row[0])


RunJob = Callable[[JobRun], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """`run` returns the result. `undo` gets a run whose input is {"input", "result"} of the job to undo."""

    name: str
    run: RunJob
    cancel_ok: bool = True
    undo: RunJob | None = None


class Jobs:
    """Starting, watching, cancelling and undoing jobs."""

    def __init__(self, kinds: Registry[JobKind], outbox: Outbox, clock: Clock) -> None:
        self._kinds = kinds
        self._outbox = outbox
        self._clock = clock

    def start(
        self,
        ctx: Context,
        unit: SqlUnit,
        kind: str,
        input: Mapping[str, Any],
        *,
        total: int | None = None,
    ) -> str:
        """Queue a job that runs once the unit has committed; its id. Raises `NotFound` for an unknown kind."""
        return self._queue(ctx, unit, self._kinds[kind].name, input, total, None)

    def get(self, unit: SqlUnit, job_id: str) -> Job:
        """The job. Raises `NotFound`."""
        row = unit.one(_GET, {"job_id": job_id})
        if row is None:
            raise NotFound
        return Job(**dict(zip(job.c.keys(), row, strict=True)))

    def list(self, unit: SqlUnit, *, user_id: str | None = None, limit: int = 50) -> Sequence[Job]:
        """The newest jobs, of everybody or of one user."""
        query = sa.select(job).order_by(job.c.created_at.desc(), job.c.id.desc()).limit(limit)
        if user_id is not None:
            query = query.where(job.c.user_id == user_id)
        return [Job(**dict(zip(job.c.keys(), row, strict=True))) for row in unit.rows(query)]

    def cancel(self, ctx: Context, unit: SqlUnit, job_id: str) -> None:
        """Have it stopped: at once when queued, between two batches when running. Raises `NotFound`, `Conflict`."""
        found = self.get(unit, job_id)
        if found.state not in (QUEUED, RUNNING):
            raise Conflict("This job is {state}.", state=found.state)
        if not self._kinds[found.kind].cancel_ok:
            raise Conflict("Jobs of this kind cannot be cancelled.")
        waiting = sa.update(job).where(job.c.id == job_id, job.c.state == QUEUED)
        running = sa.update(job).where(job.c.id == job_id, job.c.state == RUNNING)
        at_once = waiting.values(state=CANCELLED, cancel_requested=True, finished_at=self._clock.now())
        if not unit.run(at_once) and not unit.run(running.values(cancel_requested=True)):
            raise Conflict("This job has just ended.")

    def undo(self, ctx: Context, unit: SqlUnit, job_id: str) -> str:
        """Queue the undoing of a job that is done; the id of the new job. Raises `NotFound`, `Conflict`."""
        found = self.get(unit, job_id)
        if found.state not in (DONE, CANCELLED) or self._kinds[found.kind].undo is None:
            raise Conflict("This job cannot be undone.")
        again = sa.select(job.c.id).where(job.c.undo_of == job_id, _UNFINISHED | (job.c.state == DONE))
        if unit.one(again) is not None:
            raise Conflict("This job is undone already.")
        return self._queue(ctx, unit, found.kind, {"input": found.input, "result": found.result}, found.done, job_id)

    def _queue(
        self,
        ctx: Context,
        unit: SqlUnit,
        kind: str,
        given: Mapping[str, Any],
        total: int | None,
        undo_of: str | None,
    ) -> str:
        row = {
            **dict.fromkeys(job.c.keys()),
            "id": new_id(),
            "kind": kind,
            "state": QUEUED,
            "input": given,
            "user_id": None if ctx.actor.is_system else ctx.actor.id,
            "undo_of": undo_of,
            "done": 0,
            "total": total,
            "errors": 0,
            "saved": {},
            "cancel_requested": False,
            "created_at": self._clock.now(),
        }
        unit.write_later(_INSERT, row)
        self._outbox.post(ctx, unit, TOPIC, {"job": row["id"]}, lane=JOBS)
        return str(row["id"])


def begin(unit: SqlUnit, job_id: str, now: datetime) -> bool:
    """Mark a job as running; False when it has ended already."""
    return unit.run(_START, {"job_id": job_id, "now": now}) == 1


def finish(unit: SqlUnit, run: JobRun, end: End, now: datetime) -> None:
    """Write how a run ended."""
    parameters = {
        "job_id": run.id,
        "end_state": end.state,
        "outcome": end.result,
        "file": run.file,
        "said": end.message,
        "is_done": run.done,
        "of": run.total,
        "wrong": run.errors,
        "now": now,
    }
    unit.run(_FINISH, parameters)
