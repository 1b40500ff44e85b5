"""Approvals through their service: submitted, decided, locked, told, on both databases."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from fieldstone.objects.approvals.service import NewDecision
from tests.conftest import MakeInstallation
from tests.support.office import Office, process


@pytest.fixture
def open_office(make_installation: MakeInstallation) -> Any:
    def make(*steps: Any, **more: Any) -> Office:
        office = Office(make_installation(), rules={"approval_process": [process(*steps, **more)]})
        office.hire("boss", "director")
        office.hire("ann", manager="boss")
        office.hire("bob", "director")
        office.hire("eve")
        return office

    return make


@pytest.fixture
def office(open_office: Any) -> Office:
    made: Office = open_office()
    return made


def decide(office: Office, who: str, request: str, decision: Any, **more: Any) -> Any:
    new = NewDecision(decision=decision, **more)
    return office.write(lambda ctx, unit: office.approvals.decide(ctx, unit, request, new), who)


def test_a_quote_over_the_threshold_waits_for_the_director(office: Office) -> None:
    quote = office.quote("ann", "5000.00")
    view = office.submit("ann", quote)
    assert (view.state, view.step, view.tier, view.amount) == ("pending", "one", "high", "5000.00")
    assert {person.label for person in view.steps[0].waiting} == {"Boss", "Bob"}
    assert office.get("quote", quote)["status"] == "submitted"
    done = decide(office, "bob", view.id, "approve", comment="Fine")
    assert (done.state, done.step) == ("approved", None)
    assert [(each.by.label, each.decision, each.comment) for each in done.decisions] == [("Bob", "approve", "Fine")]
    values = office.get("quote", quote)
    assert (values["status"], values["decided_on"]) == ("approved", date(2024, 5, 6))
