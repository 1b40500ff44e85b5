"""Conditions of metadata on the rows of an object, ready for a query.

What comes in: a checked expression. What goes out: `RowCondition`, which evaluates its given parts once per call and
gives SQL for a table. Who calls it: row access, filters of lookups and roll-ups, filters of lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from fieldstone.objects.sql.compiler import Compiler, Rows
from fieldstone.objects.sql.givens import GivenParts
from fieldstone.objects.sql.rows import Objects, RowFilter, Subqueries, TableRows, all_rows
from fieldstone.objects.sql.terms import Condition
from fieldstone.objects.types import ObjectType
from fieldstone.platform.kernel.context import DialectName
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.context import EvaluationContext


class RowCondition:
    """A condition on the rows of `kind`. `prefix` keeps its parameters apart from those of other conditions."""

    def __init__(self, expression: Expression, kind: ObjectType, prefix: str) -> None:
        self.expression = expression
        self.kind = kind
        self._givens = GivenParts(expression.tree, lambda path: path[0] in kind.fields, prefix)

    def parameters(self, variables: Mapping[str, Any], context: EvaluationContext) -> dict[str, Any]:
        """Values for the parameters of the SQL. `variables` holds the names that are no fields (`user`, `record`)."""
        return self._givens.values(variables, context)

    def nulls(self, parameters: Mapping[str, Any]) -> frozenset[str]:
        """The parameters without a value: the SQL differs by them."""
        return self._givens.nulls(parameters)

    def over(self, rows: Rows, dialect: DialectName, nulls: frozenset[str]) -> Condition:
        """The condition over rows that the caller joins. Raises `NotInSql`."""
        compiler = Compiler(rows, self._givens.compiling(nulls, dialect), dialect)
        return compiler.condition(self.expression.tree)

    def on(
        self,
        table: sa.FromClause,
        objects: Objects,
        dialect: DialectName,
        nulls: frozenset[str],
        rows: RowFilter = all_rows,
    ) -> Condition:
        """The condition on `table` alone, without joins around it. Raises `NotInSql`."""
        follow = Subqueries(rows)
        return self.over(TableRows(objects, self.kind, table, dialect, follow, rows), dialect, nulls)
