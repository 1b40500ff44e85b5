"""A web app with the HTTP frame on each database."""

from __future__ import annotations

import pytest

from tests.support.installation import Installation
from tests.support.web import Web, make_web


@pytest.fixture
def web(home: Installation) -> Web:
    return make_web(home)
