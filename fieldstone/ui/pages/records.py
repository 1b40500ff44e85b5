"""The record page and what can be done on it: related lists, inline edit, actions, delete, restore.

In: an address. Out: whole pages and, for htmx, their parts. Registered by `ui.part`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response

from fieldstone.objects.access.service import Access
from fieldstone.objects.files.service import FileService
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import Record
from fieldstone.objects.records.service import RecordService
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import FieldstoneError, Invalid, NotFound, StaleRevision
from fieldstone.platform.kernel.text import localized
from fieldstone.ui import htmx
from fieldstone.ui.definition.layout import layout_for
from fieldstone.ui.pages.page import PageMaker, reader_of, say
from fieldstone.ui.records.actions import action_buttons
from fieldstone.ui.records.arrangement import Arrangement, Placed
from fieldstone.ui.records.forms import errors_by_name
from fieldstone.ui.records.page import RecordView, RelatedLists
from fieldstone.ui.records.panels import Panel
from fieldstone.ui.values.decoded import decoded
from fieldstone.ui.values.typed import typed
from fieldstone.ui.values.widgets import widget


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordParts:
    """The services behind record pages; `panels` are parts that other rooms bring."""

    maker: PageMaker
    access: Access
    query: QueryService
    records: RecordService
    files: FileService
    panels: tuple[Panel, ...] = ()


def make_record_pages(parts: RecordParts) -> Pages:
    """The routes."""
    pages = Pages("record_pages")
    _page_routes(pages, parts)
    _inline_routes(pages, parts)
    _change_routes(pages, parts)
    return pages


def _page_routes(pages: Pages, parts: RecordParts) -> None:
    @pages.get("/o/<object_name>/<record_id>", policy=SIGNED_IN)
    def record_page(call: Call, object_name: str, record_id: str) -> Response:
        tab = call.query({"tab"}).get("tab", "")
        return parts.maker.page(
            call,
            "pages/record.html",
            lambda ctx, unit: look(parts, ctx, unit, object_name, record_id, tab),
            object_name=object_name,
        )

    @pages.get("/o/<object_name>/<record_id>/related", policy=SIGNED_IN)
    def related(call: Call, object_name: str, record_id: str) -> Response:
        def read(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            access = parts.access.of(ctx)
            record = parts.query.get(ctx, unit, object_name, record_id, ("record_type",))
            layout = layout_for(ctx.snapshot, object_name, ctx.actor.roles, record.values.get("record_type"))
            lists, reader = RelatedLists(parts.query), reader_of(ctx)
            found = (
                lists.look(ctx, unit, access, each, record_id, reader, object_name)
                for each in (layout.related if layout is not None else ())
            )
            return {"related": [each for each in found if each is not None]}

        return parts.maker.fragment(call, "pages/record_related.html", read)


def look(parts: RecordParts, ctx: Context, unit: Unit, object_name: str, record_id: str, tab: str) -> Mapping[str, Any]:
    """Everything that the record page shows at once; related lists and panels are asked for after it."""
    access = parts.access.of(ctx)
    record = whole(parts, ctx, unit, object_name, record_id)
    arrangement = arrangement_of(parts.access, ctx, record)
    view = RecordView(ctx, access, arrangement, record, reader_of(ctx))
    tabs = view.tabs()
    labels = [each["label"] for each in tabs]
    chosen = labels.index(tab) if tab in labels else 0
    address = f"/o/{object_name}/{record_id}"
    kind = arrangement.kind
    return {
        "object": kind,
        "object_label": kind.text(ctx.locale),
        "plural": localized(kind.plural, ctx.locale),
        "record": record,
        "title": title_of(record, ctx.locale),
        "address": address,
        "highlights": view.highlights(),
        "path": view.path(),
        "tabs": tabs,
        "tab": chosen,
        "actions": action_buttons(ctx, access, arrangement, record),
        "panels": [
            {"url": f"{address}/{panel.name}", "name": panel.name, "beside": panel.beside}
            for panel in parts.panels
            if panel.shown(ctx, record)
        ],
        "has_related": arrangement.layout is not None and bool(arrangement.layout.related),
        "may": {"update": access.may(object_name, "update"), "delete": access.may(object_name, "delete")},
    }


def whole(parts: RecordParts, ctx: Context, unit: Unit, object_name: str, record_id: str) -> Record:
    """The record with every field that may be seen, its name and its child rows."""
    rights = parts.access.of(ctx).require(object_name, "read")
    names = tuple(name for name in rights.kind.fields if rights.readable(name) and name != "deleted_at")
    return parts.query.get(ctx, unit, object_name, record_id, names)


def arrangement_of(access: Access, ctx: Context, record: Record) -> Arrangement:
    """The layout for this reader and record."""
    layout = layout_for(ctx.snapshot, record.object, ctx.actor.roles, record.values.get("record_type"))
    rights = access.of(ctx).require(record.object, "read")
    return Arrangement(access.of(ctx), rights.kind, layout)


def title_of(record: Record, locale: str) -> str:
    """The record's name, for headings."""
    return str(record.values.get("title") or record.values.get("number") or record.id)


