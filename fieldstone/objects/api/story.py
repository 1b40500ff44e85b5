"""What belongs to a record and what happened to it: `/history`, `/trace`, `/related/{name}`.

Views decode, call one service inside one unit and render. Made by `make_story_api`, registered by the part of this
room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Response

from fieldstone.objects.access.explain import Reason
from fieldstone.objects.access.service import Access
from fieldstone.objects.api.decode import list_query
from fieldstone.objects.query.relating import relation
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import Page
from fieldstone.objects.records.explaining import Decision, Trace
from fieldstone.objects.records.history import MAX_LIMIT, HistoryEntry, HistoryPage
from fieldstone.objects.records.service import RecordService
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.respond import data, page
from fieldstone.platform.http.routes import Api
from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.context import Context, Unit

Names = Mapping[str, str]
PEOPLE = "user"


def make_story_api(records: RecordService, query: QueryService, access: Access) -> Api:
    """The routes."""
    api = Api("record_story", prefix="/api/v1/records/<object_name>/<record_id>")

    @api.get("/history", policy=SIGNED_IN)
    def history(call: Call, object_name: str, record_id: str) -> Response:
        before = call.query({"limit", "cursor"}).get("cursor") or None
        limit = call.integer("limit", default=50, least=1, most=MAX_LIMIT)

        def read(ctx: Context, unit: Unit) -> tuple[HistoryPage, Names]:
            found = records.history(ctx, unit, object_name, record_id, before=before, limit=limit)
            return found, _people(query, ctx, unit, [entry.actor for entry in found.entries])

        found, names = call.read(read)
        return page([_entry(each, names) for each in found.entries], next_cursor=found.next_cursor)

    @api.get("/trace", policy=SIGNED_IN)
    def trace(call: Call, object_name: str, record_id: str) -> Response:
        def read(ctx: Context, unit: Unit) -> tuple[Trace, Names]:
            found = records.trace(ctx, unit, object_name, record_id)
            return found, _people(query, ctx, unit, [each.actor for each in found.decisions])

        found, names = call.read(read)
        return data(_trace(found, names, call.locale))

    @api.get("/related/<name>", policy=SIGNED_IN)
    def related(call: Call, object_name: str, record_id: str, name: str) -> Response:
        asked = list_query(call, object_name)

        def read(ctx: Context, unit: Unit) -> Page:
            query.get(ctx, unit, object_name, record_id, ("id",))
            rights = access.of(ctx).rights(object_name)
            found = relation(access.of(ctx), rights.kind, name, record_id)
            return query.list(ctx, unit, replace(asked, object=found.object, more=(found.constraint,)))

        found = call.read(read)
        return page(found.documents, next_cursor=found.next_cursor, count=found.count, count_capped=found.count_capped)

    return api


def _people(query: QueryService, ctx: Context, unit: Unit, ids: Sequence[str]) -> Names:
    """Names of those who changed something, by id; one statement."""
    return {identity: label.label for identity, label in query.labels(ctx, unit, PEOPLE, ids).items()}


def _entry(entry: HistoryEntry, names: Names) -> dict[str, Any]:
    return {
        "id": entry.id,
        "revision": entry.revision,
        "kind": entry.kind,
        "at": entry.at,
        "actor": {"id": entry.actor, "label": names.get(entry.actor)},
        "channel": entry.channel,
        "causes": list(entry.causes),
        "changes": [{"field": name, "from": pair[0], "to": pair[1]} for name, pair in entry.changes.items()],
    }


def _trace(found: Trace, names: Names, locale: str) -> dict[str, Any]:
    access = {operation: [_reason(each, locale) for each in reasons] for operation, reasons in found.access.items()}
    return {
        "access": access,
        "decisions": [_decision(each, names) for each in found.decisions],
    }


def _reason(reason: Reason, locale: str) -> dict[str, Any]:
    words = translate(reason.message, reason.facts, locale)
    return {"code": reason.code, "allows": reason.allows, "message": words, "facts": dict(reason.facts)}


def _decision(decision: Decision, names: Names) -> dict[str, Any]:
    return {
        "revision": decision.revision,
        "kind": decision.kind,
        "at": decision.at,
        "actor": {"id": decision.actor, "label": names.get(decision.actor)},
        "channel": decision.channel,
        "causes": list(decision.causes),
        "rules": list(decision.rules),
    }
