"""How field types look at their own and other objects while they are bound.

What comes in: the registry of types and a function that gives an object's definition. What goes out: bound types.
Who calls it: the compiler, the checks, references and physical names of objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from fieldstone.objects.definition.system_fields import SYSTEM_FIELDS, IdType
from fieldstone.objects.definition.volatility import is_volatile
from fieldstone.objects.fieldtypes.base import Declaration, FieldType
from fieldstone.objects.fieldtypes.builtin import FieldTypes
from fieldstone.objects.fieldtypes.missing import MissingType

Bodies: TypeAlias = Callable[[str], Mapping[str, Any] | None]
"""Gives the body of an object's definition by name."""

MAX_STEPS = 8
"""How far a type may look from field to field (a roll-up of a roll-up of a formula ...)."""


def no_bodies(name: str) -> Mapping[str, Any] | None:
    """Knows no object: for questions that a definition must answer alone."""
    return None


class DefinitionScope:
    """Binds declarations; follows other definitions up to `MAX_STEPS` deep, so circles end."""

    def __init__(self, types: FieldTypes, bodies: Bodies, steps: int = 0) -> None:
        self._types = types
        self._bodies = bodies
        self._steps = steps

    def body_of(self, object_name: str) -> Mapping[str, Any] | None:
        """The body of an object's definition."""
        return self._bodies(object_name)

    def bind(self, declaration: Declaration) -> FieldType:
        """The type that the declaration names; a read-only placeholder when it is not available."""
        name = declaration.body.get("type")
        found = IdType if name == IdType.name else self._types.get(name) if isinstance(name, str) else None
        return (found or MissingType)(declaration, self)

    def sibling(self, object_name: str, field_name: str) -> FieldType | None:
        """The type of a field of any object; None when there is none or the circle is closed."""
        if self._steps >= MAX_STEPS:
            return None
        declaration = self.declaration(object_name, field_name)
        return DefinitionScope(self._types, self._bodies, self._steps + 1).bind(declaration) if declaration else None

    def declaration(self, object_name: str, field_name: str) -> Declaration | None:
        """How a field is declared; None when there is none."""
        body = self._bodies(object_name)
        if body is None:
            return None
        for field in body.get("fields", ()):
            if isinstance(field, Mapping) and field.get("name") == field_name:
                return Declaration(object=object_name, name=field_name, body=field)
        system = system_body(body, field_name)
        return None if system is None else Declaration(object=object_name, name=field_name, body=system)

    def volatile(self, declaration: Declaration) -> bool:
        """Whether a formula depends on more than the stored fields of its own record."""
        if self._steps >= MAX_STEPS:
            return True
        deeper = DefinitionScope(self._types, self._bodies, self._steps + 1)
        return is_volatile(declaration, deeper.sibling)


def system_body(body: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """How a system field of an object is declared: record types become its options; None when it has no such field."""
    system = SYSTEM_FIELDS.get(name)
    storage = body.get("storage")
    if system is None or (storage is not None and name not in storage.get("columns", {})):
        return None
    if name == "record_type" and body.get("record_types"):
        options = [{"value": each["name"], "label": each.get("label", each["name"])} for each in body["record_types"]]
        return {**system, "type": "select", "options": options}
    return system
