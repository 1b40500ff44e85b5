"""The dispatch panel on a record page, and its Assign button.

In: a record that a dispatch policy is about. Out: a part of the page. Brings its `Panel` to the record page. Registered
by `plugins.part`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Response

from fieldstone.objects.access.conditions import user_variables
from fieldstone.objects.access.service import Access, evaluation_context
from fieldstone.objects.query.values import Record
from fieldstone.objects.sql.related import variables_of
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import Conflict, FieldstoneError, Invalid
from fieldstone.platform.kernel.text import localized
from fieldstone.plugins.dispatch.api import vars_of, words
from fieldstone.plugins.dispatch.definition import CompiledPolicy
from fieldstone.plugins.dispatch.reasons import OBJECTIVE_LABELS
from fieldstone.plugins.dispatch.service import DispatchService, Proposal
from fieldstone.plugins.host.guarded import PluginFailed
from fieldstone.plugins.sdk.dispatch import Candidate
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.ui import htmx
from fieldstone.ui.pages.page import PageMaker
from fieldstone.ui.records.panels import Panel

SHOWN = 6
TEMPLATES = Path(__file__).resolve().parent / "templates"
_COLORS = ("blue", "teal", "purple", "amber", "green", "pink")
_NOT_NOW = (Conflict, Invalid, PluginFailed)


def dispatch_panel(access: Access) -> Panel:
    """The panel: for whoever may change any record that a policy is about, while the policy dispatches it."""

    def shown(ctx: Context, record: Record) -> bool:
        rights = access.of(ctx).policy.rights(record.object)
        if rights is None or not rights.reach("update").is_everything:
            return False
        policies = [each for each in ctx.snapshot.all("dispatch_policy") if each.object == record.object]
        return any(_stands_open(ctx, policy, record) for policy in policies)

    return Panel(name="dispatch", shown=shown)


def _stands_open(ctx: Context, policy: CompiledPolicy, record: Record) -> bool:
    """Whether the policy dispatches the record as it is; when that cannot be told from its own fields, it is asked."""
    if policy.condition is None:
        return True
    kind = ctx.snapshot.get("object", record.object)
    variables = {**variables_of(kind, record.values), "user": user_variables(ctx.actor)}
    try:
        return policy.condition.holds(variables, evaluation_context(ctx))
    except EvaluationError:
        return True


def make_dispatch_pages(service: DispatchService, maker: PageMaker) -> Pages:
    """The routes."""
    pages = Pages("dispatch_pages")

    @pages.get("/o/<object_name>/<record_id>/dispatch", policy=SIGNED_IN)
    def panel(call: Call, object_name: str, record_id: str) -> Response:
        return _panel(service, maker, call, object_name, record_id)

    @pages.post("/o/<object_name>/<record_id>/dispatch", policy=SIGNED_IN)
    def assign(call: Call, object_name: str, record_id: str) -> Response:
        resource = call.request.form.get("resource", "")
        try:
            proposal = service.propose(call.read, object_name, record_id)
            service.check(proposal, resource)
            call.write(lambda ctx, unit: service.assign(ctx, unit, proposal, resource))
        except _NOT_NOW as error:
            return _panel(service, maker, call, object_name, record_id, error)
        return htmx.go_to(f"/o/{object_name}/{record_id}")

    return pages


def _panel(
    service: DispatchService,
    maker: PageMaker,
    call: Call,
    object_name: str,
    record_id: str,
    error: FieldstoneError | None = None,
) -> Response:
    try:
        proposal = service.propose(call.read, object_name, record_id)
    except PluginFailed as failed:
        values: Mapping[str, Any] = {
            "policy": "",
            "candidates": [],
            "left_out": [],
            "message": _said(failed, call.locale),
        }
    else:
        values = _values(proposal, f"/o/{object_name}/{record_id}/dispatch", call.locale)
    message = _said(error, call.locale) if error is not None else values.get("message", "")
    again = f"/o/{object_name}/{record_id}/dispatch"
    shown = {**values, "message": message, "again_url": again}
    return maker.drawn(call, "dispatch/panel.html", shown, status=409 if error is not None else 200)


def _values(proposal: Proposal, action: str, locale: str) -> Mapping[str, Any]:
    return {
        "policy": localized(proposal.policy.label, locale),
        "candidates": [
            _candidate(proposal, each, n, action, locale)
            for n, each in enumerate(proposal.ranking.candidates[:SHOWN], 1)
        ],
        "left_out": [
            {
                "name": proposal.label(each.resource),
                "reasons": [words(r.code, vars_of(r), locale) for r in each.reasons],
            }
            for each in proposal.ranking.excluded
        ],
    }


def _candidate(proposal: Proposal, candidate: Candidate, rank: int, action: str, locale: str) -> dict[str, Any]:
    resource = next(each for each in proposal.request.resources if each.id == candidate.resource)
    facts = [{"icon": "clipboard-list", "text": translate("{count} open jobs", {"count": resource.load}, locale)}]
    if candidate.travel_s is not None and candidate.distance_m is not None:
        minutes = {"minutes": round(candidate.travel_s / 60)}
        facts = [
            {"icon": "clock", "text": translate("about {minutes} min", minutes, locale)},
            {"icon": "map-pin", "text": f"{candidate.distance_m / 1000:.1f} km"},
            *facts,
        ]
    parts = [
        {
            "label": translate(OBJECTIVE_LABELS.get(part.code, part.code), {}, locale),
            "value": round(part.contribution, 1),
            "text": round(part.contribution),
            "color": _COLORS[n % len(_COLORS)],
        }
        for n, part in enumerate(candidate.parts)
    ]
    return {
        "rank": rank,
        "name": resource.label,
        "facts": facts,
        "score": round(candidate.score),
        "parts": parts,
        "best": rank == 1,
        "assign_url": action,
        "fields": {"resource": candidate.resource},
    }


def _said(error: FieldstoneError, locale: str) -> str:
    return translate(error.message, error.facts, locale)
