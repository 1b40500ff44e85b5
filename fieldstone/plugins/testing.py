"""The pytest plugin for plugin authors.

Put `pytest_plugins = ["fieldstone.plugins.testing"]` into a `conftest.py`; the fixture `dispatch_kit` then tries a
policy the way `fieldstone plugin check` does: `dispatch_kit.check(MyPolicy())`.
"""

from __future__ import annotations

import pytest

from fieldstone.plugins.host.conformance import DispatchKit


@pytest.fixture
def dispatch_kit() -> DispatchKit:
    """The conformance kit for dispatch policies."""
    return DispatchKit()
