"""The actions of automations, compiled.

What comes in: a `Firing` (the rule, the record as variables). What goes out: effects. Who calls it: `Automation`.
One class per action; `kinds.actions` compiles them from metadata.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fieldstone.rules import effects
from fieldstone.rules.effects import Effect
from fieldstone.rules.engine.decision import DecisionTable
from fieldstone.rules.engine.messages import Message
from fieldstone.rules.engine.paths import read, record_ids
from fieldstone.rules.engine.payload import jsonable
from fieldstone.rules.engine.run import Rule
from fieldstone.rules.engine.values import Assignment, evaluated
from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.syntax import Path

WEBHOOK_TOPIC = "webhook.call"
"""Outbox topic of outgoing webhooks: `{"url", "rule", "object", "record", "values"}`."""

PLUGIN_TOPIC = "plugin.action"
"""Outbox topic of plugin actions: `{"plugin", "name", "rule", "object", "record", "values"}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One automation at work on one record. `in_place`: the record is not written yet, its fields can be set."""

    rule: Rule
    variables: Mapping[str, Any]
    context: EvaluationContext
    in_place: bool

    @property
    def record(self) -> str:
        """The id of the record."""
        return str(self.variables.get("id") or "")

    def values(self, assignments: Sequence[Assignment]) -> dict[str, Any]:
        """The values to write. Raises `RuleFailed`."""
        return evaluated(self.rule, assignments, self.variables, self.context)

    def setting(self, values: Mapping[str, Any]) -> tuple[Effect, ...]:
        """The effects that set fields of the record itself."""
        rule = self.rule.name
        if self.in_place:
            return tuple(effects.SetField(rule=rule, field=name, value=value) for name, value in values.items())
        if not values:
            return ()
        return (effects.UpdateRecord(rule=rule, object=self.rule.object, id=self.record, values=values),)


class Action(Protocol):
    """One step of an automation."""

    def effects(self, firing: Firing) -> tuple[Effect, ...]:
        """What this step decides. Raises `RuleFailed`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFields:
    """`set_field`: set fields of the record."""

    values: tuple[Assignment, ...]

    def effects(self, firing: Firing) -> tuple[Effect, ...]:
        return firing.setting(firing.values(self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """`decide`: set the output fields of a decision table's first row that matches."""

    table: DecisionTable

    def effects(self, firing: Firing) -> tuple[Effect, ...]:
        decision = self.table.decide(firing.rule, firing.variables, firing.context)
        return firing.setting(decision.fields) if decision else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRecord:
    """`create_record`: create a record; `as_name` lets later actions refer to it."""

    object: str
    values: tuple[Assignment, ...]
    as_name: str | None = None

    def effects(self, firing: Firing) -> tuple[Effect, ...]:
        values = firing.values(self.values)
        made = effects.CreateRecord(rule=firing.rule.name, object=self.object, values=values, as_name=self.as_name)
        return (made,)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRelated:
    """`update_record`: change the record that a lookup points to; nothing when the lookup is empty."""

    path: Path
    object: str
    values: tuple[Assignment, ...]
    expect: tuple[Assignment, ...] = ()

    def effects(self, firing: Firing) -> tuple[Effect, ...]:
        values, expect = firing.values(self.values), firing.values(self.expect)
        return tuple(
            effects.UpdateRecord(rule=firing.rule.name, object=self.object, id=target, values=values, expect=expect)
            for target in record_ids(read(firing.variables, self.path))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyPeople:
    """`notify`: tell the users that fields of the record name, and everyone with a role."""

    user_paths: tuple[Path, ...]
    roles: tuple[str, ...]
    subject: Message
    body: Message

    def effects(self, firing: Firing) -> tuple[Effect, ...]:
        found = (user for path in self.user_paths for user in record_ids(read(firing.variables, path)))
        users = tuple(dict.fromkeys(found))
        if not users and not self.roles:
            return ()
        notice = effects.Notify(
            rule=firing.rule.name,
            subject=self.subject.filled(firing.variables, firing.context.time_zone),
            body=self.body.filled(firing.variables, firing.context.time_zone),
            users=users,
            roles=self.roles,
            object=firing.rule.object,
            record=firing.record or None,
        )
        return (notice,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """`call_webhook` and `run_plugin`: post a message that leaves with the commit."""

    topic: str
    values: tuple[Assignment, ...]
    fixed: Mapping[str, str] = field(default_factory=dict)

    def effects(self, firing: Firing) -> tuple[Effect, ...]:
        payload = {
            **self.fixed,
            "rule": firing.rule.name,
            "object": firing.rule.object,
            "record": firing.record,
            "values": jsonable(firing.values(self.values)),
        }
        return (effects.PostMessage(rule=firing.rule.name, topic=self.topic, payload=payload),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """`submit_for_approval`: submit the record to an approval process."""

    process: str

    def effects(self, firing: Firing) -> tuple[Effect, ...]:
        return (effects.SubmitForApproval(rule=firing.rule.name, process=self.process),)


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchRecord:
    """`dispatch`: have the record assigned by a dispatch policy."""

    policy: str

    def effects(self, firing: Firing) -> tuple[Effect, ...]:
        return (effects.Dispatch(rule=firing.rule.name, policy=self.policy),)
