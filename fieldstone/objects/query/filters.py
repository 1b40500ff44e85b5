"""Filters that callers write.

What comes in: source text and the rights of its caller. What goes out: a checked condition over visible fields, ready
for SQL, or `Unreadable` with position and suggestion. Who calls it: lists, counts, views.
"""

from __future__ import annotations

from fieldstone.objects.access.conditions import RowNames
from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.query.names import VisibleNames
from fieldstone.objects.query.values import MAX_FILTER
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.errors import Unreadable
from fieldstone.rules.expressions.compile import compile_expression
from fieldstone.rules.expressions.errors import ExpressionError
from fieldstone.rules.expressions.types import BOOL, TypeEnvironment


def filter_of(kind: ObjectType, source: str, access: ActorAccess, prefix: str) -> RowCondition:
    """The condition over visible fields; `prefix` names its parameters. Raises `Unreadable`."""
    return _checked(kind, source, VisibleNames(kind, access), prefix)


def published_filter(kind: ObjectType, source: str, prefix: str) -> RowCondition:
    """A filter of a published view: it was checked by whoever published it, and may look at any field."""
    return _checked(kind, source, RowNames(kind.environment), prefix)


def _checked(kind: ObjectType, source: str, names: TypeEnvironment, prefix: str) -> RowCondition:
    if len(source) > MAX_FILTER:
        raise Unreadable("A filter has at most {limit} characters.", code="filter_too_long", limit=MAX_FILTER)
    try:
        expression = compile_expression(source, names, expects=BOOL)
    except ExpressionError as error:
        problem = error.problem
        hint = " Did you mean {suggestion}?" if problem.suggestion else ""
        raise Unreadable(
            f"filter, line {{line}}, column {{column}}: {problem.message}{hint}",
            code=problem.code,
            **{
                **problem.facts,
                "suggestion": problem.suggestion,
                "line": problem.position.line,
                "column": problem.position.column,
                "offset": problem.position.offset,
            },
        ) from error
    return RowCondition(expression, kind, prefix)
