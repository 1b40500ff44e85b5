"""Validation rules: a condition that is true when the record is not acceptable.

What comes in: the record as expression variables. What goes out: `Reject` effects with the message filled in. Who
calls it: the record service, for every door, with the rules that `RuleSet.validations` selects.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.platform.kernel.text import Text
from fieldstone.rules.effects import Reject
from fieldstone.rules.engine.inputs import Event, Inputs
from fieldstone.rules.engine.messages import Message
from fieldstone.rules.engine.run import RuleRun, holds
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.context import EvaluationContext


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationRule:
    """A published validation rule. `inputs` are those of the condition and of the message's placeholders."""

    name: str
    object: str
    label: Text
    condition: Expression
    message: Message
    fields: tuple[str, ...]
    on: frozenset[Event]
    inputs: Inputs
    triggers: Inputs
    active: bool = True

    kind = "validation_rule"

    def applies(self, event: Event, changed: Collection[str]) -> bool:
        """Whether this rule is to be checked: on an update only if something it depends on changed."""
        return event in self.on and (event != "update" or self.triggers.touched_by(changed))

    def run(self, variables: Mapping[str, Any], context: EvaluationContext) -> RuleRun:
        """One `Reject` if the condition is true. Raises `RuleFailed` when it cannot be evaluated."""
        if not holds(self, self.condition, variables, context):
            return RuleRun(rule=self, hit=False)
        message = self.message.filled(variables, context.time_zone)
        reject = Reject(rule=self.name, message=message, fields=self.fields)
        return RuleRun(rule=self, hit=True, effects=(reject,))
