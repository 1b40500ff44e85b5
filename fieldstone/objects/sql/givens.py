"""The parts of an expression that do not look at the row: `user.id`, `addDays(today(), -7)`, `date("2026-01-31")`.

What comes in: a checked tree and which paths look at the row. What goes out: `GivenParts`, which evaluates those parts
in Python, once per call, and hands them to the compiler as parameters. Which of them are null is part of the statement,
so that a filter with `user.id` still uses an index. Who calls it: filters and row conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.sql.binds import nothing, parameter
from fieldstone.objects.sql.numbers import Numbers
from fieldstone.objects.sql.terms import Sql, Term, unsupported
from fieldstone.platform.kernel.context import DialectName
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.dialect import FIELDSTONE
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.rules.expressions.program import Program
from fieldstone.rules.expressions.syntax import (
    Comprehension,
    FieldPath,
    ListNode,
    Literal,
    Node,
    Path,
    Variable,
    children,
)
from fieldstone.rules.expressions.types import MONEY

TIME_ZONE = "time_zone"
"""The parameter that holds the name of the evaluation's time zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    name: str
    node: Node
    program: Program


class GivenParts:
    """The given parts of one expression; `prefix` keeps the names of their parameters apart in a statement."""

    def __init__(self, tree: Node, reads: Callable[[Path], bool], prefix: str) -> None:
        self._reads = reads
        self._prefix = prefix
        self._parts: dict[int, _Part] = {}
        self._collect(tree)

    def values(self, variables: Mapping[str, Any], context: EvaluationContext) -> dict[str, Any]:
        """The values by parameter name, with the time zone. A part that cannot be evaluated is null."""
        found: dict[str, Any] = {TIME_ZONE: str(context.time_zone)}
        for part in self._parts.values():
            try:
                found[part.name] = part.program.run(variables, context)
            except EvaluationError:
                found[part.name] = None
        return found

    def nulls(self, values: Mapping[str, Any]) -> frozenset[str]:
        """Which parameters are null: statements differ by it."""
        return frozenset(part.name for part in self._parts.values() if values[part.name] is None)

    def compiling(self, nulls: frozenset[str], dialect: DialectName) -> CompilingGivens:
        """The parts for one compilation."""
        return CompilingGivens({key: part.name for key, part in self._parts.items()}, nulls, dialect)

    def _collect(self, node: Node) -> None:
        if not isinstance(node, Literal | ListNode) and self._is_given(node):
            name = f"{self._prefix}{len(self._parts)}"
            self._parts[id(node)] = _Part(name=name, node=node, program=Program(node, FIELDSTONE))
            return
        for child in children(node):
            self._collect(child)

    def _is_given(self, node: Node) -> bool:
        match node:
            case FieldPath():
                return not self._reads(node.path)
            case Variable() | Comprehension():
                return False
            case _:
                return all(map(self._is_given, children(node)))


class CompilingGivens:
    """See `compiler.Givens`."""

    def __init__(self, names: Mapping[int, str], nulls: frozenset[str], dialect: DialectName) -> None:
        self._names = names
        self._nulls = nulls
        self._dialect = dialect

    @property
    def time_zone(self) -> Sql:
        """The name of the evaluation's time zone."""
        return sa.bindparam(TIME_ZONE, type_=sa.Text())

    def term(self, node: Node, numbers: Numbers) -> Term:
        """The part as a parameter, or null."""
        name = self._names[id(node)]
        if name in self._nulls:
            return nothing(node.type, numbers)
        if node.type == MONEY:
            raise unsupported("an amount of money that is not of the row")
        return parameter(name, node.type, self._dialect)

    def parameter(self, node: Node) -> str | None:
        """The name of a list's parameter, None when the list is null."""
        name = self._names[id(node)]
        return None if name in self._nulls else name
