"""What the compilers of rule kinds share: names, expressions and values of one definition, checked against its object.

What comes in: a definition and the snapshot. What goes out: compiled parts; everything that the definition needs is
noted as a reference on the way. Who calls it: the kinds of this package. Whatever is wrong is raised as
`MetadataError` with the JSON pointer of the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

from fieldstone.platform.kernel.metadata import Definition, MetadataError, Reference, Snapshot
from fieldstone.platform.kernel.text import Text
from fieldstone.rules.engine.inputs import Inputs
from fieldstone.rules.engine.messages import Message, message, placeholders
from fieldstone.rules.engine.targets import (
    RuleField,
    RuleObject,
    WithNames,
    checked_literal,
    field_of,
    object_of,
    settable_field,
)
from fieldstone.rules.engine.values import Assignment, Computed, Constant, Created, Source
from fieldstone.rules.expressions.compile import Expression, compile_expression
from fieldstone.rules.expressions.errors import ExpressionError
from fieldstone.rules.expressions.syntax import Path
from fieldstone.rules.expressions.types import BOOL, DYN, STRING, Type, TypeEnvironment, list_of, map_of

T = TypeVar("T")

BUTTON_NAMES: Mapping[str, Type] = MappingProxyType({"input": map_of(STRING, DYN)})
"""`input` is what the person who pressed a button has filled in."""


class Compiling:
    """One definition at work. `names` are those that its expressions know besides fields, `previous` and `user`."""

    def __init__(self, definition: Definition, snapshot: Snapshot, names: Mapping[str, Type] = BUTTON_NAMES) -> None:
        self.body = definition.body
        self.snapshot = snapshot
        self.references: list[Reference] = []
        self.names = names
        self.refer("/object", "object", self.body["object"])

    @cached_property
    def environment(self) -> TypeEnvironment:
        """What the names of the definition's expressions mean."""
        return WithNames(self.object.environment, self.names)

    @cached_property
    def object(self) -> RuleObject:
        """The object that the definition is about. Raises `MetadataError` when there is none."""
        return object_of(self.snapshot, self.body["object"], "/object")

    def refer(self, path: str, kind: str, name: str, part: str | None = None) -> None:
        """Note that the definition needs an element, or a part of it."""
        self.references.append(Reference(path=path, kind=kind, name=name, part=part))

    def artefact(self, kind: str, name: str, path: str) -> Any:
        """Another compiled element. Raises `MetadataError` when there is none."""
        self.refer(path, kind, name)
        found = self.snapshot.find(kind, name)
        if found is None:
            raise _unknown(kind, name, path)
        return found

    def exists(self, kind: str, name: str, path: str) -> Definition:
        """Another element that need not be compiled here. Raises `MetadataError` when there is none."""
        self.refer(path, kind, name)
        found = self.snapshot.definition(kind, name)
        if found is None:
            raise _unknown(kind, name, path)
        return found

    def about_the_same(self, kind: str, name: str, path: str) -> None:
        """Another element, which must be about the same object. Raises `MetadataError`."""
        other = self.exists(kind, name, path).body.get("object")
        if other != self.object.name:
            raise MetadataError("{name} is about {object}.", path=path, code="wrong_object", name=name, object=other)

    def expression(self, source: str, path: str, expects: Type | None = None) -> Expression:
        """A checked expression. Raises `MetadataError` with the position inside the source."""
        try:
            compiled = compile_expression(source, self.environment, expects=expects)
        except ExpressionError as error:
            facts = {**error.facts, "line": error.position.line, "column": error.position.column}
            code = error.instance_code
            raise MetadataError(_with_hint(error), path=path, code=code, **facts) from error
        for read in compiled.references:
            self._refer_path(read, path)
        return compiled

    def condition(
        self, name: str = "condition", body: Mapping[str, Any] | None = None, at: str = ""
    ) -> Expression | None:
        """An optional expression that gives true or false."""
        source = (self.body if body is None else body).get(name)
        return None if source is None else self.expression(source, f"{at}/{name}", BOOL)

    def field(self, name: str, path: str, target: RuleObject | None = None) -> RuleField:
        """A field of the object (or of `target`)."""
        target = target or self.object
        self.refer(path, "object", target.name, name)
        return field_of(target, name, path)

    def read_inputs(self, paths: Iterable[Path]) -> Inputs:
        """Paths that are read as they are: placeholders of messages, people to notify, records to update."""
        read = frozenset(paths)
        return Inputs(paths=read, fields=frozenset(path[0] for path in read))

    def field_names(self, names: Iterable[str], at: str) -> tuple[str, ...]:
        """Fields of the object, by name."""
        return tuple(self.field(name, f"{at}/{index}").name for index, name in enumerate(names))

    def field_path(self, text: str, path: str) -> tuple[Path, RuleField]:
        """A field of the record or through lookups, and what it leads to."""
        current, *rest = text.split(".")
        found = self.field(current, path)
        for name in rest:
            found = self.field(name, path, self.lookup_target(found, path))
        return tuple(text.split(".")), found

    def lookup_target(self, found: RuleField, path: str) -> RuleObject:
        """The one object that a lookup points to. Raises `MetadataError` for any other field."""
        if len(found.type.targets) != 1:
            raise MetadataError(
                "The field {name} does not lead to one object.", path=path, code="not_a_lookup", name=found.name
            )
        return object_of(self.snapshot, found.type.targets[0], path)

    def message(self, text: Text, path: str) -> Message:
        """A text whose placeholders are fields that may be shown."""
        for name in sorted(placeholders(text)):
            if self.field_path(name, path)[1].sensitive:
                raise MetadataError(
                    "The field {name} is sensitive and cannot be shown in a message.",
                    path=path,
                    code="sensitive_placeholder",
                    name=name,
                )
        return message(text)

    def assignments(
        self,
        values: Mapping[str, Any],
        at: str,
        target: RuleObject | None = None,
        created: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[Assignment, ...]:
        """What to write into `target` (the object itself by default). `created` are the names of records made before
        and their objects."""
        owner = target or self.object
        made = []
        for name, value in sorted(values.items()):
            path = f"{at}/{name}"
            self.refer(path, "object", owner.name, name)
            field = settable_field(owner, name, path)
            made.append(Assignment(field=name, source=self._source(field, value, path, created)))
        return tuple(made)

    def loose_values(self, values: Mapping[str, Any], at: str) -> tuple[Assignment, ...]:
        """Values that go out of the house: literals as they are, expressions of any type."""
        return tuple(
            Assignment(field=name, source=self._loose(value, f"{at}/{name}")) for name, value in sorted(values.items())
        )

    def _loose(self, value: Any, path: str) -> Source:
        source = _expression_source(value)
        return Constant(value=value) if source is None else Computed(expression=self.expression(source, path))

    def _source(self, field: RuleField, value: Any, path: str, created: Mapping[str, str]) -> Source:
        source = _expression_source(value)
        if source is not None:
            return Computed(expression=self.expression(source, path, field.type.expression_type()))
        if isinstance(value, Mapping) and set(value) == {"created"}:
            return self._created(field, value["created"], path, created)
        return Constant(value=checked_literal(field, value, path))

    def _created(self, field: RuleField, name: str, path: str, created: Mapping[str, str]) -> Source:
        if name not in created:
            raise MetadataError(
                "No earlier action creates a record as {name}.", path=path, code="unknown_created", name=name
            )
        if created[name] not in field.type.targets:
            raise MetadataError(
                "The field {field} cannot point to {object}.",
                path=path,
                code="wrong_target",
                field=field.name,
                object=created[name],
            )
        return Created(name=name)

    def _refer_path(self, read: Path, path: str) -> None:
        """Note the object of each step of a path that an expression reads."""
        root, *rest = read
        target: RuleObject | None = self.object
        if root in ("previous", "record"):
            steps: Sequence[str] = rest
        elif root == "user" and root not in self.object.all_fields:
            target, steps = self.snapshot.find("object", "user"), rest
            self.refer(path, "object", "user")
        else:
            steps = read
        for name in steps:
            if target is None or name not in target.all_fields:
                return
            self.refer(path, "object", target.name, name)
            targets = target.all_fields[name].type.targets
            target = self.snapshot.find("object", targets[0]) if len(targets) == 1 else None


def value_type(field: RuleField) -> Type:
    """What an expression must give for a field whose records are written as ids."""
    kind = field.type.expression_type()
    if kind.is_record:
        return STRING
    return list_of(STRING) if kind.is_list and kind.element.is_record else kind


def compile_with(build: Callable[[Compiling], T]) -> Callable[[Definition, Snapshot], T]:
    """The compile function of a kind."""

    def compile_definition(definition: Definition, snapshot: Snapshot) -> T:
        return build(Compiling(definition, snapshot))

    return compile_definition


def references_with(build: Callable[[Compiling], object]) -> Callable[[Definition, Snapshot], tuple[Reference, ...]]:
    """The references function of a kind: what its compiler asks for, as far as it gets."""

    def references(definition: Definition, snapshot: Snapshot) -> tuple[Reference, ...]:
        scope = Compiling(definition, snapshot)
        with suppress(MetadataError):
            build(scope)
        return tuple(dict.fromkeys(scope.references))

    return references


def _unknown(kind: str, name: str, path: str) -> MetadataError:
    return MetadataError("There is no {kind} called {name}.", path=path, code=f"unknown_{kind}", kind=kind, name=name)


def _expression_source(value: Any) -> str | None:
    if isinstance(value, Mapping) and set(value) == {"expression"} and isinstance(value["expression"], str):
        return str(value["expression"])
    return None


def _with_hint(error: ExpressionError) -> str:
    hint = " Did you mean {suggestion}?" if error.problem.suggestion else ""
    return f"{error.problem.message}{hint}"
