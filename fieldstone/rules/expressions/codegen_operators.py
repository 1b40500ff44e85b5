"""Generated code for operators. Who calls it: `codegen`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fieldstone.rules.expressions import dynamic, emit
from fieldstone.rules.expressions.operators import NEGATION, OPERATIONS
from fieldstone.rules.expressions.syntax import Binary, ListNode, Literal, Unary
from fieldstone.rules.expressions.types import NULL
from fieldstone.rules.expressions.values import equal
from fieldstone.rules.expressions.writer import Code, Writer

PLAIN = frozenset(
    {
        "bool", "int", "uint", "double", "decimal", "string", "bytes", "date", "time", "timestamp", "duration",
        "money", "type",
    }
)  # fmt: skip
"""Types whose equality is Python's own, among themselves and beside None."""
HASHABLE = frozenset({"int", "decimal", "string", "date", "time", "timestamp", "duration"})
LONG = frozenset({"string", "bytes", "list", "map", "dyn", "error"})
"""Types whose values can be long."""


def unary(writer: Writer, node: Unary, operand: Code) -> Code:
    """`!x`, `-x`."""
    if node.operator == "!":
        return writer.guarded((writer.as_condition(node.operand, operand),), emit.negated)
    operation = NEGATION.get(node.operand.type.name)
    if operation is not None:
        negate = writer.entry(operation.calculate)
        return writer.guarded((operand,), lambda value: emit.call(negate, value))
    return Code(emit.call(writer.helper(dynamic.negation), operand.expression), writer.unknown)


def binary(writer: Writer, node: Binary, left: Code, right: Code) -> Code:
    """Arithmetic, comparison and membership."""
    if node.operator in ("==", "!="):
        return _equality(writer, node, left, right)
    if node.operator == "in":
        return _membership(writer, node, left, right)
    operation = OPERATIONS[node.operator].get((node.left.type.name, node.right.type.name))
    if operation is None:
        return _dynamic(writer, node, left, right)
    native = operation.native
    if native in ("+", "-", "*"):
        return writer.guarded((left, right), lambda a, b: emit.calculate(a, native, b))
    if native:
        return writer.guarded((left, right), lambda a, b: emit.compare(a, native, b))
    return _called(writer, node, operation.calculate, left, right)


def _dynamic(writer: Writer, node: Binary, left: Code, right: Code) -> Code:
    calculate = writer.entry(dynamic.operator(node.operator, writer.dialect), ("dynamic", node.operator))
    value = emit.call(calculate, left.expression, right.expression)
    return Code(writer.weighed(value) if node.operator == "+" else value, writer.unknown)


def _called(writer: Writer, node: Binary, calculate: Callable[..., Any], left: Code, right: Code) -> Code:
    divides = node.operator in "/%" and node.type.name != "double"
    if divides:
        calculate = dynamic.divided(calculate, writer.dialect)
    entry = writer.entry(calculate, (node.operator, node.left.type.name, node.right.type.name))
    code = writer.guarded((left, right), lambda a, b: emit.call(entry, a, b))
    made = writer.weighed(code.expression) if node.type.name in LONG else code.expression
    return Code(made, code.nullable or (divides and writer.unknown))


def _equality(writer: Writer, node: Binary, left: Code, right: Code) -> Code:
    for side, other in ((node.left, right), (node.right, left)):
        if side.type == NULL and isinstance(side, Literal):
            test = emit.is_none if node.operator == "==" else emit.is_not_none
            return Code(test(other.expression), False)
    if node.left.type == node.right.type and node.left.type.name in PLAIN:
        return Code(emit.compare(left.expression, node.operator, right.expression), False)
    same = emit.call(writer.entry(equal), writer.weighed_in_loops(left.expression), right.expression)
    return Code(same if node.operator == "==" else emit.negated(same), False)


def _membership(writer: Writer, node: Binary, left: Code, right: Code) -> Code:
    constants = _constants(node)
    if constants is not None:
        inline = all(type(each) in (int, str) for each in constants)
        members = emit.constant(constants) if inline else emit.name(writer.entry(constants))
        return Code(emit.compare(left.expression, "in", members), False)
    items = writer.weighed_in_loops(right.expression)
    wanted = node.left.type
    if not node.right.type.is_list or node.right.type.element != wanted or wanted.name not in HASHABLE:
        return Code(emit.call(writer.helper(dynamic.membership), left.expression, items), False)
    if not right.nullable:
        return Code(emit.compare(left.expression, "in", items), False)
    kept = writer.new_name()
    present = emit.is_not_none(emit.keep(kept, items))
    return Code(emit.both((present, emit.compare(left.expression, "in", emit.name(kept)))), False)


def _constants(node: Binary) -> frozenset[Any] | None:
    """The elements of a constant list that can be searched by hash, None for any other list."""
    if not isinstance(node.right, ListNode) or node.left.type.name not in HASHABLE:
        return None
    if not all(isinstance(each, Literal) and each.type in (node.left.type, NULL) for each in node.right.items):
        return None
    return frozenset(each.value for each in node.right.items if isinstance(each, Literal))
