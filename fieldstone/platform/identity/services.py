"""The services of identity, put together.

What comes in: units of work, the audit, settings. What goes out: one of each service, sharing the same parts. Called
by the platform's part (which puts them on the frame) and by tests.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldstone.platform.audit import Audit
from fieldstone.platform.identity.changes import Changes
from fieldstone.platform.identity.org import OrgService
from fieldstone.platform.identity.password_service import PasswordService
from fieldstone.platform.identity.rights import RoleRights
from fieldstone.platform.identity.sessions import SessionService
from fieldstone.platform.identity.sign_in import SignInService
from fieldstone.platform.identity.teams import TeamService
from fieldstone.platform.identity.throttle import SignInThrottle
from fieldstone.platform.identity.tokens import TokenService
from fieldstone.platform.identity.totp import TotpService
from fieldstone.platform.identity.use import SessionUse
from fieldstone.platform.identity.users import UserService
from fieldstone.platform.units import Units


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """All services of identity."""

    rights: RoleRights
    org: OrgService
    users: UserService
    teams: TeamService
    sessions: SessionService
    tokens: TokenService
    totp: TotpService
    passwords: PasswordService
    sign_in: SignInService
    use: SessionUse


def make_identity(units: Units, audit: Audit, *, session_hours: int) -> Identity:
    """The services, on these units of work."""
    rights, changes, throttle = RoleRights(), Changes(audit), SignInThrottle()
    users = UserService(rights, changes)
    sessions = SessionService(rights, changes, hours=session_hours)
    totp = TotpService(users, changes)
    return Identity(
        rights=rights,
        org=OrgService(),
        users=users,
        teams=TeamService(rights, changes),
        sessions=sessions,
        tokens=TokenService(rights, users, changes),
        totp=totp,
        passwords=PasswordService(units, users, sessions, throttle, changes),
        sign_in=SignInService(units, sessions, totp, throttle, changes),
        use=SessionUse(units, sessions),
    )
