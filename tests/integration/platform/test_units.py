"""Units of work on both databases."""

from __future__ import annotations

import sqlalchemy as sa
from tests.support.installation import Installation

from fieldstone.platform.database.home import READ_STATE


def test_a_unit_reads_its_own_tenants_state(home: Installation) -> None:
    assert home.read(lambda ctx, unit: unit.rows(READ_STATE)) == [(0, 0, "active")]
    assert home.read(lambda ctx, unit: unit.rows(READ_STATE)) == [(0, 0, "active")]
    assert home.read(lambda ctx, unit: unit.rows(sa.text("select 1"))) == [(1,)]
