"""Where a run keeps its data: a folder of its own and, on PostgreSQL, a database of its own, both removed afterwards."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

DEFAULT_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A fresh place for an installation and its floor. `url` is None on SQLite."""

    dialect: str
    folder: Path
    url: str | None

    @property
    def floor_url(self) -> str:
        """The floor's database, for SQLAlchemy: the same one on PostgreSQL, a file beside it on SQLite."""
        if self.url is None:
            return f"sqlite:///{self.folder / 'floor.sqlite'}"
        return self.url.replace("postgresql://", "postgresql+psycopg://", 1)

    def environment(self) -> dict[str, str]:
        """Settings of the Fieldstone process."""
        found = {
            "FIELDSTONE_ENVIRONMENT": "bench",
            "FIELDSTONE_SECRET_KEY": "a key for benchmarks, nothing is secret",
            "FIELDSTONE_DATA_DIR": str(self.folder / "data"),
            "FIELDSTONE_LOG_LEVEL": "WARNING",
            "FIELDSTONE_DEFAULT_TENANT": "bench",
        }
        return found if self.url is None else {**found, "FIELDSTONE_DATABASE_URL": self.url}


def postgres_url() -> str:
    """A login that may create databases."""
    return os.environ.get("FIELDSTONE_BENCH_POSTGRES", DEFAULT_POSTGRES)


def postgres_answers() -> bool:
    """Whether there is a PostgreSQL to measure on."""
    try:
        psycopg.connect(postgres_url(), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def place(dialect: str) -> Iterator[Place]:
    """A fresh place on `sqlite` or `postgresql`."""
    folder = Path(tempfile.mkdtemp(prefix="fieldstone-bench-"))
    try:
        if dialect == "sqlite":
            yield Place(dialect=dialect, folder=folder, url=None)
        else:
            with _database() as url:
                yield Place(dialect=dialect, folder=folder, url=url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database() -> Iterator[str]:
    name = f"fieldstone_bench_{secrets.token_hex(4)}"
    base = postgres_url()
    with psycopg.connect(base, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield _with_database(base, name)
    finally:
        with psycopg.connect(base, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _with_database(base: str, name: str) -> str:
    parts = conninfo_to_dict(base)
    password = f":{parts['password']}" if parts.get("password") else ""
    return f"postgresql://{parts.get('user', '')}{password}@{parts['host']}:{parts.get('port', 5432)}/{name}"
