"""Whole stories, told on both databases by the composed product."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import ENGINES
from tests.support.company import Company, company


@pytest.fixture(scope="module", params=ENGINES)
def acme(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The company, on each engine; one for all stories of a file."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with company(tmp_path_factory.mktemp("company"), url) as made:
        yield made
