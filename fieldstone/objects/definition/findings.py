"""Collects what is wrong with a definition, so that preview shows everything at once.

What comes in: problems of fields and expressions. What goes out: diagnostics. Who calls it: the compiler and the
checks of objects. An object with findings compiles as far as it can (a formula that does not compile is left out), so
that one bad field never takes a page down; publishing it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from fieldstone.objects.fieldtypes.problems import Problem
from fieldstone.platform.kernel.metadata import Diagnostic, Severity
from fieldstone.platform.kernel.text import Text
from fieldstone.rules.expressions.compile import Expression, check_expression, compile_expression
from fieldstone.rules.expressions.errors import ExpressionError
from fieldstone.rules.expressions.types import Type, TypeEnvironment


class Findings:
    """The findings of one definition, in the order in which they were made."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        """Everything found so far."""
        return tuple(self._found)

    def extend(self, found: Iterable[Diagnostic]) -> None:
        """Findings made elsewhere."""
        self._found.extend(found)

    def add(self, path: str, code: str, message: Text, severity: Severity = "error", **facts: Any) -> None:
        """One finding."""
        self._found.append(Diagnostic(path=path, severity=severity, code=code, message=message, facts=facts))

    def problem(self, problem: Problem, path: str) -> None:
        """A problem that a field type found in its declaration, which stands at `path`."""
        facts = dict(problem.facts)
        found = Diagnostic(
            path=path + problem.path, severity="error", code=problem.code, message=problem.message, facts=facts
        )
        self._found.append(found)

    def expression(
        self, source: Any, path: str, environment: TypeEnvironment, expects: Sequence[Type]
    ) -> Expression | None:
        """The compiled expression; None when it has problems, which are all added with their positions.

        `expects` are the types that its value may have; problems are told for the first.
        """
        for wanted in expects:
            with suppress(ExpressionError):
                return compile_expression(str(source), environment, expects=wanted)
        self._expression_problems(str(source), path, environment, expects[0])
        return None

    def _expression_problems(self, source: str, path: str, environment: TypeEnvironment, expects: Type) -> None:
        problems = check_expression(source, environment, expects=expects)
        for each in problems:
            place = {"line": each.position.line, "column": each.position.column, "length": each.position.length}
            facts = {**each.facts, **place, "suggestion": each.suggestion}
            message = f"{each.message} Did you mean {{suggestion}}?" if each.suggestion else each.message
            self.add(path, each.code, message, **facts)
