"""What a record becomes by itself before it is written: defaults, automations, formulas, title; is it valid then?

What comes in: a save with the caller's values. What goes out: the same with everything filled in, or `Invalid` with all
errors at once. Nothing here writes. Who calls it: saves, and roll-ups for the records that they change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

from fieldstone.objects.definition.system_fields import SEARCH_COLUMN
from fieldstone.objects.query.tokens import index_text
from fieldstone.objects.records.saves import Save
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.kernel.errors import FieldError, Invalid
from fieldstone.rules.effects import Reject, SetField
from fieldstone.rules.engine.automation import Automation
from fieldstone.rules.engine.cycles import MAX_PASSES, refuse_endless
from fieldstone.rules.engine.run import RuleRun
from fieldstone.rules.expressions.errors import EvaluationError

Point: Any = Callable[[Save, Sequence[str]], None]
"""Checks the lookups of those names and loads what rules read through them."""
TITLE_LENGTH: Final = 400


def fill_defaults(save: Save) -> None:
    """Give fields that were not sent their default; expressions see the fields filled so far."""
    for field in save.kind.defaults:
        if field.name not in save.values:
            save.values[field.name] = _default(save, field)
    for field in save.kind.own_fields.values():
        if not field.type.nested:
            save.values.setdefault(field.name, field.type.initial() if field.computed else field.type.empty())
    _fill_system_fields(save)


def _default(save: Save, field: Field) -> Any:
    if field.default_expression is None:
        return field.default if field.default is not None else field.type.initial()
    try:
        value = field.default_expression.evaluate(save.variables, save.surroundings())
        return save.kind.coerce(field.name, value)
    except EvaluationError:
        return field.type.empty()


def _fill_system_fields(save: Save) -> None:
    known = save.kind.system_fields
    if "record_type" in known and save.values.get("record_type") is None:
        save.values["record_type"] = save.kind.record_types[0].name if save.kind.record_types else None
    if "owner" in known:
        follow_owner(save)
        if save.values.get("owner") is None and not save.ctx.actor.is_system:
            save.values["owner"] = save.ctx.actor.id


def follow_owner(save: Save) -> None:
    """The owner is whom the object's owner field names, if it names somebody."""
    named = None if save.kind.owner_field is None else save.values.get(save.kind.owner_field)
    if named is not None:
        save.values["owner"] = named


def run_before(save: Save, point: Any) -> None:
    """Run the automations before the save until nothing changes. Raises `EndlessRules` naming those of a circle."""
    rules: Iterable[Automation] = save.plan.rules.before(save.rule_event, save.changed)
    passes: list[dict[str, Collection[str]]] = []
    while rules:
        changed = _one_pass(save, rules, point)
        passes.append(changed)
        refuse_endless(passes)
        touched = frozenset(name for names in changed.values() for name in names)
        if not touched or len(passes) >= MAX_PASSES:
            return
        work_out_formulas(save)
        rules = save.plan.rules.before_again(save.rule_event, touched)


def _one_pass(save: Save, rules: Iterable[Automation], point: Any) -> dict[str, Collection[str]]:
    changed: dict[str, Collection[str]] = {}
    for rule in rules:
        run = rule.run(with_volatile(save), save.surroundings())
        save.runs.append(run)
        names = [effect.field for effect in run.effects if isinstance(effect, SetField) and _set(save, effect)]
        if names:
            changed[rule.name] = frozenset(names)
            point(save, [name for name in names if save.kind.field(name).type.targets])
    return changed


def _set(save: Save, effect: SetField) -> bool:
    """Set a field; whether its value is another now."""
    field = save.kind.field(effect.field)
    value = save.kind.coerce(effect.field, effect.value)
    if value is not None:
        value = field.type.complete(value, save.ctx.tenant)
    if save.values.get(effect.field) == value:
        return False
    save.values[effect.field] = value
    follow_owner(save)
    return True


def work_out_formulas(save: Save) -> frozenset[str]:
    """Work out the formulas that are kept in columns; those whose value is another now."""
    changed = set()
    for field in save.plan.stored_formulas:
        value = formula_value(save, field, save.variables)
        if value != save.values.get(field.name):
            save.values[field.name] = value
            changed.add(field.name)
    return frozenset(changed)


