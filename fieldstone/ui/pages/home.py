"""Home: what waits for somebody today; apps; notifications.

In: the person. Out: pages, and the cards of the home page one by one. Registered by `ui.part`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response

from fieldstone.objects.access.service import Access
from fieldstone.objects.approvals.inbox import RequestQuery
from fieldstone.objects.approvals.service import ApprovalService
from fieldstone.objects.fieldtypes.declaration import Label
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import ListQuery, Record
from fieldstone.objects.records.service import RecordService
from fieldstone.objects.records.values import UpdateOperation
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.kernel.text import localized
from fieldstone.ui.definition.view import View, views_of
from fieldstone.ui.lists.fields import ReadableFields
from fieldstone.ui.pages.page import APP_COOKIE, PageMaker, reader_of
from fieldstone.ui.pages.sign_in import redirect
from fieldstone.ui.reading import NOTIFICATION, UNREAD
from fieldstone.ui.records.activity import ago
from fieldstone.ui.records.approval_cards import inbox_item
from fieldstone.ui.records.page import column_heads, related_row
from fieldstone.ui.shell import Shell

MINE = "_mine"
SHOWN = 8
COLUMNS = 5
NUMBERS = 6
MAX_READ = 200
YEAR = 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeParts:
    """The services behind the home page."""

    maker: PageMaker
    shell: Shell
    access: Access
    query: QueryService
    records: RecordService
    approvals: ApprovalService


def make_home_pages(parts: HomeParts) -> Pages:
    """The routes."""
    pages = Pages("home_pages")
    _home_routes(pages, parts)
    _notification_routes(pages, parts)

    @pages.get("/apps/<name>", policy=SIGNED_IN)
    def app(call: Call, name: str) -> Response:
        target = call.read(lambda ctx, unit: _first_page(parts, ctx, name))
        answer = redirect(target)
        answer.set_cookie(APP_COOKIE, name, max_age=YEAR, httponly=True, samesite="Lax", secure=call.request.is_secure)
        return answer

    return pages


def _home_routes(pages: Pages, parts: HomeParts) -> None:
    @pages.get("/", policy=SIGNED_IN)
    def home(call: Call) -> Response:
        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            return {
                "name": ctx.actor.name,
                "cards": [_card(ctx, view) for view in _mine(parts.access, ctx)],
                "approvals_url": "/home/approvals",
            }

        return parts.maker.page(call, "pages/home.html", look)

    @pages.get("/home/approvals", policy=SIGNED_IN)
    def approvals(call: Call) -> Response:
        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            page = parts.approvals.inbox(ctx, unit, RequestQuery(state="open", mine=True, limit=5))
            return {"requests": [inbox_item(each, ctx) for each in page.requests]}

        return parts.maker.fragment(call, "pages/home_approvals.html", look)

    @pages.get("/home/numbers", policy=SIGNED_IN)
    def numbers(call: Call) -> Response:
        return parts.maker.fragment(call, "pages/home_numbers.html", lambda ctx, unit: _numbers(parts, ctx, unit))

    @pages.get("/home/list/<object_name>/<view_name>", policy=SIGNED_IN)
    def my_list(call: Call, object_name: str, view_name: str) -> Response:
        return parts.maker.fragment(
            call, "pages/home_list.html", lambda ctx, unit: _list(parts, ctx, unit, object_name, view_name)
        )


def _numbers(parts: HomeParts, ctx: Context, unit: Unit) -> Mapping[str, Any]:
    """How many records the counted views have, those of people's own left out: they are lists of their own."""
    can = parts.access.of(ctx)
    counted = (
        view for view in ctx.snapshot.all("view") if view.count and view.filter and view.shown_to(ctx.actor.roles)
    )
    seen = [view for view in counted if can.may(view.object, "read") and not view.name.endswith(MINE)]
    made = []
    for view in sorted(seen, key=lambda view: (view.object, view.order, view.name))[:NUMBERS]:
        count, capped = parts.query.count(ctx, unit, ListQuery(object=view.object, view=view.name))
        kind = ctx.snapshot.get("object", view.object)
        made.append(
            {
                "label": f"{localized(kind.plural, ctx.locale)} · {localized(view.label, ctx.locale)}",
                "value": f"{count:,}" + ("+" if capped else ""),
                "icon": kind.icon,
                "href": f"/o/{view.object}?view={view.name}",
            }
        )
    return {"numbers": made}


