"""Validation rules: compiled, triggered and told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fieldstone.platform.kernel.metadata import MetadataError
from fieldstone.rules.effects import Reject
from fieldstone.rules.engine.run import RuleFailed, run, run_all, trace
from tests.support.rules import CONTEXT, Metadata, compiled, ticket


def rule(**more: Any) -> dict[str, Any]:
    body = {"name": "needs_resolution", "object": "ticket", "condition": 'status == "closed" && subject == null'}
    return {**body, "message": "Please say what was done.", **more}


def test_a_true_condition_rejects_with_the_message_and_the_fields() -> None:
    made = compiled("validation_rule", rule(fields=["subject", "status"]))
    outcome = run(made, ticket(status="closed"), CONTEXT)
    assert outcome.hit
    assert outcome.effects == (
        Reject(rule="needs_resolution", message="Please say what was done.", fields=("subject", "status")),
    )


@pytest.mark.parametrize("values", [{"status": "closed", "subject": "x"}, {"status": "open"}, {}])
def test_a_false_or_unknown_condition_lets_the_record_pass(values: dict[str, Any]) -> None:
    outcome = run(compiled("validation_rule", rule()), ticket(**values), CONTEXT)
    assert not outcome.hit
    assert outcome.effects == ()


def test_an_unknown_condition_is_no_reason_to_refuse() -> None:
    made = compiled("validation_rule", rule(condition="hours > 5"))
    assert not run(made, ticket(hours=None), CONTEXT).hit
    assert run(made, ticket(hours=Decimal("5.01")), CONTEXT).hit


def test_placeholders_show_values_in_each_language_and_nothing_else() -> None:
    message = {"en": "{subject}: {hours} h for {customer.name} {unclosed {0} {__class__} {}", "zh-Hans": "{hours} 小时"}
    made = compiled("validation_rule", rule(condition="hours > 1", message=message))
    values = ticket(subject="{hours}{id}", hours=Decimal("1234.50"), customer={"id": "c", "name": "Ann {subject}"})
    (reject,) = run(made, values, CONTEXT).effects
    assert isinstance(reject, Reject)
    assert reject.message == {
        "en": "{hours}{id}: 1,234.5 h for Ann {subject} {unclosed {0} {__class__} {}",
        "zh-Hans": "1,234.5 小时",
    }


def test_a_rule_runs_on_create_and_update_unless_it_says_otherwise() -> None:
    made = compiled("validation_rule", rule())
    assert made.applies("create", ())
    assert made.applies("update", {"status"})
    assert not made.applies("delete", ())
    only_delete = compiled("validation_rule", rule(on=["delete"]))
    assert only_delete.applies("delete", ())
    assert not only_delete.applies("create", ())
    assert not only_delete.applies("update", {"status"})


@pytest.mark.parametrize(
    ("condition", "changed", "applies"),
    [
        ('status == "closed"', {"status"}, True),
        ('status == "closed"', {"subject"}, False),
        ('status == "closed"', set(), False),
        ('customer.tier == "gold"', {"customer"}, True),
        ('customer.tier == "gold"', {"status"}, False),
        ("due < today()", {"subject"}, True),
        ("created_at < now()", {"subject"}, True),
        ('previous.status == "closed"', {"subject"}, True),
        ('changed("status") && hours > 1', {"subject"}, True),
        ("engineer == user", {"subject"}, True),
        ('user.email == "a@b.c"', {"subject"}, True),
    ],
)
def test_on_update_a_rule_is_left_out_only_if_nothing_it_depends_on_can_differ(
    condition: str, changed: set[str], applies: bool
) -> None:
    assert compiled("validation_rule", rule(condition=condition)).applies("update", changed) is applies


def test_the_message_does_not_trigger_a_rule_but_is_loaded_for_it() -> None:
    made = compiled("validation_rule", rule(condition="hours > 1", message="{customer.name} {subject}"))
    assert not made.applies("update", {"subject", "customer"})
    assert made.inputs.related == {("customer", "name")}


def test_a_trace_tells_the_rule_whether_it_hit_and_the_values_it_read() -> None:
    made = compiled("validation_rule", rule(condition='customer.tier == "gold" && hours > 1'))
    values = ticket(hours=Decimal(2), customer={"id": "c", "tier": "gold", "name": "not read"})
    entry = trace(run(made, values, CONTEXT), values)
    assert (entry.kind, entry.rule, entry.hit) == ("validation_rule", "needs_resolution", True)
    assert dict(entry.inputs) == {"customer.tier": "gold", "hours": Decimal(2)}
    without = ticket(hours=None, customer=None)
    assert dict(trace(run(made, without, CONTEXT), without).inputs) == {"customer.tier": None, "hours": None}


def test_what_cannot_be_evaluated_names_the_rule_and_the_values() -> None:
    made = compiled("validation_rule", rule(condition="int(subject) > 5"))
    with pytest.raises(RuleFailed) as failure:
        run_all([made], ticket(subject="many"), CONTEXT)
    assert failure.value.facts["rule"] == "needs_resolution"
    assert failure.value.facts["values"] == {"subject": "many"}


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"condition": "statu == 'x'"}, "/condition", None),
        ({"condition": "status"}, "/condition", None),
        ({"condition": "status =="}, "/condition", None),
        ({"message": "{nope}"}, "/message", "unknown_field"),
        ({"message": {"en": "fine", "zh-Hant": "{customer.nope}"}}, "/message", "unknown_field"),
        ({"message": "{subject.name}"}, "/message", "not_a_lookup"),
        ({"message": "{resolution}"}, "/message", "sensitive_placeholder"),
        ({"fields": ["subject", "nope"]}, "/fields/1", "unknown_field"),
        ({"object": "nope"}, "/object", "unknown_object"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(body: dict[str, Any], path: str, code: str | None) -> None:
    with pytest.raises(MetadataError) as problem:
        compiled("validation_rule", rule(**body))
    assert problem.value.path == path
    assert code is None or problem.value.instance_code == code


def test_a_misspelt_name_gets_a_suggestion_and_a_position() -> None:
    with pytest.raises(MetadataError) as problem:
        compiled("validation_rule", rule(condition='hours > 1 && statos == "x"'))
    assert problem.value.facts["suggestion"] == "status"
    assert (problem.value.facts["line"], problem.value.facts["column"]) == (1, 14)


def test_the_references_name_every_object_and_field_that_is_read() -> None:
    metadata = Metadata(
        validation_rule=[
            rule(
                condition='customer.manager.name == "x" && previous.due == null && user.email == "e"',
                message="{order.subject}",
                fields=["status"],
            )
        ]
    )
    found = {(each.path, each.name, each.part) for each in metadata.references("validation_rule", "needs_resolution")}
    assert found == {
        ("/object", "ticket", None),
        ("/condition", "ticket", "customer"),
        ("/condition", "customer", "manager"),
        ("/condition", "user", "name"),
        ("/condition", "ticket", "due"),
        ("/condition", "user", None),
        ("/condition", "user", "email"),
        ("/message", "ticket", "order"),
        ("/message", "order", "subject"),
        ("/fields/0", "ticket", "status"),
    }


def test_a_broken_rule_still_tells_what_it_refers_to() -> None:
    metadata = Metadata(validation_rule=[rule(object="gone")])
    (reference,) = metadata.references("validation_rule", "needs_resolution")
    assert (reference.path, reference.kind, reference.name) == ("/object", "object", "gone")
