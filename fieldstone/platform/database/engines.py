"""All databases of an installation, by name: "main" holds the directory, tenants are placed on any of them.

In: the settings. Out: a `Server` per name, opened on first use. One `Databases` per process, made by `app.py`; a
forked process calls `forget` before anything else, because connections must not be shared.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from fieldstone.platform.database.place import Place
from fieldstone.platform.database.postgres_server import PostgresServer
from fieldstone.platform.database.server import Server, SqliteFunction
from fieldstone.platform.database.sqlite_server import SqliteServer
from fieldstone.platform.kernel.errors import NotFound
from fieldstone.platform.settings import Settings

MAIN = "main"


class Databases:
    """The servers of an installation."""

    def __init__(self, settings: Settings, sqlite_functions: Sequence[SqliteFunction] = ()) -> None:
        self.settings = settings
        self._functions = tuple(sqlite_functions)
        self._servers: dict[str, Server] = {}
        self._mutex = threading.Lock()

    @property
    def main(self) -> Server:
        """The server that holds the directory."""
        return self.server(MAIN)

    @property
    def names(self) -> tuple[str, ...]:
        return (MAIN, *self.settings.databases)

    def server(self, name: str) -> Server:
        """The server called `name`. Raises `NotFound`."""
        with self._mutex:
            if name not in self._servers:
                self._servers[name] = self._make(name)
            return self._servers[name]

    def of(self, place: Place) -> Server:
        """The server a tenant lives on."""
        return self.server(place.database)

    def serves_as_superuser(self) -> bool:
        """Whether a PostgreSQL role given for serving is a superuser: an unsafe start."""
        servers = [self.server(name) for name in self.names]
        return any(isinstance(server, PostgresServer) and server.serves_as_superuser() for server in servers)

    def close(self) -> None:
        """Close idle connections; servers open again on use."""
        with self._mutex:
            servers, self._servers = list(self._servers.values()), {}
        for server in servers:
            server.close()

    def forget(self) -> None:
        """In a forked process: leave the parent's connections alone and begin anew."""
        self._mutex = threading.Lock()
        self._inherited = self._servers
        self._servers = {}

    def _make(self, name: str) -> Server:
        settings = self.settings
        if name == MAIN:
            if settings.database_url is None:
                return SqliteServer(settings, self._functions)
            return PostgresServer(settings, settings.database_url, settings.ddl_database_url)
        if name not in settings.databases:
            raise NotFound("There is no database called {name} in the settings.", name=name)
        return PostgresServer(settings, settings.databases[name], settings.ddl_databases.get(name))
