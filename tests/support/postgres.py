"""A PostgreSQL for tests: the one named by FIELDSTONE_TEST_POSTGRES, or at 127.0.0.1:5432, or one started here.

A started server runs Debian's binaries as user `postgres` on a free port with fsync off, and is stopped at the end.
Each worker process of pytest-xdist gets a database of its own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

DEFAULT = "postgresql://postgres@127.0.0.1:5432/postgres"
DEBIAN = Path("/usr/lib/postgresql")


def _answers(url: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=2):
        return True
    return False


@contextmanager
def server_url() -> Iterator[str]:
    """URL of a superuser on a server that answers. Fails when there is none and none can be started."""
    given = os.environ.get("FIELDSTONE_TEST_POSTGRES")
    if given:
        yield given
        return
    if _answers(DEFAULT):
        yield DEFAULT
        return
    with _started() as url:
        yield url


def _binaries() -> Path:
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = versions[-1].parent if versions else None
    if found is None and shutil.which("initdb"):
        found = Path(str(shutil.which("initdb"))).parent
    if found is None:
        raise RuntimeError("no PostgreSQL answers and none is installed: apt install postgresql")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _started() -> Iterator[str]:
    binaries, port = _binaries(), _free_port()
    folder = Path(tempfile.mkdtemp(prefix="fieldstone-pg-"))
    as_root = os.geteuid() == 0
    if as_root:
        shutil.chown(folder, "postgres", "postgres")
    user = ["runuser", "-u", "postgres", "--"] if as_root else []

    def run(*command: str) -> None:
        subprocess.run([*user, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")

    data = str(folder / "data")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
    run(str(binaries / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
    run(str(binaries / "pg_ctl"), "-D", data, "-l", str(folder / "log"), "-w", "-o", options, "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run(str(binaries / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(server: str, name: str) -> Iterator[str]:
    """A fresh database called `name`; dropped afterwards with the roles made for it."""
    url = server.rsplit("/", 1)[0] + "/" + name
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield url
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def drop_roles(server: str, tag: str) -> None:
    """Remove the roles that an installation made for its database, after the database is gone."""
    with psycopg.connect(server, autocommit=True) as connection:
        found = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE %s OR rolname = %s",
            (f"%\\_rw\\_{tag}", f"fieldstone_{tag}"),
        ).fetchall()
        for (role,) in found:
            connection.execute(f'DROP ROLE "{role}"')
