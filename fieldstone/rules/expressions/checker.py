"""The type checker: a parsed tree to a checked one.

What comes in: a tree of the parser and a `TypeEnvironment`. What goes out: `Checked`, with a tree in which every
node has its type and every conversion is spelled out, and all problems found. Never raises for a wrong expression.
Who calls it: `compile`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fieldstone.rules.expressions.calls import CallChecker
from fieldstone.rules.expressions.coercion import common_of_types, common_type, convert, distance
from fieldstone.rules.expressions.comparing import Comparing
from fieldstone.rules.expressions.dialect import Absent, Conversions, Dialect, Mixing
from fieldstone.rules.expressions.errors import Problem
from fieldstone.rules.expressions.functions.conversion import read_decimal
from fieldstone.rules.expressions.names import NameResolver
from fieldstone.rules.expressions.operators import NEGATION
from fieldstone.rules.expressions.reports import Reports, is_open
from fieldstone.rules.expressions.syntax import (
    Binary,
    Call,
    Comprehension,
    FieldPath,
    Has,
    Index,
    ListNode,
    Literal,
    Logical,
    MapNode,
    Member,
    Name,
    Node,
    Path,
    Ternary,
    Unary,
    Variable,
)
from fieldstone.rules.expressions.types import (
    BOOL,
    DECIMAL,
    DOUBLE,
    DYN,
    INT,
    NULL,
    STRING,
    UINT,
    Type,
    TypeEnvironment,
    list_of,
    map_of,
)

_KEYS = (STRING, INT, UINT, BOOL)
_NUMBERS = (INT, UINT, DOUBLE, DECIMAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A checked tree, the names of the functions it was written with, and what is wrong with it."""

    tree: Node
    calls: frozenset[str]
    problems: tuple[Problem, ...]


def check(
    source: str, tree: Node, environment: TypeEnvironment, dialect: Dialect, expects: Type | None = None
) -> Checked:
    """Check `tree`, which was parsed from `source`; its result must fit `expects` if that is given."""
    checker = _Checker(source, environment, dialect)
    checked = checker.result(checker.check(tree), expects)
    return Checked(tree=checked, calls=frozenset(checker.calls.names), problems=tuple(checker.reports.problems))


