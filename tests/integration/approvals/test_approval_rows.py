"""The approval engine's rows: one request a record, one decision a person and step, one outcome however many decide."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from fieldstone.objects.approvals import inbox, store
from fieldstone.objects.approvals.inbox import RequestQuery
from fieldstone.objects.approvals.store import DecisionRow, Run
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.errors import Conflict, FieldstoneError, NotFound
from fieldstone.platform.kernel.ids import new_id
from fieldstone.rules.approvals.machine import Approve, Opened, Reject, RequestState, Withdraw, advance, begin
from fieldstone.rules.approvals.pinned import PinnedProcess
from fieldstone.rules.approvals.tiers import ApproverRule, Quorum, Step
from tests.support.installation import Installation

NOW = datetime(2026, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
REQUESTER = new_id()
PEOPLE = tuple(new_id() for _ in range(8))


def plan(*quorums: Quorum) -> PinnedProcess:
    steps = tuple(
        Step(name=f"s{index}", label={"en": "Step"}, approvers=ApproverRule(role="boss"), quorum=quorum)
        for index, quorum in enumerate(quorums)
    )
    return PinnedProcess(
        name="quotes",
        label="Quotes",
        object="quote",
        version=3,
        currency="USD",
        steps=steps,
        open_fields=frozenset({"note"}),
        own_fields=frozenset({"status"}),
        outcomes={"on_approved": {"status": "approved"}},
    )


def request(*quorums: Quorum, record: str | None = None, approvers: tuple[str, ...] = PEOPLE) -> Run:
    opened = advance(begin(REQUESTER, quorums).state, Opened(approvers=approvers)).state
    return Run(
        request=new_id(),
        revision=1,
        object="quote",
        record=record or new_id(),
        title="Q-1",
        tier="low",
        amount="5000.00",
        plan=plan(*quorums),
        state=opened,
        content_hash="h",
        submitted_at=NOW,
        settled_at=None,
        step_records=("a", "b"),
    )


def added(home: Installation, run: Run) -> Run:
    home.write(lambda ctx, unit: store.add(unit, run))
    return run


def stored(home: Installation, run: Run) -> Run:
    return home.read(lambda ctx, unit: store.read(unit, run.request))


def decision(run: Run, user: str, name: str) -> DecisionRow:
    return DecisionRow(id=new_id(), step=run.state.step, user=user, decision=name, comment="c", delegate=None, at=NOW)


def test_a_request_is_read_back_as_it_was_kept(home: Installation) -> None:
    run = added(home, request("any", 2))
    assert stored(home, run) == run
    assert home.read(lambda ctx, unit: store.lock_of(unit, "quote", run.record)) == store.LockRow(
        request=run.request, open_fields=frozenset({"note"})
    )


def test_a_record_is_under_one_request_at_a_time(home: Installation) -> None:
    run = added(home, request("any"))
    with pytest.raises(Conflict) as refusal:
        added(home, request("any", record=run.record))
    assert refusal.value.instance_code == "approval_pending"
    home.write(lambda ctx, unit: store.save(unit, run, advance(run.state, Withdraw(by=REQUESTER)).state, NOW))
    added(home, request("any", record=run.record))


def test_a_state_is_written_only_over_the_one_that_was_read(home: Installation) -> None:
    run = added(home, request("all"))
    once = advance(run.state, Approve(by=PEOPLE[0])).state
    home.write(lambda ctx, unit: store.save(unit, run, once, NOW))
    with pytest.raises(Conflict):
        home.write(lambda ctx, unit: store.save(unit, run, once, NOW))
    assert stored(home, run).revision == 2


def test_a_settled_request_unlocks_the_record(home: Installation) -> None:
    run = added(home, request("any"))
    home.write(lambda ctx, unit: store.save(unit, run, advance(run.state, Reject(by=PEOPLE[0])).state, NOW))
    found = stored(home, run)
    assert (found.state.status, found.settled_at) == ("rejected", NOW)
    assert home.read(lambda ctx, unit: store.lock_of(unit, "quote", run.record)) is None


def test_the_database_itself_refuses_a_second_decision(home: Installation) -> None:
    run = added(home, request("all"))
    home.write(lambda ctx, unit: store.add_decision(unit, run, decision(run, PEOPLE[0], "approve")))
    with pytest.raises(Conflict) as refusal:
        home.write(lambda ctx, unit: store.add_decision(unit, run, decision(run, PEOPLE[0], "reject")))
    assert refusal.value.instance_code == "approval_decided"


def test_another_tenant_sees_nothing(home: Installation) -> None:
    run = added(home, request("any"))
    with pytest.raises(NotFound):
        home.read(lambda ctx, unit: store.read(unit, run.request), tenant="globex")
    assert home.read(lambda ctx, unit: inbox.waiting_count(unit, PEOPLE[0]), tenant="globex") == 0


def race(home: Installation, deciders: list[Callable[[SqlUnit], None]]) -> list[FieldstoneError | None]:
    """All of them at once; what each was refused with, if at all."""
    gate = threading.Barrier(len(deciders))

    def run(decide: Callable[[SqlUnit], None]) -> FieldstoneError | None:
        gate.wait()
        try:
            home.write(lambda ctx, unit: decide(unit))
        except FieldstoneError as error:
            return error
        return None

    with ThreadPoolExecutor(len(deciders)) as pool:
        return list(pool.map(run, deciders))


def voter(run: Run, user: str, name: str) -> Callable[[SqlUnit], None]:
    event = {"approve": Approve, "reject": Reject, "withdraw": Withdraw}[name](by=user)

    def decide(unit: SqlUnit) -> None:
        now = store.read_locked(unit, run.request)
        done = advance(now.state, event)
        now = store.add_decision(unit, now, decision(now, user, name))
        store.save(unit, now, done.state, NOW)

    return decide


@pytest.mark.parametrize(
    "names", [["approve"] * 8, ["approve", "reject"] * 4, ["approve", "reject", "approve", "withdraw"] * 2]
)
def test_of_eight_who_decide_at_once_exactly_one_is_heard(home: Installation, names: list[str]) -> None:
    for _ in range(3):
        run = added(home, request("any"))
        users = [REQUESTER if name == "withdraw" else user for name, user in zip(names, PEOPLE, strict=True)]
        outcomes = race(home, [voter(run, user, name) for user, name in zip(users, names, strict=True)])
        winners = [index for index, refusal in enumerate(outcomes) if refusal is None]
        assert len(winners) == 1
        found = stored(home, run)
        assert [row.decision for row in found.history] == [names[winners[0]]]
        expected = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}[names[winners[0]]]
        assert found.state.status == expected
        assert all(isinstance(refusal, Conflict) for refusal in outcomes if refusal)
        assert {refusal.facts.get("outcome") for refusal in outcomes if refusal} == {expected}


def test_eight_approvals_at_once_are_all_heard_where_all_are_needed(home: Installation) -> None:
    for _ in range(3):
        run = added(home, request("all"))
        assert race(home, [voter(run, user, "approve") for user in PEOPLE]) == [None] * 8
        found = stored(home, run)
        assert found.state.status == "approved"
        assert {row.user for row in found.history} == set(PEOPLE)


def submitter(record: str) -> Callable[[SqlUnit], None]:
    run = request("any", record=record)
    return lambda unit: store.add(unit, run)


def test_eight_submissions_of_one_record_at_once_make_one_request(home: Installation) -> None:
    for record in (new_id(), new_id(), new_id()):
        outcomes = race(home, [submitter(record) for _ in range(8)])
        assert outcomes.count(None) == 1
        assert {refusal.instance_code for refusal in outcomes if refusal} == {"approval_pending"}
        assert len(home.read(lambda ctx, unit, record=record: store.of_record(unit, "quote", record))) == 1


def page(home: Installation, user: str, sees_all: bool = False, **query: object) -> list[str]:
    asked = RequestQuery(**query)  # type: ignore[arg-type]
    return [run.request for run in home.read(lambda ctx, unit: inbox.page(unit, user, asked, sees_all=sees_all)).runs]


def test_the_inbox_shows_what_waits_for_me_now(home: Installation) -> None:
    mine = added(home, request("all", approvers=PEOPLE[:2]))
    others = added(home, request("any", approvers=PEOPLE[2:4]))
    later = added(home, request("any", "any", approvers=PEOPLE[2:4]))
    assert page(home, PEOPLE[0], state="pending", mine=True) == [mine.request]
    assert page(home, PEOPLE[2], state="pending", mine=True) == [later.request, others.request]
    home.write(lambda ctx, unit: voter(mine, PEOPLE[0], "approve")(unit))
    assert page(home, PEOPLE[0], state="pending", mine=True) == []
    assert page(home, PEOPLE[1], state="pending", mine=True) == [mine.request]
    assert home.read(lambda ctx, unit: inbox.waiting_count(unit, PEOPLE[1])) == 1
    home.write(lambda ctx, unit: voter(others, PEOPLE[2], "reject")(unit))
    assert page(home, PEOPLE[2], mine=True) == [later.request, others.request]
    assert page(home, PEOPLE[3], state="rejected", mine=True) == [others.request]


def test_lists_hold_only_what_concerns_me_unless_i_see_all(home: Installation) -> None:
    mine = added(home, request("any", approvers=PEOPLE[:1]))
    others = added(home, request("any", approvers=PEOPLE[1:2]))
    assert page(home, PEOPLE[0]) == [mine.request]
    assert page(home, REQUESTER) == [others.request, mine.request]
    assert page(home, REQUESTER, requested=True, state="open") == [others.request, mine.request]
    assert page(home, PEOPLE[7]) == []
    assert page(home, PEOPLE[7], sees_all=True) == [others.request, mine.request]
    assert page(home, PEOPLE[7], sees_all=True, object="quote", record=mine.record) == [mine.request]


def test_pages_follow_one_another(home: Installation) -> None:
    made = [added(home, request("any")).request for _ in range(5)]
    seen: list[str] = []
    after = None
    while True:
        asked = RequestQuery(limit=2, after=after)
        found = home.read(lambda ctx, unit, asked=asked: inbox.page(unit, PEOPLE[0], asked, sees_all=False))
        seen += [run.request for run in found.runs]
        after = found.next_cursor
        if after is None:
            break
    assert seen == made[::-1]


def test_someone_asked_on_an_earlier_step_is_known(home: Installation) -> None:
    run = added(home, request("any", "any"))
    assert not home.read(lambda ctx, unit: inbox.was_asked_before(unit, PEOPLE[0], run.request, 0))
    assert home.read(lambda ctx, unit: inbox.was_asked_before(unit, PEOPLE[0], run.request, 1))
    assert not home.read(lambda ctx, unit: inbox.was_asked_before(unit, REQUESTER, run.request, 1))


def test_reading_many_requests_takes_three_queries(home: Installation) -> None:
    runs = [added(home, request("any")) for _ in range(6)]

    def work(unit: SqlUnit) -> tuple[int, list[Run]]:
        before = unit.statements
        found = store.read_many(unit, [run.request for run in reversed(runs)])
        return unit.statements - before, found

    statements, found = home.read(lambda ctx, unit: work(unit))
    assert statements == 3
    assert found == runs[::-1]


def test_the_state_of_a_run_is_that_of_its_present_step(home: Installation) -> None:
    run = added(home, request("any", 2))

    def pass_first(unit: SqlUnit) -> None:
        done = advance(run.state, Approve(by=PEOPLE[0]))
        first = store.add_decision(unit, run, decision(run, PEOPLE[0], "approve"))
        opened = advance(done.state, Opened(approvers=PEOPLE[:3]))
        store.save(unit, first, opened.state, NOW)

    home.write(lambda ctx, unit: pass_first(unit))
    assert stored(home, run).state == RequestState(
        status="pending", requester=REQUESTER, quorums=("any", 2), step=1, approvers=PEOPLE[:3], votes=()
    )
