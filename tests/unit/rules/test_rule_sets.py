"""Rule sets: which rules run when; rules that set each other off."""

from __future__ import annotations

from typing import Any

import pytest

from fieldstone.platform.kernel.context import Cause
from fieldstone.platform.kernel.metadata import MetadataError
from fieldstone.rules.engine.cycles import (
    MAX_DEPTH,
    MAX_PASSES,
    EndlessRules,
    RulesTooDeep,
    refuse_depth,
    refuse_endless,
)
from fieldstone.rules.engine.rule_set import RuleSet, related_paths, rule_set
from tests.support.rules import Metadata


def automation(name: str, values: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    body = {"name": name, "object": "ticket", "trigger": {"on": ["create", "update"]}}
    return {**body, "actions": [{"action": "set_field", "values": values or {"status": "open"}}], **more}


def validation(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "object": "ticket", "condition": "count > 1", "message": "x", **more}


def process(name: str, **more: Any) -> dict[str, Any]:
    tier = {"name": "all", "from": 0, "steps": [{"name": "one", "approvers": {"users": ["a@b.example"]}}]}
    return {"name": name, "object": "quote", "amount": "total", "currency": "USD", "tiers": [tier], **more}


def names(rules: Any) -> list[str]:
    return [rule.name for rule in rules]


def test_rules_are_found_by_object_and_event() -> None:
    metadata = Metadata(
        validation_rule=[validation("v1"), validation("v2", object="order", condition="done")],
        automation=[
            automation("b1", timing="before"),
            automation("a1", timing="after"),
            automation("s1", timing="async"),
            automation(
                "only_delete",
                trigger={"on": ["delete"]},
                actions=[{"action": "update_record", "record": "customer", "values": {"name": "x"}}],
            ),
        ],
    )
    rules = rule_set(metadata, "ticket")
    assert names(rules.validations("create", ())) == ["v1"]
    assert names(rules.before("create", ())) == ["b1"]
    assert names(rules.after("create", ())) == ["a1"]
    assert names(rules.asynchronous("create", ())) == ["s1"]
    assert names(rules.after("delete", ())) == ["only_delete"]
    assert names(rule_set(metadata, "order").validations("update", {"done"})) == ["v2"]
    assert rule_set(metadata, "ticket") is rules
    assert rule_set(metadata, "quote") == RuleSet(object="quote", validation_rules=(), automations=(), processes=())


def test_a_rule_that_cannot_be_compiled_stands_in_the_way_of_its_own_object_only() -> None:
    metadata = Metadata(
        validation_rule=[validation("broken", condition="nope"), validation("fine", object="order", condition="done")]
    )
    assert names(rule_set(metadata, "order").validation_rules) == ["fine"]
    with pytest.raises(MetadataError):
        rule_set(metadata, "ticket")


def test_automations_run_by_order_then_by_name() -> None:
    metadata = Metadata(
        automation=[
            automation("c", order=5),
            automation("b", order=10),
            automation("a", order=10),
            automation("z", order=1),
        ]
    )
    assert names(rule_set(metadata, "ticket").after("create", ())) == ["z", "c", "a", "b"]


def test_inactive_rules_do_not_run() -> None:
    metadata = Metadata(
        validation_rule=[validation("v", active=False)],
        automation=[automation("a", active=False)],
        approval_process=[process("p", active=False, submit="automatic")],
    )
    rules = rule_set(metadata, "ticket")
    assert (rules.validation_rules, rules.automations) == ((), ())
    assert rule_set(metadata, "quote").processes == ()


def test_a_further_pass_runs_only_what_the_pass_before_concerns() -> None:
    metadata = Metadata(
        automation=[
            automation("by_condition", timing="before", condition="count > 1"),
            automation("by_value", {"subject": {"expression": "resolution"}}, timing="before"),
            automation(
                "by_trigger", timing="before", trigger={"on": ["update"], "fields": ["due"]}, condition="count > 1"
            ),
            automation("blind", timing="before"),
            automation("on_create", timing="before", trigger={"on": ["create"]}, condition="count > 1"),
        ]
    )
    rules = rule_set(metadata, "ticket")
    assert names(rules.before("update", {"subject"})) == ["blind", "by_condition", "by_value"]
    assert names(rules.before_again("update", {"count"})) == ["by_condition"]
    assert names(rules.before_again("update", {"resolution", "due"})) == ["by_trigger", "by_value"]
    assert names(rules.before_again("update", {"status"})) == []
    assert names(rules.before_again("create", {"count"})) == ["by_condition", "on_create"]


def test_buttons_and_schedules_are_listed_and_found() -> None:
    metadata = Metadata(
        automation=[
            automation("press", trigger={"on": ["button"], "label": "Press"}),
            automation("both", trigger={"on": ["button", "update"]}),
            automation("nightly", trigger={"on": ["schedule"], "cron": "0 2 * * *", "filter": "count > 1"}),
            automation("plain"),
        ]
    )
    rules = rule_set(metadata, "ticket")
    assert names(rules.buttons) == ["both", "press"]
    assert names(rules.scheduled) == ["nightly"]
    assert names(rules.after("update", ())) == ["both", "plain"]
    found = rules.button("press")
    assert found is not None
    assert found.trigger.label == "Press"
    assert rules.button("plain") is None
    assert rules.button("nope") is None


def test_related_paths_are_what_all_rules_read_through_lookups() -> None:
    metadata = Metadata(
        validation_rule=[validation("v", condition='customer.tier == "gold"', message="{order.subject}")],
        automation=[
            automation("a", {"subject": {"expression": "customer.manager.name"}}, condition="customer.id != null")
        ],
    )
    rules = rule_set(metadata, "ticket")
    assert rules.related_paths == {("customer", "tier"), ("order", "subject"), ("customer", "manager", "name")}
    assert related_paths([rules.automations[0].inputs]) == {("customer", "manager", "name")}
    assert related_paths([]) == frozenset()


def test_only_automatic_processes_submit_by_themselves_and_only_when_it_may_matter() -> None:
    metadata = Metadata(
        approval_process=[
            process("auto", submit="automatic", condition='status == "draft"', on_approved={"note": "ok"}),
            process("manual"),
        ]
    )
    rules = rule_set(metadata, "quote")
    assert names(rules.submissions("create", ())) == ["auto"]
    assert names(rules.submissions("update", {"total"})) == ["auto"]
    assert names(rules.submissions("update", {"status"})) == ["auto"]
    assert names(rules.submissions("update", {"note"})) == []
    assert names(rules.submissions("delete", {"total"})) == []


def test_rules_that_never_come_to_rest_are_named_and_the_others_are_not() -> None:
    first = {"setup": {"subject"}, "ping": {"count"}, "pong": {"hours"}}
    again = {"ping": {"count"}, "pong": {"hours"}, "calm": set()}
    with pytest.raises(EndlessRules) as problem:
        refuse_endless([first, again, again, again, again])
    assert problem.value.facts == {"rules": "ping, pong", "fields": "count, hours"}
    assert "ping, pong" in str(problem.value)


def test_rules_that_come_to_rest_in_time_are_fine() -> None:
    busy: dict[str, set[str]] = {"ping": {"count"}}
    refuse_endless([busy] * (MAX_PASSES - 1))
    refuse_endless([*[busy] * (MAX_PASSES - 1), {}])
    refuse_endless([*[busy] * (MAX_PASSES - 1), {"ping": set()}])
    refuse_endless([])


def test_a_cause_chain_may_have_eight_links() -> None:
    causes = [Cause(kind="automation", name=f"a{index}") for index in range(MAX_DEPTH + 1)]
    refuse_depth(causes[:MAX_DEPTH])
    with pytest.raises(RulesTooDeep) as problem:
        refuse_depth(causes)
    assert str(problem.value).endswith("a0 → a1 → a2 → a3 → a4 → a5 → a6 → a7 → a8.")


def circles(*bodies: dict[str, Any], of: str) -> list[str]:
    return [str(each.facts["rules"]) for each in Metadata(automation=list(bodies)).diagnostics("automation", of)]


def update_customer(name: str, obj: str, path: str, field: str, **more: Any) -> dict[str, Any]:
    actions = [{"action": "update_record", "record": path, "values": {field: "x"}}]
    return {"name": name, "object": obj, "trigger": {"on": ["update"]}, "actions": actions, **more}


def test_two_automations_that_start_each_other_are_a_circle_from_either_side() -> None:
    one = automation("ping", {"count": {"expression": "count + 1"}}, trigger={"on": ["update"], "fields": ["status"]})
    two = automation("pong", {"status": "open"}, trigger={"on": ["update"], "fields": ["count"]})
    calm = automation("calm", {"subject": "x"}, trigger={"on": ["update"], "fields": ["count"]})
    assert circles(one, two, calm, of="ping") == ["ping → pong → ping"]
    assert circles(one, two, calm, of="pong") == ["pong → ping → pong"]
    assert circles(one, two, calm, of="calm") == []


def test_a_circle_may_go_through_another_object() -> None:
    down = {
        "name": "down",
        "object": "ticket",
        "trigger": {"on": ["update"]},
        "actions": [{"action": "update_record", "record": "order", "values": {"subject": "x"}}],
    }
    up = {
        "name": "up",
        "object": "order",
        "trigger": {"on": ["update"], "fields": ["subject"]},
        "actions": [{"action": "update_record", "record": "ticket", "values": {"count": 1}}],
    }
    assert circles(down, up, of="down") == ["down → up → down"]
    assert circles(down, {**up, "trigger": {"on": ["update"], "fields": ["done"]}}, of="down") == []


def test_an_automation_that_creates_its_own_trigger_is_a_circle() -> None:
    breed = {
        "name": "breed",
        "object": "order",
        "trigger": {"on": ["create"]},
        "actions": [{"action": "create_record", "object": "order", "values": {"subject": "x"}}],
    }
    assert circles(breed, of="breed") == ["breed → breed"]
    assert circles({**breed, "trigger": {"on": ["update"]}}, of="breed") == []


def test_an_update_after_the_write_that_listens_to_every_update_is_a_circle() -> None:
    assert circles(automation("again"), of="again") == ["again → again"]
    assert circles(automation("once", trigger={"on": ["create"]}), of="once") == []
    assert circles(automation("off", active=False), of="off") == []


def test_before_the_write_only_a_value_made_from_itself_is_a_circle_of_one() -> None:
    assert circles(automation("set", timing="before", condition='status != "open"'), of="set") == []
    grow = automation("grow", {"count": {"expression": "count + 1"}}, timing="before")
    assert circles(grow, of="grow") == ["grow → grow"]
    counted = {**grow, "trigger": {"on": ["update"], "fields": ["status"]}}
    assert circles(counted, of="grow") == []


def test_before_the_write_two_rules_that_feed_each_other_are_a_circle() -> None:
    one = automation("one", {"subject": {"expression": "resolution"}}, timing="before")
    two = automation("two", {"resolution": {"expression": "subject"}}, timing="before")
    assert circles(one, two, of="one") == ["one → two → one"]


def test_an_automation_that_does_not_compile_does_not_hide_the_circles_of_others() -> None:
    broken = automation("broken", {"nope": 1})
    assert circles(automation("again"), broken, of="again") == ["again → again"]