class _Checker:
    """Checks one expression, node by node."""

    def __init__(self, source: str, environment: TypeEnvironment, dialect: Dialect) -> None:
        self.reports = Reports(source)
        self.calls = CallChecker(environment, dialect, self.reports, self.check)
        self._dialect = dialect
        self._names = NameResolver(environment, dialect, self.reports, self.check)
        self._comparing = Comparing(dialect, self.reports)
        self._checks: dict[type[Node], Callable[[Any], Node]] = {
            Literal: self._literal,
            Name: self._names.name,
            Member: self._names.member,
            Has: self._names.has,
            Unary: self._unary,
            Binary: self._binary,
            Logical: self._logical,
            Ternary: self._ternary,
            Index: self._index,
            ListNode: self._list,
            MapNode: self._map,
            Call: self.calls.call,
            Comprehension: self._comprehension,
        }

    def check(self, node: Node) -> Node:
        return self._checks[type(node)](node)

    def result(self, tree: Node, expects: Type | None) -> Node:
        if expects is None or is_open(expects):
            return tree
        if expects.is_record and tree.type == STRING:
            return tree
        if distance(tree, expects, self._dialect) is not None:
            return convert(tree, expects, self.reports)
        facts = {"wanted": str(expects), "given": str(tree.type)}
        suggestion = f"string({self.reports.text_of(tree)})" if expects == STRING else ""
        message = "This gives {given}, but {wanted} is wanted."
        return self.reports.fault(tree, "wrong_result", message, facts, suggestion)

    def _literal(self, node: Literal) -> Node:
        if node.type == STRING and any(each in node.value for each in self._dialect.forbidden_in_text):
            return self.reports.fault(node, "bad_text", "A text may not hold the character NUL.")
        if node.type != DOUBLE or self._dialect.conversions is Conversions.EXPLICIT:
            return node
        value = read_decimal(node.text)
        if value is None:
            message = "The number {text} has more than 38 digits or is out of range."
            return self.reports.fault(node, "number_too_large", message, {"text": node.text[:40]})
        return replace(node, value=value, type=DECIMAL)

    def _unary(self, node: Unary) -> Node:
        operand = self.check(node.operand)
        if operand.type == NULL and self._dialect.absent is Absent.IS_UNKNOWN:
            return replace(node, operand=operand, type=BOOL if node.operator == "!" else NULL)
        if node.operator == "!":
            return replace(node, operand=self._condition(operand), type=BOOL)
        negation = NEGATION.get(operand.type.name)
        if negation is not None or is_open(operand.type):
            return replace(node, operand=operand, type=negation.result if negation else DYN)
        facts = {"type": str(operand.type), "operator": node.operator}
        return self.reports.fault(node, "no_operator", "{operator} does not work on {type}.", facts)

    def _binary(self, node: Binary) -> Node:
        return self._comparing.check(node, self._side(node, node.left), self._side(node, node.right))

    def _side(self, node: Binary, side: Node) -> Node:
        if isinstance(side, Name) and node.operator in ("==", "!="):
            return self._names.name(side, f'"{side.name}"')
        return self.check(side)

    def _logical(self, node: Logical) -> Node:
        return replace(node, terms=tuple(self._condition(self.check(term)) for term in node.terms), type=BOOL)

    def _condition(self, node: Node) -> Node:
        if node.type == BOOL or is_open(node.type):
            return node
        if node.type == NULL and self._dialect.absent is Absent.IS_UNKNOWN:
            return node
        text = self.reports.text_of(node)
        suggestion = f"{text} != null" if not isinstance(node, Literal) else ""
        message = "A condition is wanted here, not {type}."
        return self.reports.fault(node, "not_a_condition", message, {"type": str(node.type)}, suggestion)

    def _ternary(self, node: Ternary) -> Node:
        condition = self._condition(self.check(node.condition))
        then, otherwise = self.check(node.then), self.check(node.otherwise)
        common = common_type((then, otherwise), self._dialect)
        if common is None and self._dialect.mixing is Mixing.REFUSED:
            facts = {"left": str(then.type), "right": str(otherwise.type)}
            message = "Both results must be of one type, not {left} and {right}."
            return self.reports.fault(node, "type_mismatch", message, facts)
        if common is not None:
            then, otherwise = convert(then, common, self.reports), convert(otherwise, common, self.reports)
        return replace(node, condition=condition, then=then, otherwise=otherwise, type=common or DYN)

    def _index(self, node: Index) -> Node:
        operand, index = self.check(node.operand), self.check(node.index)
        of_type = operand.type
        if of_type.is_list and (index.type in (INT, NULL) or is_open(index.type)):
            return replace(node, operand=operand, index=index, type=of_type.element)
        if of_type.is_map and self._fits_key(index.type, of_type.element):
            return replace(node, operand=operand, index=index, type=of_type.value)
        if is_open(of_type):
            return replace(node, operand=operand, index=index, type=DYN)
        facts = {"type": str(of_type), "index": str(index.type)}
        return self.reports.fault(node, "no_index", "{type} has no element for an index of type {index}.", facts)

    def _fits_key(self, index: Type, key: Type) -> bool:
        return index in (key, NULL) or is_open(index) or is_open(key) or (index in _NUMBERS and key in _NUMBERS)

    def _list(self, node: ListNode) -> Node:
        items = tuple(self.check(item) for item in node.items)
        element = common_type(items, self._dialect) if items else DYN
        if element is not None and element != NULL:
            items = tuple(convert(item, element, self.reports) for item in items)
        return replace(node, items=items, type=list_of(DYN if element is None else element))

    def _map(self, node: MapNode) -> Node:
        keys = tuple(self._key(self.check(key)) for key, _ in node.entries)
        values = tuple(self.check(value) for _, value in node.entries)
        key_type = common_of_types({key.type for key in keys}, self._dialect) if keys else DYN
        value_type = common_type(values, self._dialect) if values else DYN
        if value_type is not None:
            values = tuple(convert(value, value_type, self.reports) for value in values)
        of_type = map_of(key_type or DYN, value_type or DYN)
        return replace(node, entries=tuple(zip(keys, values, strict=True)), type=of_type)

    def _key(self, node: Node) -> Node:
        if node.type in _KEYS or is_open(node.type):
            return node
        return self.reports.fault(node, "bad_key", "{type} cannot be the key of a map.", {"type": str(node.type)})

    def _comprehension(self, node: Comprehension) -> Node:
        source = self.check(node.source)
        of_type = source.type
        if not (of_type.is_list or of_type.is_map or is_open(of_type) or of_type == NULL):
            facts = {"kind": node.kind, "type": str(of_type)}
            message = "{kind}() walks over a list, not over {type}."
            return self.reports.fault(node.source, "not_a_list", message, facts)
        variable = Variable(name=node.variable, type=of_type.element, origin=_origin(source))
        hidden = self._names.bind(variable)
        condition = None if node.condition is None else self._condition(self.check(node.condition))
        result = None if node.result is None else self.check(node.result)
        self._names.release(node.variable, hidden)
        return replace(
            node, source=source, condition=condition, result=result, type=_result_type(node, of_type, result)
        )


def _origin(source: Node) -> Path | None:
    """The path of the list that is walked over, where it is a field or a filtered field."""
    while isinstance(source, Comprehension) and source.kind == "filter":
        source = source.source
    if isinstance(source, FieldPath):
        return source.path
    if isinstance(source, Member) and isinstance(source.operand, Variable) and source.operand.origin is not None:
        return (*source.operand.origin, source.field)
    return None


def _result_type(node: Comprehension, source: Type, result: Node | None) -> Type:
    if node.kind == "map":
        return list_of(DYN if result is None else result.type)
    return list_of(source.element) if node.kind == "filter" else BOOL
