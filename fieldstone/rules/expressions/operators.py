"""The table of operators: which types they take, what they give, and how they are calculated.

One table serves the checker (is there an operation for these types?), the code generator (how is it written?), the
evaluation of dynamic values (which operation do these values need?) and the reference.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fieldstone.rules.expressions import arithmetic as do
from fieldstone.rules.expressions.types import (
    BOOL,
    BYTES,
    DATE,
    DECIMAL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    MONEY,
    STRING,
    TIME,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """How one operator works for one pair of types. `native` is Python's own operator where it does exactly that."""

    result: Type
    calculate: Callable[..., Any]
    native: str = ""


_ANY_LIST = list_of(DYN)
_Pair = tuple[str, str]


def _table(*rows: tuple[str, Type, Type, Type, Callable[..., Any]]) -> dict[str, dict[_Pair, Operation]]:
    table: dict[str, dict[_Pair, Operation]] = {}
    for symbol, left, right, result, calculate in rows:
        native = symbol if calculate in (operator.add, operator.sub, operator.mul) else ""
        table.setdefault(symbol, {})[left.name, right.name] = Operation(result, calculate, native)
    return table


ARITHMETIC: dict[str, dict[_Pair, Operation]] = _table(
    ("+", INT, INT, INT, do.int_add),
    ("+", UINT, UINT, UINT, do.uint_add),
    ("+", DOUBLE, DOUBLE, DOUBLE, operator.add),
    ("+", DECIMAL, DECIMAL, DECIMAL, do.decimal_add),
    ("+", MONEY, MONEY, MONEY, do.money_add),
    ("+", STRING, STRING, STRING, do.join),
    ("+", BYTES, BYTES, BYTES, do.join),
    ("+", _ANY_LIST, _ANY_LIST, _ANY_LIST, do.join_lists),
    ("+", DURATION, DURATION, DURATION, do.duration_add),
    ("+", TIMESTAMP, DURATION, TIMESTAMP, do.moment_add),
    ("+", DURATION, TIMESTAMP, TIMESTAMP, do.add_moment),
    ("+", DATE, DURATION, DATE, do.date_add),
    ("+", DURATION, DATE, DATE, do.add_date),
    ("-", INT, INT, INT, do.int_subtract),
    ("-", UINT, UINT, UINT, do.uint_subtract),
    ("-", DOUBLE, DOUBLE, DOUBLE, operator.sub),
    ("-", DECIMAL, DECIMAL, DECIMAL, do.decimal_subtract),
    ("-", MONEY, MONEY, MONEY, do.money_subtract),
    ("-", DURATION, DURATION, DURATION, do.duration_subtract),
    ("-", TIMESTAMP, DURATION, TIMESTAMP, do.moment_subtract),
    ("-", TIMESTAMP, TIMESTAMP, DURATION, do.moment_difference),
    ("-", DATE, DURATION, DATE, do.date_subtract),
    ("-", DATE, DATE, DURATION, do.date_difference),
    ("*", INT, INT, INT, do.int_multiply),
    ("*", UINT, UINT, UINT, do.uint_multiply),
    ("*", DOUBLE, DOUBLE, DOUBLE, operator.mul),
    ("*", DECIMAL, DECIMAL, DECIMAL, do.decimal_multiply),
    ("*", MONEY, DECIMAL, MONEY, do.money_multiply),
    ("*", DECIMAL, MONEY, MONEY, do.times_money),
    ("/", INT, INT, INT, do.int_divide),
    ("/", UINT, UINT, UINT, do.uint_divide),
    ("/", DOUBLE, DOUBLE, DOUBLE, do.double_divide),
    ("/", DECIMAL, DECIMAL, DECIMAL, do.decimal_divide),
    ("/", MONEY, DECIMAL, MONEY, do.money_divide),
    ("/", MONEY, MONEY, DECIMAL, do.money_ratio),
    ("%", INT, INT, INT, do.int_remainder),
    ("%", UINT, UINT, UINT, do.uint_remainder),
    ("%", DECIMAL, DECIMAL, DECIMAL, do.decimal_remainder),
)

ORDERED: tuple[Type, ...] = (
    BOOL, INT, UINT, DOUBLE, DECIMAL, STRING, BYTES, TIMESTAMP, DURATION, DATE, TIME,
)  # fmt: skip
"""Types whose values have an order, each among themselves; texts by code point."""

_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBERS = (INT, UINT, DOUBLE, DECIMAL)


def _order(symbol: str, test: Callable[[Any, Any], bool]) -> dict[_Pair, Operation]:
    rows = {(each.name, each.name): Operation(BOOL, test, symbol) for each in ORDERED}
    across = do.number_order(test)
    rows |= {
        (left.name, right.name): Operation(BOOL, across) for left in _NUMBERS for right in _NUMBERS if left != right
    }
    rows[MONEY.name, MONEY.name] = Operation(BOOL, do.money_order(test))
    return rows


ORDER: dict[str, dict[_Pair, Operation]] = {symbol: _order(symbol, test) for symbol, test in _TESTS.items()}
OPERATIONS: dict[str, dict[_Pair, Operation]] = ARITHMETIC | ORDER

NEGATION: dict[str, Operation] = {
    "int": Operation(INT, do.int_negate),
    "double": Operation(DOUBLE, operator.neg),
    "decimal": Operation(DECIMAL, do.decimal_negate),
    "money": Operation(MONEY, do.money_negate),
    "duration": Operation(DURATION, operator.neg),
}
