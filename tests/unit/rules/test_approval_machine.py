"""The approval state machine: what it allows, what it refuses, and what holds after any sequence of events."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldstone.platform.kernel.errors import Conflict, FieldstoneError, Forbidden, Invalid
from fieldstone.rules.approvals.machine import (
    Advance,
    Approve,
    AskApprovers,
    Delegate,
    Event,
    Opened,
    OpenStep,
    RaiseAlarm,
    Reject,
    RequestState,
    Return,
    Settle,
    Vote,
    Withdraw,
    advance,
    begin,
    votes_needed,
)
from fieldstone.rules.approvals.tiers import Quorum


def pending(
    *quorums: Quorum, approvers: tuple[str, ...] = ("ann", "bob", "cid"), requester: str = "req"
) -> RequestState:
    return advance(begin(requester, quorums).state, Opened(approvers=approvers)).state


def test_a_request_begins_by_opening_its_first_step() -> None:
    started = begin("req", ["any", "all"])
    assert started.orders == (OpenStep(step=0),)
    assert started.state == RequestState(status="pending", requester="req", quorums=("any", "all"))


def test_without_steps_a_request_is_approved_at_once() -> None:
    started = begin("req", [])
    assert started.state.status == "approved"
    assert started.orders == (Settle(outcome="approved"),)


def test_opening_a_step_asks_each_approver_once() -> None:
    opened = advance(begin("req", ["any"]).state, Opened(approvers=("ann", "bob", "ann")))
    assert opened == Advance(
        state=RequestState(status="pending", requester="req", quorums=("any",), approvers=("ann", "bob")),
        orders=(AskApprovers(users=("ann", "bob")),),
    )


def test_the_requester_is_never_among_the_approvers() -> None:
    opened = advance(begin("req", ["any"]).state, Opened(approvers=("req", "ann")))
    assert opened.state.approvers == ("ann",)
    assert opened.orders == (AskApprovers(users=("ann",)),)


@pytest.mark.parametrize(
    ("quorum", "approvers", "needed", "found"),
    [
        ("any", (), 1, 0),
        ("all", (), 1, 0),
        ("any", ("req",), 1, 0),
        (2, ("ann", "req"), 2, 1),
        (3, ("ann", "bob"), 3, 2),
    ],
)
def test_a_step_with_too_few_approvers_blocks_the_request_and_raises_the_alarm(
    quorum: Quorum, approvers: tuple[str, ...], needed: int, found: int
) -> None:
    opened = advance(begin("req", [quorum]).state, Opened(approvers=approvers))
    assert opened.state.status == "blocked"
    assert opened.orders == (RaiseAlarm(step=0, needed=needed, found=found),)


def test_a_blocked_request_goes_on_when_approvers_are_found() -> None:
    blocked = advance(begin("req", ["any"]).state, Opened(approvers=())).state
    with pytest.raises(Forbidden):
        advance(blocked, Approve(by="ann"))
    opened = advance(blocked, Opened(approvers=("ann",)))
    assert opened.state.status == "pending"
    assert opened.orders == (AskApprovers(users=("ann",)),)


def test_nobody_decides_while_a_request_is_blocked() -> None:
    blocked = advance(begin("req", [2]).state, Opened(approvers=("ann",))).state
    for event in (Approve(by="ann"), Reject(by="ann"), Return(by="ann"), Delegate(by="ann", to="bob")):
        with pytest.raises(Conflict):
            advance(blocked, event)


@pytest.mark.parametrize(
    ("quorum", "approvals"), [("any", 1), (1, 1), (2, 2), (3, 3), ("all", 3)], ids=["any", "1", "2", "3", "all"]
)
def test_a_step_passes_with_its_quorum_and_not_before(quorum: Quorum, approvals: int) -> None:
    state = pending(quorum)
    for name in ("ann", "bob", "cid")[: approvals - 1]:
        step = advance(state, Approve(by=name))
        assert step.orders == ()
        state = step.state
        assert state.status == "pending"
    last = advance(state, Approve(by=("ann", "bob", "cid")[approvals - 1]))
    assert last.state.status == "approved"
    assert last.orders == (Settle(outcome="approved"),)


def test_the_next_step_starts_empty_and_is_opened() -> None:
    passed = advance(pending("any", "any"), Approve(by="ann"))
    assert passed.orders == (OpenStep(step=1),)
    assert passed.state == RequestState(status="pending", requester="req", quorums=("any", "any"), step=1)
    with pytest.raises(Forbidden):
        advance(passed.state, Approve(by="ann"))


@pytest.mark.parametrize(("event", "outcome"), [(Reject(by="ann"), "rejected"), (Return(by="ann"), "returned")])
def test_one_refusal_settles_the_request_whatever_the_quorum(event: Event, outcome: str) -> None:
    settled = advance(pending("all", "all"), event)
    assert settled.state.status == outcome
    assert settled.orders == (Settle(outcome=outcome),)  # type: ignore[arg-type]


def test_the_requester_may_withdraw_and_nobody_else() -> None:
    state = pending("any")
    for name in ("ann", "eve"):
        with pytest.raises(Forbidden):
            advance(state, Withdraw(by=name))
    assert advance(state, Withdraw(by="req")).orders == (Settle(outcome="withdrawn"),)
    blocked = advance(begin("req", ["any"]).state, Opened(approvers=())).state
    assert advance(blocked, Withdraw(by="req")).state.status == "withdrawn"


@pytest.mark.parametrize("event", [Approve(by="req"), Reject(by="req"), Return(by="req"), Delegate(by="req", to="eve")])
def test_nobody_decides_on_their_own_request(event: Event) -> None:
    with pytest.raises(Forbidden, match="own request"):
        advance(pending("any"), event)


@pytest.mark.parametrize("event", [Approve(by="eve"), Reject(by="eve"), Return(by="eve"), Delegate(by="eve", to="dan")])
def test_only_approvers_of_the_step_decide(event: Event) -> None:
    with pytest.raises(Forbidden, match="Only the approvers"):
        advance(pending("any"), event)


def test_nobody_decides_twice_on_a_step() -> None:
    once = advance(pending("all"), Approve(by="ann")).state
    for event in (Approve(by="ann"), Reject(by="ann"), Return(by="ann"), Delegate(by="ann", to="dan")):
        with pytest.raises(Conflict, match="already decided"):
            advance(once, event)


def test_a_delegate_takes_the_place_of_the_approver() -> None:
    handed = advance(pending("all"), Delegate(by="ann", to="dan"))
    assert handed.orders == (AskApprovers(users=("dan",)),)
    assert handed.state.approvers == ("dan", "bob", "cid")
    assert handed.state.votes == (Vote(user="ann", decision="delegate", to="dan"),)
    assert handed.state.waiting_for == ("dan", "bob", "cid")
    with pytest.raises(Conflict):
        advance(handed.state, Approve(by="ann"))
    state = handed.state
    for name in ("bob", "cid"):
        state = advance(state, Approve(by=name)).state
    assert state.status == "pending"
    assert advance(state, Approve(by="dan")).state.status == "approved"


def test_a_decision_cannot_be_delegated_to_the_requester_or_to_another_approver_or_back() -> None:
    state = pending("any")
    for name in ("req", "bob", "ann"):
        with pytest.raises(Invalid):
            advance(state, Delegate(by="ann", to=name))
    handed = advance(state, Delegate(by="ann", to="dan")).state
    with pytest.raises(Invalid):
        advance(handed, Delegate(by="dan", to="ann"))


@pytest.mark.parametrize("event", [Approve(by="ann"), Reject(by="bob"), Return(by="bob")])
@pytest.mark.parametrize("status", ["approved", "rejected", "returned", "withdrawn"])
def test_a_settled_request_refuses_everything_and_tells_its_outcome(event: Event, status: str) -> None:
    settled = RequestState(status=status, requester="req", quorums=("any",), approvers=("ann", "bob"))  # type: ignore[arg-type]
    for each in (event, Withdraw(by="req"), Opened(approvers=("ann",)), Delegate(by="ann", to="dan")):
        with pytest.raises(Conflict) as refusal:
            advance(settled, each)
        assert refusal.value.facts == {"outcome": status}


def test_whoever_no_longer_qualifies_no_longer_decides() -> None:
    state = advance(pending("any"), Opened(approvers=("bob",))).state
    assert state.approvers == ("bob",)
    with pytest.raises(Forbidden):
        advance(state, Approve(by="ann"))


def test_an_approval_stays_when_its_giver_leaves_but_never_completes_the_step_by_itself() -> None:
    state = advance(pending("all", approvers=("ann", "bob")), Approve(by="ann")).state
    gone = advance(state, Opened(approvers=("ann",)))
    assert gone.state.status == "blocked"
    assert gone.orders == (RaiseAlarm(step=0, needed=1, found=1),)
    replaced = advance(gone.state, Opened(approvers=("dan",)))
    assert replaced.state.status == "pending"
    assert replaced.state.approvers == ("ann", "dan")
    assert replaced.orders == (AskApprovers(users=("dan",)),)
    assert advance(replaced.state, Approve(by="dan")).state.status == "approved"


def test_looking_up_approvers_again_keeps_delegations_and_asks_only_newcomers() -> None:
    handed = advance(pending("any"), Delegate(by="ann", to="dan")).state
    again = advance(handed, Opened(approvers=("ann", "bob", "cid", "eve")))
    assert again.state.approvers == ("dan", "bob", "cid", "eve")
    assert again.orders == (AskApprovers(users=("eve",)),)
    same = advance(again.state, Opened(approvers=("ann", "bob", "cid", "eve")))
    assert same == Advance(state=again.state, orders=())


def test_a_quorum_asks_for_at_least_one_approval() -> None:
    assert [votes_needed("any", 0), votes_needed("all", 0), votes_needed("all", 3), votes_needed(2, 5)] == [1, 1, 3, 2]


PEOPLE = ("req", "ann", "bob", "cid", "dan")
people = st.sampled_from(PEOPLE)
quorums = st.lists(st.sampled_from(["any", "all", 1, 2, 3]), min_size=1, max_size=3)
events = st.one_of(
    st.builds(Opened, approvers=st.lists(people, max_size=5).map(tuple)),
    st.builds(Approve, by=people),
    st.builds(Approve, by=people),
    st.builds(Reject, by=people),
    st.builds(Return, by=people),
    st.builds(Delegate, by=people, to=people),
    st.builds(Withdraw, by=people),
)


@given(quorums, st.lists(events, max_size=40))
@settings(max_examples=400)
def test_no_sequence_of_events_approves_without_a_quorum_of_others_at_every_step(
    steps: list[Quorum], sequence: list[Event]
) -> None:
    state = begin("req", steps).state
    approvals: dict[int, set[str]] = {}
    needed: dict[int, int] = {}
    settled = False
    for event in sequence:
        before = state
        try:
            state = advance(state, event).state
        except FieldstoneError:
            continue
        assert not settled, "a settled request changed"
        assert "req" not in state.approvers
        assert len(set(state.approvers)) == len(state.approvers)
        if isinstance(event, Approve):
            assert event.by != "req"
            assert event.by in before.approvers
            approvals.setdefault(before.step, set()).add(event.by)
            needed[before.step] = before.needed
        if state.step != before.step or state.status == "approved":
            assert len(approvals[before.step]) >= needed[before.step] >= 1
        settled = state.status not in ("pending", "blocked")
    if state.status == "approved":
        assert set(approvals) == set(range(len(steps)))
        for step, quorum in enumerate(steps):
            assert len(approvals[step]) >= (quorum if isinstance(quorum, int) else 1)


@given(quorums, st.lists(events, max_size=40))
@settings(max_examples=200)
def test_a_pending_step_can_always_still_reach_its_quorum(steps: list[Quorum], sequence: list[Event]) -> None:
    state = begin("req", steps).state
    for event in sequence:
        try:
            done = advance(state, event)
        except FieldstoneError:
            continue
        state = done.state
        opening = any(isinstance(order, OpenStep) for order in done.orders)
        if state.status == "pending" and state.approvers and not opening:
            assert state.given + len(state.waiting_for) >= state.needed
            assert state.waiting_for
