"""Decision tables: the first row that matches, held equal to reading the rows one by one; gaps and overlaps."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.platform.kernel.metadata import MetadataError
from fieldstone.rules.engine.decision import AnyValue, Between, Cell, OneOf, axis
from tests.support.rules import CONTEXT, Metadata, compiled, ticket


def table(
    rows: list[tuple[dict[str, Any], dict[str, Any]]],
    inputs: dict[str, str] | None = None,
    outputs: dict[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    return {
        "name": "rules",
        "object": "ticket",
        "inputs": [{"name": n, "expression": e} for n, e in (inputs or {"impact": "impact"}).items()],
        "outputs": [{"name": n, "field": f} for n, f in (outputs or {"priority": "priority"}).items()],
        "rows": [{"when": when, "then": then} for when, then in rows],
        **more,
    }


HIGH, LOW = {"priority": "high"}, {"priority": "low"}


def decide(body: dict[str, Any], **values: Any) -> tuple[int | None, dict[str, Any]] | None:
    made = compiled("decision_table", body)
    found = made.decide(made, ticket(**values), CONTEXT)
    return None if found is None else (found.row, dict(found.fields))


def test_the_first_row_that_matches_wins() -> None:
    body = table([({"impact": "high"}, HIGH), ({}, LOW)])
    assert decide(body, impact="high") == (0, HIGH)
    assert decide(body, impact="medium") == (1, LOW)
    assert decide(body, impact=None) == (1, LOW)


def test_without_a_row_the_default_decides_or_nothing() -> None:
    rows = [({"impact": "high"}, HIGH)]
    assert decide(table(rows), impact="low") is None
    assert decide(table(rows, default=LOW), impact="low") == (None, LOW)


def test_several_inputs_must_all_match() -> None:
    body = table(
        [
            ({"impact": "high", "hours": {"from": "2.5"}}, HIGH),
            ({"impact": ["high", "medium"], "hours": {"below": "2.5"}}, LOW),
        ],
        {"impact": "impact", "hours": "hours"},
    )
    assert decide(body, impact="high", hours=Decimal("2.5")) == (0, HIGH)
    assert decide(body, impact="high", hours=Decimal("2.4999999")) == (1, LOW)
    assert decide(body, impact="medium", hours=Decimal("2.5")) is None
    assert decide(body, impact="medium", hours=Decimal("-1")) == (1, LOW)
    assert decide(body, impact="high", hours=None) is None


def test_null_means_that_the_input_is_empty() -> None:
    body = table([({"impact": None}, HIGH), ({"impact": ["low", None]}, LOW)])
    assert decide(body, impact=None) == (0, HIGH)
    assert decide(body, impact="low") == (1, LOW)
    assert decide(body, impact="high") is None


def test_inputs_may_be_any_scalar_type() -> None:
    body = table(
        [
            ({"urgent": True, "due": {"from": "2026-01-01", "below": "2026-02-01"}, "who": "u1", "count": 3}, HIGH),
            ({"urgent": False, "due": "2026-02-01", "who": ["u1", "u2"], "count": {"below": 0}}, LOW),
        ],
        {"urgent": "urgent", "due": "due", "who": "engineer", "count": "count"},
    )
    assert decide(body, urgent=True, due=date(2026, 1, 31), engineer={"id": "u1"}, count=3) == (0, HIGH)
    assert decide(body, urgent=False, due=date(2026, 2, 1), engineer={"id": "u2"}, count=-1) == (1, LOW)
    assert decide(body, urgent=True, due=date(2026, 2, 1), engineer={"id": "u1"}, count=3) is None


def test_outputs_may_go_to_several_fields_and_rows_may_leave_some_alone() -> None:
    body = table(
        [({"impact": "high"}, {"p": "high", "h": "4.5"}), ({}, {"h": None})],
        outputs={"p": "priority", "h": "hours"},
    )
    assert decide(body, impact="high") == (0, {"priority": "high", "hours": Decimal("4.5")})
    assert decide(body, impact="low") == (1, {"hours": None})


scalars = st.sampled_from([None, 0, 1, 2, 3, 5, 8])
bounds = st.none() | st.integers(-1, 9)
cells = st.one_of(
    st.builds(AnyValue),
    st.builds(OneOf, values=st.lists(scalars, min_size=1, max_size=3).map(tuple)),
    st.builds(Between, start=bounds, below=bounds).filter(
        lambda cell: cell.start is None or cell.below is None or cell.start < cell.below
    ),
)


def accepts(cell: Cell, value: Any) -> bool:
    match cell:
        case AnyValue():
            return True
        case OneOf():
            return value in cell.values
        case Between():
            if value is None:
                return False
            return (cell.start is None or value >= cell.start) and (cell.below is None or value < cell.below)


@given(st.lists(cells, min_size=1, max_size=8), st.none() | st.integers(-3, 11))
@settings(max_examples=500)
def test_an_axis_finds_exactly_the_rows_that_accept_a_value(column: list[Cell], value: int | None) -> None:
    found = axis(column).rows(value)
    assert [bool(found >> row & 1) for row in range(len(column))] == [accepts(cell, value) for cell in column]
    assert found >> len(column) == 0


def written(cell: Cell) -> Any:
    match cell:
        case OneOf():
            return list(cell.values)
        case Between():
            return {name: bound for name, bound in (("from", cell.start), ("below", cell.below)) if bound is not None}


@given(
    st.lists(st.tuples(cells, cells), min_size=1, max_size=6),
    st.none() | st.integers(-3, 11),
    st.none() | st.integers(-3, 11),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_a_table_decides_as_its_rows_read_one_by_one(
    rows: list[tuple[Cell, Cell]], first: int | None, second: int | None, has_default: bool
) -> None:
    whens = [{name: written(cell) for name, cell in zip(("a", "b"), row, strict=True) if written(cell)} for row in rows]
    body = table(
        [(when, {"n": str(index)}) for index, when in enumerate(whens)],
        {"a": "count", "b": "int(hours)"},
        {"n": "subject"},
        **({"default": {"n": "default"}} if has_default else {}),
    )
    expected = next(
        (
            (index, {"subject": str(index)})
            for index, (one, other) in enumerate(rows)
            if (accepts(one, first) or not written(one) and not isinstance(one, OneOf))
            and (accepts(other, second) or not written(other) and not isinstance(other, OneOf))
        ),
        (None, {"subject": "default"}) if has_default else None,
    )
    hours = None if second is None else Decimal(second)
    assert decide(body, count=first, hours=hours) == expected


def found(body: dict[str, Any]) -> list[tuple[str, str, str]]:
    diagnostics = Metadata(decision_table=[body]).diagnostics("decision_table", body["name"])
    return [(each.code, each.path, str(each.facts["case"])) for each in diagnostics]


def test_a_table_that_covers_all_options_once_has_no_findings() -> None:
    body = table([({"impact": value}, HIGH) for value in ("low", "medium", "high")])
    assert found(body) == []


def test_an_option_without_a_row_is_a_gap() -> None:
    body = table([({"impact": "low"}, LOW), ({"impact": "high"}, HIGH)])
    assert found(body) == [("table_gap", "/rows", "impact = medium")]
    assert found({**body, "default": LOW}) == []


def test_an_optional_input_needs_a_row_for_empty() -> None:
    rows = [({"urgency": value}, HIGH) for value in ("low", "medium", "high")]
    assert found(table(rows, {"urgency": "urgency"})) == [("table_gap", "/rows", "urgency is empty")]
    assert found(table([*rows, ({"urgency": None}, LOW)], {"urgency": "urgency"})) == []


def test_gaps_between_ranges_are_told_by_their_bounds() -> None:
    rows = [({"n": {"below": 5}}, LOW), ({"n": {"from": 7, "below": 9}}, HIGH), ({"n": None}, LOW)]
    assert found(table(rows, {"n": "hours"})) == [("table_gap", "/rows", "n from 5 below 7")]
    rows.append(({"n": {"from": 5, "below": 7}}, LOW))
    assert found(table(rows, {"n": "hours"})) == [("table_gap", "/rows", "n from 9")]


def test_whole_numbers_leave_no_gap_where_each_is_listed() -> None:
    rows = [({"n": {"below": 1}}, LOW), ({"n": [1, 2]}, HIGH), ({"n": {"from": 3}}, LOW), ({"n": None}, LOW)]
    assert found(table(rows, {"n": "count"})) == []
    assert found(table(rows, {"n": "hours"})) == [("table_gap", "/rows", "n from 1 below 3")]
    rows[1] = ({"n": [1]}, HIGH)
    assert found(table(rows, {"n": "count"})) == [("table_gap", "/rows", "n from 1 below 3")]


def test_text_has_always_other_values() -> None:
    rows = [({"s": "a"}, LOW), ({"s": None}, LOW)]
    assert found(table(rows, {"s": 'status + ""'})) == [("table_gap", "/rows", "s = any other value")]


def test_rows_that_contradict_one_another_are_told() -> None:
    body = table(
        [({"impact": ["low", "medium"]}, LOW), ({"impact": ["medium", "high"]}, HIGH)],
    )
    assert found(body) == [("table_overlap", "/rows/1", "impact = medium")]


def test_overlapping_rows_that_agree_or_mean_otherwise_are_fine() -> None:
    agree = table([({"impact": ["low", "medium"]}, HIGH), ({"impact": ["medium", "high"]}, HIGH)])
    assert found(agree) == []
    otherwise = table([({"impact": "high"}, HIGH), ({}, LOW)])
    assert found(otherwise) == []
    wider = table(
        [
            ({"n": {"from": 5, "below": 7}}, HIGH),
            ({"n": {"from": 0}}, LOW),
            ({"n": {"below": 0}}, LOW),
            ({"n": None}, LOW),
        ],
        {"n": "hours"},
    )
    assert found(wider) == []


def test_a_row_that_never_wins_is_told() -> None:
    body = table([({}, LOW), ({"impact": "high"}, HIGH)])
    codes = [(code, path) for code, path, _ in found(body)]
    assert ("table_unreachable", "/rows/1") in codes


@given(
    st.lists(st.tuples(cells, st.sampled_from(["low", "high"])), min_size=1, max_size=5),
)
@settings(max_examples=150, deadline=None)
def test_findings_agree_with_trying_every_value(rows: list[tuple[Cell, str]]) -> None:
    body = table(
        [({"n": written(cell)} if written(cell) else {}, {"priority": value}) for cell, value in rows], {"n": "count"}
    )
    free = [AnyValue() if not written(cell) and not isinstance(cell, OneOf) else cell for cell, _ in rows]
    matches = {
        value: [row for row, cell in enumerate(free) if accepts(cell, value)] for value in [None, *range(-3, 12)]
    }
    diagnostics = Metadata(decision_table=[body]).diagnostics("decision_table", "rules")
    codes = {each.code for each in diagnostics}
    assert ("table_gap" in codes) == any(not hit for hit in matches.values())
    winners = {hit[0] for hit in matches.values() if hit}
    unreachable = {each.path for each in diagnostics if each.code == "table_unreachable"}
    assert unreachable == {f"/rows/{row}" for row in range(len(rows)) if row not in winners}


def test_too_many_combinations_are_said_not_to_be_checked() -> None:
    names = [f"i{index}" for index in range(8)]
    rows = [(dict.fromkeys(names, row), LOW) for row in range(6)]
    assert found(table(rows, dict.fromkeys(names, "count"))) == [("table_unchecked", "/rows", "")]


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        (table([({"nope": 1}, HIGH)]), "/rows/0/when/nope", "unknown_input"),
        (table([({"impact": "huge"}, HIGH)]), "/rows/0/when/impact", "not_an_option"),
        (table([({"impact": 3}, HIGH)]), "/rows/0/when/impact", "wrong_scalar"),
        (table([({"impact": {"from": "a"}}, HIGH)]), "/rows/0/when/impact", "no_range"),
        (table([({"n": {"from": 5, "below": 5}}, HIGH)], {"n": "hours"}), "/rows/0/when/n", "empty_range"),
        (table([({"n": {"from": "x"}}, HIGH)], {"n": "hours"}), "/rows/0/when/n/from", "wrong_scalar"),
        (table([({"n": True}, HIGH)], {"n": "hours"}), "/rows/0/when/n", "wrong_scalar"),
        (table([({"n": "NaN"}, HIGH)], {"n": "hours"}), "/rows/0/when/n", "wrong_scalar"),
        (table([({"n": "1.5"}, HIGH)], {"n": "count"}), "/rows/0/when/n", "wrong_scalar"),
        (table([({"n": "soon"}, HIGH)], {"n": "due"}), "/rows/0/when/n", "wrong_scalar"),
        (table([({"n": "a"}, HIGH)], {"n": "tags"}), "/rows/0/when/n", "no_scalar"),
        (table([({"n": 1}, HIGH)], {"n": "nope"}), "/inputs/0/expression", None),
        (table([({}, {"nope": 1})]), "/rows/0/then/nope", "unknown_output"),
        (table([({}, {"priority": "nope"})]), "/rows/0/then/priority", "wrong_type"),
        (table([({}, HIGH)], default={"priority": "nope"}), "/default/priority", "wrong_type"),
        (table([({}, HIGH)], outputs={"priority": "number"}), "/outputs/0/field", "not_settable"),
        (table([({}, HIGH)], outputs={"priority": "nope"}), "/outputs/0/field", "unknown_field"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(body: dict[str, Any], path: str, code: str | None) -> None:
    with pytest.raises(MetadataError) as problem:
        compiled("decision_table", body)
    assert problem.value.path == path
    assert code is None or problem.value.instance_code == code


def test_two_inputs_or_outputs_of_one_name_are_refused() -> None:
    body = table([({}, HIGH)])
    for part, path in (("inputs", "/inputs/1/name"), ("outputs", "/outputs/1/name")):
        with pytest.raises(MetadataError) as problem:
            compiled("decision_table", {**body, part: [*body[part], *body[part]]})
        assert (problem.value.path, problem.value.instance_code) == (path, "twice")
