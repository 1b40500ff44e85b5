"""From text to tree and back, and where a mistake is said to be."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings

from fieldstone.rules.expressions.errors import ExpressionError
from fieldstone.rules.expressions.limits import check_limits
from fieldstone.rules.expressions.parser import parse
from fieldstone.rules.expressions.syntax import (
    Binary,
    Call,
    Comprehension,
    Has,
    Literal,
    Logical,
    Member,
    Name,
    Node,
    children,
    walk,
)
from fieldstone.rules.expressions.unparse import unparse
from tests.unit.expressions.trees import trees


@settings(max_examples=400, deadline=None)
@given(tree=trees())
def test_a_tree_written_out_parses_to_the_same_tree(tree: Node) -> None:
    try:
        check_limits("", tree)
    except ExpressionError:
        assume(False)
    assert parse(unparse(tree)) == tree


@settings(max_examples=100, deadline=None)
@given(tree=trees())
def test_walking_meets_every_part_once_parents_first(tree: Node) -> None:
    met = list(walk(tree))
    assert met[0] is tree
    assert len(met) == 1 + sum(len(list(walk(part))) for part in children(tree))


@pytest.mark.parametrize(
    ("source", "same_as"),
    [
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("a || b && c", "a || (b && c)"),
        ("a == b && c < d", "(a == b) && (c < d)"),
        ("a ? b : c ? d : e", "a ? b : (c ? d : e)"),
        ("!a.b", "!(a.b)"),
        ("-a * b", "(-a) * b"),
        ("a in b + c", "a in (b + c)"),
        ("a.b(c).d[e]", "((a.b(c)).d)[e]"),
        (".a.b", "a.b"),
        ("a // the rest is a comment\n + b", "a + b"),
        ("[a, b,]", "[a, b]"),
        ("{a: b,}", "{a: b}"),
        ("list.existsOne(x, x)", "list.exists_one(x, x)"),
    ],
)
def test_precedence_and_spelling(source: str, same_as: str) -> None:
    assert parse(source) == parse(same_as)


def test_a_chain_of_one_logical_operator_is_one_node() -> None:
    tree = parse("a && b && c")
    assert isinstance(tree, Logical)
    assert [type(term) for term in tree.terms] == [Name, Name, Name]


def test_words_that_cel_reserves_for_its_hosts_are_names() -> None:
    assert parse("package") == Name(name="package")
    assert parse("if(a, b, c)") == Call(name="if", arguments=(Name(name="a"), Name(name="b"), Name(name="c")))


def test_macros_become_nodes_of_their_own() -> None:
    assert isinstance(parse("has(a.b)"), Has)
    assert parse("has(a)") == Has(operand=None, field="a")
    mapped = parse("list.map(x, x > 1, x * 2)")
    assert isinstance(mapped, Comprehension)
    assert mapped.condition == Binary(operator=">", left=Name(name="x"), right=parse("1"))
    assert parse("a.map(b)") == Call(name="map", arguments=(Name(name="b"),), target=Name(name="a"))


def test_nodes_know_their_place_in_the_source() -> None:
    source = 'customer.tier == "gold" && size(lines) > 2'
    found = {source[node.start : node.end] for node in walk(parse(source))}
    assert {source, 'customer.tier == "gold"', "customer.tier", '"gold"', "size(lines)", "lines", "2"} <= found


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("42", 42),
        ("-9223372036854775808", -(2**63)),
        ("0xFF", 255),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        (r'"\n\t\"\\\x41\101\u00e9\U0001f431"', '\n\t"\\AAé🐱'),
        (r"r'\n'", "\\n"),
        ("'''it's\nhere'''", "it's\nhere"),
        (r"b'\xff\303'", b"\xff\xc3"),
        ("b'é'", "é".encode()),
    ],
)
def test_literals(source: str, value: Any) -> None:
    tree = parse(source)
    assert isinstance(tree, Literal)
    assert tree.value == value
    assert not isinstance(tree.value, Decimal)


@pytest.mark.parametrize(
    ("source", "offset", "suggestion"),
    [
        ("amount = 5", 7, "=="),
        ("a & b", 2, "&&"),
        ("a and b", 2, "&&"),
        ("amount ＞ 5", 7, ">"),
        ("（a)", 0, "("),
        ("a ≥ 5", 2, ">="),
        ("(a", 2, ""),
        ("a b", 2, ""),
        ("f(a,)", 4, ""),
        ("'abc", 0, ""),
        ('"a\nb"', 0, ""),
        (r"'\q'", 0, ""),
        (r"'\ud800'", 0, ""),
        ("a.in", 2, ""),
        ("1 +", 3, ""),
        ("", 0, ""),
        ("9223372036854775808", 0, ""),
        ("18446744073709551616u", 0, ""),
        ("[1, 2].all(1, true)", 11, ""),
        ("has(1)", 0, ""),
        ("'\ud800'", 0, ""),
    ],
)
def test_a_mistake_is_found_where_it_is(source: str, offset: int, suggestion: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(source)
    assert caught.value.position.offset == offset
    assert caught.value.problem.suggestion == suggestion


def test_a_position_has_line_and_column_counted_from_one() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("a &&\n  b c")
    position = caught.value.position
    assert (position.line, position.column, position.offset, position.length) == (2, 5, 9, 1)
    assert str(caught.value) == "2:5: c cannot stand here."


def test_fields_with_unusual_names_are_written_in_backquotes() -> None:
    tree = parse("a.`content-type`")
    assert tree == Member(operand=Name(name="a"), field="content-type")
    assert unparse(tree) == "a.`content-type`"
