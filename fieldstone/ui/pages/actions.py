"""Dialogs of the buttons on record pages: what a button asks, and pressing it.

In: a record's address and the name of an automation. Out: a dialog; after it the record page anew. Registered by
`ui.part`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response

from fieldstone.objects.types import Field
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, FieldstoneError, Forbidden, Invalid, Locked, NotFound
from fieldstone.rules.engine.automation import Automation
from fieldstone.rules.engine.rule_set import rule_set
from fieldstone.ui import htmx
from fieldstone.ui.pages.page import reader_of, say
from fieldstone.ui.pages.records import RecordParts, title_of
from fieldstone.ui.records.actions import ActionInputs, action_label
from fieldstone.ui.records.arrangement import Placed, PlacedSection
from fieldstone.ui.records.filling import Fillings
from fieldstone.ui.records.forms import FormBuilder, errors_by_name
from fieldstone.ui.values.decoded import decoded

_REFUSALS = (Invalid, Conflict, Locked, Forbidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Which button of which record."""

    object: str
    record: str
    action: str


def make_action_pages(parts: RecordParts, inputs: ActionInputs) -> Pages:
    """The routes."""
    pages = Pages("action_pages")
    rule = "/o/<object_name>/<record_id>/actions/<action>"

    @pages.get(rule, policy=SIGNED_IN)
    def action_dialog(call: Call, object_name: str, record_id: str, action: str) -> Response:
        return _show(parts, inputs, call, Button(object=object_name, record=record_id, action=action))

    @pages.post(rule, policy=SIGNED_IN)
    def press(call: Call, object_name: str, record_id: str, action: str) -> Response:
        button = Button(object=object_name, record=record_id, action=action)
        form = call.request.form

        def act(ctx: Context, unit: Unit) -> str:
            found = _rule(ctx, button)
            given = decoded(form, inputs.of(found, ctx.snapshot), reader_of(ctx), lambda field: ())
            parts.records.act(ctx, unit, object_name, record_id, action, given)
            return action_label(found, ctx.locale)

        try:
            done = call.write(act)
        except _REFUSALS as refusal:
            return _show(parts, inputs, call, button, refusal)
        return htmx.reload_or_go(
            f"/o/{object_name}/{record_id}", htmx.toast(say(call.locale, "Done: %(action)s", action=done))
        )

    return pages


def _show(
    parts: RecordParts, inputs: ActionInputs, call: Call, button: Button, refusal: FieldstoneError | None = None
) -> Response:
    def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
        parts.access.of(ctx).require(button.object, "update")
        record = parts.query.get(ctx, unit, button.object, button.record, ("title",))
        rule = _rule(ctx, button)
        fields = inputs.of(rule, ctx.snapshot)
        fillings = Fillings(parts.query, ctx, unit, parts.access.of(ctx).rights(button.object).kind)
        builder = FormBuilder(ctx, reader_of(ctx), fillings.typed(fields, call.request.form))
        return {
            "title": action_label(rule, ctx.locale),
            "record_title": title_of(record, ctx.locale),
            "icon": rule.trigger.icon or "bolt",
            "action": f"/o/{button.object}/{button.record}/actions/{button.action}",
            "sections": builder.sections([_section(fields)]),
            **_said(refusal, ctx.locale),
        }

    status = 200 if refusal is None else 409 if isinstance(refusal, Conflict) else 422
    return parts.maker.fragment(call, "pages/action_dialog.html", look, status=status)


def _said(refusal: FieldstoneError | None, locale: str) -> Mapping[str, Any]:
    if refusal is None:
        return {"errors": {}, "messages": []}
    by_name = errors_by_name(refusal.errors, locale)
    return {
        "errors": by_name,
        "messages": list(by_name.values()) or [translate(refusal.message, refusal.facts, locale)],
    }


def _section(fields: tuple[Field, ...]) -> PlacedSection:
    placed = tuple(Placed(field=field, full=False, required=field.required, read_only=False) for field in fields)
    return PlacedSection(name="input", label="", columns=1, tab="", fields=placed)


def _rule(ctx: Context, button: Button) -> Automation:
    found = rule_set(ctx.snapshot, button.object).button(button.action)
    if found is None:
        raise NotFound("There is no action called {name}.", name=button.action[:60])
    return found
