"""An expression ready to run.

What comes in: a checked tree. What goes out: `Program.run`, which evaluates it. Who calls it: `Expression`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldstone.rules.expressions.budget import Budget
from fieldstone.rules.expressions.codegen import Generated, generate
from fieldstone.rules.expressions.codegen_logic import Logic
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.dialect import Dialect
from fieldstone.rules.expressions.errors import BudgetExceeded, EvaluationError
from fieldstone.rules.expressions.syntax import Logical, Node, walk


class Program:
    """The generated functions of one expression. Safe to share between threads."""

    __slots__ = ("_careful", "_dialect", "_has_logic", "_tree", "fast")

    def __init__(self, tree: Node, dialect: Dialect) -> None:
        self._tree = tree
        self._dialect = dialect
        self._has_logic = any(isinstance(node, Logical) for node in walk(tree))
        self.fast: Generated = generate(tree, dialect, Logic.SHORT)
        self._careful: Generated | None = None

    def run(self, variables: Mapping[str, Any], context: EvaluationContext) -> Any:
        """The value. Raises `EvaluationError`."""
        fast = self.fast
        try:
            return fast.run(variables, context, Budget(context.budget) if fast.counts else None)
        except BudgetExceeded:
            raise
        except EvaluationError:
            if not self._has_logic:
                raise
        except (KeyError, TypeError, AttributeError) as error:
            raise _unfit(error) from error
        return self._run_carefully(variables, context)

    def _run_carefully(self, variables: Mapping[str, Any], context: EvaluationContext) -> Any:
        """After a failure: a failed term of `&&` or `||` does not matter when another decides."""
        if self._careful is None:
            self._careful = generate(self._tree, self._dialect, Logic.CAREFUL)
        try:
            return self._careful.run(variables, context, Budget(context.budget))
        except (KeyError, TypeError, AttributeError) as error:
            raise _unfit(error) from error


def _unfit(error: Exception) -> EvaluationError:
    """The variables are not what the environment promised: a field is missing, or of another type."""
    if isinstance(error, KeyError):
        return EvaluationError("No value is given for {name}.", code="missing_value", name=str(error.args[0])[:80])
    return EvaluationError("A value is not of the type of its field: {reason}.", code="wrong_type", reason=str(error))
