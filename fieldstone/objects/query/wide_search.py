"""Search over all objects at once: one statement with a branch for each object that the actor may see.

What comes in: what a person typed. What goes out: hits with their labels. Who calls it: the query service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.objects.access.service import ActorAccess
from fieldstone.objects.definition.system_fields import SEARCH_COLUMN
from fieldstone.objects.query.plans import plans_of
from fieldstone.objects.query.searching import search_condition, search_parameters
from fieldstone.objects.query.sorting import label_column
from fieldstone.objects.query.tokens import Term, search_terms
from fieldstone.objects.query.values import Hit
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.sql.rows import key_of, live
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Chars
from fieldstone.platform.kernel.context import DialectName, Unit

OF_EACH: Final = 5
"""Hits of one object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _WidePlan:
    statement: Prepared | None
    conditions: tuple[RowCondition, ...] = ()


def search_everywhere(access: ActorAccess, unit: Unit, text: str, limit: int) -> Sequence[Hit]:
    """The hits, by object."""
    terms = search_terms(text)
    if not terms:
        return ()
    plan = _plan(access, unit.dialect, len(terms), frozenset())
    parameters = access.parameters(plan.conditions)
    nulls = frozenset(null for condition in plan.conditions for null in condition.nulls(parameters))
    if nulls:
        plan = _plan(access, unit.dialect, len(terms), nulls)
    if plan.statement is None:
        return ()
    rows = unit.rows(plan.statement, {**parameters, **search_parameters(terms, unit.dialect)})
    return [Hit(object=row[0], id=row[1], label=row[2]) for row in rows[:limit]]


def _plan(access: ActorAccess, dialect: DialectName, terms: int, nulls: frozenset[str]) -> _WidePlan:
    made: _WidePlan = plans_of(access.ctx.snapshot).get(
        ("search", access.key, dialect, terms, nulls), lambda: _make(access, dialect, terms, nulls)
    )
    return made


def _make(access: ActorAccess, dialect: DialectName, terms: int, nulls: frozenset[str]) -> _WidePlan:
    guard = access.rows(dialect, nulls)
    branches: list[sa.Select[Any]] = []
    for name in access.ctx.snapshot.names("object"):
        rights = access.policy.rights(name)
        if rights is None or not rights.may("read") or rights.kind.system or SEARCH_COLUMN not in rights.kind.table.c:
            continue
        kind = rights.kind
        conditions = [
            live(kind, kind.table),
            search_condition(kind, kind.table, [Term(text="")] * terms, dialect),
            guard.on(kind, kind.table, "read"),
        ]
        branches.append(_branch(access, kind, [each for each in conditions if each is not None]))
    if not branches:
        return _WidePlan(statement=None)
    everything = sa.union_all(*branches) if len(branches) > 1 else branches[0]
    return _WidePlan(statement=Prepared(everything), conditions=guard.conditions)


def _branch(access: ActorAccess, kind: ObjectType, conditions: list[Any]) -> sa.Select[Any]:
    table = kind.table
    label: Any = label_column(kind, table) if access.policy.names_records(kind.name) else sa.literal(None, Chars())
    identity = key_of(kind, table)
    inner = (
        sa.select(sa.literal(kind.name, Chars()).label("object"), identity.label("id"), label.label("label"))
        .where(*conditions)
        .order_by(identity.desc())
        .limit(sa.literal_column(str(OF_EACH)))
        .subquery()
    )
    return sa.select(inner.c.object, inner.c.id, inner.c.label)
