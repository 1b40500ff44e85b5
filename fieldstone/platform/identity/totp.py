"""The second factor: one-time codes by time (RFC 6238), and recovery codes for a lost phone.

What comes in: the context, the open unit, a code. What goes out: whether it is right, once: a code and a recovery code
count a single time. Called by `sign_in` and by the profile's API and pages.
"""

from __future__ import annotations

import hmac
import io
import re
from datetime import datetime

import pyotp
import sqlalchemy as sa

from fieldstone.platform.identity.changes import Changes
from fieldstone.platform.identity.secrets import hash_secret, new_recovery_code, tidy_recovery_code
from fieldstone.platform.identity.tables import RECOVERY_CODE, USER
from fieldstone.platform.identity.users import UserService
from fieldstone.platform.identity.values import Enrolment
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import Conflict, FieldError, Invalid, NotFound
from fieldstone.platform.lazy import load

STEP_S = 30
RECOVERY_CODES = 10
_CODE = re.compile(r"[0-9]{6}", re.ASCII)
_STATE = sa.select(USER.c.totp_secret, USER.c.totp_active, USER.c.totp_last_step, USER.c.email).where(
    USER.c.id == sa.bindparam("user_id")
)


class TotpService:
    """Enrols, checks and removes second factors."""

    def __init__(self, users: UserService, changes: Changes) -> None:
        self._users = users
        self._changes = changes

    def start(self, context: Context, unit: Unit) -> Enrolment:
        """A fresh secret for the actor's own account, not yet in force."""
        secret, is_active, _, email = self._state(unit, context.actor.id)
        if is_active:
            raise Conflict("A second factor is switched on already. Switch it off first.")
        secret = pyotp.random_base32()
        unit.run(sa.update(USER).where(USER.c.id == context.actor.id).values(totp_secret=secret, totp_last_step=0))
        uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=f"Fieldstone {context.tenant.label}")
        return Enrolment(secret=secret, uri=uri, qr_svg=picture(uri))

    def confirm(self, context: Context, unit: Unit, code: str) -> list[str]:
        """Switch it on, when the code is right. The recovery codes are told once."""
        user_id = context.actor.id
        secret, is_active, _, _ = self._state(unit, user_id)
        if is_active or secret is None:
            raise Conflict("There is no second factor waiting to be confirmed.")
        if not self.accept(unit, user_id, code, context.now):
            raise wrong_code()
        unit.run(sa.update(USER).where(USER.c.id == user_id).values(totp_active=True))
        codes = self._new_recovery_codes(unit, user_id)
        self._changes.record(context, unit, "second_factor.on", f"user/{user_id}")
        return codes

    def remove(self, context: Context, unit: Unit, user_id: str) -> None:
        """Switch it off: for somebody one may manage (a lost phone). One's own takes `remove_own` and a code."""
        if user_id == context.actor.id:
            raise Conflict("Switch off your own second factor with a code.")
        self._users.require_manageable(context, unit, user_id)
        self._switch_off(context, unit, user_id)

    def remove_own(self, context: Context, unit: Unit, code: str) -> None:
        """Switch off the actor's own second factor, with a code."""
        if not self.is_on(unit, context.actor.id):
            raise Conflict("There is no second factor to switch off.")
        if not self.accept(unit, context.actor.id, code, context.now):
            raise wrong_code()
        self._switch_off(context, unit, context.actor.id)

    def is_on(self, unit: Unit, user_id: str) -> bool:
        """Whether signing in takes a code."""
        return self._state(unit, user_id)[1]

    def accept(self, unit: Unit, user_id: str, code: str, now: datetime) -> bool:
        """Whether a code, or a recovery code, is right and not used before; it is used up by this."""
        secret, is_active, _, _ = self._state(unit, user_id)
        typed = code.replace(" ", "")
        if secret is None:
            return False
        if _CODE.fullmatch(typed):
            step = matching_step(secret, typed, now)
            return step is not None and self._use_step(unit, user_id, step)
        return is_active and self._use_recovery_code(unit, user_id, typed)

    def _state(self, unit: Unit, user_id: str) -> tuple[str | None, bool, int, str]:
        row = unit.one(_STATE, {"user_id": user_id})
        if row is None:
            raise NotFound
        return row[0], bool(row[1]), row[2], row[3]

    def _use_step(self, unit: Unit, user_id: str, step: int) -> bool:
        """Compare and set, so that of two uses of one code at once a single one counts."""
        used = sa.update(USER).where(USER.c.id == user_id, USER.c.totp_last_step < step).values(totp_last_step=step)
        return unit.run(used) == 1

    def _use_recovery_code(self, unit: Unit, user_id: str, typed: str) -> bool:
        code_hash = hash_secret(tidy_recovery_code(typed))
        found = sa.delete(RECOVERY_CODE).where(
            RECOVERY_CODE.c.user_id == user_id, RECOVERY_CODE.c.code_hash == code_hash
        )
        return unit.run(found) == 1

    def _new_recovery_codes(self, unit: Unit, user_id: str) -> list[str]:
        unit.run(sa.delete(RECOVERY_CODE).where(RECOVERY_CODE.c.user_id == user_id))
        codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
        unit.run_many(sa.insert(RECOVERY_CODE), [{"user_id": user_id, "code_hash": hash_secret(c)} for c in codes])
        return codes

    def _switch_off(self, context: Context, unit: Unit, user_id: str) -> None:
        unit.run(
            sa.update(USER).where(USER.c.id == user_id).values(totp_secret=None, totp_active=False, totp_last_step=0)
        )
        unit.run(sa.delete(RECOVERY_CODE).where(RECOVERY_CODE.c.user_id == user_id))
        self._changes.record(context, unit, "second_factor.off", f"user/{user_id}")


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is: the present one or its neighbours (clocks differ), else None."""
    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP_S
    for step in (present, present - 1, present + 1):
        if hmac.compare_digest(totp.at(step * STEP_S), code):
            return step
    return None


def picture(uri: str) -> str:
    """A QR code as an SVG element, drawn without inline styles."""
    out, code = io.BytesIO(), load("segno:make")(uri, error="m")
    code.save(out, kind="svg", scale=4, xmldecl=False, svgns=True, dark="#000", light="#fff")
    return out.getvalue().decode()


def wrong_code() -> Invalid:
    """The refusal of a code."""
    return Invalid(errors=[FieldError(path="/code", code="wrong_code", message="This code is not right.")])
