"""What came of running one rule, and how it is told.

What comes in: a compiled rule, the record as expression variables, the evaluation context. What goes out: `RuleRun`
(effects) and, for the decision trace, `TraceEntry` (which rule, hit or not, with which inputs). Who calls it: the
rules themselves; the record service reads the results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from fieldstone.platform.kernel.errors import Invalid
from fieldstone.rules.effects import Effect
from fieldstone.rules.engine.inputs import Inputs
from fieldstone.rules.engine.paths import read
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.errors import EvaluationError


class Rule(Protocol):
    """What every compiled rule has."""

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def object(self) -> str: ...

    @property
    def inputs(self) -> Inputs: ...


class Runnable(Rule, Protocol):
    """A rule that the record service runs."""

    def run(self, variables: Mapping[str, Any], context: EvaluationContext) -> RuleRun:
        """The effects for this record."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRun:
    """One rule was run: `hit` tells whether its condition was true; the effects are in the order to apply."""

    rule: Rule
    hit: bool
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEntry:
    """One line of a decision trace. `inputs` are the values read, by dotted path ("customer.tier")."""

    kind: str
    rule: str
    hit: bool
    inputs: Mapping[str, Any]
    effects: tuple[Effect, ...]


class RuleFailed(Invalid):
    """The rule {rule} could not be evaluated."""

    code = "rule_failed"


def run(rule: Runnable, variables: Mapping[str, Any], context: EvaluationContext) -> RuleRun:
    """Run one rule. `variables`: field API names to Python values, with `previous` (None on create) and `user`.

    Raises `RuleFailed` naming the rule when an expression cannot be evaluated with these values.
    """
    return rule.run(variables, context)


def run_all(rules: Sequence[Runnable], variables: Mapping[str, Any], context: EvaluationContext) -> list[RuleRun]:
    """Run rules on the same record, in order."""
    return [rule.run(variables, context) for rule in rules]


def trace(outcome: RuleRun, variables: Mapping[str, Any]) -> TraceEntry:
    """The line of the decision trace for one run."""
    return TraceEntry(
        kind=outcome.rule.kind,
        rule=outcome.rule.name,
        hit=outcome.hit,
        inputs=inputs_used(outcome.rule, variables),
        effects=outcome.effects,
    )


def inputs_used(rule: Rule, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values that a rule reads, by dotted path."""
    return MappingProxyType({".".join(path): read(variables, path) for path in sorted(rule.inputs.paths)})


def holds(rule: Rule, condition: Expression | None, variables: Mapping[str, Any], context: EvaluationContext) -> bool:
    """Whether a condition is true (no condition: always; unknown: not)."""
    return condition is None or value_of(rule, condition, variables, context) is True


def value_of(rule: Rule, expression: Expression, variables: Mapping[str, Any], context: EvaluationContext) -> Any:
    """Evaluate an expression of a rule. Raises `RuleFailed` naming the rule and the values it was given."""
    try:
        return expression.evaluate(variables, context)
    except EvaluationError as error:
        raise RuleFailed(
            "The rule {rule} could not be evaluated: {reason}",
            rule=rule.name,
            reason=str(error),
            values=inputs_used(rule, variables),
        ) from error
