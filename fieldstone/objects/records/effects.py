"""Applying what rules decide after a record is written.

What comes in: effects of rules on a stored record. What goes out: further saves, notices, messages, submissions, in the
same unit of work, as the system and with the rule as their cause; a chain of causes that grows too long is refused. Who
calls it: saves, actions, and the rooms that run rules outside of a save.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from fieldstone.objects.records.ports import Approvals, Dispatching, Notices, Uploads
from fieldstone.objects.records.saves import Save
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Cause, Context
from fieldstone.platform.kernel.errors import Conflict, FieldError, Invalid
from fieldstone.platform.work.outbox import Outbox
from fieldstone.rules.effects import (
    CreatedId,
    CreateRecord,
    Dispatch,
    Effect,
    Notify,
    PostMessage,
    Reject,
    SetField,
    SubmitForApproval,
    UpdateRecord,
)
from fieldstone.rules.engine.cycles import refuse_depth
from fieldstone.rules.engine.run import RuleRun

AUTOMATION = "automation"


class Doors(Protocol):
    """The saves that effects lead to."""

    def create(self, ctx: Context, unit: SqlUnit, name: str, data: Any) -> Save: ...

    def update(
        self,
        ctx: Context,
        unit: SqlUnit,
        name: str,
        identity: str,
        data: Any,
        *,
        expect: Mapping[str, Any] | None,
    ) -> Save: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What follows a save: effects of rules in the same unit, and messages that leave with the commit."""

    after: Sequence[Effect]
    outbox: Sequence[Effect]


@dataclass(slots=True, kw_only=True)
class Ports:
    """The rooms that effects reach. Set once, when all rooms are there."""

    outbox: Outbox
    notices: Notices | None = None
    approvals: Approvals | None = None
    dispatching: Dispatching | None = None
    uploads: Uploads | None = None
    doors: Doors | None = field(default=None, repr=False)


def effects_of(save: Save) -> Following:
    """Run the rules that follow a save; nothing is applied yet."""
    event, changed = save.rule_event, save.changed
    rules = save.plan.rules
    following = (*rules.after(event, changed), *rules.submissions(event, changed))
    asynchronous = rules.asynchronous(event, changed)
    if not following and not asynchronous:
        return Following(after=(), outbox=())
    variables, context = save.variables, save.surroundings()
    ran: list[RuleRun] = [rule.run(variables, context) for rule in following]
    posted: list[RuleRun] = [rule.post(variables, context, event) for rule in asynchronous]
    save.runs.extend((*ran, *posted))
    after = [effect for run in ran for effect in run.effects]
    messages = [effect for run in posted for effect in run.effects]
    return Following(
        after=[effect for effect in after if not isinstance(effect, PostMessage)],
        outbox=[*(effect for effect in after if isinstance(effect, PostMessage)), *messages],
    )


class EffectApplier:
    """Applies effects."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports

    def claim_files(self, save: Save) -> None:
        """Tie the uploaded files that a record now names to it. Raises `Invalid` naming each that it may not have."""
        changed = [field.name for field in save.plan.files if field.name in save.changed]
        files = {name: save.values[name] for name in changed if save.values[name] is not None}
        if files and self.ports.uploads is not None:
            self.ports.uploads.claim(save.ctx, save.unit, files, save.kind.name, save.id)

    def apply_all(
        self, ctx: Context, unit: SqlUnit, name: str, record: str, effects: Sequence[Effect]
    ) -> Mapping[str, str]:
        """Apply effects to the record `record` of the object `name`, in order; the ids of what was created, by name."""
        created: dict[str, str] = {}
        for effect in effects:
            self._apply(ctx, unit, name, record, effect, created)
        return created

    def _apply(
        self, ctx: Context, unit: SqlUnit, name: str, record: str, effect: Effect, created: dict[str, str]
    ) -> None:
        caused = _because(ctx, effect.rule, record) if not isinstance(effect, SubmitForApproval) else ctx
        match effect:
            case CreateRecord():
                self._create(caused, unit, effect, created)
            case UpdateRecord():
                values = _resolved(effect.values, created)
                self._doors.update(caused, unit, effect.object, effect.id, values, expect=effect.expect or None)
            case SetField():
                values = _resolved({effect.field: effect.value}, created)
                self._doors.update(caused, unit, name, record, values, expect=None)
            case PostMessage():
                self.ports.outbox.post(caused, unit, effect.topic, effect.payload)
            case Reject():
                paths = [f"/{field}" for field in effect.fields] or [""]
                raise Invalid(errors=[FieldError(path=path, code="rule", message=effect.message) for path in paths])
            case _:
                self._hand_over(ctx, caused, unit, name, record, effect)

    def _hand_over(self, ctx: Context, caused: Context, unit: SqlUnit, name: str, record: str, effect: Effect) -> None:
        """Effects that are other rooms' to carry out."""
        match effect:
            case Notify() if self.ports.notices is not None:
                self.ports.notices.notify(caused, unit, effect)
            case SubmitForApproval() if self.ports.approvals is not None:
                self.ports.approvals.submit(ctx, unit, name, record, effect.process)
            case Dispatch() if self.ports.dispatching is not None:
                self.ports.dispatching.request(caused, unit, name, record, effect.policy)
            case _:
                kind = type(effect).__name__
                raise Conflict("Nothing here can carry out {effect}.", code="no_port", effect=kind)

    def _create(self, ctx: Context, unit: SqlUnit, effect: CreateRecord, created: dict[str, str]) -> None:
        save = self._doors.create(ctx, unit, effect.object, _resolved(effect.values, created))
        if effect.as_name is not None:
            created[effect.as_name] = save.id

    @property
    def _doors(self) -> Doors:
        if self.ports.doors is None:
            raise Conflict("The record service is not ready.", code="no_port")
        return self.ports.doors


def _because(ctx: Context, rule: str, record: str) -> Context:
    caused = replace(ctx.as_system().because(Cause(kind=AUTOMATION, name=rule, record=record)), channel="automation")
    refuse_depth(caused.causes)
    return caused


def _resolved(values: Mapping[str, Any], created: Mapping[str, str]) -> dict[str, Any]:
    """Values with the ids of records created before them."""
    return {name: created.get(value.name) if isinstance(value, CreatedId) else value for name, value in values.items()}
