"""What imports and their undoing keep, row by row, in each tenant's home.

`batch` names one import (or one undoing). `outcome` is "created", "updated", "unchanged" or "refused", in an undoing
"conflict"; `problem` tells what was wrong: for refused rows {"cells", "errors"}, for conflicts the fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.platform.database.home import HOME
from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import Chars, Id, Json
from fieldstone.platform.database.unit import SqlUnit

CREATED: Final = "created"
UPDATED: Final = "updated"
UNCHANGED: Final = "unchanged"
REFUSED: Final = "refused"
CONFLICT: Final = "conflict"

IMPORT_ROW = sa.Table(
    "import_row",
    HOME,
    sa.Column("batch", Id(), primary_key=True),
    sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("outcome", Chars(), nullable=False),
    sa.Column("record", Id()),
    sa.Column("problem", Json()),
)

_INSERT = Prepared(sa.insert(IMPORT_ROW), columns=[column.name for column in IMPORT_ROW.c])
_BATCH = IMPORT_ROW.c.batch == sa.bindparam("of_batch", type_=Id())
_AFTER = IMPORT_ROW.c.row > sa.bindparam("after", type_=sa.BigInteger)
_LIMIT = sa.bindparam("most", type_=sa.Integer)
_OUTCOME = IMPORT_ROW.c.outcome == sa.bindparam("what", type_=Chars())
_WITH_OUTCOME = Prepared(
    sa.select(*IMPORT_ROW.c).where(_BATCH, _OUTCOME, _AFTER).order_by(IMPORT_ROW.c.row).limit(_LIMIT)
)
_COUNTS = Prepared(sa.select(IMPORT_ROW.c.outcome, sa.func.count()).where(_BATCH).group_by(IMPORT_ROW.c.outcome))
_FIRST_ROW = sa.func.min(IMPORT_ROW.c.row)
# "created" comes before "updated": a record that was created and then updated was created.
_RECORDS = Prepared(
    sa.select(IMPORT_ROW.c.record, _FIRST_ROW, sa.func.min(IMPORT_ROW.c.outcome))
    .where(_BATCH, IMPORT_ROW.c.outcome.in_([sa.literal_column("'created'"), sa.literal_column("'updated'")]))
    .group_by(IMPORT_ROW.c.record)
    .having(sa.bindparam("after", type_=sa.BigInteger) < _FIRST_ROW)
    .order_by(_FIRST_ROW)
    .limit(_LIMIT)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """What became of one row."""

    batch: str
    row: int
    outcome: str
    record: str | None = None
    problem: Mapping[str, Any] | None = None


def add_rows(unit: SqlUnit, rows: Iterable[ImportRow]) -> None:
    """Keep what became of rows."""
    for row in rows:
        unit.write_later(_INSERT, asdict(row))


def rows_with(unit: SqlUnit, batch: str, outcome: str, after: int, most: int) -> Sequence[ImportRow]:
    """Rows of an outcome, in order, from behind `after`."""
    found = unit.rows(_WITH_OUTCOME, {"of_batch": batch, "what": outcome, "after": after, "most": most})
    return [ImportRow(**dict(zip(IMPORT_ROW.c.keys(), row, strict=True))) for row in found]


def counts(unit: SqlUnit, batch: str) -> Mapping[str, int]:
    """How many rows had which outcome."""
    return {outcome: int(count) for outcome, count in unit.rows(_COUNTS, {"of_batch": batch})}


def records_of(unit: SqlUnit, batch: str, after: int, most: int) -> Iterator[tuple[str, int, str]]:
    """(record, its first row, "created" or "updated") of an import, from behind the row `after`."""
    for record, row, outcome in unit.rows(_RECORDS, {"of_batch": batch, "after": after, "most": most}):
        yield record, int(row), outcome
