"""Approval processes, compiled.

What comes in: the record as expression variables. What goes out: the tier (and so the steps) that its amount needs,
and the values to write at each outcome. Who calls it: `objects.approvals` when a record is submitted and when a
request settles; the rule set, for automatic submission.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from fieldstone.platform.kernel.errors import Conflict, Invalid
from fieldstone.platform.kernel.text import Text
from fieldstone.rules.approvals.tiers import Tier, choose
from fieldstone.rules.effects import SubmitForApproval
from fieldstone.rules.engine.inputs import Inputs
from fieldstone.rules.engine.run import RuleRun, holds, value_of
from fieldstone.rules.engine.values import Assignment
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.values import Money

Moment: TypeAlias = Literal["on_submit", "on_approved", "on_rejected", "on_returned", "on_withdrawn"]
MOMENTS: tuple[Moment, ...] = ("on_submit", "on_approved", "on_rejected", "on_returned", "on_withdrawn")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalProcess:
    """A published approval process. `outcomes` are the fields set at each moment; `open_fields` may be edited while
    a request is pending; `inputs` decide on entry and tier, `reads` also cover the values of the outcomes."""

    name: str
    object: str
    label: Text
    condition: Expression | None
    submit: Literal["manual", "automatic"]
    amount: Expression | None
    currency: str
    tiers: tuple[Tier, ...]
    open_fields: frozenset[str]
    outcomes: Mapping[Moment, tuple[Assignment, ...]]
    inputs: Inputs
    reads: Inputs
    active: bool = True

    kind = "approval_process"

    def may_enter(self, variables: Mapping[str, Any], context: EvaluationContext) -> bool:
        """Whether the entry condition holds. Raises `RuleFailed`."""
        return holds(self, self.condition, variables, context)

    def run(self, variables: Mapping[str, Any], context: EvaluationContext) -> RuleRun:
        """For automatic processes after a save: submit the record if the entry condition holds and it has an amount.

        Raises `RuleFailed`.
        """
        if not self.may_enter(variables, context) or self._lacks_amount(variables, context):
            return RuleRun(rule=self, hit=False)
        return RuleRun(rule=self, hit=True, effects=(SubmitForApproval(rule=self.name, process=self.name),))

    def _lacks_amount(self, variables: Mapping[str, Any], context: EvaluationContext) -> bool:
        return self.amount is not None and value_of(self, self.amount, variables, context) is None

    def amount_of(self, variables: Mapping[str, Any], context: EvaluationContext) -> Decimal | None:
        """The exact amount in the process currency; None for a process without amounts.

        Raises `Conflict` for a record in another currency and `Invalid` for one without an amount.
        """
        if self.amount is None:
            return None
        value = value_of(self, self.amount, variables, context)
        if isinstance(value, Money):
            if value.currency != self.currency:
                raise Conflict(
                    "The approval process {process} is in {expected}; this record is in {actual}.",
                    code="approval_currency",
                    process=self.name,
                    expected=self.currency,
                    actual=value.currency,
                )
            value = value.amount
        if value is None:
            raise Invalid("The amount to approve is empty.", code="approval_amount")
        return Decimal(value)

    def tier_for(self, amount: Decimal | None) -> Tier | None:
        """The tier of an amount; None when no approval is needed. A process without amounts has one tier for all."""
        return self.tiers[0] if amount is None else choose(self.tiers, amount)

    @property
    def written_fields(self) -> frozenset[str]:
        """Fields of the record that the process itself writes."""
        return frozenset(item.field for assignments in self.outcomes.values() for item in assignments)
