"""The embedded engine: a directory file and one file per tenant under the data directory.

Writers of a file take turns, first come, first served; readers never wait. Called through `engines.Databases`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import sqlalchemy as sa

from fieldstone.platform.database.errors import HomeMissing, Moved, translated
from fieldstone.platform.database.home import SET_STATE
from fieldstone.platform.database.place import Place, Versions
from fieldstone.platform.database.postgres import Mode
from fieldstone.platform.database.server import SqliteFunction, State
from fieldstone.platform.database.sqlite import SqliteSession
from fieldstone.platform.database.sqlite_files import DIRECTORY, SqliteFile, SqliteFiles
from fieldstone.platform.database.turns import Turn
from fieldstone.platform.database.unit import SqlUnit, committed
from fieldstone.platform.kernel.context import DialectName
from fieldstone.platform.kernel.errors import Conflict
from fieldstone.platform.settings import Settings

DROPPED = "dropped"

Check = Callable[[int, int, str], None]


class SqliteServer:
    """See `server.Server`."""

    dialect: DialectName = "sqlite"

    def __init__(self, settings: Settings, functions: Sequence[SqliteFunction] = ()) -> None:
        self._seconds = settings.unit_seconds
        self._files = SqliteFiles(settings, functions)

    def unit(self, place: Place, versions: Versions, mode: Mode) -> SqlUnit:
        wanted = (versions.version, versions.access_version, "active")

        def check(version: int, access_version: int, state: str) -> None:
            if (version, access_version, state) != wanted:
                raise self._moved(place, version, access_version, state)

        return SqlUnit(self._session(place, mode, check), place.tenant, self._seconds)

    def fresh_unit(self, place: Place, mode: Mode) -> tuple[SqlUnit, State]:
        found: list[State] = []

        def check(version: int, access_version: int, state: str) -> None:
            if state != "active":
                raise self._moved(place, version, access_version, state)
            found.append(State(version, access_version, state))

        return SqlUnit(self._begun(place, mode, check), place.tenant, self._seconds), found[0]

    def publishing_unit(self, place: Place) -> tuple[SqlUnit, State]:
        found: list[State] = []
        session = self._begun(place, "write", lambda *state: found.append(State(*state)))
        return SqlUnit(session, place.tenant, None), found[0]

    def blocker(self, place: Place) -> str:
        return "another writer of this tenant"

    def owner_unit(self, place: Place) -> SqlUnit:
        return SqlUnit(self._session(place, "write", _anything), place.tenant, None)

    def snapshot_unit(self, place: Place) -> SqlUnit:
        return SqlUnit(self._session(place, "read", _anything), place.tenant, None)

    def create_home(self, place: Place, tables: sa.MetaData) -> None:
        if self._files.path(place.tenant).exists():
            raise Conflict("There is already a home for {tenant}.", tenant=place.tenant)
        self._files.create(place.tenant, tables)

    def drop_home(self, place: Place) -> None:
        if self._files.path(place.tenant).exists():
            self._mark_dropped(place)
        self._files.remove(place.tenant)

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
        turn = Turn(file.queue, self._seconds)
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
        self._files.close_all()

    def _mark_dropped(self, place: Place) -> None:
        """Processes that have the file open keep it when it is removed; this is how they learn of it."""
        with committed(self.owner_unit(place)) as unit:
            unit.run(SET_STATE, {"new_state": DROPPED})

    def _moved(self, place: Place, version: int, access_version: int, state: str) -> Exception:
        if state == DROPPED:
            self._files.close(place.tenant)
            return HomeMissing(place.tenant)
        return Moved(version, access_version, state)

    def _begun(self, place: Place, mode: Mode, check: Check) -> SqliteSession:
        session = self._session(place, mode, check)
        try:
            session.open()
        except BaseException:
            session.close()
            raise
        return session

    def _session(self, place: Place, mode: Mode, check: Check) -> SqliteSession:
        file = self._files.get(place.tenant)
        if mode == "read":
            return SqliteSession(file.reader, None, check)
        return SqliteSession(file.writer, Turn(file.queue, self._seconds), check)

    def _directory(self) -> SqliteFile:
        try:
            return self._files.get(DIRECTORY)
        except HomeMissing:
            self._files.create_directory()
            return self._files.get(DIRECTORY)


def _anything(*_: object) -> None:
    """Owner units pass whatever state the tenant is in."""
