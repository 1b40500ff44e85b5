"""What a caller sent, as values of the record.

What comes in: the body of a create or update. What goes out: Python values in the save, child rows put aside, and every
error there is. Fields that the actor may not see are unknown to it; fields that it may not write are refused. The
system (rules, engines) may also write fields that are read-only for people, with Python values. Who calls it: saves.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from fieldstone.objects.access.policy import ObjectRights
from fieldstone.objects.fieldtypes import problems
from fieldstone.objects.fieldtypes.base import Field
from fieldstone.objects.fieldtypes.problems import Rejected
from fieldstone.objects.records.saves import Save
from fieldstone.platform.kernel.errors import FieldError, Invalid
from fieldstone.rules.expressions.values import Money

_SYSTEM_MAY_SET: Final = frozenset({"owner", "record_type"})


def decode(save: Save, data: Any) -> dict[str, Any]:
    """The values that were sent. Raises `Invalid` when they cannot be read; other errors are left in the save."""
    values = _trusted(save, data) if save.ctx.actor.is_system else _sent(save, data)
    for child in save.kind.children:
        if child.name in values:
            save.rows[child.name] = values.pop(child.name)
    save.kind.complete(values, save.ctx.tenant)
    save.errors.extend(save.kind.change_errors(save.before, values))
    return values


def _sent(save: Save, data: Any) -> dict[str, Any]:
    errors: list[FieldError] = []
    if isinstance(data, Mapping):
        errors = [error for name in data if (error := _forbidden(save.rights, name)) is not None]
        refused = {error.path for error in errors}
        data = {name: value for name, value in data.items() if f"/{name}" not in refused}
    try:
        values = save.kind.load(data, partial=save.event == "update", optional=save.plan.required)
    except Invalid as invalid:
        missing = _missing(save, data) if save.event == "create" else ()
        raise Invalid(errors=(*invalid.errors, *errors, *missing)) from None
    save.errors.extend(errors)
    return values


def _forbidden(rights: ObjectRights, name: str) -> FieldError | None:
    field = rights.kind.fields.get(name)
    if field is None:
        return None
    if not rights.readable(name):
        return _error(name, problems.UNKNOWN_FIELD)
    return _error(name, problems.NOT_WRITABLE) if field.writable and not rights.editable(name) else None


def _missing(save: Save, data: Any) -> tuple[FieldError, ...]:
    """Required fields that nobody will fill, told together with what else is wrong."""
    if not isinstance(data, Mapping):
        return ()
    known = save.plan.written_by_rules | {field.name for field in save.kind.defaults} | set(data)
    fields = [save.kind.own_fields[name] for name in sorted(save.plan.required - known)]
    return tuple(_error(field.name, problems.REQUIRED) for field in fields if not field.computed)


def _trusted(save: Save, data: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, value in data.items():
        field = save.kind.fields.get(name)
        if field is None:
            errors.append(_error(str(name)[:100], problems.UNKNOWN_FIELD))
        elif field.computed or field.type.drawn or (field.system and name not in _SYSTEM_MAY_SET):
            errors.append(_error(name, problems.NOT_WRITABLE))
        else:
            try:
                values[name] = _read(field, value)
            except Rejected as rejected:
                errors.append(rejected.problem.at(f"/{name}"))
    if errors:
        raise Invalid(errors=(*errors, *(_missing(save, data) if save.event == "create" else ())))
    return values


def _read(field: Field, value: Any) -> Any:
    """The value of a field; numbers that rules have calculated are rounded to fit. Raises `Rejected`."""
    if value is None:
        return field.type.empty()
    try:
        result = field.type.read(value)
    except Rejected:
        if not isinstance(value, Decimal | float | Money):
            raise
        result = field.type.coerce(value)
    return field.type.empty() if result is None else result


def _error(name: str, kind: problems.ProblemKind) -> FieldError:
    return FieldError(path=f"/{name}", code=kind.code, message=kind.message)
