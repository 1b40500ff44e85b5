"""The counters of automatic numbers, in a tenant's home.

What comes in: object, field and period of a series. What goes out: the table, and `draw`, one statement that counts up
and locks its row until the unit ends, so that parallel creates get different numbers and a rolled back one gives its
number back. Who calls it: the record service, as late as it can; a restored tenant keeps its counters.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fieldstone.objects.types import Field, ObjectType
from fieldstone.platform.database.home import HOME
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Chars
from fieldstone.platform.kernel.context import DialectName, Unit

NUMBER_SERIES = sa.Table(
    "number_series",
    HOME,
    sa.Column("object", Chars(), primary_key=True),
    sa.Column("field", Chars(), primary_key=True),
    sa.Column("period", Chars(), primary_key=True),
    sa.Column("last", sa.BigInteger, nullable=False),
)

_NAMES = ("object", "field", "period")
_ROW = {name: sa.bindparam(name, type_=Chars()) for name in _NAMES}
_ROW["last"] = sa.bindparam("first", type_=sa.BigInteger)
_COUNT_UP = {"last": NUMBER_SERIES.c.last + 1}
_DRAW: Mapping[DialectName, Prepared] = {
    "postgresql": Prepared(
        postgresql_insert(NUMBER_SERIES)
        .values(_ROW)
        .on_conflict_do_update(index_elements=_NAMES, set_=_COUNT_UP)
        .returning(NUMBER_SERIES.c.last)
    ),
    "sqlite": Prepared(
        sqlite_insert(NUMBER_SERIES)
        .values(_ROW)
        .on_conflict_do_update(index_elements=_NAMES, set_=_COUNT_UP)
        .returning(NUMBER_SERIES.c.last)
    ),
}


def draw(unit: Unit, compiled: ObjectType, field: Field, day: date) -> str | None:
    """The next number of a field, drawn on `day` (in the tenant's time zone); None for a field without a series.

    Counters are kept under physical names, so a renamed object or field goes on counting.
    """
    series = field.type.number_series()
    if series is None:
        return None
    names = {"object": compiled.table.name, "field": field.physical, "period": series.period(day)}
    return series.write(int(unit.scalar(_DRAW[unit.dialect], {**names, "first": series.start})), day)
