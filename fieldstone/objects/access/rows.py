"""Row access in SQL.

What comes in: a policy and an operation. What goes out: conditions for a table, and the row conditions whose
parameters the statement then needs. One `RowAccess` serves the making of one statement. Who calls it: the query room
for everything that is read, the record service for everything that is about to be changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.objects.access.policy import Policy
from fieldstone.objects.access.reach import Opening, Reach
from fieldstone.objects.access.roles import Operation
from fieldstone.objects.fieldtypes.lookups import ANY_OBJECT
from fieldstone.objects.sql.binds import among
from fieldstone.objects.sql.conditions import RowCondition
from fieldstone.objects.sql.rows import Objects, RowFilter, key_of
from fieldstone.objects.sql.terms import Condition, never
from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.database.types import Chars
from fieldstone.platform.identity.tables import TEAM, TEAM_MEMBER
from fieldstone.platform.kernel.context import DialectName

PEOPLE: Final = "access_people"
"""Parameter: the actor and everybody below in the org tree."""
TEAMS: Final = "access_teams"
"""Parameter: the teams of the actor."""
EMAIL: Final = "access_email"
"""Parameter: the actor's e-mail address."""


class RowAccess:
    """Conditions of one statement. `nulls` are the parameters of row conditions that have no value in this call."""

    def __init__(
        self, policy: Policy, objects: Objects, dialect: DialectName, nulls: frozenset[str] = frozenset()
    ) -> None:
        self._policy = policy
        self._objects = objects
        self._dialect = dialect
        self._nulls = nulls
        self.used: dict[int, RowCondition] = {}

    @property
    def conditions(self) -> tuple[RowCondition, ...]:
        """The row conditions that the statement holds: it needs their parameters."""
        return tuple(self.used.values())

    def filter(self, operation: Operation) -> RowFilter:
        """Which rows of any object an operation reaches."""

        def rows(kind: ObjectType, table: sa.FromClause) -> Condition | None:
            return self.on(kind, table, operation)

        return rows

    def on(self, kind: ObjectType, table: sa.FromClause, operation: Operation) -> Condition | None:
        """Which rows of `table` an operation reaches; None for all of them."""
        rights = self._policy.rights(kind.name)
        reach = Reach() if rights is None else rights.reach(operation)
        if reach.is_everything:
            return None
        if reach.parent is not None:
            return self._through(kind, table, reach.parent, reach.through)
        allowed = [*self._by_level(kind, table, reach), *self._by_openings(table, reach.openings)]
        if reach.subject is None:
            return sa.or_(*allowed) if allowed else never()
        about = self._through(kind, table, reach.subject, reach.through)
        own = sa.or_(*allowed) if allowed else None
        present = [condition for condition in (own, about) if condition is not None]
        return sa.and_(*present) if present else None

    def _by_level(self, kind: ObjectType, table: sa.FromClause, reach: Reach) -> Sequence[Condition]:
        owner = kind.fields.get("owner")
        if reach.level not in ("own", "team") or owner is None or not owner.stored:
            return ()
        column = table.c[owner.column_names[0]]
        own = among(column, PEOPLE, self._dialect)
        if reach.level == "own":
            return (own,)
        members = sa.select(TEAM_MEMBER.c.user_id).where(among(TEAM_MEMBER.c.team, TEAMS, self._dialect))
        return (own, column.in_(members.scalar_subquery()))

    def _by_openings(self, table: sa.FromClause, openings: Sequence[Opening]) -> list[Condition]:
        found: list[Condition] = []
        for opening in openings:
            self.used[id(opening.condition)] = opening.condition
            condition = opening.condition.on(table, self._objects, self._dialect, self._nulls)
            audience = self._audience(opening)
            found.append(condition if audience is None else sa.and_(audience, condition))
        return found

    def _audience(self, opening: Opening) -> Condition | None:
        """Whether a sharing rule is for the actor; None when the roles already say so."""
        rule = opening.rule
        if rule is None or rule.roles & self._policy.names:
            return None
        email = sa.bindparam(EMAIL, type_=Chars())
        fits: list[Any] = [email.in_([sa.literal(user, Chars()) for user in sorted(rule.users)])] if rule.users else []
        if rule.teams:
            named = TEAM.c.name.in_([sa.literal(name, Chars()) for name in sorted(rule.teams)])
            fits.append(sa.exists().where(named, among(TEAM.c.id, TEAMS, self._dialect)).correlate_except(TEAM))
        return sa.or_(*fits) if fits else never()

    def _through(self, kind: ObjectType, table: sa.FromClause, lookup: Field, through: Operation) -> Condition | None:
        """Rows whose lookup leads to a record that `through` reaches; None when it reaches all that may be meant."""
        if len(lookup.column_names) == 1:
            return self._to(table, lookup, lookup.type.targets[0], through)
        chosen = table.c[lookup.column_names[1]]
        kept = []
        for name in self._targets(lookup):
            condition = self._to(table, lookup, name, through)
            kept.append(chosen == name if condition is None else sa.and_(chosen == name, condition))
        return sa.or_(*kept) if kept else never()

    def _targets(self, lookup: Field) -> Sequence[str]:
        """The objects that a lookup may lead to and of which the actor may see any record."""
        names = self._policy.snapshot.names("object") if ANY_OBJECT in lookup.type.targets else lookup.type.targets
        found = []
        for name in names:
            rights = self._policy.rights(name)
            if rights is not None and rights.may("read") and not rights.kind.system and rights.kind.managed_by is None:
                found.append(name)
        return found

    def _to(self, table: sa.FromClause, lookup: Field, name: str, through: Operation) -> Condition | None:
        target = self._objects(name)
        if target is None:
            return never()
        at = target.table.alias()
        reached = self.on(target, at, through)
        if reached is None:
            return None
        points = key_of(target, at) == table.c[lookup.column_names[0]]
        return sa.exists(sa.select(sa.literal_column("1")).select_from(at).where(points, reached).correlate_except(at))
