"""SQLite files, open and new: two pools a file, the queue of its writers, the template of a home.

A file has one pool of connections that cannot write and one for the single writer whose turn it is. Only the most
recently used files stay open. In: names of tenants ("" is the directory). Used by `sqlite_server` only.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from fieldstone.platform.database.errors import HomeMissing
from fieldstone.platform.database.home import FIRST_ROWS
from fieldstone.platform.database.schema import creation_script, script_mark
from fieldstone.platform.database.server import SqliteFunction
from fieldstone.platform.database.turns import WriterQueue
from fieldstone.platform.settings import Settings, private_directory

READERS = 8
BUSY_MILLISECONDS = 5000
WAL_LIMIT = 64 * 1024 * 1024
DIRECTORY = ""


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """One open file."""

    reader: sa.Engine
    writer: sa.Engine
    queue: WriterQueue

    def close(self) -> None:
        self.reader.dispose()
        self.writer.dispose()


class SqliteFiles:
    """The open files of a process, and how new ones are made."""

    def __init__(self, settings: Settings, functions: Sequence[SqliteFunction]) -> None:
        self._settings = settings
        self._functions = tuple(functions)
        self._open: OrderedDict[str, SqliteFile] = OrderedDict()
        self._queues: dict[str, WriterQueue] = {}
        self._mutex = threading.Lock()

    def path(self, name: str) -> Path:
        if name == DIRECTORY:
            return self._settings.directory_file
        return self._settings.tenants_dir / f"{name}.sqlite"

    def get(self, name: str) -> SqliteFile:
        """The file, opened if need be. Raises `HomeMissing`."""
        with self._mutex:
            file = self._open.get(name)
            if file is None:
                file = self._open[name] = self._opened(name)
            self._open.move_to_end(name)
            oldest = self._open.popitem(last=False)[1] if len(self._open) > self._settings.open_tenants else None
        if oldest is not None:
            oldest.close()
        return file

    def close(self, name: str) -> None:
        """Close a file, if it is open."""
        with self._mutex:
            file = self._open.pop(name, None)
        if file is not None:
            file.close()

    def close_all(self) -> None:
        with self._mutex:
            files = list(self._open.values())
            self._open.clear()
        for file in files:
            file.close()

    def create(self, name: str, tables: sa.MetaData) -> None:
        """A new home: a copy of the template, on disk before it has its name."""
        path = self.path(name)
        draft = path.with_suffix(".draft")
        shutil.copyfile(self._template(tables), draft)
        os.chmod(draft, 0o600)
        _sync(draft)
        os.replace(draft, path)
        _sync(path.parent)

    def create_directory(self) -> None:
        """The directory's file, where it is missing."""
        path = self.path(DIRECTORY)
        if not path.exists():
            private_directory(path.parent)
            _new_file(path, "")

    def remove(self, name: str) -> None:
        """Remove a file and what SQLite keeps beside it."""
        self.close(name)
        path = self.path(name)
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.with_suffix(".lock").unlink(missing_ok=True)

    def _opened(self, name: str) -> SqliteFile:
        path = self.path(name)
        if not path.exists():
            raise HomeMissing(str(path))
        # The queue outlives the file's being open: writers may be waiting in it.
        queue = self._queues.setdefault(name, WriterQueue(path.with_suffix(".lock")))
        return SqliteFile(self._engine(path, READERS, "ON"), self._engine(path, 1, "OFF"), queue)

    def _engine(self, path: Path, size: int, query_only: str) -> sa.Engine:
        def connect() -> sqlite3.Connection:
            return self._connect(path, query_only)

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

    def _connect(self, path: Path, query_only: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        for pragma in _pragmas(self._settings.sqlite_synchronous, query_only):
            connection.execute(f"PRAGMA {pragma}")
        for name, arguments, function in self._functions:
            connection.create_function(name, arguments, function, deterministic=True)
        return connection

    def _template(self, tables: sa.MetaData) -> Path:
        script = creation_script(tables, "sqlite") + FIRST_ROWS
        folder = private_directory(self._settings.tenants_dir)
        path = folder / f".template-{script_mark(script)}"
        if not path.exists():
            draft = folder / f".template-{os.getpid()}-{threading.get_ident()}"
            _new_file(draft, script)
            os.replace(draft, path)
        return path


def _pragmas(synchronous: str, query_only: str) -> tuple[str, ...]:
    return (
        f"busy_timeout = {BUSY_MILLISECONDS}",
        f"synchronous = {synchronous}",
        f"journal_size_limit = {WAL_LIMIT}",
        "foreign_keys = ON",
        "case_sensitive_like = ON",
        "trusted_schema = OFF",
        "temp_store = MEMORY",
        f"query_only = {query_only}",
    )


def _new_file(path: Path, script: str) -> None:
    """A database file in WAL mode with these tables, complete in itself."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(script)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
