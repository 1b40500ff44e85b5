"""What a database server offers the rooms above, whichever engine it is.

`postgres_server.PostgresServer` and `sqlite_server.SqliteServer` implement it; `engines.Databases` holds one per
named database. Units from here are opened and ended by `Units` and by tenancy only.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import sqlalchemy as sa

from fieldstone.platform.database.place import Place, Versions
from fieldstone.platform.database.postgres import Mode
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import DialectName


class State(NamedTuple):
    """The gate's answer."""

    version: int
    access_version: int
    state: str


class SqliteFunction(NamedTuple):
    """A deterministic SQL function for SQLite, where it lacks one PostgreSQL has."""

    name: str
    arguments: int
    function: Callable[..., str | bytes | int | float | None]


class Server(Protocol):
    """One PostgreSQL database, or the folder of SQLite files."""

    dialect: DialectName

    def unit(self, place: Place, versions: Versions, mode: Mode) -> SqlUnit:
        """A unit that checks the versions with its first statement; raises `Moved` from there."""
        ...

    def fresh_unit(self, place: Place, mode: Mode) -> tuple[SqlUnit, State]:
        """A unit already begun, and the versions it found. Raises `Moved` when the tenant is not active."""
        ...

    def publishing_unit(self, place: Place) -> tuple[SqlUnit, State]:
        """A unit that alone holds the metadata lock and may change tables. Raises `Unavailable` when it is taken."""
        ...

    def blocker(self, place: Place) -> str:
        """Who holds the metadata lock, in words."""
        ...

    def owner_unit(self, place: Place) -> SqlUnit:
        """A unit past the gate, with the owner's rights, without time limit: for tenancy and migrations."""
        ...

    def snapshot_unit(self, place: Place) -> SqlUnit:
        """A unit past the gate that reads one consistent state, without time limit: for exports."""
        ...

    def create_home(self, place: Place, tables: sa.MetaData) -> None:
        """Make an empty home with these tables. Raises `Conflict` when there is one."""
        ...

    def drop_home(self, place: Place) -> None: ...

    def place(self, tenant: str, database: str) -> Place: ...

    def directory_read(self) -> AbstractContextManager[sa.Connection]:
        """A transaction that reads the directory."""
        ...

    def directory_write(self) -> AbstractContextManager[sa.Connection]:
        """A transaction that changes rows of the directory; commits unless it raises."""
        ...

    def directory_owner(self) -> AbstractContextManager[sa.Connection]:
        """A transaction on the directory with rights to make tables."""
        ...

    def close(self) -> None: ...
