"""Which values may stand where another type is asked for, and the nodes that convert them.

What comes in: a checked node and the type wanted. What goes out: how far that is (`distance`, None: not at all) and
the converted node. All conversions are exact. Who calls it: the checker, for operators, calls and results.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from fieldstone.rules.expressions.dialect import Conversions, Dialect
from fieldstone.rules.expressions.formats import read_date, read_time, read_timestamp
from fieldstone.rules.expressions.reports import Reports, is_open
from fieldstone.rules.expressions.syntax import Convert, ListNode, Literal, Member, Node, RecordId
from fieldstone.rules.expressions.types import (
    DATE,
    DECIMAL,
    DOUBLE,
    DYN,
    INT,
    MONEY,
    NULL,
    STRING,
    TIME,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
)

_READERS = {DATE: read_date, TIME: read_time, TIMESTAMP: read_timestamp}
_WIDENING: dict[tuple[Type, Type], int] = {(INT, DECIMAL): 2, (INT, DOUBLE): 3, (DATE, TIMESTAMP): 2}
NUMBERS = (INT, UINT, DOUBLE, DECIMAL)


def distance(node: Node, wanted: Type, dialect: Dialect) -> int | None:
    """How far `node` is from being a `wanted`: 0 when it is one, None when it cannot become one."""
    given = node.type
    if given == wanted:
        return 0
    if wanted == DYN or given == NULL:
        return 1
    if is_open(given):
        return 8
    if given.is_list and wanted.is_list:
        return _list_distance(node, wanted, dialect)
    if given.is_map and wanted.is_map:
        return 1 if is_open(wanted.element) or is_open(given.element) else None
    if dialect.conversions is Conversions.EXPLICIT:
        return None
    if isinstance(node, Literal):
        if given == STRING and wanted in _READERS:
            return 4
        if given == DECIMAL and wanted == DOUBLE:
            return 1
    return _WIDENING.get((given, wanted))


def _list_distance(node: Node, wanted: Type, dialect: Dialect) -> int | None:
    if is_open(wanted.element):
        return 1
    if isinstance(node, ListNode):
        distances = [distance(item, wanted.element, dialect) for item in node.items]
        return None if None in distances else max((each for each in distances if each is not None), default=1)
    if is_open(node.type.element) or node.type.element == NULL:
        return 8
    return _WIDENING.get((node.type.element, wanted.element))


def convert(node: Node, wanted: Type, reports: Reports) -> Node:
    """`node` as a `wanted`, which `distance` has found possible; a malformed date in a literal is reported."""
    given = node.type
    if given in (wanted, NULL) or wanted == DYN or (given.is_map and wanted.is_map):
        return node
    if isinstance(node, ListNode) and wanted.is_list:
        items = tuple(convert(item, wanted.element, reports) for item in node.items)
        return replace(node, items=items, type=wanted)
    if wanted.is_list and given.is_list and is_open(wanted.element):
        return node
    if isinstance(node, Literal) and not is_open(given):
        return _converted_literal(node, wanted, reports)
    return Convert(start=node.start, end=node.end, type=wanted, operand=node)


def _converted_literal(node: Literal, wanted: Type, reports: Reports) -> Node:
    if wanted == DECIMAL:
        return replace(node, value=Decimal(node.value), type=DECIMAL)
    if wanted == DOUBLE:
        return replace(node, value=float(node.value), type=DOUBLE)
    if node.type == DATE:
        return Convert(start=node.start, end=node.end, type=wanted, operand=node)
    value: Any = _READERS[wanted](node.value)
    if value is not None:
        return replace(node, value=value, type=wanted)
    day = read_date(node.value) if wanted == TIMESTAMP else None
    if day is not None:
        return Convert(start=node.start, end=node.end, type=wanted, operand=replace(node, value=day, type=DATE))
    facts = {"text": node.value[:40], "type": str(wanted), "example": _EXAMPLES[wanted]}
    return reports.fault(node, "bad_literal", "{text} is not a {type}; write it like {example}.", facts)


_EXAMPLES = {DATE: '"2026-01-31"', TIME: '"09:30"', TIMESTAMP: '"2026-01-31T09:30:00Z" or "2026-01-31"'}


def common_type(nodes: Sequence[Node], dialect: Dialect) -> Type | None:
    """The type that all of `nodes` can become, None when there is none; `NULL` for nothing but nulls."""
    types = {node.type for node in nodes if node.type != NULL}
    if not types:
        return NULL
    if len(types) == 1:
        return next(iter(types))
    if any(map(is_open, types)):
        return DYN
    literal_decimals = all(isinstance(node, Literal) for node in nodes if node.type == DECIMAL)
    if DOUBLE in types and literal_decimals and dialect.conversions is Conversions.IMPLICIT:
        types.discard(DECIMAL)
    return common_of_types(types, dialect)


def common_of_types(types: Iterable[Type], dialect: Dialect) -> Type | None:
    """The type that values of all of `types` can become, None when there is none."""
    distinct = {each for each in types if each != NULL}
    if len(distinct) == 1:
        return next(iter(distinct))
    if dialect.conversions is Conversions.IMPLICIT:
        for wider in (DECIMAL, DOUBLE):
            if distinct == {INT, wider}:
                return wider
    if distinct and all(each.is_list for each in distinct):
        element = common_of_types((each.element for each in distinct if not is_open(each.element)), dialect)
        return None if element is None else list_of(element)
    return None if distinct else DYN


def without_record(node: Node) -> Node:
    """The id in place of a record, the ids in place of a list of records."""
    if node.type.is_record:
        return RecordId(start=node.start, end=node.end, type=STRING, operand=node)
    if node.type.is_list and node.type.element.is_record:
        return RecordId(start=node.start, end=node.end, type=list_of(STRING), operand=node)
    return node


def amount_of(node: Node) -> Node:
    """The amount of money as a decimal."""
    return Member(start=node.start, end=node.end, type=DECIMAL, operand=node, field="amount")


def aligned(left: Node, right: Node, dialect: Dialect, reports: Reports) -> tuple[Node, Node] | None:
    """Both sides of a comparison as one type (or as they are, when one is dynamic); None when they do not compare."""
    if left.type.is_record and right.type.is_record and left.type != right.type:
        return None
    left, right = without_record(left), without_record(right)
    if left.type == MONEY and right.type in NUMBERS:
        left = amount_of(left)
    elif right.type == MONEY and left.type in NUMBERS:
        right = amount_of(right)
    if left.type == right.type or is_open(left.type) or is_open(right.type) or NULL in (left.type, right.type):
        return left, right
    return _converted_pair(left, right, dialect, reports)


def _converted_pair(left: Node, right: Node, dialect: Dialect, reports: Reports) -> tuple[Node, Node] | None:
    to_left, to_right = distance(right, left.type, dialect), distance(left, right.type, dialect)
    if to_left is not None and (to_right is None or to_left <= to_right):
        return left, convert(right, left.type, reports)
    if to_right is not None:
        return convert(left, right.type, reports), right
    if left.type in NUMBERS and right.type in NUMBERS and {left.type, right.type} != {DECIMAL, DOUBLE}:
        return left, right
    if left.type.is_map and right.type.is_map:
        return left, right
    return None
