"""Who answers to whom.

The org tree comes from teams: a person answers to the manager of their own team (the first they are in); a team's
manager, and everybody in a team without one, answers to the nearest manager up the tree of teams. A manager set on
the user goes first. Managers who are switched off are passed over. What comes in: the open unit. What goes out: user
ids. Who calls it: approval steps ("team manager"), row access ("own" includes people below), identity.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from fieldstone.platform.identity.tables import TEAM, TEAM_MEMBER, USER, USER_ROLE
from fieldstone.platform.kernel.context import Unit

_TEAMS = sa.select(TEAM.c.id, TEAM.c.parent, TEAM.c.manager)
_OWN_TEAMS = sa.select(TEAM_MEMBER.c.user_id, TEAM_MEMBER.c.team).order_by(TEAM_MEMBER.c.position, TEAM_MEMBER.c.team)
_USERS = sa.select(USER.c.id, USER.c.manager, USER.c.active)
_LEADS_TEAM = sa.select(TEAM.c.id).where(TEAM.c.manager == sa.bindparam("user_id")).limit(1)
_LEADS_USER = sa.select(USER.c.id).where(USER.c.manager == sa.bindparam("user_id")).limit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgChart:
    """The tree as it is now: own team and own manager by user, parent and manager by team, who is active."""

    own_team: Mapping[str, str]
    own_manager: Mapping[str, str]
    parent: Mapping[str, str | None]
    team_manager: Mapping[str, str | None]
    active: frozenset[str]

    def manager(self, user_id: str) -> str | None:
        """The nearest active manager above a person, or None at the top."""
        seen = {user_id}
        person: str | None = user_id
        while person is not None:
            person = self._direct(person)
            if person in seen:
                return None
            if person in self.active:
                return person
            if person is not None:
                seen.add(person)
        return None

    def above(self, user_id: str, levels: int) -> str | None:
        """The manager `levels` steps up, or None when the tree ends before."""
        person: str | None = user_id
        seen = {user_id}
        for _ in range(levels):
            person = self.manager(person) if person is not None else None
            if person is None or person in seen:
                return None
            seen.add(person)
        return person

    def below(self, user_id: str) -> frozenset[str]:
        """Everybody who answers to a person, directly or through others."""
        direct: defaultdict[str, list[str]] = defaultdict(list)
        for person in self.own_team.keys() | self.own_manager.keys():
            manager = self.manager(person)
            if manager is not None:
                direct[manager].append(person)
        found: set[str] = set()
        waiting = [user_id]
        while waiting:
            for person in direct[waiting.pop()]:
                if person not in found and person != user_id:
                    found.add(person)
                    waiting.append(person)
        return frozenset(found)

    def _direct(self, user_id: str) -> str | None:
        if user_id in self.own_manager:
            return self.own_manager[user_id]
        team = self.own_team.get(user_id)
        seen: set[str] = set()
        while team is not None and team not in seen:
            seen.add(team)
            manager = self.team_manager.get(team)
            if manager is not None and manager != user_id:
                return manager
            team = self.parent.get(team)
        return None


class OrgService:
    """Answers about the org tree, read in the caller's unit."""

    def manager_of(self, unit: Unit, user_id: str, levels: int = 1) -> str | None:
        """The active manager `levels` steps above a user, or None."""
        return self.chart(unit).above(user_id, levels)

    def reports_of(self, unit: Unit, user_id: str) -> frozenset[str]:
        """Everybody below a user. Cheap for the many who lead nobody."""
        parameters = {"user_id": user_id}
        if unit.one(_LEADS_TEAM, parameters) is None and unit.one(_LEADS_USER, parameters) is None:
            return frozenset()
        return self.chart(unit).below(user_id)

    def users_with_role(self, unit: Unit, role: str) -> list[str]:
        """Ids of active users with a role, in order of creation."""
        return self.users_with_any_role(unit, (role,))

    def users_with_any_role(self, unit: Unit, roles: Iterable[str]) -> list[str]:
        """Ids of active users with at least one of the roles, in order of creation."""
        statement = (
            sa.select(USER.c.id)
            .where(
                USER.c.active, USER.c.id.in_(sa.select(USER_ROLE.c.user_id).where(USER_ROLE.c.role.in_(list(roles))))
            )
            .order_by(USER.c.id)
        )
        return [row[0] for row in unit.rows(statement)]

    def members_of(self, unit: Unit, team: str) -> list[str]:
        """Ids of the active members of a team itself, in order of creation."""
        statement = (
            sa.select(USER.c.id)
            .join(TEAM_MEMBER, TEAM_MEMBER.c.user_id == USER.c.id)
            .where(TEAM_MEMBER.c.team == team, USER.c.active)
            .order_by(USER.c.id)
        )
        return [row[0] for row in unit.rows(statement)]

    def chart(self, unit: Unit) -> OrgChart:
        """The whole tree: three queries."""
        own_team: dict[str, str] = {}
        for user_id, team in unit.rows(_OWN_TEAMS):
            own_team.setdefault(user_id, team)
        teams = unit.rows(_TEAMS)
        users = unit.rows(_USERS)
        return OrgChart(
            own_team=own_team,
            own_manager={row[0]: row[1] for row in users if row[1] is not None},
            parent={row[0]: row[1] for row in teams},
            team_manager={row[0]: row[2] for row in teams},
            active=frozenset(row[0] for row in users if row[2]),
        )
