"""Migrations of the directory and of every tenant home, each in its own transaction, so that a stopped run goes on.

In: the databases, once every room has declared its tables (after composition). Out: what was done, or what is wrong.
The revisions are Alembic's; new homes are made complete and stamped, without Alembic. Called by `fieldstone db`.
Not imported by the web process.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from fieldstone.platform.database.directory import DIRECTORY
from fieldstone.platform.database.engines import Databases
from fieldstone.platform.database.home import HOME
from fieldstone.platform.database.place import Place
from fieldstone.platform.database.unit import SqlUnit, committed
from fieldstone.platform.kernel.errors import Conflict, Unavailable
from fieldstone.platform.tenancy.store import TenantStore

FOLDER = Path(__file__).parent
LOCK_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One home (or the directory, tenant ""), and what happened: "upgraded", "current", or why it failed."""

    tenant: str
    outcome: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A difference between the code and a database."""

    tenant: str
    message: str


def upgrade(databases: Databases, tenants: TenantStore) -> Iterator[Step]:
    """Bring the directory, then each home, to the newest revision; a home that fails does not stop the others."""
    tenants.prepare()
    with databases.main.directory_owner() as connection:
        yield Step(tenant="", outcome=_upgraded("directory", connection))
    for record in tenants.list():
        yield _upgrade_home(databases, record.place)


def check(databases: Databases, tenants: TenantStore) -> Sequence[Problem]:
    """Everything that is not as this code expects it; empty when all is well. Changes nothing."""
    with databases.main.directory_read() as connection:
        problems = list(_differences("directory", "", connection, DIRECTORY))
    for record in tenants.list():
        unit = databases.of(record.place).snapshot_unit(record.place)
        try:
            problems.extend(_differences("home", record.tenant.name, unit.connection, HOME))
        finally:
            unit.close()
    return problems


def _upgrade_home(databases: Databases, place: Place) -> Step:
    try:
        with committed(_locked(databases, place)) as unit:
            outcome = _upgraded("home", unit.connection)
    except Exception as error:
        return Step(tenant=place.tenant, outcome=f"{type(error).__name__}: {error}", failed=True)
    return Step(tenant=place.tenant, outcome=outcome)


def _locked(databases: Databases, place: Place) -> SqlUnit:
    """A unit alone on the tenant's metadata. Raises `Conflict` naming what was in the way."""
    server = databases.of(place)
    for _ in range(LOCK_TRIES):
        try:
            return server.publishing_unit(place)[0]
        except Unavailable:
            time.sleep(random.uniform(0.01, 0.1))  # noqa: S311  (jitter)
    raise Conflict("The tenant is busy: {blocker}.", code="tenant_busy", blocker=server.blocker(place))


def _config(part: str, connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER / part))
    config.attributes["connection"] = connection
    return config


def _upgraded(part: str, connection: sa.Connection) -> str:
    before = _revision(connection)
    config = _config(part, connection)
    if before == newest(part):
        return "current"
    command.upgrade(config, "head")
    return "upgraded"


def newest(part: str) -> str:
    """The newest revision of "home" or "directory"."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER / part))
    return str(ScriptDirectory.from_config(config).get_current_head())


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _differences(part: str, tenant: str, connection: sa.Connection, tables: sa.MetaData) -> Iterator[Problem]:
    found, wanted = _revision(connection), newest(part)
    if found != wanted:
        yield Problem(tenant=tenant, message=f"is at revision {found}, not {wanted}")
    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names())
    for table in tables.sorted_tables:
        if table.name not in there:
            yield Problem(tenant=tenant, message=f"has no table {table.name}")
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in columns:
                yield Problem(tenant=tenant, message=f"has no column {table.name}.{column.name}")
