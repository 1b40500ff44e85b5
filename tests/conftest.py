"""Fixtures for everybody: an installation on each database, always with a second tenant in it.

`home` runs a test on SQLite and on PostgreSQL. Tests that need other snapshot or actor sources take
`home.units_with(...)`; tests that need their own settings take `make_installation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fieldstone.platform.clock import Clock
from fieldstone.platform.database.wall import database_tag
from fieldstone.platform.work.assembly import Kinds
from tests.support.installation import Installation, settings_for, with_tenants
from tests.support.postgres import database, drop_roles, server_url

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a superuser of a running PostgreSQL."""
    with server_url() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url(postgres_server: str, worker_id: str, testrun_uid: str) -> Iterator[str]:
    """A database of this worker's own."""
    name = f"fieldstone_test_{testrun_uid[:8]}_{worker_id}"
    with database(postgres_server, name) as url:
        yield url
    drop_roles(postgres_server, database_tag(name))


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of a database engine; tests that use it run once on each."""
    return str(request.param)


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest) -> str | None:
    """The database of this engine, as the settings name it."""
    return str(request.getfixturevalue("postgres_url")) if engine == "postgresql" else None


MakeInstallation = Callable[..., Installation]


@pytest.fixture
def make_installation(tmp_path: Path, database_url: str | None) -> Iterator[MakeInstallation]:
    """Makes an installation with its two tenants; keyword arguments are settings."""
    with ExitStack() as stack:

        def make(*, clock: Clock | None = None, kinds: Kinds | None = None, **settings: Any) -> Installation:
            installation = Installation(settings_for(tmp_path, database_url, **settings), clock=clock, kinds=kinds)
            installation.tenants.prepare()
            return stack.enter_context(with_tenants(installation))

        yield make


@pytest.fixture
def home(make_installation: MakeInstallation) -> Installation:
    """An installation with the tenants `acme` and `globex`, on each engine."""
    return make_installation()
