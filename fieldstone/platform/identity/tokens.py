"""API tokens: `fs_<tenant>_<secret>`, shown once, stored as hashes.

What comes in: the context, the open unit. What goes out: the token's text once, `TokenInfo` afterwards. A token acts
for its user within its scope; a token of a user who is switched off does not work. A read-only token makes no tokens.
Called by the API and pages of identity and the command line.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from fieldstone.platform.identity.changes import Changes
from fieldstone.platform.identity.checks import Faults, has_controls
from fieldstone.platform.identity.rights import RoleRights
from fieldstone.platform.identity.secrets import hash_secret, new_token
from fieldstone.platform.identity.tables import API_TOKEN, USER
from fieldstone.platform.identity.users import RIGHT, UserService
from fieldstone.platform.identity.values import TokenInfo
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, Forbidden, NotFound
from fieldstone.platform.kernel.ids import new_id

SCOPES = ("read", "write")
MAX_TOKENS = 50
_MAX_NAME = 100

_INFO = sa.select(
    API_TOKEN.c.id,
    API_TOKEN.c.user_id,
    API_TOKEN.c.name,
    API_TOKEN.c.scope,
    API_TOKEN.c.require_if_match,
    API_TOKEN.c.created_at,
    API_TOKEN.c.expires_at,
    API_TOKEN.c.last_used_at,
)


class TokenService:
    """Makes, lists and revokes API tokens."""

    def __init__(self, rights: RoleRights, users: UserService, changes: Changes) -> None:
        self._rights = rights
        self._users = users
        self._changes = changes

    def create(
        self,
        context: Context,
        unit: Unit,
        user_id: str,
        name: str,
        scope: str = "write",
        *,
        require_if_match: bool = False,
        expires_at: datetime | None = None,
    ) -> tuple[TokenInfo, str]:
        """A new token of a user: one's own, or with the right that of somebody whose rights one has. Text told once."""
        self._allow_create(context, unit, user_id)
        self._check(context, unit, user_id, name, scope, expires_at)
        token, token_id = new_token(unit.tenant), new_id()
        row = {
            "id": token_id,
            "user_id": user_id,
            "name": name.strip(),
            "secret_hash": hash_secret(token),
            "scope": scope,
            "require_if_match": require_if_match,
            "created_at": context.now,
            "created_by": context.actor.id,
            "expires_at": expires_at,
            "last_used_at": None,
        }
        unit.run(sa.insert(API_TOKEN), row)
        info = self._existing(unit, token_id)
        # No access version: nobody can have cached a token that did not exist.
        self._changes.note(context, unit, "token.create", f"token/{token_id}", None, _seen(info))
        return info, token

    def list(self, context: Context, unit: Unit, user_id: str) -> list[TokenInfo]:
        """Tokens of a user, newest first."""
        self._allow(context, user_id)
        statement = _INFO.where(API_TOKEN.c.user_id == user_id).order_by(API_TOKEN.c.id.desc())
        return [_info(row) for row in unit.rows(statement)]

    def revoke(self, context: Context, unit: Unit, token_id: str) -> None:
        """Make a token worthless at the next request. Raises `NotFound`."""
        info = self._existing(unit, token_id)
        self._allow(context, info.user_id)
        unit.run(sa.delete(API_TOKEN).where(API_TOKEN.c.id == token_id))
        self._changes.record(context, unit, "token.revoke", f"token/{token_id}", _seen(info), None)

    def _existing(self, unit: Unit, token_id: str) -> TokenInfo:
        row = unit.one(_INFO.where(API_TOKEN.c.id == token_id))
        if row is None:
            raise NotFound
        return _info(row)

    def _allow(self, context: Context, user_id: str) -> None:
        if context.actor.is_system or context.actor.id == user_id:
            return
        if RIGHT not in self._rights.of(context):
            raise NotFound

    def _allow_create(self, context: Context, unit: Unit, user_id: str) -> None:
        if context.actor.scope == "read":
            raise Forbidden("This token may only read.", code="read_only_token")
        if not context.actor.is_system and context.actor.id != user_id:
            self._users.require_manageable(context, unit, user_id)

    def _check(
        self, context: Context, unit: Unit, user_id: str, name: str, scope: str, expires_at: datetime | None
    ) -> None:
        faults = Faults()
        if not isinstance(name, str) or not name.strip() or len(name) > _MAX_NAME or has_controls(name):
            faults.add("/name", "invalid", "Give a name of up to {limit} characters.", {"limit": _MAX_NAME})
        if scope not in SCOPES:
            faults.add("/scope", "choice", "Choose one of {choices}.", {"choices": SCOPES})
        if expires_at is not None and expires_at <= context.now:
            faults.add("/expires_at", "past", "This moment has passed.")
        faults.stop_if_any()
        active = unit.scalar(sa.select(USER.c.active).where(USER.c.id == user_id))
        if not active:
            raise NotFound
        count = unit.scalar(sa.select(sa.func.count()).select_from(API_TOKEN).where(API_TOKEN.c.user_id == user_id))
        if count >= MAX_TOKENS:
            raise Conflict("A user can have at most {limit} tokens. Revoke one first.", limit=MAX_TOKENS)


def _info(row: tuple[Any, ...]) -> TokenInfo:
    return TokenInfo(
        id=row[0],
        user_id=row[1],
        name=row[2],
        scope=row[3],
        require_if_match=bool(row[4]),
        created_at=row[5],
        expires_at=row[6],
        last_used_at=row[7],
    )


def _seen(info: TokenInfo) -> dict[str, Any]:
    return {"user": info.user_id, "name": info.name, "scope": info.scope}
