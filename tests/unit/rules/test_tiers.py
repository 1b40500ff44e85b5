"""Tiers: the right steps for every amount, to the cent, and no table of tiers with a hole."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.rules.approvals.tiers import ApproverRule, Step, Tier, choose, problems

CENT = Decimal("0.01")
amounts = st.decimals(min_value=-1_000_000, max_value=1_000_000, places=2, allow_nan=False)


def tier(start: str | Decimal, below: str | Decimal | None = None, name: str = "t") -> Tier:
    step = Step(name="one", label="One", approvers=ApproverRule(role="boss"))
    bound = None if below is None else Decimal(below)
    return Tier(name=name, label=name, start=Decimal(start), below=bound, steps=(step,))


SERVICE = (tier("5000", "50000", "manager"), tier("50000", None, "director"))


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("-1", None),
        ("0", None),
        ("4999.99", None),
        ("4999.999999", None),
        ("5000", "manager"),
        ("5000.00", "manager"),
        ("5000.01", "manager"),
        ("49999.99", "manager"),
        ("49999.999999999999999999999", "manager"),
        ("50000", "director"),
        ("50000.01", "director"),
        ("999999999999999.99", "director"),
    ],
)
def test_the_boundary_belongs_to_the_upper_tier_to_the_last_digit(amount: str, expected: str | None) -> None:
    found = choose(SERVICE, Decimal(amount))
    assert (found.name if found else None) == expected


@given(st.lists(amounts, min_size=1, max_size=8, unique=True), amounts)
@settings(max_examples=200)
def test_choosing_agrees_with_looking_at_every_tier(starts: list[Decimal], amount: Decimal) -> None:
    bounds = sorted(starts)
    tiers = [tier(low, high, str(low)) for low, high in zip(bounds, [*bounds[1:], None], strict=True)]
    holding = [one for one in tiers if one.start <= amount and (one.below is None or amount < one.below)]
    assert choose(tiers, amount) == (holding[0] if holding else None)
    assert len(holding) == (1 if amount >= bounds[0] else 0)


@given(st.lists(amounts, min_size=1, max_size=8, unique=True))
@settings(max_examples=100)
def test_every_boundary_is_exact_to_the_cent(starts: list[Decimal]) -> None:
    bounds = sorted(starts)
    tiers = [tier(low, None, str(low)) for low in bounds]
    for index, bound in enumerate(bounds):
        at = choose(tiers, bound)
        assert at is not None
        assert at.start == bound
        under = choose(tiers, bound - CENT)
        assert under is None if index == 0 else under is not None and under.start < bound


@given(st.lists(amounts, min_size=1, max_size=8, unique=True))
def test_a_sorted_list_without_holes_has_no_problem(starts: list[Decimal]) -> None:
    bounds = sorted(starts)
    tiers = [tier(low, high) for low, high in zip(bounds, [*bounds[1:], None], strict=True)]
    assert list(problems(tiers)) == []
    assert list(problems([tier(low) for low in bounds])) == []


@pytest.mark.parametrize(
    ("tiers", "expected"),
    [
        ([tier(0, 100), tier(200)], [("tier_gap", 1, "100", "200")]),
        ([tier(0, "100.00"), tier("100.01")], [("tier_gap", 1, "100.00", "100.01")]),
        ([tier(0, "100.01"), tier(100)], [("tier_overlap", 1, "100", "100.01")]),
        ([tier(0), tier(0)], [("tier_overlap", 1, "0", None)]),
        ([tier(100), tier(0)], [("tier_unsorted", 1, "0", "100")]),
        ([tier(0, 100), tier(100, 200)], [("tier_open_end", 1, "200", None)]),
        ([tier(0, 100)], [("tier_open_end", 0, "100", None)]),
        ([tier(100, 100), tier(100)], [("tier_empty", 0, "100", "100"), ("tier_overlap", 1, "100", "100")]),
        ([tier(0, 10), tier(20, 30), tier(25)], [("tier_gap", 1, "10", "20"), ("tier_overlap", 2, "25", "30")]),
    ],
)
def test_holes_and_overlaps_are_named_with_their_amounts(
    tiers: list[Tier], expected: list[tuple[str, int, str, str | None]]
) -> None:
    found = [(p.code, p.index, str(p.start), None if p.below is None else str(p.below)) for p in problems(tiers)]
    assert found == expected


@given(st.lists(st.tuples(amounts, st.none() | amounts), min_size=1, max_size=5), amounts)
@settings(max_examples=300)
def test_tiers_without_problems_hold_each_amount_exactly_once(
    bounds: list[tuple[Decimal, Decimal | None]], amount: Decimal
) -> None:
    tiers = [tier(low, high) for low, high in bounds]
    if list(problems(tiers)):
        return
    following = [*[one.start for one in tiers[1:]], None]
    holding = [
        one
        for one, after in zip(tiers, following, strict=True)
        if one.start <= amount and (after is None or amount < after)
    ]
    assert len(holding) == (1 if amount >= tiers[0].start else 0)
    assert choose(tiers, amount) == (holding[0] if holding else None)