def _inline_routes(pages: Pages, parts: RecordParts) -> None:
    @pages.get("/o/<object_name>/<record_id>/edit/<field_name>", policy=SIGNED_IN)
    def inline_form(call: Call, object_name: str, record_id: str, field_name: str) -> Response:
        call.query({"cell"})
        return parts.maker.fragment(
            call,
            "pages/inline_form.html",
            lambda ctx, unit: _inline_look(
                parts, ctx, unit, object_name, record_id, field_name, cell="cell" in call.args
            ),
        )

    @pages.post("/o/<object_name>/<record_id>/edit/<field_name>", policy=SIGNED_IN)
    def inline_save(call: Call, object_name: str, record_id: str, field_name: str) -> Response:
        call.query({"cell"})
        form = call.request.form
        revision = int(form["revision"]) if form.get("revision", "").isdigit() else None

        def save(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            item = _inline_item(parts, ctx, unit, object_name, record_id, field_name)[1]
            values = decoded(form, (item.field,), reader_of(ctx), lambda field: ())
            parts.records.update(ctx, unit, object_name, record_id, values, revision=revision)
            record, _ = _inline_item(parts, ctx, unit, object_name, record_id, field_name)
            arrangement = arrangement_of(parts.access, ctx, record)
            view = RecordView(ctx, parts.access.of(ctx), arrangement, record, reader_of(ctx))
            return view.cell(item) if "cell" in call.args else {"item": view.detail(item)}

        try:
            saved = call.write(save)
        except (Invalid, StaleRevision) as error:
            return _inline_again(parts, call, object_name, record_id, field_name, error)
        template = "pages/inline_cell.html" if "cell" in call.args else "pages/inline_saved.html"
        response = parts.maker.drawn(call, template, saved)
        return htmx.told(response, {"fs:saved": {"field": field_name}})


def _inline_again(
    parts: RecordParts, call: Call, object_name: str, record_id: str, field_name: str, error: FieldstoneError
) -> Response:
    form = call.request.form

    def read(ctx: Context, unit: Unit) -> Mapping[str, Any]:
        values = dict(_inline_look(parts, ctx, unit, object_name, record_id, field_name, cell="cell" in call.args))
        messages = errors_by_name(error.errors, ctx.locale)
        stale = say(ctx.locale, "Somebody else changed this meanwhile.") if isinstance(error, StaleRevision) else ""
        shown = messages.get(field_name) or next(iter(messages.values()), "") or stale or str(error)
        return {**values, "widget": {**typed(values["widget"], form, {}), "error": shown}}

    return parts.maker.fragment(call, "pages/inline_form.html", read, status=422)


def _inline_look(
    parts: RecordParts, ctx: Context, unit: Unit, object_name: str, record_id: str, field_name: str, *, cell: bool
) -> Mapping[str, Any]:
    record, item = _inline_item(parts, ctx, unit, object_name, record_id, field_name)
    made = widget(
        item.field,
        record.values.get(field_name),
        record.labels.get(field_name),
        reader_of(ctx),
        required=item.required,
        read_only=item.read_only,
    )
    return {
        "widget": {**made, "id": f"inline-{field_name}", "layout": "bare", "autofocus": True},
        "action": f"/o/{object_name}/{record_id}/edit/{field_name}" + ("?cell=1" if cell else ""),
        "target": "closest [data-edit]" if cell else "closest .detail",
        "revision": record.revision,
    }


def _inline_item(
    parts: RecordParts, ctx: Context, unit: Unit, object_name: str, record_id: str, field_name: str
) -> tuple[Record, Placed]:
    record = parts.query.get(ctx, unit, object_name, record_id)
    arrangement = arrangement_of(parts.access, ctx, record)
    for section in arrangement.sections(record.values):
        for item in section.fields:
            if item.field.name == field_name:
                return record, item
    found = arrangement.alone(field_name)
    if found is not None:
        return record, found
    raise NotFound("There is no field called {name}.", name=field_name[:60])


def _change_routes(pages: Pages, parts: RecordParts) -> None:
    @pages.post("/o/<object_name>/<record_id>/delete", policy=SIGNED_IN)
    def delete(call: Call, object_name: str, record_id: str) -> Response:
        call.write(lambda ctx, unit: parts.records.delete(ctx, unit, object_name, record_id))
        return htmx.go_to(f"/o/{object_name}")

    @pages.post("/o/<object_name>/<record_id>/restore", policy=SIGNED_IN)
    def restore(call: Call, object_name: str, record_id: str) -> Response:
        call.write(lambda ctx, unit: parts.records.restore(ctx, unit, object_name, record_id))
        return htmx.go_to(f"/o/{object_name}/{record_id}")
