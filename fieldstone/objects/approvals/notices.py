"""What approvals tell people, in each language.

What comes in: a run and an order of the machine. What goes out: `Notify` effects. Who calls it: the carrier. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from fieldstone.objects.approvals.store import Run
from fieldstone.platform.kernel.metadata import Snapshot
from fieldstone.platform.kernel.text import localized
from fieldstone.rules.approvals.machine import AskApprovers, Outcome, RaiseAlarm
from fieldstone.rules.effects import Notify

_ASKED = {"en": "Please decide: {title}", "zh-Hans": "请审批:{title}", "zh-Hant": "請審批:{title}"}
_BLOCKED = {
    "en": "Nobody can decide on {title}: step {step} of {process} needs {needed} approvers and has {found}",
    "zh-Hans": "{title} 无人可审批:{process} 的步骤 {step} 需要 {needed} 位审批人,现有 {found} 位",
    "zh-Hant": "{title} 無人可審批:{process} 的步驟 {step} 需要 {needed} 位審批人,現有 {found} 位",
}
_SETTLED: Mapping[Outcome, Mapping[str, str]] = {
    "approved": {"en": "Approved: {title}", "zh-Hans": "已批准:{title}", "zh-Hant": "已批准:{title}"},
    "rejected": {"en": "Rejected: {title}", "zh-Hans": "已拒绝:{title}", "zh-Hant": "已拒絕:{title}"},
    "returned": {"en": "Returned to you: {title}", "zh-Hans": "已退回:{title}", "zh-Hant": "已退回:{title}"},
    "withdrawn": {"en": "Withdrawn: {title}", "zh-Hans": "已撤回:{title}", "zh-Hant": "已撤回:{title}"},
}


def asked(run: Run, order: AskApprovers) -> Notify:
    """A decision waits for these people."""
    return _notice(run, _texts(_ASKED, run), users=order.users)


def settled(run: Run, outcome: Outcome) -> Notify:
    """The requester hears what became of the request."""
    last = run.history[-1].comment if run.history else ""
    return _notice(run, _texts(_SETTLED[outcome], run), users=(run.state.requester,), body=last)


def blocked(snapshot: Snapshot, run: Run, order: RaiseAlarm) -> list[Notify]:
    """The requester, and those who may change the organisation or the process, hear that nobody can decide."""
    facts = {"needed": str(order.needed), "found": str(order.found)}
    subject = _texts(_BLOCKED, run, order.step, facts)
    roles = tuple(name for name in snapshot.names("role") if _mends(snapshot, name)) or ("admin",)
    return [_notice(run, subject, users=(run.state.requester,), roles=roles)]


def _mends(snapshot: Snapshot, role: str) -> bool:
    definition = snapshot.definition("role", role)
    return definition is not None and not {"manage_metadata", "manage_users"}.isdisjoint(
        definition.body.get("system", ())
    )


def _texts(
    texts: Mapping[str, str], run: Run, step: int | None = None, facts: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The texts with names filled in, in one pass: a title that holds braces stays as it is."""
    made = {}
    for locale, template in texts.items():
        known = {
            "title": run.title or run.record,
            "process": localized(run.plan.label, locale),
            "step": "" if step is None else localized(run.plan.steps[step].label, locale),
            **(facts or {}),
        }
        made[locale] = template.format_map(known)
    return made


def _notice(
    run: Run, subject: Mapping[str, str], *, users: tuple[str, ...], roles: tuple[str, ...] = (), body: str = ""
) -> Notify:
    return Notify(
        rule=run.plan.name,
        subject=subject,
        body=body,
        users=users,
        roles=roles,
        object=run.object,
        record=run.record,
    )
