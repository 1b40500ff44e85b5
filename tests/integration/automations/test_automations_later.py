"""Automations outside of a save: asynchronous, scheduled, webhooks; once each, logged, on both databases."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest

from fieldstone.objects.webhooks.signing import signature
from fieldstone.platform.kernel.errors import Invalid
from fieldstone.platform.kernel.ids import new_id
from fieldstone.platform.work.messages import Consumer, Message
from fieldstone.platform.work.tables import DEAD, READY
from tests.conftest import MakeInstallation
from tests.support.office import Office

VISIT = {
    "name": "count_visit",
    "object": "quote",
    "trigger": {"on": ["create", "update"], "fields": ["status"]},
    "condition": 'status == "sent" && customer != null',
    "timing": "async",
    "actions": [
        {
            "action": "update_record",
            "record": "customer",
            "values": {"visits": {"expression": "coalesce(customer.visits, 0) + 1"}},
        }
    ],
}
LEADS_NOWHERE = {
    "name": "hopeless",
    "object": "quote",
    "trigger": {"on": ["create"]},
    "timing": "async",
    "actions": [{"action": "set_field", "values": {"note": {"expression": "string(int(name))"}}}],
}
NIGHTLY = {
    "name": "remind",
    "object": "quote",
    "trigger": {"on": ["schedule"], "cron": "0 8 * * *", "filter": 'status == "submitted"'},
    "condition": "note == null",
    "actions": [
        {"action": "set_field", "values": {"note": "reminded"}},
        {
            "action": "notify",
            "to": {"roles": ["director"]},
            "subject": {"en": "Waiting: {name}", "zh-Hans": "等待:{name}"},
        },
    ],
}


@pytest.fixture
def open_office(make_installation: MakeInstallation) -> Any:
    def make(*automations: Any, **settings: Any) -> Office:
        return Office(make_installation(**settings), rules={"automation": automations})

    return make


def runs(office: Office) -> list[tuple[str, str, str | None, str]]:
    page = office.read(lambda ctx, unit: office.log.page(unit, rule=None, outcome=None, after=None, limit=50))
    return [(each.rule, each.event, each.record, each.outcome) for each in page.entries]


def entry(office: Office) -> Any:
    page = office.read(lambda ctx, unit: office.log.page(unit, rule=None, outcome=None, after=None, limit=50))
    (only,) = page.entries
    return only


def test_an_asynchronous_automation_runs_after_the_commit_once(open_office: Any) -> None:
    office = open_office(VISIT)
    customer = office.create("customer", name="c").id
    quote = office.create("quote", name="q", status="sent", customer=customer).id
    office.create("quote", name="not sent", customer=customer)
    assert office.get("customer", customer)["visits"] is None
    office.work.run_due()
    assert office.get("customer", customer)["visits"] == 1
    only = entry(office)
    assert (only.rule, only.event, only.record, only.outcome) == ("count_visit", "create", quote, "done")
    assert dict(only.inputs)["status"] == "sent"
    office.work.run_due()
    office.update("quote", quote, name="other")
    office.work.run_due()
    assert office.get("customer", customer)["visits"] == 1
    history = office.read(lambda ctx, unit: office.records.history(ctx, unit, "customer", customer))
    assert [(cause["name"], cause["record"]) for cause in history.entries[0].causes] == [("count_visit", quote)]


def test_a_message_that_comes_twice_has_one_effect(open_office: Any) -> None:
    office = open_office(VISIT)
    customer = office.create("customer", name="c").id
    consumer = office.home.kinds.consumers["automations"]
    kept: list[Message] = []
    office.home.kinds.consumers.register(
        "keeper", Consumer(topic=consumer.topic, name="keeper", handle=lambda message, units: kept.append(message))
    )
    office.create("quote", name="q", status="sent", customer=customer)
    office.work.run_due()
    (message,) = kept
    consumer.handle(message, office.units)
    consumer.handle(message, office.units)
    assert len(runs(office)) == 1
    assert office.get("customer", customer)["visits"] == 1


def test_what_fails_is_logged_with_rule_record_and_value_and_becomes_a_dead_letter(open_office: Any) -> None:
    office = open_office(LEADS_NOWHERE, message_attempts=2)
    quote = office.create("quote", name="not a number").id
    for _ in range(3):
        office.work.run_due()
        office.home.clock.move(timedelta(hours=2))
    only = entry(office)
    assert (only.rule, only.record, only.outcome, only.attempts) == ("hopeless", quote, "failed", 2)
    assert dict(only.inputs) == {"name": "not a number"}
    assert "hopeless" in only.error
    letters = office.read(lambda ctx, unit: office.work.outbox.letters(unit, DEAD, READY))
    assert [(each.topic, each.state) for each in letters if each.topic == "automation.run"] == [
        ("automation.run", DEAD)
    ]
    assert office.get("quote", quote)["note"] is None


def test_what_is_no_longer_there_is_skipped(open_office: Any) -> None:
    office = open_office(VISIT)
    customer = office.create("customer", name="c").id
    gone = office.create("quote", name="gone", status="sent", customer=customer).id
    office.write(lambda ctx, unit: office.records.delete(ctx, unit, "quote", gone))
    office.work.run_due()
    only = entry(office)
    assert (only.outcome, only.error) == ("skipped", "The record is gone.")
    office.create("quote", name="q", status="sent", customer=customer)
    office.publish({"automation": [{**VISIT, "active": False}]})
    office.work.run_due()
    assert [each[3] for each in runs(office)] == ["skipped", "skipped"]
    assert office.get("customer", customer)["visits"] is None


def test_a_refused_save_sends_nothing(open_office: Any) -> None:
    office = open_office(VISIT)
    customer = office.create("customer", name="c").id
    with pytest.raises(Invalid):
        office.create("quote", status="sent", customer=customer)
    office.work.run_due()
    assert runs(office) == []


def test_a_schedule_runs_on_the_records_of_its_filter_by_the_clock_on_the_wall(open_office: Any) -> None:
    office = open_office(NIGHTLY)
    office.hire("dora", "director", locale="zh-Hans")
    quotes = [office.create("quote", name=f"q{number}", status="submitted").id for number in range(3)]
    office.create("quote", name="draft")
    noted = office.create("quote", name="noted", status="submitted", note="x").id
    office.work.run_due()
    office.home.clock.move(datetime(2024, 5, 6, 7, 59, 59, tzinfo=UTC) - office.home.clock.now())
    office.work.run_due()
    assert runs(office) == []
    office.home.clock.move(timedelta(seconds=2))
    office.work.run_due()
    assert sorted(runs(office)) == sorted(
        [("remind", "schedule", each, "done") for each in quotes] + [("remind", "schedule", noted, "skipped")]
    )
    assert {office.get("quote", each)["note"] for each in quotes} == {"reminded"}
    assert sorted(each["subject"] for each in office.all("notification")) == ["等待:q0", "等待:q1", "等待:q2"]
    office.work.run_due()
    assert len(runs(office)) == 4
    office.home.clock.move(timedelta(days=1))
    office.work.run_due()
    assert len(runs(office)) == 8


def test_a_schedule_that_was_broken_off_goes_on_and_repeats_nothing(open_office: Any) -> None:
    office = open_office(NIGHTLY)
    for number in range(4):
        office.create("quote", name=f"q{number}", status="submitted")
    office.hire("dora", "director")
    office.work.run_due()
    run, done = office.schedules._run_one, []

    def dies_after_two(*arguments: Any) -> None:
        if len(done) == 2:
            done.append("dead")
            raise RuntimeError("the power went out")
        run(*arguments)
        done.append("ran")

    office.schedules._run_one = dies_after_two  # type: ignore[method-assign]
    office.home.clock.move(timedelta(days=1))
    office.work.run_due()
    assert len(office.all("notification")) == 2
    office.schedules._run_one = run  # type: ignore[method-assign]
    office.home.clock.move(timedelta(minutes=10))
    office.work.run_due()
    assert sorted(each["subject"] for each in office.all("notification")) == [f"Waiting: q{n}" for n in range(4)]


def test_timers_follow_what_is_published(open_office: Any) -> None:
    office = open_office(NIGHTLY)
    office.work.run_due()

    def due() -> datetime | None:
        found: datetime | None = office.read(lambda ctx, unit: office.work.timers.next_due(unit))
        return found

    assert due() == datetime(2024, 5, 6, 8, 0, tzinfo=UTC)
    office.home.clock.move(datetime(2024, 5, 6, 8, 0, 5, tzinfo=UTC) - office.home.clock.now())
    office.publish({"automation": [{**NIGHTLY, "label": "Renamed"}]})
    office.schedules.published(_message(office), office.units)
    assert due() == datetime(2024, 5, 6, 8, 0, tzinfo=UTC), "what is due is not lost by a publish"
    moved = {**NIGHTLY, "trigger": {**NIGHTLY["trigger"], "cron": "30 9 * * *"}}  # type: ignore[dict-item]
    office.publish({"automation": [moved]})
    office.schedules.published(_message(office), office.units)
    assert due() == datetime(2024, 5, 6, 9, 30, tzinfo=UTC)
    office.publish({"automation": [{**moved, "active": False}]})
    office.schedules.published(_message(office), office.units)
    assert due() is None


def _message(office: Office) -> Message:
    caller = office.home.caller()
    return Message(id=new_id(), tenant="acme", topic="metadata.published", payload={}, attempts=1, caller=caller)


def test_automations_that_set_each_other_off_come_to_an_end(open_office: Any) -> None:
    endless = {
        "name": "endless",
        "object": "customer",
        "trigger": {"on": ["update"], "fields": ["visits"]},
        "timing": "async",
        "actions": [{"action": "set_field", "values": {"visits": {"expression": "visits + 1"}}}],
    }
    office = open_office(endless, message_attempts=1)
    customer = office.create("customer", name="c", visits=0).id
    office.update("customer", customer, visits=1)
    office.work.run_due()
    assert office.get("customer", customer)["visits"] == 8
    page = office.read(lambda ctx, unit: office.log.page(unit, rule="endless", outcome="failed", after=None, limit=5))
    (only,) = page.entries
    assert "set each other off more than 8 times" in only.error


class Receiver(BaseHTTPRequestHandler):
    calls: ClassVar[list[tuple[dict[str, str], bytes]]] = []
    answers: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.answers.pop(0) if self.answers else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def receiver(*answers: int) -> Iterator[int]:
    Receiver.calls, Receiver.answers = [], list(answers)
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def calling(url: str) -> dict[str, Any]:
    action = {"action": "call_webhook", "url": url, "values": {"name": {"expression": "name"}, "n": 1}}
    return {"name": "tell", "object": "quote", "trigger": {"on": ["create"]}, "actions": [action]}


def test_a_webhook_is_signed_and_tried_again_under_the_same_id(open_office: Any) -> None:
    with receiver(503, 200) as port:
        office = open_office(calling(f"http://127.0.0.1:{port}/in"), webhook_hosts=(f"127.0.0.1:{port}",))
        quote = office.create("quote", name="Pump").id
        office.work.run_due()
        assert [each[3] for each in runs(office)] == ["failed"]
        office.home.clock.move(timedelta(minutes=5))
        office.work.run_due()
    (first, body), (second, again) = Receiver.calls
    assert body == again
    assert first["webhook-id"] == second["webhook-id"]
    assert json.loads(body) == {
        "id": first["webhook-id"],
        "tenant": "acme",
        "type": "tell",
        "object": "quote",
        "record": quote,
        "data": {"name": "Pump", "n": 1},
    }
    secret = office.webhooks.secret("acme")
    for headers in (first, second):
        expected = signature(secret, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
        assert headers["webhook-signature"] == expected
    only = entry(office)
    assert (only.kind, only.rule, only.outcome, only.attempts, only.record) == ("webhook", "tell", "done", 2, quote)


def test_internal_addresses_are_not_called_and_not_tried_again(open_office: Any) -> None:
    with receiver() as port:
        office = open_office(
            calling(f"http://127.0.0.1:{port}/in"),
            {**calling(f"http://localhost:{port}/in"), "name": "by_name"},
            {**calling(f"http://0x7f.1:{port}/in"), "name": "by_number"},
        )
        office.create("quote", name="Pump")
        office.work.run_due()
        office.home.clock.move(timedelta(hours=2))
        office.work.run_due()
    assert Receiver.calls == []
    page = office.read(lambda ctx, unit: office.log.page(unit, rule=None, outcome="failed", after=None, limit=9))
    assert len(page.entries) == 3
    assert all("not on the public internet" in each.error and each.attempts == 1 for each in page.entries)
    letters = office.read(lambda ctx, unit: office.work.outbox.letters(unit, DEAD))
    assert len([each for each in letters if each.topic == "webhook.call"]) == 3


def test_a_final_refusal_is_not_tried_again(open_office: Any) -> None:
    with receiver(404, 302) as port:
        office = open_office(calling(f"http://127.0.0.1:{port}/in"), webhook_hosts=("127.0.0.1",))
        office.create("quote", name="a")
        office.work.run_due()
        office.create("quote", name="b")
        office.work.run_due()
        office.home.clock.move(timedelta(hours=2))
        office.work.run_due()
    assert len(Receiver.calls) == 2
    assert [each[3] for each in runs(office)] == ["failed", "failed"]


def test_the_log_is_for_those_who_manage_metadata_and_old_entries_go(open_office: Any) -> None:
    office = open_office(VISIT)
    customer = office.create("customer", name="c").id
    office.create("quote", name="q", status="sent", customer=customer)
    office.work.run_due()
    office.hire("chief", "admin")
    office.hire("ann")
    web = office.web()
    chief, ann = office.program(web, "chief"), office.program(web, "ann")
    for path in ("/api/v1/automations/runs", "/api/v1/automations/webhook-secret"):
        assert ann.send("GET", path).status_code == 403
    (line,) = chief.send("GET", "/api/v1/automations/runs?rule=count_visit&outcome=done").json["data"]
    assert (line["rule"], line["object"], line["outcome"], line["inputs"]["status"]) == (
        "count_visit",
        "quote",
        "done",
        "sent",
    )
    assert chief.send("GET", "/api/v1/automations/runs?outcome=nope").status_code == 400
    assert chief.send("GET", "/api/v1/automations/runs?cursor=nope").status_code == 400
    secret = chief.send("GET", "/api/v1/automations/webhook-secret").json["data"]["secret"]
    assert secret.startswith("whsec_")
    month = timedelta(days=31)
    office.write(lambda ctx, unit: office.log.forget_old(unit, ctx.now + month))
    assert runs(office) == []
