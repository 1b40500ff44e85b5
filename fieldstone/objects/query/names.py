"""What names mean in the filters that callers write: the fields they may see, and `user`.

What comes in: the rights of a caller. What goes out: a `TypeEnvironment` in which hidden fields do not exist, so that
they can neither be used nor be guessed from suggestions. Who calls it: filters.
"""

from __future__ import annotations

from collections.abc import Sequence

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.definition.environment import ACTING, PREVIOUS, USER
from fieldstone.objects.types import ObjectType
from fieldstone.rules.expressions.types import Type


class VisibleNames:
    """The names of a filter on records of `kind`."""

    def __init__(self, kind: ObjectType, access: ActorAccess) -> None:
        self._kind = kind
        self._access = access
        self._inner = kind.environment

    def variable(self, name: str) -> Type | None:
        """The type of a visible field of the record, or of another name at the root."""
        if name == PREVIOUS:
            return None
        if name in self._kind.fields:
            return self.member(self._kind.name, name)
        return self._inner.variable(name)

    def member(self, record: str, field: str) -> Type | None:
        """The type of a visible field of the object called `record`."""
        acting = record == USER and field in ACTING
        return self._inner.member(record, field) if acting or self._visible(record, field) else None

    def names(self) -> Sequence[str]:
        """All visible names at the root."""
        return tuple(name for name in self._inner.names() if self.variable(name) is not None)

    def members(self, record: str) -> Sequence[str]:
        """All visible field names of the object called `record`."""
        return tuple(name for name in self._inner.members(record) if self._visible(record, name))

    def _visible(self, record: str, field: str) -> bool:
        rights = self._access.policy.rights(record)
        return rights is not None and rights.may("read") and rights.readable(field)
