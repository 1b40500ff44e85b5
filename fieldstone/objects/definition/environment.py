"""What names mean in the expressions of an object.

What comes in: definitions. What goes out: a `TypeEnvironment` for the rule language: the object's own and system fields
at the root, with `previous` (the record as stored) and `user` (who acts); further fields through lookups, any number of
steps. Who calls it: the compiler of objects, filters of lists and views, row conditions, and the designer's editor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fieldstone.objects.definition.scope import Bodies, DefinitionScope
from fieldstone.objects.definition.system_fields import SYSTEM_FIELDS
from fieldstone.rules.expressions.types import STRING, Type, list_of, record_of

PREVIOUS = "previous"
USER = "user"
RECORD = "record"
ACTING: Mapping[str, Type] = {"roles": list_of(STRING), "teams": list_of(STRING)}
"""What is known of the acting user besides the fields of users: names of roles, ids of teams."""


class ObjectEnvironment:
    """The names of expressions about records of one object. `extra` are further names at the root."""

    def __init__(
        self, object_name: str, scope: DefinitionScope, bodies: Bodies, extra: Mapping[str, Type] | None = None
    ) -> None:
        self.object = object_name
        self._scope = scope
        self._bodies = bodies
        self._extra: Mapping[str, Type] = extra or {}
        self._known: dict[tuple[str, str], Type | None] = {}

    def variable(self, name: str) -> Type | None:
        """The type of a name at the root: a field, or one of the further names."""
        return self.member(self.object, name) or self._extra.get(name)

    def member(self, record: str, field: str) -> Type | None:
        """The type of a field of the object called `record`."""
        if record == USER and field in ACTING:
            return ACTING[field]
        key = (record, field)
        if key not in self._known:
            found = self._scope.sibling(record, field)
            self._known[key] = None if found is None else found.expression_type()
        return self._known[key]

    def names(self) -> Sequence[str]:
        """All names at the root."""
        return (*self.members(self.object), *self._extra)

    def members(self, record: str) -> Sequence[str]:
        """All field names of the object called `record`."""
        body = self._bodies(record)
        if body is None:
            return ()
        own = [field["name"] for field in body.get("fields", ()) if isinstance(field, Mapping) and "name" in field]
        system = [name for name in SYSTEM_FIELDS if self._scope.declaration(record, name) is not None]
        acting = ACTING if record == USER else ()
        return tuple(dict.fromkeys((*own, *system, *acting)))


def record_environment(object_name: str, scope: DefinitionScope, bodies: Bodies) -> ObjectEnvironment:
    """For rules, defaults and formulas of an object: its fields, `previous` and `user`."""
    extra = {PREVIOUS: record_of(object_name), USER: record_of(USER)}
    return ObjectEnvironment(object_name, scope, bodies, extra)


def filter_environment(
    target: str, scope: DefinitionScope, bodies: Bodies, referring: str | None = None
) -> ObjectEnvironment:
    """For conditions on records of `target`; `record` is the one of `referring` that wants to point to them."""
    extra = {USER: record_of(USER)}
    if referring is not None:
        extra[RECORD] = record_of(referring)
    return ObjectEnvironment(target, scope, bodies, extra)
