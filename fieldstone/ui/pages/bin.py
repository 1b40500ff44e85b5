"""The bin: deleted records of each object, and bringing them back.

In: the object. Out: a page; restoring is the record page's address `/o/<object>/<id>/restore`. Registered by `ui.part`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from fieldstone.objects.access.service import Access
from fieldstone.objects.fieldtypes.declaration import Label
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import ListQuery, Record
from fieldstone.objects.types import ObjectType
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.text import localized
from fieldstone.ui.pages.page import PageMaker
from fieldstone.ui.records.activity import ago


def make_bin_pages(maker: PageMaker, access: Access, query: QueryService) -> Pages:
    """The route."""
    pages = Pages("bin_pages")

    @pages.get("/bin", policy=SIGNED_IN)
    def bin_page(call: Call) -> Response:
        args = call.query({"object", "cursor"})

        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            kinds = _kinds(access, ctx)
            chosen = next((kind for kind in kinds if kind.name == args.get("object")), kinds[0] if kinds else None)
            shown: Mapping[str, Any] = {"rows": [], "next": ""}
            if chosen is not None:
                shown = _deleted(query, ctx, unit, chosen, args.get("cursor"))
            return {"tab_items": _tabs(ctx, kinds, chosen), **shown}

        return maker.page(call, "pages/bin.html", look)

    return pages


def _kinds(access: Access, ctx: Context) -> list[ObjectType]:
    """The objects whose records the person may delete, those that live by themselves."""
    can = access.of(ctx)
    kinds = (ctx.snapshot.get("object", name) for name in ctx.snapshot.names("object"))
    own = [kind for kind in kinds if not kind.system and kind.managed_by is None and can.may(kind.name, "delete")]
    rows = {child.type.row_object for kind in own for child in kind.children}
    return sorted((kind for kind in own if kind.name not in rows), key=lambda kind: localized(kind.plural, ctx.locale))


def _tabs(ctx: Context, kinds: list[ObjectType], chosen: ObjectType | None) -> list[dict[str, Any]]:
    return [
        {
            "label": localized(kind.plural, ctx.locale),
            "href": f"/bin?object={kind.name}",
            "active": kind is chosen,
        }
        for kind in kinds
    ]


def _deleted(query: QueryService, ctx: Context, unit: Unit, kind: ObjectType, cursor: str | None) -> Mapping[str, Any]:
    page = query.list(
        ctx,
        unit,
        ListQuery(
            object=kind.name,
            fields=("title", "updated_by", "updated_at"),
            sort=("-updated_at",),
            cursor=cursor,
            deleted=True,
        ),
    )
    following = f"/bin?object={kind.name}&cursor={page.next_cursor}" if page.next_cursor else ""
    return {"rows": [_row(kind, record, ctx) for record in page.records], "next": following}


def _row(kind: ObjectType, record: Record, ctx: Context) -> dict[str, Any]:
    by = record.labels.get("updated_by")
    return {
        "id": record.id,
        "title": str(record.values.get("title") or record.id),
        "icon": kind.icon,
        "by": by.label if isinstance(by, Label) else "",
        "when": ago(record.values["updated_at"], ctx),
        "restore_url": f"/o/{kind.name}/{record.id}/restore",
    }
