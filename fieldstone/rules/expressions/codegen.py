"""A checked tree to one Python function.

What comes in: a checked tree and a dialect. What goes out: `Generated`, with a function of (variables, context,
budget). The code holds only names made here, constants, and entries of a table; it runs without builtins and touches
no attribute. Who calls it: `program`.

Null: a `Code` knows whether its value can be null; only then is a test for it written.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from fieldstone.rules.expressions import codegen_operators as operators
from fieldstone.rules.expressions import dynamic, emit, logic
from fieldstone.rules.expressions.codegen_logic import Logic, logical
from fieldstone.rules.expressions.dialect import Dialect
from fieldstone.rules.expressions.errors import EvaluationError, Problem
from fieldstone.rules.expressions.functions.dates import midnight
from fieldstone.rules.expressions.functions.definition import Needs, OnNull, Overload
from fieldstone.rules.expressions.syntax import (
    Binary,
    Call,
    Comprehension,
    Convert,
    Faulty,
    FieldPath,
    Has,
    Index,
    ListNode,
    Literal,
    Logical,
    MapNode,
    Member,
    Node,
    RecordId,
    Ternary,
    Unary,
    Variable,
    walk,
)
from fieldstone.rules.expressions.types import BOOL, DATE, MONEY, TIMESTAMP
from fieldstone.rules.expressions.values import money_amount, money_currency
from fieldstone.rules.expressions.writer import BUDGET, CONTEXT, VARIABLES, Code, Writer

_PARTS_PER_STEP = 4
"""How many parts of the body of a comprehension make one step of the budget, besides the first."""
_COMPREHENSIONS: dict[str, Callable[..., Any]] = {
    "all": logic.every,
    "exists": logic.some,
    "exists_one": logic.exactly_one,
    "filter": logic.chosen,
    "map": logic.mapped,
}


@dataclass(frozen=True, slots=True)
class Generated:
    """A function of (variables, context, budget), and the Python it was compiled from."""

    run: Callable[..., Any]
    tree: ast.Module
    counts: bool
    """Whether it needs a budget: it walks over lists or makes texts."""


def generate(tree: Node, dialect: Dialect, style: Logic) -> Generated:
    """The function for a checked tree."""
    generator = _Generator(dialect, style)
    code = generator.emit(tree)
    module = emit.program("evaluate", (VARIABLES, CONTEXT, BUDGET), code.expression)
    compiled = compile(module, "<expression>", "exec")
    body = next(each for each in compiled.co_consts if isinstance(each, CodeType))
    writer = generator.writer
    return Generated(FunctionType(body, {"__builtins__": {}, **writer.table}), module, writer.counts)


class _Generator:
    """Writes one expression."""

    def __init__(self, dialect: Dialect, style: Logic) -> None:
        self.writer = Writer(dialect)
        self._style = style
        self._variables: dict[str, str] = {}
        self._emitters: dict[type[Node], Callable[[Any], Code]] = {
            Literal: self._literal,
            FieldPath: self._path,
            Variable: self._variable,
            Member: self._member,
            RecordId: self._record_id,
            Convert: self._convert,
            Unary: lambda node: operators.unary(self.writer, node, self.emit(node.operand)),
            Binary: lambda node: operators.binary(self.writer, node, self.emit(node.left), self.emit(node.right)),
            Logical: self._logical,
            Ternary: self._ternary,
            Index: self._index,
            ListNode: self._list,
            MapNode: self._map,
            Has: self._has,
            Call: self._call,
            Comprehension: self._comprehension,
            Faulty: lambda node: Code(emit.call(self.writer.entry(_raising(node.problem))), False),
        }

    def emit(self, node: Node) -> Code:
        return self._emitters[type(node)](node)

    def _literal(self, node: Literal) -> Code:
        value = node.value
        if value is None or type(value) in (bool, int, float, str, bytes):
            return Code(emit.constant(value), value is None)
        return Code(emit.name(self.writer.entry(value)), False)

    def _path(self, node: FieldPath) -> Code:
        code = Code(emit.item(emit.name(VARIABLES), node.path[0]), self.writer.unknown)
        for field in node.path[1:]:
            code = self._field_of(code, field)
        return code

    def _field_of(self, record: Code, field: str) -> Code:
        code = self.writer.guarded((record,), lambda each: emit.item(each, field))
        return Code(code.expression, self.writer.unknown)

    def _variable(self, node: Variable) -> Code:
        return Code(emit.name(self._variables[node.name]), self.writer.unknown)

    def _member(self, node: Member) -> Code:
        operand = self.emit(node.operand)
        if node.operand.type.is_record:
            return self._field_of(operand, node.field)
        if node.operand.type == MONEY:
            read = self.writer.entry(money_amount if node.field == "amount" else money_currency)
            return self.writer.guarded((operand,), lambda money: emit.call(read, money))
        selected = self.writer.helper(dynamic.member)
        return Code(emit.call(selected, operand.expression, emit.constant(node.field)), self.writer.unknown)

    def _record_id(self, node: RecordId) -> Code:
        operand = self.emit(node.operand)
        if not node.operand.type.is_list:
            return self._field_of(operand, "id")
        ids = self.writer.entry(dynamic.record_ids)
        return self.writer.guarded((operand,), lambda records: emit.call(ids, records))

    def _convert(self, node: Convert) -> Code:
        operand = self.emit(node.operand)
        given, wanted = node.operand.type, node.type
        if (given, wanted) == (DATE, TIMESTAMP):
            entry = self.writer.entry(midnight)
            return self.writer.guarded((operand,), lambda day: emit.call(entry, emit.name(CONTEXT), day))
        change = dynamic.WIDENING.get((given, wanted))
        if change is not None:
            entry = self.writer.entry(change)
            return self.writer.guarded((operand,), lambda value: emit.call(entry, value))
        convert = dynamic.as_type(given, wanted, self.writer.dialect)
        entry = self.writer.entry(convert, ("convert", given, wanted))
        return Code(emit.call(entry, emit.name(CONTEXT), operand.expression), self.writer.unknown)

    def _list(self, node: ListNode) -> Code:
        return Code(emit.sequence([self.emit(each).expression for each in node.items]), False)

    def _map(self, node: MapNode) -> Code:
        entries = [emit.pair(self.emit(key).expression, self.emit(value).expression) for key, value in node.entries]
        return Code(emit.call(self.writer.entry(dynamic.map_of_entries), emit.sequence(entries)), False)

    def _index(self, node: Index) -> Code:
        operand, index = self.emit(node.operand), self.emit(node.index)
        found = self.writer.helper(dynamic.element)
        return Code(emit.call(found, operand.expression, index.expression), self.writer.unknown)

    def _has(self, node: Has) -> Code:
        assert node.operand is not None
        found = self.writer.helper(dynamic.has_key)
        return Code(emit.call(found, self.emit(node.operand).expression, emit.constant(node.field)), False)

    def _logical(self, node: Logical) -> Code:
        terms = [self.writer.as_condition(term, self.emit(term)) for term in node.terms]
        return logical(self.writer, self._style, node, terms)

    def _ternary(self, node: Ternary) -> Code:
        condition = self.writer.as_condition(node.condition, self.emit(node.condition))
        then, otherwise = self.emit(node.then), self.emit(node.otherwise)
        code = emit.choose(condition.expression, then.expression, otherwise.expression)
        return Code(code, then.nullable or otherwise.nullable)

    def _call(self, node: Call) -> Code:
        arguments = [self._argument(each) for each in node.arguments]
        code = self._dispatched(node, arguments) if node.overload is None else self._known(node.overload, arguments)
        made = self.writer.weighed(code.expression) if node.type.name in operators.LONG else code.expression
        return Code(made, code.nullable if node.type == BOOL else self.writer.unknown)

    def _dispatched(self, node: Call, arguments: list[Code]) -> Code:
        function = dynamic.dispatch(self.writer.dialect.functions[node.name], self.writer.dialect)
        entry = self.writer.entry(function, ("call", node.name))
        values = (argument.expression for argument in arguments)
        return Code(emit.call(entry, emit.name(VARIABLES), emit.name(CONTEXT), *values), self.writer.unknown)

    def _known(self, overload: Overload, arguments: list[Code]) -> Code:
        entry = self.writer.entry(overload.implementation)
        before = {Needs.ARGUMENTS: (), Needs.CONTEXT: (CONTEXT,), Needs.RECORD: (VARIABLES,)}[overload.needs]
        first = [emit.name(each) for each in before]
        if overload.on_null is OnNull.GIVES_NULL:
            return self.writer.guarded(arguments, lambda *ready: emit.call(entry, *first, *ready))
        return Code(emit.call(entry, *first, *(argument.expression for argument in arguments)), False)

    def _argument(self, node: Node) -> Code:
        code = self.emit(node)
        if node.type.name in operators.LONG and not isinstance(node, Literal):
            return Code(self.writer.weighed_in_loops(code.expression), code.nullable)
        return code

    def _comprehension(self, node: Comprehension) -> Code:
        self.writer.counts = True
        code, unsure = self.emit(node.source), False
        if node.condition is not None:
            test, unsure = self._looped(node.variable, node.condition, self.writer.as_condition)
            code = self._walk("filter" if node.kind == "map" else node.kind, code, node.condition, test)
        if node.result is not None:
            result, _ = self._looped(node.variable, node.result, lambda _, body: body)
            code = self._walk("map", code, node.result, result)
        return Code(code.expression, code.nullable or (unsure and node.kind in ("all", "exists")))

    def _walk(self, kind: str, source: Code, body: Node, each: ast.expr) -> Code:
        entry = self.writer.entry(_COMPREHENSIONS[kind])
        weight = emit.constant(1 + sum(1 for _ in walk(body)) // _PARTS_PER_STEP)
        return self.writer.guarded((source,), lambda items: emit.call(entry, emit.name(BUDGET), weight, items, each))

    def _looped(self, variable: str, body: Node, finish: Callable[[Node, Code], Code]) -> tuple[ast.expr, bool]:
        """The body of a comprehension as a function of its variable, and whether it can give None."""
        hidden = self._variables.get(variable)
        made = self._variables[variable] = self.writer.new_name()
        self.writer.loops += 1
        code = finish(body, self.emit(body))
        self.writer.loops -= 1
        if hidden is None:
            del self._variables[variable]
        else:
            self._variables[variable] = hidden
        return emit.function((made,), code.expression), code.nullable


def _raising(problem: Problem) -> Callable[[], Any]:
    def fail() -> Any:
        raise EvaluationError(problem.message, code=problem.code, **problem.facts)

    return fail
