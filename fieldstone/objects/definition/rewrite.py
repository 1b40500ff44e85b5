"""Rewrites the definition of an object when something it refers to is renamed.

What comes in: a definition and a rename of an object or of a field. What goes out: the body with the new name, or None
when nothing in it refers to the old one or when it cannot be told (a path through several lookups): the metadata room
then refuses the rename and lists the places. Who calls it: the metadata room, through the kind.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fieldstone.objects.definition.environment import PREVIOUS, RECORD
from fieldstone.objects.definition.scope import DefinitionScope, no_bodies
from fieldstone.objects.fieldtypes.base import Declaration, FieldType
from fieldstone.objects.fieldtypes.builtin import FieldTypes
from fieldstone.platform.kernel.metadata import Definition, Rename
from fieldstone.rules.expressions.errors import ExpressionError
from fieldstone.rules.expressions.parser import parse
from fieldstone.rules.expressions.syntax import Call, Comprehension, Has, Literal, Member, Name, Node, walk

Rewrite = Callable[[Definition, Rename], Mapping[str, Any] | None]
Edit = tuple[int, int, str]


class _Unclear(Exception):
    """The definition alone does not tell whether a path leads to what is renamed."""


def make_rewrite(types: FieldTypes) -> Rewrite:
    """The function of the kind."""

    def rewrite(definition: Definition, rename: Rename) -> Mapping[str, Any] | None:
        if rename.kind != "object":
            return None
        work = _Rewriting(definition, rename, types)
        try:
            work.run()
        except _Unclear:
            return None
        return work.body if work.changed else None

    return rewrite


class _Rewriting:
    """One definition at work on a copy of its body."""

    def __init__(self, definition: Definition, rename: Rename, types: FieldTypes) -> None:
        self.name = definition.name
        self.rename = rename
        self.body: dict[str, Any] = copy.deepcopy(dict(definition.body))
        self.changed = False
        scope = DefinitionScope(types, no_bodies)
        self.kinds: dict[str, FieldType] = {
            field["name"]: scope.bind(Declaration(object=self.name, name=field["name"], body=field))
            for field in self.body.get("fields", ())
        }

    def run(self) -> None:
        """Everything that can name an object or a field."""
        own = self.rename.part is not None and self.rename.name == self.name
        if own:
            self._own_names()
        if "title" in self.body:
            self._expression(self.body, "title", self.name)
        for field in self.body.get("fields", ()):
            self._field(field)

    def _set(self, holder: dict[str, Any] | list[Any], key: Any, value: Any) -> None:
        if holder[key] != value:
            holder[key] = value
            self.changed = True

    def _own_names(self) -> None:
        old, new = self.rename.part, self.rename.to
        if self.body.get("owner_field") == old:
            self._set(self.body, "owner_field", new)
        for group in self.body.get("unique", ()):
            for index, name in enumerate(group):
                self._set(group, index, new if name == old else name)
        for group in self.body.get("indexes", ()):
            for index, name in enumerate(group):
                sign = "-" if name.startswith("-") else ""
                self._set(group, index, f"{sign}{new}" if name == f"{sign}{old}" else name)

    def _field(self, field: dict[str, Any]) -> None:
        kind = self.kinds[field["name"]]
        for reference in kind.references():
            self._reference(field, reference.path, reference.name, reference.part)
        if isinstance(field.get("default"), dict) and "expression" in field["default"]:
            self._expression(field["default"], "expression", self.name)
        for option in kind.expressions():
            if option in field:
                self._expression(field, option, self.name)
        condition = kind.filter_option()
        if condition is not None:
            self._expression(field, condition.option, condition.object)

    def _reference(self, field: dict[str, Any], path: str, name: str, part: str | None) -> None:
        if name != self.rename.name or part != self.rename.part:
            return
        holder: Any = field
        *steps, last = path.strip("/").split("/")
        for step in steps:
            holder = holder[int(step) if isinstance(holder, list) else step]
        key: Any = int(last) if isinstance(holder, list) else last
        if holder[key] == (part or name):
            self._set(holder, key, self.rename.to)

    def _expression(self, holder: dict[str, Any], key: str, start: str) -> None:
        if self.rename.part is None:
            return
        source = str(holder[key])
        try:
            nodes = tuple(walk(parse(source)))
        except ExpressionError:
            return
        edits = sorted(set(self._edits(source, nodes, start)), reverse=True)
        for begin, end, text in edits:
            source = source[:begin] + text + source[end:]
        self._set(holder, key, source)

    def _edits(self, source: str, nodes: tuple[Node, ...], start: str) -> Iterator[Edit]:
        old, new = str(self.rename.part), self.rename.to
        bound = {node.variable for node in nodes if isinstance(node, Comprehension)}
        for node in nodes:
            match node:
                case Name(name=name) if name == old and start == self.rename.name:
                    if name in bound:
                        raise _Unclear
                    yield node.start, node.end, new
                case Has(operand=None, field=name) if name == old and start == self.rename.name:
                    yield _last(source, node, old, new)
                case Call(name="changed", arguments=(Literal(value=str() as name) as text,)) if name == old:
                    if start == self.rename.name:
                        yield text.start, text.end, source[text.start : text.end].replace(old, new)
                case Member(operand=operand, field=name) | Has(operand=Node() as operand, field=name) if name == old:
                    if self._leads_there(operand, start, bound):
                        yield _last(source, node, old, new)

    def _leads_there(self, operand: Node, start: str, bound: set[str]) -> bool:
        """Whether `operand.field` is a field of the object whose field is renamed."""
        if not isinstance(operand, Name) or operand.name in bound:
            raise _Unclear
        if operand.name in (PREVIOUS, RECORD):
            here = start if operand.name == PREVIOUS else self.name
            return here == self.rename.name
        if start != self.name:
            raise _Unclear
        kind = self.kinds.get(operand.name)
        return kind is not None and self.rename.name in (*kind.targets, kind.row_object)


def _last(source: str, node: Node, old: str, new: str) -> Edit:
    """The place of the field name at the end of `a.b` or inside `has(a.b)`."""
    begin = source.rfind(old, node.start, node.end)
    if begin < 0:
        raise _Unclear
    return begin, begin + len(old), new
