"""What the names and fields of an expression mean.

What comes in: `Name`, `Member` and `Has` nodes as parsed. What goes out: `FieldPath`, `Variable`, `Member`,
`RecordId`, with types, or a `Faulty` with the nearest name that exists. Who calls it: the checker.
"""

from __future__ import annotations

from collections.abc import Callable

from fieldstone.rules.expressions.coercion import without_record
from fieldstone.rules.expressions.dialect import Dialect, Names
from fieldstone.rules.expressions.reports import Reports, is_open, nearest
from fieldstone.rules.expressions.syntax import (
    Binary,
    FieldPath,
    Has,
    Literal,
    Member,
    Name,
    Node,
    Path,
    RecordId,
    Variable,
)
from fieldstone.rules.expressions.types import BOOL, DECIMAL, DYN, MONEY, NULL, STRING, Type, TypeEnvironment

_MONEY_MEMBERS = {"amount": DECIMAL, "currency": STRING}


class NameResolver:
    """Resolves the names of one expression. `variables` are those of the enclosing comprehensions."""

    __slots__ = ("_check", "_dialect", "_environment", "_reports", "_variables")

    def __init__(
        self, environment: TypeEnvironment, dialect: Dialect, reports: Reports, check: Callable[[Node], Node]
    ) -> None:
        self._environment = environment
        self._dialect = dialect
        self._reports = reports
        self._check = check
        self._variables: dict[str, Variable] = {}

    def bind(self, variable: Variable) -> Variable | None:
        """Bring the variable of a comprehension into scope; the one it hides is given back, for `release`."""
        hidden = self._variables.get(variable.name)
        self._variables[variable.name] = variable
        return hidden

    def release(self, name: str, hidden: Variable | None) -> None:
        """Take a variable out of scope."""
        if hidden is None:
            del self._variables[name]
        else:
            self._variables[name] = hidden

    def name(self, node: Name, otherwise: str = "") -> Node:
        """A bare name; `otherwise` is suggested when no known name comes near."""
        variable = self._variables.get(node.name)
        if variable is not None:
            return Variable(
                start=node.start, end=node.end, type=variable.type, name=variable.name, origin=variable.origin
            )
        found = self._environment.variable(node.name)
        if found is not None:
            return FieldPath(start=node.start, end=node.end, type=found, path=(node.name,))
        known = (*self._environment.names(), *self._variables)
        facts = {"name": node.name}
        suggestion = nearest(node.name, known) or otherwise
        return self._reports.fault(node, "unknown_name", "There is no field called {name}.", facts, suggestion)

    def member(self, node: Member) -> Node:
        """A field of something."""
        qualified = self._qualified(node) if self._dialect.names is Names.QUALIFIED else None
        return qualified or self.select(node, self._check(node.operand))

    def select(self, node: Member, operand: Node) -> Node:
        """The field `node.field` of a checked operand."""
        of_type = operand.type
        if of_type.is_record:
            return self._record_field(node, operand)
        if of_type == MONEY and node.field in _MONEY_MEMBERS:
            return _member(node, operand, _MONEY_MEMBERS[node.field])
        if of_type.is_map:
            return _member(node, operand, of_type.value)
        if is_open(of_type):
            return _member(node, operand, DYN)
        facts = {"field": node.field, "type": str(of_type)}
        suggestion = nearest(node.field, _MONEY_MEMBERS) if of_type == MONEY else ""
        if of_type.is_list:
            suggestion = f"{self._reports.text_of(node.operand)}.map(each, each.{node.field})"
        return self._reports.fault(node, "no_field", "A {type} has no field {field}.", facts, suggestion)

    def has(self, node: Has) -> Node:
        """Whether a field is filled in."""
        if node.operand is None:
            return _is_filled(node, self.name(Name(start=node.start, end=node.end, name=node.field)))
        member = Member(start=node.start, end=node.end, operand=node.operand, field=node.field)
        operand = self._check(node.operand)
        if operand.type.is_map or is_open(operand.type):
            return Has(start=node.start, end=node.end, type=BOOL, operand=operand, field=node.field)
        return _is_filled(node, self.select(member, operand))

    def _record_field(self, node: Member, operand: Node) -> Node:
        record = operand.type.record
        if node.field == "id":
            return RecordId(start=node.start, end=node.end, type=STRING, operand=operand)
        found = self._environment.member(record, node.field)
        if found is None:
            facts = {"name": node.field, "object": record}
            suggestion = nearest(node.field, self._environment.members(record))
            return self._reports.fault(node, "unknown_name", "{object} has no field called {name}.", facts, suggestion)
        if isinstance(operand, FieldPath):
            return FieldPath(start=node.start, end=node.end, type=found, path=(*operand.path, node.field))
        return _member(node, operand, found)

    def _qualified(self, node: Member) -> Node | None:
        """The longest dotted name that the environment knows, followed by ordinary fields."""
        names = _dotted(node)
        if names is None or names[0] in self._variables:
            return None
        for length in range(len(names), 1, -1):
            name = ".".join(names[:length])
            found = self._environment.variable(name)
            if found is not None:
                root: Node = FieldPath(start=node.start, end=node.end, type=found, path=(name,))
                return self._selected_further(node, root, names[length:])
        return None

    def _selected_further(self, node: Member, root: Node, fields: Path) -> Node:
        for field in fields:
            root = self.select(Member(start=node.start, end=node.end, operand=node.operand, field=field), root)
        return root


def _dotted(node: Node) -> Path | None:
    if isinstance(node, Name):
        return (node.name,)
    if isinstance(node, Member):
        before = _dotted(node.operand)
        return None if before is None else (*before, node.field)
    return None


def _member(node: Member, operand: Node, of_type: Type) -> Member:
    return Member(start=node.start, end=node.end, type=of_type, operand=operand, field=node.field)


def _is_filled(node: Has, value: Node) -> Node:
    empty = Literal(start=node.end, end=node.end, value=None, type=NULL)
    return Binary(start=node.start, end=node.end, type=BOOL, operator="!=", left=without_record(value), right=empty)
