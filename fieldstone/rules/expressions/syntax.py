"""The nodes of an expression: what the parser makes and what the checker gives back.

What comes in: nothing. What goes out: a small, stable set of frozen classes. Who reads them: the checker, the code
generator, `words`, and the SQL compiler (only *checked* trees).

A checked tree differs from a parsed one: every node has its `type`; `Name` and chains of `Member` from a name have
become `FieldPath`; every conversion is spelled out (`Convert`, `RecordId`, `.amount` of money, literals already of
the type they are compared with); `if`, `hasRole` and `has` on records are written with simpler nodes.

| node | in a checked tree |
|---|---|
| `Literal` | a value: bool, int, `UInt`, float, `Decimal`, str, bytes, None, date, time, datetime (UTC), timedelta |
| `FieldPath` | `("customer", "tier")`: a name of the environment and fields through lookups; null when a step is null |
| `Variable` | the variable of an enclosing `Comprehension` |
| `Member` | `.amount` or `.currency` of money; a field of a record that is no path; a key of a map |
| `RecordId` | the id of a record (string), or the ids of a list of records (list of strings) |
| `Convert` | the operand as the node's type: int to decimal or double, date to timestamp (midnight), dyn to anything |
| `Unary` | `!` or `-` |
| `Binary` | `+ - * / %`, `== != < <= > >=`, `in`; both sides of one type, except durations, money by number, and `in` |
| `Logical` | `&&` or `||` over two or more terms |
| `Ternary` | `condition ? then : otherwise`; a null condition takes `otherwise` |
| `Index` | `list[int]`, `map[key]` |
| `ListNode`, `MapNode` | constructors |
| `Has` | whether a map has a key |
| `Call` | a function with its `overload` (None: chosen at run time by the values) |
| `Comprehension` | `all exists exists_one map filter` |
| `Faulty` | something wrong that fails when evaluated (only where faults are deferred) |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from typing import Literal as OneOf

from fieldstone.rules.expressions.errors import Problem
from fieldstone.rules.expressions.functions.definition import Overload
from fieldstone.rules.expressions.types import DYN, Type

Path: TypeAlias = tuple[str, ...]
"""A name of the environment followed by field names: `("customer", "tier")`."""

ArithmeticOperator: TypeAlias = OneOf["+", "-", "*", "/", "%"]
Comparison: TypeAlias = OneOf["==", "!=", "<", "<=", ">", ">=", "in"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of an expression. `start` and `end` are offsets into the source."""

    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)
    type: Type = DYN


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal(Node):
    """A constant. `text` is how a number was written, from which an exact decimal can be made."""

    value: Any
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Node):
    """A bare name (parsed trees only)."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldPath(Node):
    """A field read from the environment (checked trees only)."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable(Node):
    """The variable of an enclosing comprehension; `origin` is the path of the list it walks over, if it is a path."""

    name: str
    origin: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Node):
    """`operand.field`."""

    operand: Node
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordId(Node):
    """The id of a record, or the ids of a list of records (checked trees only)."""

    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Convert(Node):
    """The operand converted to this node's type (checked trees only)."""

    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary(Node):
    """`!x` or `-x`."""

    operator: OneOf["!", "-"]
    operand: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Node):
    """`left operator right`."""

    operator: ArithmeticOperator | Comparison
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Logical(Node):
    """`a && b && ...` or `a || b || ...`: two or more terms, in the order written."""

    operator: OneOf["&&", "||"]
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ternary(Node):
    """`condition ? then : otherwise`."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Index(Node):
    """`operand[index]`."""

    operand: Node
    index: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNode(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapNode(Node):
    """`{key: value}`."""

    entries: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Has(Node):
    """`has(operand.field)`; an `operand` of None (parsed trees only) asks about a bare name."""

    operand: Node | None
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """`name(arguments)`, or in parsed trees also `target.name(arguments)`; checked trees put the target first."""

    name: str
    arguments: tuple[Node, ...]
    target: Node | None = None
    overload: Overload | None = field(default=None, compare=False)

    @property
    def sql(self) -> str | None:
        """The tag of the SQL translation, None when there is none."""
        return self.overload.sql if self.overload is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comprehension(Node):
    """`source.kind(variable, ...)`: `condition` filters or decides (None: every element), `result` is mapped to."""

    kind: OneOf["all", "exists", "exists_one", "map", "filter"]
    source: Node
    variable: str
    condition: Node | None = None
    result: Node | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Faulty(Node):
    """Something that fails when it is evaluated (checked trees with deferred faults only)."""

    problem: Problem


def children(node: Node) -> tuple[Node, ...]:
    """The direct parts of `node`, in source order."""
    match node:
        case Member() | RecordId() | Convert() | Unary():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Logical():
            return node.terms
        case Ternary():
            return (node.condition, node.then, node.otherwise)
        case Index():
            return (node.operand, node.index)
        case ListNode():
            return node.items
        case MapNode():
            return tuple(part for entry in node.entries for part in entry)
        case Has():
            return () if node.operand is None else (node.operand,)
        case Call():
            return node.arguments if node.target is None else (node.target, *node.arguments)
        case Comprehension():
            return tuple(part for part in (node.source, node.condition, node.result) if part is not None)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it, parents first."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(children(current)))
