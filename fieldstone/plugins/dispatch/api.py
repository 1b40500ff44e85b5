"""The API of dispatch: `/api/v1/dispatch/{object}/{id}/candidates` and `/assign`.

Made by `make_dispatch_api`, registered by `plugins.part`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from fieldstone.objects.api.documents import document
from fieldstone.platform.http.body import Body
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.respond import data
from fieldstone.platform.http.respond import document as answer
from fieldstone.platform.http.routes import Api
from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.plugins.dispatch.reasons import REASONS
from fieldstone.plugins.dispatch.service import DispatchService, Proposal
from fieldstone.plugins.sdk.dispatch import Candidate, Exclusion


def make_dispatch_api(service: DispatchService) -> Api:
    """The routes."""
    api = Api("dispatch", prefix="/api/v1")

    @api.get("/dispatch/<object_name>/<record_id>/candidates", policy=SIGNED_IN)
    def candidates(call: Call, object_name: str, record_id: str) -> Response:
        policy = call.query({"policy"}).get("policy")
        proposal = service.propose(call.read, object_name, record_id, policy)
        return answer(rendered(proposal, call.locale))

    @api.post("/dispatch/<object_name>/<record_id>/assign", policy=SIGNED_IN)
    def assign(call: Call, object_name: str, record_id: str) -> Response:
        body = Body(call.json(), ("resource", "policy"))
        resource, policy = body.text("resource"), body.optional_text("policy")
        body.done()
        call.query()
        proposal = service.propose(call.read, object_name, record_id, policy)

        def work(ctx: Context, unit: Unit) -> tuple[dict[str, Any], int]:
            service.check(proposal, resource)
            record = service.assign(ctx, unit, proposal, resource)
            return document(ctx, record), record.revision

        return call.idempotent(work, lambda done: data(done[0], etag=done[1]))

    return api


def rendered(proposal: Proposal, locale: str) -> dict[str, Any]:
    """A proposal as the API answers it."""
    return {
        "data": [_candidate(proposal, each) for each in proposal.ranking.candidates],
        "excluded": [_excluded(proposal, each, locale) for each in proposal.ranking.excluded],
        "policy": proposal.policy.name,
    }


def _candidate(proposal: Proposal, candidate: Candidate) -> dict[str, Any]:
    parts = [
        {
            "code": part.code,
            "value": part.value,
            "weight": part.weight,
            "grade": part.grade,
            "contribution": part.contribution,
        }
        for part in candidate.parts
    ]
    return {
        "resource": _resource(proposal, candidate.resource),
        "score": candidate.score,
        "parts": parts,
        "travel_s": candidate.travel_s,
        "distance_m": candidate.distance_m,
    }


def _excluded(proposal: Proposal, exclusion: Exclusion, locale: str) -> dict[str, Any]:
    reasons = [
        {"code": reason.code, "message": words(reason.code, vars_of(reason), locale)} for reason in exclusion.reasons
    ]
    return {"resource": _resource(proposal, exclusion.resource), "reasons": reasons}


def vars_of(reason: Any) -> Mapping[str, str]:
    """What a reason's sentence is about."""
    return {"expected": reason.expected, "actual": reason.actual}


def words(code: str, facts: Mapping[str, str], locale: str) -> str:
    """A reason in words."""
    return translate(REASONS[code], facts, locale)


def _resource(proposal: Proposal, identity: str) -> dict[str, str]:
    return {"id": identity, "label": proposal.label(identity)}
