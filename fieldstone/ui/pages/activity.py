"""The activity panel of record pages: comments and what happened; and the page of the whole history.

In: a record's address, a comment. Out: the panel, one event, the history page. Registered by `ui.part`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from fieldstone.objects.query.values import ListQuery, Record
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.respond import document
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Invalid
from fieldstone.ui.pages.page import say
from fieldstone.ui.pages.records import RecordParts, title_of
from fieldstone.ui.records.activity import COMMENT, Activity

SHOWN = 30
PAGE = 50


def make_activity_pages(parts: RecordParts) -> Pages:
    """The routes."""
    pages = Pages("activity_pages")

    @pages.get("/o/<object_name>/<record_id>/activity", policy=SIGNED_IN)
    def activity_panel(call: Call, object_name: str, record_id: str) -> Response:
        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            parts.query.get(ctx, unit, object_name, record_id, ("id",))
            activity = _activity(parts, ctx, unit)
            return {
                "events": activity.newest(object_name, record_id, SHOWN),
                "may_comment": activity.may_comment(),
                "address": f"/o/{object_name}/{record_id}",
            }

        return parts.maker.fragment(call, "pages/activity_panel.html", look)

    @pages.post("/o/<object_name>/<record_id>/comments", policy=SIGNED_IN)
    def comment(call: Call, object_name: str, record_id: str) -> Response:
        return _comment(parts, call, object_name, record_id)

    @pages.get("/o/<object_name>/<record_id>/history", policy=SIGNED_IN)
    def history_page(call: Call, object_name: str, record_id: str) -> Response:
        before = call.query({"before"}).get("before")

        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            record = parts.query.get(ctx, unit, object_name, record_id, ("title",))
            events, older = _activity(parts, ctx, unit).changes(object_name, record_id, before, PAGE)
            address = f"/o/{object_name}/{record_id}"
            return {
                "title": title_of(record, ctx.locale),
                "address": address,
                "events": events,
                "older": f"{address}/history?before={older}" if older else "",
            }

        return parts.maker.page(call, "pages/history.html", look, object_name=object_name)

    @pages.get("/lookup-people", policy=SIGNED_IN)
    def people(call: Call) -> Response:
        q = call.query({"q"}).get("q", "").strip()[:100]

        def read(ctx: Context, unit: Unit) -> list[dict[str, str]]:
            if not parts.access.of(ctx).may("user", "read"):
                return []
            found = parts.query.list(ctx, unit, ListQuery(object="user", fields=("name",), q=q or None, limit=10))
            return [{"id": each.id, "label": str(each.values.get("name") or "")} for each in found.records]

        return document({"results": call.read(read)})

    return pages


def _comment(parts: RecordParts, call: Call, object_name: str, record_id: str) -> Response:
    body = call.request.form.get("body", "").replace("\r\n", "\n").strip()
    mentions = [each for each in call.request.form.getlist("mention") if each]

    def save(ctx: Context, unit: Unit) -> Mapping[str, Any]:
        parts.query.get(ctx, unit, object_name, record_id, ("id",))
        values: dict[str, Any] = {"record": {"object": object_name, "id": record_id}, "body": body}
        if mentions:
            values["mentions"] = mentions
        made: Record = parts.records.create(ctx, unit, COMMENT, values)
        saved = parts.query.get(ctx, unit, COMMENT, made.id, ("body", "created_at", "created_by"))
        return {"event": _activity(parts, ctx, unit).comment(saved)}

    try:
        if not body:
            raise Invalid
        saved = call.write(save)
    except Invalid as refusal:
        error = say(call.locale, "Write something first.") if not body else str(refusal)
        values = {"address": f"/o/{object_name}/{record_id}", "body": body, "error": error}
        return parts.maker.fragment(call, "pages/comment_box.html", lambda ctx, unit: values, status=422)
    return parts.maker.drawn(call, "pages/activity_event.html", saved)


def _activity(parts: RecordParts, ctx: Context, unit: Unit) -> Activity:
    return Activity(parts.records, parts.query, parts.access.of(ctx), ctx, unit)
