"""The API of approvals: `/approvals`.

Views decode, call the service and render. Made by `make_approvals_api`, registered by the part of this room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from flask import Response

from fieldstone.objects.approvals.inbox import MAX_LIMIT, STATES, RequestQuery, StateFilter
from fieldstone.objects.approvals.service import ApprovalService, DecisionKind, NewDecision
from fieldstone.objects.approvals.views import DecisionView, Person, RequestView, StepView
from fieldstone.platform.http.body import Body
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import RIGHT, SIGNED_IN
from fieldstone.platform.http.respond import data, page
from fieldstone.platform.http.routes import Api
from fieldstone.platform.kernel.errors import FieldError, Invalid, Unreadable
from fieldstone.platform.kernel.ids import is_id
from fieldstone.platform.kernel.text import localized

DECISIONS: tuple[DecisionKind, ...] = ("approve", "reject", "return", "delegate", "withdraw")
_QUERY = {"state", "mine", "requested", "object", "record", "limit", "cursor"}


def make_approvals_api(service: ApprovalService) -> Api:
    """Routes of approval requests."""
    api = Api("approvals", prefix="/api/v1")

    @api.get("/approvals", policy=SIGNED_IN)
    def list_approvals(call: Call) -> Response:
        query = _query(call)
        found = call.read(lambda ctx, unit: service.inbox(ctx, unit, query))
        return page([rendered(each, call.locale) for each in found.requests], next_cursor=found.next_cursor)

    @api.get("/approvals/<request_id>", policy=SIGNED_IN)
    def get_approval(call: Call, request_id: str) -> Response:
        found = call.read(lambda ctx, unit: service.get(ctx, unit, request_id))
        return data(rendered(found, call.locale))

    @api.post("/approvals/<request_id>/decisions", policy=SIGNED_IN)
    def decide(call: Call, request_id: str) -> Response:
        decision = new_decision(call.json())
        return call.idempotent(
            lambda ctx, unit: service.decide(ctx, unit, request_id, decision),
            lambda found: data(rendered(found, call.locale)),
        )

    @api.post("/approvals/<request_id>/retry", policy=RIGHT("manage_metadata"))
    def retry(call: Call, request_id: str) -> Response:
        found = call.write(lambda ctx, unit: service.retry(ctx, unit, request_id))
        return data(rendered(found, call.locale))

    return api


def new_decision(values: Mapping[str, Any]) -> NewDecision:
    """A decision out of a body. Raises `Invalid`."""
    body = Body(values, ("decision", "comment", "to", "step"))
    decision = body.text("decision")
    comment, to, step = body.optional_text("comment"), body.optional_text("to"), body.optional_text("step")
    body.done()
    if decision not in DECISIONS:
        raise Invalid(errors=[_one_of("/decision", DECISIONS)])
    return NewDecision(decision=decision, comment=comment or "", to=to, step=step)


def rendered(view: RequestView, locale: str) -> dict[str, Any]:
    """A request as the API answers it."""
    return {
        "id": view.id,
        "object": view.object,
        "record": {"id": view.record, "label": view.title},
        "process": {"name": view.process, "label": localized(view.label, locale)},
        "tier": view.tier,
        "amount": None if view.amount is None else {"amount": view.amount, "currency": view.currency},
        "state": view.state,
        "step": view.step,
        "steps": [_step(step, locale) for step in view.steps],
        "requester": _person(view.requester),
        "submitted_at": view.submitted_at,
        "settled_at": view.settled_at,
        "decisions": [_decision(each) for each in view.decisions],
        "can": list(view.can),
        "content_changed": view.content_changed,
    }


def _step(step: StepView, locale: str) -> dict[str, Any]:
    return {
        "name": step.name,
        "label": localized(step.label, locale),
        "state": step.state,
        "quorum": step.quorum,
        "needed": step.needed,
        "approvers": [_person(each) for each in step.approvers],
        "waiting": [_person(each) for each in step.waiting],
    }


def _decision(view: DecisionView) -> dict[str, Any]:
    return {
        "step": view.step,
        "by": _person(view.by),
        "decision": view.decision,
        "comment": view.comment,
        "to": None if view.to is None else _person(view.to),
        "at": view.at,
    }


def _person(person: Person) -> dict[str, Any]:
    return {"id": person.id, "label": person.label}


def _query(call: Call) -> RequestQuery:
    asked = call.query(_QUERY)
    state = asked.get("state")
    errors = [] if state is None or state in STATES else [_one_of("?state", STATES)]
    errors += [
        FieldError(path=f"?{name}", code="id", message="This is not an id.")
        for name in ("cursor", "record")
        if name in asked and not is_id(asked[name])
    ]
    errors += [
        FieldError(path=f"?{name}", code="flag", message="This must be true or false.")
        for name in ("mine", "requested")
        if asked.get(name, "false") not in ("true", "false")
    ]
    if ("object" in asked) != ("record" in asked):
        errors.append(FieldError(path="?record", code="pair", message="Name an object and a record, or neither."))
    if errors:
        raise Unreadable(errors=errors)
    return RequestQuery(
        state=cast("StateFilter | None", state),
        mine=asked.get("mine") == "true",
        requested=asked.get("requested") == "true",
        object=asked.get("object"),
        record=asked.get("record"),
        after=asked.get("cursor"),
        limit=call.integer("limit", default=50, least=1, most=MAX_LIMIT),
    )


def _one_of(path: str, options: Sequence[str]) -> FieldError:
    facts = {"options": ", ".join(options)}
    return FieldError(path=path, code="choice", message="This must be one of {options}.", facts=facts)
