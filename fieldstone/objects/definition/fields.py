"""Declarations to compiled fields.

What comes in: one declaration and its object's environment. What goes out: a `Field` with its type, default and
expressions; `MetadataError` with the place for what cannot be. Who calls it: the compiler of objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.objects.definition.environment import filter_environment, record_environment
from fieldstone.objects.definition.scope import Bodies, DefinitionScope
from fieldstone.objects.fieldtypes.base import Declaration, Field, FieldType
from fieldstone.objects.fieldtypes.declaration import column_name
from fieldstone.objects.fieldtypes.problems import Rejected
from fieldstone.platform.kernel.metadata import MetadataError
from fieldstone.rules.expressions.compile import Expression, compile_expression
from fieldstone.rules.expressions.errors import ExpressionError
from fieldstone.rules.expressions.types import BOOL, Type, TypeEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a field of one object is compiled in."""

    object: str
    scope: DefinitionScope
    bodies: Bodies

    @property
    def environment(self) -> TypeEnvironment:
        """The names of the object's own expressions."""
        return record_environment(self.object, self.scope, self.bodies)


def compile_field(
    declaration: Declaration, path: str, around: Surroundings, environment: TypeEnvironment, physical: str, active: bool
) -> Field:
    """The compiled field; `path` is where its body stands. Raises `MetadataError`."""
    body = declaration.body
    kind = around.scope.bind(declaration)
    value, expression = _default(kind, path, environment)
    formulas = {
        option: compiled(body[option], f"{path}/{option}", environment, wanted)
        for option, wanted in kind.expressions().items()
        if option in body
    }
    return Field(
        name=declaration.name,
        label=declaration.label,
        type=kind,
        object=declaration.object,
        help=body.get("help", ""),
        placeholder=body.get("placeholder", ""),
        required=bool(body.get("required")) and not kind.computed,
        unique=bool(body.get("unique")) or kind.drawn,
        default=value,
        default_expression=expression,
        expression=next(iter(formulas.values()), None),
        filter=_filter(kind, path, around),
        read_only=bool(body.get("read_only")),
        sensitive=bool(body.get("sensitive")),
        searchable=bool(body.get("searchable")),
        tracked=bool(body.get("tracked", True)),
        physical=physical,
        column_names=tuple(column_name(physical, suffix) for suffix, _ in kind.storage()),
        active=active,
    )


def system_field(declaration: Declaration, scope: DefinitionScope, column: str, writable: bool) -> Field:
    """A field that every record has."""
    kind = scope.bind(declaration)
    return Field(
        name=declaration.name,
        label=declaration.label,
        type=kind,
        object=declaration.object,
        read_only=not writable,
        tracked=writable,
        system=True,
        physical=column,
        column_names=(column,),
    )


def compiled(source: Any, path: str, environment: TypeEnvironment, expects: Type | None) -> Expression:
    """A checked expression. Raises `MetadataError` with the position inside the source."""
    try:
        return compile_expression(str(source), environment, expects=expects)
    except ExpressionError as error:
        facts = {**error.facts, "line": error.position.line, "column": error.position.column}
        raise MetadataError(error.message, path=path, code=error.instance_code, **facts) from error


def _default(kind: FieldType, path: str, environment: TypeEnvironment) -> tuple[Any, Expression | None]:
    declared = kind.declaration.body.get("default")
    if kind.computed or kind.nested:
        return None, None
    if isinstance(declared, Mapping) and set(declared) == {"expression"}:
        expects = kind.expression_type()
        return None, compiled(declared["expression"], f"{path}/default/expression", environment, expects)
    wanted = kind.initial() if declared is None else declared
    if wanted is None:
        return None, None
    try:
        value = kind.read(wanted)
    except Rejected as rejected:
        problem = rejected.problem
        raise MetadataError(
            problem.message, path=f"{path}/default{problem.path}", code=problem.code, **problem.facts
        ) from None
    problem_of_change = kind.check_change(None, value)
    if problem_of_change is not None:
        raise MetadataError(
            problem_of_change.message, path=f"{path}/default", code=problem_of_change.code, **problem_of_change.facts
        )
    return value, None


def _filter(kind: FieldType, path: str, around: Surroundings) -> Expression | None:
    option = kind.filter_option()
    if option is None or around.bodies(option.object) is None:
        return None
    referring = around.object if option.sees_record else None
    environment = filter_environment(option.object, around.scope, around.bodies, referring)
    return compiled(kind.option(option.option), f"{path}/{option.option}", environment, BOOL)
