"""One PostgreSQL database: a pool of the serving login, a small pool of the owner, the wall between tenants.

In: the URLs of the settings. Without a separate owner URL the given role is the owner and the serving login is made
by us (`fieldstone_<tag>`, its password derived from the secret key). Called through `engines.Databases`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from psycopg.adapt import Loader
from psycopg.types.string import TextLoader

from fieldstone.platform.database import wall
from fieldstone.platform.database.directory import DIRECTORY_SCHEMA
from fieldstone.platform.database.errors import available, translated
from fieldstone.platform.database.home import FIRST_ROWS
from fieldstone.platform.database.pipeline import Channel, Step
from fieldstone.platform.database.place import Place, Versions
from fieldstone.platform.database.postgres import Mode, PostgresSession, gate_step
from fieldstone.platform.database.schema import creation_script, run_script
from fieldstone.platform.database.server import State
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import DialectName
from fieldstone.platform.kernel.errors import Conflict, Unavailable
from fieldstone.platform.settings import Settings

CONNECT_SECONDS = 2
RECYCLE_SECONDS = 1800
PUBLISH_LOCK = "200ms"
OWNER_STATEMENT = "120s"

_LOCK = f"SELECT pg_advisory_xact_lock(hashtextextended($1, {wall.LOCK_SPACE}))".encode()
_READ_STATE = b"SELECT version, access_version, state FROM tenant_state"
_SET_PATH = b"SELECT set_config('search_path', quote_ident($1), true)"
_SET_LOCK_LIMIT = f"SELECT set_config('lock_timeout', '{PUBLISH_LOCK}', true)".encode()
_SET_PATH_AND_ROLE = b"SELECT set_config('search_path', quote_ident($1), true), set_config('role', $2, true)"
_BLOCKER = (
    "SELECT a.application_name, a.pid, extract(epoch FROM now() - a.xact_start)::numeric(10, 1), a.wait_event"
    " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND a.pid <> pg_backend_pid()"
    " AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended(:tenant, :space)"
    " ORDER BY a.xact_start LIMIT 1"
)


class _JsonLoader(Loader):
    def load(self, data: Any) -> Any:
        return orjson.loads(data)


class PostgresServer:
    """See `server.Server`."""

    dialect: DialectName = "postgresql"

    def __init__(self, settings: Settings, url: str, owner_url: str | None) -> None:
        self._settings = settings
        self._owner_url = _driver_url(owner_url or url)
        self._login_is_ours = owner_url is None
        self._given_url = _driver_url(url)
        self._making = threading.Lock()

    def unit(self, place: Place, versions: Versions, mode: Mode) -> SqlUnit:
        gate = gate_step(place.tenant, place.schema, place.role, versions.version, versions.access_version)
        return self._limited_unit(self._session(place, gate, mode), place)

    def fresh_unit(self, place: Place, mode: Mode) -> tuple[SqlUnit, State]:
        session = self._session(place, gate_step(place.tenant, place.schema, place.role, None, None), mode)
        return self._limited_unit(session, place), self._opened(session)

    def publishing_unit(self, place: Place) -> tuple[SqlUnit, State]:
        session = self._owner_session(
            place,
            Step(_SET_LOCK_LIMIT, (), ""),
            Step(_LOCK, (place.tenant,), ""),
            Step(_SET_PATH, (place.schema,), ""),
            Step(_READ_STATE, (), place.tenant),
        )
        return SqlUnit(session, place.tenant, None), self._opened(session)

    def blocker(self, place: Place) -> str:
        with self._owner.connect() as connection:
            row = connection.execute(sa.text(_BLOCKER), {"tenant": place.tenant, "space": wall.LOCK_SPACE}).first()
        if row is None:
            return "a request that has just ended"
        return f"a transaction of {row[0] or 'another program'} (process {row[1]}) that has run for {row[2]} s"

    def owner_unit(self, place: Place) -> SqlUnit:
        return SqlUnit(self._owner_session(place, Step(_SET_PATH, (place.schema,), "")), place.tenant, None)

    def snapshot_unit(self, place: Place) -> SqlUnit:
        path = Step(_SET_PATH_AND_ROLE, (place.schema, place.role), "")
        session = PostgresSession(self._owner, place.tenant, (path,), "read", float(OWNER_STATEMENT[:-1]))
        return SqlUnit(session, place.tenant, None)

    def create_home(self, place: Place, tables: sa.MetaData) -> None:
        self._serving_engine()
        try:
            with self._owner.begin() as owner:
                wall.create_tenant(owner, place.schema, place.role, self._login)
                run_script(owner, creation_script(tables, "postgresql") + FIRST_ROWS)
        except sa.exc.ProgrammingError as error:
            if getattr(error.orig, "sqlstate", "") == "42P06":
                raise Conflict("There is already a home for {tenant}.", tenant=place.tenant) from error
            raise

    def drop_home(self, place: Place) -> None:
        with self._owner.begin() as owner:
            wall.drop_tenant(owner, place.schema, place.role)

    def place(self, tenant: str, database: str) -> Place:
        role = wall.tenant_role(tenant, self._owner_url.database or "")
        return Place(tenant=tenant, database=database, schema=wall.tenant_schema(tenant), role=role)

    def directory_read(self) -> AbstractContextManager[sa.Connection]:
        return _transaction(self._serving_engine())

    def directory_write(self) -> AbstractContextManager[sa.Connection]:
        return _transaction(self._serving_engine())

    @contextmanager
    def directory_owner(self) -> Iterator[sa.Connection]:
        self._serving_engine()
        with _transaction(self._owner) as owner:
            owner.exec_driver_sql(f"SET LOCAL search_path = {DIRECTORY_SCHEMA}")
            yield owner

    def serves_as_superuser(self) -> bool:
        """Whether the role of `database_url`, which the serving process knows, is a superuser."""
        engine = sa.create_engine(self._given_url, poolclass=sa.NullPool, connect_args=_connect_args(""))
        with engine.connect() as connection:
            return bool(connection.exec_driver_sql("SELECT rolsuper FROM pg_roles WHERE rolname = user").scalar())

    def close(self) -> None:
        """Close idle connections of both pools."""
        for name in ("_owner", "_serving"):
            engine = self.__dict__.pop(name, None)
            if engine is not None:
                engine.dispose()

    @property
    def _login(self) -> str:
        if self._login_is_ours:
            return f"fieldstone_{wall.database_tag(self._owner_url.database or '')}"
        return self._given_url.username or ""

    @cached_property
    def _owner(self) -> sa.Engine:
        options = f"-c timezone=UTC -c statement_timeout={OWNER_STATEMENT} -c lock_timeout=10s"
        return self._engine(self._owner_url, options, "fieldstone owner")

    @cached_property
    def _serving(self) -> sa.Engine:
        self._prepare_login()
        limit = int(self._settings.unit_seconds * 1000)
        options = (
            f"-c timezone=UTC -c search_path={DIRECTORY_SCHEMA} -c statement_timeout={limit}"
            f" -c idle_in_transaction_session_timeout={limit} -c lock_timeout={int(self._settings.lock_seconds * 1000)}"
        )
        url = self._given_url
        if self._login_is_ours:
            url = self._owner_url.set(username=self._login, password=self._password())
        return self._engine(url, options, "fieldstone")

    def _serving_engine(self) -> sa.Engine:
        with self._making:
            return self._serving

    def _engine(self, url: sa.URL, options: str, name: str) -> sa.Engine:
        engine = sa.create_engine(
            url,
            pool_size=self._settings.pool_size,
            max_overflow=self._settings.pool_overflow,
            pool_timeout=self._settings.pool_timeout,
            pool_recycle=RECYCLE_SECONDS,
            pool_use_lifo=True,
            pool_reset_on_return=None,
            connect_args=_connect_args(options, f"{name} {os.getpid()}"),
        )
        sa.event.listen(engine, "connect", _set_up_connection)
        sa.event.listen(engine, "checkout", _settle)
        return engine

    def _prepare_login(self) -> None:
        mark = wall.install_mark(self._password() if self._login_is_ours else self._login)
        with _transaction(self._owner) as owner:
            if wall.is_installed(owner, self._login, mark):
                return
            if self._login_is_ours:
                wall.ensure_login(owner, self._login, self._password())
            wall.check_login(owner, self._login)
            wall.install(owner, self._login, mark)

    def _password(self) -> str:
        message = f"database login {self._login}".encode()
        return hmac.new(self._settings.secret_key.encode(), message, hashlib.sha256).hexdigest()

    def _session(self, place: Place, gate: Step, mode: Mode) -> PostgresSession:
        return PostgresSession(self._serving_engine(), place.tenant, (gate,), mode, self._settings.unit_seconds)

    def _owner_session(self, place: Place, *preamble: Step) -> PostgresSession:
        return PostgresSession(self._owner, place.tenant, preamble, "write", float(OWNER_STATEMENT[:-1]))

    def _limited_unit(self, session: PostgresSession, place: Place) -> SqlUnit:
        return SqlUnit(session, place.tenant, self._settings.unit_seconds)

    def _opened(self, session: PostgresSession) -> State:
        try:
            return State(*session.open()[-1].rows[0])
        except BaseException:
            session.close()
            raise


@contextmanager
def _transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.TimeoutError as error:
        raise Unavailable(retry_after=1) from error
    except sa.exc.DBAPIError as error:
        raise available(translated(error)) from error


def _driver_url(url: str) -> sa.URL:
    return sa.make_url(url).set(drivername="postgresql+psycopg")


def _connect_args(options: str, name: str = "fieldstone") -> dict[str, Any]:
    # Prepared statements are kept by the channel; psycopg's own would be dropped with "DEALLOCATE ALL" under it.
    return {
        "options": options,
        "application_name": name,
        "connect_timeout": CONNECT_SECONDS,
        "prepare_threshold": None,
    }


def _set_up_connection(connection: psycopg.Connection[Any], record: Any) -> None:
    for name in ("json", "jsonb"):
        connection.adapters.register_loader(name, _JsonLoader)
    connection.adapters.register_loader("uuid", TextLoader)
    record.info["channel"] = Channel(connection)


def _settle(connection: Any, record: Any, proxy: Any) -> None:
    """Read the answer to a commit nobody waited for; a dead connection is replaced by the pool."""
    try:
        record.info["channel"].settle(CONNECT_SECONDS)
    except psycopg.Error as error:
        raise sa.exc.DisconnectionError from error
