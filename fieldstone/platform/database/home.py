"""The tables of a tenant home.

Every fixed table that commits together with a tenant's data is declared on `HOME` by the room that owns it.
No schema appears in names: the connection decides whose home it is. Called by tenancy, which creates them all.
"""

from __future__ import annotations

import sqlalchemy as sa

HOME = sa.MetaData()
