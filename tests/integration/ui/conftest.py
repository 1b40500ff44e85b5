"""Pages of the composed product with the service package, on both databases, and a browser that keeps no scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from werkzeug.test import TestResponse

from tests.conftest import ENGINES
from tests.support.company import Company, company


@dataclass(frozen=True, kw_only=True)
class Browser:
    """Asks for pages and posts forms as whoever has a role."""

    home: Company
    role: str

    def get(self, path: str, **headers: str) -> TestResponse:
        program = self.home.as_(self.role)
        sent = {**program.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return program.client.get(path, headers=sent, base_url="http://localhost")

    def post(self, path: str, form: Mapping[str, object] | None = None, **headers: str) -> TestResponse:
        program = self.home.as_(self.role)
        sent = {**program.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return program.client.post(path, data=dict(form or {}), headers=sent, base_url="http://localhost")


@pytest.fixture(scope="module", params=ENGINES)
def acme(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company, on each engine; one for all tests of a file."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with company(tmp_path_factory.mktemp("pages"), url) as made:
        yield made


@pytest.fixture
def admin(acme: Company) -> Browser:
    """Somebody who may do everything."""
    return Browser(home=acme, role="admin")


@pytest.fixture
def engineer(acme: Company) -> Browser:
    """Somebody who may do little."""
    return Browser(home=acme, role="engineer")
