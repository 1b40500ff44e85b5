"""Approvals for people: the inbox, the card on a record page, the dialog in which somebody decides.

In: requests of the approval service. Out: a page, a panel, a dialog. Who may decide is the service's word; a decision
that came too late is said in the dialog. Registered by `ui.part`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

from flask import Response

from fieldstone.objects.approvals.inbox import RequestQuery
from fieldstone.objects.approvals.service import ApprovalService, DecisionKind, NewDecision
from fieldstone.objects.approvals.views import RequestView
from fieldstone.objects.query.values import Record
from fieldstone.platform.http.call import Call
from fieldstone.platform.http.policies import SIGNED_IN
from fieldstone.platform.http.routes import Pages
from fieldstone.platform.i18n import translate
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, FieldstoneError, Forbidden, Invalid, NotFound
from fieldstone.ui import htmx
from fieldstone.ui.pages.page import PageMaker, say
from fieldstone.ui.records.approval_cards import DECISION_WORDS, card, inbox_item
from fieldstone.ui.records.panels import Panel

_SHOWS: Mapping[str, RequestQuery] = {
    "waiting": RequestQuery(state="open", mine=True),
    "requested": RequestQuery(requested=True),
    "decided": RequestQuery(mine=True),
}
_REFUSALS = (Invalid, Conflict, Forbidden)


def make_approval_pages(maker: PageMaker, approvals: ApprovalService) -> Pages:
    """The routes."""
    pages = Pages("approval_pages")
    _inbox_routes(pages, maker, approvals)
    _decision_routes(pages, maker, approvals)

    @pages.get("/o/<object_name>/<record_id>/approval", policy=SIGNED_IN)
    def approval_panel(call: Call, object_name: str, record_id: str) -> Response:
        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            requests = approvals.for_record(ctx, unit, object_name, record_id)
            return {"cards": [card(each, ctx) for each in requests[:1]]}

        return maker.fragment(call, "pages/approval_panel.html", look)

    return pages


def approval_panel() -> Panel:
    """The card beside a record whose object has an approval process."""
    return Panel(name="approval", shown=_has_process)


def _has_process(ctx: Context, record: Record) -> bool:
    return any(process.object == record.object for process in ctx.snapshot.all("approval_process"))


def _inbox_routes(pages: Pages, maker: PageMaker, approvals: ApprovalService) -> None:
    @pages.get("/approvals", policy=SIGNED_IN)
    def inbox(call: Call) -> Response:
        args = call.query({"show", "cursor"})
        show = args.get("show", "waiting")
        if show not in _SHOWS:
            raise NotFound
        asked = _SHOWS[show]
        query = RequestQuery(
            state=asked.state, mine=asked.mine, requested=asked.requested, after=args.get("cursor"), limit=50
        )

        def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
            page = approvals.inbox(ctx, unit, query)
            shown = [each for each in page.requests if show != "decided" or each.state not in ("pending", "blocked")]
            return {
                "show": show,
                "tab_items": _tabs(ctx, show, approvals.waiting_count(ctx, unit)),
                "requests": [inbox_item(each, ctx) for each in shown],
                "next": f"/approvals?show={show}&cursor={page.next_cursor}" if page.next_cursor else "",
            }

        return maker.page(call, "pages/approvals.html", look)


def _tabs(ctx: Context, show: str, waiting: int) -> list[dict[str, Any]]:
    labels = {
        "waiting": say(ctx.locale, "Waiting for me"),
        "requested": say(ctx.locale, "Requested by me"),
        "decided": say(ctx.locale, "Done"),
    }
    return [
        {
            "label": label,
            "href": f"/approvals?show={name}",
            "active": name == show,
            "count": waiting if name == "waiting" else None,
        }
        for name, label in labels.items()
    ]


def _decision_routes(pages: Pages, maker: PageMaker, approvals: ApprovalService) -> None:
    @pages.get("/approvals/<request_id>/decide", policy=SIGNED_IN)
    def decision_dialog(call: Call, request_id: str) -> Response:
        decision = call.query({"decision"}).get("decision", "approve")
        return _dialog(maker, approvals, call, request_id, decision, None)

    @pages.post("/approvals/<request_id>/decide", policy=SIGNED_IN)
    def decide(call: Call, request_id: str) -> Response:
        form = call.request.form
        kind = _kind(form.get("decision", ""))
        decision = NewDecision(
            decision=kind, comment=form.get("comment", ""), to=form.get("to") or None, step=form.get("step") or None
        )
        try:
            done = call.write(lambda ctx, unit: approvals.decide(ctx, unit, request_id, decision))
        except _REFUSALS as refusal:
            return _dialog(maker, approvals, call, request_id, kind, refusal)
        return htmx.reload_or_go(f"/o/{done.object}/{done.record}", htmx.toast(say(call.locale, "Decision saved")))


def _dialog(
    maker: PageMaker,
    approvals: ApprovalService,
    call: Call,
    request_id: str,
    decision: str,
    refusal: FieldstoneError | None,
) -> Response:
    kind = _kind(decision)
    form = call.request.form

    def look(ctx: Context, unit: Unit) -> Mapping[str, Any]:
        request: RequestView = approvals.get(ctx, unit, request_id)
        return {
            "title": say(ctx.locale, DECISION_WORDS[kind]),
            "request": inbox_item(request, ctx),
            "decision": kind,
            "step": request.step or "",
            "content_changed": request.content_changed,
            "action": f"/approvals/{request_id}/decide",
            "comment": form.get("comment", ""),
            "needs_person": kind == "delegate",
            "danger": kind in ("reject", "withdraw"),
            "message": _sentence(refusal, ctx.locale) if refusal is not None else "",
        }

    status = 200 if refusal is None else 409 if isinstance(refusal, Conflict) else 422
    return maker.fragment(call, "pages/approval_decision.html", look, status=status)


def _sentence(refusal: FieldstoneError, locale: str) -> str:
    told = [translate(error.message, error.facts, locale) for error in refusal.errors]
    return " ".join(told) or translate(refusal.message, refusal.facts, locale)


def _kind(text: str) -> DecisionKind:
    if text not in get_args(DecisionKind):
        raise NotFound
    return cast(DecisionKind, text)
