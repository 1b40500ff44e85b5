"""Who points to whom: roll-ups fed by an object, and lookups that lead to it.

What comes in: a snapshot. What goes out: names, found in the definitions alone, so that saving a record compiles only
the objects that it has to do with. Who calls it: plans of saves and deletes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.objects.fieldtypes.lookups import ANY_OBJECT
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.kernel.metadata import Snapshot
from fieldstone.rules.expressions.compile import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class RollUp:
    """A roll-up `field` of `parent`, fed by records whose `lookup` leads there: by their field `of`, or counted.

    `filter`: which of them count.
    """

    parent: ObjectType
    field: Field
    lookup: Field
    function: str
    of: Field | None
    filter: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Referrer:
    """A lookup of another object that leads here. `on_delete`: restrict, clear or cascade."""

    kind: ObjectType
    lookup: Field
    on_delete: str


_Names = Mapping[str, tuple[tuple[str, str], ...]]


def roll_ups_of(snapshot: Snapshot, kind: ObjectType) -> tuple[RollUp, ...]:
    """The roll-ups that records of `kind` feed, those of parents in order of name."""
    index: _Names = snapshot.derived("records.roll_ups", _roll_up_index)
    found = (_roll_up(snapshot, kind, *names) for names in index.get(kind.name, ()))
    return tuple(each for each in found if each is not None)


def referrers_of(snapshot: Snapshot, kind: ObjectType) -> tuple[Referrer, ...]:
    """The lookups that lead to records of `kind`; not those that may lead to any object."""
    index: _Names = snapshot.derived("records.referrers", _referrer_index)
    found = (_referrer(snapshot, kind, *names) for names in index.get(kind.name, ()))
    return tuple(each for each in found if each is not None)


def _roll_up(snapshot: Snapshot, kind: ObjectType, parent_name: str, name: str) -> RollUp | None:
    parent: ObjectType = snapshot.get("object", parent_name)
    field = parent.own_fields.get(name)
    rolled = None if field is None else field.type.rolled_up()
    if field is None or rolled is None or rolled[0] != kind.name or not field.stored:
        return None
    lookup = kind.own_fields.get(str(field.type.option("field")))
    if lookup is None or parent_name not in lookup.type.targets:
        return None
    of = None if rolled[1] is None else kind.own_fields.get(rolled[1])
    return RollUp(
        parent=parent,
        field=field,
        lookup=lookup,
        function=str(field.type.option("function", "count")),
        of=of,
        filter=field.filter,
    )


def _referrer(snapshot: Snapshot, kind: ObjectType, name: str, field_name: str) -> Referrer | None:
    other: ObjectType = snapshot.get("object", name)
    field = other.own_fields.get(field_name)
    if field is None or not field.stored or kind.name not in field.type.targets:
        return None
    on_delete = str(getattr(field.type, "on_delete", "restrict"))
    return Referrer(kind=other, lookup=field, on_delete=on_delete)


def _roll_up_index(snapshot: Snapshot) -> _Names:
    found: dict[str, list[tuple[str, str]]] = {}
    for name, body in _fields(snapshot):
        if "function" in body and isinstance(body.get("object"), str):
            found.setdefault(body["object"], []).append((name, body["name"]))
    return {name: tuple(pairs) for name, pairs in found.items()}


def _referrer_index(snapshot: Snapshot) -> _Names:
    found: dict[str, list[tuple[str, str]]] = {}
    for name, body in _fields(snapshot):
        single = body.get("object")
        for target in (single,) if isinstance(single, str) else body.get("objects", ()):
            if target != ANY_OBJECT:
                found.setdefault(target, []).append((name, body["name"]))
    return {name: tuple(pairs) for name, pairs in found.items()}


def _fields(snapshot: Snapshot) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name in snapshot.names("object"):
        definition = snapshot.definition("object", name)
        if definition is None or definition.body.get("managed_by"):
            continue
        for body in definition.body.get("fields", ()):
            yield name, body
