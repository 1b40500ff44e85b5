"""Reading users: rows of `user_account` with roles and teams, as `User` values.

Called by the services of this package; a page of users takes three queries, whatever its length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from fieldstone.platform.identity.tables import TEAM_MEMBER, USER, USER_ROLE
from fieldstone.platform.identity.values import User
from fieldstone.platform.kernel.context import Unit

_COLUMNS = (
    USER.c.id,
    USER.c.revision,
    USER.c.email,
    USER.c.name,
    USER.c.active,
    USER.c.locale,
    USER.c.time_zone,
    USER.c.manager,
    USER.c.preferences,
    USER.c.password_hash.is_not(None),
    USER.c.totp_active,
    USER.c.created_at,
    USER.c.updated_at,
)


def find_user(unit: Unit, user_id: str) -> User | None:
    """The user with that id, or None."""
    return next(iter(_users(unit, unit.rows(sa.select(*_COLUMNS).where(USER.c.id == user_id)))), None)


def find_by_email(unit: Unit, email: str) -> User | None:
    """The user with that address in whatever case, or None."""
    return next(iter(_users(unit, unit.rows(sa.select(*_COLUMNS).where(USER.c.email == tidy_email(email))))), None)


def page_of_users(unit: Unit, *, after: str | None, limit: int, text: str | None) -> list[User]:
    """Up to `limit` users by address, those after the address `after`; `text` is looked for in name and address."""
    statement = sa.select(*_COLUMNS).order_by(USER.c.email).limit(limit)
    if after is not None:
        statement = statement.where(USER.c.email > after)
    if text:
        wanted = text.lower()
        statement = statement.where(
            sa.or_(
                USER.c.email.contains(wanted, autoescape=True),
                sa.func.lower(USER.c.name).contains(wanted, autoescape=True),
            )
        )
    return _users(unit, unit.rows(statement))


def roles_of(unit: Unit, user_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Role names by user."""
    return _grouped(
        unit.rows(
            sa.select(USER_ROLE.c.user_id, USER_ROLE.c.role)
            .where(USER_ROLE.c.user_id.in_(list(user_ids)))
            .order_by(USER_ROLE.c.role)
        )
    )


def teams_of(unit: Unit, user_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Team ids by user, the own team first."""
    return _grouped(
        unit.rows(
            sa.select(TEAM_MEMBER.c.user_id, TEAM_MEMBER.c.team)
            .where(TEAM_MEMBER.c.user_id.in_(list(user_ids)))
            .order_by(TEAM_MEMBER.c.position, TEAM_MEMBER.c.team)
        )
    )


def tidy_email(email: str) -> str:
    """The one form in which an address is stored and looked for."""
    return email.strip().lower()


def _grouped(rows: Sequence[tuple[Any, ...]]) -> dict[str, tuple[str, ...]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for key, value in rows:
        groups[key].append(value)
    return {key: tuple(values) for key, values in groups.items()}


def _users(unit: Unit, rows: Sequence[tuple[Any, ...]]) -> list[User]:
    if not rows:
        return []
    ids = [row[0] for row in rows]
    roles, teams = roles_of(unit, ids), teams_of(unit, ids)
    return [_user(row, roles.get(row[0], ()), teams.get(row[0], ())) for row in rows]


def _user(row: tuple[Any, ...], roles: tuple[str, ...], teams: tuple[str, ...]) -> User:
    return User(
        id=row[0],
        revision=row[1],
        email=row[2],
        name=row[3],
        active=bool(row[4]),
        locale=row[5],
        time_zone=row[6],
        manager=row[7],
        preferences=row[8],
        has_password=bool(row[9]),
        second_factor=bool(row[10]),
        created_at=row[11],
        updated_at=row[12],
        roles=roles,
        teams=teams,
    )
