"""Forms that create and change records: full pages, the quick drawer, and the form again when a value changes.

In: addresses and posted forms. Out: whole pages, a drawer, or sections; after saving, the way to the record. What was
typed always comes back: 422 with messages beside the fields, 409 with both values of what somebody else changed
meanwhile. Whether something may be saved is the record service's word. Registered by `ui.part`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Response
from werkzeug.datastructures import MultiDict

from fieldstone.objects.query.values import Record
from fieldstone.objects.types import Field
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, FieldstoneError, Forbidden, Invalid, Locked, StaleRevision
from fieldstone.ui import htmx
from fieldstone.ui.definition.layout import layout_for
from fieldstone.ui.pages.page import reader_of, say
from fieldstone.ui.pages.records import RecordParts, title_of, whole
from fieldstone.ui.records.arrangement import Arrangement
from fieldstone.ui.records.changes import base_of, changed, clashes, fingerprints
from fieldstone.ui.records.filling import Fillings, with_default_names
from fieldstone.ui.records.forms import FormBuilder, error_list, errors_by_name, row_fields, with_errors
from fieldstone.ui.records.uploads import kept, with_uploads
from fieldstone.ui.values.decoded import decoded, row_keys
from fieldstone.ui.values.shown import Reader

Form = MultiDict[str, str]
_OWN = {"drawer", "stay"}
_REFUSALS = (Invalid, StaleRevision, Conflict, Locked, Forbidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One form: of which object and record (None: a new one), what was typed, and what was said against it."""

    object: str
    record: str | None = None
    form: Form = field(default_factory=MultiDict)
    drawer: bool = False
    stay: bool = False
    refusal: FieldstoneError | None = None


def make_form_pages(parts: RecordParts) -> Pages:
    """The routes."""
    pages = Pages("form_pages")

    @pages.get("/o/<object_name>/new", policy=SIGNED_IN)
    def new_form(call: Call, object_name: str) -> Response:
        return _show(parts, call, _asked(call, object_name, _prefill(call)))

    @pages.post("/o/<object_name>/new", policy=SIGNED_IN, body="file")
    def create(call: Call, object_name: str) -> Response:
        call.query(_OWN)
        return _save(parts, call, _asked(call, object_name, call.request.form))

    @pages.get("/o/<object_name>/<record_id>/edit", policy=SIGNED_IN)
    def edit_form(call: Call, object_name: str, record_id: str) -> Response:
        return _show(parts, call, Asked(object=object_name, record=record_id))

    @pages.post("/o/<object_name>/<record_id>/edit", policy=SIGNED_IN, body="file")
    def update(call: Call, object_name: str, record_id: str) -> Response:
        return _save(parts, call, Asked(object=object_name, record=record_id, form=call.request.form))

    @pages.post("/o/<object_name>/form", policy=SIGNED_IN)
    def refreshed(call: Call, object_name: str) -> Response:
        record = call.query({"id", *_OWN}).get("id")
        asked = replace(_asked(call, object_name, call.request.form), record=record)
        return parts.maker.fragment(
            call, "pages/form_sections.html", lambda ctx, unit: FormLook(parts, ctx, unit, asked).look()
        )

    return pages


def _asked(call: Call, object_name: str, form: Form) -> Asked:
    args = call.args
    return Asked(object=object_name, form=form, drawer=args.get("drawer") == "1", stay=args.get("stay") == "1")


def _prefill(call: Call) -> Form:
    """Values that the address brings, by field name; what is no field is not looked at."""
    args = call.query({*_OWN, *call.args})
    return MultiDict((name, value[:2000]) for name, value in args.items(multi=True) if name not in _OWN)


def _show(parts: RecordParts, call: Call, asked: Asked, status: int = 200) -> Response:
    def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
        return FormLook(parts, ctx, unit, asked).look()

    if asked.drawer:
        return parts.maker.fragment(call, "pages/form_drawer.html", look, status=status)
    return parts.maker.page(call, "pages/form.html", look, object_name=asked.object, status=status)


