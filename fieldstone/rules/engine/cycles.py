"""Rules that set each other off, at run time and at publish.

What comes in: what automations changed in each pass of a save, the chain of causes of a unit of work, or all compiled
automations. What goes out: errors that name the rules of the circle, or the circles themselves for warnings. Who calls
it: the record service (`refuse_endless`, `refuse_depth`), the check of the `automation` kind (`circles`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from fieldstone.platform.kernel.context import Cause
from fieldstone.platform.kernel.errors import Invalid
from fieldstone.rules.engine.automation import Automation

MAX_PASSES = 5
"""Passes of before automations over one save."""

MAX_DEPTH = 8
"""Links of a cause chain: a rule whose effect sets off a rule whose effect, and so on."""


class EndlessRules(Invalid):
    """The automations {rules} keep changing {fields} and never come to rest."""

    code = "rules_endless"


class RulesTooDeep(Invalid):
    """Rules set each other off more than {limit} times: {chain}."""

    code = "rules_too_deep"


def refuse_endless(passes: Sequence[Mapping[str, Collection[str]]]) -> None:
    """Raise `EndlessRules` when the last of `MAX_PASSES` passes still changed a field.

    Each pass maps rule names to the fields that the rule changed in it. Named are the rules of the last two passes:
    those of the circle, not those that merely ran before it.
    """
    if len(passes) < MAX_PASSES or not any(passes[-1].values()):
        return
    circle = [entry for one in passes[-2:] for entry in one.items() if entry[1]]
    raise EndlessRules(
        rules=", ".join(sorted({rule for rule, _ in circle})),
        fields=", ".join(sorted({name for _, fields in circle for name in fields})),
    )


def refuse_depth(causes: Sequence[Cause]) -> None:
    """Raise `RulesTooDeep` when a cause chain has more than `MAX_DEPTH` links."""
    if len(causes) > MAX_DEPTH:
        raise RulesTooDeep(limit=MAX_DEPTH, chain=" → ".join(cause.name for cause in causes))


def circles(automation: Automation, everything: Sequence[Automation]) -> Iterator[tuple[str, ...]]:
    """Circles of automations through this one, each as the names in order, shortest first, at most one per start.

    An automation sets off another when it writes a field, or creates a record, that the other listens to. It is a
    warning only: conditions may end the circle.
    """
    for first in everything:
        if sets_off(automation, first):
            path = _way(first, automation, everything)
            if path:
                yield (automation.name, *path)


def _way(start: Automation, goal: Automation, everything: Sequence[Automation]) -> tuple[str, ...]:
    """The shortest chain of names from `start` to `goal`, both included; empty when there is none."""
    if start.name == goal.name:
        return (goal.name,)
    ways: dict[str, tuple[str, ...]] = {start.name: (start.name,)}
    pending = [start]
    while pending:
        current = pending.pop(0)
        for following in everything:
            if following.name in ways or not sets_off(current, following):
                continue
            ways[following.name] = (*ways[current.name], following.name)
            if following.name == goal.name:
                return ways[following.name]
            pending.append(following)
    return ()


def sets_off(one: Automation, other: Automation) -> bool:
    """Whether the effects of `one` may start `other`."""
    if other.object in one.creates and "create" in other.trigger.on:
        return True
    written = {field for target, field in one.writes if target == other.object}
    if not written or not other.trigger.on & {"create", "update"}:
        return False
    if one.timing == "before" and other.timing == "before" and one.object == other.object:
        return _disturbs(one, other, written)
    if "update" not in other.trigger.on and one.timing != "before":
        return False
    return not other.trigger.fields or not other.trigger.fields.isdisjoint(written)


def _disturbs(one: Automation, other: Automation, written: Collection[str]) -> bool:
    """Before the save a rule runs again only when its inputs change; setting a field to the same value is no change."""
    if not other.triggered_again_by(written):
        return False
    return one.name != other.name or not one.feeds_itself.isdisjoint(written)
