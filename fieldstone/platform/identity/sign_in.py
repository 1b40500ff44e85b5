"""Signing in: password, then the second factor where there is one.

What comes in: the tenant's caller (on the system's account), what a person typed, the device. What goes out:
`SignedIn`. Each step is its own unit, because a password is verified outside of any; attempts are counted first, and
every refusal takes the same work and says the same, so that nobody learns which accounts exist. Called by the sign-in
page and API.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
import structlog

from fieldstone.platform.identity.changes import Changes
from fieldstone.platform.identity.passwords import MAX_LENGTH, verify_password
from fieldstone.platform.identity.sessions import Device, SessionService
from fieldstone.platform.identity.tables import USER
from fieldstone.platform.identity.throttle import SignInThrottle, account_key
from fieldstone.platform.identity.totp import TotpService, wrong_code
from fieldstone.platform.identity.user_rows import tidy_email
from fieldstone.platform.identity.values import SignedIn
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import NotSignedIn
from fieldstone.platform.units import Caller, Units

_FIND = sa.select(USER.c.id, USER.c.password_hash, USER.c.active, USER.c.totp_active).where(
    USER.c.email == sa.bindparam("email")
)
_LONGEST_EMAIL = 254


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    user_id: str
    password_hash: str | None
    active: bool
    second_factor: bool


class SignInService:
    """Lets people in."""

    def __init__(
        self, units: Units, sessions: SessionService, totp: TotpService, throttle: SignInThrottle, changes: Changes
    ) -> None:
        self._units = units
        self._sessions = sessions
        self._totp = totp
        self._throttle = throttle
        self._changes = changes
        self._log = structlog.get_logger("fieldstone.identity")

    def sign_in(self, caller: Caller, email: str, password: str, device: Device) -> SignedIn:
        """A session, or a pending one when a code is due. Raises `NotSignedIn`, `TooManyRequests`.

        `caller` carries the system credential: nobody is anybody yet.
        """
        address = tidy_email(email)[:_LONGEST_EMAIL]
        account = self._units.write(caller, lambda ctx, unit: self._counted(ctx, unit, address, device))
        matches = verify_password(account.password_hash if account else None, password[: MAX_LENGTH + 1])
        if account is None or not matches or not account.active:
            self._log.warning("sign_in.refused", account=account_key(address)[:16], address=device.address)
            raise NotSignedIn("E-mail address or password is not right.", code="wrong_credentials")
        return self._units.write(caller, lambda ctx, unit: self._admitted(ctx, unit, account, address, device))

    def enter_code(self, caller: Caller, secret: str, code: str, device: Device) -> SignedIn:
        """The full session after the second factor. Raises `NotSignedIn` (start again) or `Invalid` (wrong code)."""
        self._units.write(caller, lambda ctx, unit: self._code_counted(ctx, unit, secret, device))
        return self._units.write(caller, lambda ctx, unit: self._code_checked(ctx, unit, secret, code, device))

    def _counted(self, context: Context, unit: Unit, email: str, device: Device) -> _Account | None:
        self._throttle.attempt(unit, email, device.address, context.now)
        row = unit.one(_FIND, {"email": email})
        if row is None:
            return None
        return _Account(user_id=row[0], password_hash=row[1], active=bool(row[2]), second_factor=bool(row[3]))

    def _admitted(self, context: Context, unit: Unit, account: _Account, email: str, device: Device) -> SignedIn:
        row = unit.one(_FIND, {"email": email})
        if row is None or row[1] != account.password_hash or not row[2]:
            raise NotSignedIn("E-mail address or password is not right.", code="wrong_credentials")
        if row[3]:
            return self._sessions.open(context, unit, account.user_id, device, pending=True)
        self._throttle.succeeded(unit, email)
        return self._open(context, unit, account.user_id, device)

    def _code_counted(self, context: Context, unit: Unit, secret: str, device: Device) -> None:
        user_id = self._sessions.pending_user(unit, secret, context.now)
        self._throttle.attempt(unit, f"code {user_id}", device.address, context.now)
        self._sessions.count_attempt(unit, secret)

    def _code_checked(self, context: Context, unit: Unit, secret: str, code: str, device: Device) -> SignedIn:
        user_id = self._sessions.claim_pending(unit, secret)
        if not self._totp.accept(unit, user_id, code, context.now):
            raise wrong_code()
        self._throttle.succeeded(unit, f"code {user_id}")
        self._throttle.succeeded(unit, str(unit.scalar(sa.select(USER.c.email).where(USER.c.id == user_id))))
        return self._open(context, unit, user_id, device)

    def _open(self, context: Context, unit: Unit, user_id: str, device: Device) -> SignedIn:
        signed_in = self._sessions.open(context, unit, user_id, device, pending=False)
        self._throttle.forget_old(unit, context.now)
        self._changes.note(context, unit, "session.sign_in", f"user/{user_id}", None, {"address": device.address})
        return signed_in
