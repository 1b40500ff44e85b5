"""The embedded engine: a directory file and one file per tenant under the data directory.

Each file has two pools, one of connections that cannot write and one for the single writer whose turn it is. Only the
most recently used tenants stay open. New homes are copies of a template file. Called through `engines.Databases`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import sqlalchemy as sa

from fieldstone.platform.database.errors import HomeMissing, Moved, translated
from fieldstone.platform.database.home import SET_STATE
from fieldstone.platform.database.place import Place, Versions
from fieldstone.platform.database.postgres import Mode
from fieldstone.platform.database.schema import creation_script, script_mark
from fieldstone.platform.database.server import SqliteFunction, State
from fieldstone.platform.database.sqlite import SqliteSession
from fieldstone.platform.database.turns import Turn, WriterQueue
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import DialectName
from fieldstone.platform.kernel.errors import Conflict
from fieldstone.platform.settings import Settings, private_directory

READERS = 8
BUSY_MILLISECONDS = 5000
DROPPED = "dropped"
WAL_LIMIT = 64 * 1024 * 1024


class _File(NamedTuple):
    reader: sa.Engine
    writer: sa.Engine


class SqliteServer:
    """See `server.Server`."""

    dialect: DialectName = "sqlite"

    def __init__(self, settings: Settings, functions: Sequence[SqliteFunction] = ()) -> None:
        self._settings = settings
        self._functions = tuple(functions)
        self._open: OrderedDict[Path, _File] = OrderedDict()
        self._queues: dict[Path, WriterQueue] = {}
        self._mutex = threading.Lock()

    def unit(self, place: Place, versions: Versions, mode: Mode) -> SqlUnit:
        def check(version: int, access_version: int, state: str) -> None:
            if (version, access_version, state) != (versions.version, versions.access_version, "active"):
                raise self._moved(place, version, access_version, state)

        return self._unit(place, mode, check, self._settings.unit_seconds)

    def fresh_unit(self, place: Place, mode: Mode) -> tuple[SqlUnit, State]:
        found: list[State] = []

        def check(version: int, access_version: int, state: str) -> None:
            if state != "active":
                raise self._moved(place, version, access_version, state)
            found.append(State(version, access_version, state))

        return self._begun(place, mode, check, self._settings.unit_seconds), found[0]

    def publishing_unit(self, place: Place) -> tuple[SqlUnit, State]:
        found: list[State] = []
        unit = self._begun(place, "write", lambda *state: found.append(State(*state)), None)
        return unit, found[0]

    def blocker(self, place: Place) -> str:
        return "another writer of this tenant"

    def owner_unit(self, place: Place) -> SqlUnit:
        return self._unit(place, "write", _anything, None)

    def snapshot_unit(self, place: Place) -> SqlUnit:
        return self._unit(place, "read", _anything, None)

    def create_home(self, place: Place, tables: sa.MetaData) -> None:
        path = self._path(place)
        if path.exists():
            raise Conflict("There is already a home for {tenant}.", tenant=place.tenant)
        template = self._template(tables)
        draft = path.with_suffix(".draft")
        shutil.copyfile(template, draft)
        os.chmod(draft, 0o600)
        os.replace(draft, path)

    def drop_home(self, place: Place) -> None:
        path = self._path(place)
        if path.exists():
            self._mark_dropped(place)
        self._close_file(path)
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        _lock_file(path).unlink(missing_ok=True)

    def place(self, tenant: str, database: str) -> Place:
        return Place(tenant=tenant, database=database, schema="", role="")

    @contextmanager
    def directory_read(self) -> Iterator[sa.Connection]:
        with self._directory().reader.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            yield connection

    @contextmanager
    def directory_write(self) -> Iterator[sa.Connection]:
        file = self._directory()
        turn = Turn(self._queue(self._settings.directory_file), self._settings.unit_seconds)
        turn.take()
        try:
            with file.writer.connect() as connection:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
                connection.commit()
        except sa.exc.DBAPIError as error:
            raise translated(error) from error
        finally:
            turn.end()

    def directory_owner(self) -> AbstractContextManager[sa.Connection]:
        return self.directory_write()

    def close(self) -> None:
        """Close every file."""
        with self._mutex:
            files = list(self._open.values())
            self._open.clear()
        for file in files:
            _dispose(file)

    def _mark_dropped(self, place: Place) -> None:
        """Processes that have the file open keep it when it is removed; this is how they learn of it."""
        unit = self.owner_unit(place)
        try:
            unit.run(SET_STATE, {"new_state": DROPPED})
            unit.commit()
        finally:
            unit.close()

    def _moved(self, place: Place, version: int, access_version: int, state: str) -> Exception:
        if state == DROPPED:
            self._close_file(self._path(place))
            return HomeMissing(place.tenant)
        return Moved(version, access_version, state)

    def _close_file(self, path: Path) -> None:
        with self._mutex:
            file = self._open.pop(path, None)
        if file is not None:
            _dispose(file)

    def _begun(
        self, place: Place, mode: Mode, check: Callable[[int, int, str], None], seconds: float | None
    ) -> SqlUnit:
        session = self._session(place, mode, check)
        try:
            session.open()
        except BaseException:
            session.close()
            raise
        return SqlUnit(session, place.tenant, seconds)

    def _unit(self, place: Place, mode: Mode, check: Callable[[int, int, str], None], seconds: float | None) -> SqlUnit:
        return SqlUnit(self._session(place, mode, check), place.tenant, seconds)

    def _session(self, place: Place, mode: Mode, check: Callable[[int, int, str], None]) -> SqliteSession:
        path = self._path(place)
        file = self._file(path)
        if mode == "read":
            return SqliteSession(file.reader, None, check)
        return SqliteSession(file.writer, Turn(self._queue(path), self._settings.unit_seconds), check)

    def _directory(self) -> _File:
        path = self._settings.directory_file
        if not path.exists():
            private_directory(path.parent)
            _new_file(path, "")
        return self._file(path)

    def _path(self, place: Place) -> Path:
        return self._settings.tenants_dir / f"{place.tenant}.sqlite"

    def _queue(self, path: Path) -> WriterQueue:
        with self._mutex:
            return self._queues.setdefault(path, WriterQueue(_lock_file(path)))

    def _file(self, path: Path) -> _File:
        with self._mutex:
            file = self._open.get(path)
            if file is None:
                if not path.exists():
                    raise HomeMissing(str(path))
                file = self._open[path] = _File(self._engine(path, READERS, True), self._engine(path, 1, False))
            self._open.move_to_end(path)
            oldest = self._open.popitem(last=False)[1] if len(self._open) > self._settings.open_tenants else None
        if oldest is not None:
            _dispose(oldest)
        return file

    def _engine(self, path: Path, size: int, reads_only: bool) -> sa.Engine:
        def connect() -> sqlite3.Connection:
            return self._connect(path, reads_only)

        return sa.create_engine(
            "sqlite+pysqlite:///",
            creator=connect,
            poolclass=sa.QueuePool,
            pool_size=size,
            max_overflow=self._settings.pool_overflow,
            pool_timeout=self._settings.pool_timeout,
            pool_use_lifo=True,
            pool_reset_on_return=None,
        )

    def _connect(self, path: Path, reads_only: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        for pragma in _pragmas(self._settings.sqlite_synchronous, reads_only):
            connection.execute(f"PRAGMA {pragma}")
        for name, arguments, function in self._functions:
            connection.create_function(name, arguments, function, deterministic=True)
        return connection

    def _template(self, tables: sa.MetaData) -> Path:
        script = creation_script(tables, "sqlite")
        folder = private_directory(self._settings.tenants_dir)
        path = folder / f".template-{script_mark(script)}"
        if not path.exists():
            draft = folder / f".template-{os.getpid()}-{threading.get_ident()}"
            _new_file(draft, script + FIRST_STATE_SQL)
            os.replace(draft, path)
        return path


FIRST_STATE_SQL = "INSERT INTO tenant_state (id, version, access_version, state) VALUES (1, 0, 0, 'active');"


def _pragmas(synchronous: str, reads_only: bool) -> tuple[str, ...]:
    return (
        f"busy_timeout = {BUSY_MILLISECONDS}",
        f"synchronous = {synchronous}",
        f"journal_size_limit = {WAL_LIMIT}",
        "foreign_keys = ON",
        "case_sensitive_like = ON",
        "trusted_schema = OFF",
        "temp_store = MEMORY",
        f"query_only = {int(reads_only)}",
    )


def _new_file(path: Path, script: str) -> None:
    """A database file in WAL mode with these tables, complete in itself."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(script)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _lock_file(path: Path) -> Path:
    return path.with_suffix(".lock")


def _dispose(file: _File) -> None:
    file.reader.dispose()
    file.writer.dispose()


def _anything(*_: Any) -> None:
    """Owner units pass whatever state the tenant is in."""
