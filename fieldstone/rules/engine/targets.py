"""What rules need to know of the objects they are about.

What comes in: a snapshot. What goes out: `RuleObject` and `RuleField` (compiled objects and fields, seen from here),
`WithNames` (what the names of a rule's expressions mean) and checked literals. Who calls it: the compilers of
rule kinds. The objects room is above this one, so its classes are described by protocols.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from fieldstone.platform.kernel.metadata import MetadataError, Snapshot
from fieldstone.rules.expressions.types import Type, TypeEnvironment


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
    def all_fields(self) -> Mapping[str, RuleField]:
        """Its own fields and those that every record has, by name."""
        ...

    @property
    def environment(self) -> TypeEnvironment:
        """What names mean in expressions over its records: fields, `previous`, `user`."""
        ...


def object_of(snapshot: Snapshot, name: str, path: str) -> RuleObject:
    """The compiled object. Raises `MetadataError` at `path` when there is none."""
    found = snapshot.find("object", name)
    if found is None:
        raise MetadataError("There is no object called {name}.", path=path, code="unknown_object", name=name)
    return cast(RuleObject, found)


def field_of(target: RuleObject, name: str, path: str) -> RuleField:
    """A field of an object. Raises `MetadataError` at `path` when there is none."""
    found = target.all_fields.get(name)
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


class WithNames:
    """The names of an object's expressions and some more at the root; a field goes before a further name."""

    def __init__(self, inner: TypeEnvironment, more: Mapping[str, Type]) -> None:
        self._inner = inner
        self._more = more

    def variable(self, name: str) -> Type | None:
        """The type of a name at the root."""
        return self._inner.variable(name) or self._more.get(name)

    def member(self, record: str, field: str) -> Type | None:
        """The type of a field of the object called `record`."""
        return self._inner.member(record, field)

    def names(self) -> Sequence[str]:
        """All names at the root."""
        return (*self._inner.names(), *self._more)

    def members(self, record: str) -> Sequence[str]:
        """All field names of the object called `record`."""
        return self._inner.members(record)
