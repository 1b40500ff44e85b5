"""What time it is for messages, leases and timers.

With the machine's clock everything is decided by the database's (`present`), so that workers' clocks need not agree.
A movable clock, in tests, is bound instead.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from fieldstone.platform.clock import Clock
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.present import present
from fieldstone.platform.database.types import UtcDateTime
from fieldstone.platform.database.unit import SqlUnit

NOW = present(sa.bindparam("now", type_=UtcDateTime()))
_READ = Prepared(sa.select(NOW))


def bound_now(clock: Clock) -> datetime | None:
    """What to bind as `now`: None lets the database decide."""
    return None if clock.is_machine_time else clock.now()


def moment(unit: SqlUnit, clock: Clock) -> datetime:
    """Now, as the database has it."""
    found: datetime = unit.scalar(_READ, {"now": bound_now(clock)})
    return found
