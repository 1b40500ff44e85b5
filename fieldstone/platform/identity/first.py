"""The first administrator of a new tenant.

What comes in: the tenant just made, and an address. What goes out: a user with the role `admin` and no password;
whoever made the tenant hands them a one-time setup token. Called by the tenant store after a home was made.
"""

from __future__ import annotations

from fieldstone.platform.identity.rights import ADMIN
from fieldstone.platform.identity.users import UserService
from fieldstone.platform.identity.values import NewUser
from fieldstone.platform.tenancy.store import NewTenant
from fieldstone.platform.units import Caller, SystemCredential, Units


class FirstAdministrator:
    """A hook of the tenant store."""

    def __init__(self, units: Units, users: UserService) -> None:
        self._units = units
        self._users = users

    def __call__(self, new: NewTenant) -> None:
        """Make the administrator, when an address was given."""
        if new.admin_email is None:
            return
        user = NewUser(email=new.admin_email, name=new.admin_email.partition("@")[0], roles=(ADMIN,))
        caller = Caller(tenant=new.tenant.name, credential=SystemCredential(), channel="system")
        self._units.write(caller, lambda ctx, unit: self._users.create(ctx, unit, user))
