"""Users of a tenant: create, change, switch off, give roles and teams.

What comes in: the context, the open unit and values. What goes out: `User`. Whoever is not the system needs the right
`manage_users`, except for their own profile; nobody gives or manages rights that they lack, and nobody changes their
own roles. Each change is audited and holds at the next request. Who calls it: the API and pages of identity, the CLI,
tenancy for the first administrator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from fieldstone.platform.identity.changes import Changes
from fieldstone.platform.identity.checks import Faults
from fieldstone.platform.identity.rights import RoleRights
from fieldstone.platform.identity.tables import ONE_TIME_TOKEN, SESSION, TEAM, TEAM_MEMBER, USER, USER_ROLE
from fieldstone.platform.identity.user_rows import find_by_email, find_user, page_of_users, tidy_email
from fieldstone.platform.identity.values import NewUser, User
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, Forbidden, NotFound, StaleRevision
from fieldstone.platform.kernel.ids import is_id, new_id

OWN_FIELDS = frozenset({"name", "locale", "time_zone", "preferences"})
FIELDS = OWN_FIELDS | {"email", "manager"}
RIGHT = "manage_users"


class UserService:
    """The only door to users."""

    def __init__(self, rights: RoleRights, changes: Changes) -> None:
        self._rights = rights
        self._changes = changes

    def get(self, context: Context, unit: Unit, user_id: str) -> User:
        """One user: oneself, or anybody for those who manage users. Raises `NotFound`."""
        if user_id != context.actor.id and RIGHT not in self._rights.of(context):
            raise NotFound
        return self._existing(unit, user_id)

    def page(
        self, context: Context, unit: Unit, *, after: str | None = None, limit: int = 50, text: str | None = None
    ) -> list[User]:
        """Users by address, after the address `after`."""
        self._rights.require(context, RIGHT)
        return page_of_users(unit, after=after, limit=limit, text=text)

    def by_email(self, unit: Unit, email: str) -> User | None:
        """The user with that address, or None; for callers that act for the system."""
        return find_by_email(unit, email)

    def create(self, context: Context, unit: Unit, new: NewUser) -> User:
        """A new, active user without a password."""
        self._rights.require(context, RIGHT)
        self._check_new(context, unit, new)
        self._rights.require_cover(context, new.roles)
        user_id = new_id()
        unit.run(sa.insert(USER), _row_of(context, user_id, new))
        self._write_roles(unit, user_id, new.roles)
        self._write_teams(unit, user_id, new.teams)
        user = self._existing(unit, user_id)
        self._changes.record(context, unit, "user.create", f"user/{user_id}", None, _seen(user))
        return user

    def update(
        self, context: Context, unit: Unit, user_id: str, changes: Mapping[str, Any], *, revision: int | None = None
    ) -> User:
        """Change fields of a user: those in `OWN_FIELDS` of oneself, those in `FIELDS` with the right."""
        before = self._for_change(context, unit, user_id, changes)
        _expect(before.revision, revision)
        values = self._checked(unit, user_id, changes)
        if values.get("manager") == context.actor.id != before.manager:
            self._rights.require_everything(context)
        if not values:
            return before
        self._bump(context, unit, user_id, values)
        after = self._existing(unit, user_id)
        self._changes.record(context, unit, "user.update", f"user/{user_id}", _seen(before), _seen(after))
        return after

    def assign_roles(
        self, context: Context, unit: Unit, user_id: str, roles: Sequence[str], *, revision: int | None = None
    ) -> User:
        """Let a user have exactly these roles."""
        before = self._manageable(context, unit, user_id)
        _expect(before.revision, revision)
        if user_id == context.actor.id:
            raise Forbidden("You cannot change your own roles.")
        self._check_roles(context, roles)
        self._rights.require_cover(context, roles)
        unit.run(sa.delete(USER_ROLE).where(USER_ROLE.c.user_id == user_id))
        self._write_roles(unit, user_id, roles)
        return self._changed(context, unit, "user.roles", before)

    def assign_teams(
        self, context: Context, unit: Unit, user_id: str, teams: Sequence[str], *, revision: int | None = None
    ) -> User:
        """Let a user be in exactly these teams; the first is their own team."""
        before = self._manageable(context, unit, user_id)
        _expect(before.revision, revision)
        self._check_teams(unit, teams)
        if user_id == context.actor.id:
            self._rights.require_everything(context)
        unit.run(sa.delete(TEAM_MEMBER).where(TEAM_MEMBER.c.user_id == user_id))
        self._write_teams(unit, user_id, teams)
        return self._changed(context, unit, "user.teams", before)

    def deactivate(self, context: Context, unit: Unit, user_id: str) -> User:
        """Switch a user off: sessions end and tokens stop working at the next request."""
        before = self._manageable(context, unit, user_id)
        if user_id == context.actor.id:
            raise Conflict("You cannot switch yourself off.")
        for table in (SESSION, ONE_TIME_TOKEN):
            unit.run(sa.delete(table).where(table.c.user_id == user_id))
        self._bump(context, unit, user_id, {"active": False})
        return self._changed(context, unit, "user.deactivate", before)

    def activate(self, context: Context, unit: Unit, user_id: str) -> User:
        """Switch a user on again."""
        before = self._manageable(context, unit, user_id)
        self._bump(context, unit, user_id, {"active": True})
        return self._changed(context, unit, "user.activate", before)

    def require_manageable(self, context: Context, unit: Unit, user_id: str) -> User:
        """The user, when the actor may manage them: has the right, and every right that the user has."""
        return self._manageable(context, unit, user_id)

    def _existing(self, unit: Unit, user_id: str) -> User:
        user = find_user(unit, user_id)
        if user is None:
            raise NotFound
        return user

    def _manageable(self, context: Context, unit: Unit, user_id: str) -> User:
        self._rights.require(context, RIGHT)
        user = self._existing(unit, user_id)
        self._rights.require_cover(context, user.roles)
        return user

    def _for_change(self, context: Context, unit: Unit, user_id: str, changes: Mapping[str, Any]) -> User:
        if user_id == context.actor.id and set(changes) <= OWN_FIELDS:
            return self._existing(unit, user_id)
        return self._manageable(context, unit, user_id)

    def _check_new(self, context: Context, unit: Unit, new: NewUser) -> None:
        faults = Faults()
        faults.email(new.email)
        faults.name(new.name)
        faults.locale(new.locale)
        faults.time_zone(new.time_zone)
        faults.preferences(new.preferences)
        faults.names("/roles", new.roles)
        faults.names("/teams", new.teams)
        faults.stop_if_any()
        self._check_free(unit, new.email, None)
        self._check_roles(context, new.roles)
        self._check_teams(unit, new.teams)
        self._check_manager(unit, None, new.manager)

    def _checked(self, unit: Unit, user_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        faults = Faults()
        for name in set(changes) - FIELDS:
            faults.add(f"/{name}", "unknown", "There is no such field, or it cannot be written.")
        for name in sorted(set(changes) & FIELDS - {"manager"}):
            getattr(faults, name)(changes[name])
        faults.stop_if_any()
        values = dict(changes)
        if "email" in values:
            values["email"] = tidy_email(values["email"])
            self._check_free(unit, values["email"], user_id)
        if "manager" in values:
            self._check_manager(unit, user_id, values["manager"])
        return values

    def _check_free(self, unit: Unit, email: str, user_id: str | None) -> None:
        found = find_by_email(unit, email)
        if found is not None and found.id != user_id:
            faults = Faults()
            faults.add("/email", "unique", "A user with this address exists already.")
            faults.stop_if_any()

    def _check_roles(self, context: Context, roles: Iterable[str]) -> None:
        faults = Faults()
        faults.names("/roles", roles)
        faults.stop_if_any()
        for position, role in enumerate(roles):
            if not self._rights.exists(context.snapshot, role):
                faults.add(f"/roles/{position}", "unknown", "There is no role {role}.", {"role": role})
        faults.stop_if_any()

    def _check_teams(self, unit: Unit, teams: Sequence[str]) -> None:
        faults = Faults()
        faults.names("/teams", teams)
        faults.stop_if_any()
        ids = [team for team in teams if is_id(team)]
        known = {row[0] for row in unit.rows(sa.select(TEAM.c.id).where(TEAM.c.id.in_(ids)))}
        for position, team in enumerate(teams):
            if team not in known:
                faults.add(f"/teams/{position}", "unknown", "There is no such team.")
        faults.stop_if_any()

    def _check_manager(self, unit: Unit, user_id: str | None, manager: Any) -> None:
        """A manager exists and does not report to the user."""
        faults, seen, above = Faults(), {user_id}, manager
        while above is not None:
            found = find_user(unit, above) if is_id(above) else None
            if found is None:
                faults.add("/manager", "unknown", "There is no such user.")
                break
            if found.id in seen:
                faults.add("/manager", "cycle", "A person cannot be their own manager, directly or by others.")
                break
            seen.add(found.id)
            above = found.manager
        faults.stop_if_any()

    def _write_roles(self, unit: Unit, user_id: str, roles: Iterable[str]) -> None:
        rows = [{"user_id": user_id, "role": role} for role in roles]
        if rows:
            unit.run_many(sa.insert(USER_ROLE), rows)

    def _write_teams(self, unit: Unit, user_id: str, teams: Iterable[str]) -> None:
        rows = [{"user_id": user_id, "team": team, "position": place} for place, team in enumerate(teams)]
        if rows:
            unit.run_many(sa.insert(TEAM_MEMBER), rows)

    def _bump(self, context: Context, unit: Unit, user_id: str, values: Mapping[str, Any]) -> None:
        unit.run(
            sa.update(USER)
            .where(USER.c.id == user_id)
            .values(**values, revision=USER.c.revision + 1, updated_at=context.now, updated_by=context.actor.id)
        )

    def _changed(self, context: Context, unit: Unit, action: str, before: User) -> User:
        """Record a change of access, then make sure that somebody can still manage users."""
        self._bump(context, unit, before.id, {})
        after = self._existing(unit, before.id)
        self._changes.record(context, unit, action, f"user/{before.id}", _seen(before), _seen(after))
        self._check_managed(context, unit, before)
        return after

    def _check_managed(self, context: Context, unit: Unit, before: User) -> None:
        # After the access version is bumped: its row lock makes two administrators switching each other off take turns.
        if RIGHT not in self._rights.of_roles(context.snapshot, before.roles) or not before.active:
            return
        rows = unit.rows(
            sa.select(USER_ROLE.c.role).distinct().join(USER, USER.c.id == USER_ROLE.c.user_id).where(USER.c.active)
        )
        if not any(RIGHT in self._rights.of_roles(context.snapshot, [row[0]]) for row in rows):
            raise Conflict("Somebody must be left who can manage users.")


def _expect(stored: int, sent: int | None) -> None:
    if sent is not None and sent != stored:
        raise StaleRevision(revision=stored)


def _row_of(context: Context, user_id: str, new: NewUser) -> dict[str, Any]:
    return {
        "id": user_id,
        "revision": 1,
        "email": tidy_email(new.email),
        "name": new.name.strip(),
        "active": True,
        "locale": new.locale,
        "time_zone": new.time_zone,
        "manager": new.manager,
        "preferences": dict(new.preferences),
        "totp_active": False,
        "totp_last_step": 0,
        "created_at": context.now,
        "created_by": context.actor.id,
        "updated_at": context.now,
        "updated_by": context.actor.id,
    }


def _seen(user: User) -> dict[str, Any]:
    """A user as the audit keeps them: no secrets are on a `User`."""
    return {
        "email": user.email,
        "name": user.name,
        "active": user.active,
        "locale": user.locale,
        "time_zone": user.time_zone,
        "manager": user.manager,
        "roles": list(user.roles),
        "teams": list(user.teams),
    }
