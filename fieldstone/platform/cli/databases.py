"""`fieldstone db`: bring the directory and every tenant home up to date, or say what is missing.

Migrations come first (tables), then what a new release publishes of itself (metadata). A tenant that fails does not
stop the others; the status is 1 when one did. Alembic is imported here and not by a web process.
"""

from __future__ import annotations

import json

import click

from fieldstone.platform.database.engines import Databases
from fieldstone.platform.frame import Frame
from fieldstone.platform.metadata.registration import upgrade_tenants
from fieldstone.platform.migrations.migrate import Step, check, upgrade
from fieldstone.platform.tenancy.store import TenantStore


def make_db(frame: Frame) -> click.Group:
    """The group."""
    databases, tenants = frame.need(Databases), frame.need(TenantStore)
    group = click.Group("db", help="Bring the databases up to date, or say what is missing.")

    @group.command("upgrade")
    def upgrade_all() -> None:
        """Make what is missing in the directory and in every tenant, one after the other."""
        steps = list(upgrade(databases, tenants))
        for step in steps:
            click.echo(_line(step), err=step.failed)
        if any(step.failed for step in steps):
            raise SystemExit(1)
        for tenant, published in upgrade_tenants(frame):
            click.echo(f"{tenant}: metadata version {published.version}")

    @group.command("check")
    @click.option("--json", "as_json", is_flag=True, help="One JSON list.")
    def check_all(as_json: bool) -> None:
        """Say what is not as this release expects it. Changes nothing."""
        problems = check(databases, tenants)
        if as_json:
            click.echo(json.dumps([{"tenant": each.tenant, "message": each.message} for each in problems]))
        else:
            for each in problems:
                click.echo(f"{each.tenant or 'directory'}: {each.message}", err=True)
            if not problems:
                click.echo("All is as it should be.")
        if problems:
            raise SystemExit(1)

    return group


def _line(step: Step) -> str:
    return f"{step.tenant or 'directory'}: {step.outcome}"
