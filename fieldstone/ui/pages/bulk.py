"""Changing or deleting many records of a list at once: the ones checked, or all that match.

In: ids, or the list's address with "all matching". Out: a dialog that first says how many records it is about; then the
list anew. Each record goes through the record service; those that are refused are counted and named. Registered by
`ui.part`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Response
from werkzeug.datastructures import MultiDict

from fieldstone.objects.access.policy import ObjectRights
from fieldstone.objects.query.values import MAX_LIMIT, ListQuery
from fieldstone.objects.records.values import Bulk, DeleteOperation, Operation, UpdateOperation
from fieldstone.objects.types import Field
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.i18n import mark, translate
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Invalid, NotFound
from fieldstone.platform.kernel.ids import is_id
from fieldstone.ui import htmx
from fieldstone.ui.lists.state import state_of
from fieldstone.ui.pages.lists import ListParts, query_of
from fieldstone.ui.pages.page import reader_of, say
from fieldstone.ui.pages.records import RecordParts
from fieldstone.ui.values.decoded import decoded
from fieldstone.ui.values.widgets import widget

MOST = 1_000
_KNOWN = {"ids", "all_matching", "field"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What was selected: ids, or everything that the list at `address` shows."""

    object: str
    ids: tuple[str, ...]
    address: str


def make_bulk_pages(parts: RecordParts, lists: ListParts) -> Pages:
    """The routes."""
    pages = Pages("bulk_pages")
    bulk = BulkPages(parts, lists)

    @pages.get("/o/<object_name>/bulk", policy=SIGNED_IN)
    def edit_dialog(call: Call, object_name: str) -> Response:
        args = call.query(_KNOWN, repeated={"ids"})
        return bulk.dialog(call, _selection(call, object_name, args), args.get("field", ""))

    @pages.post("/o/<object_name>/bulk", policy=SIGNED_IN)
    def edit(call: Call, object_name: str) -> Response:
        return bulk.edit(call, _selection(call, object_name, call.request.form))

    @pages.get("/o/<object_name>/bulk/delete", policy=SIGNED_IN)
    def delete_dialog(call: Call, object_name: str) -> Response:
        args = call.query(_KNOWN, repeated={"ids"})
        return bulk.delete_dialog(call, _selection(call, object_name, args))

    @pages.post("/o/<object_name>/bulk/delete", policy=SIGNED_IN)
    def delete(call: Call, object_name: str) -> Response:
        return bulk.delete(call, _selection(call, object_name, call.request.form))

    return pages


def _selection(call: Call, object_name: str, given: MultiDict[str, str]) -> Selection:
    """What was selected; with "all matching" the list is the page that asks, as htmx names it."""
    everything = given.get("all_matching") == "true"
    address = given.get("address") or call.request.headers.get("HX-Current-URL", "")
    ids = tuple(dict.fromkeys(each for each in given.getlist("ids") if is_id(each)))[:MOST]
    return Selection(object=object_name, ids=() if everything else ids, address=address if everything else "")


