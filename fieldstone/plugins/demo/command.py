"""`fieldstone demo`: a whole installation with a believable company in it, on SQLite, in one go.

In: where to keep the data, which port. Out: a running web server, `demo.json` with address, accounts and token. A
second start keeps the data. Called by `make demo`.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from fieldstone.platform.cli.serving import Listening, run_web, start_safely
from fieldstone.platform.frame import Composition, Frame
from fieldstone.platform.kernel.errors import Misconfigured
from fieldstone.platform.settings import FILE_IN_DATA_DIR, Settings
from fieldstone.platform.tenancy.store import TenantStore
from fieldstone.plugins.demo.installing import DemoCompany, Installed
from fieldstone.ui.pages.sign_in import SignInAccount, SignInAccounts

TENANT = "demo"
FILE = "demo.json"


def make_demo(frame: Frame) -> click.Command:
    """The command."""
    settings = frame.settings

    @click.command("demo", help="Start a demonstration: a service company with two months of work.")
    @click.option("--port", default=8080, show_default=True, help="Port to listen on.")
    @click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
    @click.option("--reset", is_flag=True, help="Throw the demonstration's data away first.")
    @click.option("--prepare-only", is_flag=True, help="Make the data and stop.")
    def demo(port: int, host: str, reset: bool, prepare_only: bool) -> None:
        folder = settings.data_dir
        if reset:
            _throw_away(folder)
        _write_settings(folder)
        _prepare(_composed(frame, folder), f"http://{host}:{port}")
        if prepare_only:
            return
        ready = _composed(frame, folder)
        start_safely(ready)
        run_web(ready, Listening(host=host, port=port), lambda: _announce(folder))

    return demo


def accounts_of(settings: Settings) -> SignInAccounts | None:
    """The accounts of the demonstration in this data folder, for its sign-in page; None when there is none."""
    file = settings.data_dir / FILE
    if settings.environment != "demo" or not file.exists():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    accounts = (
        SignInAccount(name=each["name"], email=each["email"], role=each["role"], password=each["password"])
        for each in found["accounts"]
    )
    return SignInAccounts(tenant=TENANT, accounts=tuple(accounts))


def _prepare(frame: Frame, base_url: str) -> None:
    tenants, file = frame.need(TenantStore), frame.settings.data_dir / FILE
    tenants.prepare()
    if file.exists():
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["base_url"] != base_url:
            _write_json(file, {**found, "base_url": base_url})
        return
    started = time.monotonic()
    if any(record.tenant.name == TENANT for record in tenants.list()):
        tenants.drop(TENANT)  # an earlier start was interrupted half way
    tenants.create(TENANT, "Harbour Field Service", locale="en", time_zone="America/New_York", currency="USD")
    installed = DemoCompany(frame, TENANT).install(lambda step: click.echo(f"  {step} ..."))
    _write_json(file, _described(installed, base_url))
    click.echo(f"Ready after {time.monotonic() - started:.0f} seconds.")


def _composed(frame: Frame, folder: Path) -> Frame:
    """The installation put together anew, with what the data folder now says: settings, later accounts to show."""
    settings = Settings.load(data_dir=folder)
    if settings.environment != "demo":
        raise Misconfigured("{folder} belongs to another kind of installation, not to a demo.", folder=folder)
    return frame.need(Composition).frame(settings)


def _write_settings(folder: Path) -> None:
    """Settings of its own for this data folder, so that every command works on it with no further settings."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / FILE_IN_DATA_DIR
    if file.exists():
        return
    lines = {
        "ENVIRONMENT": "demo",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DEFAULT_TENANT": TENANT,
        "RATE_LIMITS": "false",
    }
    _write(file, "".join(f"FIELDSTONE_{name}={value}\n" for name, value in lines.items()))


def _described(installed: Installed, base_url: str) -> Mapping[str, Any]:
    return {
        "base_url": base_url,
        "tenant": TENANT,
        "accounts": [
            {
                "email": account.person.email,
                "password": account.password,
                "role": account.person.role,
                "name": account.person.name,
            }
            for account in installed.accounts
        ],
        "api_token": installed.token,
    }


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    _write(file, json.dumps(content, indent=2) + "\n")


def _write(file: Path, text: str) -> None:
    """Whole or not at all, and readable by its owner only: there are secrets in it."""
    fresh = file.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, file)


def _throw_away(folder: Path) -> None:
    """Only what an installation keeps there, in case the folder is used for something else as well."""
    for name in ("directory.sqlite", "directory.sqlite-wal", "directory.sqlite-shm", FILE, FILE_IN_DATA_DIR):
        (folder / name).unlink(missing_ok=True)
    for name in ("tenants", "files"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _announce(folder: Path) -> None:
    found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    click.echo(f"\nFieldstone is ready: {found['base_url']}\n")
    for account in found["accounts"]:
        click.echo(f"  {account['role']:<11} {account['email']:<28} {account['password']}")
    click.echo(f"\n  API token   {found['api_token']}\n\nStop with Ctrl+C. The data stays in {folder}.")
