"""What rules need to know of the objects they are about.

What comes in: a snapshot. What goes out: `RuleObject` and `RuleField` (compiled objects and fields, seen from here),
`RecordEnvironment` (what the names of a rule's expressions mean) and checked literals. Who calls it: the compilers of
rule kinds. The objects room is above this one, so its classes are described by protocols.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, cast

from fieldstone.platform.kernel.metadata import MetadataError, Snapshot
from fieldstone.rules.expressions.types import Type, record_of


class RuleFieldType(Protocol):
    """A field's type, as rules see it."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The objects whose records the value points to."""
        ...

    def ranks(self) -> Mapping[Any, int]:
        """The values it can have and their positions, for types with a fixed list of values; else empty."""
        ...

    def expression_type(self) -> Type:
        """The type of the values in expressions."""
        ...

    def read(self, value: Any) -> Any:
        """The Python value of a JSON value. Raises an exception with a `problem` (message and facts)."""
        ...


class RuleField(Protocol):
    """A field, as rules see it."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> RuleFieldType: ...

    @property
    def required(self) -> bool: ...

    @property
    def sensitive(self) -> bool: ...

    @property
    def computed(self) -> bool: ...

    @property
    def system(self) -> bool: ...


class RuleObject(Protocol):
    """An object, as rules see it."""

    @property
    def name(self) -> str: ...

    @property
    def fields(self) -> Mapping[str, RuleField]: ...


def object_of(snapshot: Snapshot, name: str, path: str) -> RuleObject:
    """The compiled object. Raises `MetadataError` at `path` when there is none."""
    found = snapshot.find("object", name)
    if found is None:
        raise MetadataError("There is no object called {name}.", path=path, code="unknown_object", name=name)
    return cast(RuleObject, found)


def field_of(target: RuleObject, name: str, path: str) -> RuleField:
    """A field of an object. Raises `MetadataError` at `path` when there is none."""
    found = target.fields.get(name)
    if found is None:
        raise MetadataError(
            "{object} has no field called {name}.", path=path, code="unknown_field", object=target.name, name=name
        )
    return found


def settable_field(target: RuleObject, name: str, path: str) -> RuleField:
    """A field that a rule may set: not one that the server works out by itself. Raises `MetadataError`."""
    found = field_of(target, name, path)
    if found.computed or (found.system and name not in SETTABLE_SYSTEM_FIELDS):
        raise MetadataError("The field {name} cannot be set.", path=path, code="not_settable", name=name)
    return found


SETTABLE_SYSTEM_FIELDS = frozenset({"owner", "record_type"})


def checked_literal(field: RuleField, value: Any, path: str) -> Any:
    """The Python value of a literal for a field. Raises `MetadataError` at `path` when the field cannot hold it."""
    if value is None:
        return None
    try:
        return field.type.read(value)
    except Exception as error:
        problem = getattr(error, "problem", None)
        if problem is None:
            raise
        raise MetadataError(problem.message, path=path, code=problem.code, **problem.facts) from error


class RecordEnvironment:
    """The names at the root of a rule's expressions: the fields of an object, `previous`, `user` and some more."""

    def __init__(self, snapshot: Snapshot, object_name: str, extra: Mapping[str, Type] = MappingProxyType({})) -> None:
        self._snapshot = snapshot
        self._object = object_name
        self._extra = {"previous": record_of(object_name), "user": record_of("user"), **extra}

    def variable(self, name: str) -> Type | None:
        """The type of a field of the record, or of one of the further names."""
        return self.member(self._object, name) or self._extra.get(name)

    def member(self, record: str, field: str) -> Type | None:
        """The type of a field of the object called `record`."""
        target = self._snapshot.find("object", record)
        found = target.fields.get(field) if target is not None else None
        return cast(RuleField, found).type.expression_type() if found is not None else None

    def names(self) -> Sequence[str]:
        """All names at the root."""
        return (*self.members(self._object), *self._extra)

    def members(self, record: str) -> Sequence[str]:
        """All field names of the object called `record`."""
        target = self._snapshot.find("object", record)
        return tuple(target.fields) if target is not None else ()
