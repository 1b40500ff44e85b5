"""The public entry: source text to something that can be evaluated, or told what is wrong with it.

What comes in: source text and a `TypeEnvironment`. What goes out: an `Expression` (immutable, safe to share between
threads), or `ExpressionError`; for editors a list of `Problem`. Who calls it: rules, formulas, filters, views,
defaults, and the designer's editor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.rules.expressions.checker import Checked, check
from fieldstone.rules.expressions.context import EvaluationContext, WorkingTime
from fieldstone.rules.expressions.dialect import FIELDSTONE, Dialect, Faults
from fieldstone.rules.expressions.errors import EvaluationError, ExpressionError, Position, Problem
from fieldstone.rules.expressions.parser import parse
from fieldstone.rules.expressions.program import Program
from fieldstone.rules.expressions.references import references
from fieldstone.rules.expressions.syntax import Node, Path
from fieldstone.rules.expressions.types import Type, TypeEnvironment

__all__ = [
    "EvaluationContext",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "Position",
    "Problem",
    "WorkingTime",
    "check_expression",
    "compile_expression",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expression:
    """A checked expression.

    `tree` is the checked tree (see `syntax`), `type` that of its value. `references` holds every field path that it
    reads, also those in `changed("x")`; `calls` the names of the functions it uses, and "user" when it reads the
    user: with `today`, `now`, `user` or `changed` among them its value depends on more than the record.
    """

    source: str
    tree: Node
    type: Type
    references: tuple[Path, ...]
    calls: frozenset[str]
    program: Program

    def evaluate(self, variables: Mapping[str, Any], context: EvaluationContext) -> Any:
        """The value for these variables: null is None, decimals are exact.

        `variables` holds every name in `references`; a related record is a mapping with its "id" and the fields
        read, or None. Raises `EvaluationError` for what has no value, and `BudgetExceeded` for too much work.
        """
        return self.program.run(variables, context)

    def holds(self, variables: Mapping[str, Any], context: EvaluationContext) -> bool:
        """Whether a condition is fulfilled; null counts as not fulfilled."""
        return bool(self.program.run(variables, context))


def compile_expression(source: str, environment: TypeEnvironment, *, expects: Type | None = None) -> Expression:
    """`source` as an `Expression` whose value is an `expects`. Raises `ExpressionError` for the first problem."""
    return compile_in(FIELDSTONE, source, environment, expects=expects)


def check_expression(source: str, environment: TypeEnvironment, *, expects: Type | None = None) -> list[Problem]:
    """All problems of `source`, in order of position; empty when it would compile. Never raises."""
    try:
        checked = check(source, parse(source), environment, FIELDSTONE, expects)
    except ExpressionError as error:
        return [error.problem]
    return _in_order(checked)


def compile_in(
    dialect: Dialect, source: str, environment: TypeEnvironment, *, expects: Type | None = None
) -> Expression:
    """As `compile_expression`, in any dialect: used to run the conformance vectors."""
    checked = check(source, parse(source), environment, dialect, expects)
    if checked.problems and dialect.faults is Faults.REFUSED:
        raise ExpressionError(_in_order(checked)[0])
    read = references(checked.tree)
    calls = checked.calls | {"user"} if any(path[0] == "user" for path in read) else checked.calls
    return Expression(
        source=source,
        tree=checked.tree,
        type=checked.tree.type,
        references=read,
        calls=calls,
        program=Program(checked.tree, dialect),
    )


def _in_order(checked: Checked) -> list[Problem]:
    return sorted(checked.problems, key=lambda problem: problem.position.offset)
