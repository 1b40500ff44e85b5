"""What can be wrong with an expression, and what can go wrong when it is evaluated.

What goes out: `Problem` (one thing wrong with a source text, for editors), `ExpressionError` (the same as an
exception) and `EvaluationError` (values that the expression cannot use). Who calls it: every file of this package;
callers catch the two exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from fieldstone.platform.kernel.errors import Invalid, Unreadable
from fieldstone.platform.kernel.text import filled

_NO_FACTS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in a source text: `line` and `column` count from 1, `offset` from 0, `length` is in characters."""

    line: int
    column: int
    offset: int
    length: int = 1

    @staticmethod
    def of(source: str, start: int, end: int) -> Position:
        """The place of `source[start:end]`."""
        start = min(start, len(source))
        line_start = source.rfind("\n", 0, start) + 1
        line = source.count("\n", 0, start) + 1
        return Position(line=line, column=start - line_start + 1, offset=start, length=max(end - start, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with an expression.

    `message` is an English template with `{fact}` placeholders; `suggestion` is what may have been meant ("" if
    nothing comes near).
    """

    position: Position
    code: str
    message: str
    facts: Mapping[str, Any] = field(default_factory=lambda: _NO_FACTS)
    suggestion: str = ""

    def __str__(self) -> str:
        place = f"{self.position.line}:{self.position.column}"
        hint = f" Did you mean {self.suggestion}?" if self.suggestion else ""
        return f"{place}: {filled(self.message, self.facts)}{hint}"


class ExpressionError(Unreadable):
    """This expression cannot be used."""

    code = "expression"

    def __init__(self, problem: Problem) -> None:
        facts = {**problem.facts, "suggestion": problem.suggestion}
        super().__init__(problem.message, code=problem.code, **facts)
        self.problem = problem
        self.position = problem.position

    def __str__(self) -> str:
        return str(self.problem)


class EvaluationError(Invalid):
    """This expression could not be evaluated."""

    code = "evaluation"


class BudgetExceeded(EvaluationError):
    """This expression needs more work than is allowed."""

    code = "expression_budget"
