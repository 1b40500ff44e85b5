"""Decision tables: the first row whose conditions all hold gives the outputs.

What comes in: the record as expression variables. What goes out: a `Decision` (which row, which fields get which
values). Who calls it: the `decide` action. A table is compiled to one `Axis` per input, which maps a value to the set
of rows that accept it (a bit per row): deciding takes one look-up per input, however many rows there are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fieldstone.platform.kernel.text import Text
from fieldstone.rules.engine.inputs import Inputs
from fieldstone.rules.engine.paths import record_ids
from fieldstone.rules.engine.run import Rule, value_of
from fieldstone.rules.expressions.compile import Expression
from fieldstone.rules.expressions.context import EvaluationContext

Rows: TypeAlias = int
"""A set of rows: bit i is row i."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyValue:
    """No condition on this input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """The input is one of these values (None: it is empty)."""

    values: tuple[Hashable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """The input is at least `start` and below `below`; None is no bound. An empty input is in no range."""

    start: Any = None
    below: Any = None


Cell: TypeAlias = AnyValue | OneOf | Between


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One input: which rows accept a value.

    `free` are the rows without a condition, `exact` those for a value, `spans[i]` those whose range covers the values
    from `cuts[i - 1]` up to, not including, `cuts[i]`.
    """

    free: Rows
    exact: Mapping[Hashable, Rows]
    cuts: Sequence[Any]
    spans: Sequence[Rows]

    def rows(self, value: Hashable) -> Rows:
        """The rows that accept `value`."""
        found = self.free | self.exact.get(value, 0)
        return found if value is None else found | self.spans[bisect_right(self.cuts, value)]


def axis(cells: Sequence[Cell]) -> Axis:
    """The axis of one input, from the cell of each row in order."""
    cuts = sorted({bound for cell in cells if isinstance(cell, Between) for bound in _bounds(cell)})
    free, exact, spans = 0, dict[Hashable, Rows](), [0] * (len(cuts) + 1)
    for index, cell in enumerate(cells):
        bit = 1 << index
        match cell:
            case AnyValue():
                free |= bit
            case OneOf():
                for value in cell.values:
                    exact[value] = exact.get(value, 0) | bit
            case Between():
                first = 0 if cell.start is None else cuts.index(cell.start) + 1
                last = len(cuts) if cell.below is None else cuts.index(cell.below)
                for span in range(first, last + 1):
                    spans[span] |= bit
    return Axis(free=free, exact=exact, cuts=tuple(cuts), spans=tuple(spans))


def _bounds(cell: Between) -> Iterable[Any]:
    return (bound for bound in (cell.start, cell.below) if bound is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableInput:
    """One column of conditions. `domain`: all values it can have, when known; `optional`: it can be empty."""

    name: str
    expression: Expression
    axis: Axis
    cells: tuple[Cell, ...]
    domain: tuple[Hashable, ...] | None = None
    optional: bool = True
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a table decided: the row (None: the default) and the values of the output fields."""

    row: int | None
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionTable:
    """A published decision table. `outcomes[i]` are the output fields of row i."""

    name: str
    object: str
    label: Text
    columns: tuple[TableInput, ...]
    outcomes: tuple[Mapping[str, Any], ...]
    default: Mapping[str, Any] | None
    inputs: Inputs
    output_fields: tuple[str, ...] = field(default=())

    kind = "decision_table"

    def decide(self, rule: Rule, variables: Mapping[str, Any], context: EvaluationContext) -> Decision | None:
        """The first row that matches, else the default, else None. Raises `RuleFailed` in the name of `rule`."""
        values = [_comparable(value_of(rule, column.expression, variables, context)) for column in self.columns]
        return self.for_values(values)

    def for_values(self, values: Sequence[Hashable]) -> Decision | None:
        """The decision for input values, in order of the columns."""
        rows = (1 << len(self.outcomes)) - 1
        for column, value in zip(self.columns, values, strict=True):
            rows &= column.axis.rows(value)
        if rows:
            row = (rows & -rows).bit_length() - 1
            return Decision(row=row, fields=self.outcomes[row])
        return None if self.default is None else Decision(row=None, fields=self.default)


def _comparable(value: Any) -> Hashable:
    """A record stands for its id."""
    if isinstance(value, Mapping):
        return next(iter(record_ids(value)), None)
    return value  # type: ignore[no-any-return]
