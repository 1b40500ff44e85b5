"""The forms that look like calls but bind a variable or ask about a field.

What comes in: a call as parsed. What goes out: a `Comprehension` or `Has` node, or None when it is an ordinary call.
Who calls it: the parser.
"""

from __future__ import annotations

from typing import Literal as OneOf

from fieldstone.rules.expressions.errors import ExpressionError, Position, Problem
from fieldstone.rules.expressions.syntax import Call, Comprehension, Has, Member, Name, Node

_Kind = OneOf["all", "exists", "exists_one", "map", "filter"]

KINDS: dict[str, _Kind] = {
    "all": "all",
    "exists": "exists",
    "exists_one": "exists_one",
    "existsOne": "exists_one",
    "filter": "filter",
    "map": "map",
}
"""Method names that walk over a list, and what they are called in the tree."""

DOCUMENTATION: dict[str, tuple[str, str, str]] = {
    "all": ("Whether the condition holds for every element (true for an empty list).", "[1, 2].all(n, n > 0)", "true"),
    "exists": ("Whether the condition holds for at least one element.", "[1, 2].exists(n, n > 1)", "true"),
    "exists_one": ("Whether the condition holds for exactly one element.", "[1, 2].exists_one(n, n > 1)", "true"),
    "filter": ("The elements for which the condition holds.", "[1, 2].filter(n, n > 1)", "[2]"),
    "map": (
        "A list of what becomes of each element; with three arguments only of those for which the second holds.",
        "[1, 2].map(n, n * 10)",
        "[10, 20]",
    ),
    "has": ("Whether a field is filled in, or whether a map has a key.", "has({'a': 1}.b)", "false"),
}
"""For the reference: summary, example and its value."""


def expand(source: str, call: Call) -> Node | None:
    """The node that `call` stands for, or None when it is no macro. Raises `ExpressionError` when it is malformed."""
    if call.target is None:
        return _has(source, call) if call.name == "has" else None
    kind = KINDS.get(call.name)
    if kind is None or len(call.arguments) not in ((2, 3) if kind == "map" else (2,)):
        return None
    return _comprehension(source, call, call.target, kind)


def _comprehension(source: str, call: Call, target: Node, kind: _Kind) -> Comprehension:
    variable, *rest = call.arguments
    if not isinstance(variable, Name):
        raise _malformed(source, variable, "{name}() wants the name of a variable first, as in {example}.", call.name)
    return Comprehension(
        start=call.start,
        end=call.end,
        kind=kind,
        source=target,
        variable=variable.name,
        condition=None if kind == "map" and len(rest) == 1 else rest[0],
        result=rest[-1] if kind == "map" else None,
    )


def _has(source: str, call: Call) -> Has:
    match call.arguments:
        case (Member() as member,):
            return Has(start=call.start, end=call.end, operand=member.operand, field=member.field)
        case (Name() as name,):
            return Has(start=call.start, end=call.end, operand=None, field=name.name)
        case _:
            raise _malformed(source, call, "{name}() wants one field, as in {example}.", "has")


def _malformed(source: str, node: Node, message: str, name: str) -> ExpressionError:
    example = "has(customer.tier)" if name == "has" else f"lines.{name}(line, line.amount > 0)"
    position = Position.of(source, node.start, node.end)
    facts = {"name": name, "example": example}
    return ExpressionError(Problem(position=position, code="bad_macro", message=message, facts=facts))
