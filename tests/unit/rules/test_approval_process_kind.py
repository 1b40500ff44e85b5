"""Approval processes: compiled, their amounts, and everything that publish refuses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from fieldstone.platform.kernel.errors import Conflict, Invalid
from fieldstone.platform.kernel.metadata import MetadataError
from fieldstone.rules.approvals.pinned import PinnedProcess
from fieldstone.rules.approvals.tiers import ApproverRule, Step
from fieldstone.rules.effects import SubmitForApproval
from fieldstone.rules.engine.values import evaluated
from fieldstone.rules.expressions.values import Money
from fieldstone.rules.kinds.approval_process import outcome_of
from tests.support.rules import CONTEXT, Metadata, compiled, objects

ROLES = [{"name": "director"}, {"name": "finance"}]


def step(name: str = "one", approvers: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "approvers": approvers or {"role": "director"}, **more}


def tier(start: Any = None, below: Any = None, name: str = "t", *steps: dict[str, Any]) -> dict[str, Any]:
    bounds = {key: value for key, value in (("from", start), ("below", below)) if value is not None}
    return {"name": name, "steps": list(steps) or [step()], **bounds}


def process(*tiers: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"name": "quotes", "object": "quote", "amount": "total", "currency": "USD"}
    return {**body, "tiers": list(tiers) or [tier("5000", "50000", "low"), tier("50000", None, "high")], **more}


def made(*tiers: dict[str, Any], **more: Any) -> Any:
    return compiled("approval_process", process(*tiers, **more), role=ROLES)


def quote(**values: Any) -> dict[str, Any]:
    return {**dict.fromkeys(objects()["quote"].all_fields), "id": "q1", "previous": None, "user": None, **values}


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


@pytest.mark.parametrize(
    ("amount", "expected"), [("4999.99", None), ("5000", "low"), ("49999.99", "low"), ("50000.00", "high")]
)
def test_the_amount_of_the_record_chooses_the_tier(amount: str, expected: str | None) -> None:
    compiled_process = made()
    found = compiled_process.tier_for(compiled_process.amount_of(quote(total=usd(amount)), CONTEXT))
    assert (found.name if found else None) == expected


def test_numbers_without_a_currency_are_taken_as_that_of_the_process() -> None:
    plain = made(tier(0), amount="points * 2")
    assert plain.amount_of(quote(points=3), CONTEXT) == Decimal(6)
    exact = made(tier(0), amount="total.amount * 0.1")
    assert exact.amount_of(quote(total=usd("49999.99")), CONTEXT) == Decimal("4999.999")


def test_a_record_in_another_currency_is_refused_with_both_currencies() -> None:
    with pytest.raises(Conflict) as refusal:
        made().amount_of(quote(total=Money(Decimal(9), "EUR")), CONTEXT)
    assert refusal.value.facts == {"process": "quotes", "expected": "USD", "actual": "EUR"}
    assert refusal.value.instance_code == "approval_currency"


def test_a_record_without_an_amount_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        made().amount_of(quote(), CONTEXT)
    assert refusal.value.instance_code == "approval_amount"


def test_the_entry_condition_must_be_true() -> None:
    guarded = made(condition='status == "draft"')
    assert guarded.may_enter(quote(status="draft"), CONTEXT)
    assert not guarded.may_enter(quote(status="approved"), CONTEXT)
    assert not guarded.may_enter(quote(), CONTEXT)
    assert made().may_enter(quote(), CONTEXT)


def test_a_process_without_an_amount_has_one_tier_for_all() -> None:
    body = {"name": "quotes", "object": "quote", "tiers": [tier(None, None, "all")]}
    simple = compiled("approval_process", body, role=ROLES)
    assert simple.amount_of(quote(), CONTEXT) is None
    assert simple.tier_for(None).name == "all"


def test_steps_say_who_decides_and_how_many() -> None:
    steps = [
        step("a", {"users": ["Ann@Example.com ", "bob@example.com", "ann@example.com"]}, quorum=2),
        step("b", {"team_manager": 2}, quorum="all"),
        step("c", {"field": "engineer"}, label={"en": "Engineer"}),
        step("d", {"role": "finance"}),
    ]
    (found,) = made(tier(0, None, "t", *steps)).tiers
    assert found.steps == (
        Step(name="a", label="a", approvers=ApproverRule(users=("ann@example.com", "bob@example.com")), quorum=2),
        Step(name="b", label="b", approvers=ApproverRule(team_manager=2), quorum="all"),
        Step(name="c", label={"en": "Engineer"}, approvers=ApproverRule(field="engineer"), quorum="any"),
        Step(name="d", label="d", approvers=ApproverRule(role="finance"), quorum="any"),
    )


def test_a_pinned_process_is_read_back_as_it_was() -> None:
    body = process(
        tier(0, None, "t", step("a", {"users": ["ann@example.com"]}), step("b", {"team_manager": 1}, quorum=1)),
        label={"en": "Quotes", "zh-Hans": "报价"},
        open_fields=["note"],
        on_submit={"status": "submitted"},
        on_approved={"status": "approved", "decided_on": {"expression": "today()"}},
    )
    one = compiled("approval_process", body, role=ROLES)
    pinned = PinnedProcess.pin(one, body, one.tiers[0], 7)
    again = PinnedProcess.of(pinned.stored())
    assert again == pinned
    assert again.steps == one.tiers[0].steps
    assert again.own_fields == {"status", "decided_on"}
    assert again.open_fields == {"note"}
    assert again.outcomes["on_approved"] == {"status": "approved", "decided_on": {"expression": "today()"}}
    assert PinnedProcess.pin(one, body, None, 7).steps == ()


def test_what_decides_on_entry_is_told_apart_from_what_is_only_written() -> None:
    one = made(condition="points > 1", on_approved={"note": {"expression": "name"}})
    assert one.inputs.fields == {"points", "total"}
    assert one.reads.fields == {"points", "total", "name"}
    assert one.written_fields == {"note"}


@pytest.mark.parametrize(
    ("tiers", "path", "code"),
    [
        ([tier(0, 100), tier(200)], "/tiers/1", "tier_gap"),
        ([tier("0", "100.00"), tier("100.01", name="u")], "/tiers/1", "tier_gap"),
        ([tier(0, 200), tier(100, name="u")], "/tiers/1", "tier_overlap"),
        ([tier(0), tier(0, name="u")], "/tiers/1", "tier_overlap"),
        ([tier(100), tier(0, name="u")], "/tiers/1", "tier_unsorted"),
        ([tier(0, 100)], "/tiers/0", "tier_open_end"),
        ([tier(100, 50), tier(50, name="u")], "/tiers/1", None),
        ([tier(0, 0), tier(0, name="u")], "/tiers/0", "tier_empty"),
    ],
)
def test_tiers_with_holes_are_refused(tiers: list[dict[str, Any]], path: str, code: str | None) -> None:
    named = [{**each, "name": f"t{index}"} for index, each in enumerate(tiers)]
    with pytest.raises(MetadataError) as problem:
        made(*named)
    assert code is None or (problem.value.path, problem.value.instance_code) == (path, code)


@pytest.mark.parametrize(
    ("tiers", "more", "path", "code"),
    [
        ([tier()], {}, "/tiers/0/from", "tier_from"),
        ([tier("5000.005")], {}, "/tiers/0/from", "tier_precision"),
        ([tier("5000.5")], {"currency": "JPY"}, "/tiers/0/from", "tier_precision"),
        ([tier(0, "100.001"), tier("100.001", name="u")], {}, "/tiers/0/below", "tier_precision"),
        ([tier("NaN")], {}, "/tiers/0/from", "tier_bound"),
        ([tier(True)], {}, "/tiers/0/from", "tier_bound"),
        ([tier(0)], {"amount": "name"}, "/amount", "amount_type"),
        ([tier(0)], {"amount": "nope"}, "/amount", None),
        ([tier(0)], {"currency": "XYZ"}, "/currency", "currency_missing"),
        ([tier(0)], {"currency": None}, "/currency", "currency_missing"),
        ([tier(0)], {"amount": None}, "/tiers", "tier_without_amount"),
        ([tier(), tier(name="u")], {"amount": None}, "/tiers", "tier_without_amount"),
        ([tier(0), tier(1)], {}, "/tiers/1/name", "twice"),
        ([tier(0, None, "t", step(), step())], {}, "/tiers/0/steps/1/name", "twice"),
        ([tier(0, None, "t", step("a", {"role": "nope"}))], {}, "/tiers/0/steps/0/approvers/role", "unknown_role"),
        ([tier(0, None, "t", step("a", {"field": "nope"}))], {}, "/tiers/0/steps/0/approvers/field", "unknown_field"),
        ([tier(0, None, "t", step("a", {"field": "name"}))], {}, "/tiers/0/steps/0/approvers/field", "not_a_user"),
        (
            [tier(0, None, "t", step("a", {"users": ["a@b.example"]}, quorum=2))],
            {},
            "/tiers/0/steps/0/quorum",
            "quorum",
        ),
        ([tier(0)], {"condition": "points"}, "/condition", None),
        ([tier(0)], {"open_fields": ["nope"]}, "/open_fields/0", "unknown_field"),
        ([tier(0)], {"on_approved": {"status": "nope"}}, "/on_approved/status", "wrong_type"),
        ([tier(0)], {"on_rejected": {"nope": 1}}, "/on_rejected/nope", "unknown_field"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tiers: list[dict[str, Any]], more: dict[str, Any], path: str, code: str | None
) -> None:
    with pytest.raises(MetadataError) as problem:
        made(*tiers, **more)
    assert problem.value.path == path
    assert code is None or problem.value.instance_code == code


def test_an_amount_without_a_currency_of_its_own_is_pointed_out() -> None:
    metadata = Metadata(approval_process=[process(amount="points")], role=ROLES)
    (note,) = metadata.diagnostics("approval_process", "quotes")
    assert (note.severity, note.code, note.facts) == ("info", "amount_without_currency", {"currency": "USD"})
    assert Metadata(approval_process=[process()], role=ROLES).diagnostics("approval_process", "quotes") == []


def test_the_references_name_roles_and_fields() -> None:
    steps = [step("a", {"role": "director"}), step("b", {"field": "engineer"})]
    body = process(tier(0, None, "t", *steps), condition='status == "draft"', on_submit={"status": "submitted"})
    found = Metadata(approval_process=[body], role=ROLES).references("approval_process", "quotes")
    assert {(each.kind, each.name, each.part) for each in found} == {
        ("object", "quote", None),
        ("object", "quote", "status"),
        ("object", "quote", "total"),
        ("role", "director", None),
        ("object", "quote", "engineer"),
    }


def test_an_automatic_process_submits_a_record_that_may_enter_and_has_an_amount() -> None:
    automatic = made(condition='status == "draft"', submit="automatic")
    submitted = (SubmitForApproval(rule="quotes", process="quotes"),)
    assert automatic.run(quote(status="draft", total=usd("10")), CONTEXT).effects == submitted
    assert automatic.run(quote(status="draft", total=usd("5000")), CONTEXT).effects == submitted
    assert automatic.run(quote(status="draft", total=usd("10")), CONTEXT).hit
    assert not automatic.run(quote(status="draft"), CONTEXT).hit
    assert automatic.run(quote(status="draft"), CONTEXT).effects == ()
    assert automatic.active
    assert automatic.run(quote(status="approved", total=usd("5000")), CONTEXT).effects == ()


def test_the_fields_of_a_pinned_outcome_are_checked_against_the_present_objects() -> None:
    body = process(on_approved={"status": "approved", "decided_on": {"expression": "today()"}}, on_rejected={"note": 1})
    plan = PinnedProcess.of({**_plan(), "outcomes": {key: body[key] for key in ("on_approved", "on_rejected")}})
    metadata = Metadata()
    values = evaluated(plan, outcome_of(plan, "on_approved", metadata), quote(), CONTEXT)
    assert values == {"status": "approved", "decided_on": date(2026, 3, 4)}
    assert outcome_of(plan, "on_returned", metadata) == ()
    with pytest.raises(MetadataError):
        outcome_of(plan, "on_rejected", metadata)


def _plan() -> dict[str, Any]:
    names = {"name": "quotes", "label": "Quotes", "object": "quote", "version": 3, "currency": "USD"}
    return {**names, "steps": [], "open_fields": [], "own_fields": ["status", "decided_on"]}
