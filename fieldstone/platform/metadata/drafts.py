"""Changesets in the tenant home: rows in, values out. Called by `changesets` only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

import orjson
import sqlalchemy as sa

from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, NotFound, StaleRevision
from fieldstone.platform.metadata.canonical import canonical
from fieldstone.platform.metadata.tables import changeset, changeset_element
from fieldstone.platform.metadata.values import Change

State = Literal["open", "published", "discarded"]

_INTEGER = sa.BigInteger


@dataclass(frozen=True, slots=True, kw_only=True)
class Changeset:
    """A draft: named changes on a base version. `revision` grows with every change of it."""

    id: str
    name: str
    purpose: str
    base_version: int
    state: State
    revision: int
    created_by: str
    created_by_name: str
    created_at: datetime
    updated_at: datetime
    published_version: int | None


_COLUMNS = [changeset.c[name] for name in Changeset.__dataclass_fields__]
_OF = sa.bindparam("of_id", type_=changeset.c.id.type)
_ELEMENT_OF = sa.and_(
    changeset_element.c.changeset == _OF,
    changeset_element.c.kind == sa.bindparam("of_kind", type_=sa.Text),
    changeset_element.c.name == sa.bindparam("of_name", type_=sa.Text),
)
_ADD = Prepared(sa.insert(changeset), columns=[column.name for column in changeset.c])
_GET = Prepared(sa.select(*_COLUMNS).where(changeset.c.id == _OF))
_OPEN_COUNT = Prepared(sa.select(sa.func.count()).select_from(changeset).where(changeset.c.state == "open"))
_TOUCH = Prepared(
    sa.update(changeset)
    .where(changeset.c.id == _OF, changeset.c.state == "open")
    .values(revision=changeset.c.revision + 1, updated_at=sa.bindparam("at", type_=changeset.c.updated_at.type))
    .returning(changeset.c.revision)
)
_SET_BASE = Prepared(
    sa.update(changeset).where(changeset.c.id == _OF).values(base_version=sa.bindparam("base", type_=_INTEGER))
)
_CLOSE = Prepared(
    sa.update(changeset)
    .where(
        changeset.c.id == _OF,
        changeset.c.state == "open",
        changeset.c.revision == sa.bindparam("seen", type_=_INTEGER),
    )
    .values(
        state=sa.bindparam("new_state", type_=sa.Text),
        published_version=sa.bindparam("version", type_=_INTEGER),
        updated_at=sa.bindparam("at", type_=changeset.c.updated_at.type),
    )
)
_ELEMENTS = Prepared(
    sa.select(changeset_element.c.kind, changeset_element.c.name, changeset_element.c.body, changeset_element.c.package)
    .where(changeset_element.c.changeset == _OF)
    .order_by(changeset_element.c.kind, changeset_element.c.name)
)
_PUT = Prepared(
    sa.update(changeset_element)
    .where(_ELEMENT_OF)
    .values(
        body=sa.bindparam("new_body", type_=sa.Text),
        updated_by=sa.bindparam("by", type_=changeset_element.c.updated_by.type),
        updated_at=sa.bindparam("at", type_=changeset_element.c.updated_at.type),
    )
)
_ADD_ELEMENT = Prepared(sa.insert(changeset_element), columns=[column.name for column in changeset_element.c])
_SIZE = Prepared(
    sa.select(sa.func.count(), sa.func.sum(sa.func.length(changeset_element.c.body))).where(
        changeset_element.c.changeset == _OF
    )
)
_DROP_ELEMENT = Prepared(sa.delete(changeset_element).where(_ELEMENT_OF))


class DraftStore:
    """Reads and writes changesets and their elements."""

    def add(self, unit: Unit, draft: Changeset) -> None:
        """Write a new changeset."""
        unit.run(_ADD, {name: getattr(draft, name) for name in Changeset.__dataclass_fields__})

    def get(self, unit: Unit, id: str) -> Changeset:
        """One changeset. Raises `NotFound`."""
        row = unit.one(_GET, {"of_id": id})
        if row is None:
            raise NotFound("There is no such changeset.")
        return _changeset(row)

    def list(self, unit: Unit, state: State | None, older_than: str | None, most: int) -> Sequence[Changeset]:
        """Changesets, newest first."""
        query = sa.select(*_COLUMNS).order_by(changeset.c.id.desc()).limit(most)
        if state is not None:
            query = query.where(changeset.c.state == state)
        if older_than is not None:
            query = query.where(changeset.c.id < older_than)
        return [_changeset(row) for row in unit.rows(query)]

    def open_count(self, unit: Unit) -> int:
        """How many changesets are open."""
        return int(unit.scalar(_OPEN_COUNT) or 0)

    def touch(self, ctx: Context, unit: Unit, id: str, revision: int | None) -> int:
        """Lock an open changeset for a change; its new revision.

        Raises `NotFound`, `Conflict` when it is not open, `StaleRevision` when `revision` is not the present one.
        """
        rows = unit.rows(_TOUCH, {"of_id": id, "at": ctx.now})
        if not rows:
            raise not_open(self.get(unit, id))
        now = int(rows[0][0])
        if revision is not None and revision != now - 1:
            raise StaleRevision("Someone else changed this changeset.", revision=now - 1)
        return now

    def set_base(self, unit: Unit, id: str, base: int) -> None:
        """Put the changeset on another base."""
        unit.run(_SET_BASE, {"of_id": id, "base": base})

    def close(self, ctx: Context, unit: Unit, draft: Changeset, state: State, version: int | None) -> None:
        """End a changeset as it was read. Raises `Conflict` when it has changed since."""
        parameters = {"of_id": draft.id, "seen": draft.revision, "new_state": state, "version": version, "at": ctx.now}
        if unit.run(_CLOSE, parameters) != 1:
            raise Conflict("Someone changed this changeset at the same time. Look at it again.", code="changed")

    def size(self, unit: Unit, id: str) -> tuple[int, int]:
        """How many changes are drafted, and the length of all their bodies."""
        count, length = unit.one(_SIZE, {"of_id": id}) or (0, 0)
        return int(count), int(length or 0)

    def changes(self, unit: Unit, id: str) -> Sequence[Change]:
        """The drafted changes, by kind and name."""
        return [
            Change(kind=kind, name=name, body=None if body is None else orjson.loads(body), package=package)
            for kind, name, body, package in unit.rows(_ELEMENTS, {"of_id": id})
        ]

    def put(self, ctx: Context, unit: Unit, id: str, change: Change) -> None:
        """Write one drafted change over whatever was drafted for the element."""
        body = None if change.body is None else canonical(change.body)
        by = {"by": ctx.actor.id, "at": ctx.now}
        if unit.run(_PUT, {**_key(id, change.kind, change.name), "new_body": body, **by}) == 0:
            row: Mapping[str, Any] = {"changeset": id, "kind": change.kind, "name": change.name, "body": body}
            unit.run(
                _ADD_ELEMENT, {**row, "package": change.package, "updated_by": ctx.actor.id, "updated_at": ctx.now}
            )

    def drop(self, unit: Unit, id: str, kind: str, name: str) -> bool:
        """Forget what was drafted for an element; whether there was anything."""
        return unit.run(_DROP_ELEMENT, _key(id, kind, name)) > 0


def not_open(draft: Changeset) -> Conflict:
    """409: what is published or discarded does not change any more."""
    return Conflict("This changeset is {state}.", code="changeset_closed", state=draft.state)


def _key(id: str, kind: str, name: str) -> dict[str, str]:
    return {"of_id": id, "of_kind": kind, "of_name": name}


def _changeset(row: Sequence[Any]) -> Changeset:
    return Changeset(**cast("dict[str, Any]", dict(zip(Changeset.__dataclass_fields__, row, strict=True))))