def _mine(access: Access, ctx: Context) -> Sequence[View]:
    """The views called `..._mine` that the person sees."""
    can = access.of(ctx)
    found = [view for view in ctx.snapshot.all("view") if view.name.endswith(MINE) and view.shown_to(ctx.actor.roles)]
    return sorted((view for view in found if can.may(view.object, "read")), key=lambda view: (view.order, view.name))[
        :6
    ]


def _card(ctx: Context, view: View) -> dict[str, Any]:
    kind = ctx.snapshot.get("object", view.object)
    return {
        "id": f"mine-{view.name}",
        "title": localized(kind.plural, ctx.locale),
        "note": localized(view.label, ctx.locale),
        "icon": kind.icon,
        "url": f"/home/list/{view.object}/{view.name}",
    }


def _list(parts: HomeParts, ctx: Context, unit: Unit, object_name: str, view_name: str) -> Mapping[str, Any]:
    access = parts.access.of(ctx)
    access.require(object_name, "read")
    view = next((each for each in views_of(ctx.snapshot, object_name) if each.name == view_name), None)
    if view is None or not view.shown_to(ctx.actor.roles):
        raise NotFound
    fields = ReadableFields(ctx, access, object_name)
    columns = tuple(path for path in view.columns if fields.find(path) is not None)[:COLUMNS]
    query = ListQuery(object=object_name, view=view.name, fields=columns, sort=view.sort, limit=SHOWN, count="capped")
    page = parts.query.list(ctx, unit, query)
    return {
        **_card(ctx, view),
        "count": page.count,
        "all_url": f"/o/{object_name}?view={view.name}",
        "columns": column_heads(fields, columns, ctx.locale),
        "rows": [related_row(fields, record, columns, reader_of(ctx)) for record in page.records],
    }


def _notification_routes(pages: Pages, parts: HomeParts) -> None:
    @pages.get("/notifications", policy=SIGNED_IN)
    def notifications(call: Call) -> Response:
        cursor = call.query({"cursor"}).get("cursor")

        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            query = ListQuery(
                object=NOTIFICATION,
                filter="recipient.id == user.id",
                fields=("subject", "body", "record", "read_at", "created_at"),
                sort=("-created_at",),
                cursor=cursor,
            )
            page = parts.query.list(ctx, unit, query)
            return {
                "notifications": [_notification(each, ctx) for each in page.records],
                "next": f"/notifications?cursor={page.next_cursor}" if page.next_cursor else "",
            }

        return parts.maker.page(call, "pages/notifications.html", look)

    @pages.post("/notifications/read", policy=SIGNED_IN)
    def read_all(call: Call) -> Response:
        def mark(ctx: Context, unit: Unit) -> None:
            query = ListQuery(object=NOTIFICATION, filter=UNREAD, fields=("id",), limit=MAX_READ)
            found = parts.query.list(ctx, unit, query).records
            read = [UpdateOperation(id=each.id, data={"read_at": ctx.now.isoformat()}) for each in found]
            if read:
                parts.records.bulk(ctx, unit, NOTIFICATION, read, atomic=True)

        call.write(mark)
        return redirect("/notifications")


def _notification(record: Record, ctx: Context) -> dict[str, Any]:
    label = record.labels.get("record")
    about = label if isinstance(label, Label) and label.label else None
    return {
        "subject": record.values.get("subject"),
        "body": record.values.get("body"),
        "about": about.label if about is not None else "",
        "href": f"/o/{about.object}/{about.id}" if about is not None and about.object else "",
        "when": ago(record.values["created_at"], ctx),
        "unread": record.values.get("read_at") is None,
    }


def _first_page(parts: HomeParts, ctx: Context, name: str) -> str:
    """Where an app begins: its first page that the person may see."""
    app = next((each for each in parts.shell.apps(ctx) if each.name == name), None)
    if app is None:
        raise NotFound("There is no app called {name}.", name=name[:60])
    access = parts.access.of(ctx)
    for group in app.groups:
        for item in group.items:
            if item.object is not None and access.may(item.object, "read"):
                return f"/o/{item.object}" + (f"?view={item.view}" if item.view else "")
            if item.page == "home":
                return "/"
    return "/"
