"""Writing a record's row and its links.

What comes in: a save whose values are final. What goes out: changes, queued so that they leave with the next statement
or with the commit, with what they expect: a row that somebody else changed meanwhile is `StaleRevision`, a value that
is taken `Invalid` at its field. Who calls it: saves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.definition.system_fields import SEARCH_COLUMN
from fieldstone.objects.query.plans import plans_of
from fieldstone.objects.records.deriving import has_search, search_text_of
from fieldstone.objects.records.saves import Save
from fieldstone.objects.types import LinkTable, ObjectType
from fieldstone.platform.database.errors import IntegrityError
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Id
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.errors import Conflict, FieldError, Invalid, StaleRevision
from fieldstone.platform.kernel.metadata import Snapshot

_TAKEN = "This value is already taken."


def insert(save: Save) -> None:
    """Insert the row and its links."""
    kind = save.kind
    row: dict[str, Any] = dict.fromkeys((column.name for column in kind.table.c), None)
    row.update(kind.columns_of(save.values))
    row.update(naming_columns(save))
    save.unit.write_later(save.plan.insert, row, refusal=refusal(kind))
    for name in kind.links.keys() & save.values.keys():
        _insert_links(save, kind.links[name], save.values[name] or ())


def update(save: Save, names: Sequence[str]) -> None:
    """Change these fields of the row, which must still be at the revision that was read."""
    kind = save.kind
    columns = kind.columns_of({name: save.values[name] for name in names})
    columns.update(naming_columns(save))
    parameters = {**columns, "row_id": save.id, "seen_revision": save.revision}
    save.unit.write_later(save.plan.update(columns), parameters, refusal=refusal(kind))
    for name in kind.links.keys() & set(names):
        link = kind.links[name]
        save.unit.write_later(_drop(save, link), {"row_id": save.id}, expect=None)
        _insert_links(save, link, save.values[name] or ())


def naming_columns(save: Save) -> dict[str, Any]:
    """The columns by which a record is named and found."""
    columns: dict[str, Any] = {}
    if "title" in save.kind.system_fields:
        columns[save.kind.system_fields["title"].column_names[0]] = save.title
    if has_search(save.kind):
        columns[SEARCH_COLUMN] = search_text_of(save)
    return columns


def refusal(kind: ObjectType) -> Callable[[Exception], Exception]:
    """What to say when the database refuses a write of this object."""

    def say(error: Exception) -> Exception:
        if not isinstance(error, IntegrityError):
            return StaleRevision() if isinstance(error, Conflict) else error
        fields = taken_fields(kind, error)
        if not fields:
            return error
        return Invalid(errors=[FieldError(path=f"/{name}", code="unique", message=_TAKEN) for name in fields])

    return say


def restore_refusal(kind: ObjectType) -> Callable[[Exception], Exception]:
    """The same for a record that comes out of the bin."""

    def say(error: Exception) -> Exception:
        if not isinstance(error, IntegrityError):
            return StaleRevision() if isinstance(error, Conflict) else error
        fields = ", ".join(taken_fields(kind, error))
        message = "Another record has the same {fields} by now. Change that one first."
        return Conflict(message, code="unique", fields=fields)

    return say


def taken_fields(kind: ObjectType, error: IntegrityError) -> tuple[str, ...]:
    """The fields of the unique index that a write would have broken; none for another constraint."""
    found = next((index for index in kind.indexes if index.name == error.constraint and index.unique), None)
    return () if found is None else found.fields


def linked_ids(unit: SqlUnit, snapshot: Snapshot, link: LinkTable, identity: str) -> list[str]:
    """The records that a record is linked to, in order."""

    def make() -> Prepared:
        table = link.table
        mine = table.c.source == sa.bindparam("row_id", type_=Id())
        return Prepared(sa.select(table.c.target).where(mine).order_by(table.c.position))

    statement: Prepared = plans_of(snapshot).get(("linked", link.table.name), make)
    return [row[0] for row in unit.rows(statement, {"row_id": identity})]


def _insert_links(save: Save, link: LinkTable, ids: Sequence[str]) -> None:
    statement: Prepared = save.plan.statements.get(
        ("link", link.table.name), lambda: Prepared(sa.insert(link.table), columns=["source", "target", "position"])
    )
    for position, target in enumerate(ids):
        save.unit.write_later(statement, {"source": save.id, "target": target, "position": position})


def _drop(save: Save, link: LinkTable) -> Prepared:
    def make() -> Prepared:
        return Prepared(sa.delete(link.table).where(link.table.c.source == sa.bindparam("row_id", type_=Id())))

    made: Prepared = save.plan.statements.get(("unlink", link.table.name), make)
    return made
