"""Automations: what each action decides, when, and what is refused at publish."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fieldstone.platform.kernel.metadata import MetadataError
from fieldstone.rules.effects import (
    CreatedId,
    CreateRecord,
    Dispatch,
    Effect,
    Notify,
    PostMessage,
    SetField,
    SubmitForApproval,
    UpdateRecord,
)
from fieldstone.rules.engine.run import RuleFailed
from fieldstone.rules.expressions.values import Money
from tests.support.rules import CONTEXT, Metadata, compiled, ticket

ROLE = {"name": "manager"}
TABLE = {
    "name": "ticket_priority",
    "object": "ticket",
    "inputs": [{"name": "impact", "expression": "impact"}],
    "outputs": [{"name": "priority", "field": "priority"}, {"name": "open", "field": "status"}],
    "rows": [{"when": {"impact": "high"}, "then": {"priority": "critical", "open": "open"}}],
}
QUOTES = {"name": "quotes", "object": "quote", "tiers": []}
TICKETS = {
    "name": "tickets",
    "object": "ticket",
    "tiers": [{"name": "all", "steps": [{"name": "one", "approvers": {"role": "manager"}}]}],
}


def automation(*actions: dict[str, Any], on: str = "update", **more: Any) -> dict[str, Any]:
    body = {"name": "auto", "object": "ticket", "trigger": {"on": [on]}, "actions": list(actions)}
    return {**body, **more}


def made(*actions: dict[str, Any], **more: Any) -> Any:
    return compiled(
        "automation",
        automation(*actions, **more),
        role=[ROLE],
        decision_table=[TABLE],
        approval_process=[TICKETS, QUOTES],
        dispatch_policy=[{"name": "nearest", "object": "ticket"}, {"name": "other", "object": "quote"}],
    )


def effects(*actions: dict[str, Any], values: dict[str, Any] | None = None, **more: Any) -> tuple[Effect, ...]:
    outcome = made(*actions, **more).run(ticket(**(values or {})), CONTEXT)
    result: tuple[Effect, ...] = outcome.effects
    return result


SET = {"action": "set_field", "values": {"status": "closed", "subject": {"expression": 'subject + "!"'}}}


def test_before_the_write_fields_are_set_in_place() -> None:
    assert effects(SET, timing="before", values={"subject": "Pump"}) == (
        SetField(rule="auto", field="status", value="closed"),
        SetField(rule="auto", field="subject", value="Pump!"),
    )


def test_after_the_write_the_record_is_updated_once() -> None:
    assert effects(SET, values={"subject": "Pump"}) == (
        UpdateRecord(rule="auto", object="ticket", id="t1", values={"status": "closed", "subject": "Pump!"}),
    )


def test_later_actions_before_the_write_see_the_fields_set_by_earlier_ones() -> None:
    more = {"action": "set_field", "values": {"resolution": {"expression": 'status + " " + subject'}}}
    assert effects(SET, more, timing="before", values={"subject": "Pump", "status": "new"})[-1] == SetField(
        rule="auto", field="resolution", value="closed Pump!"
    )


def test_nothing_happens_unless_the_condition_is_true() -> None:
    rule = made(SET, condition="hours > 1")
    for hours in (None, Decimal(1)):
        outcome = rule.run(ticket(hours=hours), CONTEXT)
        assert (outcome.hit, outcome.effects) == (False, ())
    assert rule.run(ticket(hours=Decimal(2), subject="x"), CONTEXT).hit


def test_literals_become_values_of_the_field() -> None:
    values = {"hours": "1.50", "due": "2026-03-04", "cost": {"amount": "9.95", "currency": "EUR"}, "subject": None}
    (update,) = effects({"action": "set_field", "values": values})
    assert isinstance(update, UpdateRecord)
    assert update.values == {
        "hours": Decimal("1.50"),
        "due": date(2026, 3, 4),
        "cost": Money(Decimal("9.95"), "EUR"),
        "subject": None,
    }


def test_a_lookup_is_written_as_an_id_whether_the_record_or_its_id_is_given() -> None:
    customer = {"id": "c1", "manager": {"id": "u7", "name": "Ann"}}
    for source in ("customer.manager", "customer.manager.id"):
        (update,) = effects(
            {"action": "set_field", "values": {"engineer": {"expression": source}}}, values={"customer": customer}
        )
        assert isinstance(update, UpdateRecord)
        assert update.values == {"engineer": "u7"}


def test_an_empty_lookup_sets_nothing_but_null() -> None:
    (update,) = effects({"action": "set_field", "values": {"engineer": {"expression": "customer.manager"}}})
    assert isinstance(update, UpdateRecord)
    assert update.values == {"engineer": None}


def test_records_are_created_and_later_actions_refer_to_them() -> None:
    create = {
        "action": "create_record",
        "object": "order",
        "as": "work",
        "values": {"subject": {"expression": "subject"}, "ticket": {"expression": "id"}, "done": False},
    }
    link = {"action": "set_field", "values": {"order": {"created": "work"}}}
    assert effects(create, link, values={"subject": "Pump"}) == (
        CreateRecord(
            rule="auto", object="order", values={"subject": "Pump", "ticket": "t1", "done": False}, as_name="work"
        ),
        UpdateRecord(rule="auto", object="ticket", id="t1", values={"order": CreatedId(name="work")}),
    )


def test_a_related_record_is_updated_with_what_it_is_expected_to_hold() -> None:
    update = {
        "action": "update_record",
        "record": "customer",
        "values": {"last_service": {"expression": "today()"}},
        "expect": {"tier": "gold"},
    }
    assert effects(update, values={"customer": {"id": "c1"}}) == (
        UpdateRecord(
            rule="auto",
            object="customer",
            id="c1",
            values={"last_service": date(2026, 3, 4)},
            expect={"tier": "gold"},
        ),
    )
    assert effects(update, values={"customer": None}) == ()


def test_a_decision_table_sets_its_output_fields() -> None:
    decide = {"action": "decide", "table": "ticket_priority"}
    assert effects(decide, timing="before", values={"impact": "high"}) == (
        SetField(rule="auto", field="priority", value="critical"),
        SetField(rule="auto", field="status", value="open"),
    )
    assert effects(decide, values={"impact": "high"}) == (
        UpdateRecord(rule="auto", object="ticket", id="t1", values={"priority": "critical", "status": "open"}),
    )
    assert effects(decide, timing="before", values={"impact": "low"}) == ()
    assert effects(decide, values={"impact": "low"}) == ()


def test_people_are_told_once_with_values_filled_in() -> None:
    notify = {
        "action": "notify",
        "to": {"users": ["engineer", "customer.manager", "watchers"], "roles": ["manager"]},
        "subject": {"en": "{subject} for {customer.name}"},
        "body": "Due {due}",
    }
    values = {
        "subject": "Pump",
        "due": date(2026, 3, 4),
        "engineer": {"id": "u2"},
        "customer": {"id": "c1", "name": "Ann", "manager": {"id": "u3"}},
        "watchers": ["u3", "u4"],
    }
    assert effects(notify, values=values) == (
        Notify(
            rule="auto",
            subject={"en": "Pump for Ann"},
            body="Due Mar 4, 2026",
            users=("u2", "u3", "u4"),
            roles=("manager",),
            object="ticket",
            record="t1",
        ),
    )
    only_people = {**notify, "to": {"users": ["engineer"]}}
    assert effects(only_people, values={**values, "engineer": None}) == ()


def test_a_webhook_is_posted_with_json_values() -> None:
    call = {
        "action": "call_webhook",
        "url": "https://hooks.example/in?a=b",
        "values": {"what": "closed", "hours": {"expression": "hours"}, "who": {"expression": "customer"}, "n": 3},
    }
    assert effects(call, values={"hours": Decimal("1.50"), "customer": {"id": "c1", "name": "x"}}) == (
        PostMessage(
            rule="auto",
            topic="webhook.call",
            payload={
                "url": "https://hooks.example/in?a=b",
                "rule": "auto",
                "object": "ticket",
                "record": "t1",
                "values": {"what": "closed", "hours": "1.50", "who": "c1", "n": 3},
            },
        ),
    )


def test_a_plugin_action_is_posted() -> None:
    action = {"action": "run_plugin", "plugin": "sms-gateway", "name": "send", "values": {"to": {"expression": "id"}}}
    (message,) = effects(action)
    assert isinstance(message, PostMessage)
    assert message.topic == "plugin.action"
    assert message.payload == {
        "plugin": "sms-gateway",
        "name": "send",
        "rule": "auto",
        "object": "ticket",
        "record": "t1",
        "values": {"to": "t1"},
    }


def test_submission_and_dispatch_are_decided_here_and_done_elsewhere() -> None:
    submit, dispatch = (
        {"action": "submit_for_approval", "process": "tickets"},
        {"action": "dispatch", "policy": "nearest"},
    )
    assert effects(submit, dispatch) == (
        SubmitForApproval(rule="auto", process="tickets"),
        Dispatch(rule="auto", policy="nearest"),
    )


def test_an_asynchronous_automation_posts_itself_if_its_condition_holds_now() -> None:
    rule = made(SET, timing="async", condition='changed("status")')
    changed = CONTEXT.__class__(now=CONTEXT.now, time_zone=CONTEXT.time_zone, changed=frozenset({"status"}))
    assert rule.post(ticket(), CONTEXT, "update").effects == ()
    outcome = rule.post(ticket(), changed, "update")
    assert outcome.hit
    assert outcome.effects == (
        PostMessage(
            rule="auto",
            topic="automation.run",
            payload={"automation": "auto", "object": "ticket", "record": "t1", "event": "update"},
        ),
    )
    assert rule.perform(ticket(subject="x"), CONTEXT) == (
        UpdateRecord(rule="auto", object="ticket", id="t1", values={"status": "closed", "subject": "x!"}),
    )


def test_a_buttons_input_is_read_by_name() -> None:
    fill = {"action": "set_field", "values": {"resolution": {"expression": "input.what"}}}
    rule = made(fill, on="button", timing="before")
    assert rule.run({**ticket(), "input": {"what": "Replaced"}}, CONTEXT).effects == (
        SetField(rule="auto", field="resolution", value="Replaced"),
    )


@pytest.mark.parametrize(
    ("trigger", "event", "changed", "starts"),
    [
        ({"on": ["create"]}, "create", set(), True),
        ({"on": ["create"]}, "update", {"status"}, False),
        ({"on": ["update"]}, "update", {"status"}, True),
        ({"on": ["update"], "fields": ["status"]}, "update", {"status", "subject"}, True),
        ({"on": ["update"], "fields": ["status"]}, "update", {"subject"}, False),
        ({"on": ["create", "update"], "fields": ["status"]}, "create", {"subject"}, True),
        ({"on": ["delete"], "fields": ["status"]}, "delete", set(), True),
        ({"on": ["button"]}, "update", {"status"}, False),
    ],
)
def test_triggers(trigger: dict[str, Any], event: Any, changed: set[str], starts: bool) -> None:
    assert made(SET, trigger=trigger).trigger.matches(event, changed) is starts


def test_an_action_that_cannot_be_evaluated_names_the_automation() -> None:
    bad = {"action": "set_field", "values": {"count": {"expression": "int(subject)"}}}
    with pytest.raises(RuleFailed) as failure:
        effects(bad, values={"subject": "many"})
    assert failure.value.facts["rule"] == "auto"
    assert failure.value.facts["values"] == {"subject": "many"}


NOTIFY = {"action": "notify", "to": {"roles": ["manager"]}, "subject": "x"}


@pytest.mark.parametrize(
    ("actions", "more", "path", "code"),
    [
        ([{"action": "set_field", "values": {"nope": 1}}], {}, "/actions/0/values/nope", "unknown_field"),
        ([{"action": "set_field", "values": {"number": "1"}}], {}, "/actions/0/values/number", "not_settable"),
        ([{"action": "set_field", "values": {"revision": 1}}], {}, "/actions/0/values/revision", "not_settable"),
        ([{"action": "set_field", "values": {"status": "nope"}}], {}, "/actions/0/values/status", "wrong_type"),
        ([{"action": "set_field", "values": {"hours": "many"}}], {}, "/actions/0/values/hours", "wrong_type"),
        ([{"action": "set_field", "values": {"due": {"expression": "subject"}}}], {}, "/actions/0/values/due", None),
        ([{"action": "set_field", "values": {"due": {"expression": "("}}}], {}, "/actions/0/values/due", None),
        (
            [{"action": "set_field", "values": {"order": {"created": "x"}}}],
            {},
            "/actions/0/values/order",
            "unknown_created",
        ),
        (
            [
                {"action": "create_record", "object": "order", "as": "x", "values": {"done": True}},
                {"action": "set_field", "values": {"customer": {"created": "x"}}},
            ],
            {},
            "/actions/1/values/customer",
            "wrong_target",
        ),
        (
            [{"action": "create_record", "object": "nope", "values": {"a": 1}}],
            {},
            "/actions/0/object",
            "unknown_object",
        ),
        (
            [{"action": "update_record", "record": "subject", "values": {"a": 1}}],
            {},
            "/actions/0/record",
            "not_a_lookup",
        ),
        (
            [{"action": "update_record", "record": "customer", "values": {"nope": 1}}],
            {},
            "/actions/0/values/nope",
            "unknown_field",
        ),
        ([{"action": "decide", "table": "nope"}], {}, "/actions/0/table", "unknown_decision_table"),
        ([{"action": "decide", "table": "ticket_priority"}], {"object": "quote"}, "/actions/0/table", "wrong_object"),
        ([{**NOTIFY, "to": {"roles": ["nope"]}}], {}, "/actions/0/to/roles/0", "unknown_role"),
        ([{**NOTIFY, "to": {"users": ["subject"]}}], {}, "/actions/0/to/users/0", "not_a_user"),
        ([{**NOTIFY, "to": {"users": ["customer"]}}], {}, "/actions/0/to/users/0", "not_a_user"),
        ([{**NOTIFY, "subject": "{nope}"}], {}, "/actions/0/subject", "unknown_field"),
        ([{**NOTIFY, "body": "{resolution}"}], {}, "/actions/0/body", "sensitive_placeholder"),
        ([{"action": "call_webhook", "url": "ftp://x"}], {}, "/actions/0/url", "webhook_url"),
        ([{"action": "call_webhook", "url": "https://u:p@x/"}], {}, "/actions/0/url", "webhook_url"),
        ([{"action": "call_webhook", "url": "https:///x"}], {}, "/actions/0/url", "webhook_url"),
        ([{"action": "submit_for_approval", "process": "nope"}], {}, "/actions/0/process", "unknown_approval_process"),
        ([{"action": "submit_for_approval", "process": "quotes"}], {}, "/actions/0/process", "wrong_object"),
        ([{"action": "dispatch", "policy": "nope"}], {}, "/actions/0/policy", "unknown_dispatch_policy"),
        ([{"action": "dispatch", "policy": "other"}], {}, "/actions/0/policy", "wrong_object"),
        ([NOTIFY], {"timing": "before"}, "/actions/0", "action_timing"),
        ([SET, {"action": "dispatch", "policy": "nearest"}], {"timing": "before"}, "/actions/1", "action_timing"),
        ([SET], {"trigger": {"on": ["schedule"]}}, "/trigger/cron", "cron_missing"),
        ([SET], {"trigger": {"on": ["schedule"], "cron": "99 * * * *"}}, "/trigger/cron", "cron"),
        ([SET], {"trigger": {"on": ["schedule"], "cron": "* * * * * *"}}, "/trigger/cron", "cron"),
        ([SET], {"trigger": {"on": ["schedule"], "cron": "@daily"}}, "/trigger/cron", "cron"),
        ([SET], {"trigger": {"on": ["update"], "fields": ["nope"]}}, "/trigger/fields/0", "unknown_field"),
        ([SET], {"trigger": {"on": ["schedule"], "cron": "0 8 * * 1", "filter": "nope"}}, "/trigger/filter", None),
        ([SET], {"condition": "hours"}, "/condition", None),
        (
            [{"action": "set_field", "values": {"subject": {"expression": "previous.subject"}}}],
            {"timing": "async"},
            "/actions",
            "no_previous",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    actions: list[dict[str, Any]], more: dict[str, Any], path: str, code: str | None
) -> None:
    with pytest.raises(MetadataError) as problem:
        made(*actions, **more)
    assert problem.value.path == path
    assert code is None or problem.value.instance_code == code


def test_the_references_name_tables_roles_processes_policies_and_the_fields_written() -> None:
    body = automation(
        {"action": "decide", "table": "ticket_priority"},
        {"action": "update_record", "record": "customer", "values": {"discount": {"expression": "hours"}}},
        NOTIFY,
        {"action": "dispatch", "policy": "nearest"},
    )
    metadata = Metadata(
        automation=[body],
        decision_table=[TABLE],
        role=[ROLE],
        dispatch_policy=[{"name": "nearest", "object": "ticket"}],
    )
    found = {(each.kind, each.name, each.part) for each in metadata.references("automation", "auto")}
    assert found == {
        ("object", "ticket", None),
        ("decision_table", "ticket_priority", None),
        ("object", "ticket", "customer"),
        ("object", "customer", "discount"),
        ("object", "ticket", "hours"),
        ("role", "manager", None),
        ("dispatch_policy", "nearest", None),
    }


def test_what_an_automation_reads_and_writes_is_known() -> None:
    rule = made(
        {
            "action": "update_record",
            "record": "customer",
            "values": {"discount": {"expression": "customer.discount + hours"}},
        },
        {"action": "create_record", "object": "order", "values": {"subject": {"expression": "order.subject"}}},
        {"action": "decide", "table": "ticket_priority"},
        condition="urgent",
    )
    assert rule.writes == {("customer", "discount"), ("ticket", "priority"), ("ticket", "status")}
    assert rule.creates == {"order"}
    assert rule.inputs.fields == {"customer", "hours", "order", "impact", "urgent"}
    assert rule.inputs.related == {("customer", "discount"), ("order", "subject")}


def test_durations_and_other_values_leave_as_json() -> None:
    call = {
        "action": "call_webhook",
        "url": "http://x.example/",
        "values": {"since": {"expression": "now() - created_at"}},
    }
    (message,) = effects(call, values={"created_at": CONTEXT.now - timedelta(hours=1, minutes=30)})
    assert isinstance(message, PostMessage)
    assert message.payload["values"] == {"since": "PT1H30M"}
