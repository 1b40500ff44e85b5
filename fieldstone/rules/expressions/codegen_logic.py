"""Generated code for `&&` and `||`, in two styles. Who calls it: `codegen`."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from enum import Enum

from fieldstone.rules.expressions import emit, logic
from fieldstone.rules.expressions.syntax import Binary, Literal, Logical, Node, Unary
from fieldstone.rules.expressions.writer import Code, Writer


class Logic(Enum):
    """How `&&` and `||` are written."""

    SHORT = "short"
    """Python's own `and`, `or`: right as long as nothing raises."""
    CAREFUL = "careful"
    """Goes on after a failed term, because another may decide the result."""


def logical(writer: Writer, style: Logic, node: Logical, terms: Sequence[Code]) -> Code:
    """`a && b && ...`, `a || b || ...`; each term is already a condition."""
    nullable = any(term.nullable for term in terms)
    if style is Logic.SHORT:
        return Code(_short(writer, node, terms), nullable)
    decide = writer.entry(logic.all_of if node.operator == "&&" else logic.any_of)
    return Code(emit.call(decide, *(emit.function((), term.expression) for term in terms)), nullable)


def _short(writer: Writer, node: Logical, terms: Sequence[Code]) -> ast.expr:
    """Terms that are never null come first; with one nullable term left, Python's own operator is Kleene's."""
    join, deciding = (emit.both, False) if node.operator == "&&" else (emit.either, True)
    certain = [term.expression for term in terms if not term.nullable]
    unsure = [(term.expression, part) for term, part in zip(terms, node.terms, strict=True) if term.nullable]
    if len(unsure) < 2:
        return join([*certain, *(expression for expression, _ in unsure)])
    names = [writer.new_name() for _ in unsure]
    decided = emit.either(
        [
            emit.compare(emit.keep(kept, expression), _identity(part), emit.constant(deciding))
            for kept, (expression, part) in zip(names, unsure, strict=True)
        ]
    )
    unknown = emit.either([emit.is_none(emit.name(kept)) for kept in names])
    rest = emit.choose(unknown, emit.constant(None), emit.constant(not deciding))
    return join([*certain, emit.choose(decided, emit.constant(deciding), rest)])


def _identity(node: Node) -> str:
    # A raw value may be 0 or 1 where a bool is meant; what an operator made is a bool.
    return "is" if isinstance(node, Binary | Logical | Unary | Literal) else "=="
