"""The answer to a save, made of what the save knows: nothing is read again where nothing can be different.

What comes in: a save that is written. What goes out: the record as the actor may see it, or None when only the database
can tell: formulas worked out on reading, child rows, labels of any object, records that rules changed afterwards, or
that the actor may not reach any more. Who calls it: the record service; loading and pointing for the labels needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.fieldtypes.declaration import Label, Labels
from fieldstone.objects.query.selection import is_shown
from fieldstone.objects.records.labelling import PEOPLE, labelled_pointers
from fieldstone.objects.records.plans import SavePlan
from fieldstone.objects.records.saves import Save
from fieldstone.objects.records.values import Record
from fieldstone.objects.types import Field, ObjectType


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPlan:
    """What is answered: fields of the row, lists of other records, and pointers with the object of their label."""

    shown: tuple[Field, ...]
    lists: tuple[str, ...]
    labelled: Mapping[str, ObjectType]
    names_people: bool


def answer_plan(access: ActorAccess, plan: SavePlan) -> AnswerPlan | None:
    """The plan for an actor's rights; None when a record has to be read again in any case."""
    key = ("answer", access.key)
    found: tuple[AnswerPlan | None] = plan.statements.get(key, lambda: (_make(access, plan.kind),))
    return found[0]


def _make(access: ActorAccess, kind: ObjectType) -> AnswerPlan | None:
    rights = access.policy.rights(kind.name)
    if rights is None or not rights.may("read"):
        return None
    shown = [field for field in kind.fields.values() if rights.readable(field.name) and is_shown(field)]
    lists = [field.name for field in shown if field.type.nested or field.name in kind.links]
    rows = [field for field in shown if field.name not in lists]
    if any(not field.stored or _leads_anywhere(field) for field in rows):
        return None
    people = access.policy.rights(PEOPLE)
    reached = people is not None and people.reach("read").is_everything
    return AnswerPlan(
        shown=tuple(rows),
        lists=tuple(lists),
        labelled=labelled_pointers(access, kind),
        names_people=reached and access.policy.names_records(PEOPLE),
    )


def _leads_anywhere(field: Field) -> bool:
    return bool(field.type.targets) and (len(field.type.targets) != 1 or len(field.column_names) != 1)


def remembered(save: Save) -> Record | None:
    """See the file."""
    plan = answer_plan(save.access, save.plan)
    if plan is None or not _is_certain(save, plan):
        return None
    values: dict[str, Any] = {field.name: save.values.get(field.name) for field in plan.shown}
    labels = _labels(save, plan, values)
    if labels is None:
        return None
    values.update({name: [] for name in plan.lists})
    return Record(object=save.kind.name, id=save.id, revision=values["revision"], values=values, labels=labels)


def _is_certain(save: Save, plan: AnswerPlan) -> bool:
    """Whether the stored record is surely what the save knows, and within the actor's reach."""
    if save.rows or save.followed:
        return False
    if plan.lists and (save.event != "create" or any(save.values.get(name) for name in plan.lists)):
        return False
    if save.plan.roll_ups and any(field.type.rolled_up() is not None for field in save.kind.own_fields.values()):
        return False
    return save.access.surely_reaches(save.rights, "read", save.values, save.variables)


def _labels(save: Save, plan: AnswerPlan, values: Mapping[str, Any]) -> dict[str, Labels] | None:
    """The names of what the record points to; None when one of them is not known."""
    known = dict(save.labels)
    if plan.names_people and not save.ctx.actor.is_system:
        known.setdefault((PEOPLE, save.ctx.actor.id), save.ctx.actor.name)
    found: dict[str, Labels] = {}
    for name, target in plan.labelled.items():
        value = values.get(name)
        if name in values and value is not None:
            if (target.name, value) not in known:
                return None
            text = known[target.name, value]
            found[name] = None if text is None else Label(id=value, label=text, object=target.name)
    return found
