"""`fieldstone user` and `fieldstone token`: on the system's account, for whoever runs the installation.

No command takes a password on the command line, where others can read it: a user gets a one-time token, to be opened
in the browser, or a password from standard input.
"""

from __future__ import annotations

import sys

import click

from fieldstone.platform.frame import Frame
from fieldstone.platform.identity.services import Identity
from fieldstone.platform.identity.values import NewUser, User
from fieldstone.platform.kernel.context import Context, Unit
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.units import Caller, SystemCredential, Units

_TENANT = click.option("--tenant", required=True, help="Name of the tenant.")


def make_user(frame: Frame) -> click.Group:
    """`user create`, `user reset`."""
    units, identity = frame.need(Units), frame.need(Identity)
    group = click.Group("user", help="Make users and let them set a password.")

    @group.command("create")
    @click.argument("email")
    @_TENANT
    @click.option("--role", "roles", multiple=True, help="A role; may be given several times.")
    @click.option("--name", help="How the person is called; default: the address before the @.")
    @click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
    def create(email: str, tenant: str, roles: tuple[str, ...], name: str | None, password_stdin: bool) -> None:
        """Make a user. Prints a one-time token for setting the password."""
        caller = system_caller(tenant)
        new = NewUser(email=email, name=name or email.partition("@")[0], roles=roles)
        user = units.write(caller, lambda ctx, unit: identity.users.create(ctx, unit, new))
        _give_password(frame, caller, user, password_stdin=password_stdin)

    @group.command("reset")
    @click.argument("email")
    @_TENANT
    @click.option("--password-stdin", is_flag=True, help="Read the new password from standard input.")
    def reset(email: str, tenant: str, password_stdin: bool) -> None:
        """Let a user set a new password. Prints a one-time token."""
        caller = system_caller(tenant)
        user = units.read(caller, lambda ctx, unit: existing_user(identity, unit, email))
        _give_password(frame, caller, user, password_stdin=password_stdin)

    return group


def make_token(frame: Frame) -> click.Group:
    """`token create`."""
    units, identity = frame.need(Units), frame.need(Identity)
    group = click.Group("token", help="Make API tokens.")

    @group.command("create")
    @_TENANT
    @click.option("--user", "email", required=True, help="Address of the user whom the token acts for.")
    @click.option("--name", default="command line", show_default=True, help="What the token is for.")
    @click.option("--scope", type=click.Choice(["read", "write"]), default="write", show_default=True)
    @click.option("--require-if-match", is_flag=True, help="Refuse changes that do not send If-Match.")
    def create(tenant: str, email: str, name: str, scope: str, require_if_match: bool) -> None:
        """Make a token and print it, once."""

        def work(ctx: Context, unit: Unit) -> str:
            user = existing_user(identity, unit, email)
            return identity.tokens.create(ctx, unit, user.id, name, scope, require_if_match=require_if_match)[1]

        click.echo(units.write(system_caller(tenant), work))

    return group


def system_caller(tenant: str) -> Caller:
    """The command line's caller."""
    return Caller(tenant=tenant, credential=SystemCredential(), channel="cli")


def existing_user(identity: Identity, unit: Unit, email: str) -> User:
    """The user with that address. Raises `NotFound`."""
    user = identity.users.by_email(unit, email)
    if user is None:
        raise NotFound("There is no user {email}.", email=email)
    return user


def setup_token(frame: Frame, caller: Caller, user_id: str) -> str:
    """A one-time token to set a password."""
    identity = frame.need(Identity)
    return frame.need(Units).write(caller, lambda ctx, unit: identity.passwords.issue(ctx, unit, user_id, "setup"))


def _give_password(frame: Frame, caller: Caller, user: User, *, password_stdin: bool) -> None:
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
        frame.need(Identity).passwords.set_directly(caller, user.id, password)
        click.echo(f"Made {user.email}." if not user.has_password else f"Changed the password of {user.email}.")
        return
    token = setup_token(frame, caller, user.id)
    click.echo(f"{user.email} sets a password within three days at /set-password?token={token}")
