"""Automations: when something happens to a record and a condition holds, do these actions.

What comes in: the record as expression variables. What goes out: effects. Who calls it: the record service (before
and after the write, buttons), the consumer of asynchronous automations and the schedule timers.

| timing | the actions run | allowed actions |
|---|---|---|
| before | before the write, again until nothing changes (at most 5 passes) | `set_field`, `decide` |
| after | after the write, in the same unit of work | all |
| async | after the commit, in a unit of work of their own, as the system | all |
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from fieldstone.platform.kernel.text import Text
from fieldstone.rules.effects import Effect, PostMessage, SetField
from fieldstone.rules.engine.actions import Action, Firing
from fieldstone.rules.engine.inputs import Event, Inputs
from fieldstone.rules.engine.run import RuleRun, holds
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.context import EvaluationContext

Timing: TypeAlias = Literal["before", "after", "async"]

RUN_TOPIC = "automation.run"
"""Outbox topic of asynchronous automations: `{"automation", "object", "record", "event"}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What starts an automation. `fields`: only updates that change one of them (none: every update).

    `cron` has five fields and is read in the tenant's time zone; `filter` selects the records of a schedule.
    `label`, `icon` and `input` (field definitions) describe a button.
    """

    on: frozenset[Event]
    fields: frozenset[str] = frozenset()
    cron: str | None = None
    filter: Expression | None = None
    label: Text = ""
    icon: str | None = None
    input: tuple[Mapping[str, Any], ...] = ()

    def matches(self, event: Event, changed: Collection[str]) -> bool:
        """Whether this event, with these changed fields, starts the automation."""
        if event not in self.on:
            return False
        return event != "update" or not self.fields or not self.fields.isdisjoint(changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation:
    """A published automation.

    `writes` are the (object, field) that its actions set, `creates` the objects of which they create records,
    `feeds_itself` the fields of the record whose new value is made from their old one.
    """

    name: str
    object: str
    label: Text
    trigger: Trigger
    condition: Expression | None
    timing: Timing
    order: int
    actions: tuple[Action, ...]
    inputs: Inputs
    writes: frozenset[tuple[str, str]] = frozenset()
    creates: frozenset[str] = frozenset()
    feeds_itself: frozenset[str] = frozenset()
    active: bool = True

    kind = "automation"

    def applies(self, variables: Mapping[str, Any], context: EvaluationContext) -> bool:
        """Whether the condition holds. Raises `RuleFailed`."""
        return holds(self, self.condition, variables, context)

    def run(self, variables: Mapping[str, Any], context: EvaluationContext) -> RuleRun:
        """The effects of the actions if the condition holds. Raises `RuleFailed`."""
        if not self.applies(variables, context):
            return RuleRun(rule=self, hit=False)
        return RuleRun(rule=self, hit=True, effects=self.perform(variables, context))

    def perform(self, variables: Mapping[str, Any], context: EvaluationContext) -> tuple[Effect, ...]:
        """The effects of the actions, whatever the condition; each action sees the fields set before it."""
        effects: list[Effect] = []
        seen: Mapping[str, Any] = variables
        for action in self.actions:
            made = action.effects(Firing(rule=self, variables=seen, context=context, in_place=self.timing == "before"))
            effects.extend(made)
            seen = {**seen, **{effect.field: effect.value for effect in made if isinstance(effect, SetField)}}
        return tuple(effects)

    def post(self, variables: Mapping[str, Any], context: EvaluationContext, event: Event) -> RuleRun:
        """For asynchronous automations: the message that makes the actions run later, if the condition holds now."""
        if not self.applies(variables, context):
            return RuleRun(rule=self, hit=False)
        payload = {"automation": self.name, "object": self.object, "record": variables.get("id"), "event": event}
        return RuleRun(rule=self, hit=True, effects=(PostMessage(rule=self.name, topic=RUN_TOPIC, payload=payload),))

    def triggered_again_by(self, changed: Collection[str]) -> bool:
        """Whether fields set in one pass before the save make this automation run in the next."""
        return not (self.trigger.fields or self.inputs.fields).isdisjoint(changed)


def in_order(automations: Sequence[Automation]) -> tuple[Automation, ...]:
    """By `order`, then by name: the order in which automations of one event run."""
    return tuple(sorted(automations, key=lambda rule: (rule.order, rule.name)))
