"""Full-text search over the tokens that records keep.

What comes in: what a person typed. What goes out: a condition on the `search` column and its parameters, the same hits
on both databases. PostgreSQL answers from an index over the tokens, SQLite looks through the column. Who calls it:
lists with `q=`, the search over all objects, and `part.py` for the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from fieldstone.objects.definition.ddl import quoted_name
from fieldstone.objects.definition.system_fields import SEARCH_COLUMN
from fieldstone.objects.query.tokens import Term
from fieldstone.objects.sql.terms import Condition, never
from fieldstone.objects.types import ObjectType
from fieldstone.platform.database.types import Chars
from fieldstone.platform.kernel.context import DialectName, Unit
from fieldstone.platform.kernel.metadata import PlanContext, PlanStep

_PARAMETER: Final = "q"


def search_condition(kind: ObjectType, table: sa.FromClause, terms: Sequence[Term], dialect: DialectName) -> Condition:
    """Records that have all terms; the SQL depends on their number only."""
    if SEARCH_COLUMN not in table.c or not terms:
        return never()
    column = table.c[SEARCH_COLUMN]
    if dialect == "postgresql":
        wanted = sa.cast(sa.bindparam(_PARAMETER, type_=sa.Text()), _TsQuery())
        return _tokens(column).op("@@", is_comparison=True)(wanted)
    plain = sa.type_coerce(column, sa.Text())
    return sa.and_(
        *(sa.func.instr(plain, sa.bindparam(f"{_PARAMETER}{index}", type_=Chars())) > 0 for index in range(len(terms)))
    )


def search_parameters(terms: Sequence[Term], dialect: DialectName) -> dict[str, Any]:
    """The parameters of the condition."""
    if dialect == "postgresql":
        # Tokens are letters and digits only, so nothing in them has a meaning to the query language.
        return {_PARAMETER: " & ".join(f"'{term.text}'" + (":*" if term.prefix else "") for term in terms)}
    return {f"{_PARAMETER}{index}": f" {term.text}" + ("" if term.prefix else " ") for index, term in enumerate(terms)}


def _tokens(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    listed = sa.func.string_to_array(sa.func.btrim(column), sa.literal_column("' '"))
    return sa.func.array_to_tsvector(listed)


class _TsQuery(sa.types.UserDefinedType[Any]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "tsquery"


def search_index_steps(old: ObjectType | None, new: ObjectType, context: PlanContext) -> Iterable[PlanStep]:
    """The index over tokens, made with the table."""
    if new.table.name in context.existing() or context.dialect != "postgresql":
        return

    def apply(unit: Unit) -> None:
        table = quoted_name(new.table.name)
        index = quoted_name(f"s_{new.table.name}"[:60])
        tokens = f"array_to_tsvector(string_to_array(btrim({SEARCH_COLUMN}), ' '))"
        unit.run(sa.text(f"CREATE INDEX IF NOT EXISTS {index} ON {table} USING gin ({tokens})"))

    message = "Make {object} searchable."
    yield PlanStep(
        step=f"search {new.name}", step_class="safe", message=message, facts={"object": new.name}, apply=apply
    )
