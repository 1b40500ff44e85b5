"""Messages: written with the change they tell of, handled at least once, their effects once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Cause, Context
from fieldstone.platform.kernel.errors import Conflict, NotFound
from fieldstone.platform.units import Caller, Units, UserCredential
from fieldstone.platform.work import outbox
from fieldstone.platform.work.embedded import HandleHere
from fieldstone.platform.work.handling import system_of
from fieldstone.platform.work.messages import Consumer, GiveUp, Message
from fieldstone.platform.work.outbox import first_time
from tests.support import ledger
from tests.support.installation import Installation


def consume(home: Installation, handle: Any, name: str = "reader", topic: str = "told") -> None:
    home.kinds.consumers.register(name, Consumer(topic=topic, name=name, handle=handle))


def post(home: Installation, body: Any = None, tenant: str = "acme", **more: Any) -> str:
    return home.write(lambda ctx, unit: home.work.outbox.post(ctx, unit, "told", {"body": body}, **more), tenant)


def states(home: Installation, tenant: str = "acme") -> list[str]:
    every = (outbox.READY, outbox.CLAIMED, outbox.DEAD, outbox.HELD)
    return [each.state for each in home.read(lambda ctx, unit: home.work.outbox.letters(unit, *every), tenant)]


def test_a_message_is_handled_once_and_gone(home: Installation) -> None:
    seen: list[Message] = []
    consume(home, lambda message, units: seen.append(message))
    message_id = post(home, "hello")
    assert home.work.run_due() == 1
    assert [(each.id, each.tenant, each.payload, each.attempts) for each in seen] == [
        (message_id, "acme", {"body": "hello"}, 1)
    ]
    assert states(home) == []
    assert home.work.run_due() == 0


def test_a_message_of_a_unit_that_was_rolled_back_never_was(home: Installation) -> None:
    consume(home, lambda message, units: pytest.fail("handled"))

    def work(ctx: Context, unit: SqlUnit) -> None:
        home.work.outbox.post(ctx, unit, "told", {})
        raise Conflict

    with pytest.raises(Conflict):
        home.write(work)
    assert states(home) == []
    assert home.work.run_due() == 0


def test_the_handler_acts_for_whoever_posted(home: Installation) -> None:
    callers: list[Caller] = []
    consume(home, lambda message, units: callers.append(message.caller))
    user = "01890a5d-ac96-774b-bcce-b302099a8057"
    caller = Caller(
        tenant="acme",
        credential=UserCredential(user_id=user),
        request_id="r1",
        causes=(Cause(kind="automation", name="a", record=None),),
    )
    home.units.write(caller, lambda ctx, unit: home.work.outbox.post(ctx, unit, "told", {}))
    home.work.run_due()
    assert callers[0].credential == UserCredential(user_id=user)
    assert (callers[0].request_id, callers[0].causes) == ("r1", caller.causes)


def test_a_failing_message_waits_longer_each_time_and_becomes_a_dead_letter(make_installation: Any) -> None:
    home = make_installation(message_attempts=3)
    tries: list[int] = []

    def handle(message: Message, units: Units) -> None:
        tries.append(message.attempts)
        raise Conflict("not today")

    consume(home, handle)
    message_id = post(home)
    for _ in range(5):
        home.work.run_due()
        assert home.work.run_due() == 0
        home.clock.move(timedelta(seconds=10))
    assert tries == [1, 2, 3]
    assert states(home) == ["dead"]
    letter = home.read(lambda ctx, unit: home.work.outbox.letters(unit, "dead"))[0]
    assert (letter.id, letter.attempts) == (message_id, 3)
    assert "not today" in (letter.last_error or "")


def test_a_dead_letter_can_be_replayed_and_discarded(home: Installation) -> None:
    broken = [True]

    def handle(message: Message, units: Units) -> None:
        if broken[0]:
            raise GiveUp

    consume(home, handle)
    first, second = post(home), post(home)
    home.work.run_due()
    assert states(home) == ["dead", "dead"]
    broken[0] = False
    home.write(lambda ctx, unit: home.work.outbox.replay(unit, first))
    home.write(lambda ctx, unit: home.work.outbox.discard(unit, second))
    assert home.work.run_due() == 1
    assert states(home) == []
    with pytest.raises(NotFound):
        home.write(lambda ctx, unit: home.work.outbox.replay(unit, second))


def test_a_consumer_that_was_done_is_not_called_again_for_the_sake_of_another(home: Installation) -> None:
    calls: list[str] = []

    def picky(message: Message, units: Units) -> None:
        calls.append("picky")
        if message.attempts == 1:
            raise Conflict

    consume(home, lambda message, units: calls.append("easy"), "easy")
    consume(home, picky, "picky")
    post(home)
    home.work.run_due()
    home.clock.move(timedelta(seconds=10))
    home.work.run_due()
    assert calls == ["easy", "picky", "picky"]
    assert states(home) == []


def test_a_topic_nobody_handles_is_a_dead_letter_at_once(home: Installation) -> None:
    post(home)
    home.work.run_due()
    assert states(home) == ["dead"]


def test_the_same_message_twice_has_its_effect_once(home: Installation) -> None:
    ledger.install(home)

    def handle(message: Message, units: Units) -> None:
        def work(ctx: Context, unit: SqlUnit) -> None:
            if first_time(unit, "reader", message.id):
                unit.run(ledger.INSERT, ledger.sample())

        units.write(message.system_caller, work)
        if message.attempts == 1:
            raise Conflict("after the effect")

    consume(home, handle)
    post(home)
    home.work.run_due()
    home.clock.move(timedelta(seconds=10))
    home.work.run_due()
    assert home.read(lambda ctx, unit: unit.scalar(ledger.COUNT)) == 1


def test_a_key_keeps_a_second_message_from_waiting(home: Installation) -> None:
    seen: list[Any] = []
    consume(home, lambda message, units: seen.append(message.payload["body"]))
    post(home, 1, key="k")
    post(home, 2, key="k")
    post(home, 3, key="other")
    home.work.run_due()
    post(home, 4, key="k")
    home.work.run_due()
    assert sorted(seen) == [1, 3, 4]


def test_a_message_is_not_handled_before_its_time(home: Installation) -> None:
    seen: list[str] = []
    consume(home, lambda message, units: seen.append(message.id))
    post(home, not_before=home.clock.now() + timedelta(hours=1))
    assert home.work.run_due() == 0
    home.clock.move(timedelta(minutes=59))
    assert home.work.run_due() == 0
    home.clock.move(timedelta(minutes=2))
    assert home.work.run_due() == 1
    assert len(seen) == 1


def test_a_message_of_a_dead_worker_is_taken_over_when_its_lease_ends(home: Installation) -> None:
    seen: list[int] = []
    consume(home, lambda message, units: seen.append(message.attempts))
    post(home)
    lease = timedelta(seconds=60)

    def claim(ctx: Context, unit: SqlUnit) -> Any:
        return outbox.claim(unit, "messages", home.clock.now(), owner="dead", lease=lease, most=5, tries=1)

    lost = home.write(claim)[0]
    assert home.work.run_due() == 0
    home.clock.move(timedelta(seconds=61))
    assert home.work.run_due() == 1
    assert seen == [2]
    assert home.write(lambda ctx, unit: outbox.settle(unit, lost)) is False


def test_who_lost_a_message_can_neither_extend_nor_settle_nor_return_it(home: Installation) -> None:
    post(home)
    now, lease = home.clock.now(), timedelta(seconds=60)

    def claim(at: Any) -> Any:
        return home.write(lambda ctx, unit: outbox.claim(unit, "messages", at, owner="a", lease=lease, most=5, tries=1))

    first = claim(now)[0]
    assert claim(now) == []
    second = claim(now + timedelta(seconds=61))[0]
    assert second.fence == first.fence + 1
    assert home.write(lambda ctx, unit: outbox.extend(unit, first, now)) is False
    home.write(lambda ctx, unit: outbox.give_back(unit, first, now, "x", dead=True))
    assert states(home) == ["claimed"]
    assert home.write(lambda ctx, unit: outbox.settle(unit, second)) is True


def test_two_relays_at_once_hand_each_message_over_once(home: Installation) -> None:
    seen: list[str] = []
    consume(home, lambda message, units: seen.append(message.id))
    sent = {post(home, tenant=tenant) for tenant in ("acme", "globex") for _ in range(60)}

    def relay() -> None:
        own = home.work.relay(HandleHere(home.work.handler))
        while own.tick():
            pass

    threads = [threading.Thread(target=relay) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    home.work.run_due()
    assert len(seen) == len(sent) == 120
    assert set(seen) == sent


def test_a_busy_tenant_does_not_delay_another(home: Installation) -> None:
    order: list[str] = []
    consume(home, lambda message, units: order.append(message.tenant))
    for _ in range(50):
        post(home)
    post(home, tenant="globex")
    home.work.run_due()
    assert order.index("globex") <= 20
    assert len(order) == 51


def test_the_sweep_finds_work_whose_ring_was_lost(home: Installation) -> None:
    seen: list[str] = []
    consume(home, lambda message, units: seen.append(message.id))
    post(home)
    home.work.bell.flush()
    for ringing in home.work.bell.due():
        home.work.bell.rest(ringing, None)
    assert home.work.run_due() == 0
    home.work.relay(HandleHere(home.work.handler)).sweep()
    assert home.work.run_due() == 1


def test_a_ring_while_the_relay_looks_is_not_lost(home: Installation) -> None:
    home.work.bell.ring("acme", None)
    home.work.bell.flush()
    ringing = home.work.bell.due()[0]
    home.work.bell.ring("acme", None)
    home.work.bell.flush()
    home.work.bell.rest(ringing, None)
    assert [each.tenant for each in home.work.bell.due()] == ["acme"]


def test_messages_of_a_suspended_tenant_wait_and_do_not_stop_others(home: Installation) -> None:
    seen: list[str] = []
    consume(home, lambda message, units: seen.append(message.tenant))
    post(home)
    post(home, tenant="globex")
    home.tenants.suspend("acme")
    home.work.run_due()
    assert seen == ["globex"]
    home.tenants.resume("acme")
    home.work.run_due()
    assert seen == ["globex", "acme"]


def test_a_worker_that_got_only_an_address_begins_the_message_once(home: Installation) -> None:
    seen: list[int] = []
    consume(home, lambda message, units: seen.append(message.attempts))
    post(home)
    lease = timedelta(seconds=60)
    held = home.units.write(
        system_of("acme"),
        lambda ctx, unit: outbox.claim(unit, "messages", home.clock.now(), owner="relay", lease=lease, most=5, tries=0),
    )[0]
    home.work.handler.ring("acme", held.message.id, held.fence - 1)
    home.work.handler.ring("acme", held.message.id, held.fence)
    home.work.handler.ring("acme", held.message.id, held.fence)
    assert seen == [1]
