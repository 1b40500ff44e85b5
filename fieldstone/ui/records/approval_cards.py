"""Approval requests as the templates draw them: a card beside the record, a line of the inbox.

In: `RequestView`s. Out: mappings for `components/service.html`. Called by the approval pages and the home page.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from babel.numbers import format_currency

from fieldstone.objects.approvals.views import RequestView, StepView
from fieldstone.platform.i18n import mark
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.text import localized
from fieldstone.ui.records.activity import ago
from fieldstone.ui.render import words

DECISION_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "approve": mark("Approve"),
        "reject": mark("Reject"),
        "return": mark("Return"),
        "delegate": mark("Delegate"),
        "withdraw": mark("Withdraw"),
    }
)
STATE_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "pending": mark("Waiting for approval"),
        "blocked": mark("Blocked: nobody may decide"),
        "approved": mark("Approved"),
        "rejected": mark("Rejected"),
        "returned": mark("Returned"),
        "withdrawn": mark("Withdrawn"),
    }
)
COLORS: Mapping[str, str] = MappingProxyType(
    {"pending": "amber", "blocked": "red", "approved": "green", "rejected": "red", "returned": "blue"}
)
_STEPS: Mapping[str, str] = MappingProxyType(
    {"passed": "done", "open": "current", "blocked": "current", "waiting": "waiting", "stopped": "rejected"}
)
_DONE: Mapping[str, str] = MappingProxyType(
    {
        "approve": mark("approved"),
        "reject": mark("rejected"),
        "return": mark("returned"),
        "delegate": mark("delegated"),
        "withdraw": mark("withdrew"),
    }
)


def card(view: RequestView, ctx: Context) -> dict[str, Any]:
    """The card of a request."""
    _ = words(ctx.locale)
    facts = [amount(view, ctx.locale), _("requested by %(name)s", name=view.requester.label or _("Somebody"))]
    last = view.decisions[-1] if view.decisions else None
    if last is not None and last.comment:
        facts.append(f"“{last.comment}”")
    return {
        "title": localized(view.label, ctx.locale) or view.process,
        "text": " · ".join(fact for fact in facts if fact),
        "step_label": _(STATE_WORDS[view.state]),
        "color": COLORS.get(view.state, "grey"),
        "steps": [_step(step, view, ctx) for step in view.steps],
        "action": f"/approvals/{view.id}/decide",
        "may_decide": "approve" in view.can,
        "may_return": "return" in view.can,
        "may_delegate": "delegate" in view.can,
        "may_withdraw": "withdraw" in view.can,
    }


def inbox_item(view: RequestView, ctx: Context) -> dict[str, Any]:
    """The line of a request."""
    kind = ctx.snapshot.find("object", view.object)
    step = next((each for each in view.steps if each.name == view.step), None)
    settled = view.state not in ("pending", "blocked")
    return {
        "id": view.id,
        "title": view.title,
        "href": f"/o/{view.object}/{view.record}",
        "amount": amount(view, ctx.locale),
        "step_label": words(ctx.locale)(STATE_WORDS[view.state])
        if settled or step is None
        else localized(step.label, ctx.locale) or step.name,
        "color": COLORS.get(view.state, "grey"),
        "object": kind.text(ctx.locale) if kind is not None else view.object,
        "object_icon": kind.icon if kind is not None else "file-text",
        "requester": view.requester.label or "",
        "age": ago(view.submitted_at, ctx),
        "action": f"/approvals/{view.id}/decide" if "approve" in view.can else "",
    }


def amount(view: RequestView, locale: str) -> str:
    """The amount in words."""
    if view.amount is None:
        return ""
    return str(format_currency(Decimal(view.amount), view.currency, locale=locale.replace("-", "_")))


def _step(step: StepView, view: RequestView, ctx: Context) -> dict[str, Any]:
    _ = words(ctx.locale)
    made = [each for each in view.decisions if each.step == step.name]
    done = [f"{each.by.label or _('Somebody')}: {_(_DONE.get(each.decision, each.decision))}" for each in made]
    waiting = [person.label or "" for person in step.waiting]
    note = ", ".join(done) or ", ".join(name for name in waiting if name)
    return {
        "label": localized(step.label, ctx.locale) or step.name,
        "note": note,
        "state": _STEPS[step.state],
        "when": ago(made[-1].at, ctx) if made else "",
    }
