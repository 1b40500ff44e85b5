"""Running one automation on one stored record, outside of the save that set it off.

What comes in: the open unit of work (on the system's account, with the causes of the message), an automation and a
record. What goes out: effects, applied by the record service, and what was read and done, for the log. Who
calls it: the consumer of asynchronous automations and the schedule timers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fieldstone.objects.automations.ports import Records, Variables
from fieldstone.objects.run_log.log import Outcome
from fieldstone.platform.kernel.context import Cause, Context, Unit
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.rules.engine.automation import Automation
from fieldstone.rules.engine.inputs import Event
from fieldstone.rules.engine.rule_set import related_paths
from fieldstone.rules.engine.run import inputs_used


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of it: the values read, and `done`, or `skipped` with the reason in `why`."""

    outcome: Outcome
    inputs: Mapping[str, Any] = field(default_factory=dict)
    why: str | None = None


class Runner:
    """Runs automations."""

    def __init__(self, records: Records, variables: Variables) -> None:
        self._records = records
        self._variables = variables

    def run(self, ctx: Context, unit: Unit, automation: Automation, record_id: str, event: Event) -> Ran:
        """Perform the actions on the record as it is now.

        The condition is evaluated here only for schedules; that of an asynchronous automation held at the save.
        Raises `RuleFailed`, `RulesTooDeep` and whatever the record service refuses.
        """
        ctx = _before_its_own_link(ctx, automation, record_id)
        try:
            record = self._records.get(ctx, unit, automation.object, record_id)
        except NotFound:
            return Ran(outcome="skipped", why="The record is gone.")
        variables = self._variables.of(ctx, unit, record, related_paths([automation.inputs]))
        context = self._variables.context(ctx)
        inputs = inputs_used(automation, variables)
        if event == "schedule" and not automation.applies(variables, context):
            return Ran(outcome="skipped", inputs=inputs, why="The condition does not hold.")
        effects = automation.perform(variables, context)
        self._records.apply(ctx, unit, automation.object, record_id, effects)
        return Ran(outcome="done", inputs=inputs)


def _before_its_own_link(ctx: Context, automation: Automation, record_id: str) -> Context:
    """The record service adds the automation to the causes of its effects; its message has it already."""
    link = Cause(kind="automation", name=automation.name, record=record_id)
    return replace(ctx, causes=ctx.causes[:-1]) if ctx.causes and ctx.causes[-1] == link else ctx
