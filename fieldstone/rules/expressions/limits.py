"""Bounds on an expression's shape, so that nothing later needs to fear its size.

What comes in: a parsed tree. Raises `ExpressionError` when it is too deep, too large or loops inside loops too far.
Who calls it: the parser, as its last step. Work at run time is bounded by `runtime.Budget`.
"""

from __future__ import annotations

from fieldstone.rules.expressions.errors import ExpressionError, Position, Problem
from fieldstone.rules.expressions.syntax import Comprehension, Node, children

MAX_DEPTH = 64
"""Levels of nesting; a chain of `&&` or of `||` is one level, each `+` of a chain is another."""
MAX_NODES = 4_000
MAX_LOOPS = 4
"""Comprehensions inside comprehensions."""


def check_limits(source: str, tree: Node) -> None:
    """Raise `ExpressionError` when `tree` is deeper, larger or more nested than allowed."""
    pending = [(tree, 1, 0)]
    count = 0
    while pending:
        node, depth, loops = pending.pop()
        count += 1
        loops += isinstance(node, Comprehension)
        if depth > MAX_DEPTH:
            raise too_deep(source, node.start)
        if count > MAX_NODES:
            raise _refused(source, node.start, "too_large", "This expression has more than {limit} parts.", MAX_NODES)
        if loops > MAX_LOOPS:
            message = "Lists are walked over inside each other more than {limit} times."
            raise _refused(source, node.start, "too_nested", message, MAX_LOOPS)
        for part in children(node):
            pending.append((part, depth + 1, loops))


def too_deep(source: str, start: int) -> ExpressionError:
    """The error for an expression with more than `MAX_DEPTH` levels."""
    return _refused(source, start, "too_deep", "This expression is nested more than {limit} levels deep.", MAX_DEPTH)


def _refused(source: str, start: int, code: str, message: str, limit: int) -> ExpressionError:
    position = Position.of(source, start, start + 1)
    return ExpressionError(Problem(position=position, code=code, message=message, facts={"limit": limit}))
