"""Records that belong to a record or point to it, by the name of the relation.

What comes in: an object and a name: a field of child or linked rows (`lines`), or a lookup of another object
(`work_order.asset`). What goes out: the constraint under which those records are listed. Who calls it: related lists of
the API and of pages.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.fieldtypes.lookups import ANY_OBJECT
from fieldstone.objects.query.values import Constraint
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Records of `object` that fulfil `constraint`."""

    object: str
    constraint: Constraint


def relation(access: ActorAccess, kind: ObjectType, name: str, record: str) -> Relation:
    """The relation called `name` of a record. Raises `NotFound` for one that there is not, or that the actor may not
    see."""
    rights = access.rights(kind.name)
    field = kind.own_fields.get(name)
    if field is not None and rights.readable(name) and field.type.row_object is not None:
        constraint = Constraint(field=str(field.type.option("field")), object=kind.name, id=record)
        return Relation(object=field.type.row_object, constraint=constraint)
    other_name, _, lookup_name = name.partition(".")
    other = access.policy.rights(other_name)
    if other is None or not other.may("read") or not other.readable(lookup_name):
        raise _unknown(kind, name)
    lookup = other.kind.own_fields.get(lookup_name)
    if lookup is None or not {kind.name, ANY_OBJECT} & set(lookup.type.targets):
        raise _unknown(kind, name)
    return Relation(object=other_name, constraint=Constraint(field=lookup_name, object=kind.name, id=record))


def _unknown(kind: ObjectType, name: str) -> NotFound:
    return NotFound("{object} has no relation called {name}.", object=kind.name, name=name[:100])
