"""Computed fields that are worked out from each other in a circle.

What comes in: a compiled object and the snapshot, for the other objects. What goes out: for each field of the object
that is in a circle, its place and the circle in words. Who calls it: the checks.
"""

from __future__ import annotations

from collections.abc import Iterator

from fieldstone.objects.definition.dependencies import Node, circle_through
from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.metadata import Snapshot
from fieldstone.rules.expressions.compile import Expression


def circles(compiled: ObjectType, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Path of the field and names of the circle, for every circle that begins in this object."""
    graph = _Graph(snapshot)
    for index, (name, field) in enumerate(compiled.own_fields.items()):
        if field.computed:
            circle = circle_through((compiled.name, name), graph.needs)
            if circle is not None:
                yield f"/fields/{index}", " → ".join(f"{owner}.{part}" for owner, part in circle)


class _Graph:
    """Which computed fields a computed field needs."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._known: dict[Node, tuple[Node, ...]] = {}

    def needs(self, node: Node) -> tuple[Node, ...]:
        """The computed fields that this one reads directly."""
        if node not in self._known:
            self._known[node] = tuple(dict.fromkeys(each for each in self._reads(node) if self._computed(each)))
        return self._known[node]

    def _reads(self, node: Node) -> Iterator[Node]:
        field = self._field(node)
        if field is None:
            return
        if field.expression is not None:
            yield from self._in_expression(field.expression, node[0])
        source = field.type.rolled_up()
        if source is not None:
            if source[1] is not None:
                yield source[0], source[1]
            if field.filter is not None:
                yield from self._in_expression(field.filter, source[0])

    def _in_expression(self, expression: Expression, start: str) -> Iterator[Node]:
        for path in expression.references:
            here: str | None = start
            for name in path:
                if here is None:
                    break
                yield here, name
                found = self._field((here, name))
                targets = found.type.targets if found else ()
                row = found.type.row_object if found else None
                here = row or (targets[0] if len(targets) == 1 else None)

    def _field(self, node: Node) -> Field | None:
        compiled: ObjectType | None = self._snapshot.find("object", node[0])
        return compiled.own_fields.get(node[1]) if compiled is not None else None

    def _computed(self, node: Node) -> bool:
        field = self._field(node)
        return field is not None and field.computed
