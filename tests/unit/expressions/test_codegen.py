"""The generated function: it does what a slow reading of the same tree does, and holds nothing but its own names."""

from __future__ import annotations

import ast
import re
from typing import Any

from hypothesis import given, settings

from fieldstone.rules.expressions.codegen import generate
from fieldstone.rules.expressions.codegen_logic import Logic
from fieldstone.rules.expressions.dialect import FIELDSTONE
from fieldstone.rules.expressions.errors import EvaluationError
from tests.unit.expressions.desk import CONTEXT, compiled, value
from tests.unit.expressions.oracle import Fails, Oracle, Undefined
from tests.unit.expressions.sources import records, sources

_OWN_NAME = re.compile(r"[vcb]|[kt]\d+")
_FAILED = "failed"


def _outcome(evaluate: Any) -> Any:
    try:
        return evaluate()
    except (EvaluationError, Fails):
        return _FAILED


@settings(max_examples=600, deadline=None)
@given(source=sources(), record=records())
def test_generated_code_agrees_with_a_tree_walk(source: str, record: dict[str, Any]) -> None:
    expression = compiled(source)
    try:
        wanted = _outcome(lambda: Oracle(record, CONTEXT).value(expression.tree))
    except Undefined:
        return
    found = _outcome(lambda: expression.evaluate(record, CONTEXT))
    assert (type(found), found) == (type(wanted), wanted)


@settings(max_examples=200, deadline=None)
@given(source=sources(), record=records())
def test_careful_logic_agrees_with_short_logic_when_nothing_fails(source: str, record: dict[str, Any]) -> None:
    expression = compiled(source)
    short = _outcome(lambda: expression.evaluate(record, CONTEXT))
    if short is _FAILED:
        return
    tree = expression.tree
    careful = generate(tree, FIELDSTONE, Logic.CAREFUL)
    budget = _Unlimited()
    assert careful.run(record, CONTEXT, budget) == short


class _Unlimited:
    """A budget without end."""

    def spend(self, steps: int) -> None:
        assert steps >= 0

    _left = 10**9


@settings(max_examples=200, deadline=None)
@given(source=sources())
def test_generated_code_has_no_attribute_and_no_foreign_name(source: str) -> None:
    for style in Logic:
        tree = generate(compiled(source).tree, FIELDSTONE, style).tree
        for node in ast.walk(tree):
            assert not isinstance(node, ast.Attribute | ast.Import | ast.ImportFrom | ast.Global)
            if isinstance(node, ast.Name):
                assert _OWN_NAME.fullmatch(node.id)


def test_generated_code_runs_without_builtins() -> None:
    run = generate(compiled("count > 1").tree, FIELDSTONE, Logic.SHORT).run
    assert run.__globals__["__builtins__"] == {}


def test_text_that_looks_like_code_stays_text() -> None:
    assert value('\'__import__("os").system("true")\'') == '__import__("os").system("true")'
    assert value("{'__class__': 1}.__class__") == 1
    assert value("settings.__class__") is None


def test_a_failed_term_does_not_matter_when_another_decides() -> None:
    overflowing = "count * 9223372036854775807 > 1"
    assert value(f"{overflowing} || true") is True
    assert value(f"true || {overflowing}") is True
    assert value(f"{overflowing} && false") is False
    assert _outcome(lambda: value(f"{overflowing} && true")) is _FAILED
    assert _outcome(lambda: value(f"{overflowing} || paid")) is _FAILED


def test_one_expression_can_be_shared_by_threads_and_records() -> None:
    expression = compiled("count * 9223372036854775807 > 1 || urgent")
    assert expression.holds({"count": 2, "urgent": True}, CONTEXT)
    assert expression.holds({"count": 1, "urgent": False}, CONTEXT)
    assert not expression.holds({"count": 0, "urgent": None}, CONTEXT)
