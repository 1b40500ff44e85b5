"""A second, slow reading of the language for the tests: it walks the checked tree and decides each node by itself.

It shares nothing with the code generator but the nodes; functions are called through their overloads.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, localcontext
from typing import Any

from fieldstone.rules.expressions import syntax
from fieldstone.rules.expressions.compile import EvaluationContext
from fieldstone.rules.expressions.functions.definition import Needs, OnNull
from fieldstone.rules.expressions.values import Money


class Fails(Exception):
    """The expression has no value."""


class Undefined(Exception):
    """A null meets a failure: the language does not say which of the two the result is."""


class Oracle:
    """Evaluates checked trees for one record."""

    def __init__(self, variables: Mapping[str, Any], context: EvaluationContext) -> None:
        self._variables = variables
        self._context = context
        self._bound: dict[str, Any] = {}

    def value(self, node: syntax.Node) -> Any:
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(node).__name__).lower()
        return getattr(self, f"_{name}")(node)

    def _values(self, nodes: Sequence[syntax.Node], null_decides: bool) -> list[Any]:
        values: list[Any] = []
        failures = 0
        for node in nodes:
            try:
                values.append(self.value(node))
            except Fails:
                failures += 1
        if failures and None in values and null_decides:
            raise Undefined
        if failures:
            raise Fails
        return values

    def _literal(self, node: syntax.Literal) -> Any:
        return node.value

    def _field_path(self, node: syntax.FieldPath) -> Any:
        current: Any = self._variables
        for name in node.path:
            current = None if current is None else current[name]
        return current

    def _variable(self, node: syntax.Variable) -> Any:
        return self._bound[node.name]

    def _member(self, node: syntax.Member) -> Any:
        operand = self.value(node.operand)
        if isinstance(operand, Money):
            return operand.amount if node.field == "amount" else operand.currency
        return None if operand is None else operand.get(node.field)

    def _record_id(self, node: syntax.RecordId) -> Any:
        operand = self.value(node.operand)
        if isinstance(operand, list):
            return [each["id"] for each in operand]
        return None if operand is None else operand["id"]

    def _convert(self, node: syntax.Convert) -> Any:
        operand = self.value(node.operand)
        if operand is None:
            return None
        if node.type.name == "timestamp":
            return datetime.combine(operand, time(), self._context.time_zone).astimezone(UTC)
        return {"decimal": Decimal, "double": float}[node.type.name](operand)

    def _unary(self, node: syntax.Unary) -> Any:
        operand = self.value(node.operand)
        if operand is None:
            return None
        if node.operator == "!":
            return not operand
        if isinstance(operand, Money):
            return Money(operand.amount.copy_negate(), operand.currency)
        return _bounded(-operand) if not isinstance(operand, Decimal) else operand.copy_negate()

    def _binary(self, node: syntax.Binary) -> Any:
        left, right = self._values((node.left, node.right), node.operator not in ("==", "!=", "in"))
        if node.operator in ("==", "!="):
            return (left == right) is (node.operator == "==")
        if node.operator == "in":
            return right is not None and left in right
        if left is None or right is None:
            return None
        return _calculated(node.operator, left, right)

    def _logical(self, node: syntax.Logical) -> Any:
        deciding = node.operator == "||"
        return self._decided(deciding, [lambda term=term: self.value(term) for term in node.terms])

    def _decided(self, deciding: bool, terms: list[Callable[[], Any]]) -> Any:
        outcomes: list[Any] = []
        for term in terms:
            try:
                outcomes.append(term())
            except Fails:
                outcomes.append("failed")
        if deciding in [each for each in outcomes if isinstance(each, bool)]:
            return deciding
        if "failed" in outcomes:
            raise Fails
        return None if None in outcomes else not deciding

    def _ternary(self, node: syntax.Ternary) -> Any:
        return self.value(node.then if self.value(node.condition) is True else node.otherwise)

    def _index(self, node: syntax.Index) -> Any:
        operand, index = self.value(node.operand), self.value(node.index)
        if operand is None or index is None:
            return None
        return operand[index] if 0 <= index < len(operand) else None

    def _list_node(self, node: syntax.ListNode) -> Any:
        return [self.value(item) for item in node.items]

    def _call(self, node: syntax.Call) -> Any:
        overload = node.overload
        assert overload is not None
        arguments = self._values(node.arguments, overload.on_null is OnNull.GIVES_NULL)
        if overload.on_null is OnNull.GIVES_NULL and None in arguments:
            return None
        before = {Needs.ARGUMENTS: (), Needs.CONTEXT: (self._context,), Needs.RECORD: (self._variables,)}
        return overload.implementation(*before[overload.needs], *arguments)

    def _comprehension(self, node: syntax.Comprehension) -> Any:
        source = self.value(node.source)
        if source is None:
            return None
        if node.kind in ("all", "exists"):
            return self._decided(node.kind == "exists", [self._each(node, item) for item in source])
        kept = [item for item in source if node.condition is None or self._each(node, item)() is True]
        if node.kind == "exists_one":
            return len(kept) == 1
        return kept if node.kind == "filter" else [self._each(node, item, node.result)() for item in kept]

    def _each(self, node: syntax.Comprehension, item: Any, body: syntax.Node | None = None) -> Callable[[], Any]:
        part = body or node.condition
        assert part is not None

        def evaluated() -> Any:
            before = dict(self._bound)
            self._bound[node.variable] = item
            try:
                return self.value(part)
            finally:
                self._bound = before

        return evaluated


def _calculated(symbol: str, left: Any, right: Any) -> Any:
    orders = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
    if isinstance(left, Money) and isinstance(right, Money):
        return _with_money(symbol, left, right)
    if isinstance(left, Money) or isinstance(right, Money):
        money, number = (left, right) if isinstance(left, Money) else (right, left)
        amount = _calculated(symbol, money.amount, number)
        return None if amount is None else Money(amount, money.currency)
    if symbol in orders:
        return orders[symbol](left, right)
    if isinstance(left, date) and not isinstance(left, datetime) and not isinstance(right, date):
        days = int(right.total_seconds() / 86400)
        return left + type(right)(days=days if symbol == "+" else -days)
    with localcontext(prec=38, rounding="ROUND_HALF_UP"):
        if symbol in "/%" and not right:
            return None
        if symbol == "/" and isinstance(left, int):
            return _bounded(abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1))
        if symbol == "%" and isinstance(left, int):
            return abs(left) % abs(right) * (1 if left >= 0 else -1)
        plain = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": operator.mod}
        return _bounded(plain[symbol](left, right))


def _with_money(symbol: str, left: Money, right: Money) -> Any:
    if left.currency != right.currency:
        raise Fails
    result = _calculated(symbol, left.amount, right.amount)
    return Money(result, left.currency) if symbol in "+-" else result


def _bounded(number: Any) -> Any:
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        raise Fails
    return number
