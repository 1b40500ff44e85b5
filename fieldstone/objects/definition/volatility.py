"""Whether a formula may be kept in a column.

A formula is kept when its value can change only by a change of its own record: it reads stored fields of the record
alone (but no number that is drawn with the insert), and neither the clock, the time zone, the user nor former values.
What comes in: the declaration and a way to look at the other fields. Who calls it: the scope, for the formula type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fieldstone.objects.fieldtypes.base import Declaration, FieldType
from fieldstone.rules.expressions.errors import ExpressionError
from fieldstone.rules.expressions.functions.catalogue import FUNCTIONS
from fieldstone.rules.expressions.functions.definition import Needs
from fieldstone.rules.expressions.parser import parse
from fieldstone.rules.expressions.syntax import Call, Comprehension, Has, Member, Name, Node, walk

Siblings = Callable[[str, str], FieldType | None]

_AROUND = frozenset({Needs.CONTEXT, Needs.RECORD})
_SET_LATER = frozenset({"revision", "updated_at", "updated_by", "deleted_at", "title"})
"""System fields that get their value after formulas are worked out, or without a save of the record."""


def is_volatile(declaration: Declaration, sibling: Siblings) -> bool:
    """Whether the formula must be worked out at each read. A formula that does not parse is taken as one."""
    source = declaration.body.get("expression")
    if not isinstance(source, str):
        return True
    try:
        nodes = tuple(walk(parse(source)))
    except ExpressionError:
        return True
    bound = {node.variable for node in nodes if isinstance(node, Comprehension)}
    return any(_asks_around(node) or _is_elsewhere(node, declaration, sibling, bound) for node in nodes)


def _asks_around(node: Node) -> bool:
    if not isinstance(node, Call):
        return False
    function = FUNCTIONS.get(node.name)
    return function is not None and any(overload.needs in _AROUND for overload in function.overloads)


def _is_elsewhere(node: Node, declaration: Declaration, sibling: Siblings, bound: set[str]) -> bool:
    """Whether a name stands for something that is not kept in the record's own row."""
    for name in _names(node):
        kind = sibling(declaration.object, name)
        if kind is None:
            if name not in bound:
                return True
        elif (
            name in bound
            or name in _SET_LATER
            or kind.volatile
            or kind.drawn
            or not kind.storage()
            or (kind.labelled and isinstance(node, Member | Has) and node.field != "id")
        ):
            return True
    return False


def _names(node: Node) -> Iterator[str]:
    match node:
        case Name():
            yield node.name
        case Has(operand=None):
            yield node.field
        case Member(operand=Name(name=name)) | Has(operand=Name(name=name)):
            yield name
