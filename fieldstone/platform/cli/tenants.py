"""`fieldstone tenant`: make, list, suspend, resume, export and restore tenants."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fieldstone.platform.cli.people import existing_user, setup_token, system_caller
from fieldstone.platform.frame import Frame
from fieldstone.platform.identity.services import Identity
from fieldstone.platform.kernel.text import LOCALES
from fieldstone.platform.tenancy.store import TenantStore
from fieldstone.platform.tenancy.transfer import TenantTransfer
from fieldstone.platform.units import Units


def make_tenant(frame: Frame) -> click.Group:
    """The group."""
    group = click.Group("tenant", help="Make, list, suspend, export and restore tenants.")
    _add_create(group, frame)
    _add_states(group, frame.need(TenantStore))
    _add_transfer(group, frame.need(TenantTransfer))
    return group


def _add_create(group: click.Group, frame: Frame) -> None:
    tenants, units, identity = frame.need(TenantStore), frame.need(Units), frame.need(Identity)

    @group.command("create")
    @click.argument("name")
    @click.option("--label", required=True, help="How people call it.")
    @click.option("--admin", "admin_email", help="Address of the first administrator.")
    @click.option("--database", default="main", show_default=True, help="Which database of the settings it lives on.")
    @click.option("--host", "hosts", multiple=True, help="A host of its own; may be given several times.")
    @click.option("--locale", type=click.Choice(LOCALES), default="en", show_default=True)
    @click.option("--time-zone", default="UTC", show_default=True)
    @click.option("--currency", default="USD", show_default=True)
    def create(
        name: str,
        label: str,
        admin_email: str | None,
        database: str,
        hosts: tuple[str, ...],
        locale: str,
        time_zone: str,
        currency: str,
    ) -> None:
        """Make a tenant. Prints a one-time token for its administrator's password."""
        tenants.prepare()
        tenants.create(
            name,
            label,
            locale=locale,
            time_zone=time_zone,
            currency=currency,
            database=database,
            hosts=hosts,
            admin_email=admin_email,
        )
        click.echo(f"Made the tenant {name}.")
        if admin_email is not None:
            caller = system_caller(name)
            user = units.read(caller, lambda ctx, unit: existing_user(identity, unit, admin_email))
            token = setup_token(frame, caller, user.id)
            click.echo(f"{user.email} sets a password within three days at /set-password?token={token}")


def _add_states(group: click.Group, tenants: TenantStore) -> None:
    @group.command("list")
    @click.option("--json", "as_json", is_flag=True, help="One JSON list.")
    def list_tenants(as_json: bool) -> None:
        """List all tenants."""
        records = tenants.list()
        if as_json:
            rows = [
                {
                    "name": record.tenant.name,
                    "label": record.tenant.label,
                    "state": record.state,
                    "database": record.place.database,
                }
                for record in records
            ]
            click.echo(json.dumps(rows, ensure_ascii=False))
            return
        for record in records:
            click.echo(f"{record.tenant.name:<24} {record.state:<10} {record.place.database:<10} {record.tenant.label}")

    @group.command("suspend")
    @click.argument("name")
    def suspend(name: str) -> None:
        """Refuse everybody of a tenant from the next request on."""
        tenants.suspend(name)
        click.echo(f"Suspended {name}.")

    @group.command("resume")
    @click.argument("name")
    def resume(name: str) -> None:
        """Let a suspended tenant work again."""
        tenants.resume(name)
        click.echo(f"Resumed {name}.")


def _add_transfer(group: click.Group, transfer: TenantTransfer) -> None:
    @group.command("export")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
    @click.option("--tenant", required=True, help="Name of the tenant.")
    def export(file: Path, tenant: str) -> None:
        """Write everything of a tenant to a file: metadata, records, files, one consistent state."""
        summary = transfer.export_to(tenant, file)
        click.echo(f"Wrote {sum(summary.rows.values())} rows and {summary.files} files of {tenant} to {file}.")

    @group.command("restore")
    @click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
    @click.option("--tenant", required=True, help="Name of the tenant to make.")
    @click.option("--label", help="How people call it; default: as it was.")
    @click.option("--database", default="main", show_default=True, help="Which database of the settings it lives on.")
    def restore(file: Path, tenant: str, label: str | None, database: str) -> None:
        """Make a new tenant from an export. Its outside effects wait until somebody looks at them."""
        summary = transfer.restore_from(file, tenant, label=label, database=database)
        click.echo(f"Made the tenant {tenant} with {sum(summary.rows.values())} rows and {summary.files} files.")
        for table, count in sorted(summary.held.items()):
            click.echo(f"Held back: {count} in {table}.")
