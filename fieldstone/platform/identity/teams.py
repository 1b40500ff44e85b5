"""Teams of a tenant: a tree with managers.

What comes in: the context, the open unit and values. What goes out: `Team`. Changing teams needs `manage_users`;
everybody signed in may read them. Who calls it: the API and pages of identity, packages with seed data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from fieldstone.platform.identity.changes import Changes
from fieldstone.platform.identity.checks import Faults
from fieldstone.platform.identity.rights import RoleRights
from fieldstone.platform.identity.tables import TEAM, TEAM_MEMBER, USER
from fieldstone.platform.identity.values import Team
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, NotFound, StaleRevision
from fieldstone.platform.kernel.ids import is_id, new_id

FIELDS = frozenset({"name", "parent", "manager"})
RIGHT = "manage_users"
_SELECT = sa.select(TEAM.c.id, TEAM.c.revision, TEAM.c.name, TEAM.c.parent, TEAM.c.manager)


class TeamService:
    """The only door to teams."""

    def __init__(self, rights: RoleRights, changes: Changes) -> None:
        self._rights = rights
        self._changes = changes

    def get(self, unit: Unit, team_id: str) -> Team:
        """One team. Raises `NotFound`."""
        found = self._teams(unit, _SELECT.where(TEAM.c.id == team_id))
        if not found:
            raise NotFound
        return found[0]

    def page(self, unit: Unit, *, after: str | None = None, limit: int = 200) -> list[Team]:
        """Teams by name, those after the name `after`."""
        statement = _SELECT.order_by(TEAM.c.name).limit(limit)
        return self._teams(unit, statement.where(TEAM.c.name > after) if after is not None else statement)

    def by_name(self, unit: Unit, name: str) -> Team | None:
        """The team with exactly that name, or None."""
        return next(iter(self._teams(unit, _SELECT.where(TEAM.c.name == name))), None)

    def create(
        self, context: Context, unit: Unit, *, name: str, parent: str | None = None, manager: str | None = None
    ) -> Team:
        """A new team without members."""
        self._rights.require(context, RIGHT)
        self._check(context, unit, None, {"name": name, "parent": parent, "manager": manager})
        team_id = new_id()
        row = {"id": team_id, "revision": 1, "name": name.strip(), "parent": parent, "manager": manager}
        unit.run(sa.insert(TEAM), {**row, **_stamps(context)})
        team = self.get(unit, team_id)
        self._changes.record(context, unit, "team.create", f"team/{team_id}", None, _seen(team))
        return team

    def update(
        self, context: Context, unit: Unit, team_id: str, changes: Mapping[str, Any], *, revision: int | None = None
    ) -> Team:
        """Change name, parent or manager."""
        self._rights.require(context, RIGHT)
        before = self.get(unit, team_id)
        if revision is not None and revision != before.revision:
            raise StaleRevision(revision=before.revision)
        self._check(context, unit, before, changes)
        values = {**changes, **({"name": changes["name"].strip()} if "name" in changes else {})}
        unit.run(
            sa.update(TEAM)
            .where(TEAM.c.id == team_id)
            .values(**values, revision=TEAM.c.revision + 1, updated_at=context.now, updated_by=context.actor.id)
        )
        after = self.get(unit, team_id)
        self._changes.record(context, unit, "team.update", f"team/{team_id}", _seen(before), _seen(after))
        return after

    def delete(self, context: Context, unit: Unit, team_id: str) -> None:
        """Remove a team that has neither members nor teams below it."""
        self._rights.require(context, RIGHT)
        team = self.get(unit, team_id)
        if team.members or unit.one(sa.select(TEAM.c.id).where(TEAM.c.parent == team_id).limit(1)) is not None:
            raise Conflict("This team still has members or teams below it.")
        unit.run(sa.delete(TEAM).where(TEAM.c.id == team_id))
        self._changes.record(context, unit, "team.delete", f"team/{team_id}", _seen(team), None)

    def _teams(self, unit: Unit, statement: sa.Select[Any]) -> list[Team]:
        rows = unit.rows(statement)
        members: dict[str, list[str]] = {row[0]: [] for row in rows}
        if members:
            of_these = sa.select(TEAM_MEMBER.c.team, TEAM_MEMBER.c.user_id).where(TEAM_MEMBER.c.team.in_(list(members)))
            for team, user_id in unit.rows(of_these.order_by(TEAM_MEMBER.c.user_id)):
                members[team].append(user_id)
        return [
            Team(id=row[0], revision=row[1], name=row[2], parent=row[3], manager=row[4], members=tuple(members[row[0]]))
            for row in rows
        ]

    def _check(self, context: Context, unit: Unit, team: Team | None, values: Mapping[str, Any]) -> None:
        faults = Faults()
        for name in set(values) - FIELDS:
            faults.add(f"/{name}", "unknown", "There is no such field, or it cannot be written.")
        if "name" in values:
            self._check_name(faults, unit, team, values["name"])
        if values.get("parent") is not None:
            self._check_parent(faults, unit, team, values["parent"])
        if values.get("manager") is not None:
            self._check_manager(faults, unit, values["manager"])
        faults.stop_if_any()
        if values.get("manager") == context.actor.id and (team is None or team.manager != context.actor.id):
            self._rights.require_everything(context)

    def _check_name(self, faults: Faults, unit: Unit, team: Team | None, name: Any) -> None:
        faults.name(name)
        found = self.by_name(unit, name.strip()) if isinstance(name, str) else None
        if found is not None and (team is None or found.id != team.id):
            faults.add("/name", "unique", "A team with this name exists already.")

    def _check_parent(self, faults: Faults, unit: Unit, team: Team | None, parent: Any) -> None:
        """A parent exists and is not below the team."""
        seen = {team.id} if team is not None else set()
        above: Any = parent
        while above is not None:
            row = unit.one(sa.select(TEAM.c.parent).where(TEAM.c.id == above)) if is_id(above) else None
            if row is None:
                faults.add("/parent", "unknown", "There is no such team.")
                return
            if above in seen:
                faults.add("/parent", "cycle", "A team cannot be below itself.")
                return
            seen.add(above)
            above = row[0]

    def _check_manager(self, faults: Faults, unit: Unit, manager: Any) -> None:
        if not is_id(manager) or unit.one(sa.select(USER.c.id).where(USER.c.id == manager)) is None:
            faults.add("/manager", "unknown", "There is no such user.")


def _stamps(context: Context) -> dict[str, Any]:
    return {
        "created_at": context.now,
        "created_by": context.actor.id,
        "updated_at": context.now,
        "updated_by": context.actor.id,
    }


def _seen(team: Team) -> dict[str, Any]:
    return {"name": team.name, "parent": team.parent, "manager": team.manager}
