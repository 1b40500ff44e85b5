"""Objects for tests: compiled without a database from plain bodies, or published on a real installation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fieldstone.objects.definition.kind import object_kind
from fieldstone.objects.definition.scope import DefinitionScope
from fieldstone.objects.definition.shipped import shipped_definitions
from fieldstone.objects.fieldtypes.base import Declaration, FieldType
from fieldstone.objects.fieldtypes.builtin import FieldTypes, built_in_types
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.kernel.metadata import Definition, Diagnostic, MetadataKind
from fieldstone.platform.kernel.registry import Registry

TYPES: FieldTypes = built_in_types()
KIND: MetadataKind = object_kind(TYPES)


class ObjectSnapshot:
    """A snapshot of objects that stand in no database."""

    version = 1

    def __init__(self, *bodies: Mapping[str, Any], kind: MetadataKind = KIND, building: Sequence[str] = ()) -> None:
        shipped = {definition.name: definition for definition in shipped_definitions()}
        own = {body["name"]: Definition(kind="object", name=body["name"], body=body, hash="") for body in bodies}
        self.definitions = shipped | own
        self._kind = kind
        self._building = frozenset(building)
        self._compiled: dict[str, ObjectType] = {}
        self._derived: dict[str, Any] = {}

    def definition(self, kind: str, name: str) -> Definition | None:
        return self.definitions.get(name) if kind == "object" else None

    def get(self, kind: str, name: str) -> Any:
        found = self.find(kind, name)
        if found is None:
            raise NotFound("There is no {kind} called {name}.", kind=kind, name=name)
        return found

    def find(self, kind: str, name: str) -> Any | None:
        definition = self.definition(kind, name)
        if definition is None:
            return None
        if name not in self._compiled:
            self._compiled[name] = self._kind.compile(definition, self)
        return self._compiled[name]

    def names(self, kind: str) -> Sequence[str]:
        return sorted(self.definitions)

    def all(self, kind: str) -> Sequence[Any]:
        return [self.get(kind, name) for name in self.names(kind)]

    def derived(self, key: str, make: Callable[[Any], Any]) -> Any:
        return self._derived.setdefault(key, make(self))

    def physical(self, kind: str, path: str) -> str | None:
        return None

    def building(self, kind: str, name: str) -> frozenset[str]:
        return self._building

    def check(self, name: str) -> list[Diagnostic]:
        """What the kind says against one of the definitions."""
        return list(self._kind.check(self.definitions[name], self))


def body(name: str, *fields: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The body of an object."""
    return {"name": name, "label": name.capitalize(), "fields": list(fields), **more}


def field(name: str, kind: str, **options: Any) -> dict[str, Any]:
    """The body of a field."""
    return {"name": name, "type": kind, **options}


def bound(kind: str, name: str = "f", scope: DefinitionScope | None = None, **options: Any) -> FieldType:
    """A field type bound to a field with those options, outside of any object."""
    declaration = Declaration(object="thing", name=name, body=field(name, kind, **options))
    return (scope or DefinitionScope(TYPES, lambda _: None)).bind(declaration)


def compiled(*fields: Mapping[str, Any], **more: Any) -> ObjectType:
    """One object with those fields, compiled."""
    snapshot = ObjectSnapshot(body("thing", *fields, **more))
    found: ObjectType = snapshot.get("object", "thing")
    return found


def object_kinds(*more: MetadataKind) -> Registry[MetadataKind]:
    """The registry of an installation that knows objects."""
    registry: Registry[MetadataKind] = Registry("metadata kind")
    for kind in (object_kind(TYPES), *more):
        registry.register(kind.name, kind)
    registry.freeze()
    return registry
