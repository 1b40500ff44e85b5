"""One record on its way through a save.

What goes out: `Save`, which the steps hand on and fill, `Step` names in the one order that every door has, and
`SaveTrace` for whoever watches. Who calls it: the steps of this package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

from fieldstone.objects.access.conditions import user_variables
from fieldstone.objects.access.policy import ObjectRights
from fieldstone.objects.access.service import ActorAccess, evaluation_context
from fieldstone.objects.records.plans import SavePlan
from fieldstone.objects.sql.related import variables_of
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import FieldError
from fieldstone.rules.engine.inputs import Event
from fieldstone.rules.engine.run import RuleRun
from fieldstone.rules.expressions.context import EvaluationContext

SaveEvent: TypeAlias = Literal["create", "update", "delete", "restore"]
Step: TypeAlias = Literal[
    "access",
    "load",
    "defaults",
    "before",
    "formulas",
    "validation",
    "parents",
    "number",
    "write",
    "row_access",
    "roll_ups",
    "history",
    "after",
    "outbox",
]
STEPS: Final[tuple[Step, ...]] = (
    "access",
    "load",
    "defaults",
    "before",
    "formulas",
    "validation",
    "parents",
    "number",
    "write",
    "row_access",
    "roll_ups",
    "history",
    "after",
    "outbox",
)
"""The order of every save, whatever the door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveTrace:
    """The steps that a save took, and the rules that ran: (rule, hit)."""

    object: str
    record: str
    event: SaveEvent
    channel: str
    steps: tuple[Step, ...]
    rules: tuple[tuple[str, bool], ...]


@dataclass(kw_only=True)
class Save:
    """A save at work. `values` are what the record is to be, by API name; `before` what is stored, None on create.

    `rows` are child rows as sent, by field; `given` the fields that the caller sent; `title` is the record's name,
    which is no value where a field of the object's own is called so; `parent` is the save of the record that these
    rows belong to, when they are saved inside it. `labels` are names of records by object and id, as far as they became
    known; `followed`: rules went on after the write, so that the row may be another by now.
    """

    ctx: Context
    unit: SqlUnit
    access: ActorAccess
    rights: ObjectRights
    plan: SavePlan
    event: SaveEvent
    id: str
    revision: int
    values: dict[str, Any]
    before: dict[str, Any] | None = None
    given: frozenset[str] = frozenset()
    open_fields: frozenset[str] | None = None
    rows: dict[str, Sequence[Any]] = field(default_factory=dict)
    related: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    related_before: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    lists: dict[str, list[Any]] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)
    runs: list[RuleRun] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    title: str | None = None
    labels: dict[tuple[str, str], str | None] = field(default_factory=dict)
    followed: bool = False
    parent: Save | None = None

    @property
    def kind(self) -> ObjectType:
        """The object."""
        return self.plan.kind

    @property
    def changed(self) -> frozenset[str]:
        """The fields whose value is another than the stored one; of a new record those that are filled."""
        before = self.before or {}
        return frozenset(
            name
            for name, value in self.values.items()
            if name not in self.plan.stamps
            and value != before.get(name)
            and not (value == [] and before.get(name) is None)
        )

    @property
    def variables(self) -> dict[str, Any]:
        """The record as expressions read it."""
        found = variables_of(self.kind, self.values)
        found.update(self.lists)
        for name, mapping in self.related.items():
            if mapping is not None and self.values.get(name) == mapping.get("id"):
                found[name] = mapping
        found["previous"] = self.previous
        found.setdefault("user", self.user)
        return found

    @cached_property
    def previous(self) -> Mapping[str, Any] | None:
        """The stored record as expressions read it."""
        if self.before is None:
            return None
        found = {**variables_of(self.kind, self.before), **self.lists}
        found.update({name: mapping for name, mapping in self.related_before.items() if mapping is not None})
        return found

    @cached_property
    def user(self) -> Mapping[str, Any]:
        """Who acts, as expressions read it."""
        return user_variables(self.ctx.actor)

    @property
    def rule_event(self) -> Event:
        """What rules take this save for."""
        return "update" if self.event == "restore" else self.event

    def surroundings(self) -> EvaluationContext:
        """What expressions may know besides the record."""
        return evaluation_context(self.ctx, self.changed)

    def trace(self) -> SaveTrace:
        """What happened."""
        return SaveTrace(
            object=self.kind.name,
            record=self.id,
            event=self.event,
            channel=self.ctx.channel,
            steps=tuple(self.steps),
            rules=tuple((run.rule.name, run.hit) for run in self.runs),
        )
