"""Checks operators: comparison, membership, arithmetic.

What comes in: an operator and its checked sides. What goes out: a `Binary` whose sides have been converted to what
the operator works on, or a `Faulty` with a reason and a suggestion. Who calls it: the checker.
"""

from __future__ import annotations

from fieldstone.rules.expressions.coercion import aligned, amount_of, common_of_types, convert, distance, without_record
from fieldstone.rules.expressions.dialect import Absent, Conversions, Dialect, Faults, Mixing
from fieldstone.rules.expressions.operators import ARITHMETIC, ORDER
from fieldstone.rules.expressions.reports import Reports, is_open
from fieldstone.rules.expressions.syntax import Binary, Convert, ListNode, Literal, Node, Variable
from fieldstone.rules.expressions.types import (
    BOOL,
    DATE,
    DECIMAL,
    DOUBLE,
    DYN,
    INT,
    MONEY,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
)

_NUMBERS = (INT, UINT, DOUBLE, DECIMAL)


class Comparing:
    """Checks the operators of one expression."""

    __slots__ = ("_dialect", "_reports")

    def __init__(self, dialect: Dialect, reports: Reports) -> None:
        self._dialect = dialect
        self._reports = reports

    def check(self, node: Binary, left: Node, right: Node) -> Node:
        """`node` with its checked sides."""
        if node.operator in ("==", "!="):
            return self._equality(node, left, right)
        if node.operator == "in":
            return self._membership(node, left, right)
        if NULL in (left.type, right.type):
            return self._with_null(node, left, right)
        if node.operator in ORDER:
            return self._order(node, left, right)
        return self._arithmetic(node, left, right)

    def _equality(self, node: Binary, left: Node, right: Node) -> Node:
        pair = aligned(left, right, self._dialect, self._reports)
        if pair is None and self._dialect.faults is Faults.DEFERRED:
            # Values of different types are simply not equal where nothing is refused beforehand.
            return _binary(node, left, right, BOOL)
        if pair is None:
            return self._incomparable(node, left, right)
        return _binary(node, *pair, BOOL)

    def _order(self, node: Binary, left: Node, right: Node) -> Node:
        pair = aligned(left, right, self._dialect, self._reports)
        if pair is None:
            return self._incomparable(node, left, right)
        names = pair[0].type.name, pair[1].type.name
        if is_open(pair[0].type) or is_open(pair[1].type) or names in ORDER[node.operator]:
            return _binary(node, *pair, BOOL)
        facts = {"type": str(left.type), "operator": node.operator}
        return self._reports.fault(node, "no_order", "Values of type {type} have no order: {operator} fails.", facts)

    def _with_null(self, node: Binary, left: Node, right: Node) -> Node:
        if self._dialect.absent is Absent.IS_ERROR:
            return self._no_operator(node, left, right, "")
        return Literal(start=node.start, end=node.end, value=None, type=BOOL if node.operator in ORDER else NULL)

    def _membership(self, node: Binary, left: Node, right: Node) -> Node:
        if is_open(right.type) or right.type == NULL:
            return _binary(node, without_record(left), right, BOOL)
        if not (right.type.is_list or right.type.is_map):
            suggestion = "contains()" if right.type == STRING else ""
            facts = {"type": str(right.type)}
            return self._reports.fault(node, "not_a_list", "`in` wants a list, not {type}.", facts, suggestion)
        if left.type == MONEY and right.type.element in _NUMBERS:
            left = amount_of(left)
        left, right = without_record(left), without_record(right)
        if isinstance(right, ListNode) and self._dialect.mixing is Mixing.REFUSED:
            return self._in_literal_list(node, left, right)
        sample = Variable(start=right.start, end=right.end, name="", type=right.type.element)
        pair = aligned(left, sample, self._dialect, self._reports)
        if pair is None:
            return self._incomparable(node, left, sample)
        if isinstance(pair[1], Convert):
            right = convert(right, list_of(left.type), self._reports)
        return _binary(node, pair[0], right, BOOL)

    def _in_literal_list(self, node: Binary, left: Node, right: ListNode) -> Node:
        items: list[Node] = []
        wanted = left
        for item in right.items:
            pair = aligned(left, item, self._dialect, self._reports)
            if pair is None:
                return self._incomparable(node, left, item)
            wanted = pair[0] if isinstance(pair[0], Convert) else wanted
            items.append(pair[1])
        types = {item.type for item in items if item.type != NULL}
        element = next(iter(types)) if len(types) == 1 else DYN
        as_list = ListNode(start=right.start, end=right.end, type=list_of(element), items=tuple(items))
        return _binary(node, wanted, as_list, BOOL)

    def _arithmetic(self, node: Binary, left: Node, right: Node) -> Node:
        if is_open(left.type) or is_open(right.type):
            return _binary(node, left, right, DYN)
        if left.type.is_list and right.type.is_list and node.operator == "+":
            return self._joined_lists(node, left, right)
        found = ARITHMETIC[node.operator].get((left.type.name, right.type.name))
        if found is not None:
            return _binary(node, left, right, found.result)
        if self._dialect.conversions is Conversions.IMPLICIT:
            return self._converted_arithmetic(node, left, right)
        return self._no_operator(node, left, right, "")

    def _joined_lists(self, node: Binary, left: Node, right: Node) -> Node:
        element = common_of_types((left.type.element, right.type.element), self._dialect)
        result = list_of(element if element is not None else DYN)
        if all(distance(side, result, self._dialect) is not None for side in (left, right)):
            left, right = convert(left, result, self._reports), convert(right, result, self._reports)
        return _binary(node, left, right, result)

    def _converted_arithmetic(self, node: Binary, left: Node, right: Node) -> Node:
        best: tuple[int, Type, Type, Type] | None = None
        for (left_name, right_name), operation in ARITHMETIC[node.operator].items():
            to_left = distance(left, Type(left_name), self._dialect)
            to_right = distance(right, Type(right_name), self._dialect)
            if to_left is None or to_right is None:
                continue
            if best is None or to_left + to_right < best[0]:
                best = (to_left + to_right, Type(left_name), Type(right_name), operation.result)
        if best is None:
            return self._no_operator(node, left, right, _arithmetic_hint(node.operator, left, right, self._reports))
        _, left_type, right_type, result = best
        return _binary(node, convert(left, left_type, self._reports), convert(right, right_type, self._reports), result)

    def _incomparable(self, node: Binary, left: Node, right: Node) -> Node:
        facts = {"left": str(left.type), "right": str(right.type), "operator": node.operator}
        return self._reports.fault(
            node,
            "type_mismatch",
            "{left} and {right} cannot be compared.",
            facts,
            _comparison_hint(left, right, self._reports),
        )

    def _no_operator(self, node: Binary, left: Node, right: Node, suggestion: str) -> Node:
        facts = {"operator": node.operator, "left": str(left.type), "right": str(right.type)}
        return self._reports.fault(
            node, "no_operator", "{operator} does not work on {left} and {right}.", facts, suggestion
        )


