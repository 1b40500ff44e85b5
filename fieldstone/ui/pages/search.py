"""Search over everything, and the command palette.

In: words. Out: the page of results; for the palette JSON `{"results": [{label, href, icon, kind}]}` with records, pages
and things to do. Registered by `ui.part`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from fieldstone.objects.query.service import QueryService
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.respond import document
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.ui.pages.page import PageMaker, say
from fieldstone.ui.shell import Place, Shell

PALETTE = 12
FOUND = 60
MAX_Q = 200


def make_search_pages(maker: PageMaker, shell: Shell, query: QueryService) -> Pages:
    """The routes."""
    pages = Pages("search_pages")

    @pages.get("/search", policy=SIGNED_IN)
    def search(call: Call) -> Response:
        q = _words(call)

        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            groups: dict[str, dict[str, Any]] = {}
            for hit in _hits(query, ctx, unit, q, FOUND):
                group = groups.setdefault(hit["object"], {"label": hit["kind"], "icon": hit["icon"], "hits": []})
                group["hits"].append(hit)
            return {"q": q, "groups": list(groups.values())}

        return maker.page(call, "pages/search.html", look)

    @pages.get("/palette", policy=SIGNED_IN)
    def palette(call: Call) -> Response:
        q = _words(call)

        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            commands = [each for each in _commands(shell, ctx) if _matches(each["label"], q)]
            hits = _hits(query, ctx, unit, q, PALETTE)
            return {"results": [*commands[: 6 if q else PALETTE], *hits]}

        return document(call.read(look))

    return pages


def _words(call: Call) -> str:
    return call.query({"q"}).get("q", "").strip()[:MAX_Q]


def _hits(query: QueryService, ctx: Context, unit: Unit, q: str, limit: int) -> list[dict[str, Any]]:
    found = query.search(ctx, unit, q, limit) if q else ()
    made = []
    for hit in found:
        kind = ctx.snapshot.get("object", hit.object)
        made.append(
            {
                "object": hit.object,
                "label": hit.label or hit.id,
                "href": f"/o/{hit.object}/{hit.id}",
                "icon": kind.icon,
                "kind": kind.text(ctx.locale),
            }
        )
    return made


def _commands(shell: Shell, ctx: Context) -> list[dict[str, Any]]:
    """Pages of the frame, and new records."""
    place, new = say(ctx.locale, "Page"), say(ctx.locale, "New")
    nav, links = shell.commands(ctx, Place(path=""))
    pages = [{**item, "kind": place} for item in nav]
    fresh = [{**link, "label": f"{new}: {link['label']}", "kind": say(ctx.locale, "Action")} for link in links]
    return [{key: each[key] for key in ("label", "href", "icon", "kind")} for each in (*pages, *fresh)]


def _matches(label: str, q: str) -> bool:
    return q.casefold() in label.casefold()
