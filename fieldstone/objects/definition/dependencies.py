"""What is worked out before what: the order of formulas, and circles among computed fields.

What comes in: compiled fields, or definitions. What goes out: names in order; circles by name. Who calls it: the
compiler (order) and the checks (circles).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from fieldstone.objects.fieldtypes.base import Field

Node: TypeAlias = tuple[str, str]
"""Object and field."""


def formula_order(fields: Mapping[str, Field]) -> tuple[str, ...]:
    """The fields with an expression, each after those of them that it reads; those in a circle come last."""
    waiting = {
        name: {path[0] for path in field.expression.references} & fields.keys()
        for name, field in fields.items()
        if field.expression is not None
    }
    ordered: list[str] = []
    while waiting:
        ready = [name for name, needs in waiting.items() if not needs & waiting.keys() - {name}]
        if not ready:
            return (*ordered, *waiting)
        for name in ready:
            del waiting[name]
        ordered.extend(ready)
    return tuple(ordered)


def circle_through(start: Node, needs: Callable[[Node], Iterable[Node]]) -> Sequence[Node] | None:
    """The shortest way from a computed field back to itself, its name first and last; None when there is none."""
    ways: list[list[Node]] = [[start]]
    seen: set[Node] = set()
    while ways:
        way = ways.pop(0)
        for node in needs(way[-1]):
            if node == start:
                return [*way, start]
            if node not in seen:
                seen.add(node)
                ways.append([*way, node])
    return None
