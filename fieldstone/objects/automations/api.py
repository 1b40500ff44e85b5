"""The API of automations: the run log and the webhook secret, for those who manage metadata.

Views decode, call the service and render. Made by `make_automations_api`, registered by the part of this room.
"""

from __future__ import annotations

from typing import Any, get_args

from flask import Response

from fieldstone.objects.run_log.log import MAX_LIMIT, Entry, Outcome, RunLog
from fieldstone.objects.webhooks.consumer import Webhooks
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import RIGHT
from fieldstone.platform.http.respond import data, page
from fieldstone.platform.http.routes import Api
from fieldstone.platform.kernel.errors import FieldError, Unreadable
from fieldstone.platform.kernel.ids import is_id
from fieldstone.rules.engine.payload import duration_text

MANAGE = RIGHT("manage_metadata")
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


def make_automations_api(log: RunLog, webhooks: Webhooks) -> Api:
    """Routes of the run log."""
    api = Api("automations", prefix="/api/v1")

    @api.get("/automations/runs", policy=MANAGE)
    def list_runs(call: Call) -> Response:
        asked = call.query({"rule", "outcome", "limit", "cursor"})
        outcome, after = _outcome(asked.get("outcome")), _cursor(asked.get("cursor"))
        limit = call.integer("limit", default=50, least=1, most=MAX_LIMIT)
        found = call.read(
            lambda ctx, unit: log.page(unit, rule=asked.get("rule"), outcome=outcome, after=after, limit=limit)
        )
        return page([rendered(entry) for entry in found.entries], next_cursor=found.next_cursor)

    @api.get("/automations/webhook-secret", policy=MANAGE)
    def webhook_secret(call: Call) -> Response:
        tenant = call.read(lambda ctx, unit: ctx.tenant.name)
        return data({"secret": webhooks.secret(tenant)})

    return api


def rendered(entry: Entry) -> dict[str, Any]:
    """A line of the log as the API answers it."""
    return {
        "id": entry.id,
        "kind": entry.kind,
        "rule": entry.rule,
        "object": entry.object,
        "record": entry.record,
        "event": entry.event,
        "inputs": dict(entry.inputs),
        "outcome": entry.outcome,
        "error": entry.error,
        "attempts": entry.attempts,
        "duration": duration_text(entry.duration),
        "at": entry.at,
    }


def _outcome(text: str | None) -> Outcome | None:
    if text is None or text in OUTCOMES:
        return text
    facts = {"options": ", ".join(OUTCOMES)}
    raise Unreadable(
        errors=[FieldError(path="?outcome", code="choice", message="This must be one of {options}.", facts=facts)]
    )


def _cursor(text: str | None) -> str | None:
    if text is not None and not is_id(text):
        raise Unreadable(errors=[FieldError(path="?cursor", code="id", message="This is not an id.")])
    return text
