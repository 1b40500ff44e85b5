"""Approvals through their service: submitted, decided, locked, told, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from fieldstone.objects.approvals.inbox import RequestQuery
from fieldstone.objects.approvals.service import NewDecision
from fieldstone.platform.kernel.errors import Conflict, Forbidden, Invalid, Locked, NotFound
from tests.conftest import MakeInstallation
from tests.support.office import Office, process, step

OpenOffice = Callable[..., Office]


@pytest.fixture
def open_office(make_installation: MakeInstallation) -> OpenOffice:
    def make(*steps: Any, rules: Any = None, **more: Any) -> Office:
        office = Office(make_installation(), rules={"approval_process": [process(*steps, **more)], **(rules or {})})
        office.hire("boss", "director", locale="zh-Hans")
        office.hire("ann", manager="boss")
        office.hire("bob", "director")
        office.hire("eve")
        return office

    return make


@pytest.fixture
def office(open_office: OpenOffice) -> Office:
    return open_office()


def decide(office: Office, who: str, request: str, decision: Any, **more: Any) -> Any:
    new = NewDecision(decision=decision, **more)
    return office.write(lambda ctx, unit: office.approvals.decide(ctx, unit, request, new), who)


def waiting(office: Office, who: str) -> list[str]:
    query = RequestQuery(state="pending", mine=True)
    page = office.read(lambda ctx, unit: office.approvals.inbox(ctx, unit, query), who)
    return [request.id for request in page.requests]


def seen(office: Office, who: str | None, request: str) -> Any:
    return office.read(lambda ctx, unit: office.approvals.get(ctx, unit, request), who)


def told(office: Office, who: str) -> list[str]:
    found = office.all("notification")
    return [each["subject"] for each in found if each["recipient"] == office.people[who]]


def test_a_quote_over_the_threshold_waits_for_a_director(office: Office) -> None:
    quote = office.quote("ann", "5000.00")
    view = office.submit("ann", quote)
    assert (view.state, view.step, view.tier, view.amount) == ("pending", "one", "high", "5000.00")
    assert {person.label for person in view.steps[0].waiting} == {"Boss", "Bob"}
    assert office.get("quote", quote)["status"] == "submitted"
    assert waiting(office, "bob") == [view.id]
    assert waiting(office, "ann") == waiting(office, "eve") == []
    done = decide(office, "bob", view.id, "approve", comment="Fine")
    assert (done.state, done.step, done.steps[0].state) == ("approved", None, "passed")
    assert [(each.by.label, each.decision, each.comment) for each in done.decisions] == [("Bob", "approve", "Fine")]
    values = office.get("quote", quote)
    assert (values["status"], values["decided_on"]) == ("approved", date(2024, 5, 6))
    assert waiting(office, "bob") == waiting(office, "boss") == []
    assert told(office, "bob") == ["Please decide: Q 5000.00"]
    assert told(office, "boss") == ["请审批:Q 5000.00"]
    assert told(office, "ann") == ["Approved: Q 5000.00"]
    assert told(office, "eve") == []


def test_below_the_first_tier_a_quote_is_approved_at_once(office: Office) -> None:
    quote = office.quote("ann", "4999.99")
    view = office.submit("ann", quote)
    assert (view.state, view.tier, view.step, view.steps) == ("approved", None, None, [])
    assert office.get("quote", quote)["status"] == "approved"
    office.update("quote", quote, "ann", name="still open")


def test_what_cannot_be_submitted_is_refused_and_changes_nothing(open_office: OpenOffice) -> None:
    office = open_office(condition='status == "draft"')
    euro, empty = office.quote("ann", "9000", "EUR"), office.create("quote", "ann", name="empty").id
    sent, pending = office.quote("ann", "9000", status="sent"), office.quote("ann", "9000")
    office.submit("ann", pending)
    customer = office.create("customer", "ann", name="c").id
    refusals: list[tuple[str, str, type[Exception], str]] = [
        (euro, "quotes", Conflict, "approval_currency"),
        (empty, "quotes", Invalid, "approval_amount"),
        (sent, "quotes", Conflict, "approval_condition"),
        (pending, "quotes", Conflict, "approval_pending"),
        (euro, "nope", NotFound, "not_found"),
        (customer, "quotes", NotFound, "not_found"),
    ]
    for record, name, error, code in refusals:
        with pytest.raises(error) as refusal:
            office.submit("ann", record, name)
        assert refusal.value.instance_code == code  # type: ignore[attr-defined]
    assert [office.get("quote", each)["status"] for each in (euro, empty, sent)] == ["draft", "draft", "sent"]
    assert len(office.all("approval_request")) == 1


def test_nobody_decides_on_their_own_request_in_whatever_role(office: Office) -> None:
    office.give("ann", "clerk", "director")
    view = office.submit("ann", office.quote("ann", "9000"))
    assert {person.label for person in view.steps[0].approvers} == {"Boss", "Bob"}
    for decision in ("approve", "reject", "return", "delegate"):
        with pytest.raises(Forbidden):
            decide(office, "ann", view.id, decision, to=office.people["eve"])
    with pytest.raises(Invalid):
        decide(office, "bob", view.id, "delegate", to=office.people["ann"])
    assert seen(office, "ann", view.id).state == "pending"


def test_without_another_approver_the_request_is_blocked_and_those_who_can_mend_it_are_told(office: Office) -> None:
    office.hire("chief", "admin")
    office.give("boss", "clerk")
    office.give("bob", "clerk")
    office.give("ann", "director")
    quote = office.quote("ann", "9000")
    view = office.submit("ann", quote)
    assert (view.state, view.steps[0].state, view.steps[0].needed) == ("blocked", "blocked", 1)
    text = "Nobody can decide on Q 9000: step One of Quotes needs 1 approvers and has 0"
    assert told(office, "ann") == told(office, "chief") == [text]
    with pytest.raises(Locked):
        office.update("quote", quote, "ann", name="x")
    with pytest.raises(Forbidden):
        decide(office, "bob", view.id, "approve")
    office.give("bob", "director")
    assert seen(office, "chief", view.id).can == ("retry",)
    again = office.write(lambda ctx, unit: office.approvals.retry(ctx, unit, view.id), "chief")
    assert (again.state, [person.label for person in again.steps[0].waiting]) == ("pending", ["Bob"])
    assert decide(office, "bob", view.id, "approve").state == "approved"


def test_a_pending_record_is_locked_at_every_door_but_for_its_open_fields(office: Office) -> None:
    quote = office.quote("ann", "9000")
    line = office.create("line", "ann", quote=quote, text="a").id
    view = office.submit("ann", quote)
    before = office.get("quote", quote)
    doors: list[Callable[[Any, Any], Any]] = [
        *(
            lambda ctx, unit, values=values: office.records.update(ctx, unit, "quote", quote, values)
            for values in (
                {"name": "x"},
                {"status": "approved"},
                {"total": {"amount": "1", "currency": "USD"}},
                {"decided_on": "2024-01-01"},
                {"note": "fine", "name": "x"},
                {"lines": []},
            )
        ),
        lambda ctx, unit: office.records.delete(ctx, unit, "quote", quote),
        lambda ctx, unit: office.records.create(ctx, unit, "line", {"quote": quote, "text": "b"}),
        lambda ctx, unit: office.records.update(ctx, unit, "line", line, {"text": "b"}),
        lambda ctx, unit: office.records.delete(ctx, unit, "line", line),
    ]
    for who in ("ann", "bob", None):
        for door in doors:
            with pytest.raises(Locked):
                office.write(door, who)
    office.update("quote", quote, "ann", note="a question")
    after = office.get("quote", quote)
    unlike = {
        name for name in after if after[name] != before[name] and name not in ("revision", "updated_at", "updated_by")
    }
    assert unlike == {"note"}
    decide(office, "bob", view.id, "return", comment="Too dear")
    assert office.get("quote", quote)["status"] == "returned"
    office.update("quote", quote, "ann", name="cheaper")
    office.update("line", line, "ann", text="b")


@pytest.mark.parametrize(
    ("who", "decision", "state", "status", "news"),
    [
        ("bob", "reject", "rejected", "rejected", ["Rejected: Q 9000"]),
        ("bob", "return", "returned", "returned", ["Returned to you: Q 9000"]),
        ("ann", "withdraw", "withdrawn", "draft", []),
    ],
)
def test_each_outcome_sets_its_fields_and_keeps_the_reason(
    office: Office, who: str, decision: str, state: str, status: str, news: list[str]
) -> None:
    quote = office.quote("ann", "9000")
    request = office.submit("ann", quote).id
    done = decide(office, who, request, decision, comment="Because")
    assert (done.state, done.steps[0].state) == (state, "stopped")
    assert [(each.decision, each.comment, each.by.id) for each in done.decisions] == [
        (decision, "Because", office.people[who])
    ]
    assert office.get("quote", quote)["status"] == status
    assert told(office, "ann") == news
    for late, too_late in (("boss", "approve"), ("ann", "withdraw"), ("bob", "approve")):
        with pytest.raises(Conflict) as refusal:
            decide(office, late, request, too_late)
        outcome = refusal.value.facts["outcome"]
        assert (outcome["state"], outcome["decision"], outcome["by"]["id"]) == (state, decision, office.people[who])
    again = office.submit("ann", quote)
    assert again.id != request
    listed = office.read(lambda ctx, unit: office.approvals.for_record(ctx, unit, "quote", quote), "eve")
    assert [each.id for each in listed] == [again.id, request]


def test_steps_follow_one_another_and_a_latecomer_hears_of_it(open_office: OpenOffice) -> None:
    office = open_office(step("manager", {"team_manager": 1}), step("director", quorum="all"))
    request = office.submit("ann", office.quote("ann", "9000")).id
    assert waiting(office, "boss") == [request]
    with pytest.raises(Forbidden):
        decide(office, "bob", request, "approve")
    passed = decide(office, "boss", request, "approve", step="manager")
    assert (passed.step, [each.state for each in passed.steps]) == ("director", ["passed", "open"])
    assert passed.steps[1].needed == 2
    with pytest.raises(Conflict) as refusal:
        decide(office, "boss", request, "approve", step="manager")
    outcome = refusal.value.facts["outcome"]
    assert (outcome["state"], outcome["step"]) == ("pending", "director")
    decide(office, "boss", request, "approve", step="director")
    with pytest.raises(Conflict):
        decide(office, "boss", request, "approve")
    assert decide(office, "bob", request, "approve").state == "approved"


def test_who_was_asked_on_a_step_that_is_over_gets_the_outcome_and_others_a_refusal(open_office: OpenOffice) -> None:
    office = open_office(step("first"), step("second", {"users": ["eve@example.com"]}))
    request = office.submit("ann", office.quote("ann", "9000")).id
    decide(office, "boss", request, "approve")
    with pytest.raises(Conflict) as refusal:
        decide(office, "bob", request, "approve")
    outcome = refusal.value.facts["outcome"]
    assert (outcome["step"], outcome["by"]["label"]) == ("second", "Boss")
    office.hire("zoe")
    with pytest.raises(Forbidden):
        decide(office, "zoe", request, "approve")


def test_a_decision_can_be_handed_on(office: Office) -> None:
    request = office.submit("ann", office.quote("ann", "9000")).id
    office.dismiss("eve")
    for to in (office.people["eve"], office.people["boss"], "nobody", None):
        with pytest.raises(Invalid):
            decide(office, "bob", request, "delegate", to=to)
    office.hire("zoe")
    handed = decide(office, "bob", request, "delegate", to=office.people["zoe"], comment="On leave")
    assert [(each.decision, each.to and each.to.label) for each in handed.decisions] == [("delegate", "Zoe")]
    assert waiting(office, "zoe") == [request]
    assert waiting(office, "bob") == []
    assert told(office, "zoe") == ["Please decide: Q 9000"]
    with pytest.raises(Conflict):
        decide(office, "bob", request, "approve")
    assert decide(office, "zoe", request, "approve").state == "approved"


@pytest.mark.parametrize(
    ("approvers", "expected"),
    [
        ({"users": ["bob@example.com", "gone@example.com", "ann@example.com"]}, {"Bob"}),
        ({"team_manager": 1}, {"Boss"}),
        ({"team_manager": 2}, set()),
        ({"field": "customer.manager"}, {"Eve"}),
        ({"field": "owner"}, set()),
    ],
)
def test_approvers_are_found_by_each_rule(
    open_office: OpenOffice, approvers: dict[str, Any], expected: set[str]
) -> None:
    office = open_office(step("one", approvers))
    customer = office.create("customer", name="c", manager=office.people["eve"]).id
    view = office.submit("ann", office.quote("ann", "9000", customer=customer))
    assert {person.label for person in view.steps[0].waiting} == expected
    assert view.state == ("pending" if expected else "blocked")


def test_whoever_left_or_lost_the_role_no_longer_decides(office: Office) -> None:
    request = office.submit("ann", office.quote("ann", "9000")).id
    office.give("bob", "clerk")
    with pytest.raises(Forbidden):
        decide(office, "bob", request, "approve")
    office.give("eve", "director")
    assert decide(office, "eve", request, "approve").state == "approved"


def test_once_an_hour_open_requests_are_looked_after(office: Office) -> None:
    request = office.submit("ann", office.quote("ann", "9000")).id
    office.dismiss("bob")
    office.give("boss", "clerk")
    office.home.clock.move(timedelta(minutes=59))
    office.work.run_due()
    assert seen(office, None, request).state == "pending"
    office.home.clock.move(timedelta(minutes=2))
    office.work.run_due()
    assert seen(office, None, request).state == "blocked"
    assert len(told(office, "ann")) == 1
    office.give("eve", "director")
    office.home.clock.move(timedelta(hours=1, minutes=1))
    office.work.run_due()
    assert seen(office, None, request).state == "pending"
    assert waiting(office, "eve") == [request]
    assert decide(office, "eve", request, "approve").state == "approved"
    office.home.clock.move(timedelta(hours=3))
    assert office.work.run_due() == 0


def test_requests_under_way_follow_the_process_as_it_was(office: Office) -> None:
    request = office.submit("ann", office.quote("ann", "9000")).id
    changed = process(step("new", {"users": ["eve@example.com"]}), on_approved={"status": "sent"}, open_fields=[])
    office.publish({"approval_process": [changed]})
    assert seen(office, "ann", request).steps[0].name == "one"
    with pytest.raises(Forbidden):
        decide(office, "eve", request, "approve")
    done = decide(office, "bob", request, "approve")
    assert done.state == "approved"
    assert office.get("quote", done.record)["status"] == "approved"
    later = office.submit("ann", office.quote("ann", "9000"))
    assert later.steps[0].name == "new"


def test_a_record_that_no_longer_says_what_was_approved_is_shown_as_such(office: Office) -> None:
    quote = office.quote("ann", "9000")
    request = office.submit("ann", quote).id
    assert seen(office, "ann", request).content_changed is False
    office.update("quote", quote, "ann", note="open")
    decide(office, "bob", request, "approve")
    assert seen(office, "ann", request).content_changed is False
    line = office.create("line", "ann", quote=quote, text="one more").id
    assert seen(office, "ann", request).content_changed is True
    office.write(lambda ctx, unit: office.records.delete(ctx, unit, "line", line), "ann")
    assert seen(office, "ann", request).content_changed is False
    office.update("quote", quote, "ann", total={"amount": "9000.01", "currency": "USD"})
    assert seen(office, "ann", request).content_changed is True


def test_requests_are_seen_by_those_whom_they_concern_and_who_see_the_record(office: Office) -> None:
    office.hire("guest", "guest")
    office.hire("chief", "admin")
    request = office.submit("ann", office.quote("ann", "9000")).id
    assert [seen(office, who, request).can for who in ("ann", "bob", "eve", "chief")] == [
        ("withdraw",),
        ("approve", "reject", "return", "delegate"),
        (),
        (),
    ]
    for attempt in (
        lambda: seen(office, "guest", request),
        lambda: decide(office, "guest", request, "approve"),
        lambda: office.read(lambda ctx, unit: office.approvals.get(ctx, unit, request), None, "globex"),
        lambda: seen(office, "ann", "00000000-0000-7000-8000-00000000dead"),
        lambda: seen(office, "ann", "nope"),
    ):
        with pytest.raises((NotFound, Forbidden)):
            attempt()
    everything = RequestQuery()

    def listed(who: str) -> list[str]:
        page = office.read(lambda ctx, unit: office.approvals.inbox(ctx, unit, everything), who)
        return [each.id for each in page.requests]

    assert [listed(who) for who in ("ann", "bob", "chief", "eve", "guest")] == [[request]] * 3 + [[], []]


def test_the_records_of_a_request_tell_its_story_and_nobody_can_write_them(office: Office) -> None:
    office.hire("chief", "admin")
    quote = office.quote("ann", "9000")
    request = office.submit("ann", quote).id
    (shown,) = office.all("approval_request")
    assert (shown["id"], shown["status"], shown["step"], shown["requester"]) == (
        request,
        "pending",
        "one",
        office.people["ann"],
    )
    assert shown["record"] == {"object": "quote", "id": quote}
    (one,) = office.all("approval_step")
    assert (one["status"], one["request"], set(one["approvers"])) == (
        "open",
        request,
        {office.people["boss"], office.people["bob"]},
    )
    for who in ("ann", "bob", "chief"):
        for name, record in (("approval_request", request), ("approval_step", one["id"])):
            with pytest.raises((Forbidden, Invalid)):
                office.update(name, record, who, status="approved")
            with pytest.raises((Forbidden, Invalid)):
                office.write(lambda ctx, unit, n=name, r=record: office.records.delete(ctx, unit, n, r), who)
    decide(office, "bob", request, "approve")
    assert office.all("approval_request")[0]["status"] == "approved"
    step_now = office.all("approval_step")[0]
    assert step_now["status"] == "passed"
    assert step_now["decided_at"] is not None


def test_what_validation_refuses_at_the_outcome_leaves_everything_as_it_was(open_office: OpenOffice) -> None:
    rule = {"name": "noted", "object": "quote", "condition": 'status == "approved" && note == null', "message": "Note?"}
    office = open_office(rules={"validation_rule": [rule]})
    quote = office.quote("ann", "9000")
    request = office.submit("ann", quote).id
    with pytest.raises(Invalid):
        decide(office, "bob", request, "approve")
    view = seen(office, "bob", request)
    assert (view.state, view.decisions) == ("pending", [])
    assert office.get("quote", quote)["status"] == "submitted"
    office.update("quote", quote, "ann", note="noted")
    assert decide(office, "bob", request, "approve").state == "approved"


def test_automatic_processes_submit_by_themselves_and_once(open_office: OpenOffice) -> None:
    office = open_office(submit="automatic")
    quote = office.quote("ann", "9000")
    (request,) = office.all("approval_request")
    assert (request["status"], request["requester"]) == ("pending", office.people["ann"])
    office.update("quote", quote, "ann", note="still one request")
    assert decide(office, "bob", request["id"], "approve").state == "approved"
    assert len(office.all("approval_request")) == 1
    office.update("quote", quote, "ann", name="renamed")
    assert len(office.all("approval_request")) == 1
    office.update("quote", quote, "ann", total={"amount": "9000.01", "currency": "USD"})
    assert sorted(each["status"] for each in office.all("approval_request")) == ["approved", "pending"]
    with pytest.raises(Conflict):
        office.quote("ann", "1", "EUR")
    office.create("quote", "ann", name="no amount yet")
    assert len(office.all("approval_request")) == 2


def test_a_button_submits_as_the_person_who_presses_it(open_office: OpenOffice) -> None:
    button = {
        "name": "send_in",
        "object": "quote",
        "trigger": {"on": ["button"], "label": "Send in"},
        "condition": 'status == "draft"',
        "actions": [{"action": "submit_for_approval", "process": "quotes"}],
    }
    office = open_office(rules={"automation": [button]})
    quote = office.quote("ann", "9000")
    office.write(lambda ctx, unit: office.records.act(ctx, unit, "quote", quote, "send_in", {}), "eve")
    (request,) = office.all("approval_request")
    assert request["requester"] == office.people["eve"]
    with pytest.raises(Conflict):
        office.write(lambda ctx, unit: office.records.act(ctx, unit, "quote", quote, "send_in", {}), "eve")


def test_what_could_be_submitted_now_is_told(open_office: OpenOffice) -> None:
    office = open_office(condition='status == "draft"')
    quote = office.quote("ann", "9000")

    def possible() -> list[str]:
        found = office.read(lambda ctx, unit: office.approvals.submittable(ctx, unit, "quote", quote), "ann")
        return [each.name for each in found]

    assert possible() == ["quotes"]
    request = office.submit("ann", quote).id
    assert possible() == []
    decide(office, "bob", request, "approve")
    assert possible() == []
