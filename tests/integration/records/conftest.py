"""Records on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.house import House, house


@pytest.fixture
def home(tmp_path: Path, database_url: str | None) -> Iterator[House]:
    """A house with the tenants `acme` and `globex`, on each engine."""
    with house(tmp_path, database_url) as made:
        yield made