def _binary(node: Binary, left: Node, right: Node, result: Type) -> Binary:
    return Binary(start=node.start, end=node.end, type=result, operator=node.operator, left=left, right=right)


def _comparison_hint(left: Node, right: Node, reports: Reports) -> str:
    types = {left.type, right.type}
    number = right if right.type in _NUMBERS else left
    if types == {DECIMAL, DOUBLE}:
        return f"decimal({reports.text_of(left if left.type == DOUBLE else right)})"
    if STRING in types and isinstance(number, Literal) and number.type in _NUMBERS:
        return f'"{reports.text_of(number)}"'
    if types == {STRING, BOOL}:
        return "true or false without quotes"
    return ""


def _arithmetic_hint(operator: str, left: Node, right: Node, reports: Reports) -> str:
    if operator in "+-" and left.type in (DATE, TIMESTAMP) and right.type == INT:
        count = reports.text_of(right) if operator == "+" else f"-{reports.text_of(right)}"
        return f"addDays({reports.text_of(left)}, {count})"
    if operator in "+-" and MONEY in (left.type, right.type):
        return f" {operator} ".join(_amount_text(side, reports) for side in (left, right))
    if operator == "+" and STRING in (left.type, right.type):
        return " + ".join(_string_text(side, reports) for side in (left, right))
    if {left.type, right.type} == {DECIMAL, DOUBLE}:
        return f"decimal({reports.text_of(left if left.type == DOUBLE else right)})"
    return ""


def _amount_text(side: Node, reports: Reports) -> str:
    return f"{reports.text_of(side)}.amount" if side.type == MONEY else reports.text_of(side)


def _string_text(side: Node, reports: Reports) -> str:
    return reports.text_of(side) if side.type == STRING else f"string({reports.text_of(side)})"
