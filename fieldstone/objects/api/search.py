"""`/search` over all objects, and `/openapi.json`: what this caller may do here.

Made by `make_search_api`, registered by the part of this room.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from fieldstone.objects.access.service import Access
from fieldstone.objects.api.openapi import describe
from fieldstone.objects.query.service import QueryService
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.respond import data, document
from fieldstone.platform.http.routes import Api
from fieldstone.platform.kernel.context import Context, Unit

LIMIT = 20
MOST = 50


def make_search_api(query: QueryService, access: Access) -> Api:
    """The routes."""
    api = Api("search", prefix="/api/v1")

    @api.get("/search", policy=SIGNED_IN)
    def search(call: Call) -> Response:
        text = call.query({"q", "limit"}).get("q", "")
        limit = call.integer("limit", default=LIMIT, least=1, most=MOST)

        def find(ctx: Context, unit: Unit) -> list[Mapping[str, Any]]:
            hits = query.search(ctx, unit, text, limit) if text.strip() else ()
            return [{"object": hit.object, "id": hit.id, "label": hit.label} for hit in hits]

        return data(call.read(find))

    @api.get("/openapi.json", policy=SIGNED_IN)
    def openapi(call: Call) -> Response:
        return document(call.read(lambda ctx, unit: describe(access.of(ctx))))

    return api
