"""The tenant home: the tables of everything of one tenant that must commit together.

A home is a PostgreSQL schema or a SQLite file; names carry no schema, the gate chooses it. Each room declares its own
tables on `HOME`. `Table.info` may carry, for export and restore: `"export": "skip"` (sessions, leases) and
`"restore": {column: {old: new}}` (values replaced in a restored copy, so that its outside effects wait).
"""

from __future__ import annotations

import sqlalchemy as sa

from fieldstone.platform.database.prepared import Prepared

HOME = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s__%(column_0_N_name)s",
        "uq": "uq_%(table_name)s__%(column_0_N_name)s",
        "ck": "ck_%(table_name)s__%(constraint_name)s",
        "fk": "fk_%(table_name)s__%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# One row. `version` is the published metadata version; `access_version` grows with every change of users, roles,
# tokens, sessions or sharing, and what is cached about people is cached under it.
tenant_state = sa.Table(
    "tenant_state",
    HOME,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("access_version", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
)

READ_STATE = Prepared(sa.select(tenant_state.c.version, tenant_state.c.access_version, tenant_state.c.state))
BUMP_ACCESS = Prepared(sa.update(tenant_state).values(access_version=tenant_state.c.access_version + 1))
SET_VERSION = Prepared(sa.update(tenant_state).values(version=sa.bindparam("new_version")))
SET_STATE = Prepared(
    sa.update(tenant_state).values(state=sa.bindparam("new_state"), access_version=tenant_state.c.access_version + 1)
)

# The revision of the migrations that a home made today is at.
HOME_REVISION = "0001"

sa.Table("alembic_version", HOME, sa.Column("version_num", sa.String(32), primary_key=True), info={"export": "skip"})

# The first rows of every home, as SQL that both databases take.
FIRST_ROWS = f"""
INSERT INTO tenant_state (id, version, access_version, state) VALUES (1, 0, 0, 'active');
INSERT INTO alembic_version (version_num) VALUES ('{HOME_REVISION}');
"""  # noqa: S608  (constants)
