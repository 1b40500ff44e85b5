"""Changing a password, and setting one by a one-time token.

What comes in: a caller and what a person typed; for tokens the context and unit of whoever issues them. What goes out:
nothing, or the token's text once. There is no first password: a new user, also the first administrator, sets their own
with a one-time setup token. Called by the profile and reset pages, the API and the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from fieldstone.platform.identity.changes import Changes
from fieldstone.platform.identity.passwords import check_password, hash_password, verify_password
from fieldstone.platform.identity.secrets import hash_secret, new_one_time_token
from fieldstone.platform.identity.sessions import SessionService
from fieldstone.platform.identity.tables import ONE_TIME_TOKEN, USER
from fieldstone.platform.identity.throttle import SignInThrottle
from fieldstone.platform.identity.users import UserService
from fieldstone.platform.identity.values import Purpose
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from fieldstone.platform.kernel.ids import new_id
from fieldstone.platform.units import Caller, TokenCredential, Units

LIFETIME: dict[Purpose, timedelta] = {"setup": timedelta(days=3), "reset": timedelta(hours=1)}

_TOKEN = (
    sa.select(ONE_TIME_TOKEN.c.user_id, ONE_TIME_TOKEN.c.expires_at, USER.c.email, USER.c.name, USER.c.active)
    .join(USER, USER.c.id == ONE_TIME_TOKEN.c.user_id)
    .where(ONE_TIME_TOKEN.c.secret_hash == sa.bindparam("secret_hash"))
)
_OWN = sa.select(USER.c.password_hash, USER.c.email, USER.c.name).where(USER.c.id == sa.bindparam("user_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """Whose password it is."""

    user_id: str
    email: str
    name: str
    password_hash: str | None = None


class PasswordService:
    """The only door to passwords."""

    def __init__(
        self,
        units: Units,
        users: UserService,
        sessions: SessionService,
        throttle: SignInThrottle,
        changes: Changes,
    ) -> None:
        self._units = units
        self._users = users
        self._sessions = sessions
        self._throttle = throttle
        self._changes = changes

    def change(self, caller: Caller, current: str, new: str, *, keep_session: str | None = None) -> None:
        """Change one's own password, knowing the present one; other sessions end. `keep_session` is a secret.

        Raises `Forbidden` for an API token: what is stolen from a script must not become the account.
        """
        if isinstance(caller.credential, TokenCredential):
            raise Forbidden("This takes a signed-in person, not a token.", code="needs_session")
        owner = self._units.write(caller, self._own)
        if not verify_password(owner.password_hash, current):
            raise Invalid(errors=[FieldError(path="/current", code="wrong_password", message="This is not right.")])
        new_hash = self._hashed(caller, owner, new, "/new")
        self._units.write(caller, lambda ctx, unit: self._replace(ctx, unit, owner, new_hash, keep_session))

    def issue(self, context: Context, unit: Unit, user_id: str, purpose: Purpose) -> str:
        """A one-time token to set a password; earlier ones of the user stop working. Raises `Forbidden`, `NotFound`."""
        user = self._users.require_manageable(context, unit, user_id)
        if not user.active:
            raise Conflict("This account is switched off.")
        token = new_one_time_token(unit.tenant)
        unit.run(sa.delete(ONE_TIME_TOKEN).where(ONE_TIME_TOKEN.c.user_id == user_id))
        row = {
            "id": new_id(),
            "user_id": user_id,
            "purpose": purpose,
            "secret_hash": hash_secret(token),
            "created_at": context.now,
            "expires_at": context.now + LIFETIME[purpose],
        }
        unit.run(sa.insert(ONE_TIME_TOKEN), row)
        self._changes.note(context, unit, f"password.{purpose}_token", f"user/{user_id}")
        return token

    def redeem(self, caller: Caller, token: str, new: str) -> None:
        """Set a password with a one-time token; all sessions end. `caller` carries the system credential."""
        owner = self._units.read(caller, lambda ctx, unit: self._owner_of(unit, token, ctx.now))
        new_hash = self._hashed(caller, owner, new, "/password")
        self._units.write(caller, lambda ctx, unit: self._redeemed(ctx, unit, owner, token, new_hash))

    def set_directly(self, caller: Caller, user_id: str, new: str) -> None:
        """Set somebody's password on the system's account: the demo and the command line."""
        owner = self._units.read(caller, lambda ctx, unit: self._owner(unit, user_id))
        new_hash = self._hashed(caller, owner, new, "/password")
        self._units.write(caller, lambda ctx, unit: self._replace(ctx, unit, owner, new_hash, None))

    def _hashed(self, caller: Caller, owner: _Owner, password: str, path: str) -> str:
        check_password(password, about=(owner.email, owner.name, caller.tenant), path=path)
        return hash_password(password)

    def _own(self, context: Context, unit: Unit) -> _Owner:
        # Counted like a sign-in: a stolen session must not serve to guess the password.
        self._throttle.attempt(unit, f"change {context.actor.id}", context.actor.id, context.now)
        return self._owner(unit, context.actor.id)

    def _owner(self, unit: Unit, user_id: str) -> _Owner:
        row = unit.one(_OWN, {"user_id": user_id})
        if row is None:
            raise NotFound
        return _Owner(user_id=user_id, password_hash=row[0], email=row[1], name=row[2])

    def _owner_of(self, unit: Unit, token: str, now: datetime) -> _Owner:
        row = unit.one(_TOKEN, {"secret_hash": hash_secret(token)})
        if row is None or row[1] <= now or not row[4]:
            raise bad_token()
        return _Owner(user_id=row[0], email=row[2], name=row[3])

    def _redeemed(self, context: Context, unit: Unit, owner: _Owner, token: str, new_hash: str) -> None:
        self._owner_of(unit, token, context.now)
        used = sa.delete(ONE_TIME_TOKEN).where(ONE_TIME_TOKEN.c.secret_hash == hash_secret(token))
        if unit.run(used) != 1:
            raise bad_token()
        self._throttle.succeeded(unit, owner.email)
        self._store(context, unit, owner.user_id, new_hash)
        self._sessions.revoke_all(context, unit, owner.user_id)

    def _replace(self, context: Context, unit: Unit, owner: _Owner, new_hash: str, keep: str | None) -> None:
        stored = self._owner(unit, owner.user_id).password_hash
        if stored != owner.password_hash:
            raise Conflict("The password was changed in the meantime.")
        self._throttle.succeeded(unit, f"change {owner.user_id}")
        self._store(context, unit, owner.user_id, new_hash)
        kept = self._sessions.current(unit, keep) if keep is not None else None
        self._sessions.revoke_all(context, unit, owner.user_id, but=kept)

    def _store(self, context: Context, unit: Unit, user_id: str, new_hash: str) -> None:
        unit.run(
            sa.update(USER).where(USER.c.id == user_id).values(password_hash=new_hash, password_changed_at=context.now)
        )
        unit.run(sa.delete(ONE_TIME_TOKEN).where(ONE_TIME_TOKEN.c.user_id == user_id))
        self._changes.record(context, unit, "password.set", f"user/{user_id}")


def bad_token() -> Invalid:
    """The refusal of a one-time token, whatever is wrong with it."""
    return Invalid(
        errors=[FieldError(path="/token", code="token_invalid", message="This link is used up, too old or not right.")]
    )