def formula_value(save: Save, field: Field, variables: dict[str, Any]) -> Any:
    """The value of a formula; empty when it has none. Raises `Invalid` when it does not fit its field."""
    if field.expression is None:
        return field.type.empty()
    try:
        value = save.kind.coerce(field.name, field.expression.evaluate(variables, save.surroundings()))
    except EvaluationError:
        return field.type.empty()
    return value if value is None else field.type.complete(value, save.ctx.tenant)


def with_volatile(save: Save) -> dict[str, Any]:
    """The variables, with the formulas that rules read and no column keeps."""
    variables = save.variables
    for field in save.plan.volatile:
        value = formula_value(save, field, variables)
        variables[field.name] = None if value is None else field.type.variable(value)
    return variables


def check_values(save: Save) -> None:
    """Required fields, filters of lookups, validation rules. Raises `Invalid` with every error there is."""
    save.errors.extend(save.kind.missing(save.values))
    save.errors.extend(_unfiltered(save))
    save.errors.extend(run_validations(save, save.changed))
    raise_errors(save.errors)


def raise_errors(errors: Sequence[FieldError]) -> None:
    """Raise `Invalid` if there are errors, each once."""
    if errors:
        found = {(error.path, error.code, str(error.message)): error for error in errors}
        raise Invalid(errors=tuple(found.values()))


def run_validations(save: Save, changed: Collection[str], *, lists: bool = False) -> list[FieldError]:
    """The refusals of validation rules. `lists`: those that look at rows, which are checked once these are written."""
    nested = {field.name for field in save.kind.children} & save.rows.keys()
    rules = [
        rule
        for rule in save.plan.rules.validations(save.rule_event, changed)
        if lists == (not rule.inputs.fields.isdisjoint(nested))
    ]
    if not rules:
        return []
    variables, context = with_volatile(save), save.surroundings()
    runs = [rule.run(variables, context) for rule in rules]
    save.runs.extend(runs)
    return [error for run in runs for error in _refusals(run)]


def _refusals(run: RuleRun) -> Iterable[FieldError]:
    for effect in run.effects:
        if isinstance(effect, Reject):
            for name in effect.fields or ("",):
                path = f"/{name}" if name else ""
                yield FieldError(path=path, code="rule", message=effect.message, facts={"rule": effect.rule})


def _unfiltered(save: Save) -> Iterable[FieldError]:
    """Lookups whose target does not fulfil the filter of their field."""
    changed = save.changed
    for field in save.plan.pointers:
        target = save.related.get(field.name)
        if field.filter is None or target is None or field.type.rolled_up() is not None:
            continue
        reads = {path[1] for path in field.filter.references if path[0] == "record" and len(path) > 1}
        if field.name not in changed and changed.isdisjoint(reads):
            continue
        known = {**target, "record": save.variables, "user": save.user}
        if not _holds(field, known, save):
            message = "This record cannot be chosen here."
            yield FieldError(path=field.path, code="filter", message=message, facts={"field": field.name})


def _holds(field: Field, known: dict[str, Any], save: Save) -> bool:
    try:
        return field.filter is not None and field.filter.holds(known, save.surroundings())
    except EvaluationError:
        return False


def give_title(save: Save) -> None:
    """Work out the name of the record."""
    save.title = _title_of(save)
    if "title" in save.kind.system_fields and "title" not in save.kind.own_fields:
        save.values["title"] = save.title


def _title_of(save: Save) -> str | None:
    expression = save.kind.title
    if expression is None:
        return None
    try:
        value = expression.evaluate(save.variables, save.surroundings())
    except EvaluationError:
        return None
    text = " ".join(str(value).split()) if value is not None else ""
    return text[:TITLE_LENGTH] or None


def search_text_of(save: Save) -> str:
    """The tokens that a record is found by: of its title, its numbers and its searchable fields."""
    kind, values = save.kind, save.values
    parts = [save.title or ""]
    fields = {field.name: field for field in (*kind.searchable, *kind.drawn)}
    for field in fields.values():
        value = values.get(field.name)
        if value is not None and value != [] and not field.sensitive:
            parts.append(field.type.search_text(value))
    return index_text(" \n ".join(parts))


def has_search(kind: ObjectType) -> bool:
    """Whether records of the object are searched."""
    return SEARCH_COLUMN in kind.table.c
