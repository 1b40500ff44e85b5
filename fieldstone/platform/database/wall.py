"""The second wall, on PostgreSQL: roles, schemas and the functions every transaction passes.

Each tenant has a schema and a role that owns nothing and may change rows in that schema only. The serving login has
no rights in tenant schemas and does not inherit the roles it may take; the gate makes it take one for a transaction.
The schemas belong to another role, used for publishing and migrations. In: a connection of that owner. Called by
`postgres_server`. Names put into statements come from the directory and are quoted; the rest is constant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import psycopg as postgresql

from fieldstone.platform.database.directory import DIRECTORY_SCHEMA
from fieldstone.platform.database.schema import run_script
from fieldstone.platform.kernel.errors import Misconfigured

WALL_VERSION = "1"
LOCK_SPACE = 7  # second argument of every hash that names a tenant's metadata lock

_quote = postgresql.dialect().identifier_preparer.quote_identifier  # type: ignore[no-untyped-call]

# Volatile, so that each statement in it sees what was committed before: the lock first, then the versions.
_GATE = """
CREATE OR REPLACE FUNCTION fieldstone.gate(
    p_tenant text, p_schema text, p_role text, p_version bigint, p_access_version bigint,
    OUT version bigint, OUT access_version bigint, OUT state text
) LANGUAGE plpgsql VOLATILE AS $gate$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(p_tenant, 7));
    PERFORM set_config('search_path', quote_ident(p_schema), true), set_config('role', p_role, true);
    SELECT s.version, s.access_version, s.state INTO version, access_version, state FROM tenant_state s;
    IF version IS DISTINCT FROM coalesce(p_version, version)
            OR access_version IS DISTINCT FROM coalesce(p_access_version, access_version)
            OR state <> 'active' THEN
        RAISE EXCEPTION 'the tenant is at another version' USING ERRCODE = 'FS001',
            DETAIL = version || ' ' || access_version || ' ' || state;
    END IF;
END
$gate$"""

_EXPECT = """
CREATE OR REPLACE FUNCTION fieldstone.expect(actual bigint, wanted bigint) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE AS $expect$
BEGIN
    IF actual <> wanted THEN
        RAISE EXCEPTION 'changed % rows instead of %', actual, wanted USING ERRCODE = 'FS003';
    END IF;
    RETURN actual;
END
$expect$"""


def install_mark(password: str) -> str:
    """What an installation with this code and this password of the login is marked with."""
    return f"{WALL_VERSION}:{hashlib.sha256(password.encode()).hexdigest()[:8]}"


def database_tag(database: str) -> str:
    """Short mark of a database, because roles are shared by all databases of a server."""
    return hashlib.sha256(database.encode()).hexdigest()[:6]


def tenant_schema(tenant: str) -> str:
    return "t_" + tenant.replace("-", "_")


def tenant_role(tenant: str, database: str) -> str:
    return f"{tenant_schema(tenant)}_rw_{database_tag(database)}"


def is_installed(owner: sa.Connection, login: str, mark: str) -> bool:
    """Whether everything was installed with this mark and the login may enter the directory."""
    found = owner.execute(sa.text("SELECT obj_description(to_regproc('fieldstone.gate'), 'pg_proc')")).scalar()
    if found != mark or not _role_exists(owner, login):
        return False
    may_enter = sa.text("SELECT has_schema_privilege(:login, :schema, 'USAGE')")
    return bool(owner.execute(may_enter, {"login": login, "schema": DIRECTORY_SCHEMA}).scalar())


def install(owner: sa.Connection, login: str, mark: str) -> None:
    """Make schemas, functions and grants of one database; safe to repeat and to race."""
    _take_lock(owner)
    database = str(owner.execute(sa.text("SELECT current_database()")).scalar_one())
    _run(
        owner,
        (
            "CREATE SCHEMA IF NOT EXISTS fieldstone",
            f"CREATE SCHEMA IF NOT EXISTS {DIRECTORY_SCHEMA}",
            "GRANT USAGE ON SCHEMA fieldstone TO PUBLIC",
            _GATE,
            _EXPECT,
            f"REVOKE TEMPORARY ON DATABASE {_quote(database)} FROM PUBLIC",
            f"GRANT CONNECT ON DATABASE {_quote(database)} TO {_quote(login)}",
            *_data_grants(DIRECTORY_SCHEMA, login),
            f"COMMENT ON FUNCTION fieldstone.gate IS {_literal(mark)}",
        ),
    )


def ensure_login(owner: sa.Connection, login: str, password: str) -> None:
    """Make the serving login, or give an existing one this password."""
    _take_lock(owner)
    verb = "ALTER" if _role_exists(owner, login) else "CREATE"
    _run(owner, (f"{verb} ROLE {_quote(login)} LOGIN NOINHERIT NOSUPERUSER PASSWORD {_literal(password)}",))


def check_login(owner: sa.Connection, login: str) -> None:
    """Raises `Misconfigured` when the login would have its tenants' rights without passing the gate."""
    row = owner.execute(
        sa.text("SELECT rolinherit, current_setting('server_version_num')::int FROM pg_roles WHERE rolname = :login"),
        {"login": login},
    ).one_or_none()
    if row is None:
        raise Misconfigured("The database has no role {login}.", login=login)
    if row[0] and row[1] < 160000:
        raise Misconfigured("The database role {login} must be NOINHERIT.", code="login_inherits", login=login)


def create_tenant(owner: sa.Connection, schema: str, role: str, login: str) -> None:
    """The schema and its role; tables made in it later are open to the role by default privileges."""
    grant_options = " WITH INHERIT FALSE, SET TRUE" if _server_version(owner) >= 160000 else ""
    _take_lock(owner)
    if not _role_exists(owner, role):
        _run(owner, (f"CREATE ROLE {_quote(role)} NOLOGIN NOINHERIT",))
    _run(
        owner,
        (
            f"GRANT {_quote(role)} TO {_quote(login)}{grant_options}",
            f"CREATE SCHEMA {_quote(schema)}",
            *_data_grants(schema, role),
            f"SET LOCAL search_path = {_quote(schema)}",
        ),
    )


def drop_tenant(owner: sa.Connection, schema: str, role: str) -> None:
    """Remove the schema with all it holds, and the role."""
    _run(owner, (f"DROP SCHEMA IF EXISTS {_quote(schema)} CASCADE",))
    if _role_exists(owner, role):
        _run(owner, (f"DROP OWNED BY {_quote(role)}", f"DROP ROLE {_quote(role)}"))


def _data_grants(schema: str, role: str) -> tuple[str, ...]:
    name, grantee = _quote(schema), _quote(role)
    rows, numbers = "SELECT, INSERT, UPDATE, DELETE", "USAGE, SELECT"
    return (
        f"GRANT USAGE ON SCHEMA {name} TO {grantee}",
        f"GRANT {rows} ON ALL TABLES IN SCHEMA {name} TO {grantee}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT {rows} ON TABLES TO {grantee}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA {name} GRANT {numbers} ON SEQUENCES TO {grantee}",
    )


def _role_exists(owner: sa.Connection, role: str) -> bool:
    found = owner.execute(sa.text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    return found.scalar() is not None


def _server_version(owner: sa.Connection) -> int:
    return int(owner.execute(sa.text("SELECT current_setting('server_version_num')::int")).scalar_one())


def _take_lock(owner: sa.Connection) -> None:
    """One at a time: PostgreSQL fails on concurrent changes of the same catalogue rows."""
    owner.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended('fieldstone.wall', 0))"))


def _run(owner: sa.Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        run_script(owner, statement)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
