"""Sessions: rows in the tenant home that a cookie's secret points to.

What comes in: the context, the open unit. What goes out: `SignedIn`, `SessionInfo`. A session ends by itself when it
is not used (`IDLE`) and at the latest after the hours of the settings; it ends at once when revoked. A session opened
before the second factor is `pending`: it proves nothing and lives for minutes. Called by `sign_in`, the API and pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from fieldstone.platform.identity.changes import Changes
from fieldstone.platform.identity.rights import RoleRights
from fieldstone.platform.identity.secrets import hash_secret, new_session_secret
from fieldstone.platform.identity.tables import SESSION
from fieldstone.platform.identity.users import RIGHT
from fieldstone.platform.identity.values import SessionInfo, SignedIn
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import NotFound, NotSignedIn
from fieldstone.platform.kernel.ids import new_id

IDLE = timedelta(hours=2)
PENDING = timedelta(minutes=5)
TOUCH_EVERY = timedelta(minutes=5)
CODE_ATTEMPTS = 5

_PENDING = sa.select(SESSION.c.id, SESSION.c.user_id, SESSION.c.attempts, SESSION.c.expires_at).where(
    SESSION.c.secret_hash == sa.bindparam("secret_hash"), SESSION.c.pending
)
_INFO = sa.select(
    SESSION.c.id,
    SESSION.c.user_id,
    SESSION.c.created_at,
    SESSION.c.last_seen_at,
    SESSION.c.expires_at,
    SESSION.c.user_agent,
    SESSION.c.address,
).where(sa.not_(SESSION.c.pending))


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where a session is opened from, as the request told; shown to its owner."""

    address: str = ""
    user_agent: str = ""


class SessionService:
    """Opens, lists and ends sessions."""

    def __init__(self, rights: RoleRights, changes: Changes, *, hours: int) -> None:
        self._rights = rights
        self._changes = changes
        self._longest = timedelta(hours=hours)

    def open(self, context: Context, unit: Unit, user_id: str, device: Device, *, pending: bool) -> SignedIn:
        """A new session of a user who has proved who they are; `pending` when the second factor is still due."""
        secret, session_id = new_session_secret(unit.tenant), new_id()
        expires_at = context.now + (PENDING if pending else self._longest)
        unit.run(
            sa.insert(SESSION),
            {
                "id": session_id,
                "user_id": user_id,
                "secret_hash": hash_secret(secret),
                "pending": pending,
                "attempts": 0,
                "created_at": context.now,
                "last_seen_at": context.now,
                "expires_at": expires_at,
                "user_agent": _one_line(device.user_agent, 300),
                "address": _one_line(device.address, 60),
            },
        )
        self._forget_old(unit, context.now)
        return SignedIn(
            secret=secret, session_id=session_id, user_id=user_id, expires_at=expires_at, second_factor_due=pending
        )

    def pending_user(self, unit: Unit, secret: str, now: datetime) -> str:
        """Whose pending session this is. Raises `NotSignedIn` when there is none, or no more attempts."""
        row = unit.one(_PENDING, {"secret_hash": hash_secret(secret)})
        if row is None or row[3] <= now or row[2] >= CODE_ATTEMPTS:
            raise NotSignedIn("The sign-in took too long. Please start again.", code="sign_in_expired")
        return str(row[1])

    def count_attempt(self, unit: Unit, secret: str) -> None:
        """One more try at the second factor of a pending session."""
        unit.run(
            sa.update(SESSION)
            .where(SESSION.c.secret_hash == hash_secret(secret), SESSION.c.pending)
            .values(attempts=SESSION.c.attempts + 1)
        )

    def claim_pending(self, unit: Unit, secret: str) -> str:
        """Use up a pending session; whose it was. Raises `NotSignedIn` when somebody else was faster."""
        secret_hash = hash_secret(secret)
        row = unit.one(_PENDING, {"secret_hash": secret_hash})
        if row is None or unit.run(sa.delete(SESSION).where(SESSION.c.id == row[0], SESSION.c.pending)) != 1:
            raise NotSignedIn("The sign-in took too long. Please start again.", code="sign_in_expired")
        return str(row[1])

    def touch(self, unit: Unit, secret: str, now: datetime) -> None:
        """The session is in use; called now and then, not per request."""
        unit.run(sa.update(SESSION).where(SESSION.c.secret_hash == hash_secret(secret)).values(last_seen_at=now))

    def list(self, context: Context, unit: Unit, user_id: str) -> list[SessionInfo]:
        """Open sessions of a user, newest first: one's own, or anybody's with the right."""
        self._allow(context, user_id)
        statement = _INFO.where(
            SESSION.c.user_id == user_id,
            SESSION.c.expires_at > context.now,
            SESSION.c.last_seen_at > context.now - IDLE,
        )
        return [_info(row) for row in unit.rows(statement.order_by(SESSION.c.id.desc()))]

    def current(self, unit: Unit, secret: str) -> str | None:
        """The id of the session with that secret, or None."""
        found = unit.scalar(sa.select(SESSION.c.id).where(SESSION.c.secret_hash == hash_secret(secret)))
        return str(found) if found is not None else None

    def sign_out(self, context: Context, unit: Unit, secret: str) -> None:
        """End the session with that secret; nothing happens when there is none."""
        session_id = self.current(unit, secret)
        if session_id is not None:
            self._end(context, unit, SESSION.c.id == session_id, f"session/{session_id}", "session.sign_out")

    def revoke(self, context: Context, unit: Unit, session_id: str) -> None:
        """End one session: one's own, or anybody's with the right. Raises `NotFound`."""
        owner = unit.scalar(sa.select(SESSION.c.user_id).where(SESSION.c.id == session_id))
        if owner is None:
            raise NotFound
        self._allow(context, str(owner))
        self._end(context, unit, SESSION.c.id == session_id, f"session/{session_id}", "session.revoke")

    def revoke_all(self, context: Context, unit: Unit, user_id: str, *, but: str | None = None) -> None:
        """End all sessions of a user, except the one with id `but`."""
        self._allow(context, user_id)
        which = SESSION.c.user_id == user_id
        if but is not None:
            which = sa.and_(which, SESSION.c.id != but)
        self._end(context, unit, which, f"user/{user_id}", "session.revoke_all")

    def _allow(self, context: Context, user_id: str) -> None:
        if context.actor.is_system or context.actor.id == user_id:
            return
        if RIGHT not in self._rights.of(context):
            raise NotFound

    def _end(self, context: Context, unit: Unit, which: Any, subject: str, action: str) -> None:
        unit.run(sa.delete(SESSION).where(which))
        self._changes.record(context, unit, action, subject)

    def _forget_old(self, unit: Unit, now: datetime) -> None:
        unit.run(sa.delete(SESSION).where(SESSION.c.expires_at < now - timedelta(days=1)))


def still_open(*, pending: bool, last_seen_at: datetime, expires_at: datetime, now: datetime) -> bool:
    """Whether a session proves who its owner is."""
    return not pending and now < expires_at and now - last_seen_at < IDLE


def _one_line(text: str, limit: int) -> str:
    return "".join(character for character in text if character.isprintable())[:limit]


def _info(row: tuple[Any, ...]) -> SessionInfo:
    return SessionInfo(
        id=row[0],
        user_id=row[1],
        created_at=row[2],
        last_seen_at=row[3],
        expires_at=row[4],
        user_agent=row[5],
        address=row[6],
    )
