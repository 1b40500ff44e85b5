"""`fieldstone db`: make the directory, bring homes up to date, say what is missing."""

from __future__ import annotations

import click

from fieldstone.platform.frame import Frame
from fieldstone.platform.tenancy.store import TenantStore


def make_db(frame: Frame) -> click.Group:
    """The group."""
    tenants = frame.need(TenantStore)
    group = click.Group("db", help="Bring the databases up to date, or say what is missing.")

    @group.command("upgrade")
    def upgrade() -> None:
        """Make what is missing in the directory and in every tenant home."""
        tenants.prepare()
        click.echo("The directory is up to date.")

    return group
