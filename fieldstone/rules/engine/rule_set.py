"""All rules of one object, indexed by what triggers them.

What comes in: a snapshot and an object's name. What goes out: a `RuleSet`, computed once per snapshot, which answers
"which rules run for this event and these changed fields". Who calls it: the record service at each step of a save,
the consumers of asynchronous rules, and the pages that show buttons.

The selection is sound: a rule is left out of an update only if none of its inputs changed. A rule that looks at
`previous`, `user` or the clock runs at every update.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from fieldstone.platform.kernel.metadata import Snapshot
from fieldstone.rules.engine.automation import Automation, in_order
from fieldstone.rules.engine.inputs import Event, Inputs
from fieldstone.rules.engine.run import Rule, Runnable
from fieldstone.rules.engine.validation import ValidationRule
from fieldstone.rules.expressions.syntax import Path


class Process(Runnable, Protocol):
    """An approval process, as far as rule sets must know."""

    @property
    def submit(self) -> Literal["manual", "automatic"]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The active rules of `object`. Automations are in order of `order`, then name; the rest by name.

    In all methods `changed` are API names of fields whose value differs from the stored one (on create: all given
    or defaulted fields); it matters for updates only.
    """

    object: str
    validation_rules: tuple[ValidationRule, ...]
    automations: tuple[Automation, ...]
    processes: tuple[Process, ...]

    def before(self, event: Event, changed: Collection[str]) -> tuple[Automation, ...]:
        """The automations of the first pass before the save."""
        return self._triggered("before", event, changed)

    def before_again(self, event: Event, changed: Collection[str]) -> tuple[Automation, ...]:
        """The automations of a further pass; `changed` are the fields that the pass before has set."""
        return tuple(
            rule
            for rule in self.automations
            if rule.timing == "before" and event in rule.trigger.on and rule.triggered_again_by(changed)
        )

    def validations(self, event: Event, changed: Collection[str]) -> tuple[ValidationRule, ...]:
        """The validation rules to check."""
        return tuple(rule for rule in self.validation_rules if rule.applies(event, changed))

    def after(self, event: Event, changed: Collection[str]) -> tuple[Automation, ...]:
        """The automations that run in the same unit of work after the write."""
        return self._triggered("after", event, changed)

    def asynchronous(self, event: Event, changed: Collection[str]) -> tuple[Automation, ...]:
        """The automations to hand to the outbox: their condition is evaluated now, their actions run later."""
        return self._triggered("async", event, changed)

    def button(self, name: str) -> Automation | None:
        """The automation behind a button, or None."""
        return next((rule for rule in self.buttons if rule.name == name), None)

    @property
    def buttons(self) -> tuple[Automation, ...]:
        """The automations that people start."""
        return tuple(rule for rule in self.automations if "button" in rule.trigger.on)

    @property
    def scheduled(self) -> tuple[Automation, ...]:
        """The automations that the clock starts."""
        return tuple(rule for rule in self.automations if "schedule" in rule.trigger.on)

    def submissions(self, event: Event, changed: Collection[str]) -> tuple[Process, ...]:
        """The approval processes that may submit the record by themselves after this save."""
        if event not in ("create", "update"):
            return ()
        return tuple(
            process
            for process in self.processes
            if process.submit == "automatic" and (event == "create" or process.inputs.touched_by(changed))
        )

    @property
    def related_paths(self) -> frozenset[Path]:
        """Every path through a lookup that any rule of the object reads."""
        rules: tuple[Rule, ...] = (*self.validation_rules, *self.automations, *self.processes)
        return related_paths(rule.inputs for rule in rules)

    def _triggered(self, timing: str, event: Event, changed: Collection[str]) -> tuple[Automation, ...]:
        return tuple(
            rule for rule in self.automations if rule.timing == timing and rule.trigger.matches(event, changed)
        )


def related_paths(inputs: Iterable[Inputs]) -> frozenset[Path]:
    """The paths through lookups (`("customer", "tier")`) that must be loaded before those rules run."""
    return frozenset().union(*(item.related for item in inputs))


def rule_set(snapshot: Snapshot, object_name: str) -> RuleSet:
    """The rules of an object at the snapshot's version; made on first use, kept with the snapshot.

    Only rules of this object are compiled: one that cannot be compiled stands in nobody else's way.
    """
    found: RuleSet = snapshot.derived(f"rules/{object_name}", lambda whole: _made(whole, object_name))
    return found


def _made(snapshot: Snapshot, object_name: str) -> RuleSet:
    return RuleSet(
        object=object_name,
        validation_rules=tuple(_active(snapshot, "validation_rule", object_name)),
        automations=in_order(list(_active(snapshot, "automation", object_name))),
        processes=tuple(_active(snapshot, "approval_process", object_name)),
    )


def _active(snapshot: Snapshot, kind: str, object_name: str) -> Iterator[Any]:
    for name in snapshot.names(kind):
        definition = snapshot.definition(kind, name)
        if definition is not None and definition.body.get("object") == object_name:
            rule = snapshot.get(kind, name)
            if rule.active:
                yield rule
