"""Field paths as a reader may use them: the field at the end of `customer.tier`, if every step may be read.

In: the snapshot, what the actor may do, an object, a path. Out: the field, or None. Called by list and record pages.
"""

from __future__ import annotations

from collections.abc import Sequence

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.kernel.context import Context

MAX_STEPS = 5


class ReadableFields:
    """The fields of one object as one reader sees them."""

    def __init__(self, ctx: Context, access: ActorAccess, object_name: str) -> None:
        self._ctx = ctx
        self._access = access
        self.kind: ObjectType = access.rights(object_name).kind

    def find(self, path: str) -> Field | None:
        """The field at the end of the path; None when a step does not exist or may not be read."""
        steps = path.split(".")
        if len(steps) > MAX_STEPS:
            return None
        kind: ObjectType | None = self.kind
        field: Field | None = None
        for step in steps:
            if kind is None or not self._access.may(kind.name, "read"):
                return None
            field = kind.fields.get(step)
            if field is None or not self._access.rights(kind.name).readable(step):
                return None
            targets = field.type.targets
            kind = self._ctx.snapshot.find("object", targets[0]) if len(targets) == 1 else None
        return field

    def label(self, path: str) -> str:
        """The path in words: the names of its fields, last one first."""
        steps = path.split(".")
        names = [self.find(".".join(steps[: n + 1])) for n in range(len(steps))]
        words = [name.text(self._ctx.locale) for name in names if name is not None]
        return words[-1] if len(words) == 1 else f"{words[-1]} ({words[-2]})" if words else path

    def own(self) -> Sequence[Field]:
        """The object's readable fields that a column can show, in order."""
        rights = self._access.rights(self.kind.name)
        return [f for f in self.kind.fields.values() if rights.readable(f.name) and not f.type.nested]
