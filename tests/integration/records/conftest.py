"""Records on each database: one house for each file of tests, with the metadata that the file declares.

A file may declare `METADATA`, bodies by kind; it is published in both tenants.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import ENGINES
from tests.support.house import House, house


@pytest.fixture(scope="module", params=ENGINES)
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with the tenants `acme` and `globex`, on each engine."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with house(tmp_path_factory.mktemp("house"), url) as made:
        metadata = getattr(request.module, "METADATA", None)
        if metadata is not None:
            made.publish(**metadata)
            made.publish(tenant="globex", **metadata)
        yield made