def _save(parts: RecordParts, call: Call, asked: Asked) -> Response:
    uploads = kept(parts.files, call)

    def save(ctx: Context, unit: Unit) -> Record:
        form = with_uploads(parts.files, ctx, unit, asked.form, uploads)
        return Saving(parts, ctx, unit, replace(asked, form=form)).save()

    try:
        record = call.write(save)
    except _REFUSALS as refusal:
        status = 409 if isinstance(refusal, StaleRevision | Conflict) else 422
        return _show(parts, call, replace(asked, refusal=refusal), status)
    if asked.stay:
        return htmx.reload(htmx.toast(say(call.locale, "Saved")))
    return htmx.go_to(f"/o/{record.object}/{record.id}")


class Saving:
    """One posted form on its way to the record service."""

    def __init__(self, parts: RecordParts, ctx: Context, unit: Unit, asked: Asked) -> None:
        self._parts = parts
        self._ctx = ctx
        self._unit = unit
        self._asked = asked

    def save(self) -> Record:
        """Save what was changed."""
        asked, records = self._asked, self._parts.records
        fields, values = self._sent()
        if asked.record is None:
            return records.create(self._ctx, self._unit, asked.object, values)
        mine = _mine(fields, values, asked.form)
        return records.update(
            self._ctx, self._unit, asked.object, asked.record, mine, revision=_number(asked.form.get("revision"))
        )

    def _sent(self) -> tuple[Sequence[Field], dict[str, Any]]:
        asked = self._asked
        form = asked.form
        self._parts.access.of(self._ctx).require(asked.object, "create" if asked.record is None else "update")
        arrangement = _arrangement(self._parts, self._ctx, asked.object, form.get("record_type"))
        fields = arrangement.all_fields()
        values = decoded(form, fields, reader_of(self._ctx), lambda field: row_fields(self._ctx, field))
        if asked.record is None and arrangement.kind.record_types and form.get("record_type"):
            values["record_type"] = form["record_type"]
        return fields, values


