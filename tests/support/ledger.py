"""A small table of a test's own in both tenants' homes: a balance and its entries."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from fieldstone.platform.database.prepared import Prepared
from fieldstone.platform.database.types import (
    Chars,
    Day,
    ExactDecimal,
    Id,
    Json,
    Micros,
    TimeOfDay,
    UtcDateTime,
)
from fieldstone.platform.kernel.ids import new_id
from tests.support.installation import TENANTS, Installation

METADATA = sa.MetaData()

samples = sa.Table(
    "sample",
    METADATA,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("name", Chars()),
    sa.Column("number", sa.BigInteger),
    sa.Column("amount", ExactDecimal(18, 2)),
    sa.Column("huge", ExactDecimal(40, 10)),
    sa.Column("at", UtcDateTime()),
    sa.Column("day", Day()),
    sa.Column("time", TimeOfDay()),
    sa.Column("took", Micros()),
    sa.Column("body", Json()),
    sa.Column("done", sa.Boolean),
    sa.Column("blob", sa.LargeBinary),
    sa.Index(
        "uq_sample_name",
        "name",
        unique=True,
        sqlite_where=sa.text("number > 0"),
        postgresql_where=sa.text("number > 0"),
    ),
    sa.CheckConstraint("number >= 0", name="ck_sample_number"),
)
children = sa.Table(
    "sample_child",
    METADATA,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("sample", sa.ForeignKey("sample.id", name="fk_child_sample"), nullable=False),
)

tree = sa.Table(
    "sample_tree",
    METADATA,
    sa.Column("id", Id(), primary_key=True),
    sa.Column("parent", sa.ForeignKey("sample_tree.id", name="fk_tree_parent")),
)

INSERT_TREE = Prepared(sa.insert(tree))
INSERT = Prepared(sa.insert(samples))
INSERT_CHILD = Prepared(sa.insert(children))
ADD = Prepared(
    sa.update(samples).where(samples.c.id == sa.bindparam("key")).values(number=samples.c.number + sa.bindparam("by"))
)
NUMBER = Prepared(sa.select(samples.c.number).where(samples.c.id == sa.bindparam("key")))
COUNT = Prepared(sa.select(sa.func.count()).select_from(samples))
IN_LIST = Prepared(
    sa.select(samples.c.number).where(samples.c.id.in_(sa.bindparam("keys", expanding=True))).order_by(samples.c.number)
)
ALL = Prepared(sa.select(samples).order_by(samples.c.id))


def install(home: Installation) -> Installation:
    """Make the tables in every tenant, as a publish would."""
    for tenant in TENANTS:
        home.publish(lambda ctx, unit: METADATA.create_all(unit.connection), tenant)
    return home


def sample(**values: Any) -> dict[str, Any]:
    """A row with everything empty but its id."""
    return {**dict.fromkeys(samples.c.keys()), "id": new_id(), "number": 1, "amount": Decimal(0), **values}
