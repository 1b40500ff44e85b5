"""What every part of the code generator needs: a table of values, fresh names, and tests for null.

Who calls it: `codegen`, `codegen_operators`, `codegen_logic`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fieldstone.rules.expressions import dynamic, emit
from fieldstone.rules.expressions.budget import Budget
from fieldstone.rules.expressions.dialect import Absent, Dialect
from fieldstone.rules.expressions.reports import is_open
from fieldstone.rules.expressions.syntax import Node

VARIABLES, CONTEXT, BUDGET = "v", "c", "b"
"""The parameters of the generated function."""


class Code(NamedTuple):
    """A piece of Python and whether its value can be None."""

    expression: ast.expr
    nullable: bool


class Writer:
    """The table and the names of one generated function."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.unknown = dialect.absent is Absent.IS_UNKNOWN
        self.table: dict[str, Any] = {}
        self.counts = False
        self.loops = 0
        self._entries: dict[Any, str] = {}
        self._made = 0

    def entry(self, value: Any, key: Any = None) -> str:
        """The name of `value` in the table; the same value (or key) gets one entry."""
        identity = id(value) if key is None else key
        found = self._entries.get(identity)
        if found is None:
            found = self._entries[identity] = f"k{len(self.table)}"
            self.table[found] = value
        return found

    def helper(self, make: Callable[[Dialect], Any]) -> str:
        """The name of what `make` makes for the dialect."""
        return self._entries[make] if make in self._entries else self.entry(make(self.dialect), make)

    def new_name(self) -> str:
        """A name that is used nowhere else."""
        self._made += 1
        return f"t{self._made}"

    def guarded(self, operands: Sequence[Code], build: Callable[..., ast.expr]) -> Code:
        """`build` of the operands, or None when one of them is None."""
        tests: list[ast.expr] = []
        ready: list[ast.expr] = []
        for operand in operands:
            if operand.nullable:
                kept = self.new_name()
                tests.append(emit.is_none(emit.keep(kept, operand.expression)))
                ready.append(emit.name(kept))
            else:
                ready.append(operand.expression)
        body = build(*ready)
        if not tests:
            return Code(body, False)
        return Code(emit.choose(emit.either(tests), emit.constant(None), body), True)

    def weighed(self, value: ast.expr) -> ast.expr:
        """`value`, paid for by its length."""
        self.counts = True
        return emit.call(self.entry(Budget.weigh), emit.name(BUDGET), value)

    def weighed_in_loops(self, value: ast.expr) -> ast.expr:
        """`value`, paid for by its length where it is used again and again."""
        return self.weighed(value) if self.loops else value

    def as_condition(self, node: Node, code: Code) -> Code:
        """`code` of `node` where a condition is wanted: a dynamic value is checked to be one."""
        if not is_open(node.type):
            return code
        return Code(emit.call(self.helper(dynamic.condition), code.expression), self.unknown)
