"""Every function does what its documentation says, and the documentation is whole."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fieldstone.rules.expressions.functions.catalogue import CEL_FUNCTIONS, FAMILIES, FUNCTIONS
from fieldstone.rules.expressions.functions.definition import Function
from fieldstone.rules.expressions.macros import DOCUMENTATION, KINDS
from fieldstone.rules.expressions.types import MONEY, STRING
from scripts import reference_expressions as reference
from tests.unit.expressions.desk import TICKET, value


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: str(function.name))
def test_the_example_of_a_function_gives_what_is_stated(function: Function) -> None:
    assert value(function.example) == value(function.gives)


@pytest.mark.parametrize("name", sorted(DOCUMENTATION))
def test_the_example_of_a_macro_gives_what_is_stated(name: str) -> None:
    _, example, gives = DOCUMENTATION[name]
    assert value(example) == value(gives)


def test_every_function_is_documented() -> None:
    assert set(KINDS.values()) | {"has"} == set(DOCUMENTATION)
    for function in FUNCTIONS.values():
        assert function.summary.endswith(".")
        assert function.overloads
        assert function.name in function.example
        assert function.family in FAMILIES
        assert function in FAMILIES[function.family]


def test_names_are_unique_and_cel_is_a_part() -> None:
    assert len(FUNCTIONS) == sum(map(len, FAMILIES.values()))
    assert set(CEL_FUNCTIONS) < set(FUNCTIONS)


def test_what_takes_money_is_not_promised_to_the_database() -> None:
    for function in FUNCTIONS.values():
        for each in function.overloads:
            assert not (each.sql and MONEY in (*each.parameters, each.result)), function.name
    assert FUNCTIONS["lower"].overloads[0].parameters == (STRING,)


def test_the_reference_page_is_up_to_date() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("size('é🐱')", 2),
        ("'a.b'.replace('.', '')", "ab"),
        ("split('abc', '')", ["a", "b", "c"]),
        ("join(['a', null, 'b'], '-')", "a-b"),
        ("substring('abc', -5, 2)", "ab"),
        ("substring('abc', 5)", ""),
        ("right('abc', 0)", ""),
        ("padLeft('abc', 2, '0')", "abc"),
        ("padRight('a', 4, 'xy')", "axyx"),
        ("padLeft('a', 3, '')", "a"),
        ("round(-2.5)", -3),
        ("round(1250.0, -2)", 1300),
        ("round(2.675, 2) == 2.68", True),
        ("floor(2.5) + ceil(2.5)", 5),
        ("abs(-2.50)", Decimal("2.5")),
        ("min('b', 'a')", "a"),
        ("max(due, today())", TICKET["due"]),
        ("min(limit, 1)", None),
        ("min([null, 3, 1])", 1),
        ("max([])", None),
        ("sum([])", 0),
        ("sum([1, null, 2])", 3),
        ("avg([])", None),
        ("avg([1.0, 2.0, null])", Decimal("1.5")),
        ("sum(lines.filter(l, false).map(l, l.price))", None),
        ("sort([3, null, 1])", [1, 3, None]),
        ("sort(['b', 'a'])", ["a", "b"]),
        ("distinct([1, 1.0, 2])", [1, 2]),
        ("size(distinct([dyn(1), true, 1.0, [1], [1], {'a': 1}, {'a': 1}]))", 4),
        ("first([])", None),
        ("last(tags)", "leak"),
        ("reverse(tags)", ["leak", "pump"]),
        ("int('42') + int(7.9) + int(-7.9)", 42),
        ("string(1.50)", "1.50"),
        ("string(amount)", "12000.50 EUR"),
        ("string(due) + ' ' + string(starts)", "2026-02-03 09:30:00"),
        ("string(opened)", "2026-01-30T08:00:00Z"),
        ("string(true) + string(2u)", "true2"),
        ("decimal(0.1) == decimal('0.10')", True),
        ("string(decimal(double(0.1)))", "0.1"),
        ("isBlank(null) && isBlank('') && isBlank([]) && !isBlank(0)", True),
        ("isBlank(customer) || isBlank(amount)", False),
        ("coalesce(limit, null, count)", 3),
        ("coalesce(null, null)", None),
        ("addMonths(date('2026-03-31'), -1) == '2026-02-28'", True),
        ("endOfMonth(date('2024-02-10')) == '2024-02-29'", True),
        ("weekday(date('2026-02-01'))", 7),
        ("hoursBetween(opened, opened + duration('90m'))", Decimal("1.5")),
        ("duration('1d1h') == duration('25h')", True),
        ("duration('1.5h') == duration('90m')", True),
        ("type(1.5) == type(decimal('1'))", True),
        ("bytes('é') == b'\\xc3\\xa9'", True),
        ("uint(7) + 1u", 8),
        ("subject.lower().contains('pump')", True),
        ("indexOf(subject, 'zzz')", -1),
        ("trim(' a ') == 'a'", True),
    ],
)
def test_functions_at_their_edges(source: str, expected: Any) -> None:
    found = value(source)
    assert found == expected
