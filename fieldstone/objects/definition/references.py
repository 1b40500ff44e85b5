"""What the definition of an object refers to.

What comes in: a definition and the snapshot. What goes out: a `Reference` for every object and field it needs, its own
fields included, so that nothing that is in use can be removed or renamed unseen. Who calls it: the metadata room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fieldstone.objects.definition.compile import bodies_of
from fieldstone.objects.definition.environment import USER, filter_environment, record_environment
from fieldstone.objects.definition.paths import steps_of
from fieldstone.objects.definition.scope import DefinitionScope
from fieldstone.objects.fieldtypes.base import Declaration
from fieldstone.objects.fieldtypes.builtin import FieldTypes
from fieldstone.platform.kernel.metadata import Definition, Reference, Snapshot
from fieldstone.rules.expressions.compile import compile_expression
from fieldstone.rules.expressions.errors import ExpressionError
from fieldstone.rules.expressions.parser import parse
from fieldstone.rules.expressions.syntax import Comprehension, Has, Member, Name, Node, Path, walk
from fieldstone.rules.expressions.types import TypeEnvironment

References = Callable[[Definition, Snapshot], tuple[Reference, ...]]


def make_references(types: FieldTypes) -> References:
    """The function of the kind."""

    def references(definition: Definition, snapshot: Snapshot) -> tuple[Reference, ...]:
        scope = DefinitionScope(types, bodies_of(snapshot, definition))
        return tuple(dict.fromkeys(_all(definition, scope)))

    return references


def _all(definition: Definition, scope: DefinitionScope) -> Iterator[Reference]:
    body, name = definition.body, definition.name
    if name != USER:
        yield Reference(path="", kind="object", name=USER)
    for path, field in _named_fields(body):
        yield Reference(path=path, kind="object", name=name, part=field)
    yield from _in_expression(body.get("title"), "/title", name, scope)
    for index, field in enumerate(body.get("fields", ())):
        if isinstance(field, Mapping) and isinstance(field.get("name"), str):
            yield from _of_field(Declaration(object=name, name=field["name"], body=field), f"/fields/{index}", scope)


def _named_fields(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Own fields named outside of expressions."""
    if body.get("owner_field"):
        yield "/owner_field", body["owner_field"]
    for group, fields in enumerate(body.get("unique", ())):
        yield from ((f"/unique/{group}/{index}", field) for index, field in enumerate(fields))
    for group, fields in enumerate(body.get("indexes", ())):
        yield from ((f"/indexes/{group}/{index}", field.removeprefix("-")) for index, field in enumerate(fields))


def _of_field(declaration: Declaration, path: str, scope: DefinitionScope) -> Iterator[Reference]:
    kind = scope.bind(declaration)
    body = declaration.body
    for reference in kind.references():
        yield Reference(path=path + reference.path, kind=reference.kind, name=reference.name, part=reference.part)
    default = body.get("default")
    if isinstance(default, Mapping) and not kind.nested:
        yield from _in_expression(default.get("expression"), f"{path}/default/expression", declaration.object, scope)
    for option in kind.expressions():
        yield from _in_expression(body.get(option), f"{path}/{option}", declaration.object, scope)
    condition = kind.filter_option()
    if condition is not None:
        referring = declaration.object if condition.sees_record else None
        source = body.get(condition.option)
        yield from _in_expression(source, f"{path}/{condition.option}", condition.object, scope, referring)


def _in_expression(
    source: Any, path: str, start: str, scope: DefinitionScope, referring: str | None = None
) -> Iterator[Reference]:
    """The fields that an expression reads, and the objects on the way: also when it does not compile."""
    if not isinstance(source, str):
        return
    bodies = scope.body_of
    environment = (
        record_environment(start, scope, bodies)
        if referring is None
        else filter_environment(start, scope, bodies, referring)
    )
    for read in paths_read(source, environment):
        for object_name, field in steps_of(read, start, scope, referring):
            yield Reference(path=path, kind="object", name=object_name, part=field)
            yield from _targets(object_name, field, path, scope)


def _targets(object_name: str, field: str, path: str, scope: DefinitionScope) -> Iterable[Reference]:
    kind = scope.sibling(object_name, field)
    reached = () if kind is None else (*kind.targets, *filter(None, (kind.row_object,)))
    return (Reference(path=path, kind="object", name=target) for target in reached)


def paths_read(source: str, environment: TypeEnvironment) -> tuple[Path, ...]:
    """Every path that an expression reads; as far as it can be told when it does not compile."""
    try:
        return compile_expression(source, environment).references
    except ExpressionError:
        return _paths_written(source)


def _paths_written(source: str) -> tuple[Path, ...]:
    try:
        nodes = tuple(walk(parse(source)))
    except ExpressionError:
        return ()
    bound = {node.variable for node in nodes if isinstance(node, Comprehension)}
    paths = (_dotted(node) for node in nodes)
    return tuple(dict.fromkeys(path for path in paths if path is not None and path[0] not in bound))


def _dotted(node: Node | None) -> Path | None:
    match node:
        case Name():
            return (node.name,)
        case Has(operand=None):
            return (node.field,)
        case Member() | Has():
            before = _dotted(node.operand)
            return None if before is None else (*before, node.field)
        case _:
            return None
