"""Field paths as callers write them: `subject`, `customer.name`.

What comes in: a path and the rights of its caller. What goes out: the lookups on the way and the field at the end, or
`Unreadable` with the place and a suggestion; fields that the caller may not see do not exist. Who calls it: the
selection and the order of lists.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.sql.rows import Step
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.kernel.errors import Unreadable

MAX_STEPS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPath:
    """A path: the lookups followed, the object at their end, and the field there."""

    steps: tuple[Step, ...]
    kind: ObjectType
    field: Field


class PathFinder:
    """Finds paths from one object."""

    def __init__(self, kind: ObjectType, access: ActorAccess) -> None:
        self.kind = kind
        self.access = access

    def find(self, path: str, parameter: str) -> FoundPath:
        """The path. Raises `Unreadable`; `parameter` names the part of the request it was in."""
        names = path.split(".")
        if len(names) > MAX_STEPS:
            raise Unreadable("{path} goes through more than {limit} lookups.", path=path[:200], limit=MAX_STEPS - 1)
        kind, steps = self.kind, list[Step]()
        for name in names[:-1]:
            lookup = self._field(kind, name, path, parameter)
            target = self.target(lookup)
            if target is None or not lookup.stored:
                raise Unreadable("{field} does not lead to one object.", code="not_a_lookup", field=name[:80])
            steps.append((lookup, target))
            kind = target
        return FoundPath(steps=tuple(steps), kind=kind, field=self._field(kind, names[-1], path, parameter))

    def target(self, lookup: Field) -> ObjectType | None:
        """The one object that a lookup leads to; None for any other field, and for what the caller may not read."""
        targets = lookup.type.targets
        if len(targets) != 1 or not self.access.may(targets[0], "read"):
            return None
        return self.access.objects(targets[0])

    def _field(self, kind: ObjectType, name: str, path: str, parameter: str) -> Field:
        rights = self.access.policy.rights(kind.name)
        if rights is None or name not in kind.fields or not rights.readable(name):
            known = [each for each in kind.fields if rights is not None and rights.readable(each)]
            raise _unknown(name, path, parameter, kind, known)
        return kind.fields[name]


def _unknown(name: str, path: str, parameter: str, kind: ObjectType, known: Sequence[str]) -> Unreadable:
    nearest = difflib.get_close_matches(name[:80], known, n=1)
    message = "{parameter}: {object} has no field called {name}."
    if nearest:
        message = "{parameter}: {object} has no field called {name}. Did you mean {suggestion}?"
    return Unreadable(
        message,
        code="unknown_field",
        parameter=parameter,
        object=kind.name,
        name=name[:80],
        path=path[:200],
        suggestion=nearest[0] if nearest else "",
    )
