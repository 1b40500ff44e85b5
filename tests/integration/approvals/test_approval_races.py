"""Many at once: one outcome, everybody else hears it; no change slips in beside a submission."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fieldstone.objects.approvals.service import NewDecision
from fieldstone.platform.kernel.errors import Conflict, FieldstoneError, Locked
from tests.conftest import MakeInstallation
from tests.support.office import Office, process, step

DECIDERS = tuple(f"d{number}" for number in range(8))
OUTCOMES = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn", "return": "returned"}


@pytest.fixture
def make_office(make_installation: MakeInstallation) -> Callable[..., Office]:
    def make(*steps: Any) -> Office:
        office = Office(make_installation(pool_size=10), rules={"approval_process": [process(*steps)]})
        office.hire("ann")
        for name in DECIDERS:
            office.hire(name, "director")
        return office

    return make


def at_once(works: list[Callable[[], Any]]) -> list[FieldstoneError | None]:
    """Run all of them together; what each was refused with, if at all."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> FieldstoneError | None:
        gate.wait()
        try:
            work()
        except FieldstoneError as error:
            return error
        return None

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def decider(office: Office, who: str, request: str, decision: Any) -> Callable[[], Any]:
    new = NewDecision(decision=decision)
    return lambda: office.write(lambda ctx, unit: office.approvals.decide(ctx, unit, request, new), who)


@pytest.mark.parametrize(
    "decisions",
    [
        ("approve",) * 8,
        ("approve", "reject") * 4,
        ("approve", "reject", "return", "withdraw") * 2,
    ],
    ids=["approve", "approve-reject", "all"],
)
def test_of_eight_who_decide_at_once_one_is_heard_and_the_rest_get_the_outcome(
    make_office: Callable[..., Office], decisions: tuple[str, ...]
) -> None:
    office = make_office()
    for _ in range(3):
        quote = office.quote("ann", "9000")
        request = office.submit("ann", quote).id
        pairs = [("ann" if each == "withdraw" else name, each) for name, each in zip(DECIDERS, decisions, strict=True)]
        refusals = at_once([decider(office, who, request, each) for who, each in pairs])
        winners = [pair for pair, refusal in zip(pairs, refusals, strict=True) if refusal is None]
        assert len(winners) == 1, refusals
        who, decision = winners[0]
        outcome = OUTCOMES[decision]
        for refusal in refusals:
            assert refusal is None or isinstance(refusal, Conflict)
            heard = None if refusal is None else refusal.facts["outcome"]
            assert heard is None or (heard["state"], heard["by"]["id"]) == (outcome, office.people[who])
        view = office.read(lambda ctx, unit, r=request: office.approvals.get(ctx, unit, r))
        assert (view.state, [each.decision for each in view.decisions]) == (outcome, [decision])
        status = {"withdrawn": "draft"}.get(outcome, outcome)
        assert office.get("quote", quote)["status"] == status
        (shown,) = office.all("approval_request", f'id == "{request}"')
        assert shown["status"] == outcome


def test_where_all_must_agree_all_eight_are_heard(make_office: Callable[..., Office]) -> None:
    office = make_office(step("one", quorum="all"))
    request = office.submit("ann", office.quote("ann", "9000")).id
    assert at_once([decider(office, who, request, "approve") for who in DECIDERS]) == [None] * 8
    view = office.read(lambda ctx, unit: office.approvals.get(ctx, unit, request))
    assert (view.state, len(view.decisions)) == ("approved", 8)


def test_eight_submissions_at_once_make_one_request(make_office: Callable[..., Office]) -> None:
    office = make_office()
    quote = office.quote("ann", "9000")
    refusals = at_once([lambda: office.submit("ann", quote) for _ in range(8)])
    assert refusals.count(None) == 1
    assert all(refusal is None or isinstance(refusal, Conflict) for refusal in refusals), refusals
    assert len(office.all("approval_request")) == 1


@pytest.mark.parametrize("door", ["update", "delete", "row"])
def test_a_change_that_waited_for_a_submission_is_refused(make_office: Callable[..., Office], door: str) -> None:
    office = make_office()
    quote = office.quote("ann", "9000")
    submitted, started = threading.Event(), threading.Event()

    def submit() -> None:
        def work(ctx: Any, unit: Any) -> None:
            office.approvals.submit(ctx, unit, "quote", quote, "quotes")
            submitted.set()
            started.wait(10)
            time.sleep(0.3)

        office.write(work, "ann")

    doors: dict[str, Callable[[Any, Any], Any]] = {
        "update": lambda ctx, unit: office.records.update(
            ctx, unit, "quote", quote, {"total": {"amount": "99000", "currency": "USD"}}
        ),
        "delete": lambda ctx, unit: office.records.delete(ctx, unit, "quote", quote),
        "row": lambda ctx, unit: office.records.create(ctx, unit, "line", {"quote": quote, "text": "late"}),
    }
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(submit)
        assert submitted.wait(10)
        second = pool.submit(lambda: office.write(doors[door], "d0"))
        started.set()
        first.result()
        with pytest.raises(Locked):
            second.result()
    values = office.get("quote", quote)
    assert (str(values["total"].amount), values["lines"]) == ("9000.00", [])


def test_a_submission_that_waited_for_a_change_goes_by_the_changed_amount(make_office: Callable[..., Office]) -> None:
    office = make_office()
    quote = office.quote("ann", "4000")
    changed, started = threading.Event(), threading.Event()

    def change() -> None:
        def work(ctx: Any, unit: Any) -> None:
            office.records.update(ctx, unit, "quote", quote, {"total": {"amount": "9000", "currency": "USD"}})
            unit.flush()
            changed.set()
            started.wait(10)
            time.sleep(0.3)

        office.write(work, "ann")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(change)
        assert changed.wait(10)
        second = pool.submit(lambda: office.submit("ann", quote))
        started.set()
        first.result()
        try:
            assert second.result().state == "pending"
        except Conflict:
            assert office.submit("ann", quote).state == "pending"
    assert [each["tier"] for each in office.all("approval_request")] == ["high"]
