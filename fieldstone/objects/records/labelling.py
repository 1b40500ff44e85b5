"""The pointers of a record whose target is answered by name.

What comes in: the actor's access and an object. What goes out: its pointers to one object each, with that object, where
the actor may see titles. Who calls it: loading, pointing and the answer to a save.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.types import ObjectType

PEOPLE: Final = "user"


def labelled_pointers(access: ActorAccess, kind: ObjectType) -> Mapping[str, ObjectType]:
    """The pointers of a row whose target the actor may see by name, with that target's object."""
    found: dict[str, ObjectType] = {}
    for field in kind.fields.values():
        targets = field.type.targets
        if field.stored and field.type.labelled and len(targets) == 1 and access.policy.names_records(targets[0]):
            target = access.objects(targets[0])
            if target is not None:
                found[field.name] = target
    return found
