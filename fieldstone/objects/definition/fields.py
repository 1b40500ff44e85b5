"""Declarations to compiled fields.

What comes in: one declaration and its object's environment. What goes out: a `Field` with its type, default and
expressions, and findings about what cannot be. Who calls it: the compiler of objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fieldstone.objects.definition.environment import filter_environment, record_environment
from fieldstone.objects.definition.findings import Findings
from fieldstone.objects.definition.scope import Bodies, DefinitionScope
from fieldstone.objects.fieldtypes.base import Declaration, Field, FieldType
from fieldstone.objects.fieldtypes.declaration import column_name
from fieldstone.objects.fieldtypes.problems import Rejected
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.types import BOOL, TypeEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a field of one object is compiled in."""

    object: str
    scope: DefinitionScope
    bodies: Bodies
    environment: TypeEnvironment
    findings: Findings


def surroundings(object_name: str, scope: DefinitionScope, bodies: Bodies) -> Surroundings:
    """Fresh surroundings of an object."""
    environment = record_environment(object_name, scope, bodies)
    return Surroundings(object=object_name, scope=scope, bodies=bodies, environment=environment, findings=Findings())


def compile_field(declaration: Declaration, path: str, around: Surroundings, physical: str, active: bool) -> Field:
    """The compiled field; `path` is where its body stands."""
    body = declaration.body
    kind = around.scope.bind(declaration)
    value, expression = _default(kind, path, around)
    formulas = [
        around.findings.expression(body[option], f"{path}/{option}", around.environment, wanted)
        for option, wanted in kind.expressions().items()
        if option in body
    ]
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
        expression=formulas[0] if formulas else None,
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


def _default(kind: FieldType, path: str, around: Surroundings) -> tuple[Any, Expression | None]:
    declared = kind.declaration.body.get("default")
    if kind.computed or kind.nested:
        return None, None
    if isinstance(declared, Mapping) and set(declared) == {"expression"}:
        source, wanted = declared["expression"], kind.result_types()
        return None, around.findings.expression(source, f"{path}/default/expression", around.environment, wanted)
    initial = kind.initial() if declared is None else declared
    if initial is None:
        return None, None
    try:
        value = kind.read(initial)
    except Rejected as error:
        around.findings.problem(error.problem, f"{path}/default")
        return None, None
    problem = kind.check_change(None, value)
    if problem is not None:
        around.findings.problem(problem, f"{path}/default")
    return value, None


def _filter(kind: FieldType, path: str, around: Surroundings) -> Expression | None:
    option = kind.filter_option()
    if option is None or around.bodies(option.object) is None:
        return None
    referring = around.object if option.sees_record else None
    environment = filter_environment(option.object, around.scope, around.bodies, referring)
    source = kind.option(option.option)
    return around.findings.expression(source, f"{path}/{option.option}", environment, (BOOL,))
