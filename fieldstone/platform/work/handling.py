"""Handling one message: its consumers, the timer kind or the job kind it is for; then it is gone, or comes again.

In: a `Claim`, from the relay in the same process or begun by a Celery worker. While a message is in hand its lease is
extended by one heartbeat thread, so that only a dead worker's messages are taken over. Called by relay and Celery.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.files import FileStore
from fieldstone.platform.kernel.errors import FieldstoneError, Forbidden, NotFound, NotSignedIn, Unavailable
from fieldstone.platform.kernel.registry import Registry
from fieldstone.platform.settings import Settings
from fieldstone.platform.units import Caller, SystemCredential, Units
from fieldstone.platform.work import jobs, outbox, timers
from fieldstone.platform.work.jobs import End, Job, JobCancelled, JobKind, JobRun, Jobs
from fieldstone.platform.work.messages import Consumer, GiveUp, Message, TimerKind
from fieldstone.platform.work.moment import moment
from fieldstone.platform.work.outbox import Claim, LeaseLost
from fieldstone.platform.work.tables import CANCELLED, DONE, FAILED
from fieldstone.platform.work.timers import Timers

_log = logging.getLogger(__name__)

# The tenant is gone or suspended: nothing to write to; after its resumption the lease has ended and it comes again.
_NO_TENANT = (NotFound, Forbidden, NotSignedIn)


class Handler:
    """Runs what is registered for a message."""

    def __init__(
        self,
        settings: Settings,
        units: Units,
        files: FileStore,
        timers_: Timers,
        jobs_: Jobs,
        *,
        consumers: Registry[Consumer],
        timer_kinds: Registry[TimerKind],
        job_kinds: Registry[JobKind],
    ) -> None:
        self._settings = settings
        self._units = units
        self._files = files
        self._timers = timers_
        self._jobs = jobs_
        self._timer_kinds = timer_kinds
        self._job_kinds = job_kinds
        self._consumers = consumers
        self._heart = Heartbeat(units, self.lease)

    def after_fork(self) -> None:
        """In a forked process: the heartbeat stayed in the parent."""
        self._heart = Heartbeat(self._units, self.lease)

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self._settings.lease_seconds)

    def ring(self, tenant: str, message_id: str, fence: int) -> None:
        """For a worker that got only the address of a message: begin it and handle it, if it is still ours."""
        caller = system_of(tenant)
        units = self._units

        def take(unit: SqlUnit) -> Claim | None:
            return outbox.begin(unit, message_id, fence, moment(unit, units.clock) + self.lease)

        try:
            held = units.write(caller, lambda ctx, unit: take(unit))
        except _NO_TENANT:
            return
        if held is not None:
            self.handle(held)

    def handle(self, held: Claim) -> None:
        """Handle a message that was begun; never raises for what its consumers do."""
        with self._heart.beating(held):
            failures, done_by = self._run_all(held)
        message = held.message
        try:
            if failures:
                self._give_back(replace(held, done_by=done_by), failures)
            else:
                self._units.write(system_of(message.tenant), lambda ctx, unit: outbox.settle(unit, held))
        except _NO_TENANT:
            _log.info("message %s of %s: the tenant is gone or suspended", message.id, message.tenant)

    def _run_all(self, held: Claim) -> tuple[list[Exception], tuple[str, ...]]:
        failures: list[Exception] = []
        done_by = list(held.done_by)
        for name, handle in self._parties(held):
            if name in done_by:
                continue
            try:
                handle(held.message, self._units)
                done_by.append(name)
            except Exception as error:
                _log.warning("message %s, consumer %s", held.message.id, name, exc_info=True)
                failures.append(error)
        return failures, tuple(done_by)

    def _parties(self, held: Claim) -> Iterable[tuple[str, Callable[[Message, Units], None]]]:
        message = held.message
        if message.topic == jobs.TOPIC:
            return [("job", lambda message, units: self._run_job(held))]
        if message.attempts > self._settings.message_attempts:
            return [("nobody", _died_too_often)]
        if message.topic == timers.TOPIC:
            return [("timer", self._fire)]
        found = [(each.name, each.handle) for each in self._consumers if each.topic == message.topic]
        return found or [("nobody", _nobody)]

    def _fire(self, message: Message, units: Units) -> None:
        event = timers.event_of(message)
        kind = self._timer_kinds.get(event.kind)
        if kind is None:
            raise GiveUp("There is no kind of timer called {name}.", name=event.kind)
        kind.fire(event, units)
        units.write(message.system_caller, lambda ctx, unit: self._timers.take(unit, event))

    def _run_job(self, held: Claim) -> None:
        job_id, system, units = held.message.payload["job"], held.message.system_caller, self._units
        if not units.write(system, lambda ctx, unit: jobs.begin(unit, job_id, units.clock.now())):
            return
        found = units.read(system, lambda ctx, unit: self._jobs.get(unit, job_id))
        run = JobRun(found, held, units, self._files)
        end = self._outcome(found, run, held)
        now = units.clock.now()
        units.write(system, lambda ctx, unit: jobs.finish(unit, run, end, now))

    def _outcome(self, found: Job, run: JobRun, held: Claim) -> End:
        """Run the job to its end. Raises only what may be better at the next attempt."""
        tries_left = held.message.attempts < self._settings.message_attempts
        kind = self._job_kinds.get(found.kind)
        work = None if kind is None else kind.undo if found.undo_of else kind.run
        if work is None:
            return End(FAILED, None, f"There is no kind of job called {found.kind}.")
        if held.message.attempts > self._settings.message_attempts:
            return End(FAILED, None, "The worker died again and again while running this job.")
        try:
            return End(DONE, work(run), None)
        except JobCancelled:
            return End(CANCELLED, None, None)
        except FieldstoneError as error:
            if isinstance(error, LeaseLost) or (isinstance(error, Unavailable) and tries_left):
                raise
            return End(FAILED, None, str(error))
        except Exception:
            _log.exception("job %s of %s failed", found.id, held.message.tenant)
            return End(FAILED, None, f"An unexpected error; the log tells more under {held.message.id}.")

    def _give_back(self, held: Claim, failures: list[Exception]) -> None:
        attempts = held.message.attempts
        last = any(isinstance(each, GiveUp) for each in failures) or attempts >= self._settings.message_attempts
        wait = max([outbox.pause(attempts), *(_asked(each) for each in failures)])
        error = "; ".join(f"{type(each).__name__}: {each}" for each in failures)

        def work(unit: SqlUnit) -> None:
            outbox.give_back(unit, held, moment(unit, self._units.clock) + wait, error, dead=last)

        self._units.write(system_of(held.message.tenant), lambda ctx, unit: work(unit))


class Heartbeat:
    """Extends the leases of messages in hand, one thread for all of a process."""

    def __init__(self, units: Units, lease: timedelta) -> None:
        self._units = units
        self._lease = lease
        self._held: dict[str, Claim] = {}
        self._mutex = threading.Lock()
        self._changed = threading.Event()
        self._running = False

    @contextmanager
    def beating(self, held: Claim) -> Iterator[None]:
        """While inside, the message stays ours."""
        with self._mutex:
            self._held[held.message.id] = held
            if not self._running:
                self._running = True
                threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        try:
            yield
        finally:
            with self._mutex:
                self._held.pop(held.message.id, None)

    def _beat(self) -> None:
        while not self._changed.wait(self._lease.total_seconds() / 3):
            with self._mutex:
                held = list(self._held.values())
                if not held:
                    self._running = False
                    return
            for each in held:
                self._extend(each)

    def _extend(self, held: Claim) -> None:
        message = held.message

        def work(unit: SqlUnit) -> bool:
            return outbox.extend(unit, held, moment(unit, self._units.clock) + self._lease)

        try:
            self._units.write(system_of(message.tenant), lambda ctx, unit: work(unit))
        except FieldstoneError:
            _log.warning("the lease of message %s could not be extended", message.id, exc_info=True)


def system_of(tenant: str) -> Caller:
    """The system in that tenant."""
    return Caller(tenant=tenant, credential=SystemCredential(), channel="system")


def _asked(error: Exception) -> timedelta:
    """How long the failure itself asks to wait."""
    seconds = error.facts.get("retry_after", 0) if isinstance(error, FieldstoneError) else 0
    return timedelta(seconds=float(seconds))


def _died_too_often(message: Message, units: Units) -> None:
    raise GiveUp("The worker died with this message in hand {count} times.", count=message.attempts - 1)


def _nobody(message: Message, units: Units) -> None:
    raise GiveUp("Nothing here handles the topic {topic}.", topic=message.topic)
