"""The API of approvals: `/approvals`.

Views decode, call the service and render. Made by `make_approvals_api`, registered by the part of this room.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from fieldstone.objects.approvals.inbox import MAX_LIMIT, STATES, RequestQuery
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
        message = "This must be one of {options}."
        facts = {"options": ", ".join(DECISIONS)}
        raise Invalid(errors=[FieldError(path="/decision", code="choice", message=message, facts=facts)])
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
    if state is not None and state not in STATES:
        raise _unreadable("state", "This must be one of {options}.", options=", ".join(STATES))
    for name in ("cursor", "record"):
        if name in asked and not is_id(asked[name]):
            raise _unreadable(name, "This is not an id.")
    if ("object" in asked) != ("record" in asked):
        raise _unreadable("record", "Name an object and a record, or neither.")
    return RequestQuery(
        state=state,
        mine=_flag(call, "mine"),
        requested=_flag(call, "requested"),
        object=asked.get("object"),
        record=asked.get("record"),
        after=asked.get("cursor"),
        limit=call.integer("limit", default=50, least=1, most=MAX_LIMIT),
    )


def _flag(call: Call, name: str) -> bool:
    text = call.args.get(name, "false")
    if text not in ("true", "false"):
        raise _unreadable(name, "This must be true or false.")
    return text == "true"


def _unreadable(name: str, message: str, **facts: Any) -> Unreadable:
    return Unreadable(errors=[FieldError(path=f"?{name}", code="query", message=message, facts=facts)])
