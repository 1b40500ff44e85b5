"""The kind `approval_process`: who must agree, by amount.

What comes in: definitions from `approvals/*.json`. What goes out: `ApprovalProcess` artefacts; gaps, overlaps and
unsorted tiers are errors. Who calls it: `platform.metadata`, through the `MetadataKind`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision, is_currency

from fieldstone.platform.kernel.metadata import Definition, Diagnostic, MetadataError, MetadataKind, Snapshot
from fieldstone.platform.kernel.text import Text
from fieldstone.rules.approvals.pinned import PinnedProcess
from fieldstone.rules.approvals.process import MOMENTS, ApprovalProcess, Moment
from fieldstone.rules.approvals.tiers import ApproverRule, Step, Tier, TierProblem, problems
from fieldstone.rules.engine.inputs import inputs_of
from fieldstone.rules.engine.scalars import exact
from fieldstone.rules.engine.values import Assignment, expressions_in
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.types import DECIMAL, INT, MONEY
from fieldstone.rules.kinds.compiling import Compiling, compile_with, references_with
from fieldstone.rules.kinds.shapes import EXPRESSION, FIELD_NAMES, NAME, PATH, TEXT, VALUES, document

_BOUND = {
    "description": "An exact amount in the process currency",
    "oneOf": [{"type": "string", "pattern": "^-?[0-9]{1,18}([.][0-9]{1,9})?$"}, {"type": "number"}],
}
_APPROVERS = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
    "properties": {
        "users": {
            "type": "array",
            "items": {"type": "string", "minLength": 3, "maxLength": 254, "pattern": "@"},
            "minItems": 1,
            "maxItems": 50,
            "uniqueItems": True,
        },
        "role": NAME,
        "team_manager": {"type": "integer", "minimum": 1, "maximum": 10},
        "field": PATH,
    },
}
_STEP = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "approvers"],
    "properties": {
        "name": NAME,
        "label": TEXT,
        "approvers": _APPROVERS,
        "quorum": {"oneOf": [{"enum": ["any", "all"]}, {"type": "integer", "minimum": 1, "maximum": 50}]},
    },
}
_TIER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "steps"],
    "properties": {
        "name": NAME,
        "label": TEXT,
        "from": _BOUND,
        "below": _BOUND,
        "steps": {"type": "array", "items": _STEP, "minItems": 1, "maxItems": 20},
    },
}

SCHEMA = document(
    "approval_process",
    "Approval process",
    {
        "object": NAME,
        "condition": EXPRESSION,
        "submit": {"enum": ["manual", "automatic"], "default": "manual"},
        "amount": {**EXPRESSION, "description": "What the tiers are about: a currency amount or a number"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "tiers": {"type": "array", "items": _TIER, "minItems": 1, "maxItems": 50},
        "open_fields": {**FIELD_NAMES, "description": "Fields that may be edited while a request is pending"},
        "active": {"type": "boolean", "default": True},
        **dict.fromkeys(MOMENTS, VALUES),
    },
    ("object", "tiers"),
)


def build(scope: Compiling) -> ApprovalProcess:
    """Compile one definition. Raises `MetadataError`."""
    body = scope.body
    condition, amount = scope.condition(), _amount(scope)
    tiers = tuple(_tier(scope, index, item) for index, item in enumerate(body["tiers"]))
    _refuse_bad_tiers(body, tiers)
    outcomes = {moment: scope.assignments(body[moment], f"/{moment}") for moment in MOMENTS if moment in body}
    values = [expression for assignments in outcomes.values() for expression in expressions_in(assignments)]
    own = scope.object.all_fields
    inputs = inputs_of([condition, amount], own)
    return ApprovalProcess(
        name=body["name"],
        object=scope.object.name,
        label=body.get("label", body["name"]),
        condition=condition,
        submit=body.get("submit", "manual"),
        amount=amount,
        currency=body.get("currency", ""),
        tiers=tiers,
        open_fields=frozenset(scope.field_names(body.get("open_fields", ()), "/open_fields")),
        outcomes=outcomes,
        inputs=inputs,
        reads=inputs | inputs_of(values, own),
        active=body.get("active", True),
    )


def outcome_of(plan: PinnedProcess, moment: Moment, snapshot: Snapshot) -> tuple[Assignment, ...]:
    """The fields that a pinned process sets at a moment, against the present objects.

    Raises `MetadataError` when they no longer fit.
    """
    body = {"name": plan.name, "object": plan.object}
    scope = Compiling(Definition(kind="approval_process", name=plan.name, body=body, hash=""), snapshot)
    return scope.assignments(plan.outcomes.get(moment, {}), f"/{moment}")


def _amount(scope: Compiling) -> Expression | None:
    source, currency = scope.body.get("amount"), scope.body.get("currency")
    if source is None:
        return None
    amount = scope.expression(source, "/amount")
    if amount.type not in (MONEY, DECIMAL, INT):
        raise MetadataError(
            "The amount must be a currency amount or a number, not {type}.",
            path="/amount",
            code="amount_type",
            type=str(amount.type),
        )
    if currency is None or not is_currency(currency):
        raise MetadataError("Please give the currency of the amounts.", path="/currency", code="currency_missing")
    return amount


def _tier(scope: Compiling, index: int, item: Mapping[str, Any]) -> Tier:
    at = f"/tiers/{index}"
    if "from" not in item and scope.body.get("amount") is not None:
        raise MetadataError("A tier needs the amount from which it applies.", path=f"{at}/from", code="tier_from")
    return Tier(
        name=item["name"],
        label=item.get("label", item["name"]),
        start=_bound(scope, item.get("from", 0), f"{at}/from"),
        below=_bound(scope, item["below"], f"{at}/below") if "below" in item else None,
        steps=tuple(_step(scope, step, f"{at}/steps/{number}") for number, step in enumerate(item["steps"])),
    )


def _bound(scope: Compiling, value: Any, path: str) -> Decimal:
    try:
        bound = exact(value)
    except ValueError as error:
        raise MetadataError("This is not an exact amount.", path=path, code="tier_bound") from error
    places = get_currency_precision(scope.body.get("currency", "USD"))
    if bound != round(bound, places):
        raise MetadataError(
            "{currency} has at most {places} decimal places.",
            path=path,
            code="tier_precision",
            currency=scope.body.get("currency", "USD"),
            places=places,
        )
    return bound


def _step(scope: Compiling, item: Mapping[str, Any], at: str) -> Step:
    rule = _approvers(scope, item["approvers"], f"{at}/approvers")
    quorum = item.get("quorum", "any")
    if isinstance(quorum, int) and rule.users and quorum > len(rule.users):
        raise MetadataError(
            "{quorum} approvals are asked for, but only {found} people are named.",
            path=f"{at}/quorum",
            code="quorum",
            quorum=quorum,
            found=len(rule.users),
        )
    label: Text = item.get("label", item["name"])
    return Step(name=item["name"], label=label, approvers=rule, quorum=quorum)


def _approvers(scope: Compiling, item: Mapping[str, Any], at: str) -> ApproverRule:
    if "role" in item:
        scope.exists("role", item["role"], f"{at}/role")
    if "field" in item:
        found = scope.field_path(item["field"], f"{at}/field")[1]
        if found.type.targets != ("user",):
            raise MetadataError(
                "The field {name} does not hold users.", path=f"{at}/field", code="not_a_user", name=item["field"]
            )
    return ApproverRule(
        users=tuple(dict.fromkeys(email.strip().lower() for email in item.get("users", ()))),
        role=item.get("role"),
        team_manager=item.get("team_manager"),
        field=item.get("field"),
    )


def _refuse_bad_tiers(body: Mapping[str, Any], tiers: Sequence[Tier]) -> None:
    _refuse_repeated_names(body)
    if body.get("amount") is None and (len(tiers) != 1 or {"from", "below"} & set(body["tiers"][0])):
        raise MetadataError(
            "Without an amount there can be only one tier, without bounds.", path="/tiers", code="tier_without_amount"
        )
    for problem in problems(tiers):
        diagnostic = _diagnostic(problem)
        raise MetadataError(diagnostic.message, path=diagnostic.path, code=diagnostic.code, **diagnostic.facts)


def _refuse_repeated_names(body: Mapping[str, Any]) -> None:
    _refuse_repeated([tier["name"] for tier in body["tiers"]], "/tiers")
    for index, tier in enumerate(body["tiers"]):
        _refuse_repeated([step["name"] for step in tier["steps"]], f"/tiers/{index}/steps")


def _refuse_repeated(names: Sequence[str], at: str) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise MetadataError("The name {name} is used twice.", path=f"{at}/{index}/name", code="twice", name=name)


_WRONG: Mapping[str, Diagnostic] = {
    found.code: found
    for found in (
        Diagnostic(
            path="",
            severity="error",
            code="tier_empty",
            message="This tier is empty: {below} is not more than {start}.",
        ),
        Diagnostic(
            path="",
            severity="error",
            code="tier_unsorted",
            message="Tiers must be in order: {start} comes after {below}.",
        ),
        Diagnostic(
            path="",
            severity="error",
            code="tier_gap",
            message="No tier holds the amounts from {start} up to {below}.",
        ),
        Diagnostic(path="", severity="error", code="tier_overlap", message="Two tiers hold the amounts from {start}."),
        Diagnostic(
            path="",
            severity="error",
            code="tier_open_end",
            message="No tier holds the amounts from {start} upwards.",
        ),
    )
}


def _diagnostic(problem: TierProblem) -> Diagnostic:
    facts = {"start": _plain(problem.start), "below": "" if problem.below is None else _plain(problem.below)}
    return replace(_WRONG[problem.code], path=f"/tiers/{problem.index}", facts=facts)


def _plain(value: Decimal) -> str:
    return format(value, "f")


def check(definition: Definition, snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Warn when amounts without a currency are compared with those of the process."""
    process = snapshot.find("approval_process", definition.name)
    if process is None or process.amount is None or process.amount.type == MONEY:
        return
    yield Diagnostic(
        path="/amount",
        severity="info",
        code="amount_without_currency",
        message="This amount has no currency of its own; it is taken as {currency}.",
        facts={"currency": process.currency},
    )


KIND = MetadataKind(
    name="approval_process",
    folder="approvals",
    label={"en": "Approval process", "zh-Hans": "审批流程", "zh-Hant": "審批流程"},
    schema=SCHEMA,
    compile=compile_with(build),
    check=check,
    references=references_with(build),
    order=60,
)
