"""Which fields a checked expression reads.

What comes in: a checked tree. What goes out: every path read, each once, in the order of the source. Rules are
indexed by them, where-used is told from them, and records are loaded by them. Who calls it: `compile`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fieldstone.rules.expressions.syntax import Call, FieldPath, Literal, Member, Node, Path, Variable, walk


def references(tree: Node) -> tuple[Path, ...]:
    """Every path read: `("amount",)`, `("customer", "tier")`, `("lines", "amount")`, and those in `changed(...)`."""
    return tuple(dict.fromkeys(_read(tree)))


def _read(tree: Node) -> Iterator[Path]:
    for node in walk(tree):
        if isinstance(node, FieldPath):
            yield node.path
        elif isinstance(node, Member):
            path = _through_list(node)
            if path is not None:
                yield path
        elif isinstance(node, Call) and node.name == "changed" and isinstance(node.arguments[0], Literal):
            yield (str(node.arguments[0].value),)


def _through_list(node: Node) -> Path | None:
    if isinstance(node, Variable):
        return node.origin
    if isinstance(node, Member) and node.operand.type.is_record:
        before = _through_list(node.operand)
        return None if before is None else (*before, node.field)
    return None
