"""What stands in a form before and while somebody fills it in.

In: an object, a record or none, a posted form or the query of an address. Out: `Filling`s, the values that layout
conditions read, names of the records chosen. Called by the form pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict

from fieldstone.objects.access.conditions import user_variables
from fieldstone.objects.access.service import evaluation_context
from fieldstone.objects.fieldtypes.problems import Rejected
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.query.values import Record
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.ids import is_id
from fieldstone.rules.expressions.errors import EvaluationError
from fieldstone.ui.records.forms import Filling, row_fields
from fieldstone.ui.values.decoded import decoded
from fieldstone.ui.values.shown import Reader
from fieldstone.ui.values.typed import chosen_ids

Form = MultiDict[str, str]


class Fillings:
    """Makes fillings for forms of one object."""

    def __init__(self, query: QueryService, ctx: Context, unit: Unit, kind: ObjectType) -> None:
        self._query = query
        self._ctx = ctx
        self._unit = unit
        self._kind = kind

    def of(self, fields: Sequence[Field], record: Record | None, form: Form) -> Filling:
        """The record's values, or the defaults of a new one, with what was typed over them."""
        values = record.values if record is not None else self._defaults()
        labels = record.labels if record is not None else {}
        return Filling(
            values=values, labels=labels, form=form, names=self.names(fields, form, values, fresh=record is None)
        )

    def typed(self, fields: Sequence[Field], form: Form) -> Filling:
        """Only what was typed, for dialogs that stand for no record; a fresh one shows literal defaults."""
        values = {field.name: field.default for field in fields if field.default is not None}
        return Filling(values=values, form=form, names=self.names(fields, form, {}, fresh=False))

    def seen(self, fields: Sequence[Field], filling: Filling, reader: Reader) -> Mapping[str, Any]:
        """The values that conditions read: what was typed counts, as far as it can be understood."""
        values = dict(filling.values)
        known = {field.name: field for field in fields if not field.type.nested}
        for name, sent in decoded(filling.form, known.values(), reader, lambda field: ()).items():
            values[name] = _read(known[name], sent)
        return values

    def names(
        self, fields: Sequence[Field], form: Form, values: Mapping[str, Any], *, fresh: bool
    ) -> Mapping[str, str]:
        """Names of the records that lookups point to, by id, as far as the reader may see them."""
        wanted: dict[str, set[str]] = {}
        for name, field in self._pointing(fields, form):
            ids = set(chosen_ids(form, name))
            if fresh and name == field.name and isinstance(values.get(name), str):
                ids.add(values[name])
            for target in field.type.targets if ids else ():
                wanted.setdefault(target, set()).update(each for each in ids if is_id(each))
        found: dict[str, str] = {}
        for target, ids in wanted.items():
            labels = self._query.labels(self._ctx, self._unit, target, sorted(ids)[:200])
            found.update({identity: label.label for identity, label in labels.items() if label.label})
        return found

    def _pointing(self, fields: Sequence[Field], form: Form) -> list[tuple[str, Field]]:
        """Form names of lookups, those in rows included."""
        found = []
        for field in fields:
            if not field.type.nested:
                found.append((field.name, field))
                continue
            keys = [key for key in form.getlist(f"{field.name}.rows") if key]
            inner = row_fields(self._ctx, field) if keys else ()
            found += [(f"{field.name}.{key}.{each.name}", each) for key in keys for each in inner]
        return [(name, field) for name, field in found if field.type.targets]

    def _defaults(self) -> dict[str, Any]:
        values = {field.name: self._default(field) for field in self._kind.own_fields.values() if field.writable}
        return {name: value for name, value in values.items() if value is not None}

    def _default(self, field: Field) -> Any:
        if field.default is not None:
            return field.default
        if field.default_expression is not None:
            try:
                given = {"user": user_variables(self._ctx.actor)}
                return field.type.coerce(field.default_expression.evaluate(given, evaluation_context(self._ctx)))
            except (EvaluationError, KeyError, Rejected):
                return None
        initial = field.type.initial()
        return field.type.read(initial) if initial is not None else None


def with_default_names(filling: Filling, fields: Sequence[Field]) -> Form:
    """The form of a new record with its default lookups in it, so that they are drawn with their names."""
    form: Form = MultiDict(filling.form)
    for field in fields:
        value = filling.values.get(field.name)
        if field.type.targets and field.name not in form and isinstance(value, str):
            form[field.name] = value
    return form


def _read(field: Field, sent: Any) -> Any:
    if sent in (None, "", []):
        return field.type.empty()
    try:
        return field.type.read(sent)
    except Rejected:
        return None
