"""Functions about the record at hand and about values that may be empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldstone.rules.expressions.context import EvaluationContext
from fieldstone.rules.expressions.functions.definition import Function, Needs, OnNull, overload
from fieldstone.rules.expressions.types import BOOL, STRING, T, list_of

_FAMILY = "record"


def _changed(context: EvaluationContext, name: str) -> bool:
    return name in context.changed


def _is_new(variables: Mapping[str, Any]) -> bool:
    return variables.get("previous") is None


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _is_blank(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, list | tuple | Mapping) and not value)


def _choose(condition: bool | None, then: Any, otherwise: Any) -> Any:
    return then if condition else otherwise


def _has_role(role: str | None, roles: list[str] | None) -> bool:
    return role in (roles or ())


RECORD: tuple[Function, ...] = (
    Function(
        name="changed",
        family=_FAMILY,
        summary="Whether this save changes a field of the record: `changed(status)` or `changed('status')`.",
        example="changed(status)",
        gives="true",
        overloads=(overload(STRING, to=BOOL, by=_changed, needs=Needs.CONTEXT),),
    ),
    Function(
        name="isNew",
        family=_FAMILY,
        summary="Whether the record is being created: there is no `previous`.",
        example="isNew()",
        gives="true",
        overloads=(overload(to=BOOL, by=_is_new, needs=Needs.RECORD),),
    ),
    Function(
        name="coalesce",
        family=_FAMILY,
        summary="The first argument that is not null.",
        example="coalesce(null, 2, 3)",
        gives="2",
        overloads=(overload(T, to=T, rest=T, by=_coalesce, sql="coalesce", on_null=OnNull.PASSED_ON),),
    ),
    Function(
        name="isBlank",
        family=_FAMILY,
        summary="Whether a value is null, a text of white space only, or an empty list or map.",
        example="isBlank('  ')",
        gives="true",
        overloads=(overload(T, to=BOOL, by=_is_blank, sql="is_blank", on_null=OnNull.PASSED_ON),),
    ),
    Function(
        name="if",
        family=_FAMILY,
        summary="The second argument when the first is true, otherwise the third: the same as `c ? a : b`.",
        example="if(2 > 1, 'yes', 'no')",
        gives="'yes'",
        overloads=(overload(BOOL, T, T, to=T, by=_choose, sql="if", on_null=OnNull.PASSED_ON),),
    ),
    Function(
        name="hasRole",
        family=_FAMILY,
        summary="Whether the user has a role, by its name: the same as `role in user.roles`.",
        example="hasRole('manager')",
        gives="true",
        overloads=(overload(STRING, list_of(STRING), to=BOOL, by=_has_role, sql="if", on_null=OnNull.PASSED_ON),),
    ),
)
