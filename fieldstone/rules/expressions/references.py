"""Which fields a checked expression reads.

What comes in: a checked tree. What goes out: every path read, each once, in the order of the source. Rules are
indexed by them, where-used is told from them, and records are loaded by them. Who calls it: `compile`.
"""

from __future__ import annotations

from fieldstone.rules.expressions.syntax import (
    Call,
    Comprehension,
    FieldPath,
    Literal,
    Member,
    Node,
    Path,
    Ternary,
    Variable,
    children,
)

_Paths = tuple[Path, ...]


def references(tree: Node) -> _Paths:
    """Every path read: `("amount",)`, `("customer", "tier")`, `("lines", "amount")`, and those in `changed(...)`."""
    reading = _Reading()
    reading.visit(tree)
    return tuple(reading.found)


class _Reading:
    """Collects paths. `visit` gives the paths from which the value of a node may come, so that
    `first(lines).amount` is seen to read `("lines", "amount")`."""

    def __init__(self) -> None:
        self.found: dict[Path, None] = {}
        self._origins: dict[str, _Paths] = {}

    def visit(self, node: Node) -> _Paths:
        match node:
            case FieldPath():
                return self._note((node.path,))
            case Variable():
                return self._origins.get(node.name, ())
            case Member() if node.operand.type.is_record:
                return self._note(tuple((*path, node.field) for path in self.visit(node.operand)))
            case Call(name="changed", arguments=(Literal(value=name),)):
                return self._note(((str(name),),))
            case Ternary():
                self.visit(node.condition)
                return (*self.visit(node.then), *self.visit(node.otherwise))
            case Comprehension():
                return self._comprehension(node)
            case _:
                return tuple(path for part in children(node) for path in self.visit(part))

    def _note(self, paths: _Paths) -> _Paths:
        self.found.update(dict.fromkeys(paths))
        return paths

    def _comprehension(self, node: Comprehension) -> _Paths:
        walked = self.visit(node.source)
        hidden = self._origins.get(node.variable, ())
        self._origins[node.variable] = walked
        if node.condition is not None:
            self.visit(node.condition)
        result = () if node.result is None else self.visit(node.result)
        self._origins[node.variable] = hidden
        return result if node.kind == "map" else walked