class BulkPages:
    """Draws the dialogs and does the work."""

    def __init__(self, parts: RecordParts, lists: ListParts) -> None:
        self._parts = parts
        self._lists = lists

    def dialog(self, call: Call, chosen: Selection, field_name: str) -> Response:
        """Which field, and its new value."""
        return self._dialog(call, chosen, field_name, {}, 200)

    def edit(self, call: Call, chosen: Selection) -> Response:
        """Change one field of all of them."""
        form = call.request.form
        name = form.get("field", "")

        def work(ctx: Context, unit: Unit) -> Bulk:
            rights = self._parts.access.of(ctx).require(chosen.object, "update")
            field = _field(rights, name)
            values = decoded(form, (field,), reader_of(ctx), lambda _: ())
            found = self._ids(ctx, unit, chosen)
            return self._run(ctx, unit, chosen.object, [UpdateOperation(id=each, data=values) for each in found])

        try:
            done = call.write(work)
        except Invalid as refusal:
            return self._dialog(call, chosen, name, {name: _reason(refusal, call.locale)}, 422)
        refused = [each for each in done.results if each.error is not None]
        if refused and len(refused) == len(done.results):
            return self._dialog(call, chosen, name, {name: _reason(refused[0].error, call.locale)}, 422)
        return self._told(call, done, mark("Changed %(n)s records"))

    def delete_dialog(self, call: Call, chosen: Selection) -> Response:
        """How many would go."""

        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            self._parts.access.of(ctx).require(chosen.object, "delete")
            return {**_carried(chosen), "count": len(self._ids(ctx, unit, chosen)), "most": MOST}

        return self._parts.maker.fragment(call, "pages/bulk_delete.html", look)

    def delete(self, call: Call, chosen: Selection) -> Response:
        """Put them into the bin."""

        def work(ctx: Context, unit: Unit) -> Bulk:
            self._parts.access.of(ctx).require(chosen.object, "delete")
            found = self._ids(ctx, unit, chosen)
            return self._run(ctx, unit, chosen.object, [DeleteOperation(id=each) for each in found])

        return self._told(call, call.write(work), mark("Deleted %(n)s records"))

    def _run(self, ctx: Context, unit: Unit, name: str, operations: Sequence[Operation]) -> Bulk:
        return self._parts.records.bulk(ctx, unit, name, operations, atomic=False)

    def _told(self, call: Call, done: Bulk, text: str) -> Response:
        kept = [each for each in done.results if each.error is None]
        refused = len(done.results) - len(kept)
        said = say(call.locale, text, n=len(kept))
        if refused:
            said += " · " + say(call.locale, "%(n)s were refused", n=refused)
        return htmx.reload(htmx.toast(said, kind="warn" if refused else "ok"))

    def _ids(self, ctx: Context, unit: Unit, chosen: Selection) -> list[str]:
        if not chosen.address:
            return list(chosen.ids)
        path = f"/o/{chosen.object}"
        state = state_of(path, MultiDict(parse_qsl(urlsplit(chosen.address).query))).first_page()
        query = replace(query_of(self._lists, ctx, chosen.object, state), fields=("id",), limit=MAX_LIMIT, count="no")
        return self._all(ctx, unit, query)

    def _all(self, ctx: Context, unit: Unit, query: ListQuery) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while len(found) < MOST:
            page = self._parts.query.list(ctx, unit, replace(query, cursor=cursor))
            found += [record.id for record in page.records]
            cursor = page.next_cursor
            if cursor is None:
                break
        return found[:MOST]

    def _dialog(
        self, call: Call, chosen: Selection, field_name: str, errors: Mapping[str, str], status: int
    ) -> Response:
        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            rights = self._parts.access.of(ctx).require(chosen.object, "update")
            field = _field(rights, field_name) if field_name else None
            made = widget(field, None, None, reader_of(ctx)) if field is not None else None
            return {
                **_carried(chosen),
                "count": len(self._ids(ctx, unit, chosen)),
                "fields": [{"value": each.name, "label": each.text(ctx.locale)} for each in _choices(rights)],
                "field": field_name,
                "widget": made,
                "errors": errors,
            }

        return self._parts.maker.fragment(call, "pages/bulk_edit.html", look, status=status)


def _carried(chosen: Selection) -> Mapping[str, Any]:
    return {
        "action": f"/o/{chosen.object}/bulk",
        "ids": chosen.ids,
        "address": chosen.address,
        "everything": bool(chosen.address),
    }


def _choices(rights: ObjectRights) -> list[Field]:
    fields = rights.kind.own_fields.values()
    return [
        f for f in fields if f.writable and not f.type.nested and rights.readable(f.name) and rights.editable(f.name)
    ]


def _field(rights: ObjectRights, name: str) -> Field:
    found = next((field for field in _choices(rights) if field.name == name), None)
    if found is None:
        raise NotFound("There is no field called {name}.", name=name[:60])
    return found


def _reason(error: Any, locale: str) -> str:
    if error is None:
        return ""
    told = [translate(each.message, each.facts, locale) for each in error.errors]
    return " ".join(dict.fromkeys(told)) or translate(error.message, error.facts, locale)
