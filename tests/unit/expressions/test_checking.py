"""What the checker makes of an expression: its type, what it reads and calls, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from fieldstone.rules.expressions.compile import ExpressionError, check_expression, compile_expression
from fieldstone.rules.expressions.syntax import (
    Binary,
    Convert,
    FieldPath,
    Literal,
    Member,
    Node,
    RecordId,
    Ternary,
    walk,
)
from fieldstone.rules.expressions.types import (
    BOOL,
    DATE,
    DECIMAL,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    MONEY,
    STRING,
    TIMESTAMP,
    Type,
    list_of,
    map_of,
    record_of,
)
from tests.unit.expressions.desk import DESK, compiled, problem


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("amount", MONEY),
        ("amount.amount", DECIMAL),
        ("amount * count", MONEY),
        ("amount / budget", DECIMAL),
        ("hours * count", DECIMAL),
        ("0.5", DECIMAL),
        ("latitude * 2", DOUBLE),
        ("latitude + 0.5", DOUBLE),
        ("count / 2", INT),
        ("due - today()", DURATION),
        ("due + elapsed", DATE),
        ("today() - opened", DURATION),
        ("opened - elapsed", TIMESTAMP),
        ("owner.lead", record_of("user")),
        ("customer.contact.name", STRING),
        ("customer.id", STRING),
        ("tags", list_of(STRING)),
        ("[1, 2.5]", list_of(DECIMAL)),
        ("[1, 'a']", list_of(DYN)),
        ("[null, 1]", list_of(INT)),
        ("{'a': 1, 'b': 2.5}", map_of(STRING, DECIMAL)),
        ("lines.map(l, l.price)", list_of(MONEY)),
        ("first(lines)", record_of("line")),
        ("settings.anything", DYN),
        ("urgent ? 1 : 2.5", DECIMAL),
        ("urgent ? null : due", DATE),
        ("coalesce(customer.credit, 0)", DECIMAL),
        ("min(count, 2.5)", DECIMAL),
        ("max(lines.map(l, l.quantity))", INT),
        ("has(customer.credit)", BOOL),
        ("previous.amount > amount", BOOL),
    ],
)
def test_types(source: str, expected: Type) -> None:
    assert compiled(source).type == expected


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("amount > 10", {("amount",)}),
        ("customer.tier == 'x'", {("customer", "tier")}),
        ("customer == null", {("customer",)}),
        ("customer.contact.lead.name == 'x'", {("customer", "contact", "lead", "name")}),
        ("previous.status != status", {("previous", "status"), ("status",)}),
        ("changed(status)", {("status",)}),
        ("changed('amount')", {("amount",)}),
        ("hasRole('agent')", {("user", "roles")}),
        ("isNew()", set()),
        ("lines.exists(l, l.price > 1)", {("lines",), ("lines", "price")}),
        ("lines.filter(l, l.quantity > 1).map(m, m.part)", {("lines",), ("lines", "quantity"), ("lines", "part")}),
        ("first(lines).price > 1", {("lines",), ("lines", "price")}),
        ("lines[0].supplier.tier", {("lines",), ("lines", "supplier"), ("lines", "supplier", "tier")}),
        (
            "lines.map(l, l.supplier).exists(s, s.tier == 'x')",
            {("lines",), ("lines", "supplier"), ("lines", "supplier", "tier")},
        ),
        ("coalesce(owner, user).name", {("owner",), ("user",), ("owner", "name"), ("user", "name")}),
        ("(urgent ? owner : user).name", {("urgent",), ("owner",), ("user",), ("owner", "name"), ("user", "name")}),
        ("scores.all(n, scores.all(m, m > n))", {("scores",)}),
        ("settings.level > 1", {("settings",)}),
    ],
)  # fmt: skip
def test_references_hold_every_path_that_is_read(source: str, paths: set[Any]) -> None:
    found = compiled(source).references
    assert set(found) == paths
    assert len(found) == len(paths)


def test_calls_tell_what_a_value_depends_on() -> None:
    assert compiled("due < today() && changed(status)").calls == {"today", "changed"}
    assert compiled("owner == user").calls == {"user"}
    assert compiled("hasRole('agent') || isNew()").calls == {"hasRole", "isNew", "user"}
    assert compiled("if(urgent, 1, 2)").calls == {"if"}
    assert compiled("urgent").calls == frozenset()


def _nodes(source: str, kind: type[Node]) -> list[Any]:
    return [node for node in walk(compiled(source).tree) if isinstance(node, kind)]


def test_a_checked_tree_spells_out_every_conversion() -> None:
    comparison = compiled("amount > 10000").tree
    assert isinstance(comparison, Binary)
    assert isinstance(comparison.left, Member)
    assert (comparison.left.field, comparison.left.type) == ("amount", DECIMAL)
    assert (comparison.right.type, comparison.left.operand) == (
        DECIMAL,
        FieldPath(path=("amount",), type=MONEY),
    )
    assert [each.type for each in _nodes("hours * count", Convert)] == [DECIMAL]
    assert [each.operand.path for each in _nodes("owner == user", RecordId)] == [("owner",), ("user",)]
    assert [(each.value, each.type) for each in _nodes("due == '2026-01-31'", Literal)][0][1] == DATE
    assert _nodes("if(urgent, 1, 2)", Ternary) != []
    membership = compiled("hasRole('agent')").tree
    assert isinstance(membership, Binary)
    assert (membership.operator, membership.right) == (
        "in",
        FieldPath(path=("user", "roles"), type=list_of(STRING)),
    )


def test_a_date_literal_beside_a_timestamp_is_the_midnight_of_the_day() -> None:
    (midnight,) = _nodes("opened > '2026-01-31'", Convert)
    assert (midnight.type, midnight.operand.type) == (TIMESTAMP, DATE)


def test_conversions_of_constants_are_done_when_compiling() -> None:
    assert isinstance(compiled("date('2026-01-31')").tree, Literal)
    assert isinstance(compiled("duration('2d')").tree, Literal)
    assert problem("date('2026-02-30')") == ("bad_date", "")
    assert problem("timestamp('soon')") == ("bad_conversion", "")


@pytest.mark.parametrize(
    ("source", "code", "suggestion"),
    [
        ("amout > 1", "unknown_name", "amount"),
        ("Amount > 1", "unknown_name", "amount"),
        ("customer.teir == 'x'", "unknown_name", "tier"),
        ("priority == high", "unknown_name", '"high"'),
        ("lines.all(l, l.prize > 1)", "unknown_name", "price"),
        ("changed(stauts)", "unknown_name", "status"),
        ("changed(customer.tier)", "bad_argument", "changed(status)"),
        ("startswith(subject, 'x')", "unknown_function", "startsWith"),
        ("len(tags)", "unknown_function", "size"),
        ("nosuchthing(1)", "unknown_function", ""),
        ("subject > 5", "type_mismatch", '"5"'),
        ("urgent == 'true'", "type_mismatch", "true or false without quotes"),
        ("owner == customer", "type_mismatch", ""),
        ("hours > latitude", "type_mismatch", "decimal(latitude)"),
        ("latitude * rate", "no_operator", "decimal(latitude)"),
        ("amount + 5", "no_operator", "amount.amount + 5"),
        ("due + 3", "no_operator", "addDays(due, 3)"),
        ("due - count", "no_operator", "addDays(due, -count)"),
        ("'a' + 1", "no_operator", "'a' + string(1)"),
        ("-subject", "no_operator", ""),
        ("tags < tags", "no_order", ""),
        ("lines.price > 3", "no_field", "lines.map(each, each.price)"),
        ("subject.amount", "no_field", ""),
        ("amount.amout", "no_field", "amount"),
        ("subject[0]", "no_index", ""),
        ("tags['a']", "no_index", ""),
        ("'a' in subject", "not_a_list", "contains()"),
        ("count.exists(x, x)", "not_a_list", ""),
        ("subject && urgent", "not_a_condition", "subject != null"),
        ("if(count, 1, 2)", "not_a_condition", "count != null"),
        ("if(urgent, 1, 'a')", "type_mismatch", ""),
        ("if(urgent, 1)", "bad_arguments", "if(2 > 1, 'yes', 'no')"),
        ("lower(count)", "bad_arguments", "lower('Hot')"),
        ("lower()", "bad_arguments", "lower('Hot')"),
        ("tags.exists(t)", "bad_macro", "[1, 2].exists(n, n > 1)"),
        ("subject.matches('(')", "bad_pattern", ""),
        ("due > '2026-13-01'", "bad_literal", ""),
        ("starts == 'noon'", "bad_literal", ""),
        ("{1.5: 2}", "bad_key", ""),
        ("0.123456789012345678901234567890123456789", "number_too_large", ""),
    ],
)
def test_a_mistake_is_named_with_a_suggestion(source: str, code: str, suggestion: str) -> None:
    assert problem(source) == (code, suggestion)


def test_all_mistakes_are_told_in_order_and_each_once() -> None:
    found = check_expression("amout > 1 && teir == 'x' && due > 'soon'", DESK)
    assert [(each.code, each.position.offset) for each in found] == [
        ("unknown_name", 0),
        ("unknown_name", 13),
        ("bad_literal", 34),
    ]


def test_an_expression_error_carries_what_an_editor_needs() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression("urgent &&\n  amout > 1", DESK)
    error = caught.value
    assert (error.position.line, error.position.column, error.position.length) == (2, 3, 5)
    assert error.instance_code == "unknown_name"
    assert error.message == "There is no field called {name}."
    assert dict(error.facts) == {"name": "amout", "suggestion": "amount"}
    assert str(error) == "2:3: There is no field called amout. Did you mean amount?"


@pytest.mark.parametrize(
    ("source", "expects", "fits"),
    [
        ("count > 1", BOOL, True),
        ("count", BOOL, False),
        ("null", BOOL, True),
        ("settings.on", BOOL, True),
        ("count", DECIMAL, True),
        ("hours", INT, False),
        ("amount", DECIMAL, False),
        ("'2026-01-31'", DATE, True),
        ("due", TIMESTAMP, True),
        ("owner", record_of("user"), True),
        ("'0198'", record_of("user"), True),
        ("customer", record_of("user"), False),
        ("[]", list_of(STRING), True),
        ("[1]", list_of(STRING), False),
        ("count", DYN, True),
    ],
)
def test_the_result_must_fit_what_is_expected(source: str, expects: Type, fits: bool) -> None:
    assert (check_expression(source, DESK, expects=expects) == []) is fits


def test_a_wrong_result_suggests_a_conversion_to_text() -> None:
    assert problem("count", STRING) == ("wrong_result", "string(count)")
