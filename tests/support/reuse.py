"""Tenants of tests used again: on PostgreSQL emptying a home is much quicker than making one.

A home is used again only when its tables are exactly as they were made; whatever a test added is dropped, and when a
test changed what was there, the tenant is dropped and made anew.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from fieldstone.platform.database.directory import bell, tenant_host, tenant_table
from fieldstone.platform.database.home import FIRST_ROWS, HOME
from fieldstone.platform.database.place import Place
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.files import FileStore
from fieldstone.platform.tenancy.store import ACTIVE, TenantStore

_ADDED = (
    "SELECT c.relkind::text, c.relname::text FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace"
    " AND c.relkind IN ('r', 'v', 'S') AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid"
    " AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass)"
)
_SHAPE = (
    "SELECT md5(string_agg(line, chr(10) ORDER BY line)) FROM ("
    " SELECT format('%s.%s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull) AS line"
    " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind = 'r' AND a.attnum > 0"
    " AND NOT a.attisdropped AND c.relnamespace = current_schema()::regnamespace"
    " UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    " UNION ALL SELECT conrelid::regclass || conname || pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = current_schema()::regnamespace AND conrelid <> 0) AS lines"
)
_KINDS = {"r": "TABLE", "v": "VIEW", "S": "SEQUENCE"}

# What a home looks like as it was made, by schema.
_shapes: dict[tuple[str, str], str] = {}


def provide(tenants: TenantStore, names: Sequence[str], database: str) -> None:
    """Have exactly these tenants, empty. `database` tells databases of the same settings apart."""
    there = {record.tenant.name: record for record in tenants.list()}
    for name, record in there.items():
        if name not in names or not _is_emptied(tenants, record.place, database):
            tenants.drop(name)
            del_key = (database, name)
            _shapes.pop(del_key, None)
    remaining = {record.tenant.name for record in tenants.list()}
    for name in names:
        if name not in remaining:
            tenants.create(name, name.capitalize())
            _remember(tenants, tenants.record(name).place, database)


def _owner(tenants: TenantStore, place: Place) -> SqlUnit:
    return tenants.databases.of(place).owner_unit(place)


def _remember(tenants: TenantStore, place: Place, database: str) -> None:
    unit = _owner(tenants, place)
    try:
        if unit.dialect == "postgresql":
            _shapes[database, place.tenant] = unit.scalar(sa.text(_SHAPE))
    finally:
        unit.close()


def _is_emptied(tenants: TenantStore, place: Place, database: str) -> bool:
    shape = _shapes.get((database, place.tenant))
    if shape is None:
        return False
    unit = _owner(tenants, place)
    try:
        for kind, name in unit.rows(sa.text(_ADDED)):
            if name not in HOME.tables:
                unit.run(sa.text(f'DROP {_KINDS[kind]} IF EXISTS "{name}" CASCADE'))
        if unit.scalar(sa.text(_SHAPE)) != shape:
            return False
        script = "".join(f'DELETE FROM "{table.name}";' for table in reversed(HOME.sorted_tables)) + FIRST_ROWS
        unit.connection.exec_driver_sql(script)
        unit.commit()
    finally:
        unit.close()
    _empty_directory(tenants, place)
    return True


def _empty_directory(tenants: TenantStore, place: Place) -> None:
    with tenants.databases.main.directory_write() as connection:
        connection.execute(sa.delete(bell).where(bell.c.tenant == place.tenant))
        connection.execute(sa.delete(tenant_host).where(tenant_host.c.tenant == place.tenant))
        mine = tenant_table.c.name == place.tenant
        fresh = {"label": place.tenant.capitalize(), "state": ACTIVE, "locale": "en", "time_zone": "UTC"}
        connection.execute(sa.update(tenant_table).where(mine).values(**fresh))
    FileStore(tenants.databases.settings.files_dir).drop(place.tenant)
    tenants.forget(place.tenant)
