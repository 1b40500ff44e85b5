"""Conditions on rows, as roles and sharing rules write them.

What comes in: an object's name and the source of a condition over its fields and `user`. What goes out: the checked
expression, the elements it refers to, and what `user` is in it. Who calls it: the kinds of this package; lookups with a
filter read `user` in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from fieldstone.objects.definition.environment import PREVIOUS, USER
from fieldstone.platform.kernel.context import Actor
from fieldstone.platform.kernel.metadata import MetadataError, Reference, Snapshot
from fieldstone.rules.expressions.compile import Expression, compile_expression
from fieldstone.rules.expressions.errors import ExpressionError
from fieldstone.rules.expressions.syntax import Path
from fieldstone.rules.expressions.types import BOOL, Type, TypeEnvironment


class RowNames:
    """The names of a condition on rows: those of the object, but no `previous`, since nothing is being changed."""

    def __init__(self, inner: TypeEnvironment) -> None:
        self._inner = inner

    def variable(self, name: str) -> Type | None:
        """The type of a name at the root."""
        return None if name == PREVIOUS else self._inner.variable(name)

    def member(self, record: str, field: str) -> Type | None:
        """The type of a field of an object."""
        return self._inner.member(record, field)

    def names(self) -> Sequence[str]:
        """All names at the root."""
        return tuple(name for name in self._inner.names() if name != PREVIOUS)

    def members(self, record: str) -> Sequence[str]:
        """All field names of an object."""
        return self._inner.members(record)


def condition_of(snapshot: Snapshot, object_name: str, source: str, path: str) -> Expression:
    """The checked condition. Raises `MetadataError` with the position inside the source."""
    target = snapshot.find("object", object_name)
    if target is None:
        raise MetadataError("There is no object called {name}.", path=path, code="unknown_object", name=object_name)
    try:
        return compile_expression(source, RowNames(target.environment), expects=BOOL)
    except ExpressionError as error:
        facts = {**error.facts, "line": error.position.line, "column": error.position.column}
        raise MetadataError(error.problem.message, path=path, code=error.instance_code, **facts) from error


def references_of(snapshot: Snapshot, object_name: str, source: str, path: str) -> Iterator[Reference]:
    """The elements that a condition reads, as far as it can be checked."""
    yield Reference(path=path, kind="object", name=object_name)
    with suppress(MetadataError):
        for read in condition_of(snapshot, object_name, source, path).references:
            yield from _steps(snapshot, object_name, read, path)


def _steps(snapshot: Snapshot, object_name: str, read: Path, path: str) -> Iterator[Reference]:
    steps: Sequence[str] = read
    target = snapshot.find("object", object_name)
    if target is not None and read[0] == USER and USER not in target.fields:
        yield Reference(path=path, kind="object", name=USER)
        target, steps = snapshot.find("object", USER), read[1:]
    elif read[0] in ("previous", "record"):
        steps = read[1:]
    for name in steps:
        if target is None or name not in target.fields:
            return
        yield Reference(path=path, kind="object", name=target.name, part=name)
        targets = target.fields[name].type.targets
        if len(targets) == 1:
            yield Reference(path=path, kind="object", name=targets[0])
        target = snapshot.find("object", targets[0]) if len(targets) == 1 else None


def user_variables(actor: Actor) -> Mapping[str, Any]:
    """What `user` is in an expression."""
    return {
        "id": actor.id,
        "name": actor.name,
        "email": actor.email,
        "title": actor.name,
        "roles": sorted(actor.roles),
        "teams": sorted(actor.teams),
        "locale": actor.locale,
        "time_zone": actor.time_zone,
        "active": True,
    }
