"""Child rows, sent inside the body of the record that they belong to.

What comes in: a save whose record is written, and the rows as sent: new ones bare, stored ones with their `id`. What
goes out: the rows saved each by its own steps, stored rows that were not sent put into the bin; errors point into the
body ("/lines/0/quantity"). Who calls it: saves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from fieldstone.objects.records.plans import plan_of
from fieldstone.objects.records.pointing import no_such_record
from fieldstone.objects.records.roll_ups import Book
from fieldstone.objects.records.saves import Save
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Id
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.kernel.errors import FieldError, Invalid
from fieldstone.platform.kernel.ids import is_id


class RowSaver(Protocol):
    """Saves one row; the saver itself."""

    def create(
        self, ctx: Context, unit: SqlUnit, name: str, data: Any, *, parent: Save | None, book: Book | None
    ) -> Save: ...

    def update(
        self,
        ctx: Context,
        unit: SqlUnit,
        name: str,
        identity: str,
        data: Any,
        *,
        revision: int | None,
        parent: Save | None,
        book: Book | None,
    ) -> Save: ...

    def remove(
        self, ctx: Context, unit: SqlUnit, name: str, identity: str, *, parent: Save | None, book: Book | None
    ) -> Save: ...


class Children:
    """Saves the rows of a record."""

    def __init__(self, rows: RowSaver) -> None:
        self._rows = rows

    def save(self, save: Save, book: Book) -> None:
        """Save all rows that were sent. Raises `Invalid` with the errors of all of them."""
        for name, rows in save.rows.items():
            self._save_list(save, save.kind.own_fields[name], rows, book)

    def _save_list(self, save: Save, field: Field, rows: Sequence[Any], book: Book) -> None:
        child: ObjectType = save.ctx.snapshot.get("object", str(field.type.row_object))
        lookup = str(field.type.option("field"))
        stored = [] if save.event == "create" else _stored(save, child, lookup)
        book.held.add((save.kind.name, save.id))
        errors: list[FieldError] = []
        kept: set[str] = set()
        for index, row in enumerate(rows):
            try:
                kept.add(self._one(save, child, lookup, row, frozenset(stored) - kept, book))
            except Invalid as invalid:
                errors.extend(_inside(f"{field.path}/{index}", invalid))
        if errors:
            raise Invalid(errors=errors)
        for identity in stored:
            if identity not in kept:
                self._rows.remove(save.ctx, save.unit, child.name, identity, parent=save, book=book)

    def _one(self, save: Save, child: ObjectType, lookup: str, row: Any, stored: frozenset[str], book: Book) -> str:
        data, identity, revision = _parts(row)
        if lookup in data and _id_of(data[lookup]) == save.id:
            data.pop(lookup)
        if identity is None:
            data[lookup] = save.id
            ctx, unit = save.ctx, save.unit
            return self._rows.create(ctx, unit, child.name, data, parent=save, book=book).id
        if identity not in stored:
            raise Invalid(errors=[no_such_record("/id")])
        self._rows.update(save.ctx, save.unit, child.name, identity, data, revision=revision, parent=save, book=book)
        return identity


def _parts(row: Any) -> tuple[dict[str, Any], str | None, int | None]:
    """The fields of a row, its id and its revision if it has them."""
    if not isinstance(row, Mapping):
        raise Invalid(errors=[FieldError(path="", code="type", message="This must be a JSON object.")])
    data = dict(row)
    identity, revision = data.pop("id", None), data.pop("revision", None)
    if identity is not None and not (isinstance(identity, str) and is_id(identity.lower())):
        raise Invalid(errors=[no_such_record("/id")])
    if revision is not None and (isinstance(revision, bool) or not isinstance(revision, int)):
        raise Invalid(errors=[FieldError(path="/revision", code="type", message="This must be a whole number.")])
    return data, None if identity is None else identity.lower(), revision


def _id_of(value: Any) -> Any:
    return value.get("id") if isinstance(value, Mapping) else value


def _stored(save: Save, child: ObjectType, lookup: str) -> list[str]:
    """The rows that the record has, in order."""
    plan = plan_of(save.ctx.snapshot, child)
    column = child.field(lookup).column_names[0]

    def make() -> Prepared:
        table = child.table
        mine = table.c[column] == sa.bindparam("row_id", type_=Id())
        return Prepared(sa.select(table.c.id).where(mine, table.c.deleted_at.is_(None)).order_by(table.c.id))

    statement: Prepared = plan.statements.get(("rows", column), make)
    return [row[0] for row in save.unit.rows(statement, {"row_id": save.id})]


def _inside(path: str, invalid: Invalid) -> list[FieldError]:
    """The errors of a row, as errors of the body that it stands in."""
    found = [
        FieldError(path=path + error.path, code=error.code, message=error.message, facts=error.facts)
        for error in invalid.errors
    ]
    if found:
        return found
    return [FieldError(path=path, code=invalid.instance_code, message=invalid.message, facts=invalid.facts)]
