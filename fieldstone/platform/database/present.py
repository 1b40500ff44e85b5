"""The database's own present moment, in SQL: `present(bindparam("now"))` is the bound moment, or now when that is NULL.

So that processes whose clocks differ agree on what is due; tests bind the moment of their movable clock.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from fieldstone.platform.database.types import UtcDateTime


class present(FunctionElement[Any]):  # noqa: N801  (reads as the SQL function it is)
    """The one argument, or now."""

    type = UtcDateTime()
    inherit_cache = True
    name = "present"


@compiles(present, "postgresql")
def _on_postgresql(element: present, compiler: Any, **more: Any) -> str:
    return f"coalesce({compiler.process(element.clauses, **more)}, clock_timestamp())"


@compiles(present, "sqlite")
def _on_sqlite(element: present, compiler: Any, **more: Any) -> str:
    return f"coalesce({compiler.process(element.clauses, **more)}, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))"
