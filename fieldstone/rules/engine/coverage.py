"""Whether a decision table decides every case, and every case once.

What comes in: a compiled table. What goes out: findings (gaps, overlaps, rows that never win) with the values where
they occur. Who calls it: the check of the `decision_table` kind, at preview.

Each input is cut into regions in which the same rows apply; the table is then checked on every combination of
regions. Inputs with equally treated regions collapse, so that tables of ordinary size need few combinations.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, Literal

from fieldstone.rules.engine.decision import AnyValue, Between, Cell, DecisionTable, OneOf, Rows, TableInput

MAX_COMBINATIONS = 50_000
MAX_EXAMPLES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A set of values of one input that the same rows accept; `words` describe one of them."""

    words: str
    rows: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`gap`: no row decides `case`. `overlap`: rows `row` and `other` both match, with different outputs.
    `unreachable`: `row` never wins. `unchecked`: too many combinations to look at."""

    code: Literal["gap", "overlap", "unreachable", "unchecked"]
    case: str = ""
    row: int = 0
    other: int = 0


def findings(table: DecisionTable) -> Iterator[Finding]:
    """All findings; of gaps only the first few."""
    regions = [tuple(_distinct(column)) for column in table.columns]
    if prod(len(axis) for axis in regions) > MAX_COMBINATIONS:
        yield Finding(code="unchecked")
        return
    winners: Rows = 0
    gaps, overlaps = list[str](), dict[tuple[int, int], str]()
    everything = (1 << len(table.outcomes)) - 1
    for combination in product(*regions):
        rows = everything
        for region in combination:
            rows &= region.rows
        if not rows:
            gaps.append(_case(table, combination))
            continue
        winners |= rows & -rows
        _note_overlaps(table, rows, combination, overlaps)
    if table.default is None:
        yield from (Finding(code="gap", case=case) for case in gaps[:MAX_EXAMPLES])
    for row in range(len(table.outcomes)):
        if not winners & (1 << row):
            yield Finding(code="unreachable", row=row)
    yield from (
        Finding(code="overlap", row=row, other=other, case=case) for (row, other), case in sorted(overlaps.items())
    )


def _note_overlaps(
    table: DecisionTable, rows: Rows, combination: Sequence[Region], overlaps: dict[tuple[int, int], str]
) -> None:
    winner = (rows & -rows).bit_length() - 1
    rest = rows & (rows - 1)
    while rest:
        other = (rest & -rest).bit_length() - 1
        rest &= rest - 1
        pair = (winner, other)
        if pair in overlaps or table.outcomes[winner] == table.outcomes[other]:
            continue
        if not _is_fallback(table, winner, other):
            overlaps[pair] = _case(table, combination)


def _is_fallback(table: DecisionTable, special: int, general: int) -> bool:
    """Whether the later row accepts everything that the earlier one does: then it is meant as "otherwise"."""
    return all(_covers(column.cells[general], column.cells[special]) for column in table.columns)


def _covers(general: Cell, special: Cell) -> bool:
    match general, special:
        case AnyValue(), _:
            return True
        case OneOf(), OneOf():
            return set(special.values) <= set(general.values)
        case Between(), Between():
            low = general.start is None or (special.start is not None and special.start >= general.start)
            high = general.below is None or (special.below is not None and special.below <= general.below)
            return low and high
        case Between(), OneOf():
            return all(value is not None and _inside(general, value) for value in special.values)
        case _:
            return False


def _inside(span: Between, value: Any) -> bool:
    return (span.start is None or value >= span.start) and (span.below is None or value < span.below)


def _case(table: DecisionTable, combination: Sequence[Region]) -> str:
    return ", ".join(f"{column.name} {region.words}" for column, region in zip(table.columns, combination, strict=True))


def _distinct(column: TableInput) -> Iterator[Region]:
    seen: set[Rows] = set()
    for region in _regions(column):
        if region.rows not in seen:
            seen.add(region.rows)
            yield region


def _regions(column: TableInput) -> Iterator[Region]:
    if column.optional:
        yield Region(words="is empty", rows=column.axis.rows(None))
    if column.domain is not None:
        yield from (Region(words=f"= {_word(value)}", rows=column.axis.rows(value)) for value in column.domain)
        return
    exact = [value for value in column.axis.exact if value is not None]
    yield from (Region(words=f"= {_word(value)}", rows=column.axis.rows(value)) for value in exact)
    yield from _open_regions(column, exact)


def _open_regions(column: TableInput, exact: Sequence[Hashable]) -> Iterator[Region]:
    """Everything that is not one of the exact values: the spans between cuts."""
    cuts: Sequence[Any] = column.axis.cuts
    for index, rows in enumerate(column.axis.spans):
        low = cuts[index - 1] if index else None
        high = cuts[index] if index < len(cuts) else None
        if column.whole and low is not None and high is not None and _all_listed(low, high, exact):
            continue
        yield Region(words=_span(low, high), rows=column.axis.free | rows)


def _all_listed(low: Any, high: Any, exact: Sequence[Hashable]) -> bool:
    """Whether each whole number of the span is one of the exact values."""
    values: Sequence[Any] = exact
    return bool(sum(1 for value in values if low <= value < high) == high - low)


def _span(low: Any, high: Any) -> str:
    if low is None and high is None:
        return "= any other value"
    if low is None:
        return f"below {_word(high)}"
    return f"from {_word(low)}" if high is None else f"from {_word(low)} below {_word(high)}"


def _word(value: Hashable) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
