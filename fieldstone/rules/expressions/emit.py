"""Pieces of generated Python, as nodes of the standard library's `ast`.

Code is put together from these pieces and never from text, so nothing that a tenant writes can become code: names
are made by the generator, and values are constants or entries of a table. There is deliberately no piece for an
attribute. Who calls it: the code generator.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

_COMPARISONS: dict[str, ast.cmpop] = {
    "==": ast.Eq(),
    "!=": ast.NotEq(),
    "<": ast.Lt(),
    "<=": ast.LtE(),
    ">": ast.Gt(),
    ">=": ast.GtE(),
    "in": ast.In(),
    "is": ast.Is(),
    "is not": ast.IsNot(),
}
_ARITHMETIC: dict[str, ast.operator] = {"+": ast.Add(), "-": ast.Sub(), "*": ast.Mult()}
_LOAD = ast.Load()
_STORE = ast.Store()


def name(identifier: str) -> ast.expr:
    """A variable that the generator made."""
    return ast.Name(identifier, _LOAD)


def constant(value: Any) -> ast.expr:
    """None, a bool, int, float, str or bytes, or a frozenset of these."""
    return ast.Constant(value)


def call(function: str, *arguments: ast.expr) -> ast.expr:
    """A call of an entry of the table."""
    return ast.Call(name(function), list(arguments), [])


def item(container: ast.expr, key: str) -> ast.expr:
    """`container["key"]`."""
    return ast.Subscript(container, ast.Constant(key), _LOAD)


def keep(identifier: str, value: ast.expr) -> ast.expr:
    """`(identifier := value)`."""
    return ast.NamedExpr(ast.Name(identifier, _STORE), value)


def compare(left: ast.expr, symbol: str, right: ast.expr) -> ast.expr:
    """`left symbol right`."""
    return ast.Compare(left, [_COMPARISONS[symbol]], [right])


def is_none(value: ast.expr) -> ast.expr:
    """`value is None`."""
    return compare(value, "is", ast.Constant(None))


def is_not_none(value: ast.expr) -> ast.expr:
    """`value is not None`."""
    return compare(value, "is not", ast.Constant(None))


def calculate(left: ast.expr, symbol: str, right: ast.expr) -> ast.expr:
    """`left symbol right` for `+ - *`."""
    return ast.BinOp(left, _ARITHMETIC[symbol], right)


def both(terms: Sequence[ast.expr]) -> ast.expr:
    """`a and b and ...`."""
    return terms[0] if len(terms) == 1 else ast.BoolOp(ast.And(), list(terms))


def either(terms: Sequence[ast.expr]) -> ast.expr:
    """`a or b or ...`."""
    return terms[0] if len(terms) == 1 else ast.BoolOp(ast.Or(), list(terms))


def negated(value: ast.expr) -> ast.expr:
    """`not value`."""
    return ast.UnaryOp(ast.Not(), value)


def choose(test: ast.expr, then: ast.expr, otherwise: ast.expr) -> ast.expr:
    """`then if test else otherwise`."""
    return ast.IfExp(test, then, otherwise)


def sequence(items: Sequence[ast.expr]) -> ast.expr:
    """`[a, b]`."""
    return ast.List(list(items), _LOAD)


def pair(first: ast.expr, second: ast.expr) -> ast.expr:
    """`(first, second)`."""
    return ast.Tuple([first, second], _LOAD)


def function(parameters: Sequence[str], body: ast.expr) -> ast.expr:
    """`lambda parameters: body`."""
    return ast.Lambda(_arguments(parameters), body)


def program(identifier: str, parameters: Sequence[str], body: ast.expr) -> ast.Module:
    """A source file with one function that returns `body`."""
    definition = ast.FunctionDef(
        name=identifier, args=_arguments(parameters), body=[ast.Return(body)], decorator_list=[], returns=None
    )
    return ast.fix_missing_locations(ast.Module([definition], []))


def _arguments(parameters: Sequence[str]) -> ast.arguments:
    return ast.arguments(
        posonlyargs=[], args=[ast.arg(each) for each in parameters], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
