"""The list page: views as tabs with counts, chips, search, sort, columns, bulk bar, table or kanban, pages, export.

In: the list's URL. Out: a whole page, or for htmx the part that changed. All state is in the URL; what is shown comes
from the query service, so it is trimmed to what the reader may see. Registered by `ui.part`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response

from fieldstone.objects.access.service import Access, ActorAccess
from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.fieldtypes.operators import EQUALS, NOT_EQUALS, ONE_OF, Operator
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import ListQuery, Page
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.kernel.text import localized
from fieldstone.ui.definition.view import View, views_of
from fieldstone.ui.lists.cells import editable_columns, row_of
from fieldstone.ui.lists.fields import ReadableFields
from fieldstone.ui.lists.filters import combined, expression_of, operators_of, words_of
from fieldstone.ui.lists.state import KNOWN, ListState, state_of, with_form
from fieldstone.ui.pages.page import PageMaker, reader_of
from fieldstone.ui.pages.sign_in import redirect
from fieldstone.ui.values.shown import Reader, widget_of

PAGE_SIZE = 50
BOARD_SIZE = 200
USUAL_COLUMNS = 7
_FORM_PARTS = ("chip_field", "chip_operator", "chip_value", "column")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListParts:
    """The services behind a list page."""

    maker: PageMaker
    access: Access
    query: QueryService


def make_list_pages(parts: ListParts) -> Pages:
    """The routes."""
    pages = Pages("list_pages")

    @pages.get("/o/<object_name>", policy=SIGNED_IN)
    def list_page(call: Call, object_name: str) -> Response:
        args = _known(call, *_FORM_PARTS)
        state = with_form(state_of(f"/o/{object_name}", args), args)
        if any(name in args for name in _FORM_PARTS):
            return redirect(state.url())
        return parts.maker.page(
            call,
            "pages/list.html",
            lambda ctx, unit: look(parts, ctx, unit, object_name, state),
            object_name=object_name,
        )

    @pages.get("/o/<object_name>/tabs", policy=SIGNED_IN)
    def tabs(call: Call, object_name: str) -> Response:
        state = state_of(f"/o/{object_name}", _known(call))
        return parts.maker.fragment(
            call, "pages/list_tabs.html", lambda ctx, unit: _look_at_tabs(parts, ctx, unit, object_name, state)
        )

    @pages.get("/o/<object_name>/chip", policy=SIGNED_IN)
    def chip_dialog(call: Call, object_name: str) -> Response:
        args = _known(call, "field")
        state = state_of(f"/o/{object_name}", args)
        return parts.maker.fragment(
            call,
            "pages/list_chip.html",
            lambda ctx, unit: _chip_choices(parts, ctx, object_name, args.get("field", ""), state),
        )

    @pages.get("/o/<object_name>/columns", policy=SIGNED_IN)
    def columns_dialog(call: Call, object_name: str) -> Response:
        state = state_of(f"/o/{object_name}", _known(call))
        return parts.maker.fragment(
            call, "pages/list_columns.html", lambda ctx, unit: _column_choices(parts, ctx, object_name, state)
        )

    return pages


def look(parts: ListParts, ctx: Context, unit: Unit, object_name: str, state: ListState) -> Mapping[str, Any]:
    """Everything that the list page shows."""
    access = parts.access.of(ctx)
    access.require(object_name, "read")
    fields = ReadableFields(ctx, access, object_name)
    views = [view for view in views_of(ctx.snapshot, object_name) if view.shown_to(ctx.actor.roles)]
    view = _chosen(views, state.view)
    columns = _columns(fields, view, state)
    page = parts.query.list(ctx, unit, _query(fields, view, state, columns, ctx))
    reader = reader_of(ctx)
    board = view is not None and view.type == "kanban"
    editable = editable_columns(fields, access, columns)
    rows = [row_of(fields, record, columns, reader, editable) for record in page.records]
    return {
        "object": fields.kind,
        "title": localized(fields.kind.plural, ctx.locale),
        "state": state,
        "tab_items": _tabs(ctx, views, view, state, {}),
        "chips": _chips(fields, state, reader),
        "filter_fields": _filter_fields(fields, object_name, state, ctx.locale),
        "columns": _heads(fields, columns, view, state),
        "sorts": _sorts(fields, columns, view, state),
        "rows": rows,
        "board": _board(fields, view, rows, page, reader) if board and view is not None else None,
        "pager": _pager(state, page, len(rows)),
        "may": _may(access, object_name),
        "export": _exports(fields, view, state, columns, ctx),
        "kept": [pair for pair in _pairs(state) if pair[0] != "q"],
        "tabs_url": f"/o/{object_name}/tabs{_query_string(state)}",
        "dialogs": {"columns": f"/o/{object_name}/columns{_query_string(state)}"},
    }


def query_of(parts: ListParts, ctx: Context, object_name: str, state: ListState) -> ListQuery:
    """What a list in that state asks for."""
    fields = ReadableFields(ctx, parts.access.of(ctx), object_name)
    views = [view for view in views_of(ctx.snapshot, object_name) if view.shown_to(ctx.actor.roles)]
    view = _chosen(views, state.view)
    return _query(fields, view, state, _columns(fields, view, state), ctx)


def _known(call: Call, *more: str) -> Any:
    """The query parameters; `f` may come several times."""
    return call.query({*KNOWN, *more}, repeated={"f", "chip_value", "column"})


def _chosen(views: Sequence[View], name: str) -> View | None:
    if not name:
        return views[0] if views else None
    found = next((view for view in views if view.name == name), None)
    if found is None:
        raise NotFound("There is no view called {name}.", name=name[:60])
    return found


def _columns(fields: ReadableFields, view: View | None, state: ListState) -> tuple[str, ...]:
    wished = state.columns or (view.columns if view is not None else ())
    readable = tuple(path for path in wished if fields.find(path) is not None)
    return readable or tuple(field.name for field in fields.own() if not field.system)[:USUAL_COLUMNS]


def _query(
    fields: ReadableFields, view: View | None, state: ListState, columns: tuple[str, ...], ctx: Context
) -> ListQuery:
    chips = (expression_of(chip, fields.find) for chip in state.chips)
    board = view is not None and view.type == "kanban"
    grouped = (view.group,) if view is not None and view.group and fields.find(view.group) else ()
    return ListQuery(
        object=fields.kind.name,
        filter=combined(*chips),
        view=view.name if view is not None else None,
        sort=(state.sort,) if state.sort else (view.sort if view is not None else ("-created_at",)),
        fields=tuple(dict.fromkeys((*columns, *grouped))),
        limit=BOARD_SIZE if board else PAGE_SIZE,
        cursor=state.cursor or None,
        count="capped",
        q=state.q or None,
    )


def _tabs(
    ctx: Context, views: Sequence[View], current: View | None, state: ListState, counts: Mapping[str, tuple[int, bool]]
) -> list[dict[str, Any]]:
    return [
        {
            "label": localized(view.label, ctx.locale),
            "href": state.with_view(view.name).url(),
            "active": view is current,
            "count": _count_words(counts.get(view.name)) if view.count else None,
        }
        for view in views
    ]


def _look_at_tabs(parts: ListParts, ctx: Context, unit: Unit, object_name: str, state: ListState) -> Mapping[str, Any]:
    """The tabs with the counts of all views: asked for after the page, so that the page does not wait for them."""
    access = parts.access.of(ctx)
    access.require(object_name, "read")
    views = [view for view in views_of(ctx.snapshot, object_name) if view.shown_to(ctx.actor.roles)]
    counts = {
        view.name: parts.query.count(ctx, unit, ListQuery(object=object_name, view=view.name))
        for view in views
        if view.count
    }
    return {"tab_items": _tabs(ctx, views, _chosen(views, state.view), state, counts)}


def _count_words(found: tuple[int, bool] | None) -> str | None:
    if found is None:
        return None
    return f"{found[0]:,}" + ("+" if found[1] else "")


def _chips(fields: ReadableFields, state: ListState, reader: Reader) -> list[dict[str, Any]]:
    made = []
    for chip in state.chips:
        name, text = words_of(chip, fields.find, reader, {})
        made.append({"field": name, "text": text, "remove_href": state.without(chip).url()})
    return made


def _filter_fields(fields: ReadableFields, object_name: str, state: ListState, locale: str) -> list[dict[str, Any]]:
    query = _query_string(state)
    mark = "&" if query else "?"
    return [
        {"label": field.text(locale), "url": f"/o/{object_name}/chip{query}{mark}field={field.name}"}
        for field in fields.own()
        if operators_of(field)
    ]


def _heads(fields: ReadableFields, columns: Sequence[str], view: View | None, state: ListState) -> list[dict[str, Any]]:
    key, down = _sort_now(view, state)
    heads = []
    for n, path in enumerate(columns):
        field = fields.find(path)
        assert field is not None
        kind = widget_of(field, "en")
        kind_name = kind.get("of", kind["kind"])
        head: dict[str, Any] = {
            "key": path,
            "label": fields.label(path),
            "align": "end" if kind_name in ("number", "decimal", "percent", "money") else "start",
            "role": "title" if n == 0 else "sub" if n == 1 else "",
            "clip": n == 1,
        }
        if field.sortable:
            head["sort_href"] = state.sorted_by(f"-{path}" if key == path and not down else path).url()
            head["sorted"] = ("desc" if down else "asc") if key == path else ""
        heads.append(head)
    return heads


def _sorts(fields: ReadableFields, columns: Sequence[str], view: View | None, state: ListState) -> Mapping[str, Any]:
    key, down = _sort_now(view, state)
    items = []
    for path in columns:
        field = fields.find(path)
        if field is not None and field.sortable:
            items.append({"label": fields.label(path), "current": path == key, "href": state.sorted_by(path).url()})
    return {"label": fields.label(key) if key and fields.find(key) else "", "down": down, "items": items}


def _sort_now(view: View | None, state: ListState) -> tuple[str, bool]:
    key = state.sort or (view.sort[0] if view is not None and view.sort else "")
    return key.removeprefix("-"), key.startswith("-")


def _pager(state: ListState, page: Page, rows: int) -> dict[str, Any]:
    previous = state.previous_page()
    first = (state.page - 1) * PAGE_SIZE + 1
    return {
        "first": first if rows else 0,
        "last": first + rows - 1 if rows else 0,
        "total": page.count,
        "capped": page.count_capped,
        "previous": previous.url() if previous is not None else "",
        "next": state.next_page(page.next_cursor).url() if page.next_cursor else "",
    }


def _board(
    fields: ReadableFields, view: View, rows: Sequence[Mapping[str, Any]], page: Page, reader: Reader
) -> list[dict[str, Any]]:
    """The columns of a kanban view: the options of its group field, each with its cards."""
    field = fields.find(view.group or "")
    if field is None:
        return []
    options = [option for option in widget_of(field, reader.locale).get("options", ()) if not option.get("retired")]
    lanes = {option["value"]: {**option, "cards": []} for option in options}
    for row in rows:
        lane = lanes.get(row["values"].get(field.name))
        if lane is not None:
            lane["cards"].append(row)
    return list(lanes.values())


def _may(access: ActorAccess, object_name: str) -> dict[str, bool]:
    rights = access.rights(object_name)
    return {
        "create": access.may(object_name, "create"),
        "update": access.may(object_name, "update"),
        "delete": access.may(object_name, "delete"),
        "export": rights.export,
    }


def _chip_choices(parts: ListParts, ctx: Context, object_name: str, path: str, state: ListState) -> Mapping[str, Any]:
    fields = ReadableFields(ctx, parts.access.of(ctx), object_name)
    field = fields.find(path)
    if field is None or not operators_of(field):
        raise NotFound("There is no field called {name}.", name=path[:60])
    spec = widget_of(field, ctx.locale)
    return {
        "field": path,
        "label": fields.label(path),
        "operators": [
            {"value": each.name, "label": localized(each.label, ctx.locale), "values": each.values}
            for each in _offered(field, bool(spec.get("options")))
        ],
        "kind": spec.get("of", spec["kind"]),
        "options": spec.get("options", ()),
        "lookup_url": f"/lookup/{object_name}/{path}" if field.type.targets else "",
        "state": state,
        "kept": _pairs(state),
        "action": f"/o/{object_name}",
    }


def _offered(field: Field, has_options: bool) -> Sequence[Operator]:
    """The operators of a chip; of options one chooses several, so "is one of" stands for "is"."""
    operators = operators_of(field)
    if has_options and ONE_OF in operators:
        return [each for each in operators if each not in (EQUALS, NOT_EQUALS)]
    return operators


def _column_choices(parts: ListParts, ctx: Context, object_name: str, state: ListState) -> Mapping[str, Any]:
    fields = ReadableFields(ctx, parts.access.of(ctx), object_name)
    views = [view for view in views_of(ctx.snapshot, object_name) if view.shown_to(ctx.actor.roles)]
    chosen = _columns(fields, _chosen(views, state.view), state)
    names = tuple(dict.fromkeys((*chosen, *(field.name for field in fields.own()))))
    return {
        "choices": [{"name": name, "label": fields.label(name), "on": name in chosen} for name in names],
        "kept": [pair for pair in _pairs(state) if pair[0] != "columns"],
        "action": f"/o/{object_name}",
    }


def _pairs(state: ListState) -> list[tuple[str, str]]:
    """The state as hidden inputs of a GET form."""
    pairs = [("view", state.view), ("sort", state.sort), ("q", state.q), ("columns", ",".join(state.columns))]
    return [pair for pair in pairs if pair[1]] + [("f", chip.text) for chip in state.chips]


def _exports(
    fields: ReadableFields, view: View | None, state: ListState, columns: tuple[str, ...], ctx: Context
) -> dict[str, str]:
    """Addresses of this list as files, as the API gives them."""
    asked = _query(fields, view, state, columns, ctx)
    pairs = {
        "view": asked.view,
        "filter": asked.filter,
        "sort": ",".join(asked.sort),
        "q": asked.q,
        "fields": ",".join(columns),
        "headings": "labels",
    }
    query = urlencode({name: value for name, value in pairs.items() if value})
    return {kind: f"/api/v1/records/{fields.kind.name}/export.{kind}?{query}" for kind in ("csv", "xlsx")}


def _query_string(state: ListState) -> str:
    return state.first_page().url()[len(state.path) :]
