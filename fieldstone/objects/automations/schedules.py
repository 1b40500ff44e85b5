"""Scheduled automations: one timer each, and a run on every record that their filter selects.

What comes in: the message that metadata were published, and timers that come due. What goes out: timers that fit the
published schedules; automations run record by record, each in a unit of work of its own and once an occurrence, so
that a run that was broken off goes on where it stopped. Who calls it: the relay.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from fieldstone.objects.automations.ports import Selection
from fieldstone.objects.automations.running import Ran, Runner
from fieldstone.objects.run_log.log import Entry, RunLog
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import FieldstoneError
from fieldstone.platform.units import Caller, SystemCredential, Units
from fieldstone.platform.work.messages import Consumer, Message, TimerEvent, TimerKind
from fieldstone.platform.work.outbox import first_time
from fieldstone.platform.work.tables import timer
from fieldstone.platform.work.timers import Timers
from fieldstone.rules.engine.automation import Automation
from fieldstone.rules.engine.schedule import next_run

PUBLISHED_TOPIC = "metadata.published"
NAME = "schedules"
TIMER = "automation_schedule"
BATCH = 200


class Schedules:
    """Keeps the timers of scheduled automations and runs what they start."""

    def __init__(self, runner: Runner, selection: Selection, timers: Timers, log: RunLog) -> None:
        self._runner = runner
        self._selection = selection
        self._timers = timers
        self._log = log

    @property
    def consumer(self) -> Consumer:
        """What is registered for published metadata."""
        return Consumer(topic=PUBLISHED_TOPIC, name=NAME, handle=self.published)

    @property
    def timer_kind(self) -> TimerKind:
        """What is registered for the timers."""
        return TimerKind(name=TIMER, fire=self.fire)

    def published(self, message: Message, units: Units) -> None:
        """Set, move and cancel timers, so that they fit the schedules that are published now."""
        units.write(message.system_caller, lambda ctx, unit: self.fit_timers(ctx, unit))

    def fit_timers(self, ctx: Context, unit: SqlUnit) -> None:
        """A timer that is set for the same cron expression stays: what is due is not lost by a publish."""
        wanted = {rule.name: rule for rule in _scheduled(ctx)}
        present = _present(unit)
        for name in present.keys() - wanted.keys():
            self._timers.cancel(unit, TIMER, name)
        for name, rule in wanted.items():
            if present.get(name) != rule.trigger.cron:
                self._set(ctx, unit, rule)

    def fire(self, event: TimerEvent, units: Units) -> None:
        """Run an automation on every record it is for, then set the timer for its next time."""
        caller = replace(event.caller, credential=SystemCredential())
        for record in self._records(event, caller, units):
            self._run_one(event, caller, units, record)
        units.write(caller, lambda ctx, unit: self._again(ctx, unit, event))

    def _records(self, event: TimerEvent, caller: Caller, units: Units) -> Iterator[str]:
        after: str | None = None
        while True:
            batch = units.read(caller, lambda ctx, unit, after=after: self._batch(ctx, unit, event, after))  # type: ignore[misc]
            yield from batch
            if len(batch) < BATCH:
                return
            after = batch[-1]

    def _batch(self, ctx: Context, unit: SqlUnit, event: TimerEvent, after: str | None) -> Sequence[str]:
        rule = _rule(ctx, event)
        if rule is None:
            return ()
        return self._selection.ids(ctx, unit, rule.object, rule.trigger.filter, after, BATCH)

    def _run_one(self, event: TimerEvent, caller: Caller, units: Units, record: str) -> None:
        started = time.monotonic()
        run_id = occurrence(event, record)
        try:
            units.write(caller, lambda ctx, unit: self._once(ctx, unit, event, record, run_id, started))
        except FieldstoneError as error:
            # One record in the way does not keep the others from their turn; the log shows it.
            failed = Ran(outcome="failed", why=str(error))
            units.write(caller, lambda ctx, unit: self._keep(ctx, unit, event, record, run_id, failed, started))

    def _once(self, ctx: Context, unit: SqlUnit, event: TimerEvent, record: str, run_id: str, started: float) -> None:
        rule = _rule(ctx, event)
        if rule is None or not first_time(unit, NAME, run_id):
            return
        ran = self._runner.run(ctx, unit, rule, record, "schedule")
        self._keep(ctx, unit, event, record, run_id, ran, started)

    def _keep(
        self, ctx: Context, unit: SqlUnit, event: TimerEvent, record: str, run_id: str, ran: Ran, started: float
    ) -> None:
        entry = Entry(
            id=run_id,
            kind="automation",
            rule=event.key,
            object=str(event.payload["object"]),
            record=record,
            event="schedule",
            inputs=ran.inputs,
            outcome=ran.outcome,
            error=ran.why,
            attempts=1,
            duration=timedelta(seconds=time.monotonic() - started),
        )
        self._log.keep(unit, entry, ctx.now)

    def _again(self, ctx: Context, unit: SqlUnit, event: TimerEvent) -> None:
        rule = _rule(ctx, event)
        if self._timers.take(unit, event) and rule is not None:
            self._set(ctx, unit, rule)
        self._log.forget_old(unit, ctx.now)

    def _set(self, ctx: Context, unit: SqlUnit, rule: Automation) -> None:
        cron = rule.trigger.cron or ""
        due = next_run(cron, ctx.now, ZoneInfo(ctx.tenant.time_zone))
        self._timers.set(ctx, unit, TIMER, rule.name, due, {"cron": cron, "object": rule.object})


def occurrence(event: TimerEvent, record: str) -> str:
    """The same id for the same automation, due time and record: what makes a repeated run harmless."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{event.key}|{_moment(event.due_at)}|{record}"))


def _moment(due_at: datetime) -> str:
    return due_at.isoformat()


def _scheduled(ctx: Context) -> list[Automation]:
    found = (_schedule(ctx, name) for name in ctx.snapshot.names("automation"))
    return [rule for rule in found if rule is not None]


def _schedule(ctx: Context, name: str) -> Automation | None:
    """The automation, if it is an active schedule; others are not compiled for the asking."""
    definition = ctx.snapshot.definition("automation", name)
    if definition is None or "schedule" not in definition.body["trigger"]["on"]:
        return None
    found: Automation = ctx.snapshot.get("automation", name)
    return found if found.active else None


def _rule(ctx: Context, event: TimerEvent) -> Automation | None:
    """The automation of a timer, while it still is a schedule of the same object."""
    found = _schedule(ctx, event.key)
    return found if found is not None and found.object == event.payload["object"] else None


def _present(unit: SqlUnit) -> Mapping[str, Any]:
    rows = unit.rows(sa.select(timer.c.key, timer.c.payload).where(timer.c.kind == TIMER))
    return {key: payload.get("cron") for key, payload in rows}
