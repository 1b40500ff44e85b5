"""The values that actions and approval outcomes write.

What comes in: `values` of a definition: `{field: literal | {"expression": EXPR} | {"created": name}}`. What goes out:
compiled `Assignment`s that are evaluated when the rule fires. Who calls it: the compilers of automations and approval
processes. Literals are checked and converted by the target object itself; expressions by the checker against the
target field's type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from fieldstone.rules.effects import CreatedId
from fieldstone.rules.engine.run import Rule, value_of
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.context import EvaluationContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """The same value each time."""

    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """The value of an expression over the record."""

    expression: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The id of a record that an earlier action of the same automation creates."""

    name: str


Source: TypeAlias = Constant | Computed | Created


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One field and where its value comes from."""

    field: str
    source: Source


def expressions_in(assignments: Iterable[Assignment]) -> list[Expression]:
    """The expressions that those assignments evaluate."""
    return [item.source.expression for item in assignments if isinstance(item.source, Computed)]


def evaluated(
    rule: Rule, assignments: Iterable[Assignment], variables: Mapping[str, Any], context: EvaluationContext
) -> dict[str, Any]:
    """Field names to values. Raises `RuleFailed` when an expression cannot be evaluated."""
    return {item.field: _value(rule, item.source, variables, context) for item in assignments}


def _value(rule: Rule, source: Source, variables: Mapping[str, Any], context: EvaluationContext) -> Any:
    match source:
        case Constant():
            return source.value
        case Created():
            return CreatedId(name=source.name)
        case Computed():
            return _without_records(value_of(rule, source.expression, variables, context))


def _without_records(value: Any) -> Any:
    """A record, or each of a list of records, becomes its id: that is what a field keeps. (Where a field may point to
    several objects, it keeps `{"object", "id"}`.)"""
    if isinstance(value, Mapping) and "id" in value:
        return value if value.keys() == {"object", "id"} else value["id"]
    return [_without_records(item) for item in value] if isinstance(value, list | tuple) else value
