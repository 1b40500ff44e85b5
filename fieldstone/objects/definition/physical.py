"""Which parts of an object need stable physical names.

What comes in: a definition alone. What goes out: its table, the columns of its fields, its tables of links. How a
field is stored is its signature: a field that comes to be stored otherwise gets a fresh column, and the plan moves the
values. Who calls it: the metadata room, through the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from fieldstone.objects.definition.scope import DefinitionScope, no_bodies
from fieldstone.objects.fieldtypes.base import Declaration
from fieldstone.objects.fieldtypes.builtin import FieldTypes
from fieldstone.platform.kernel.metadata import Definition, PhysicalPart

Physical = Callable[[Definition], Iterator[PhysicalPart]]


def make_physical(types: FieldTypes) -> Physical:
    """The function of the kind."""

    def physical(definition: Definition) -> Iterator[PhysicalPart]:
        if definition.body.get("storage") is not None:
            return
        name = definition.name
        scope = DefinitionScope(types, no_bodies)
        yield PhysicalPart(kind="object", path=name, stem=f"o_{name}")
        for body in definition.body.get("fields", ()):
            if isinstance(body, Mapping) and isinstance(body.get("name"), str):
                yield from _parts(Declaration(object=name, name=body["name"], body=body), scope)

    return physical


def _parts(declaration: Declaration, scope: DefinitionScope) -> Iterator[PhysicalPart]:
    kind = scope.bind(declaration)
    path = f"{declaration.object}.{declaration.name}"
    if kind.link_columns():
        stem = f"r_{declaration.object}_{declaration.name}"
        yield PhysicalPart(kind="link", path=path, stem=stem, signature=",".join(kind.targets))
    elif kind.signature():
        stem = f"f_{declaration.name}"
        yield PhysicalPart(kind="field", path=path, stem=stem, scope=declaration.object, signature=kind.signature())
