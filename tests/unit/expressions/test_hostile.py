"""Input made to hurt: each gives a clean error, whatever its size."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.platform.kernel.errors import FieldstoneError
from fieldstone.rules.expressions.compile import check_expression, compile_expression
from fieldstone.rules.expressions.completion import completions
from fieldstone.rules.expressions.errors import BudgetExceeded, EvaluationError, ExpressionError
from tests.unit.expressions.desk import CONTEXT, DESK, TICKET, compiled

_HOSTILE = {
    "deep parentheses": "(" * 5000 + "1" + ")" * 5000,
    "200 kB of brackets": "[" * 200_000,
    "closed brackets": "[" * 9000 + "]" * 9000,
    "deep calls": "size(" * 3000 + "tags" + ")" * 3000,
    "many minuses": "-" * 19_000 + "1",
    "many exclamation marks": "!" * 19_000 + "true",
    "a long sum": "+".join(["count"] * 3000),
    "a long chain of fields": "owner" + ".lead" * 3000,
    "a long chain of indexes": "tags" + "[0]" * 5000,
    "a long chain of conditions": "true ? 1 : " * 1700 + "1",
    "many terms": " && ".join(["urgent"] * 3000),
    "a huge number": "9" * 19_000,
    "a huge decimal": "0." + "9" * 19_000,
    "a huge exponent": "1e999999999",
    "a huge hex number": "0x" + "f" * 19_000,
    "loops in loops": "scores.map(a, " * 6 + "1" + ")" * 6,
    "an open text": '"' + "a" * 19_000,
    "backslashes": '"' + "\\" * 19_001,
    "quotes": "'" * 19_001,
    "backquotes": "`" * 19_000,
    "a catastrophic comment": "//" * 9_999,
    "spaces": " " * 20_000,
    "NUL": '"\\x00"',
    "half a character": '"\ud800"',
    "a pattern too large": "subject.matches('(((a{1,100}){1,100}){1,100})')",
    "a malformed pattern": "subject.matches('(')",
}


@pytest.mark.parametrize("name", sorted(_HOSTILE))
def test_hostile_source_is_refused_with_a_position(name: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(_HOSTILE[name], DESK)
    assert caught.value.position.line >= 1
    assert len(str(caught.value)) < 300
    assert check_expression(_HOSTILE[name], DESK) != []


def test_a_catastrophic_pattern_takes_linear_time() -> None:
    expression = compiled("subject.matches('(a+)+$')")
    assert expression.evaluate({"subject": "a" * 50_000 + "b"}, CONTEXT) is False


@pytest.mark.parametrize(
    "source",
    [
        "scores.all(a, scores.all(b, scores.all(c, a + b + c >= 0)))",
        "size(scores.map(a, scores.map(b, a))) > 0",
        "size(scores.map(a, padLeft('', 100000))) > 0",
        "size(scores.filter(a, subject.contains('xyz'))) > 0",
        "size(scores.filter(a, a in scores.map(b, b))) > 0",
        "size(scores.map(a, subject + subject)) > 0",
        "size(scores.filter(a, scores == scores)) > 0",
    ],
)
def test_too_much_work_ends_with_a_budget_error(source: str) -> None:
    record = {**TICKET, "scores": list(range(2000)), "subject": "a" * 100_000}
    with pytest.raises(BudgetExceeded):
        compiled(source).evaluate(record, CONTEXT)


def test_a_spent_budget_is_not_absorbed_by_logic() -> None:
    record = {**TICKET, "scores": list(range(2000))}
    with pytest.raises(BudgetExceeded):
        compiled("scores.all(a, scores.all(b, b >= 0)) || urgent").evaluate(record, CONTEXT)


@pytest.mark.parametrize(
    "source",
    [
        "padLeft('', 2000000)",
        "padLeft('', 1000000) + padLeft('', 1000000)",
        "replace(padLeft('', 1000), ' ', padLeft('', 10000))",
        "join([padLeft('', 900000), padLeft('', 900000)], '')",
        " + ".join(["padLeft('', 90000)"] * 60),
    ],
)
def test_texts_cannot_be_made_to_grow_without_end(source: str) -> None:
    with pytest.raises(BudgetExceeded):
        compiled(source).evaluate(TICKET, CONTEXT)


@pytest.mark.parametrize(
    "source",
    [
        "count * 9223372036854775807",
        "int(1e30)",
        "decimal('1e6000') * decimal('1e6000')",
        "money(decimal('1e6000'), 'EUR') * decimal('1e6000')",
        "addDays(due, 9223372036854775807)",
        "addMonths(due, 9223372036854775807)",
        "addYears(due, -9000)",
        "timestamp(9223372036854775807)",
        "round(hours, 1000)",
        "duration('1h') + duration('80000000h') + duration('80000000h')",
        "string(b'\\xff')",
        "settings + 1",
        "settings.level.name > 1 ? settings.level.name.x : 2",
        "-settings.name",
        "settings ? 1 : 2",
        "settings.level in settings.level",
        "settings.items['x']",
        "settings.level.exists(x, x)",
        "hour(settings.level)",
        "{settings.items: 1}",
        "{'a': 1, settings.a: 2, 'a': 3}",
        "amount + budget",
        "amount > budget",
        "money(1.0, 'euro')",
        "date(2026, 13, count)",
    ],
)
def test_values_that_do_not_fit_are_evaluation_errors(source: str) -> None:
    with pytest.raises(FieldstoneError) as caught:
        compiled(source).evaluate(TICKET, CONTEXT)
    assert isinstance(caught.value, EvaluationError | ExpressionError)


@pytest.mark.parametrize(
    ("source", "record"),
    [
        ("count > 1", {}),
        ("count > 1", {"count": "3"}),
        ("customer.tier == 'gold'", {"customer": {"id": "c"}}),
        ("customer == 'c'", {"customer": "c"}),
        ("amount > 1", {"amount": 5}),
        ("lower(subject)", {"subject": 5}),
    ],
)
def test_variables_that_break_their_promise_are_evaluation_errors(source: str, record: dict[str, Any]) -> None:
    with pytest.raises(EvaluationError):
        compiled(source).evaluate(record, CONTEXT)


_PIECES = st.sampled_from(
    [
        *("amount", "count", "tags", "lines", "settings", "customer.tier", "null", "true", "x", "y", "5u", "1", "2.5"),
        *('"a"', "b'q'", "'b", '"', "`", "\\", "#", "//", ".", ",", "(", ")", "[", "]", "{", "}", "?", ":", "!"),
        *("+", "-", "*", "/", "%", "==", "!=", "<", ">=", "in", "&&", "||"),
        *("size(", ".exists(x,", ".map(y,", "has(", "changed(", "if("),
    ]
)


@settings(max_examples=400, deadline=None)
@given(pieces=st.lists(_PIECES, max_size=14))
def test_any_mixture_of_pieces_compiles_or_is_refused_cleanly(pieces: list[str]) -> None:
    source = " ".join(pieces)
    problems = check_expression(source, DESK)
    assert completions(source, len(source), DESK) is not None
    refused: ExpressionError | None = None
    try:
        compiled(source).evaluate(TICKET, CONTEXT)
    except ExpressionError as error:
        refused = error
    except EvaluationError:
        refused = None
    assert ([refused.problem] if refused else []) == problems[:1]
