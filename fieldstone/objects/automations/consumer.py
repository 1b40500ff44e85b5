"""Asynchronous automations: the consumer of their messages.

What comes in: messages of topic `automation.run`, posted with the save that set the automation off. What goes out: its
effects, in a unit of work of their own on the system's account, once however often the message comes; and a line in
the run log. Who calls it: the relay, again after a pause when something is in the way.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from fieldstone.objects.automations.running import Ran, Runner
from fieldstone.objects.run_log.log import Entry, RunLog
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import FieldstoneError
from fieldstone.platform.units import Units
from fieldstone.platform.work.messages import Consumer, Message
from fieldstone.platform.work.outbox import first_time
from fieldstone.rules.engine.automation import RUN_TOPIC

NAME = "automations"


class AsyncAutomations:
    """Runs asynchronous automations."""

    def __init__(self, runner: Runner, log: RunLog) -> None:
        self._runner = runner
        self._log = log

    @property
    def consumer(self) -> Consumer:
        """What is registered for the topic."""
        return Consumer(topic=RUN_TOPIC, name=NAME, handle=self.handle)

    def handle(self, message: Message, units: Units) -> None:
        """Run the automation once. What it raises is logged and comes again later."""
        started = time.monotonic()
        try:
            units.write(message.system_caller, lambda ctx, unit: self._once(ctx, unit, message, started))
        except FieldstoneError as error:
            failed = _entry(message, Ran(outcome="failed", inputs=_values_in(error), why=str(error)), started)
            units.write(message.system_caller, lambda ctx, unit: self._log.keep(unit, failed, ctx.now))
            raise

    def _once(self, ctx: Context, unit: SqlUnit, message: Message, started: float) -> None:
        if not first_time(unit, NAME, message.id):
            return
        body = message.payload
        automation = ctx.snapshot.find("automation", body["automation"])
        if automation is None or not automation.active or automation.object != body["object"]:
            ran = Ran(outcome="skipped", why="The automation is no longer there.")
        else:
            ran = self._runner.run(ctx, unit, automation, body["record"], body["event"])
        self._log.keep(unit, _entry(message, ran, started), ctx.now)


def _entry(message: Message, ran: Ran, started: float) -> Entry:
    return Entry.of_message(
        message,
        kind="automation",
        rule=message.payload["automation"],
        event=message.payload["event"],
        inputs=ran.inputs,
        outcome=ran.outcome,
        error=ran.why,
        seconds=time.monotonic() - started,
    )


def _values_in(error: FieldstoneError) -> dict[str, object]:
    """The values that a rule was given when it failed."""
    values = error.facts.get("values")
    return dict(values) if isinstance(values, Mapping) else {}