def _mine(fields: Sequence[Field], values: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """What was changed and, after a conflict, is wanted so."""
    mine = changed(fields, values, base_of(form.get("base", "")))
    return {name: value for name, value in mine.items() if form.get(f"choice.{name}") != "theirs"}


class FormLook:
    """Everything that a form shows."""

    def __init__(self, parts: RecordParts, ctx: Context, unit: Unit, asked: Asked) -> None:
        self._parts = parts
        self._ctx = ctx
        self._unit = unit
        self._asked = asked
        self._reader: Reader = reader_of(ctx)

    def look(self) -> Mapping[str, Any]:
        """The mapping that the form's templates draw."""
        asked, ctx = self._asked, self._ctx
        self._parts.access.of(ctx).require(asked.object, "create" if asked.record is None else "update")
        record = whole(self._parts, ctx, self._unit, asked.object, asked.record) if asked.record else None
        record_type = record.values.get("record_type") if record is not None else asked.form.get("record_type")
        arrangement = _arrangement(self._parts, ctx, asked.object, record_type)
        fields = arrangement.all_fields()
        fillings = Fillings(self._parts.query, ctx, self._unit, arrangement.kind)
        filling = fillings.of(fields, record, asked.form)
        if record is None:
            filling = replace(filling, form=with_default_names(filling, fields))
        placed = (
            arrangement.quick() if asked.drawer else arrangement.sections(fillings.seen(fields, filling, self._reader))
        )
        sections = FormBuilder(ctx, self._reader, filling).sections(placed)
        return {
            **self._frame(arrangement, record),
            **self._said(arrangement, sections),
            "sections": sections,
            "conflict": self._conflict(fields, record, filling.names),
            "base": self._base(fields, record),
            "revision": record.revision if record is not None else "",
            "multipart": any(made["kind"] in ("file", "image") for each in sections for made in each["widgets"]),
            "conditional": arrangement.has_conditions and not asked.drawer,
        }

    def _frame(self, arrangement: Arrangement, record: Record | None) -> Mapping[str, Any]:
        asked, kind = self._asked, arrangement.kind
        address = f"/o/{asked.object}/{asked.record}" if asked.record else f"/o/{asked.object}"
        name = kind.text(self._ctx.locale)
        title = (
            title_of(record, self._ctx.locale)
            if record is not None
            else say(self._ctx.locale, "New: %(name)s", name=name)
        )
        query = "&".join(part for part in ("drawer=1" if asked.drawer else "", "stay=1" if asked.stay else "") if part)
        tail = f"?{query}" if query else ""
        return {
            "object": kind,
            "object_label": name,
            "title": title,
            "address": address,
            "action": (f"{address}/edit" if asked.record else f"/o/{asked.object}/new") + tail,
            "full_url": f"/o/{asked.object}/new",
            "refresh_url": f"/o/{asked.object}/form" + (f"?id={asked.record}" if asked.record else ""),
            "record_types": self._record_types(arrangement) if record is None else [],
            "record_type": asked.form.get("record_type", ""),
            "is_new": record is None,
        }

    def _record_types(self, arrangement: Arrangement) -> list[dict[str, str]]:
        return [
            {"value": each.name, "label": translate(each.label, {}, self._ctx.locale)}
            for each in arrangement.kind.record_types
        ]

    def _said(self, arrangement: Arrangement, sections: Sequence[dict[str, Any]]) -> Mapping[str, Any]:
        """Messages beside the fields, the summary, and what else was said against saving."""
        refusal, locale = self._asked.refusal, self._ctx.locale
        if refusal is None:
            return {"errors": {}, "summary": [], "message": ""}
        rows = self._row_keys(arrangement)
        by_name = errors_by_name(refusal.errors, locale, rows)
        with_errors(sections, by_name)
        summary = error_list(refusal.errors, arrangement.kind, locale, rows)
        told = (
            "" if summary or isinstance(refusal, StaleRevision) else translate(refusal.message, refusal.facts, locale)
        )
        return {"errors": by_name, "summary": summary, "message": told}

    def _row_keys(self, arrangement: Arrangement) -> dict[str, list[str]]:
        """The keys of the child rows in the order in which they were sent."""
        form, ctx = self._asked.form, self._ctx

        def inner(field: Field) -> Sequence[Field]:
            return row_fields(ctx, field)

        return {
            each.name: row_keys(form, each, self._reader, inner, each.name)
            for each in arrangement.all_fields()
            if each.type.nested and f"{each.name}.rows" in form
        }

    def _base(self, fields: Sequence[Field], record: Record | None) -> str:
        if record is None:
            return ""
        return self._asked.form.get("base") or fingerprints(fields, record)

    def _conflict(self, fields: Sequence[Field], record: Record | None, names: Mapping[str, str]) -> Any:
        """The fields that two people changed, when somebody else was faster; None when nobody was."""
        if record is None or not isinstance(self._asked.refusal, StaleRevision):
            return None
        form = self._asked.form
        values = decoded(form, fields, self._reader, lambda field: row_fields(self._ctx, field))
        base = base_of(form.get("base", ""))
        found = clashes(fields, changed(fields, values, base), base, record, self._reader, names)
        return [
            {
                "name": clash.field.name,
                "label": clash.field.text(self._ctx.locale),
                "mine": clash.mine,
                "theirs": clash.theirs,
            }
            for clash in found
        ]


def _arrangement(parts: RecordParts, ctx: Context, object_name: str, record_type: str | None) -> Arrangement:
    access = parts.access.of(ctx)
    kind = access.rights(object_name).kind
    return Arrangement(access, kind, layout_for(ctx.snapshot, object_name, ctx.actor.roles, record_type))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and len(text) < 18 else None
